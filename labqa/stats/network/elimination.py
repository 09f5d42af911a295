"""Exact elimination of laboratories from a network, poorest connected first, and the parts of the inverse that come with it.

SciPy has no sparse Cholesky; its `splu` fills in where this stops, pivots, and fails on the singular Laplacian.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labqa.stats.kernels import kernel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Elimination(NamedTuple):
    """Laboratories in the order of their elimination, each with its neighbours then, and the network of those that are left.

    Laboratory order[v] had the sum of weights pivot[v] (0: the last of its component) and the neighbours, their shares of
    the pivot and their edges in [first[v], first[v + 1]); `between` are the edges between those neighbours, pair after pair.
    `left` are edges with both ends alive. `ends` and `weight` describe every edge there ever was, the given ones first.
    """

    order: Ints
    pivot: Floats
    first: Ints
    neighbour: Ints
    share: Floats
    edge: Ints
    between: NDArray[np.uint32]
    alive: NDArray[np.bool_]
    left: Ints
    ends: Ints
    weight: Floats


@kernel
def _place(keys, key):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Where `key` stands in the open table, or the free place where it would."""
    mask = len(keys) - 1
    mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)
    at = np.int64(mixed >> np.uint64(24)) & mask
    while keys[at] != key and keys[at] >= 0:
        at = (at + 1) & mask
    return at


@kernel
def _table(ends, count, n):  # type: ignore[no-untyped-def]  # pragma: no cover
    size = 64
    while size < 4 * count:
        size *= 2
    keys, slots = np.full(size, -1), np.empty(size, np.int64)
    for e in range(count):
        key = ends[2 * e] * n + ends[2 * e + 1]
        at = _place(keys, key)
        keys[at], slots[at] = key, e
    return keys, slots


@kernel
def _longer(values):  # type: ignore[no-untyped-def]  # pragma: no cover
    out = np.empty(2 * len(values), values.dtype)
    out[: len(values)] = values
    return out


@kernel
def _unlink(bucket, after, before, degree, v):  # type: ignore[no-untyped-def]  # pragma: no cover
    if before[v] >= 0:
        after[before[v]] = after[v]
    else:
        bucket[degree[v]] = after[v]
    if after[v] >= 0:
        before[after[v]] = before[v]


@kernel
def _link(bucket, after, before, degree, v):  # type: ignore[no-untyped-def]  # pragma: no cover
    head = bucket[degree[v]]
    after[v], before[v] = head, -1
    if head >= 0:
        before[head] = v
    bucket[degree[v]] = v


@kernel
def _eliminated(low, high, edge_weight, n, room):  # type: ignore[no-untyped-def]  # pragma: no cover
    count = len(low)
    ends, weight = np.empty(4 * count + 64, np.int64), np.empty(2 * count + 32)
    follow = np.empty(4 * count + 64, np.int64)  # each edge is in the lists of both its ends, as 2e and 2e + 1
    head, degree = np.full(n, -1), np.zeros(n, np.int64)
    for e in range(count):
        ends[2 * e], ends[2 * e + 1], weight[e] = low[e], high[e], edge_weight[e]
        for h in (2 * e, 2 * e + 1):
            follow[h] = head[ends[h]]
            head[ends[h]] = h
            degree[ends[h]] += 1
    keys, slots = _table(ends, count, n)
    bucket, after, before = np.full(n + 1, -1), np.empty(n, np.int64), np.empty(n, np.int64)
    for v in range(n - 1, -1, -1):
        _link(bucket, after, before, degree, v)
    alive = np.ones(n, np.bool_)
    order, pivot, first = np.empty(n, np.int64), np.empty(n), np.zeros(n + 1, np.int64)
    neighbour, share, edge = np.empty(2 * count + 16, np.int64), np.empty(2 * count + 16), np.empty(2 * count + 16, np.int64)
    between = np.empty(4 * count + 16, np.uint32)
    done, least, live, used, crossed = 0, 0, count, 0, 0
    while done < n:
        while bucket[least] < 0:
            least += 1
        if least > 2 and live > room:
            break
        v = bucket[least]
        _unlink(bucket, after, before, degree, v)
        alive[v] = False
        d = degree[v]
        while used + d > len(neighbour):
            neighbour, share, edge = _longer(neighbour), _longer(share), _longer(edge)
        while crossed + d * d > len(between):
            between = _longer(between)
        h, end, total = head[v], used, 0.0
        while h >= 0:
            other = ends[h ^ 1]
            if alive[other]:
                neighbour[end], edge[end] = other, h >> 1
                total += weight[h >> 1]
                end += 1
            h = follow[h]
        for p in range(used, end):
            share[p] = weight[edge[p]] / total
            s = neighbour[p]
            _unlink(bucket, after, before, degree, s)
            degree[s] -= 1
        live -= d
        for p in range(used, end):
            s = neighbour[p]
            for q in range(p + 1, end):
                t = neighbour[q]
                new = share[p] * weight[edge[q]]
                i, j = min(s, t), max(s, t)
                at = _place(keys, i * n + j)
                if keys[at] >= 0:
                    weight[slots[at]] += new
                    between[crossed] = slots[at]
                    crossed += 1
                    continue
                if count == len(weight):
                    ends, weight, follow = _longer(ends), _longer(weight), _longer(follow)
                ends[2 * count], ends[2 * count + 1], weight[count] = i, j, new
                for h in (2 * count, 2 * count + 1):
                    follow[h] = head[ends[h]]
                    head[ends[h]] = h
                    degree[ends[h]] += 1
                keys[at], slots[at] = i * n + j, count
                between[crossed] = count
                crossed += 1
                count += 1
                live += 1
                if 2 * count > len(keys):
                    keys, slots = _table(ends, count, n)
        for p in range(used, end):
            _link(bucket, after, before, degree, neighbour[p])
        order[done], pivot[done] = v, total
        done += 1
        used = end
        first[done] = used
        least = max(least - 1, 0)
    left = np.empty(live, np.int64)
    at = 0
    for e in range(count):
        if alive[ends[2 * e]] and alive[ends[2 * e + 1]]:
            left[at] = e
            at += 1
    return (
        order[:done], pivot[:done], first[: done + 1], neighbour[:used], share[:used], edge[:used],
        between[:crossed].copy(), alive, left, ends[: 2 * count], weight[:count],
    )  # fmt: skip


def eliminate(low: Ints, high: Ints, weight: Floats, *, n: int, room: float) -> Elimination:
    """Eliminates laboratories in the order of their number of neighbours (minimum degree) as long as that pays.

    Star–mesh transform of the weighted graph with edges low < high (each once, weight > 0): a laboratory with weights w_s
    to its neighbours leaves weights w_s w_t/Σw between them, without a subtraction, so that the Schur complement is a Laplacian
    again and every digit is kept. Trees, chains and rings vanish, and so do laboratories that meet at hubs or form small
    regions. It ends at nothing left, or when everybody has > 2 neighbours and more than `room` edges are left.
    Deterministic. Source: George & Liu 1989, doi:10.1137/1031001.
    """
    return Elimination(*_eliminated(low, high, weight, n, room))


@kernel
def _repeated(order, first, neighbour, edge, between, weight, pivot, share):  # type: ignore[no-untyped-def]  # pragma: no cover
    crossed = 0
    for v in range(len(order)):
        begin, end = first[v], first[v + 1]
        total = 0.0
        for p in range(begin, end):
            total += weight[edge[p]]
        for p in range(begin, end):
            share[p] = weight[edge[p]] / total
        for p in range(begin, end):
            for q in range(p + 1, end):
                weight[between[crossed]] += share[p] * weight[edge[q]]
                crossed += 1
        pivot[v] = total


def repeated(found: Elimination, weight: Floats) -> Elimination:
    """The same elimination, step by step, with other weights of the given edges (each > 0)."""
    every = np.zeros(len(found.weight))
    every[: len(weight)] = weight
    pivot, share = np.empty(len(found.pivot)), np.empty(len(found.share))
    _repeated(found.order, found.first, found.neighbour, found.edge, found.between, every, pivot, share)
    return found._replace(weight=every, pivot=pivot, share=share)


@kernel
def condense(order, first, neighbour, share, right):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Those eliminated pass their right-hand side on to their neighbours."""
    for v in range(len(order)):
        for p in range(first[v], first[v + 1]):
            right[neighbour[p]] += share[p] * right[order[v]]


@kernel
def expand(order, pivot, first, neighbour, share, right, x):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Those eliminated take their solution from their neighbours'; the last of a component is 0."""
    for v in range(len(order) - 1, -1, -1):
        value = right[order[v]] / pivot[v] if pivot[v] > 0.0 else 0.0
        for p in range(first[v], first[v + 1]):
            value += share[p] * x[neighbour[p]]
        x[order[v]] = value


def condensed(found: Elimination, right: Floats) -> Floats:
    """Right-hand side (n) of the laboratories left, after those eliminated have passed theirs on."""
    out = np.array(right, dtype=np.float64)
    condense(found.order, found.first, found.neighbour, found.share, out)
    return out


def expanded(found: Elimination, right: Floats, x: Floats) -> Floats:
    """Solution (n) from that of the laboratories left, `x` (n); `right` is the condensed right-hand side."""
    out = np.array(x, dtype=np.float64)
    expand(found.order, found.pivot, found.first, found.neighbour, found.share, right, out)
    return out


@kernel
def _selected(order, pivot, first, neighbour, share, edge, between, diagonal, beside):  # type: ignore[no-untyped-def]  # pragma: no cover
    crossed = len(between)
    for v in range(len(order) - 1, -1, -1):
        i = order[v]
        if pivot[v] <= 0.0:
            diagonal[i] = 0.0
            continue
        begin, end = first[v], first[v + 1]
        for p in range(begin, end):
            beside[edge[p]] = share[p] * diagonal[neighbour[p]]
        crossed -= (end - begin) * (end - begin - 1) // 2
        at = crossed
        for p in range(begin, end):
            for q in range(p + 1, end):
                value = beside[between[at]]
                at += 1
                beside[edge[p]] += share[q] * value
                beside[edge[q]] += share[p] * value
        value = 1.0 / pivot[v]
        for p in range(begin, end):
            value += share[p] * beside[edge[p]]
        diagonal[i] = value


def selected_inverse(found: Elimination, diagonal: Floats, beside: Floats) -> tuple[Floats, Floats]:
    """Elements of the grounded inverse on the diagonal (n) and at every edge there ever was, exactly.

    `diagonal` and `beside` carry those of the laboratories left and of their edges; where nothing is left the last
    laboratory of each component is the ground. Source: Takahashi, Fagan & Chin 1973; Erisman & Tinney 1975,
    doi:10.1145/360680.360704.
    """
    diagonal, beside = np.array(diagonal, dtype=np.float64), np.array(beside, dtype=np.float64)
    _selected(
        found.order, found.pivot, found.first, found.neighbour, found.share, found.edge, found.between,
        diagonal, beside,
    )  # fmt: skip
    return diagonal, beside
