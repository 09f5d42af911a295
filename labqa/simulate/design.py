"""Who tests what: samples with their laboratories, comparison rounds, and the choice of retest laboratories."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labqa.simulate.card import Card
from labqa.simulate.catalogue import Catalogue
from labqa.simulate.population import Population
from labqa.simulate.randomness import Index, Mask, stream

TRIGGERS = ("planned", "objection", "expert")
BATCHES = 4
"""Rounds of sampling in a year."""


@dataclass(frozen=True)
class SampleSet:
    """Samples, one entry each: product, year (0 = the first), round within it, day drawn (0 = 1 January of the first year)."""

    product: Index
    year: Index
    batch: Index
    drawn: Index
    slots: Mask
    is_pt: Mask


@dataclass(frozen=True)
class TestSet:
    """Tests of one laboratory on one sample; `slots` says which of the family's items were reported."""

    sample: Index
    lab: Index
    day: Index
    slots: Mask
    trigger: Index


def originals(card: Card, catalogue: Catalogue, people: Population, *, seed: int) -> tuple[SampleSet, TestSet, Index]:
    """Samples of the spot checks with the laboratory that tests each first, and the laboratory or body that drew it.

    Sampling and testing are done by different bodies, but for a laboratory that draws its own samples; −1: a body of its own.
    """
    rng, n = stream(seed, "originals"), card.labs.n
    per_year = rng.integers(card.samples_per_lab_year[0], card.samples_per_lab_year[1] + 1, (n, card.n_years))
    per_year[people.small] = np.minimum(per_year[people.small], 2)
    per_year[people.new, :-1] = 0
    lab = np.repeat(np.arange(n), per_year.sum(axis=1))
    year = np.repeat(np.tile(np.arange(card.n_years), n), per_year.ravel())
    strange = (rng.random(len(lab)) < card.faults.out_of_scope) & ~people.faultless[lab]
    family = _family_of(rng, people.families[lab] ^ strange[:, None])
    product = _product_of(rng, family, catalogue)
    within = rng.integers(0, 300, len(lab))
    order = np.lexsort((lab, within, year))
    lab, year, product, within = lab[order], year[order], product[order], within[order]
    drawn = _first_day(card, year) + within
    samples = SampleSet(
        product, year, within * BATCHES // 300, drawn, catalogue.product_slots[product], np.zeros(len(lab), dtype=bool)
    )
    tests = TestSet(np.arange(len(lab)), lab, drawn + rng.integers(4, 26, len(lab)), samples.slots, np.full(len(lab), -1))
    return samples, tests, _samplers(rng, lab, people)


def _first_day(card: Card, year: Index) -> Index:
    """Days from 1 January of the first year to that of each year."""
    starts = np.array([np.datetime64(f"{card.first_year + k}-01-01") for k in range(card.n_years)])
    return np.asarray((starts - starts[0]).astype(np.int64)[year])


def _family_of(rng: np.random.Generator, allowed: Mask) -> Index:
    return np.asarray(np.where(allowed, rng.random(allowed.shape), -1.0).argmax(axis=1))


def _product_of(rng: np.random.Generator, family: Index, catalogue: Catalogue) -> Index:
    """A product of the family, each as likely as the next; products of a family lie side by side."""
    n_products = np.bincount(catalogue.product_family, minlength=len(catalogue.families))
    first = np.cumsum(n_products) - n_products
    return np.asarray(first[family] + rng.integers(0, n_products[family]))


def _samplers(rng: np.random.Generator, lab: Index, people: Population) -> Index:
    """Another laboratory for half of the samples, else a body of its own (−1); itself where that fault is planted."""
    n = len(people.codes)
    other = (lab + rng.integers(1, max(n, 2), len(lab))) % n
    sampler = np.where(rng.random(len(lab)) < 0.5, other, -1)
    for culprit in people.with_fault("self_sampler"):
        own = (lab == culprit) & (rng.random(len(lab)) < people.size[culprit])
        sampler[own] = culprit
    return np.asarray(sampler)


def rounds(card: Card, catalogue: Catalogue, people: Population, *, seed: int) -> tuple[SampleSet, TestSet, Mask]:
    """Comparison rounds: one sample each, the laboratories that took part, and whether it has an assigned value."""
    rng, n_families = stream(seed, "rounds"), len(catalogue.families)
    per_year = n_families * card.rounds.per_family_year
    family = np.tile(np.repeat(np.arange(n_families), card.rounds.per_family_year), card.n_years)
    year = np.repeat(np.arange(card.n_years), per_year)
    batch = np.tile(np.arange(card.rounds.per_family_year), card.n_years * n_families)
    drawn = _first_day(card, year) + 20 + batch * (300 // max(card.rounds.per_family_year, 1))
    present = catalogue.slots[family] >= 0
    wanted = rng.integers(card.rounds.items[0], card.rounds.items[1] + 1, len(family))
    keys = np.where(present, rng.random(present.shape), 2.0)
    slots = (keys.argsort(axis=1).argsort(axis=1) < wanted[:, None]) & present
    samples = SampleSet(_product_of(rng, family, catalogue), year, batch, drawn, slots, np.ones(len(family), dtype=bool))
    sample, lab = _participants(card, people, family, year, rng)
    day = drawn[sample] + rng.integers(7, 29, len(sample))
    tests = TestSet(sample, lab, day, slots[sample], np.full(len(sample), -1))
    return samples, tests, rng.random(len(family)) < card.rounds.assigned


def _participants(card: Card, people: Population, family: Index, year: Index, rng: np.random.Generator) -> tuple[Index, Index]:
    """Each laboratory takes part in its number of rounds a year, drawn among those of its families."""
    low, high = card.rounds.per_lab_year
    wanted = rng.integers(low, high + 1, (card.labs.n, card.n_years))
    wanted[people.small] = low
    wanted[people.new, :-1] = 0
    found = []
    for one in range(card.n_years):
        columns = np.flatnonzero(year == one)
        keys = np.where(people.families[:, family[columns]], rng.random((card.labs.n, len(columns))), 2.0)
        taken = (keys.argsort(axis=1).argsort(axis=1) < wanted[:, [one]]) & (keys < 2.0)
        lab, column = np.nonzero(taken)
        found.append(np.stack([columns[column], lab]))
    sample, lab = np.concatenate(found, axis=1)
    order = np.lexsort((lab, sample))
    return sample[order], lab[order]


def choose_labs(
    card: Card, people: Population, family: Index, year: Index, first: Index, second: Index | None, rng: np.random.Generator
) -> Index:
    """A laboratory able to test each sample, by the card's network style, neither `first` nor `second`; −1: none was found."""
    chosen = np.full(len(first), -1, dtype=np.int64)
    near = rng.random(len(first)) >= card.network.bridge
    hub = rng.random(len(first)) < card.network.hub_share
    for one in np.unique(family):
        for last_year in (False, True):
            at = np.flatnonzero((family == one) & ((year == card.n_years - 1) == last_year))
            able = np.flatnonzero(people.families[:, one] & (~people.new | last_year))
            if card.network.style == "regional":
                for region in np.unique(people.region[first[at]]):
                    local = at[near[at] & (people.region[first[at]] == region)]
                    chosen[local] = _pick(rng, able[people.region[able] == region], first[local])
            if card.network.style == "hubs":
                centres = at[hub[at]]
                chosen[centres] = _pick(rng, able[: card.network.hubs], first[centres])
            if card.network.style == "sparse" and len(able) > 1:
                chosen[at] = _neighbour(rng, able, first[at], family=int(one), reach=card.network.partners)
            rest = at[chosen[at] < 0]
            chosen[rest] = _pick(rng, able, first[rest])
    if second is not None:
        chosen[chosen == second] = -1
    return chosen


def _neighbour(rng: np.random.Generator, able: Index, first: Index, *, family: int, reach: int) -> Index:
    """For each entry one of the `reach` laboratories next to it on the family's circle; −1 for one that is not on it."""
    circle = able[stream(family, "circles").permutation(len(able))]
    place = np.full(int(max(able.max(), first.max(initial=0))) + 1, -1)
    place[circle] = np.arange(len(circle))
    step = rng.integers(1, min(reach, len(circle) - 1) + 1, len(first))
    return np.where(place[first] >= 0, circle[(place[first] + step) % len(circle)], -1)


def _pick(rng: np.random.Generator, able: Index, avoid: Index) -> Index:
    """One of `able` for each entry, uniformly among those other than `avoid`; −1 where there is none."""
    position = np.searchsorted(able, avoid)
    is_in = np.zeros(len(avoid), dtype=bool)
    inside = position < len(able)
    is_in[inside] = able[position[inside]] == avoid[inside]
    n_left = len(able) - is_in
    drawn = (rng.random(len(avoid)) * n_left).astype(np.int64)
    drawn += is_in & (drawn >= position)
    chosen = np.full(len(avoid), -1, dtype=np.int64)
    chosen[n_left > 0] = able[drawn[n_left > 0]]
    return chosen
