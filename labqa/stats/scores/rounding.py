"""Rounding of values to an interval, half to even, as decimal numbers (GB/T 8170-2008)."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

DIGITS = 15
"""Significant digits to which a float stands for a decimal number: what lies beyond is the noise of binary fractions."""


def rounded(values: ArrayLike, interval: ArrayLike) -> Floats:
    """Values rounded once to a multiple of `interval` (修约间隔), half to even; both broadcast; NaN where either is NaN.

    GB/T 8170-2008, 3.2 (interval 10ⁿ) and 3.4 (0.5 and 0.2 units, which are the same rule on multiples of the interval).
    Correct in decimal: 2.675 to 0.01 is 2.68, though its float lies below the tie. Only candidates for a tie, and the
    multiples that come out, are computed as decimals; an interval must be positive.
    """
    given, every = np.broadcast_arrays(np.asarray(values, dtype=np.float64), np.asarray(interval, dtype=np.float64))
    x, step = given.ravel(), every.ravel()
    known = ~(np.isnan(x) | np.isnan(step))
    if np.any(step[known] <= 0):
        raise ValueError("a rounding interval must be positive")
    safe_x, safe_step = np.where(known, x, 0.0), np.where(known, step, 1.0)
    quotient = safe_x / safe_step
    multiple = np.rint(quotient)
    close = known & (np.abs(np.abs(quotient - np.floor(quotient)) - 0.5) < 1e-6 * np.maximum(1.0, np.abs(quotient)))
    for at in np.flatnonzero(close):
        exact = _decimal(safe_x[at]) / _decimal(safe_step[at])
        multiple[at] = float(exact.to_integral_value(rounding=ROUND_HALF_EVEN))
    return np.where(known, _products(multiple, safe_step), np.nan).reshape(given.shape)


def _products(multiple: Floats, step: Floats) -> Floats:
    """multiple × step, each the float nearest to the decimal product (3 × 0.1 is 0.3)."""
    pairs, back = np.unique(np.stack([multiple, step], axis=1), axis=0, return_inverse=True)
    products = np.array([float(Decimal(int(k)) * _decimal(h)) for k, h in pairs])
    return np.asarray(products[back.ravel()], dtype=np.float64)


def _decimal(value: float) -> Decimal:
    return Decimal(f"{value:.{DIGITS}g}")
