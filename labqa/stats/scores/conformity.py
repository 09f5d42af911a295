"""Does a result conform to its limits, and how likely is another verdict on the same sample without anybody's fault."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from labqa.stats.scores.rounding import rounded

Floats = NDArray[np.float64]

CONFORMING, NONCONFORMING, UNKNOWN = 1, 0, -1
_EQUAL = 5e-15
"""Relative difference up to which a value equals a limit: noise of binary fractions, below any decimal of 14 digits."""


def verdict(
    low: ArrayLike,
    high: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    *,
    lower_inclusive: ArrayLike,
    upper_inclusive: ArrayLike,
) -> NDArray[np.int8]:
    """Verdict on results that are known to lie in [low, high]; a plain value has low = high; ±inf is an open end.

    1 conforming: the whole interval meets both limits; 0 nonconforming: none of it does; −1: cannot be told, no limit at all,
    or NaN in `low` or `high`. A missing limit is NaN. A value equal to a limit conforms where the limit is inclusive.
    GB/T 8170-2008, 4.3: the same comparison serves full values (全数值) and values rounded before.
    """
    low, high, lower, upper = np.broadcast_arrays(*(np.asarray(a, dtype=np.float64) for a in (low, high, lower, upper)))
    reached_low, reached_high = np.asarray(lower_inclusive, bool), np.asarray(upper_inclusive, bool)
    meets = _above(low, lower, reached_low) & _below(high, upper, reached_high)
    some = _above(high, lower, reached_low) & _below(low, upper, reached_high)
    found = np.where(meets, CONFORMING, np.where(some, UNKNOWN, NONCONFORMING))
    unknown = np.isnan(low) | np.isnan(high) | (np.isnan(lower) & np.isnan(upper))
    return np.where(unknown, UNKNOWN, found).astype(np.int8)


class Verdicts(NamedTuple):
    """Verdicts as `verdict` codes them: by full-value (全数值) and by rounded-value (修约值) comparison."""

    full: NDArray[np.int8]
    rounded: NDArray[np.int8]


def verdicts_both_ways(
    low: ArrayLike,
    high: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    *,
    interval: ArrayLike,
    lower_inclusive: ArrayLike,
    upper_inclusive: ArrayLike,
) -> Verdicts:
    """Verdicts on the results as they stand and after rounding once to `interval`, that of the limit (GB/T 8170-2008, 4.3).

    Arguments as for `verdict`. Where `interval` is missing (NaN) the standard names no rounding: both verdicts are then that
    on the full value.
    """
    full = verdict(low, high, lower, upper, lower_inclusive=lower_inclusive, upper_inclusive=upper_inclusive)
    named = ~np.isnan(np.asarray(interval, dtype=np.float64))
    low, high = (np.where(named, rounded(end, interval), end) for end in (low, high))
    after = verdict(low, high, lower, upper, lower_inclusive=lower_inclusive, upper_inclusive=upper_inclusive)
    return Verdicts(*np.broadcast_arrays(full, after))


def _above(x: Floats, limit: Floats, inclusive: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.isnan(limit) | np.where(_same(x, limit), inclusive, x > limit)


def _below(x: Floats, limit: Floats, inclusive: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.isnan(limit) | np.where(_same(x, limit), inclusive, x < limit)


def _same(x: Floats, limit: Floats) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        return np.isfinite(x) & (np.abs(x - limit) <= _EQUAL * np.maximum(np.abs(x), np.abs(limit)))


def flip_probability(original: ArrayLike, sigma: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> Floats:
    """Chance that a second, equally blameless result gets another verdict, given the first: x2 | x1 ~ N(x1, 2σ²).

    One-sided limit at a distance of 0, 1, 2 σR from x1: 50, 24, 7.9 %. `sigma` is σR (σr for one lab twice); a missing
    limit is NaN; NaN without any limit, without x1 or unless σ > 0. The predictive distribution holds for a flat
    distribution of true values: where these crowd on one side it errs towards the middle.
    """
    x1, sd, lower, upper = np.broadcast_arrays(*(np.asarray(a, dtype=np.float64) for a in (original, sigma, lower, upper)))
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.where(sd > 0, np.sqrt(2.0) * sd, np.nan)
        above = np.where(np.isnan(lower), 0.0, special.ndtr((lower - x1) / spread))
        beyond = np.where(np.isnan(upper), 0.0, special.ndtr((x1 - upper) / spread))
    fails = np.clip(above + beyond, 0.0, 1.0)
    passed = (np.isnan(lower) | (x1 >= lower)) & (np.isnan(upper) | (x1 <= upper))
    known = ~(np.isnan(x1) | np.isnan(spread) | (np.isnan(lower) & np.isnan(upper)))
    return np.where(known, np.where(passed, fails, 1.0 - fails), np.nan)


def margin(original: ArrayLike, sigma: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> Floats:
    """Distance of a result to the nearest limit in units of `sigma`, positive on the conforming side; NaN without one."""
    x, sd, lower, upper = np.broadcast_arrays(*(np.asarray(a, dtype=np.float64) for a in (original, sigma, lower, upper)))
    nearest = np.fmin(x - lower, upper - x)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(sd > 0, nearest / sd, np.nan)
