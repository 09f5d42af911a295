"""Inverse of the Laplacian of a sparse network that is held somewhere: sparse parts are eliminated, the rest inverted whole."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from labqa.stats.kernels import kernel
from labqa.stats.network.inverse import invert

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
DENSE = 0.5
"""Share of the nodes left that the least connected of them must be joined to for whole inversion to be faster."""


class _Eliminated(NamedTuple):
    """Nodes in the order of their elimination with their pivots; their neighbours then, in [first[v], first[v + 1]), and these
    neighbours' shares of the pivot. `fault` is the node whose pivot was not positive, else −1."""

    order: Ints
    pivot: Floats
    first: Ints
    neighbour: Ints
    share: Floats
    fault: int


@kernel
def _least(alive, degree):  # type: ignore[no-untyped-def]  # pragma: no cover
    """The living node of least degree, the first of them; −1: none."""
    found = -1
    for i in range(len(alive)):
        if alive[i] and (found < 0 or degree[i] < degree[found]):
            found = i
    return found


@kernel
def _eliminated(weight, leak, alive, dense):  # type: ignore[no-untyped-def]  # pragma: no cover
    n, left = len(leak), alive.sum()
    degree = np.zeros(n, np.int64)
    for i in range(n):
        if alive[i]:
            for j in range(n):
                degree[i] += alive[j] and weight[i, j] > 0.0
    order, pivot, first = np.empty(n, np.int64), np.empty(n), np.zeros(n + 1, np.int64)
    neighbour, share = np.empty(8 * n, np.int64), np.empty(8 * n)
    done, used = 0, 0
    while left > 0:
        v = _least(alive, degree)
        d = degree[v]
        if d > 2 and d >= dense * (left - 1):
            break
        if used + d > len(share):
            longer, more = np.empty(2 * used + d, np.int64), np.empty(2 * used + d)
            longer[:used], more[:used] = neighbour[:used], share[:used]
            neighbour, share = longer, more
        alive[v] = False
        left -= 1
        end, total = used, leak[v]
        for j in range(n):
            if alive[j] and weight[v, j] > 0.0:
                neighbour[end] = j
                total += weight[v, j]
                end += 1
        if not total > 0.0:
            return order[:done], pivot[:done], first[: done + 1], neighbour[:used], share[:used], v
        for p in range(used, end):
            share[p] = weight[v, neighbour[p]] / total
        for p in range(used, end):
            s = neighbour[p]
            row, own = weight[s], weight[v, s]
            leak[s] += share[p] * leak[v]
            degree[s] -= 1
            for q in range(used, end):
                t = neighbour[q]
                if t != s:
                    degree[s] += row[t] == 0.0
                    # the same product for either order of s and t
                    row[t] += own * weight[v, t] / total
        order[done], pivot[done] = v, total
        done += 1
        used = end
        first[done] = used
    return order[:done], pivot[:done], first[: done + 1], neighbour[:used], share[:used], -1


@kernel
def _core(weight, leak, rest):  # type: ignore[no-untyped-def]  # pragma: no cover
    """What is left of the matrix, row after row at the beginning of the memory of `weight`, which it overwrites: no entry is
    read later than one is written in its place."""
    size = len(rest)
    out = weight.ravel()[: size * size].reshape(size, size)
    for a in range(size):
        total = leak[rest[a]]
        for b in range(size):
            if a == b:
                continue
            beside = weight[rest[a], rest[b]]
            out[a, b] = -beside
            total += beside
        out[a, a] = total
    return out


@kernel
def _expanded(order, pivot, first, neighbour, share, rest, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Makes of `out`, which begins with the inverse of the core, the inverse: last eliminated first, each takes the shares of
    its neighbours."""
    size, n = len(rest), len(out)
    core = out.ravel()[: size * size].reshape(size, size)
    below = n
    for a in range(size - 1, -1, -1):  # a row lies before its place
        row = core[a].copy()
        out[rest[a] : below] = 0.0
        below = rest[a]
        for b in range(size):
            out[below, rest[b]] = row[b]
    out[:below] = 0.0
    for k in range(len(order) - 1, -1, -1):
        v = order[k]
        row = out[v]
        for p in range(first[k], first[k + 1]):
            factor, theirs = share[p], out[neighbour[p]]
            for j in range(n):
                row[j] += factor * theirs[j]
        own = 1.0 / pivot[k]
        for p in range(first[k], first[k + 1]):
            own += share[p] * row[neighbour[p]]
        row[v] = own
        for j in range(n):
            out[j, v] = row[j]


def grounded(beside: sparse.csr_array, leak: Floats, *, held: int = -1) -> Floats:
    """Inverse (n × n) of diag(Σ_j w_ij + leak_i) − w, w ≥ 0 the entries of `beside` off its diagonal, symmetric.

    The node `held` (−1: none) stays at 0: its row and column are 0, and what joins others to it is leak of theirs. The least
    connected nodes are eliminated one by one, star–mesh, without a subtraction, until those left are joined to half of each
    other; they are inverted whole. Of n nodes that leave a core of c: c³ operations and n for each weight there ever was. The
    same bits on any number of threads. ValueError where a part of the network is not held. Sources: George & Liu 1989,
    doi:10.1137/1031001; for the digits kept, Grassmann, Taksar & Heyman 1985, doi:10.1287/opre.33.5.1107.
    """
    weight, leak = np.ascontiguousarray(beside.toarray(), dtype=np.float64), np.array(leak, dtype=np.float64)
    np.fill_diagonal(weight, 0.0)
    alive = np.ones(len(leak), dtype=np.bool_)
    if held >= 0:
        alive[held], leak = False, leak + weight[held]
    found = _Eliminated(*_eliminated(weight, leak, alive, DENSE))
    if found.fault >= 0:
        raise ValueError(f"network: node {found.fault} is tied to nothing that is held; expected every part to be held")
    rest = np.flatnonzero(alive)
    invert(_core(weight, leak, rest))
    _expanded(found.order, found.pivot, found.first, found.neighbour, found.share, rest, weight)
    return weight
