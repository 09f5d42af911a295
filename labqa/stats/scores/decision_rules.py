"""Conformity when the uncertainty of the result counts: guard bands, and the risk that a verdict is wrong.

`x` result, `u` its standard and `expanded` its expanded uncertainty (k = 2), in the unit of the limits; a missing limit is
NaN; all broadcast. Unlike `conformity.flip_probability`, which asks what a second laboratory would find, these ask for
the true value.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from labqa.stats.scores import conformity

Floats = NDArray[np.float64]
Codes = NDArray[np.int8]

PASS, CONDITIONAL_PASS, CONDITIONAL_FAIL, FAIL, UNKNOWN = range(5)


class AcceptanceLimits(NamedTuple):
    """Limits moved inwards by the guard band: a result between them conforms in spite of its uncertainty."""

    lower: Floats
    upper: Floats


def acceptance_limits(
    lower: ArrayLike, upper: ArrayLike, expanded: ArrayLike, *, guard_factor: ArrayLike = 1.0
) -> AcceptanceLimits:
    """Limits moved inwards by w = guard_factor × U (ILAC-G8:09/2019, 4.2; JCGM 106:2012, 8.3.2).

    guard_factor 1 keeps the risk of a false acceptance below 2.5 %, 0.83 below 5 % (ISO 14253-1), 0 is simple acceptance with
    up to 50 % at the limit; a negative factor guards the rejection instead. Where lower > upper no result can conform.
    """
    lower, upper, expanded = (np.asarray(a, dtype=np.float64) for a in (lower, upper, expanded))
    band = np.asarray(guard_factor, dtype=np.float64) * expanded
    return AcceptanceLimits(np.asarray(lower + band), np.asarray(upper - band))


def guarded_verdict(
    x: ArrayLike, expanded: ArrayLike, lower: ArrayLike, upper: ArrayLike, *, guard_factor: ArrayLike = 1.0
) -> Codes:
    """Pass, conditional pass, conditional fail, fail: the non-binary statement of ILAC-G8:09/2019, 4.2.3.

    PASS within the acceptance limits; CONDITIONAL_PASS within the limits, but nearer to one than w; CONDITIONAL_FAIL outside
    by at most w; FAIL beyond that. A value equal to a limit is within it. UNKNOWN without any limit, or unless U ≥ 0.
    ValueError if guard_factor is negative: the four cases would overlap.
    """
    if np.any(np.asarray(guard_factor) < 0):
        raise ValueError("the guard factor of a statement with four cases must not be negative")
    x, expanded, lower, upper = np.broadcast_arrays(*(np.asarray(a, dtype=np.float64) for a in (x, expanded, lower, upper)))
    band = np.asarray(guard_factor, dtype=np.float64) * expanded
    found = np.where(
        _within(x, lower + band, upper - band),
        PASS,
        np.where(
            _within(x, lower, upper),
            CONDITIONAL_PASS,
            np.where(_within(x, lower - band, upper + band), CONDITIONAL_FAIL, FAIL),
        ),
    )
    known = ~np.isnan(x) & (expanded >= 0.0) & ~(np.isnan(lower) & np.isnan(upper))
    return np.where(known, found, UNKNOWN).astype(np.int8)


def _within(x: Floats, lower: Floats, upper: Floats) -> NDArray[np.bool_]:
    found = conformity.verdict(x, x, lower, upper, lower_inclusive=True, upper_inclusive=True)
    return np.asarray(found == conformity.CONFORMING)


def nonconformance_probability(x: ArrayLike, u: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> Floats:
    """1 − p_c = Φ((lower − x)/u) + Φ((x − upper)/u): chance that the true value, N(x, u²), lies outside the limits.

    JCGM 106:2012, 7.2 to 7.4, with little known of the item before (flat prior). NaN without any limit or unless u > 0. Both
    tails are summed, so that small risks keep their digits.
    """
    x, u, lower, upper = np.broadcast_arrays(*(np.asarray(a, dtype=np.float64) for a in (x, u, lower, upper)))
    spread = np.where(u > 0.0, u, np.nan)
    below = np.where(np.isnan(lower), 0.0, special.ndtr((lower - x) / spread))
    above = np.where(np.isnan(upper), 0.0, special.ndtr((x - upper) / spread))
    known = ~(np.isnan(x) | np.isnan(spread) | (np.isnan(lower) & np.isnan(upper)))
    return np.where(known, np.minimum(below + above, 1.0), np.nan)


def conformance_probability(x: ArrayLike, u: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> Floats:
    """p_c = Φ((upper − x)/u) − Φ((lower − x)/u): chance that the true value, N(x, u²), lies within (JCGM 106:2012, 7.4).

    NaN as in `nonconformance_probability`. Summed from the tails on the side where they are small: 1e-12 stays 1e-12.
    """
    x, u, lower, upper = np.broadcast_arrays(*(np.asarray(a, dtype=np.float64) for a in (x, u, lower, upper)))
    spread = np.where(u > 0.0, u, np.nan)
    to_lower = np.where(np.isnan(lower), -np.inf, (lower - x) / spread)
    to_upper = np.where(np.isnan(upper), np.inf, (upper - x) / spread)
    mirrored = to_lower > 0.0  # x below both limits: from the upper tails, Φ(−a) − Φ(−b)
    found = np.where(
        mirrored, special.ndtr(-to_lower) - special.ndtr(-to_upper), special.ndtr(to_upper) - special.ndtr(to_lower)
    )
    known = ~(np.isnan(x) | np.isnan(spread) | (np.isnan(lower) & np.isnan(upper)))
    return np.where(known, np.maximum(found, 0.0), np.nan)


def specific_risk(
    x: ArrayLike, expanded: ArrayLike, lower: ArrayLike, upper: ArrayLike, *, guard_factor: ArrayLike = 0.0
) -> Floats:
    """Chance that the verdict on this very result is wrong (JCGM 106:2012, 9.3.2), with u = U/2.

    For an accepted result the consumer's risk 1 − p_c, for a rejected one the producer's p_c; accepted are results within the
    acceptance limits of `guard_factor` (0: simple acceptance, and then 50 % at a limit). NaN as in the probabilities.
    """
    x, expanded = np.asarray(x, dtype=np.float64), np.asarray(expanded, dtype=np.float64)
    accepted = _within(x, *acceptance_limits(lower, upper, expanded, guard_factor=guard_factor))
    consumer = nonconformance_probability(x, expanded / 2.0, lower, upper)
    return np.where(accepted, consumer, conformance_probability(x, expanded / 2.0, lower, upper))
