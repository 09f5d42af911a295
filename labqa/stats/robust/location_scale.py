"""Robust centre and scale of one set of values, or of many sets that lie one behind the other in a column.

Grouped kernels take `values` (float64, no NaN) and `offsets` (int64, length groups + 1): group g is
`values[offsets[g]:offsets[g + 1]]`. Units follow the values. An empty group gives NaN: callers turn it into null.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labqa.stats.kernels import kernel

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MADE_FACTOR = 1.4826
"""1/Φ⁻¹(3/4) as the field writes it; makes the MAD consistent for the SD of a normal distribution."""
MADE_FACTOR_ISO = 1.483
"""The same as printed in ISO 13528:2022, C.2.2 (`MADe`)."""


def median(values: Floats) -> float:
    """Median of one set; NaN if it is empty."""
    return float(np.median(values)) if len(values) else float("nan")


def made(values: Floats, *, factor: float = MADE_FACTOR) -> float:
    """MADe = factor × median |x − median x| (ISO 13528:2022, C.2.2); NaN if empty, 0 if most values are equal."""
    return factor * median(np.abs(values - median(values)))


@kernel
def median_by_group(values: Floats, offsets: Integers) -> Floats:
    """Median of each group; the order of values within a group does not matter."""
    groups = len(offsets) - 1
    found = np.full(groups, np.nan)
    for g in range(groups):
        if offsets[g + 1] > offsets[g]:
            found[g] = np.median(values[offsets[g] : offsets[g + 1]])
    return found


@kernel
def mean_by_group(values: Floats, offsets: Integers) -> Floats:
    """Arithmetic mean of each group, summed in the order given."""
    groups = len(offsets) - 1
    found = np.full(groups, np.nan)
    for g in range(groups):
        total = 0.0
        for i in range(offsets[g], offsets[g + 1]):
            total += values[i]
        if offsets[g + 1] > offsets[g]:
            found[g] = total / (offsets[g + 1] - offsets[g])
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
