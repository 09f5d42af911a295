"""Algorithm A of ISO 13528: robust mean and robust SD, of one set, of many, and of the others of each value.

Grouped kernels take `values` (float64, no NaN) and `offsets` (int64, length groups + 1): group g is
`values[offsets[g]:offsets[g + 1]]`. Units follow the values. An empty group gives NaN: callers turn it into null.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labqa.stats.kernels import kernel

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

HUBER_LIMIT = 1.5
"""Winsorizing limit of Algorithm A, in units of s* (ISO 13528:2022, C.3.1)."""
HUBER_FACTOR = 1.1333926554624871
"""1/√E[min(Z², 1.5²)]: the consistency factor of Algorithm A, exact."""
HUBER_FACTOR_ISO = 1.134
"""The same as printed in ISO 13528:2022, C.3.1."""


def algorithm_a(values: Floats, *, factor: float = HUBER_FACTOR) -> tuple[float, float]:
    """Algorithm A of one set: robust mean x* and SD s* (ISO 13528:2022, C.3.1), as `algorithm_a_by_group`."""
    centre, scale = algorithm_a_by_group(np.sort(values), np.array([0, len(values)], dtype=np.int64), factor)
    return float(centre[0]), float(scale[0])


@kernel
def _sums_from_middle(values: Floats) -> tuple[Floats, Floats]:
    """Running sums of x and x², 0 at the middle: Σ over [lo, hi) is P[hi] − P[lo], free of what lies outside it."""
    n = len(values)
    first, second = np.zeros(n + 1), np.zeros(n + 1)
    for i in range(n // 2, n):
        first[i + 1] = first[i] + values[i]
        second[i + 1] = second[i] + values[i] ** 2
    for i in range(n // 2 - 1, -1, -1):
        first[i] = first[i + 1] - values[i]
        second[i] = second[i + 1] - values[i] ** 2
    return first, second


@kernel
def _algorithm_a_sorted(
    y: Floats, first: Floats, second: Floats, skip: int, centre: float, scale: float, factor: float
) -> tuple[float, float]:
    """Fixed point of Algorithm A over sorted `y` without element `skip` (−1: all), from (centre, scale).

    With the clipped values known (l low, h high, m between with mean μ and sum of squares SS) both equations are
    solved at once: s²[(n−1)/f² − k²(l+h) − k²(h−l)²/m] = SS, x = μ + (h−l)ks/m. If the clipped set of the solution is
    the set it came from, it is the fixed point; else the step goes on from there (or by the plain iteration).
    """
    total = len(y)
    n = total - int(skip >= 0)
    old_low, old_high = -1, -1
    for step in range(5000):
        low = int(np.searchsorted(y, centre - 1.5 * scale))
        high = int(np.searchsorted(y, centre + 1.5 * scale, side="right"))
        if low == old_low and high == old_high:
            break
        below, above = low, total - high
        core, sum1, sum2 = high - low, float(first[high] - first[low]), float(second[high] - second[low])
        if skip >= 0:
            if skip < low:
                below -= 1
            elif skip >= high:
                above -= 1
            else:
                core, sum1, sum2 = core - 1, sum1 - y[skip], sum2 - y[skip] ** 2
        if core == 0:
            break
        mean = sum1 / core
        spread = max(sum2 - core * mean**2, 0.0)
        unbalance = float(above - below)
        divisor = float(n - 1) / factor**2 - 2.25 * (below + above) - 2.25 * unbalance**2 / core
        if divisor > 0.0 and spread > 0.0 and step < 100:
            scale = float(np.sqrt(spread / divisor))
            centre = mean + 1.5 * unbalance * scale / core
            old_low, old_high = low, high
        else:
            delta = 1.5 * scale
            moved = (sum1 + below * (centre - delta) + above * (centre + delta)) / n
            squares = spread + core * (mean - moved) ** 2
            squares += below * (centre - delta - moved) ** 2 + above * (centre + delta - moved) ** 2
            widened = factor * np.sqrt(squares / (n - 1))
            settled = abs(moved - centre) + abs(widened - scale) <= 1e-15 * scale
            centre, scale = moved, widened
            if settled or scale == 0.0:
                break
    return centre, scale


@kernel
def _start(y: Floats) -> tuple[float, float]:
    """Median and MADe; where MADe is 0 the SD, so that ties do not end the iteration before it began."""
    centre = np.median(y)
    scale = 1.482602218505602 * np.median(np.abs(y - centre))
    if scale == 0.0:
        scale = np.std(y)
    return centre, scale


@kernel
def algorithm_a_by_group(values: Floats, offsets: Integers, factor: float) -> tuple[Floats, Floats]:
    """Algorithm A of each group (values sorted within groups): robust mean x* and robust SD s*.

    x* = Σ w/n and s* = factor √(Σ(w − x*)²/(n − 1)) with w = x clipped to x* ± 1.5 s*, solved to the fixed point.
    ISO 13528:2022, C.3.1; start: median and MADe (the SD where MADe is 0, C.3.1 note). One value: s* is NaN.
    """
    groups = len(offsets) - 1
    centres, scales = np.full(groups, np.nan), np.full(groups, np.nan)
    for g in range(groups):
        y = values[offsets[g] : offsets[g + 1]]
        if len(y) == 0:
            continue
        middle = np.median(y)
        if len(y) == 1:
            centres[g] = middle
            continue
        y = y - middle
        first, second = _sums_from_middle(y)
        centre, scale = _start(y)
        if scale > 0.0:
            centre, scale = _algorithm_a_sorted(y, first, second, -1, centre, scale, factor)
        centres[g], scales[g] = centre + middle, scale
    return centres, scales


@kernel
def algorithm_a_without_self(values: Floats, offsets: Integers, factor: float) -> tuple[Floats, Floats]:
    """Algorithm A of the *other* values of the group, for every value: shape as `values`, sorted within groups.

    A laboratory is never part of its own consensus. Groups of fewer than three give NaN. Starts from median and MADe of
    the whole group; costs O(p log p) for a group of p.
    """
    centres, scales = np.full(len(values), np.nan), np.full(len(values), np.nan)
    for g in range(len(offsets) - 1):
        y = values[offsets[g] : offsets[g + 1]]
        if len(y) < 3:
            continue
        middle = np.median(y)
        y = y - middle
        first, second = _sums_from_middle(y)
        start = _start(y)
        for i in range(len(y)):
            centre, scale = _start(np.concatenate((y[:i], y[i + 1 :]))) if len(y) < 8 else start
            if scale > 0.0:
                centre, scale = _algorithm_a_sorted(y, first, second, i, centre, scale, factor)
            centres[offsets[g] + i], scales[offsets[g] + i] = centre + middle, scale
    return centres, scales
