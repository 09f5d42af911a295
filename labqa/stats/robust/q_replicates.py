"""The Q method where laboratories report replicates: differences between laboratories only, each laboratory of one weight.

Kernels take `values` (float64), `labs` (int64): laboratory l reported `values[labs[l]:labs[l + 1]]`, in any order, and
`offsets` (int64): group g holds the laboratories `offsets[g]` … `offsets[g + 1] − 1`. Units follow the values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labqa.stats.groups import per_group
from labqa.stats.kernels import kernel
from labqa.stats.robust.hampel import hampel_by_group
from labqa.stats.robust.pairwise import between
from labqa.stats.robust.q_method import TIE, QHampel, before, crossing, scale_of, tolerance

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@kernel
def _pointers(lab: Integers) -> tuple[Integers, Integers]:
    """For each place the nearest one to the right, and to the left, that another laboratory holds (n, −1: none)."""
    n = len(lab)
    right, left = np.empty(n, np.int64), np.empty(n, np.int64)
    for i in range(n):
        left[i] = i - 1 if i == 0 or lab[i - 1] != lab[i] else left[i - 1]
    for i in range(n - 1, -1, -1):
        right[i] = i + 1 if i == n - 1 or lab[i + 1] != lab[i] else right[i + 1]
    return right, left


class _Results(NamedTuple):
    """The results of one group, sorted (`y`, with the place of each one's laboratory, and their running weights) and in
    the order of the laboratories (`own`, sorted within each, delimited by `start`); `weight` is one a laboratory."""

    y: Floats
    lab: Integers
    sums: Floats
    right: Integers
    left: Integers
    own: Floats
    start: Integers
    weight: Floats


@kernel
def _results(own: Floats, start: Integers) -> _Results:
    """Prepares one group. The weight of a result is the size of the largest laboratory over that of its own: 1/n_i made whole
    where it can be, so that sums of weights are exact for equal replicates."""
    labs, n = len(start) - 1, len(own)
    largest = np.max(np.diff(start))
    weight, lab = np.zeros(labs), np.empty(n, np.int64)
    for m in range(labs):
        begin, end = start[m], start[m + 1]
        own[begin:end] = np.sort(own[begin:end])
        lab[begin:end] = m
        if end > begin:
            weight[m] = largest / (end - begin)
    order = np.argsort(own, kind="mergesort")
    y, lab = own[order], lab[order]
    sums = np.zeros(n + 1)
    for i in range(n):
        sums[i + 1] = sums[i] + weight[lab[i]]
    right, left = _pointers(lab)
    return _Results(y, lab, sums, right, left, own, start, weight)


@kernel
def _weight_around(results: _Results, t: float) -> tuple[float, float, float]:
    """Weight of the pairs between laboratories that differ by at most t, and the differences next to t (≤ t, > t).

    All pairs, less the pairs within laboratories; two pointers for each.
    """
    y, lab, sums, right, left, own, start, weight = results
    count, below, above = 0.0, -np.inf, np.inf
    i = 0
    for j in range(len(y)):
        while y[j] - y[i] > t:
            i += 1
        count += weight[lab[j]] * (sums[j] - sums[i])
        near = i if lab[i] != lab[j] else right[i]
        if near < j:
            below = max(below, y[j] - y[near])
        if i > 0:
            far = i - 1 if lab[i - 1] != lab[j] else left[i - 1]
            if far >= 0:
                above = min(above, y[j] - y[far])
    for m in range(len(weight)):
        i, pairs = start[m], 0
        for j in range(start[m], start[m + 1]):
            while own[j] - own[i] > t:
                i += 1
            pairs += j - i
        count -= pairs * weight[m] ** 2
    return max(count, 0.0), below, above


@kernel
def _level_at(results: _Results, floor: float, high: float, level: float) -> float:
    """Smallest difference between laboratories at which the weight reaches `level`; attained ones bracket it."""
    step = 0
    while floor < high:
        step += 1
        t = 0.5 * floor + 0.5 * high
        if not (floor <= t < high) or step > 60:
            t = between(floor, high)
        count, below, above = _weight_around(results, t)
        if count < level:
            floor = above
        else:
            high = below
    return high


@kernel
def _q_numerators(values: Floats, labs: Integers, offsets: Integers, steps: Floats) -> tuple[Floats, Floats]:
    """G1⁻¹(0.25 + 0.75 H1(0)) and H1(0) of each group."""
    groups = len(offsets) - 1
    numerator, h0 = np.full(groups, np.nan), np.full(groups, np.nan)
    for g in range(groups):
        start = labs[offsets[g] : offsets[g + 1] + 1]
        own = values[start[0] : start[-1]].copy()
        p = np.sum(np.diff(start) > 0)
        if p < 2 or not np.all(np.isfinite(own)):
            continue
        results = _results(own, start - start[0])
        y = results.y
        total = float(np.max(np.diff(start))) ** 2 * (0.5 * p * (p - 1))
        tie, a = tolerance(y, steps[g]), 0.0
        _, high, _ = _weight_around(results, y[-1] - y[0])
        for _ in range(2):
            zero, _, floor = _weight_around(results, tie)
            if floor == np.inf:
                break
            a = _level_at(results, floor, high, 0.25 * total + 0.75 * zero)
            if steps[g] > 0.0 or TIE * a <= tie:
                break
            tie = TIE * a  # results near 0: the size of their differences tells the size of their rounding errors
        if floor == np.inf:
            numerator[g], h0[g] = 0.0, 1.0
            continue
        h0[g] = zero / total
        under, below, _ = _weight_around(results, before(a, tie))
        at, _, above = _weight_around(results, a + tie)
        below = below if below > tie else 0.0
        under_below, at_above = zero, at
        if below > 0.0:
            under_below, _, _ = _weight_around(results, before(below, tie))
        if above < np.inf:
            at_above, _, _ = _weight_around(results, above + tie)
        numerator[g] = crossing(total, zero, a, under, at, below, under_below, above, at_above)
    return numerator, h0


@kernel
def _sorted_means(values: Floats, labs: Integers, offsets: Integers) -> tuple[Floats, Integers]:
    """Means of the laboratories with results, sorted within groups, and their offsets."""
    groups = len(offsets) - 1
    means, at = np.empty(len(labs) - 1), np.zeros(groups + 1, np.int64)
    n = 0
    for g in range(groups):
        for lab in range(offsets[g], offsets[g + 1]):
            if labs[lab + 1] > labs[lab]:
                means[n] = np.mean(values[labs[lab] : labs[lab + 1]])
                n += 1
        means[at[g] : n] = np.sort(means[at[g] : n])
        at[g + 1] = n
    return means[:n], at


def q_method_with_replicates_by_group(values: Floats, labs: Integers, offsets: Integers, *, step: ArrayLike = 0.0) -> Floats:
    """Robust reproducibility SD s* of each group by the Q method with replicates; arguments as the module says.

    H1(x) = 2/(p(p − 1)) Σ_{i<j} 1/(n_i n_j) #{(k, m): |y_ik − y_jm| ≤ x} over the p laboratories with results, then as
    `q_method_by_group` (ISO 13528:2022, C.5.2.2, formulas C.22 to C.25). One result a laboratory gives that function's s*,
    to rounding. Fewer than two laboratories give NaN, equal results everywhere 0; a NaN or an infinity is a ValueError. Linear
    memory.
    """
    values = np.asarray(values, dtype=np.float64)
    labs, offsets = np.asarray(labs, dtype=np.int64), np.asarray(offsets, dtype=np.int64)
    if not np.all(np.isfinite(values)):
        raise ValueError(f"{int(np.sum(~np.isfinite(values)))} of {len(values)} results are NaN or infinite: leave them out")
    return scale_of(*_q_numerators(values, labs, offsets, per_group(step, offsets, "step")))


def q_hampel_with_replicates_by_group(values: Floats, labs: Integers, offsets: Integers, *, step: ArrayLike = 0.0) -> QHampel:
    """Robust mean and SD of each group: Q method with replicates, and Hampel's location of the laboratories' means.

    ISO 13528:2022, C.5.4; the location uses the s* of the replicates.
    """
    values = np.asarray(values, dtype=np.float64)
    labs, offsets = np.asarray(labs, dtype=np.int64), np.asarray(offsets, dtype=np.int64)
    scale = q_method_with_replicates_by_group(values, labs, offsets, step=step)
    means, at = _sorted_means(values, labs, offsets)
    return QHampel(hampel_by_group(means, at, scale), scale)


def _one_group(results: Sequence[Floats]) -> tuple[Floats, Integers, Integers]:
    values = np.concatenate([np.empty(0), *(np.atleast_1d(np.asarray(some, dtype=np.float64)) for some in results)])
    labs = np.cumsum([0, *(np.size(some) for some in results)], dtype=np.int64)
    return values, labs, np.array([0, len(results)], dtype=np.int64)


def q_method_with_replicates(results: Sequence[Floats], *, step: float = 0.0) -> float:
    """Robust SD s* of one set, one array of results a laboratory, as `q_method_with_replicates_by_group`.

    A NaN or an infinity is a ValueError.
    """
    return float(q_method_with_replicates_by_group(*_one_group(results), step=step)[0])


def q_hampel_with_replicates(results: Sequence[Floats], *, step: float = 0.0) -> tuple[float, float]:
    """Robust mean x* and SD s* of one set, one array of results a laboratory (ISO 13528:2022, C.5.4)."""
    found = q_hampel_with_replicates_by_group(*_one_group(results), step=step)
    return float(found.location[0]), float(found.scale[0])
