"""Scores of two results against each other, and the limits that go with them.

All functions take and give arrays of one shape (or scalars), in the unit of the results; NaN in gives NaN out, and a
denominator of 0 gives NaN, never an infinity.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labqa.stats.scores.reference import ratio

Floats = NDArray[np.float64]

LIMIT_FACTOR = 2.8
"""r = 2.8 σr and R = 2.8 σR (ISO 5725-6:1994, 4.1.4; GB/T 6379.6): 1.96 √2, rounded as the standard prints it."""


def d_score(delta: ArrayLike, sigma: ArrayLike) -> Floats:
    """D = Δ / (√2 σ): the difference of two single results over its standard deviation (from ISO 5725-6:1994, 4.1.4)."""
    return ratio(delta, np.sqrt(2.0) * np.asarray(sigma, dtype=np.float64))


def limit_ratio(delta: ArrayLike, sigma: ArrayLike) -> Floats:
    """|Δ| / (2.8 σ): above 1 the difference exceeds the limit R (σ = σR) or r (σ = σr) (ISO 5725-6:1994, 4.1.4)."""
    return ratio(np.abs(delta), LIMIT_FACTOR * np.asarray(sigma, dtype=np.float64))


def critical_difference(reproducibility: ArrayLike, repeatability: ArrayLike, n1: ArrayLike, n2: ArrayLike) -> Floats:
    """CD of the means of n1 and n2 results of two labs: √(R² − r² (1 − 1/(2 n1) − 1/(2 n2))) (ISO 5725-6:1994, 4.2.2.1).

    n1 = n2 = 1 gives R. NaN where the root has no real value: r too large for that R.
    """
    shrink = 1.0 - 0.5 / np.asarray(n1, dtype=np.float64) - 0.5 / np.asarray(n2, dtype=np.float64)
    squared = np.square(reproducibility) - np.square(repeatability) * shrink
    with np.errstate(invalid="ignore"):
        return np.asarray(np.sqrt(np.where(squared >= 0, squared, np.nan)))


def critical_difference_to_reference(reproducibility: ArrayLike, repeatability: ArrayLike, n: ArrayLike) -> Floats:
    """CD of a mean of n results of one lab to a reference value: √(R² − r² (n − 1)/n) / √2 (ISO 5725-6:1994, 4.2.3)."""
    n = np.asarray(n, dtype=np.float64)
    squared = np.square(reproducibility) - np.square(repeatability) * (n - 1) / n
    with np.errstate(invalid="ignore"):
        return np.asarray(np.sqrt(np.where(squared >= 0, squared, np.nan) / 2.0))
