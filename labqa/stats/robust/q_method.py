"""The Q method and Hampel's estimator of ISO 13528: a reproducibility SD from pairs of laboratories, and a location.

No Python package but slow scripts has it. Units follow the values.

Ties. The Q method places its interpolation nodes on the jumps of H1, so differences that are equal as reported must be one
jump, though 0.3 − 0.2 and 0.2 − 0.1 differ as float64. With `step`, the reporting step of the results, differences less than a
quarter of it apart are one; without it (0), those nearer than 32 × 2⁻⁵² of the absolute median (or of the difference,
where that is larger): a few rounding errors of the results, below any decimal that 14 digits can tell.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from labqa.stats.groups import per_group
from labqa.stats.kernels import kernel
from labqa.stats.robust.hampel import hampel_by_group
from labqa.stats.robust.pairwise import count_around, ordered, select_pair, sorted_set

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

TIE = 32 * 2.0**-52
"""Differences nearer than this fraction of the median, or of themselves, are one."""


class QHampel(NamedTuple):
    """Robust mean x* (Hampel) and SD s* (Q method): one number each for one set, one array each for groups."""

    location: Floats
    scale: Floats


@kernel
def tolerance(y: Floats, step: float) -> float:
    """How far apart differences of sorted `y` may be and yet be one, before the size of the differences is known."""
    n = len(y)
    return 0.25 * step if step > 0.0 else TIE * max(abs(y[(n - 1) // 2]), abs(y[n // 2]))


@kernel
def before(jump: float, tie: float) -> float:
    """A number below all differences that are one with `jump` and above all others below it, even where tie is nothing."""
    return float(max(tie, min(jump - tie, np.nextafter(jump, 0.0))))


@kernel
def crossing(
    total: float,
    zero: float,
    a: float,
    under: float,
    at: float,
    below: float,
    under_below: float,
    above: float,
    at_above: float,
) -> float:
    """Where G1, linear between its nodes, reaches 0.25 + 0.75 H1(0). Counts stand for H1 × total.

    `a` is the first jump at which H1 reaches that level, `under` and `at` the counts before and at it; `below` (0: none) and
    `above` are the jumps next to it. G1 = (H1 before + H1 at)/2 at a jump, 0 at 0 (ISO 13528:2022, C.5.2.2).
    """
    level = 0.5 * total + 1.5 * zero
    if at + under >= level:
        high, g_high = a, at + under
        low, g_low = (below, under + under_below) if below > 0.0 else (0.0, 0.0)
    else:
        low, g_low = a, at + under
        high, g_high = above, at + at_above
    return low + (high - low) * ((level - g_low) / (g_high - g_low))


@kernel
def _q_numerators(values: Floats, offsets: Integers, steps: Floats) -> tuple[Floats, Floats]:
    """G1⁻¹(0.25 + 0.75 H1(0)) and H1(0) of each group, one result a laboratory."""
    groups = len(offsets) - 1
    numerator, h0 = np.full(groups, np.nan), np.full(groups, np.nan)
    found = np.empty(max(64, np.max(np.diff(offsets)))) if groups else np.empty(0)
    for g in range(groups):
        y = values[offsets[g] : offsets[g + 1]]
        n = len(y)
        if n < 2 or not (np.isfinite(y[0]) and np.isfinite(y[n - 1])):
            continue
        total = n * (n - 1) // 2
        guess = 0.7 * (y[(5 * n) // 8] - y[(3 * n) // 8])
        tie, a = tolerance(y, steps[g]), 0.0
        zero, _, _ = count_around(y, tie, 0)
        for _ in range(2):
            h0[g], numerator[g] = zero / total, 0.0
            if zero == total:
                break
            a = select_pair(y, (total + 3 * zero + 3) // 4, 0, guess, 0.0, found[: max(n, 16)])
            if steps[g] > 0.0 or TIE * a <= tie:
                break
            # results near 0: the size of their differences tells the size of their rounding errors
            tie, last = TIE * a, zero
            zero, _, _ = count_around(y, tie, 0)
            if zero == last:
                break
        if zero == total:
            continue
        under, below, _ = count_around(y, before(a, tie), 0)
        at, _, above = count_around(y, a + tie, 0)
        below = below if below > tie else 0.0
        under_below, at_above = zero, at
        if at + under >= 0.5 * total + 1.5 * zero:
            if below > 0.0:
                under_below, _, _ = count_around(y, before(below, tie), 0)
        else:
            at_above, _, _ = count_around(y, above + tie, 0)
        numerator[g] = crossing(total, zero, a, under, at, below, under_below, above, at_above)
    return numerator, h0


def scale_of(numerator: Floats, h0: Floats) -> Floats:
    """s* = numerator / (√2 Φ⁻¹(0.625 + 0.375 H1(0))); 0 where all differences are 0."""
    return np.asarray(numerator / (np.sqrt(2.0) * ndtri(0.625 + 0.375 * h0)))


def q_method_by_group(values: Floats, offsets: Integers, *, step: ArrayLike = 0.0) -> Floats:
    """Robust SD s* of each group (values in any order, one result or mean a laboratory) by the Q method.

    s* = G1⁻¹(0.25 + 0.75 H1(0)) / (√2 Φ⁻¹(0.625 + 0.375 H1(0))): H1(x) is the share of pairs with |x_i − x_j| ≤ x, G1 its
    polygon through the middles of the jumps (ISO 13528:2022, C.5.2.2, formulas C.22 to C.25). `step` (one a group, or one for
    all): see the module. A group of equal values gives 0; fewer than two values give NaN; errors as `pairwise.ordered`. Linear
    memory, O(n log n).
    """
    values, offsets = ordered(values, offsets)
    return scale_of(*_q_numerators(values, offsets, per_group(step, offsets, "step")))


def q_method(values: Floats, *, step: float = 0.0) -> float:
    """Robust SD s* of one set by the Q method, as `q_method_by_group`."""
    return float(q_method_by_group(*sorted_set(values), step=step)[0])


def q_hampel_by_group(values: Floats, offsets: Integers, *, step: ArrayLike = 0.0) -> QHampel:
    """Robust mean and SD of each group (values in any order): Q method, and Hampel's location with its s*.

    ISO 13528:2022, C.5.4. Edge cases as in `q_method_by_group` and `hampel_by_group`.
    """
    scale = q_method_by_group(values, offsets, step=step)
    return QHampel(hampel_by_group(values, offsets, scale), scale)


def q_hampel(values: Floats, *, step: float = 0.0) -> tuple[float, float]:
    """Robust mean x* and SD s* of one set (ISO 13528:2022, C.5.4), as `q_hampel_by_group`."""
    found = q_hampel_by_group(*sorted_set(values), step=step)
    return float(found.location[0]), float(found.scale[0])
