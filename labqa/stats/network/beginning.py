"""Where a robust fit of a network begins: laboratory effects of high breakdown, each the middle of its shortest half."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labqa.stats.kernels import kernel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
NEAR = 1e-9
"""Widths that differ by this share are equal: roundings must not choose between two halves."""
FEW = 5
"""Differences below which the median stands for the shortest half."""


@kernel
def _middle_of_shortest_half(ordered):  # type: ignore[no-untyped-def]  # pragma: no cover
    n = len(ordered)
    if n < FEW:
        return 0.5 * (ordered[(n - 1) // 2] + ordered[n // 2])
    half = n // 2 + 1
    best, first, last = np.inf, 0, 0
    for low in range(n - half + 1):
        width = ordered[low + half - 1] - ordered[low]
        if width < best * (1.0 - NEAR):
            best, first, last = width, low, low
        elif width <= best * (1.0 + NEAR):
            last = low
    low = (first + last) // 2
    total = 0.0
    for k in range(low, low + half):
        total += ordered[k]
    return total / half


@kernel
def _others(start, value, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Fills `out` with the median of the other values of each one's block; NaN where it is alone."""
    for block in range(len(start) - 1):
        first, last = start[block], start[block + 1]
        m = last - first - 1
        if m <= 0:
            out[first:last] = np.nan
        elif m == 1:
            out[first], out[first + 1] = value[first + 1], value[first]
        else:
            order = first + np.argsort(value[first:last])
            low, high = (m - 1) // 2, m // 2
            for rank in range(m + 1):  # without itself, those above it are one rank lower
                a, b = value[order[low + (low >= rank)]], value[order[high + (high >= rank)]]
                out[order[rank]] = a if low == high else 0.5 * (a + b)


@kernel
def _sweep(lab_start, member, start, lab, y, effect):  # type: ignore[no-untyped-def]  # pragma: no cover
    moved = 0.0
    found, centre = effect.copy(), np.empty(len(y))
    _others(start, y - effect[lab], centre)
    for i in range(len(lab_start) - 1):
        mine = member[lab_start[i] : lab_start[i + 1]]
        gap = y[mine] - centre[mine]
        gap = np.sort(gap[~np.isnan(gap)])
        if len(gap) == 0:
            continue
        found[i] = 0.5 * (effect[i] + _middle_of_shortest_half(gap))
        moved = max(moved, abs(found[i] - effect[i]))
    effect[:] = found
    return moved


def shortest_half_effects(start: Ints, lab: Ints, y: Floats, *, n: int, sweeps: int = 20) -> Floats:
    """Effects of n laboratories from the differences of their results to the others of each block (n); 0 without any.

    All at once, so that their order does not matter, the laboratories move half of the way to the mean of the shortest half
    of y − median(y − effect of the others in the block), a location that up to half of its differences, all on one side,
    cannot carry away (Rousseeuw & Leroy 1988, doi:10.1111/j.1467-9574.1988.tb01224.x); the median below `FEW`
    differences. `start` (blocks + 1) delimits the blocks.
    A beginning only: it is inefficient.
    """
    member = np.argsort(lab, kind="stable")
    lab_start = np.searchsorted(lab[member], np.arange(n + 1)).astype(np.int64)
    effect = np.zeros(n)
    for _ in range(sweeps):
        if _sweep(lab_start, member, start, lab, y, effect) < 1e-6:
            break
    return effect
