"""Pairs of laboratories, gathered by the two laboratories that they compare."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labqa.stats.kernels import kernel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Edges(NamedTuple):
    """Edges low < high between laboratories, sorted by (low, high), with the pairs that lie on each.

    `start` (n + 1) delimits the edges by their low end, `first` (edges + 1) the pairs of each edge in `order`; `order` are
    places in the arrays of pairs, in the order given within an edge, `turned` where a > b. Pairs of weight 0 are on no
    edge. `far` is `high` unsigned: numba tests a signed place for being negative, which costs a third of a pass.
    """

    low: Ints
    high: Ints
    far: NDArray[np.uint32]
    start: Ints
    first: Ints
    order: Ints
    turned: NDArray[np.bool_]


@kernel
def _gathered(a, b, weight, n):  # type: ignore[no-untyped-def]  # pragma: no cover
    """The edges, or the place and the kind of the first fault."""
    by_high, by_low = np.zeros(n + 1, np.int64), np.zeros(n + 1, np.int64)
    place, fault = -1, 0
    for k in range(len(a)):
        i, j = min(a[k], b[k]), max(a[k], b[k])
        if i < 0 or j >= n or i == j or not 0.0 <= weight[k] < np.inf:
            place, fault = k, 1 if i < 0 or j >= n else 2 if i == j else 3
            break
        if weight[k] > 0.0:
            by_high[np.uint64(j + 1)] += 1
            by_low[np.uint64(i + 1)] += 1
    if fault:
        by_high[:], by_low[:] = 0, 0
    for i in range(n):
        by_high[i + 1] += by_high[i]
        by_low[i + 1] += by_low[i]
    ends, kept = by_high.copy(), by_low[n]
    # the other end and the order of the two travel with the place of a pair (2³² end + 2³¹ turned + place), so that nothing
    # is fetched at random
    middle, packed = np.empty(kept, np.int64), np.empty(kept, np.int64)
    for k in range(len(a) if fault == 0 else 0):
        if weight[k] > 0.0:
            i, j = min(a[k], b[k]), max(a[k], b[k])
            middle[by_high[j]] = (i << 32) | (0x80000000 if a[k] > b[k] else 0) | k
            by_high[j] += 1
    start, edges = np.zeros(n + 1, np.int64), 0
    latest = np.full(n, -1)
    for j in range(n):
        for p in range(ends[j], ends[j + 1]):
            i = middle[p] >> 32
            packed[by_low[i]] = (j << 32) | (middle[p] & 0xFFFFFFFF)
            by_low[i] += 1
            if latest[i] != j:
                latest[i] = j
                start[i + 1] += 1
                edges += 1
    for i in range(n):
        start[i + 1] += start[i]
    low, high, first = np.empty(edges, np.int64), np.empty(edges, np.int64), np.empty(edges + 1, np.int64)
    turned = np.empty(kept, np.bool_)
    p = 0
    for i in range(n):
        for e in range(start[i], start[i + 1]):
            j = packed[p] >> 32
            low[e], high[e], first[e] = i, j, p
            while p < by_low[i] and packed[p] >> 32 == j:
                turned[p] = (packed[p] & 0x80000000) != 0
                packed[p] &= 0x7FFFFFFF
                p += 1
    first[edges] = kept
    return (low, high, high.astype(np.uint32), start, first, packed, turned), place, fault


def edges(a: Ints, b: Ints, weight: Floats, *, n: int) -> Edges:
    """Edges of the network of n laboratories 0 … n − 1 with pairs (a, b) of weight ≥ 0, by counting sorts in O(pairs + n).

    ValueError for lengths that differ, a laboratory outside 0 … n − 1, a laboratory paired with itself (its two results
    tell of its repeatability, not of its bias), and a weight that is negative, infinite or NaN; the first such pair is named.
    """
    a, b, weight = np.asarray(a, dtype=np.int64), np.asarray(b, dtype=np.int64), np.asarray(weight, dtype=np.float64)
    if not len(a) == len(b) == len(weight):
        raise ValueError(f"pairs: {len(a)} first and {len(b)} second laboratories and {len(weight)} weights")
    if max(n, len(a)) >= 2**31:
        raise ValueError(f"network: {n} laboratories and {len(a)} pairs; expected less than 2³¹ of each")
    found, place, fault = _gathered(a, b, weight, n)
    if fault:
        said = {
            1: f"laboratory outside 0 … {n - 1}: {a[place]}, {b[place]}",
            2: f"laboratory {a[place]} is paired with itself",
            3: f"weight {weight[place]}; expected finite and ≥ 0",
        }[fault]
        raise ValueError(f"pair {place}: {said}")
    return Edges(*found)


def edge_sums(found: Edges, values: Floats) -> Floats:
    """Σ of `values` (pairs) over the pairs of each edge."""
    return pair_sums(found, np.asarray(values, dtype=np.float64)[found.order])


@kernel
def _oriented(order, turned, delta, weight):  # type: ignore[no-untyped-def]  # pragma: no cover
    difference, of_pair, fault = np.empty(len(order)), np.empty(len(order)), -1
    for p in range(len(order)):
        k = np.uint64(order[p])
        value = -delta[k] if turned[p] else delta[k]
        if not -np.inf < value < np.inf:
            fault = order[p]
        difference[p], of_pair[p] = value, weight[k]
    return difference, of_pair, fault


def oriented(found: Edges, delta: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Differences y_low − y_high and weights in the order of the edges, from `delta` = y_a − y_b and `weight` (pairs).

    ValueError for a difference of a pair of positive weight that is not finite.
    """
    delta, weight = np.asarray(delta, dtype=np.float64), np.asarray(weight, dtype=np.float64)
    if len(delta) != len(weight):
        raise ValueError(f"pairs: {len(weight)} weights and {len(delta)} differences")
    difference, of_pair, place = _oriented(found.order, found.turned, delta, weight)
    if place >= 0:
        raise ValueError(f"pair {place}: difference {delta[place]}; expected a finite number")
    return difference, of_pair


def pair_sums(found: Edges, values: Floats) -> Floats:
    """Σ over the pairs of each edge of `values`, which stand in the order of the edges."""
    return np.asarray(_summed(found.first, values), dtype=np.float64)


@kernel
def _summed(first, values):  # type: ignore[no-untyped-def]  # pragma: no cover
    out = np.empty(len(first) - 1)
    for e in range(len(out)):
        total = 0.0
        for p in range(first[e], first[e + 1]):
            total += values[p]
        out[e] = total
    return out
