"""The tau location and scale of Maronna and Zamar: one weighted step, then a truncated second moment.

This is the version of R's robustbase (scaleTau2), not the tau scale of Yohai and Zamar 1988, which starts from an
M-scale. No Python package of standing has it. Units follow the values.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from labqa.stats.kernels import kernel
from labqa.stats.robust.biweight import centred, usable
from labqa.stats.robust.pairwise import ordered, sorted_set

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LOCATION_CUT = 4.5
"""c1: values beyond 4.5 MAD from the median weigh nothing in the location."""
SCALE_CUT = 3.0
"""c2: deviations beyond 3 MAD count as 3 MAD in the scale."""


class Tau(NamedTuple):
    """Tau location and scale, one each a group."""

    location: Floats
    scale: Floats


@kernel
def _tau(values: Floats, offsets: Integers, c1: float, c2: float) -> tuple[Floats, Floats]:
    """Location and raw second moment Σ min(d², (c2 MAD)²)/n of each group."""
    groups = len(offsets) - 1
    centres, moments = np.full(groups, np.nan), np.full(groups, np.nan)
    for g in range(groups):
        y = values[offsets[g] : offsets[g + 1]]
        if not usable(y):
            continue
        n = len(y)
        middle, deviations, mad = centred(y)
        centres[g] = middle
        if n < 2:
            continue
        if mad == 0.0:
            moments[g] = 0.0
            continue
        top, bottom = 0.0, 0.0
        for d in deviations:
            u = d / (c1 * mad)
            if abs(u) < 1.0:
                top += (1.0 - u * u) ** 2 * d
                bottom += (1.0 - u * u) ** 2
        shift = top / bottom if bottom > 0.0 else 0.0
        total = 0.0
        for d in deviations:
            total += min(((d - shift) / mad) ** 2, c2 * c2)
        centres[g], moments[g] = middle + shift, mad * mad * total / n
    return centres, moments


def _expected(c2: float) -> float:
    """E[min(Z², b²)] of a standard normal Z with b = c2 Φ⁻¹(3/4): what the moment is for σ = 1."""
    b = c2 * ndtri(0.75)
    density = np.exp(-0.5 * b * b) / np.sqrt(2.0 * np.pi)
    return float(2.0 * ((1.0 - b * b) * ndtr(b) - b * density + b * b) - 1.0)


def tau_by_group(
    values: Floats, offsets: Integers, *, c1: float = LOCATION_CUT, c2: float = SCALE_CUT, consistent: bool = True
) -> Tau:
    """Tau location and scale of each group (values in any order), MAD raw.

    μ = Σ w x/Σ w, w = (1 − u²)² for |u| < 1, u = (x − median)/(c1 MAD); s² = Σ min((x − μ)², (c2 MAD)²)/(n E), E = E[min(Z²,
    (c2 Φ⁻¹(3/4))²)] making s consistent for the SD of a normal distribution (`consistent` False: E = 1). Maronna and Zamar
    2002, doi:10.1198/004017002188618509. MAD = 0: the median and 0; one value: that value and a scale of NaN; NaN for an empty
    group; errors as `pairwise.ordered`.
    """
    location, moment = _tau(*ordered(values, offsets), c1, c2)
    return Tau(location, np.sqrt(moment / (_expected(c2) if consistent else 1.0)))


def tau(values: Floats, *, c1: float = LOCATION_CUT, c2: float = SCALE_CUT, consistent: bool = True) -> tuple[float, float]:
    """Tau location and scale of one set, as `tau_by_group`."""
    found = tau_by_group(*sorted_set(values), c1=c1, c2=c2, consistent=consistent)
    return float(found.location[0]), float(found.scale[0])
