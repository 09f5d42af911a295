"""The laboratories of a simulated network: who they are, what they may test, and what is truly wrong with them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labqa.simulate.card import Card
from labqa.simulate.catalogue import Catalogue
from labqa.simulate.randomness import Array, Index, Mask, stream, truncated_normal


@dataclass(frozen=True)
class Population:
    """Laboratories; arrays have one entry a lab unless stated. `bias` is labs × items in σR, `families` labs × families.

    `fault` is "" or the planted kind and `size` its size; `ratio` multiplies every within-laboratory effect; `u_factor` is the
    standard uncertainty that the laboratory states, in σR, NaN if it states none.
    """

    codes: list[str]
    region: Index
    owner: Index
    families: Mask
    small: Mask
    new: Mask
    blameless: Mask
    fault: list[str]
    size: Array
    mean_bias: Array
    bias: Array
    ratio: Array
    u_factor: Array

    @property
    def faultless(self) -> Mask:
        """Laboratories to which no chance fault may happen: the blameless and the planted, whose truth stays as stated."""
        return self.blameless | self.planted

    @property
    def planted(self) -> Mask:
        """Laboratories with a planted fault."""
        return np.array([fault != "" for fault in self.fault])

    def with_fault(self, kind: str) -> Index:
        """Laboratories with that planted fault."""
        return np.array([k for k, fault in enumerate(self.fault) if fault == kind], dtype=np.int64)


def populate(card: Card, catalogue: Catalogue, *, seed: int) -> Population:
    """The laboratories of the card: places, capabilities and truth drawn from their own streams."""
    rng, n = stream(seed, "labs"), card.labs.n
    order = rng.permutation(n)
    faults = [(one.kind, size) for one in card.planted for size in one.sizes]
    bounds = np.cumsum([len(faults), card.labs.blameless, card.labs.new, card.labs.small])
    planted, blameless, new, small = np.split(order, bounds)[:4]
    fault, size = [""] * n, np.zeros(n)
    for lab, (kind, one) in zip(planted, faults, strict=True):
        fault[lab], size[lab] = kind, one
    mean_bias, bias, ratio = _truth(card, catalogue, blameless, fault, size, seed)
    return Population(
        codes=[f"L{k + 1:0{len(str(n))}d}" for k in range(n)],
        region=rng.integers(0, len(card.labs.regions), n),
        owner=_owners(card, rng),
        families=_capabilities(card, catalogue, rng),
        small=_marked(n, small),
        new=_marked(n, new),
        blameless=_marked(n, blameless),
        fault=fault,
        size=size,
        mean_bias=mean_bias,
        bias=bias,
        ratio=ratio,
        u_factor=_uncertainties(card, seed),
    )


def _uncertainties(card: Card, seed: int) -> Array:
    """What each laboratory states as u, in σR: about 0.7, or nothing at all (NaN) for four in ten."""
    rng, n = stream(seed, "uncertainties"), card.labs.n
    return np.where(rng.random(n) < 0.6, 0.7 * np.exp(rng.normal(0.0, 0.3, n)), np.nan)


def _marked(n: int, chosen: Index) -> Mask:
    marks = np.zeros(n, dtype=bool)
    marks[chosen] = True
    return marks


def _owners(card: Card, rng: np.random.Generator) -> Index:
    """Number of the group that owns a laboratory; −1 for a laboratory of its own."""
    owner = np.full(card.labs.n, -1, dtype=np.int64)
    members = rng.permutation(card.labs.n)[: card.labs.groups * card.labs.group_size]
    owner[members] = np.arange(len(members)) // max(card.labs.group_size, 1)
    return owner


def _capabilities(card: Card, catalogue: Catalogue, rng: np.random.Generator) -> Mask:
    """Which families each laboratory may test: a number between the card's bounds, drawn at random."""
    shape = (card.labs.n, len(catalogue.families))
    low, high = (min(bound, shape[1]) for bound in card.labs.families)
    wanted = rng.integers(low, high + 1, card.labs.n)
    return np.asarray(rng.random(shape).argsort(axis=1).argsort(axis=1) < wanted[:, None])


def _truth(
    card: Card, catalogue: Catalogue, blameless: Index, fault: list[str], size: Array, seed: int
) -> tuple[Array, Array, Array]:
    """Mean bias m, lab × item bias m + g, and precision ratio of every laboratory, in σR and as a ratio."""
    rng, n, effects = stream(seed, "biases"), card.labs.n, card.effects
    mean = rng.normal(0.0, effects.lab_mean, n)
    own = rng.normal(0.0, effects.lab_item, (n, len(catalogue.codes)))
    # E[ratio²] = 1, so that the card's variances hold in the mean over laboratories
    ratio = np.exp(rng.normal(-(effects.precision_spread**2), effects.precision_spread, n))

    bound = np.full(len(blameless), card.blameless.bound)
    mean[blameless] = truncated_normal(rng, effects.lab_mean, -bound, bound)
    room = np.broadcast_to(mean[blameless][:, None], own[blameless].shape)
    own[blameless] = truncated_normal(rng, effects.lab_item, -bound[:, None] - room, bound[:, None] - room)
    ratio[blameless] = np.minimum(ratio[blameless], card.blameless.precision)

    for lab, kind in enumerate(fault):
        if kind == "bias_mean":
            mean[lab] = size[lab]
        elif kind == "bias_items":
            mean[lab], own[lab] = 0.0, _alternating(catalogue) * size[lab]
        elif kind == "imprecise":
            ratio[lab] = size[lab]
    bias = mean[:, None] + own
    # rounding of m + g must not carry a blameless laboratory over the bound by one bit
    bias[blameless] = np.clip(bias[blameless], -card.blameless.bound, card.blameless.bound)
    return mean, bias, ratio


def _alternating(catalogue: Catalogue) -> Array:
    """+1 and −1 in turn within each family, 0 for the last of an odd number: mean 0 in every family."""
    signs = np.zeros(len(catalogue.codes))
    for slots in catalogue.slots:
        present = slots[slots >= 0]
        paired = present[: len(present) // 2 * 2]
        signs[paired] = np.where(np.arange(len(paired)) % 2 == 0, 1.0, -1.0)
    return signs
