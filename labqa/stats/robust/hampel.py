"""Hampel's location: values beyond 4.5 scales from it count nothing; solved exactly, in finitely many steps.

statsmodels' RLM with Hampel's norm iterates to one of several roots and does not say to which. Units follow the values.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labqa.stats.kernels import kernel
from labqa.stats.robust.pairwise import ordered, sorted_set

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@kernel
def _first(y: Floats, t: float) -> int:
    """Index of the first value of sorted `y` that is at least t."""
    left, right = 0, len(y)
    while left < right:
        middle = (left + right) >> 1
        if y[middle] < t:
            left = middle + 1
        else:
            right = middle
    return left


@kernel
def _psi_sum(y: Floats, sums: Floats, x: float, s: float) -> float:
    """Σ ψ((y − x)/s) over sorted `y` with its running sums: ψ(q) = q to 1.5, 1.5 to 3, 4.5 − q to 4.5, 0 beyond; odd.

    `sums` is 0 at the middle of `y`, so that no gross value enters the sum of others by cancellation.
    """
    a, b, c = _first(y, x - 4.5 * s), _first(y, x - 3.0 * s), _first(y, x - 1.5 * s)
    d, e, f = _first(y, x + 1.5 * s), _first(y, x + 3.0 * s), _first(y, x + 4.5 * s)
    total = (sums[d] - sums[c]) - (d - c) * x
    total -= (sums[b] - sums[a]) - (b - a) * x + 4.5 * s * (b - a)
    total -= (sums[f] - sums[e]) - (f - e) * x - 4.5 * s * (f - e)
    return float(total / s + 1.5 * ((e - d) - (c - b)))


@kernel
def _root(d0: float, p0: float, d1: float, p1: float, zero: float) -> float:
    """Solution of the straight line between two nodes that is nearer to 0 (NaN: none)."""
    if abs(p0) <= zero and abs(p1) <= zero:
        return d0 if abs(d0) <= abs(d1) else d1
    if abs(p0) <= zero:
        return d0
    if abs(p1) <= zero:
        return d1
    if (p0 > 0.0) != (p1 > 0.0):
        return d0 - p0 * ((d1 - d0) / (p1 - p0))
    return np.nan


@kernel
def _hampel_sorted(y: Floats, s: float) -> float:
    """Solution of Σ ψ((y − x)/s) = 0 nearest to 0, the median of `y`; 0 if two are equally near (or if there is none).

    Between neighbouring nodes y ± 1.5 s, ± 3 s, ± 4.5 s the sum is a straight line. The nodes are visited outward from
    the median, on the side that has been searched less far, until no nearer solution can be left.
    """
    n = len(y)
    sums = np.zeros(n + 1)
    for i in range(n // 2, n):
        sums[i + 1] = sums[i] + y[i]
    for i in range(n // 2 - 1, -1, -1):
        sums[i] = sums[i + 1] - y[i]
    shift = np.array([-4.5 * s, -3.0 * s, -1.5 * s, 1.5 * s, 3.0 * s, 4.5 * s])
    upper = np.empty(6, np.int64)  # per shift: first value whose node lies above 0
    for m in range(6):
        at = _first(y, -shift[m])
        while at < n and y[at] + shift[m] <= 0.0:
            at += 1
        while at > 0 and y[at - 1] + shift[m] > 0.0:
            at -= 1
        upper[m] = at
    lower = upper - 1
    zero = 1e-14 * n
    best_left, best_right = -np.inf, np.inf
    left, right, p_left, p_right = 0.0, 0.0, np.nan, np.nan
    reach_left, reach_right = -1.0, -1.0  # so that one node of each side is taken first, even one at 0
    while True:
        best = min(-best_left, best_right)
        if min(reach_left, reach_right) > best * (1.0 + 1e-9) + 1e-12 * s:
            break
        if reach_left == np.inf and reach_right == np.inf:
            break
        go_left = reach_left <= reach_right
        edge, chosen = (-np.inf if go_left else np.inf), -1
        for m in range(6):
            if go_left and lower[m] >= 0 and y[lower[m]] + shift[m] > edge:
                edge, chosen = y[lower[m]] + shift[m], m
            elif not go_left and upper[m] < n and y[upper[m]] + shift[m] < edge:
                edge, chosen = y[upper[m]] + shift[m], m
        if chosen < 0:
            if go_left:
                reach_left = np.inf
            else:
                reach_right = np.inf
            continue
        p = _psi_sum(y, sums, edge, s)
        if go_left:
            lower[chosen] -= 1
            if np.isnan(p_left) and np.isnan(p_right):
                root = edge if abs(p) <= zero else np.nan
            elif np.isnan(p_left):
                root = _root(edge, p, right, p_right, zero)
            else:
                root = _root(edge, p, left, p_left, zero)
            left, p_left, reach_left = edge, p, -edge
        else:
            upper[chosen] += 1
            if np.isnan(p_right) and np.isnan(p_left):
                root = edge if abs(p) <= zero else np.nan
            elif np.isnan(p_right):
                root = _root(left, p_left, edge, p, zero)
            else:
                root = _root(right, p_right, edge, p, zero)
            right, p_right, reach_right = edge, p, edge
        if root <= 0.0:
            best_left = max(best_left, root)
        if root >= 0.0:
            best_right = min(best_right, root)
    if abs(best_left + best_right) <= 1e-12 * s or (best_left == -np.inf and best_right == np.inf):
        return 0.0
    return best_right if best_right < -best_left else best_left


@kernel
def _hampel_by_group(values: Floats, offsets: Integers, scales: Floats) -> Floats:
    groups = len(offsets) - 1
    centres = np.full(groups, np.nan)
    for g in range(groups):
        y = values[offsets[g] : offsets[g + 1]]
        n = len(y)
        if n == 0 or not (np.isfinite(y[0]) and np.isfinite(y[n - 1])):
            continue
        middle = 0.5 * y[(n - 1) // 2] + 0.5 * y[n // 2]
        centres[g] = middle
        if n > 2 and scales[g] > 0.0:
            centres[g] = middle + _hampel_sorted(y - middle, scales[g])
    return centres


def hampel_by_group(values: Floats, offsets: Integers, scales: ArrayLike) -> Floats:
    """Hampel's location of each group (values in any order) with its scale s: Σ ψ((x_i − x*)/s) = 0.

    ψ(q) = q for |q| ≤ 1.5, 1.5 sign q to 3, (4.5 − |q|) sign q to 4.5, 0 beyond. By the finite-step algorithm of
    ISO 13528:2022, C.5.3.3: of all solutions at or between the nodes x_i ± {1.5, 3, 4.5} s the one nearest the median; if
    two are equally near (to 1e-12 s), the median. `scales` is one a group or one for all. One or two values, or a scale of
    0 or NaN: the median. NaN for an empty group; errors as `pairwise.ordered`.
    """
    values, offsets = ordered(values, offsets)
    per_group = np.broadcast_to(np.asarray(scales, dtype=np.float64), (len(offsets) - 1,))
    return np.asarray(_hampel_by_group(values, offsets, np.ascontiguousarray(per_group)))


def hampel(values: Floats, *, scale: float) -> float:
    """Hampel's location of one set with a known scale, as `hampel_by_group`."""
    return float(hampel_by_group(*sorted_set(values), scale)[0])
