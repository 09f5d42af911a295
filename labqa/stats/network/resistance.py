"""Effective resistance between laboratories: the variance of a contrast, and what of it hangs on bridges."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labqa.stats.kernels import kernel
from labqa.stats.network.components import bridges, paired
from labqa.stats.network.edges import edge_sums, edges
from labqa.stats.network.elimination import condense, eliminate, expand
from labqa.stats.network.laplacian import MANY_EDGES, MOST, by_low, conjugate_gradients

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Resistance(NamedTuple):
    """Effective resistance of each contrast, and the parts of it (0 … 1) on all its bridges and on the weakest of them."""

    resistance: Floats
    on_bridges: Floats
    weakest_bridge: Floats


@kernel
def _contrasts(first, second, component, core, alive, parts, tolerance, most):  # type: ignore[no-untyped-def]  # pragma: no cover
    order, pivot, begin, neighbour, share = parts
    n = len(component)
    out, right, x = np.empty(len(first)), np.empty(n), np.empty(n)
    for q in range(len(first)):
        i, j = first[q], second[q]
        if i == j or component[i] != component[j]:
            out[q] = 0.0 if i == j else np.inf
            continue
        right[:], x[:] = 0.0, 0.0
        right[i], right[j] = 1.0, -1.0
        condense(order, begin, neighbour, share, right)
        if len(core[1]):
            left = np.where(alive, right, 0.0)
            conjugate_gradients(core[0], core[1], core[2], left, x, tolerance, most)
        expand(order, pivot, begin, neighbour, share, right, x)
        out[q] = x[i] - x[j]
    return out


@kernel
def _bridged(first, second, low, high, weight, order, begin, end):  # type: ignore[no-untyped-def]  # pragma: no cover
    last, resistance = np.full(len(order), -1), np.zeros(len(order))  # by the order of the far end of a bridge
    for k in range(len(begin)):
        last[begin[k]] = end[k]
    for e in range(len(low)):
        near, far = min(order[low[e]], order[high[e]]), max(order[low[e]], order[high[e]])
        if last[far] >= 0 and near < far:
            resistance[far] = 1.0 / weight[e]  # the one edge that enters the subtree behind a bridge ends in its root
    total, largest = np.zeros(len(first)), np.zeros(len(first))
    for q in range(len(first)):
        i, j = order[first[q]], order[second[q]]
        for k in range(len(begin)):
            if (begin[k] <= i <= end[k]) != (begin[k] <= j <= end[k]):
                total[q] += resistance[begin[k]]
                largest[q] = max(largest[q], resistance[begin[k]])
    return total, largest


def effective_resistance(
    a: Ints, b: Ints, weight: Floats, first: Ints, second: Ints, *, n: int, tolerance: float = 1e-10
) -> Resistance:
    """R_ij = (e_i − e_j)' L⁺ (e_i − e_j) for each contrast (first, second): its variance if weights are 1/variance.

    Pairs (a, b, weight) as in `laplacian.solve_laplacian`; ∞ between components, 0 between a laboratory and itself. A
    bridge, an edge whose removal splits the component, carries its whole 1/Σw in the contrasts that cross it; the shares
    say how much of R that is, for all bridges crossed and for the weakest one (0 where R is 0 or ∞). One solve per
    contrast: exact elimination as far as it pays, conjugate gradients to `tolerance` for the rest. ValueError as `edges`,
    and for a contrast with a laboratory outside 0 … n − 1. Source: Klein & Randić 1993, doi:10.1007/BF01164627.
    """
    one, two = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
    if (
        one.shape != two.shape
        or min(one.min(initial=0), two.min(initial=0)) < 0
        or max(one.max(initial=0), two.max(initial=0)) >= n
    ):
        raise ValueError(f"contrasts: {one.shape} and {two.shape} laboratories; expected as many of each, from 0 to {n - 1}")
    found = edges(a, b, weight, n=n)
    of_edge = edge_sums(found, weight)
    joined = paired(found.low, found.high, n=n).component
    sparse = len(found.low) <= MANY_EDGES * n or n <= 2 * MANY_EDGES
    parts = eliminate(found.low, found.high, of_edge, n=n, room=1.25 * len(found.low) + 10 * n if sparse else 0.0)
    left = parts.left
    core = by_low(parts.ends[2 * left], parts.ends[2 * left + 1], parts.weight[left], n)
    steps = (parts.order, parts.pivot, parts.first, parts.neighbour, parts.share)
    resistance = np.asarray(_contrasts(one, two, joined, core, parts.alive, steps, tolerance, MOST))
    cut = bridges(found.low, found.high, n=n)
    total, largest = _bridged(one, two, found.low, found.high, of_edge, cut.order, cut.first, cut.last)
    finite = (resistance > 0) & np.isfinite(resistance)
    scale = np.where(finite, resistance, 1.0)
    shares = (np.where(finite, np.clip(part / scale, 0.0, 1.0), 0.0) for part in (total, largest))
    return Resistance(resistance, *shares)
