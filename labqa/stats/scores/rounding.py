"""Rounding of values to an interval, half to even, as decimal numbers (GB/T 8170-2008)."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

DIGITS = 15
"""Significant digits to which a float stands for a decimal number: what lies beyond is the noise of binary fractions."""
_EXACT = 2.0**53
"""Whole numbers up to here are floats without error."""
_TENS = np.array([float(10**k) for k in range(23)])
"""The powers of ten that are floats without error."""
_AMPLE = Context(prec=700)
"""Enough digits for any multiple of any interval that floats can name."""


def rounded(values: ArrayLike, interval: ArrayLike) -> Floats:
    """Values rounded once to a multiple of `interval` (修约间隔), half to even; both broadcast; NaN where either is NaN.

    GB/T 8170-2008, 3.2 (interval 10ⁿ) and 3.4 (0.5 and 0.2 units, which are the same rule on multiples of the interval).
    Correct in decimal, with value and interval read to 15 significant digits: 2.675 to 0.01 is 2.68, though its float lies
    below the tie. Not `decimal` on every value: only those near a tie whose tie is no float of its own, or beyond 10¹⁵
    intervals. ±inf stays; an interval must be positive and finite (ValueError).
    """
    x, given = np.asarray(values, dtype=np.float64), np.asarray(interval, dtype=np.float64)
    steps, which = np.unique(given, return_inverse=True)
    if np.any(steps <= 0) or np.any(np.isinf(steps)):
        raise ValueError("a rounding interval must be positive and finite")
    x, which = np.broadcast_arrays(x, which.reshape(given.shape))
    whole, power = _scaled(steps)
    found = _rounded(x.ravel(), which.ravel(), steps, whole, power)
    return found.reshape(x.shape)


def _rounded(
    x: Floats, which: NDArray[np.int64], steps: Floats, whole: Floats, power: NDArray[np.int64]
) -> NDArray[np.float64]:
    """`x` to multiples of `steps[which]`, each `whole × 10^power`."""
    step = steps[which]
    with np.errstate(over="ignore", invalid="ignore"):
        quotient = x / step
        multiple = np.rint(quotient)
        below = np.floor(quotient)
        # reading to 15 digits, both floats and the division move a quotient by less than 2e-14 of it
        close = np.abs(quotient - below - 0.5) <= 2e-14 * np.abs(quotient)
        tie = _product(2.0 * below + 1.0, 5.0 * whole[which], power[which] - 1)
        plain = np.abs(2.0 * below + 1.0) * 5.0 * whole[which] < 10.0**DIGITS
        at_tie = close & plain & (x == tie)
        multiple = np.where(at_tie, 2.0 * np.rint(0.5 * quotient), multiple)
        found = _product(multiple, whole[which], power[which])
        by_decimal = (close & ~at_tie) | np.isnan(found) | (np.abs(quotient) >= 1e15)
    found = np.where(np.isfinite(x), found, x)
    for at in np.flatnonzero(by_decimal & np.isfinite(x) & ~np.isnan(step)):
        found[at] = _by_decimal(float(x[at]), float(step[at]))
    return np.where(np.isnan(step), np.nan, found)


def _scaled(steps: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Whole numbers and powers of ten with whole × 10^power = step in decimal; NaN for a step without such a float."""
    whole, power = np.full(len(steps), np.nan), np.zeros(len(steps), dtype=np.int64)
    for i, step in enumerate(steps.tolist()):
        if np.isfinite(step):
            _, digits, exponent = _decimal(step).normalize().as_tuple()
            whole[i], power[i] = float("".join(map(str, digits))), int(exponent)
    return whole, power


def _product(multiple: Floats, whole: Floats, power: NDArray[np.int64]) -> Floats:
    """multiple × whole × 10^power, the float nearest to it (3 × 0.1 is 0.3): one rounding only; NaN where that takes more."""
    exact = multiple * whole
    tens = _TENS[np.minimum(np.abs(power), len(_TENS) - 1)]
    nearest = np.where(power < 0, exact / tens, exact * tens) + 0.0  # no −0
    return np.where((np.abs(exact) <= _EXACT) & (np.abs(power) < len(_TENS)), nearest, np.nan)


def _by_decimal(value: float, step: float) -> float:
    unit = _decimal(step)
    multiple = _AMPLE.divide(_decimal(value), unit).to_integral_value(rounding=ROUND_HALF_EVEN, context=_AMPLE)
    return float(_AMPLE.multiply(multiple, unit)) + 0.0


def _decimal(value: float) -> Decimal:
    return Decimal(f"{value:.{DIGITS}g}")
