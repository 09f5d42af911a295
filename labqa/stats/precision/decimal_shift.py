"""Decimals whose differences would lose their digits as float64: a common constant is taken off exactly, in decimal."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_EXACT = Context(prec=2000, traps=[Inexact, InvalidOperation])
"""Enough digits for any difference of decimals that float64 can hold; anything inexact is an error, never a rounding."""


class Shifted(NamedTuple):
    """The constant taken off, and what is left of each value, rounded once to float64: value = constant + values."""

    constant: Decimal
    values: Floats


def shifted(texts: Sequence[str]) -> Shifted:
    """Decimal numbers less their lower median, subtracted exactly and then converted to float64.

    SD, variance, sum of squares, F and every difference are those of the numbers as written; the constant is added to means
    at the end. It matters where spread/level falls below about 1e-9 (see `digits_of_differences`): ten values around
    1000000000000.4 with SD 0.1 keep four digits of their F as float64, all of them shifted. The lower median is one of the
    numbers, depends neither on their order nor on an outlier, and makes equal numbers 0. No numbers: constant 0.

    ValueError for text that is no finite decimal number, or that needs more than 2000 digits.
    """
    numbers = [_number(text, at) for at, text in enumerate(texts)]
    constant = sorted(numbers)[(len(numbers) - 1) // 2] if numbers else Decimal(0)
    try:
        left = [float(_EXACT.subtract(number, constant)) for number in numbers]
    except (Inexact, InvalidOperation) as problem:
        raise ValueError("numbers are too far apart for an exact difference (2000 digits)") from problem
    return Shifted(constant, np.array(left, dtype=np.float64))


def restored(values: ArrayLike) -> Shifted:
    """As `shifted`, for float64 values that were decimal text of at most 15 significant digits: nothing of it was lost.

    Two such decimals never share a float64, so the shortest decimal that gives the float64 back is the one that was written
    (or converted by a power of ten): 1000000000000.4 is restored from 1000000000000.4000244140625. A value that was
    longer, or was computed, is taken to within half a unit of its last binary digit, as it stands. So a column that was
    rounded once when it was read needs its text no more. ValueError for NaN and infinite values.
    """
    return shifted([repr(value) for value in np.asarray(values, dtype=np.float64).ravel().tolist()])


def _number(text: str, at: int) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise ValueError(f"texts[{at}] is {text!r}, expected a decimal number")
    return number


def digits_of_differences(values: ArrayLike) -> float:
    """Decimal digits that float64 keeps of the differences between the values: log10(SD / (2⁻⁵³ · largest |value|)).

    About 16 for values near 0, 7 at spread/level = 1e-9, 0 where the spread is lost; infinite where all values are equal or
    there are fewer than two (nothing to lose). NaN is left out. Below 9 digits `shifted` text is worth its price.
    """
    x = np.asarray(values, dtype=np.float64)
    x = x[np.isfinite(x)]
    spread = float(np.std(x - x[0])) if len(x) else 0.0
    if not spread > 0.0:
        return float("inf")
    return float(np.log10(spread) - np.log10(2.0**-53 * np.max(np.abs(x))))
