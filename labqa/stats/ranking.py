"""Ranks within groups, ties sharing their mean rank."""

from __future__ import annotations

import numpy as np

from labqa.stats.groups import Floats, Integers, in_groups
from labqa.stats.kernels import kernel


@kernel
def _average_ranks(values: Floats, offsets: Integers) -> Floats:
    found = np.empty(len(values))
    for g in range(len(offsets) - 1):
        begin, n = offsets[g], offsets[g + 1] - offsets[g]
        order = np.argsort(values[begin : begin + n])
        first = 0
        while first < n:
            last = first
            while last + 1 < n and values[begin + order[last + 1]] == values[begin + order[first]]:
                last += 1
            for i in range(first, last + 1):
                found[begin + order[i]] = 0.5 * (first + last) + 1.0
            first = last + 1
    return found


def average_ranks(values: Floats, offsets: Integers | None = None) -> Floats:
    """Rank of each value within its group, 1 for the smallest; tied values share the mean of their ranks.

    Shape as `values`, any order within groups. SciPy's `rankdata` takes one set, or the rows of a full matrix, a call.
    """
    return np.asarray(_average_ranks(*in_groups(values, offsets)))


@kernel
def _correlation(x: Floats, y: Floats, offsets: Integers) -> Floats:
    found = np.full(len(offsets) - 1, np.nan)
    for g in range(len(offsets) - 1):
        begin, end = offsets[g], offsets[g + 1]
        if end - begin < 2:
            continue
        # from the first of each, so that equal values have a mean that equals them
        mean_x = x[begin] + np.mean(x[begin:end] - x[begin])
        mean_y = y[begin] + np.mean(y[begin:end] - y[begin])
        sxx, syy, sxy = 0.0, 0.0, 0.0
        for i in range(begin, end):
            dx, dy = x[i] - mean_x, y[i] - mean_y
            sxx, syy, sxy = sxx + dx * dx, syy + dy * dy, sxy + dx * dy
        if sxx > 0.0 and syy > 0.0:
            found[g] = min(max(sxy / (np.sqrt(sxx) * np.sqrt(syy)), -1.0), 1.0)
    return found


def pearson(x: Floats, y: Floats, offsets: Integers | None = None) -> Floats:
    """Product-moment correlation of each group; NaN for fewer than two pairs or where x or y does not vary.

    r = Σ(x − x̄)(y − ȳ) / √(Σ(x − x̄)² Σ(y − ȳ)²). SciPy's `pearsonr` takes one set a call.
    """
    first, where = in_groups(x, offsets)
    second, _ = in_groups(y, where)
    return np.asarray(_correlation(first, second, where))


def spearman(x: Floats, y: Floats, offsets: Integers | None = None) -> Floats:
    """Spearman's rank correlation of each group: the product-moment correlation of average ranks; NaN as in `pearson`.

    Source: Spearman 1904, doi:10.2307/1412159; with ties the correlation of mid-ranks, as R and SciPy compute it.
    """
    first, where = in_groups(x, offsets)
    return pearson(average_ranks(first, where), average_ranks(y, where), where)
