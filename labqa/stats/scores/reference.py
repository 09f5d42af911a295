"""Scores of one result against a reference value.

All functions take and give arrays of one shape (or scalars), in the unit of the results; NaN in gives NaN out, and a
denominator of 0 gives NaN, never an infinity.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def ratio(over: ArrayLike, under: ArrayLike) -> Floats:
    """`over` / `under`, NaN unless `under` > 0."""
    over, under = np.asarray(over, dtype=np.float64), np.asarray(under, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(under > 0, over / under, np.nan)


def z_score(x: ArrayLike, x_pt: ArrayLike, sigma_pt: ArrayLike) -> Floats:
    """z = (x − x_pt) / σ_pt (ISO 13528:2022, 9.4; GB/T 28043)."""
    return ratio(np.subtract(x, x_pt), sigma_pt)


def z_prime(x: ArrayLike, x_pt: ArrayLike, sigma_pt: ArrayLike, u_pt: ArrayLike) -> Floats:
    """z′ = (x − x_pt) / √(σ_pt² + u²(x_pt)), for u(x_pt) > 0.3 σ_pt (ISO 13528:2022, 9.5)."""
    return ratio(np.subtract(x, x_pt), np.hypot(sigma_pt, u_pt))


def zeta(x: ArrayLike, reference: ArrayLike, u: ArrayLike, u_reference: ArrayLike) -> Floats:
    """ζ = (x − reference) / √(u² + u_reference²), standard uncertainties (ISO 13528:2022, 9.6)."""
    return ratio(np.subtract(x, reference), np.hypot(u, u_reference))


def en(x: ArrayLike, reference: ArrayLike, expanded: ArrayLike, expanded_reference: ArrayLike) -> Floats:
    """E_n = (x − reference) / √(U² + U_reference²), expanded uncertainties with k = 2 (ISO 13528:2022, 9.7)."""
    return ratio(np.subtract(x, reference), np.hypot(expanded, expanded_reference))
