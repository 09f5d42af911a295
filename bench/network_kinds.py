"""Simulated networks of the five kinds on which the network kernels are tested and timed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
KINDS = ("random", "hub", "star", "path", "ring")
HUBS = 20
REGIONS = 200
BRIDGES = 2


def pairs(kind: str, *, labs: int, pairs: int, seed: int = 1) -> tuple[Ints, Ints]:
    """Pairs of laboratories in random order: at random; with one of 20 hubs; with one centre; along a path; or within 200
    regions that stand in a ring, two pairs between neighbours. Every laboratory has a pair where there are pairs enough."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    if kind == "random":
        a, b = rng.integers(0, labs, pairs), rng.integers(0, labs - 1, pairs)
        b += b >= a
    elif kind == "hub":
        a, b = np.resize(np.arange(HUBS, labs), pairs), rng.integers(0, HUBS, pairs)
    elif kind == "star":
        a, b = np.resize(np.arange(1, labs), pairs), np.zeros(pairs, np.int64)
    elif kind == "path":
        a = np.resize(np.arange(labs - 1), pairs)
        b = a + 1
    else:
        first = np.arange(REGIONS + 1) * labs // REGIONS
        size = np.diff(first)
        near = np.resize(np.arange(REGIONS), BRIDGES * REGIONS)
        far = (near + 1) % REGIONS
        region = np.resize(np.flatnonzero(size > 1), pairs - len(near))
        a, b = rng.integers(0, size[region]), rng.integers(0, size[region] - 1)
        b += b >= a
        a = np.concatenate([first[region] + a, first[near] + rng.integers(0, size[near])])
        b = np.concatenate([first[region] + b, first[far] + rng.integers(0, size[far])])
    swap = rng.random(pairs) < 0.5
    name = rng.permutation(labs)  # no order of the laboratories gives the structure away
    shuffled = rng.permutation(pairs)
    return name[np.where(swap, b, a)][shuffled], name[np.where(swap, a, b)][shuffled]


def simulated(kind: str, *, labs: int, pairs_: int, seed: int = 1) -> tuple[Ints, Ints, Floats, Floats]:
    """Pairs with differences: biases N(0, 1), errors N(0, 1/weight), 5 % of them ten times larger; weights 0.5 … 2."""
    a, b = pairs(kind, labs=labs, pairs=pairs_, seed=seed)
    rng = np.random.default_rng([seed, 100])
    bias, weight = rng.normal(size=labs), rng.uniform(0.5, 2.0, pairs_)
    error = rng.normal(size=pairs_) / np.sqrt(weight) * np.where(rng.random(pairs_) < 0.05, 10.0, 1.0)
    return a, b, bias[a] - bias[b] + error, weight
