"""Algorithm S of ISO 13528: the pooled robust SD of many SDs or ranges that should be alike, one set or many."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammainc, gammaincinv

from labqa.stats.kernels import kernel
from labqa.stats.robust.sorting import LARGEST_SQUARED, sorted_within_groups

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CLIPPED = 0.1
"""Share of SDs that exceed the limit when all laboratories have the same σ (ISO 13528:2022, C.4)."""


class Factors(NamedTuple):
    """Limit factor η and adjustment factor ξ of Algorithm S."""

    limit: Floats
    adjustment: Floats


class AlgorithmS(NamedTuple):
    """Robust pooled value w* of a set, how many of its values were above the limit η w*, and the limit."""

    pooled: float
    clipped: int
    limit: float


class AlgorithmSByGroup(NamedTuple):
    """Robust pooled value w* of each group, how many of its values were above the limit η w*, and the limit."""

    pooled: Floats
    clipped: Integers
    limit: Floats


def factors(degrees_of_freedom: ArrayLike) -> Factors:
    """η and ξ of Algorithm S for SDs of ν degrees of freedom (ISO 13528:2022, C.4; tabled there for ν = 1 … 10).

    η² = χ²(0.9; ν)/ν, ξ² = 1/(P[χ²(ν + 2) < ν η²] + 0.1 η²): one SD in ten is clipped and w*² has expectation σ² if all
    σ are alike. Computed, not taken from the standard's table, which has three decimals; fractional ν (a Satterthwaite ν)
    is allowed. NaN for ν ≤ 0.
    """
    nu = np.asarray(degrees_of_freedom, dtype=np.float64)
    nu = np.where(nu > 0.0, nu, np.nan)
    quantile = 2.0 * gammaincinv(0.5 * nu, 1.0 - CLIPPED)
    limit = quantile / nu
    adjustment = 1.0 / (gammainc(0.5 * nu + 1.0, 0.5 * quantile) + CLIPPED * limit)
    return Factors(np.sqrt(limit), np.sqrt(adjustment))


def algorithm_s(values: Floats, *, degrees_of_freedom: float) -> AlgorithmS:
    """Algorithm S of one set of SDs or ranges (ISO 13528:2022, C.4; ISO 5725-5:1998, 6.3), as `algorithm_s_by_group`."""
    found = algorithm_s_by_group(
        values, np.array([0, len(values)], dtype=np.int64), degrees_of_freedom=np.array([degrees_of_freedom])
    )
    return AlgorithmS(float(found.pooled[0]), int(found.clipped[0]), float(found.limit[0]))


def algorithm_s_by_group(values: Floats, offsets: Integers, *, degrees_of_freedom: ArrayLike) -> AlgorithmSByGroup:
    """Algorithm S of each group of SDs or ranges: robust pooled value w* (ISO 13528:2022, C.4; ISO 5725-5:1998, 6.3).

    w* = ξ √(Σ min(w, η w*)²/p), with `factors` of `degrees_of_freedom` (one, or one a group): replicates − 1 for SDs, 1 for
    ranges of two. Values in any order, at `values[offsets[g]:offsets[g + 1]]`, units kept. Solved exactly: Σ min(w/w*, η)²
    falls as w* grows, so one number of clipped values fits and w*² = Σ(the others' w²)/(p/ξ² − η² clipped); the start and
    the stopping rule of the standard's iteration do not matter. A range of two is √2 SD, and so is its pooled value.

    Empty: NaN. One value: it is not clipped, w* = ξ w. w* is 0 if so few SDs are above 0 that η² times their number does not
    reach p/ξ² (about 0.31 p for ν = 1, 0.39 p for ν = 2). ValueError: a negative value, a NaN, one above 1e150. SciPy,
    statsmodels and astropy have no such estimator.
    """
    ordered = sorted_within_groups(values, offsets, largest=LARGEST_SQUARED)
    negative = np.flatnonzero(np.asarray(values)[offsets[0] : offsets[-1]] < 0.0)
    if len(negative):
        raise ValueError(f"values[{offsets[0] + negative[0]}] is below 0; SDs and ranges are 0 or more")
    limit, adjustment = factors(np.broadcast_to(np.asarray(degrees_of_freedom, dtype=np.float64), (len(offsets) - 1,)))
    pooled, clipped = _pooled(ordered, offsets, limit, adjustment)
    return AlgorithmSByGroup(pooled, clipped, limit * pooled)


@kernel
def _pooled(w: Floats, offsets: Integers, limit: Floats, adjustment: Floats) -> tuple[Floats, Integers]:
    """w* and the number clipped, from ascending SDs: the largest number clipped whose w* clips all of them."""
    groups = len(offsets) - 1
    pooled, clipped = np.full(groups, np.nan), np.zeros(groups, np.int64)
    for g in range(groups):
        begin, end = offsets[g], offsets[g + 1]
        if end == begin:
            continue
        total, most, squares = (end - begin) / adjustment[g] ** 2, limit[g] ** 2, 0.0
        remaining = total - most * (end - begin)
        at = begin
        while at < end and not (remaining > 0.0 and most * squares <= remaining * w[at] ** 2):
            squares += w[at] ** 2
            at += 1
            remaining = total - most * (end - at)
        pooled[g] = np.sqrt(squares / remaining)
        while at < end and not w[at] > limit[g] * pooled[g]:
            at += 1
        clipped[g] = end - at
    return pooled, clipped
