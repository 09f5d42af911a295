"""Scores of one result against a reference value.

All functions take and give arrays of one shape (or scalars), in the unit of the results; NaN in gives NaN out, and a
denominator of 0 gives NaN, never an infinity. They are written with + − × ÷ √ alone, so that they take expressions of a
data frame as well (anything that answers `__array_ufunc__`) and give the same bits there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def operand(given: ArrayLike) -> Any:
    """float64 array of what was given; an expression of a data frame stays what it is."""
    expression = hasattr(given, "__array_ufunc__") and not isinstance(given, np.ndarray | np.generic)
    return given if expression else np.asarray(given, dtype=np.float64)


def ratio(over: ArrayLike, under: ArrayLike) -> Floats:
    """`over` / `under`, NaN unless `under` > 0."""
    a, b = operand(over), operand(under)
    with np.errstate(divide="ignore", invalid="ignore"):
        nothing = 0.0 / np.sqrt(b)  # 0 where b > 0, else NaN: a condition that arrays and expressions share
        found: Floats = a / (b + nothing)
    return found


def combined(first: ArrayLike, second: ArrayLike) -> Floats:
    """√(first² + second²), not `hypot`, which rounds differently and has no counterpart among expressions."""
    a, b = operand(first), operand(second)
    found: Floats = np.sqrt(a * a + b * b)
    return found


def z_score(x: ArrayLike, x_pt: ArrayLike, sigma_pt: ArrayLike) -> Floats:
    """z = (x − x_pt) / σ_pt (ISO 13528:2022, 9.4; GB/T 28043)."""
    return ratio(operand(x) - operand(x_pt), sigma_pt)


def z_prime(x: ArrayLike, x_pt: ArrayLike, sigma_pt: ArrayLike, u_pt: ArrayLike) -> Floats:
    """z′ = (x − x_pt) / √(σ_pt² + u²(x_pt)), for u(x_pt) > 0.3 σ_pt (ISO 13528:2022, 9.5)."""
    return ratio(operand(x) - operand(x_pt), combined(sigma_pt, u_pt))


def zeta(x: ArrayLike, reference: ArrayLike, u: ArrayLike, u_reference: ArrayLike) -> Floats:
    """ζ = (x − reference) / √(u² + u_reference²), standard uncertainties (ISO 13528:2022, 9.6)."""
    return ratio(operand(x) - operand(reference), combined(u, u_reference))


def en(x: ArrayLike, reference: ArrayLike, expanded: ArrayLike, expanded_reference: ArrayLike) -> Floats:
    """E_n = (x − reference) / √(U² + U_reference²), expanded uncertainties with k = 2 (ISO 13528:2022, 9.7)."""
    return ratio(operand(x) - operand(reference), combined(expanded, expanded_reference))


def d_percent(x: ArrayLike, x_pt: ArrayLike) -> Floats:
    """D % = 100 (x − x_pt) / x_pt, in percent (ISO 13528:2022, 9.3); NaN unless x_pt > 0."""
    return 100.0 * ratio(operand(x) - operand(x_pt), x_pt)


def p_a(x: ArrayLike, x_pt: ArrayLike, delta_e: ArrayLike) -> Floats:
    """P_A = 100 (x − x_pt) / δ_E, the deviation in percent of the largest allowed one (ISO 13528:2022, 9.3).

    Beyond ±100 it is not acceptable. Where the scheme gives σ_pt only, δ_E = 3 σ_pt makes that the same as |z| > 3.
    """
    return 100.0 * ratio(operand(x) - operand(x_pt), delta_e)


def attainable_z(n: ArrayLike) -> Floats:
    """Largest |x − mean| / s that any of n values can have: (n − 1) / √n (Shiffler 1988, doi:10.1080/00031305.1988.10475530).

    With n ≤ 10 no value reaches 3, however wrong it is. It holds where mean and SD (divisor n − 1) are those of the same n
    values, and for no robust centre or scale, nor where the laboratory is left out: there |z| has no upper bound.
    NaN for n < 2, where there is no SD.
    """
    size = operand(n)
    with np.errstate(invalid="ignore"):
        found: Floats = 1.0 / ratio(np.sqrt(size), size - 1.0)
    return found
