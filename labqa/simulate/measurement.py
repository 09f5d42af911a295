"""What the laboratories measure: true levels, the effects of laboratory, sample, run and error, and chance faults."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labqa.simulate.card import Card
from labqa.simulate.catalogue import Catalogue, locations
from labqa.simulate.design import SampleSet, TestSet
from labqa.simulate.population import Population
from labqa.simulate.randomness import Array, Index, Mask, heavy_tailed, stream

SLIPS = (1000.0, 0.001, 10.0, 0.1)


@dataclass(frozen=True)
class World:
    """The true state of things: samples with their levels (samples × slots), and the shared run effects (labs × runs, σR)."""

    card: Card
    catalogue: Catalogue
    people: Population
    samples: SampleSet
    level: Array
    runs: Array

    def family(self, sample: Index) -> Index:
        """The family of each of these samples."""
        return np.asarray(self.catalogue.product_family[self.samples.product[sample]])

    def sigma(self, item: Index, level: Array) -> Array:
        """True σR of these items at these levels: constant + slope × level on ratio and count scales, else the constant."""
        by_level = self.catalogue.of_scale("ratio", "count")[item]
        return np.asarray(
            self.catalogue.sigma_constant[item] + self.catalogue.sigma_slope[item] * np.where(by_level, level, 0.0)
        )


@dataclass(frozen=True)
class Rows:
    """Measured results before they become text, one entry each; `y` is on the scale of the item, latent for grades.

    `slip` is the power of ten of a unit slip, 0 for none.
    """

    test: Index
    slot: Index
    sample: Index
    lab: Index
    item: Index
    y: Array
    sigma: Array
    slip: Index


def world(card: Card, catalogue: Catalogue, people: Population, samples: SampleSet, *, seed: int) -> World:
    """Draws the true level of every sample and item, and the effect of every laboratory and run."""
    n_days = 366 * card.n_years + 300
    runs = stream(seed, "runs").normal(0.0, card.effects.lab_run, (card.labs.n, n_days // card.run_days + 1))
    return World(card, catalogue, people, samples, _levels(card, catalogue, samples, seed), runs)


def _levels(card: Card, catalogue: Catalogue, samples: SampleSet, seed: int) -> Array:
    """True values, samples × slots: lognormal for ratio and count, normal otherwise; comparison samples lie above 3 LOQ."""
    items = catalogue.slots[catalogue.product_family[samples.product]]
    centre = locations(catalogue, card)[items, samples.year[:, None]]
    level: Array = centre + catalogue.spread[items] * _shaped(card.truths, items.shape, stream(seed, "levels"))
    positive = catalogue.of_scale("ratio", "count")[items]
    level[positive] = np.exp(level[positive])
    return np.where(samples.is_pt[:, None], np.maximum(level, np.where(positive, 3 * catalogue.loq[items], -np.inf)), level)


def _shaped(truths: str, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Draws of mean 0 and SD 1: normal; skewed, a gamma distribution of shape 1.5; bimodal, 0.7 N(−0.6, 0.4²) and
    0.3 N(1.4, 0.4²)."""
    if truths == "skewed":
        return np.asarray((rng.standard_gamma(1.5, shape) - 1.5) / np.sqrt(1.5))
    if truths == "bimodal":
        return np.where(rng.random(shape) < 0.7, -0.6, 1.4) + 0.4 * rng.standard_normal(shape)
    return np.asarray(rng.standard_normal(shape))


def measure(world: World, tests: TestSet, *, seed: int, part: str) -> Rows:
    """Results of these tests, with the chance faults of ordinary laboratories.

    y = true + σR(true) · (m_lab + g_lab,item + ratio_lab · (sample×lab + run + error) + portion − lost since sampling)
    """
    rng, card, people = stream(seed, part), world.card, world.people
    test, slot = np.nonzero(tests.slots)
    sample, lab = tests.sample[test], tests.lab[test]
    item = world.catalogue.slots[world.family(sample), slot]
    level = world.level[_tested_sample(world, tests, rng)[test], slot]
    sigma = world.sigma(item, level)
    within = rng.normal(0.0, card.effects.sample_lab, len(tests.sample))[test]
    within += world.runs[tests.lab, tests.day // card.run_days][test]
    within += card.effects.error * heavy_tailed(rng, len(test), card.effects.error_df)
    effect = people.bias[lab, item] + people.ratio[lab] * within
    effect += rng.normal(0.0, card.effects.heterogeneity, len(test))
    prone = ~people.faultless[lab]
    effect += _gross(card, prone & _careless(card, seed)[lab], rng)
    if card.effects.degradation:
        effect -= _degraded(world, sample, item, tests.day[test])
    y = level + sigma * effect
    slip = _slips(world, item, prone, rng)
    return Rows(test, slot, sample, lab, item, y * 10.0**slip, sigma, slip)


def _degraded(world: World, sample: Index, item: Index, day: Index) -> Array:
    """What each result's portion has lost since its sample was drawn, in σR."""
    loses = np.isin(world.catalogue.codes, world.card.effects.degrading)[item] & ~world.samples.is_pt[sample]
    return np.where(loses, world.card.effects.degradation * (day - world.samples.drawn[sample]), 0.0)


def _tested_sample(world: World, tests: TestSet, rng: np.random.Generator) -> Index:
    """The sample that each test really measured: two tests of one lab, product and programme part may swap theirs."""
    order = np.lexsort((tests.sample, world.samples.product[tests.sample], tests.lab))
    first, second = order[:-1:2], order[1::2]
    alike = (tests.lab[first] == tests.lab[second]) & ~world.people.faultless[tests.lab[first]]
    alike &= world.samples.product[tests.sample[first]] == world.samples.product[tests.sample[second]]
    alike &= (tests.slots[first] <= world.samples.slots[tests.sample[second]]).all(axis=1)
    alike &= (tests.slots[second] <= world.samples.slots[tests.sample[first]]).all(axis=1)
    swapped = alike & (rng.random(len(first)) < world.card.faults.swap)
    measured = tests.sample.copy()
    measured[first[swapped]] = tests.sample[second[swapped]]
    measured[second[swapped]] = tests.sample[first[swapped]]
    return measured


def _careless(card: Card, seed: int) -> Mask:
    """Laboratories to which gross errors happen: the card's share of all."""
    return np.asarray(stream(seed, "careless").random(card.labs.n) < card.faults.gross_labs)


def _gross(card: Card, prone: Mask, rng: np.random.Generator) -> Array:
    """Gross errors in σR: positive with the card's chance, size uniform between its bounds; 0 for all other results."""
    faults = card.faults
    hit = prone & (rng.random(len(prone)) < faults.gross / max(faults.gross_labs, 1e-9))
    size = rng.uniform(*faults.gross_size, len(prone))
    size *= np.where(rng.random(len(prone)) < 1.0 - faults.gross_up, -1.0, 1.0)
    return np.where(hit, size, 0.0)


def _slips(world: World, item: Index, prone: Mask, rng: np.random.Generator) -> Index:
    """Power of ten by which a result on a ratio scale is off: 3, −3, 1 or −1; 0 for all other results."""
    hit = prone & world.catalogue.of_scale("ratio")[item] & (rng.random(len(item)) < world.card.faults.unit_slip)
    return np.where(hit, np.rint(np.log10(SLIPS)).astype(np.int64)[rng.integers(0, len(SLIPS), len(item))], 0)
