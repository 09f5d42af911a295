"""Connected components of a network, and the bridges on which a contrast hangs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labqa.stats.kernels import kernel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Bridges(NamedTuple):
    """Bridges of a graph, each as the depth-first interval [first, last] of the nodes on its far side; the order of the nodes,
    and which nodes have bridges only."""

    first: Ints
    last: Ints
    order: Ints
    hanging: NDArray[np.bool_]


class Paired(NamedTuple):
    """Smallest node of each node's connected component, and whether that component is bipartite."""

    component: Ints
    bipartite: NDArray[np.bool_]


@kernel
def _root(parent, node):  # type: ignore[no-untyped-def]  # pragma: no cover
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@kernel
def _joined(start, node, n):  # type: ignore[no-untyped-def]  # pragma: no cover
    parent = np.arange(n)
    for block in range(len(start) - 1):
        for o in range(start[block] + 1, start[block + 1]):
            a, b = _root(parent, node[start[block]]), _root(parent, node[o])
            if a < b:
                parent[b] = a
            else:
                parent[a] = b
    for i in range(n):
        parent[i] = _root(parent, i)
    return parent


def components(start: Ints, node: Ints, *, n: int) -> Ints:
    """Smallest node of each node's connected component (union-find); nodes that share a block are connected.

    `start` (blocks + 1) delimits the observations of each block, `node` (observations) is 0 … n − 1. A node without
    an observation is its own component.
    """
    return np.asarray(_joined(start.astype(np.int64), node.astype(np.int64), n), dtype=np.int64)


@kernel
def _coloured(a, b, n):  # type: ignore[no-untyped-def]  # pragma: no cover
    parent, side, odd = np.arange(n), np.zeros(n, np.int64), np.zeros(n, np.bool_)
    for k in range(len(a)):
        i, j = a[k], b[k]
        if parent[i] == parent[j]:
            odd[i] |= side[i] == side[j]
            continue
        of_i, of_j = 0, 0  # sides of i and j as seen from their roots
        while parent[i] != i:
            above = parent[i]
            side[i] ^= side[above]  # the root's own side is 0, so halving the path keeps the sides right
            parent[i] = parent[above]
            of_i ^= side[i]
            i = parent[i]
        while parent[j] != j:
            above = parent[j]
            side[j] ^= side[above]
            parent[j] = parent[above]
            of_j ^= side[j]
            j = parent[j]
        if i == j:
            if of_i == of_j:
                odd[i] = True
        else:
            if j < i:
                i, j = j, i
            parent[j] = i
            side[j] = 1 ^ of_i ^ of_j
    for i in range(n):
        parent[i] = _root(parent, i)
        odd[parent[i]] |= odd[i]
    bipartite = np.empty(n, np.bool_)
    for i in range(n):
        bipartite[i] = not odd[parent[i]]
    return parent, bipartite


def paired(a: Ints, b: Ints, *, n: int) -> Paired:
    """Connected components of the graph with edges a–b, and which of them have no odd cycle (union-find with parity).

    Nodes are 0 … n − 1; multiple edges are allowed, a loop a = b is an odd cycle. A node without an edge is its own
    component, bipartite. In a bipartite component the variances of the laboratories cannot be told apart from their sums
    over pairs (the signless Laplacian has the eigenvalue 0; Desai & Rao 1994, doi:10.1002/jgt.3190180210). SciPy's
    `connected_components` does not colour and wants a matrix.
    """
    component, bipartite = _coloured(np.asarray(a, dtype=np.int64), np.asarray(b, dtype=np.int64), n)
    return Paired(np.asarray(component, dtype=np.int64), np.asarray(bipartite, dtype=np.bool_))


@kernel
def _search(pointer, neighbour, order, low, last):  # type: ignore[no-untyped-def]  # pragma: no cover
    n = len(pointer) - 1
    parent = np.full(n, -1)
    at = pointer[:-1].copy()
    stack = np.empty(n, np.int64)
    clock = 0
    for source in range(n):
        if order[source] >= 0:
            continue
        depth = 0
        stack[0] = source
        order[source] = low[source] = clock
        clock += 1
        while depth >= 0:
            v = stack[depth]
            if at[v] < pointer[v + 1]:
                w = neighbour[at[v]]
                at[v] += 1
                if order[w] < 0:
                    parent[w] = v
                    order[w] = low[w] = clock
                    clock += 1
                    depth += 1
                    stack[depth] = w
                elif w != parent[v]:
                    low[v] = min(low[v], order[w])
            else:
                last[v] = clock - 1
                depth -= 1
                if depth >= 0:
                    low[stack[depth]] = min(low[stack[depth]], low[v])
    return parent


def bridges(a: Ints, b: Ints, *, n: int) -> Bridges:
    """Edges whose removal splits a component of the simple graph with edges a–b (Tarjan 1974,
    doi:10.1016/0020-0190(74)90003-9).

    Nodes are 0 … n − 1, multiple edges count once, loops not at all. Deterministic for any order of the edges.
    """
    both = np.unique(np.concatenate([a * n + b, b * n + a]).astype(np.int64))
    source, target = both // n, both % n
    source, target = source[source != target], target[source != target]
    pointer = np.searchsorted(source, np.arange(n + 1)).astype(np.int64)
    order, low, last = np.full(n, -1), np.zeros(n, np.int64), np.zeros(n, np.int64)
    parent = _search(pointer, target, order, low, last)
    found = (parent >= 0) & (low == order)
    ends = np.bincount(np.concatenate([np.flatnonzero(found), parent[found]]), minlength=n)
    degree = np.diff(pointer)
    return Bridges(order[found], last[found], order, (degree > 0) & (ends == degree))


@kernel
def _crossed(first, last, order, component, running, total, rest):  # type: ignore[no-untyped-def]  # pragma: no cover
    n = len(order)
    node_at = np.empty(n, np.int64)
    for i in range(n):
        node_at[order[i]] = i
    share = np.zeros(n)
    for bridge in range(len(first)):
        beyond = running[last[bridge] + 1] - running[first[bridge]]
        for i in range(n):
            if component[i] == component[node_at[first[bridge]]] and rest[i] > 0:
                inside = first[bridge] <= order[i] <= last[bridge]
                share[i] = max(share[i], (total[i] - beyond if inside else beyond) / rest[i])
    return share


def bridge_share(found: Bridges, component: Ints, weight: Floats) -> Floats:
    """Largest part of each node's contrast to its zero that must cross one bridge; 1 for a node that has bridges only, 0
    without.

    `weight` (n) is the weight of each node in the zero, ≥ 0; it is scaled to sum 1 over the node's component without the
    node itself. Removing a bridge splits the component; what crosses it is the weight on the side where the node is not.
    """
    by_order = np.zeros(len(weight))
    by_order[found.order] = weight
    running = np.concatenate([[0.0], np.cumsum(by_order)])
    total = np.bincount(component, weights=weight, minlength=len(weight))[component]
    share = _crossed(found.first, found.last, found.order, np.asarray(component, np.int64), running, total, total - weight)
    return np.where(found.hanging, 1.0, np.clip(share, 0.0, 1.0))
