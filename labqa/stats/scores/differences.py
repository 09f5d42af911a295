"""Scores of two results against each other, and the limits that go with them.

All functions take and give arrays of one shape (or scalars), in the unit of the results; NaN in gives NaN out, and a
denominator of 0 gives NaN, never an infinity. Like the scores of `reference` they take expressions of a data frame as well;
`critical_range_factor` and `critical_difference_of_labs` take arrays only.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labqa.stats.scores.reference import operand, ratio

Floats = NDArray[np.float64]

LIMIT_FACTOR = 2.8
"""r = 2.8 σr and R = 2.8 σR (ISO 5725-6:1994, 4.1.4; GB/T 6379.6): 1.96 √2, rounded as the standard prints it."""


def d_score(delta: ArrayLike, sigma: ArrayLike) -> Floats:
    """D = Δ / (√2 σ): the difference of two single results over its standard deviation (from ISO 5725-6:1994, 4.1.4)."""
    return ratio(delta, np.sqrt(2.0) * operand(sigma))


def limit_ratio(delta: ArrayLike, sigma: ArrayLike) -> Floats:
    """|Δ| / (2.8 σ): above 1 the difference exceeds the limit R (σ = σR) or r (σ = σr) (ISO 5725-6:1994, 4.1.4)."""
    return ratio(np.abs(operand(delta)), LIMIT_FACTOR * operand(sigma))


def relative_difference(first: ArrayLike, second: ArrayLike) -> Floats:
    """(second − first) over the absolute mean of the two (1 = 100 %); NaN where that mean is 0."""
    a, b = operand(first), operand(second)
    return ratio(b - a, np.abs(0.5 * (a + b)))


@cache
def _range_quantile(n: int, probability: float) -> float:
    from scipy import stats  # takes seconds to import

    return float(stats.studentized_range.ppf(probability, n, np.inf))


def critical_range_factor(n: ArrayLike, *, probability: float = 0.95) -> Floats:
    """f(n): the range of n results of one laboratory exceeds f(n) σr with probability 5 % (ISO 5725-6:1994, 4.1.4, table 1).

    Quantile of the range of n standard normal values (SciPy's studentised range with infinite degrees of freedom), unrounded:
    f(2) = 2.772 where the standard prints, and r is defined with, 2.8. `n` whole numbers; NaN for n < 2.
    """
    n = np.asarray(n)
    sizes, back = np.unique(n, return_inverse=True)
    factors = [_range_quantile(int(one), probability) if one >= 2 else np.nan for one in sizes]
    return np.asarray(np.array(factors, dtype=np.float64)[back].reshape(n.shape))


def critical_range(sigma_r: ArrayLike, n: ArrayLike, *, probability: float = 0.95) -> Floats:
    """CR = f(n) σr for the largest minus the smallest of n results of one laboratory (ISO 5725-6:1994, 4.1.4 and 5.2)."""
    return np.asarray(critical_range_factor(n, probability=probability) * np.asarray(sigma_r, dtype=np.float64))


def critical_difference_within(repeatability: ArrayLike, n1: ArrayLike, n2: ArrayLike) -> Floats:
    """CD of the means of two groups of n1 and n2 results of one lab: r √(1/(2 n1) + 1/(2 n2)) (ISO 5725-6:1994, 4.2.1).

    n1 = n2 = 1 gives r.
    """
    found: Floats = operand(repeatability) * np.sqrt(0.5 / operand(n1) + 0.5 / operand(n2))
    return found


def critical_difference(reproducibility: ArrayLike, repeatability: ArrayLike, n1: ArrayLike, n2: ArrayLike) -> Floats:
    """CD of the means of n1 and n2 results of two labs: √(R² − r² (1 − 1/(2 n1) − 1/(2 n2))) (ISO 5725-6:1994, 4.2.2.1).

    n1 = n2 = 1 gives R. NaN where the root has no real value: r too large for that R.
    """
    large, small = operand(reproducibility), operand(repeatability)
    shrink = 1.0 - 0.5 / operand(n1) - 0.5 / operand(n2)
    with np.errstate(invalid="ignore"):
        found: Floats = np.sqrt(large * large - small * small * shrink)
    return found


def critical_difference_to_reference(reproducibility: ArrayLike, repeatability: ArrayLike, n: ArrayLike) -> Floats:
    """CD of a mean of n results of one lab to a reference value: √(R² − r² (n − 1)/n) / √2 (ISO 5725-6:1994, 4.2.3)."""
    large, small, many = operand(reproducibility), operand(repeatability), operand(n)
    with np.errstate(invalid="ignore"):
        found: Floats = np.sqrt((large * large - small * small * (many - 1.0) / many) / 2.0)
    return found


def critical_difference_of_labs(reproducibility: float, repeatability: float, counts: ArrayLike) -> float:
    """CD of the mean of p labs' means to a reference value: √(R² − r² (1 − mean(1/n_i))) / √(2 p) (ISO 5725-6:1994, 4.2.4).

    `counts` (p): results n_i of each laboratory; each laboratory's mean weighs the same. p = 1 is the case of one laboratory.
    NaN without laboratories, or where the root has no real value.
    """
    counts = np.asarray(counts, dtype=np.float64)
    if not counts.size:
        return float("nan")
    squared = reproducibility**2 - repeatability**2 * (1.0 - float(np.mean(1.0 / counts)))
    return float(np.sqrt(squared / (2.0 * counts.size))) if squared >= 0.0 else float("nan")
