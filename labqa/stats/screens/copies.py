"""Which samples carry the same values on many items, and how many would by chance?

Equal vectors may be one sample reported twice, a template, a product of one batch, or coarse reporting. The screen names the
vectors and how many pairs chance would give; what was copied, from where and by whom, it cannot say.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from labqa.stats.groups import Floats, Integers, in_groups
from labqa.stats.kernels import kernel


class Copies(NamedTuple):
    """For each vector: the first vector equal to it (itself if none before), how many are equal, and what chance gives.

    `expected`: pairs of equal vectors expected by chance among the vectors of its group that have its items, each of that
    many values; `p` = 1 − exp(−expected): the chance of at least one such pair. NaN for vectors of too few items.
    """

    first: Integers
    equal: Integers
    expected: Floats
    p: Floats


@kernel
def _tie_probability(items, values, n_items):  # type: ignore[no-untyped-def]  # pragma: no cover
    order = np.argsort(values)
    by_item = order[np.argsort(items[order], kind="mergesort")]
    counted, squares = np.zeros(n_items), np.zeros(n_items)
    i = 0
    while i < len(by_item):
        j = i
        item, value = items[by_item[i]], values[by_item[i]]
        while j < len(by_item) and items[by_item[j]] == item and values[by_item[j]] == value:
            j += 1
        counted[item] += j - i
        squares[item] += float(j - i) ** 2
        i = j
    return np.where(counted > 0.0, squares / np.maximum(counted, 1.0) ** 2, np.nan)


def tie_probability(items: Integers, values: ArrayLike, *, n_items: int) -> Floats:
    """Chance that two results of an item, drawn from all its results, are equal: Σ (count of a value/n)².

    For the items 0 … n_items − 1. A result may meet itself, so that n different results give 1/n and not 0: the chance is
    never understated for want of data. NaN for an item without results. ValueError for items outside that range.
    """
    column, _ = in_groups(values, None)
    index = np.ascontiguousarray(items, dtype=np.int64)
    if len(index) != len(column) or (len(index) and (index.min() < 0 or index.max() >= n_items)):
        raise ValueError(f"items must be 0 to {n_items - 1}, one for each value")
    return np.asarray(_tie_probability(index, column, int(n_items)))


@kernel
def _mix(state, word):  # type: ignore[no-untyped-def]  # pragma: no cover
    z = (state ^ word) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@kernel
def _same(items, bits, offsets, a, b, with_values):  # type: ignore[no-untyped-def]  # pragma: no cover
    n = offsets[a + 1] - offsets[a]
    if n != offsets[b + 1] - offsets[b]:
        return False
    for i in range(n):
        if items[offsets[a] + i] != items[offsets[b] + i]:
            return False
        if with_values and bits[offsets[a] + i] != bits[offsets[b] + i]:
            return False
    return True


@kernel
def _classes(items, bits, offsets, groups, with_values):  # type: ignore[no-untyped-def]  # pragma: no cover
    """First vector of each class of equal vectors within a group: sorted by hash, then compared one by one."""
    n = len(offsets) - 1
    hashes = np.empty(n, np.uint64)
    for v in range(n):
        state = _mix(np.uint64(0x9E3779B97F4A7C15), np.uint64(groups[v]))
        for i in range(offsets[v], offsets[v + 1]):
            state = _mix(state + np.uint64(1), np.uint64(items[i]))
            if with_values:
                state = _mix(state, bits[i])
        hashes[v] = state
    order = np.argsort(hashes, kind="mergesort")
    first, equal = np.arange(n), np.ones(n, np.int64)
    begin = 0
    while begin < n:
        end = begin
        while end < n and hashes[order[end]] == hashes[order[begin]]:
            v = order[end]
            for earlier in range(begin, end):
                u = order[earlier]
                if first[u] == u and groups[u] == groups[v] and _same(items, bits, offsets, u, v, with_values):
                    first[v] = u
                    break
            end += 1
        begin = end
    for v in range(n):
        if first[v] != v:
            equal[first[v]] += 1
    for v in range(n):
        equal[v] = equal[first[v]]
    return first, equal


@kernel
def _coincidence(items, offsets, tie_probability):  # type: ignore[no-untyped-def]  # pragma: no cover
    chance = np.ones(len(offsets) - 1)
    for v in range(len(offsets) - 1):
        for i in range(offsets[v], offsets[v + 1]):
            chance[v] *= tie_probability[items[i]]
    return chance


def copied_vectors(
    items: Integers,
    values: ArrayLike,
    offsets: Integers,
    *,
    groups: Integers,
    tie_probability: Floats,
    fewest: int = 5,
) -> Copies:
    """Equal vectors of `fewest` items or more within each group, and how many pairs chance would give.

    Vector v (one sample of one laboratory) has the items `items[offsets[v]:offsets[v+1]]`, ascending and each once, with their
    `values`; only vectors of the same `groups[v]` (the laboratory; one number for all to look across laboratories) and of the
    same items are compared. Expected pairs = n(n − 1)/2 · Π `tie_probability[item]` for the n vectors of a group with those
    items. Items are taken as independent given the programme: samples of one lot agree more often, so `expected` is then
    too small. Vectors are found by a 64-bit hash and then compared value by value; −0 equals 0.
    """
    column, where = in_groups(values, offsets)
    index, of = np.ascontiguousarray(items, dtype=np.int64), np.ascontiguousarray(groups, dtype=np.int64)
    inside = np.ones(len(index), dtype=np.bool_)
    inside[where[:-1][np.diff(where) > 0]] = False
    if len(index) != len(column) or len(of) != len(where) - 1 or (np.diff(index, prepend=-1)[inside] <= 0).any():
        raise ValueError("items must ascend within each vector, one for each value, and each vector needs its group")
    bits = (column + 0.0).view(np.uint64)
    first, equal = _classes(index, bits, where, of, True)
    _, among = _classes(index, bits, where, of, False)
    chance = _coincidence(index, where, np.ascontiguousarray(tie_probability, dtype=np.float64))
    enough = np.diff(where) >= fewest
    expected = np.where(enough, 0.5 * among * (among - 1.0) * chance, np.nan)
    alone = np.arange(len(of), dtype=np.int64)
    return Copies(np.where(enough, first, alone), np.where(enough, equal, 1), expected, -np.expm1(-expected))
