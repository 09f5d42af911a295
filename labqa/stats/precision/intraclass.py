"""Correlation of scores within groups."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labqa.stats.precision.anova import one_way


def intraclass_correlation(values: NDArray[np.float64], offsets: NDArray[np.int64]) -> float:
    """One-way ANOVA estimate of the intraclass correlation of unbalanced groups that lie one behind the other.

    ρ = (MSB − MSW) / (MSB + (n0 − 1) MSW), n0 = (N − Σn²/N)/(k − 1) (Donner 1986, doi:10.2307/1403259). May be negative;
    NaN unless there are two groups and one of them has two values, or if all values are equal.
    """
    sizes = np.diff(offsets).astype(np.float64)
    total, k = float(sizes.sum()), len(sizes)
    if k < 2 or total <= k:
        return float("nan")
    found = one_way(values, offsets)
    between, within = found.ms_between, found.ms_within
    n0 = (total - float(np.sum(sizes**2)) / total) / (k - 1)
    spread = between + (n0 - 1) * within
    return (between - within) / spread if spread > 0 else float("nan")
