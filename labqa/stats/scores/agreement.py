"""How two results stand to each other: agreement, within the limits, discrepant, or a blunder suspected."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
AGREE, WITHIN, DISCREPANT, BLUNDER, UNKNOWN = range(5)

AGREE_RATIO = 0.5
"""Two results agree up to R/2: about one standard deviation of their difference (|D| ≤ 0.99)."""
EXCEEDED = 1.0 + 1e-9
"""|Δ| / R above this exceeds R; results and R are decimals, and 0.9 − 0.7 over 0.2 is 1.0000000000000002 as float64."""
BLUNDER_D = 10.0
"""|D| above this is no scatter of any method."""
POWERS = (1, 2, 3, 6)
"""Powers of ten of unit and decimal slips."""
SLIP_APART = 2.0
"""Times R by which results must differ for a slip of the decimal point to explain it: a difference within R, as shifted ones
have, is then over 300 times as likely (normal errors). Low in the range of an item shifted results agree by themselves."""


def by_ratio(ratio: ArrayLike) -> NDArray[np.int8]:
    """Category of |Δ| / R: agree ≤ 0.5, within the limits ≤ 1 (ISO 5725-6:1994, 4.1.4), else discrepant; NaN: unknown.

    A ratio on a limit is not beyond it, whatever binary fractions make of it (`EXCEEDED`).
    """
    ratio = np.asarray(ratio, dtype=np.float64)
    found = np.where(ratio <= AGREE_RATIO * EXCEEDED, AGREE, np.where(ratio <= EXCEEDED, WITHIN, DISCREPANT))
    return np.where(np.isnan(ratio), UNKNOWN, found).astype(np.int8)


def converted(
    first: ArrayLike,
    second: ArrayLike,
    limit_first: ArrayLike,
    limit_second: ArrayLike,
    *,
    factor: float,
    offset: float = 0.0,
) -> NDArray[np.int8]:
    """Whether one result seems to be the other in another unit: 1 second ≈ factor · first + offset, −1 the reverse, 0 neither.

    `factor` > 1. The results must differ by more than R of either level and, without an offset, both be above their limits R
    (else they cannot be told from 0); converted back to the smaller unit they must agree within the R there: the first's R
    for 1, the second's for −1.
    """
    x, y, rx, ry = np.broadcast_arrays(*(np.asarray(a, dtype=np.float64) for a in (first, second, limit_first, limit_second)))
    with np.errstate(invalid="ignore"):
        apart = np.abs(x - y) > np.minimum(rx, ry)
        if offset == 0.0:
            apart &= (x > rx) & (y > ry)
        up, down = np.abs((y - offset) / factor - x) <= rx, np.abs((x - offset) / factor - y) <= ry
        return np.where(apart & down, -1, np.where(apart & up, 1, 0)).astype(np.int8)


def slip_power(first: ArrayLike, second: ArrayLike, limit_first: ArrayLike, limit_second: ArrayLike) -> NDArray[np.int8]:
    """Power k ≠ 0 of ten by which the second result seems shifted against the first (second ≈ first × 10^k); 0 if none.

    Both results must be positive and above their limits R (else they cannot be told from 0), differ by more than
    `SLIP_APART` R of either level, and agree within the first's R once the second is shifted back (or within the second's R
    once the first is shifted up, if k < 0).
    """
    x, y, rx, ry = (np.asarray(one, dtype=np.float64) for one in (first, second, limit_first, limit_second))
    apart = np.abs(x - y) > SLIP_APART * np.maximum(rx, ry)
    found = np.asarray(0, dtype=np.int8)
    for k in POWERS:
        way = converted(first, second, limit_first, limit_second, factor=10.0**k)
        found = np.where(apart & (way != 0), way * np.int8(k), found)
    return found.astype(np.int8)


def interval_gap(low1: ArrayLike, high1: ArrayLike, low2: ArrayLike, high2: ArrayLike) -> tuple[Floats, Floats]:
    """Signed gap between two intervals (second − first), 0 where they overlap, and the level midway between the near ends.

    ±inf is an open end; NaN gives NaN. Where they overlap the level is NaN: nothing is measured there.
    """
    a, b, c, d = (np.asarray(one, dtype=np.float64) for one in (low1, high1, low2, high2))
    gap = np.where(c > b, c - b, np.where(a > d, d - a, 0.0))
    level = np.where(c > b, 0.5 * (b + c), np.where(a > d, 0.5 * (a + d), np.nan))
    unknown = np.isnan(a) | np.isnan(b) | np.isnan(c) | np.isnan(d)
    return np.where(unknown, np.nan, gap), np.where(unknown, np.nan, level)
