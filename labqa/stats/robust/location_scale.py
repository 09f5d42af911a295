"""Robust centre and scale of one set of values, or of many sets that lie one behind the other in a column.

Grouped functions take `values` (float64) and `offsets` (int64, length groups + 1): group g is
`values[offsets[g]:offsets[g + 1]]`. Units follow the values. An empty group gives NaN: callers turn it into null. Where
values are ordered first, they come in any order (those already ascending are not sorted again) and NaN is a ValueError.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labqa.stats.kernels import kernel
from labqa.stats.robust.sorting import sorted_within_groups

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MADE_FACTOR = 1.4826
"""1/Φ⁻¹(3/4) as the field writes it; makes the MAD consistent for the SD of a normal distribution."""
MADE_FACTOR_ISO = 1.483
"""The same as printed in ISO 13528:2022, C.2.2 (`MADe`)."""
NIQR_FACTOR = 0.7413
"""1/(2 Φ⁻¹(3/4)) as printed in ISO 13528:2022, C.2.3 (`nIQR`)."""
QUARTILES = {"inclusive": (-1.0, 0.0), "exclusive": (1.0, -1.0)}
"""Position of a quartile among n ascending values, counted from 0: p (n + a) + b."""


class Centre(NamedTuple):
    """Median and MADe of each group."""

    median: Floats
    made: Floats


def _one(values: Floats) -> Integers:
    return np.array([0, len(values)], dtype=np.int64)


def median(values: Floats) -> float:
    """Median of one set (ISO 13528:2022, C.2.1); NaN if it is empty."""
    return float(median_by_group(values, _one(values))[0])


def made(values: Floats, *, factor: float = MADE_FACTOR) -> float:
    """MADe = factor × median |x − median x| (ISO 13528:2022, C.2.2); NaN if empty, 0 if more than half are equal."""
    return float(median_made_by_group(values, _one(values), factor=factor).made[0])


def niqr(values: Floats, *, quartiles: str = "inclusive", factor: float = NIQR_FACTOR) -> float:
    """nIQR = 0.7413 (Q3 − Q1) of one set (ISO 13528:2022, C.2.3), as `niqr_by_group`."""
    return float(niqr_by_group(values, _one(values), quartiles=quartiles, factor=factor)[0])


def median_by_group(values: Floats, offsets: Integers) -> Floats:
    """Median of each group, in the bits of np.median: the mean of the middle two of an even number (ISO 13528:2022, C.2.1)."""
    return np.asarray(_middle(sorted_within_groups(values, offsets), offsets), dtype=np.float64)


def median_made_by_group(values: Floats, offsets: Integers, *, factor: float = MADE_FACTOR) -> Centre:
    """Median and MADe of each group, in one pass over the sorted values (ISO 13528:2022, C.2.1 and C.2.2).

    MADe = factor × median |x − median x|. One value, or more than half of them equal: MADe is 0. Two values: half their
    difference × factor. Bits of np.median; polars and astropy give the same 3 to 30 times slower, astropy for groups of
    one size only.
    """
    ordered = sorted_within_groups(values, offsets)
    centre, deviation = _middle_and_deviation(ordered, offsets)
    return Centre(centre, factor * deviation)


def niqr_by_group(values: Floats, offsets: Integers, *, quartiles: str = "inclusive", factor: float = NIQR_FACTOR) -> Floats:
    """nIQR = 0.7413 (Q3 − Q1) of each group (ISO 13528:2022, C.2.3).

    The standard leaves the quartiles' definition open: `quartiles` "inclusive" is position p (n − 1) counted from 0, as in
    Excel's QUARTILE.INC, R and NumPy (their default, type 7), and gives the standard's example E.3; "exclusive" is
    p (n + 1) − 1, as in Excel's QUARTILE.EXC, SPSS and Minitab (type 6), the outermost value where that lies outside.
    One value: 0. ValueError: another convention.
    """
    if quartiles not in QUARTILES:
        raise ValueError(f"quartiles: found {quartiles!r}, expected one of {', '.join(QUARTILES)}")
    ordered = sorted_within_groups(values, offsets)
    return np.asarray(factor * _interquartile(ordered, offsets, *QUARTILES[quartiles]), dtype=np.float64)


@kernel
def middle_value(y: Floats, begin: int, end: int) -> float:
    """Median of ascending y[begin:end], which is not empty."""
    n = end - begin
    return float(0.5 * (y[begin + (n - 1) // 2] + y[begin + n // 2]))


@kernel
def middle_deviation(y: Floats, begin: int, end: int, centre: float) -> float:
    """Median of |y − centre| over ascending y[begin:end], not empty; the bits of sorting the deviations.

    Deviations fall up to the centre and rise behind it, so the smallest k of them are a window of k neighbours: the first
    window whose left end is nearer than the value after its right end, found by bisection. Its ends hold the largest, and
    the next larger is beyond one of them.
    """
    n = end - begin
    k = (n + 1) // 2
    low, high = begin, end - k
    while low < high:
        at = (low + high) // 2
        if centre - y[at] > y[at + k] - centre:
            low = at + 1
        else:
            high = at
    largest = max(abs(y[low] - centre), abs(y[low + k - 1] - centre))
    if n % 2 == 1:
        return float(largest)
    beyond = np.inf
    if low > begin:
        beyond = abs(y[low - 1] - centre)
    if low + k < end:
        beyond = min(beyond, abs(y[low + k] - centre))
    return float(0.5 * (largest + beyond))


@kernel
def _middle(y: Floats, offsets: Integers) -> Floats:
    found = np.full(len(offsets) - 1, np.nan)
    for g in range(len(offsets) - 1):
        if offsets[g + 1] > offsets[g]:
            found[g] = middle_value(y, offsets[g], offsets[g + 1])
    return found


@kernel
def _middle_and_deviation(y: Floats, offsets: Integers) -> tuple[Floats, Floats]:
    groups = len(offsets) - 1
    centre, deviation = np.full(groups, np.nan), np.full(groups, np.nan)
    for g in range(groups):
        begin, end = offsets[g], offsets[g + 1]
        if end > begin:
            centre[g] = middle_value(y, begin, end)
            deviation[g] = middle_deviation(y, begin, end, centre[g])
    return centre, deviation


@kernel
def _interquartile(y: Floats, offsets: Integers, a: float, b: float) -> Floats:
    found = np.full(len(offsets) - 1, np.nan)
    for g in range(len(offsets) - 1):
        begin, n = offsets[g], offsets[g + 1] - offsets[g]
        if n == 0:
            continue
        found[g] = 0.0
        for p in (0.25, 0.75):
            at = min(max(p * (n + a) + b, 0.0), n - 1.0)
            below = int(at)
            quartile = y[begin + below]
            if at > below:
                quartile += (at - below) * (y[begin + below + 1] - y[begin + below])
            found[g] += quartile if p > 0.5 else -quartile
    return found


@kernel
def mean_by_group(values: Floats, offsets: Integers) -> Floats:
    """Arithmetic mean of each group, summed in the order given, and corrected by the mean of what it leaves.

    Uncorrected, the mean of 0.1, 0.1 and 0.1 is 0.10000000000000002: replicates that agree would differ from their mean.
    """
    groups = len(offsets) - 1
    found = np.full(groups, np.nan)
    for g in range(groups):
        n, total, left = offsets[g + 1] - offsets[g], 0.0, 0.0
        if n == 0:
            continue
        for i in range(offsets[g], offsets[g + 1]):
            total += values[i]
        found[g] = total / n
        if np.isfinite(found[g]):
            for i in range(offsets[g], offsets[g + 1]):
                left += values[i] - found[g]
            found[g] += left / n
    return found


@kernel
def sd_by_group(values: Floats, offsets: Integers) -> Floats:
    """SD (n − 1) of each group about its mean, two passes, summed in the order given; NaN for fewer than two values."""
    groups = len(offsets) - 1
    found = np.full(groups, np.nan)
    means = mean_by_group(values, offsets)
    for g in range(groups):
        n, squares, rest = offsets[g + 1] - offsets[g], 0.0, 0.0
        for i in range(offsets[g], offsets[g + 1]):
            squares += (values[i] - means[g]) ** 2
            rest += values[i] - means[g]
        if n > 1:
            found[g] = np.sqrt((squares - rest**2 / n) / (n - 1))
    return found


@kernel
def median_without_self(values: Floats, offsets: Integers) -> Floats:
    """Median of the *other* values of the group, for every value (sorted within groups); NaN where there is no other."""
    found = np.full(len(values), np.nan)
    for g in range(len(offsets) - 1):
        begin, n = offsets[g], offsets[g + 1] - offsets[g]
        for i in range(n if n > 1 else 0):
            low, high = (n - 2) // 2, (n - 1) // 2
            low, high = low + int(low >= i), high + int(high >= i)
            found[begin + i] = 0.5 * (values[begin + low] + values[begin + high])
    return found


@kernel
def scale_about_zero_by_group(values: Floats, weights: Floats, offsets: Integers) -> Floats:
    """Robust SD about 0 of each group: s² = Σ w·min(x², (1.5 s)²) / (β Σ w), β = E[min(Z², 1.5²)] = 1/1.13339².

    Algorithm A's scale with the centre known to be 0, as it is for differences between two results; weights ≥ 0. Start:
    the weighted root mean square, so ties at 0 do not end it; a scale of 0 only if (nearly) all values are 0.
    """
    groups = len(offsets) - 1
    found = np.full(groups, np.nan)
    for g in range(groups):
        x, w = np.abs(values[offsets[g] : offsets[g + 1]]), weights[offsets[g] : offsets[g + 1]]
        total = np.sum(w)
        if not total > 0.0:
            continue
        scale = 1.482602218505602 * np.median(x)
        if scale == 0.0:
            scale = np.sqrt(np.sum(w * x**2) / total)
        for _ in range(5000):
            limit = 1.5 * scale
            inside = 0.0
            for i in range(len(x)):
                inside += w[i] * min(x[i], limit) ** 2
            moved = 1.1333926554624871 * np.sqrt(inside / total)
            settled = abs(moved - scale) <= 1e-13 * scale
            scale = moved
            if settled:
                break
        found[g] = scale
    return found
