"""Tukey's biweight: location, midvariance and scale, from the median and the MAD.

astropy has them for one set a call, or for the rows of a rectangle; here groups of any size lie one behind the other. Grouped
functions take values in any order. Units follow the values.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labqa.stats.kernels import kernel
from labqa.stats.robust.pairwise import ordered, sorted_set

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LOCATION_CUT = 6.0
"""c of the location: values beyond 6 MAD from the median weigh nothing."""
SCALE_CUT = 9.0
"""c of the midvariance."""
MAX_STEPS = 5000


@kernel
def centred(y: Floats) -> tuple[float, Floats, float]:
    """Median of sorted `y`, deviations from it, and their median absolute value (the raw MAD)."""
    n = len(y)
    middle = y[n // 2] if n % 2 == 1 else 0.5 * y[n // 2 - 1] + 0.5 * y[n // 2]
    deviations = y - middle
    return middle, deviations, np.median(np.abs(deviations))


@kernel
def usable(y: Floats) -> bool:
    """Sorted `y` has values, all finite."""
    return len(y) > 0 and np.isfinite(y[0]) and np.isfinite(y[-1])


@kernel
def _location(values: Floats, offsets: Integers, c: float, steps: int) -> Floats:
    groups = len(offsets) - 1
    centres = np.full(groups, np.nan)
    for g in range(groups):
        y = values[offsets[g] : offsets[g + 1]]
        if not usable(y):
            continue
        middle, deviations, mad = centred(y)
        centre = 0.0
        for _ in range(steps if mad > 0.0 else 0):
            top, bottom = 0.0, 0.0
            for d in deviations:
                u = (d - centre) / (c * mad)
                if abs(u) < 1.0:
                    weight = (1.0 - u * u) ** 2
                    top += weight * (d - centre)
                    bottom += weight
            if bottom == 0.0:
                break
            centre += top / bottom
            if abs(top) <= 1e-15 * bottom * mad:
                break
        centres[g] = middle + centre
    return centres


@kernel
def _midvariance(values: Floats, offsets: Integers, c: float) -> tuple[Floats, Floats]:
    """n Σ d²(1 − u²)⁴ / (Σ (1 − u²)(1 − 5u²))² of each group, and the share of its values with |u| < 1."""
    groups = len(offsets) - 1
    found, inside = np.full(groups, np.nan), np.full(groups, np.nan)
    for g in range(groups):
        y = values[offsets[g] : offsets[g + 1]]
        if len(y) < 2 or not usable(y):
            continue
        _, deviations, mad = centred(y)
        if mad == 0.0:
            found[g], inside[g] = 0.0, 1.0
            continue
        top, bottom, count = 0.0, 0.0, 0
        for d in deviations:
            v = (d / (c * mad)) ** 2
            if v < 1.0:
                top += d * d * (1.0 - v) ** 4
                bottom += (1.0 - v) * (1.0 - 5.0 * v)
                count += 1
        inside[g] = count / len(y)
        if bottom > 0.0:
            found[g] = len(y) * top / bottom**2
    return found, inside


def biweight_location_by_group(values: Floats, offsets: Integers, *, c: float = LOCATION_CUT, iterated: bool = False) -> Floats:
    """Biweight location of each group: M + Σ w (x − M)/Σ w, w = (1 − u²)² for |u| < 1, u = (x − M)/(c MAD).

    One step from M, the median (as astropy, and NIST Dataplot); `iterated`: M is moved, the MAD kept, until it stays.
    Beers, Flynn and Gebhardt 1990, doi:10.1086/115487. MAD = 0, or one value: the
    median. NaN for an empty group; errors as `pairwise.ordered`.
    """
    steps = MAX_STEPS if iterated else 1
    return np.asarray(_location(*ordered(values, offsets), c, steps))


def biweight_location(values: Floats, *, c: float = LOCATION_CUT, iterated: bool = False) -> float:
    """Biweight location of one set, as `biweight_location_by_group`."""
    return float(biweight_location_by_group(*sorted_set(values), c=c, iterated=iterated)[0])


def biweight_midvariance_by_group(
    values: Floats, offsets: Integers, *, c: float = SCALE_CUT, count_inside: bool = False
) -> Floats:
    """Biweight midvariance of each group: n Σ d²(1 − u²)⁴ / (Σ (1 − u²)(1 − 5u²))² over |u| < 1, d = x − median, u = d/(c MAD).

    `count_inside`: n counts the values with |u| < 1 only (astropy's `modify_sample_size`). Beers, Flynn and Gebhardt 1990,
    doi:10.1086/115487. MAD = 0 gives 0, although a few values may differ; fewer than two values give
    NaN, as does a denominator sum that is not positive (possible only for c below 9).
    """
    found, inside = _midvariance(*ordered(values, offsets), c)
    return np.asarray(found * inside if count_inside else found)


def biweight_midvariance(values: Floats, *, c: float = SCALE_CUT, count_inside: bool = False) -> float:
    """Biweight midvariance of one set, as `biweight_midvariance_by_group`."""
    return float(biweight_midvariance_by_group(*sorted_set(values), c=c, count_inside=count_inside)[0])


def biweight_scale_by_group(values: Floats, offsets: Integers, *, c: float = SCALE_CUT, count_inside: bool = False) -> Floats:
    """Biweight scale of each group: the root of the midvariance; edge cases as there."""
    return np.sqrt(biweight_midvariance_by_group(values, offsets, c=c, count_inside=count_inside))


def biweight_scale(values: Floats, *, c: float = SCALE_CUT, count_inside: bool = False) -> float:
    """Biweight scale of one set, as `biweight_scale_by_group`."""
    return float(biweight_scale_by_group(*sorted_set(values), c=c, count_inside=count_inside)[0])
