"""Scores of one result against a reference, of two results against each other, and the limits that go with them.

All functions take and give arrays of one shape (or scalars), in the unit of the results; NaN in gives NaN out, and a
denominator of 0 gives NaN, never an infinity.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

LIMIT_FACTOR = 2.8
"""r = 2.8 σr and R = 2.8 σR (ISO 5725-6:1994, 4.1.4; GB/T 6379.6): 1.96 √2, rounded as the standard prints it."""


def _ratio(over: ArrayLike, under: ArrayLike) -> Floats:
    over, under = np.asarray(over, dtype=np.float64), np.asarray(under, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(under > 0, over / under, np.nan)


def z_score(x: ArrayLike, x_pt: ArrayLike, sigma_pt: ArrayLike) -> Floats:
    """z = (x − x_pt) / σ_pt (ISO 13528:2022, 9.4; GB/T 28043)."""
    return _ratio(np.subtract(x, x_pt), sigma_pt)


def z_prime(x: ArrayLike, x_pt: ArrayLike, sigma_pt: ArrayLike, u_pt: ArrayLike) -> Floats:
    """z′ = (x − x_pt) / √(σ_pt² + u²(x_pt)), for u(x_pt) > 0.3 σ_pt (ISO 13528:2022, 9.5)."""
    return _ratio(np.subtract(x, x_pt), np.hypot(sigma_pt, u_pt))


def zeta(x: ArrayLike, reference: ArrayLike, u: ArrayLike, u_reference: ArrayLike) -> Floats:
    """ζ = (x − reference) / √(u² + u_reference²), standard uncertainties (ISO 13528:2022, 9.6)."""
    return _ratio(np.subtract(x, reference), np.hypot(u, u_reference))


def en(x: ArrayLike, reference: ArrayLike, expanded: ArrayLike, expanded_reference: ArrayLike) -> Floats:
    """E_n = (x − reference) / √(U² + U_reference²), expanded uncertainties with k = 2 (ISO 13528:2022, 9.7)."""
    return _ratio(np.subtract(x, reference), np.hypot(expanded, expanded_reference))


def d_score(delta: ArrayLike, sigma: ArrayLike) -> Floats:
    """D = Δ / (√2 σ): the difference of two single results over its standard deviation (from ISO 5725-6:1994, 4.1.4)."""
    return _ratio(delta, np.sqrt(2.0) * np.asarray(sigma, dtype=np.float64))


def limit_ratio(delta: ArrayLike, sigma: ArrayLike) -> Floats:
    """|Δ| / (2.8 σ): above 1 the difference exceeds the limit R (σ = σR) or r (σ = σr) (ISO 5725-6:1994, 4.1.4)."""
    return _ratio(np.abs(delta), LIMIT_FACTOR * np.asarray(sigma, dtype=np.float64))


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


def horwitz_sd(mass_fraction: ArrayLike) -> Floats:
    """Horwitz σR of a mass fraction c (1 = 100 %), as modified by Thompson: 0.22 c, 0.02 c^0.8495, 0.01 c^0.5.

    The three hold for c < 1.2e-7, up to 0.138, and above (ISO 13528:2022, 8.4; Thompson, Analyst 2000, 125, 385).
    NaN unless 0 < c ≤ 1.
    """
    c = np.asarray(mass_fraction, dtype=np.float64)
    inside = np.where((c > 0) & (c <= 1), c, np.nan)
    middle, high = 0.02 * inside**0.8495, 0.01 * np.sqrt(inside)
    return np.where(inside < 1.2e-7, 0.22 * inside, np.where(inside <= 0.138, middle, high))


def horwitz_line(mass_fraction: float) -> tuple[float, float]:
    """Constant and slope of the tangent to `horwitz_sd` at c: exact there, within 4 % from c/2 to 2c (7 % above 0.138)."""
    sd = float(horwitz_sd(mass_fraction))
    exponent = 1.0 if mass_fraction < 1.2e-7 else 0.8495 if mass_fraction <= 0.138 else 0.5
    return sd * (1.0 - exponent), sd * exponent / mass_fraction
