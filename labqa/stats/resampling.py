"""Poisson bootstrap whose weights belong to the sample: a sample's weight depends on its key, replicate and seed alone.

A replicate gives every sample (not every result: results of a sample share errors) a weight drawn from Poisson(1). As the
draw is a hash of (seed, key, replicate), no order of rows, division of the work, or presence of other samples changes it;
NumPy's and SciPy's generators give draws in order of asking.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labqa.stats.kernels import kernel

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Keys = NDArray[np.uint64]
Weights = NDArray[np.uint8]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def _thresholds() -> NDArray[np.uint64]:
    """⌊2⁶⁴ P(Poisson(1) ≤ k)⌋ for k = 0, 1, …, exactly, as long as it is below 2⁶⁴ − 1."""
    terms = [Fraction(1, math.factorial(i)) for i in range(40)]
    euler, total, found = sum(terms), Fraction(0), []
    for term in terms:
        total += term
        bound = int(total / euler * 2**64)
        if bound >= 2**64 - 1:
            break
        found.append(bound)
    return np.array(found, dtype=np.uint64)


POISSON_THRESHOLDS = _thresholds()
"""A draw u of 64 random bits is the weight k with as many thresholds ≤ u."""


def keys_of(names: Iterable[str]) -> Keys:
    """64-bit key of each name (a sample's id): the first 8 bytes of its SHA-256, so the same on every machine.

    Two of 100,000 samples share a key, and then their weights, with probability 3 · 10⁻¹⁰.
    """
    digests = b"".join(hashlib.sha256(name.encode("utf-8")).digest()[:8] for name in names)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


@kernel
def _mixed(state):  # type: ignore[no-untyped-def]  # pragma: no cover
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


@kernel
def _bits(keys, seed, first, last):  # type: ignore[no-untyped-def]  # pragma: no cover
    out = np.empty((len(keys), last - first), dtype=np.uint64)
    for i in range(len(keys)):
        state = _mixed(keys[i] ^ _mixed(seed))
        for r in range(last - first):
            out[i, r] = _mixed(state + np.uint64(first + r + 1) * _GOLDEN)
    return out


@kernel
def _weights(keys, seed, first, last, thresholds):  # type: ignore[no-untyped-def]  # pragma: no cover
    out = np.empty((len(keys), last - first), dtype=np.uint8)
    above0, above1, above2, above3 = thresholds[0], thresholds[1], thresholds[2], thresholds[3]
    for i in range(len(keys)):
        state = _mixed(keys[i] ^ _mixed(seed))
        for r in range(last - first):
            drawn = _mixed(state + np.uint64(first + r + 1) * _GOLDEN)
            weight = int(drawn >= above0) + int(drawn >= above1) + int(drawn >= above2)  # 98 % of draws, without a branch
            if drawn >= above3:
                weight = 4
                while weight < len(thresholds) and drawn >= thresholds[weight]:
                    weight += 1
            out[i, r] = weight
    return out


def random_bits(keys: ArrayLike, *, seed: int, replicates: int, first: int = 0) -> NDArray[np.uint64]:
    """64 random bits for each key (row) and replicate first, first + 1, … (column): the SplitMix64 stream of hash(key, seed).

    Its outputs are counted from the state, so that any of them is had without those before (Steele, Lea & Flood 2014,
    doi:10.1145/2660193.2660195). ValueError if seed, replicates or first is negative.
    """
    return np.asarray(_bits(_checked(keys, seed, replicates, first), np.uint64(seed), first, first + replicates))


def poisson_weights(keys: ArrayLike, *, seed: int, replicates: int, first: int = 0) -> Weights:
    """Poisson(1) weight of each sample (row, by its key) in replicates first, first + 1, … (column).

    Mean 1 and variance 1, by inversion of 64 bits with exact thresholds. Compute them in chunks of samples or replicates as
    memory asks: the bits are the same. A replicate in which all weights of a small set are 0 occurs with probability e⁻ⁿ.
    ValueError if seed, replicates or first is negative.
    """
    checked = _checked(keys, seed, replicates, first)
    return np.asarray(_weights(checked, np.uint64(seed), first, first + replicates, POISSON_THRESHOLDS))


def _checked(keys: ArrayLike, seed: int, replicates: int, first: int) -> Keys:
    if min(seed, replicates, first) < 0:
        raise ValueError("seed, number of replicates and first replicate must not be negative")
    return np.ascontiguousarray(keys, dtype=np.uint64)


class Entries(NamedTuple):
    """Sums of one laboratory over one sample, laboratory after laboratory: laboratory g has offsets[g]:offsets[g + 1]."""

    sample: Integers
    numerator: Floats
    denominator: Floats
    offsets: Integers


@kernel
def _stable_order(group, groups, order):  # type: ignore[no-untyped-def]  # pragma: no cover
    start = np.zeros(groups + 1, dtype=np.int64)
    for i in range(len(group)):
        start[group[i] + 1] += 1
    start = np.cumsum(start)
    out = np.empty(len(order), dtype=np.int64)
    for i in order:
        out[start[group[i]]] = i
        start[group[i]] += 1
    return out


@kernel
def _entries(lab, sample, numerator, denominator, labs, samples):  # type: ignore[no-untyped-def]  # pragma: no cover
    order = _stable_order(lab, labs, _stable_order(sample, samples, np.arange(len(lab))))
    of, over, under = np.empty(len(lab), dtype=np.int64), np.empty(len(lab)), np.empty(len(lab))
    offsets = np.zeros(labs + 1, dtype=np.int64)
    m = 0
    for k in range(len(order)):
        i = order[k]
        if k == 0 or lab[i] != lab[order[k - 1]] or sample[i] != of[m - 1]:
            of[m], over[m], under[m] = sample[i], 0.0, 0.0
            offsets[lab[i] + 1] += 1
            m += 1
        over[m - 1] += numerator[i]
        under[m - 1] += denominator[i]
    return of[:m], over[:m], under[:m], np.cumsum(offsets)


def sums_by_lab_and_sample(
    lab: Integers, sample: Integers, numerator: Floats, denominator: Floats, *, labs: int, samples: int
) -> Entries:
    """Sums of `numerator` and `denominator` over the rows of each laboratory × sample, sorted by laboratory, then sample.

    `lab` and `sample` (rows) number laboratories from 0 to labs − 1 and samples from 0 to samples − 1; a pair of two
    laboratories is two rows. Counting sort, then sums in the order of the rows: give these in the order of their key, and the
    samples their numbers in the order of theirs, and the bits do not depend on how the rows came.
    ValueError for a number out of range.
    """
    lab, sample = np.asarray(lab, dtype=np.int64), np.asarray(sample, dtype=np.int64)
    for number, many in ((lab, labs), (sample, samples)):
        if number.size and (int(number.min()) < 0 or int(number.max()) >= many):
            raise ValueError("a laboratory or a sample has a number out of range")
    columns = (np.ascontiguousarray(a, dtype=np.float64) for a in (numerator, denominator))
    return Entries(*_entries(lab, sample, *columns, labs, samples))


@kernel
def _weighted_ratios(weights, sample, numerator, denominator, offsets):  # type: ignore[no-untyped-def]  # pragma: no cover
    groups, replicates = len(offsets) - 1, weights.shape[1]
    out = np.empty((groups, replicates))
    over, under = np.empty(replicates), np.empty(replicates)
    for g in range(groups):
        over[:] = 0.0
        under[:] = 0.0
        for e in range(offsets[g], offsets[g + 1]):
            row, a, b = weights[sample[e]], numerator[e], denominator[e]
            for r in range(replicates):
                weight = float(row[r])
                over[r] += weight * a
                under[r] += weight * b
        for r in range(replicates):
            out[g, r] = over[r] / under[r] if under[r] > 0.0 else np.nan
    return out


def weighted_ratios(weights: Weights, entries: Entries) -> Floats:
    """Replicates of a ratio Σ w a / Σ w b for each laboratory: laboratories × replicates, NaN where the denominator is not > 0.

    a and b are numerator and denominator of the entries (for a mean: Σ weight × value, Σ weight), w the row of `weights`
    (samples × replicates) of their sample. One matrix product over the laboratories' few sums instead of a pass over all
    results for each replicate; summed in the order of the entries, so the same bits on any number of threads, unlike BLAS.
    Replicates are independent columns: weights may be given in chunks.
    """
    return np.asarray(_weighted_ratios(weights, *entries))
