"""Does a known factor between units explain why two results differ: a decimal point, % for mg/kg, inch for mm, °F for °C?

Powers of ten are those of `labqa.stats.scores.agreement`. A factor that fits is a hint where to look first; which of the two
laboratories slipped the ratio does not say, nor that no other cause gives the same ratio.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labqa.stats.counting import chance_of_count_unequal
from labqa.stats.groups import Floats, Integers, offsets_of
from labqa.stats.scores.agreement import POWERS, converted


class Conversion(NamedTuple):
    """A result in the smaller unit is `factor` (> 1) times that in the larger, plus `offset`."""

    name: str
    factor: float
    offset: float = 0.0


class Explained(NamedTuple):
    """For each pair: which conversion fits, and how likely one would by chance.

    `conversion`: ±(position in the list + 1), + where the second result is the larger number, 0 where none fits; `residual`:
    difference after conversion in units of R, NaN where none fits; `chance`: see `explained_by`.
    """

    conversion: NDArray[np.int64]
    residual: Floats
    chance: Floats


class Excess(NamedTuple):
    """Pairs explained by a factor in each group, how many chance would explain, and P(as many or more)."""

    seen: Integers
    expected: Floats
    p: Floats


CONVERSIONS = (
    *(Conversion(f"10^{k}", 10.0**k) for k in POWERS),
    Conversion("% ↔ mg/kg", 1e4),
    Conversion("inch ↔ mm", 25.4),
    Conversion("cal ↔ J", 4.1868),
    Conversion("°C ↔ °F", 1.8, 32.0),
    Conversion("lb ↔ kg", 1.0 / 0.45359237),
    Conversion("kgf ↔ N", 9.80665),
    Conversion("kPa ↔ psi", 6.894757293168),
    Conversion("kWh ↔ MJ", 3.6),
)
"""Factors looked for unless others are given; 4.184, 4.1855 and 4.1868 J/cal differ by less than most R."""


POWER_TOLERANCE = 0.05
"""log10 of the ratio within which two results agree once one is shifted (12 %)."""


def power_between(first: ArrayLike, second: ArrayLike, *, within: float = POWER_TOLERANCE) -> NDArray[np.int64]:
    """Power k ≠ 0 of ten with |log10(second/first) − k| < `within`, k one of `agreement.POWERS` or its negative; 0 if none.

    Stricter than `agreement.slip_power` where R is wide: with R as large as the smaller result, that lets a ratio of 2 pass
    for a slip of 10. A smooth density of log ratios fits one in ten times by chance (2 · 0.05 of a decade), so use it on
    pairs that no scatter explains. 0 where a result is not above 0, NaN or infinite.
    """
    x, y = np.broadcast_arrays(np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        power = np.where((x > 0) & (y > 0) & np.isfinite(x) & np.isfinite(y), np.log10(y / x), 0.0)
    near = np.rint(power)
    found = np.isin(np.abs(near), POWERS) & (np.abs(power - near) < within)
    return np.where(found, near, 0.0).astype(np.int64)


def _steps(x: Floats, y: Floats, rx: Floats, ry: Floats, one: Conversion, way: NDArray[np.int8]) -> Floats:
    """Difference after conversion in units of R, for the way that fits; infinite where it does not."""
    with np.errstate(divide="ignore", invalid="ignore"):
        up, down = np.abs((y - one.offset) / one.factor - x) / rx, np.abs((x - one.offset) / one.factor - y) / ry
    return np.where(way > 0, up, np.where(way < 0, down, np.inf))


def _covered(x: Floats, rx: Floats, y: Floats, ry: Floats, one: Conversion, window: float) -> Floats:
    """How much of the window of log10(second/first) around y/x lies where `one` would explain the difference.

    R is taken in proportion to the level, as it is at x (second the larger number) or at y (the smaller).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        here = np.log10(y / x)
        total = np.zeros(len(x))
        back = (x - one.offset) / one.factor
        for centre, half in ((one.factor * x + one.offset, one.factor * rx), (back, back * np.minimum(ry / y, 1.0))):
            low, high = np.maximum(centre - half, 1e-12 * x), np.maximum(centre + half, 1e-12 * x)
            total += _overlap(np.log10(low / x), np.log10(high / x), here, window)
        return total


def _overlap(low: Floats, high: Floats, centre: Floats, window: float) -> Floats:
    return np.asarray(np.maximum(np.minimum(high, centre + window) - np.maximum(low, centre - window), 0.0))


def explained_by(
    first: ArrayLike,
    second: ArrayLike,
    limit_first: ArrayLike,
    limit_second: ArrayLike,
    *,
    conversions: tuple[Conversion, ...] = CONVERSIONS,
    window: float = 0.25,
) -> Explained:
    """The conversion that brings the results of each pair nearest, among those that bring them within R.

    Arrays of one length in one unit; `limit_*` the limit R (2.8 σR) at each result's level. When a conversion is tried at
    all, and in which unit it must fit: `labqa.stats.scores.agreement.converted`. Only pairs of positive results have a
    `chance` (else NaN): that of a fit if the log ratios of discrepant results have a smooth density, level or convex, over ±
    `window` decades around this one: the share of that window, without the part where the two would not differ, in which a
    conversion would fit, at most 1; overlaps count twice. So one fit proves little; many at one laboratory do
    (`more_than_chance`). Pairs that do not differ by more than R: conversion 0, chance 0. NaN in: conversion 0, chance NaN.
    """
    x, y, rx, ry = (
        np.atleast_1d(one).astype(np.float64)
        for one in np.broadcast_arrays(*(np.asarray(a, dtype=np.float64) for a in (first, second, limit_first, limit_second)))
    )
    index, residual, covered = np.zeros(len(x), dtype=np.int64), np.full(len(x), np.inf), np.zeros(len(x))
    for at, one in enumerate(conversions, start=1):
        way = converted(x, y, rx, ry, factor=one.factor, offset=one.offset)
        apart = _steps(x, y, rx, ry, one, way)
        better = apart < residual
        index, residual = np.where(better, way * at, index), np.where(better, apart, residual)
        covered += _covered(x, rx, y, ry, one, window)
    with np.errstate(divide="ignore", invalid="ignore"):
        near = np.minimum(rx, ry) / x
        alike = _overlap(np.log10(np.maximum(1.0 - near, 1e-12)), np.log10(1.0 + near), np.log10(y / x), window)
        chance = np.minimum(covered / np.maximum(2.0 * window - alike, 1e-12), 1.0)
    chance = np.where(np.abs(x - y) > np.minimum(rx, ry), chance, 0.0)
    unknown = np.isnan(x + y + rx + ry) | ~((x > 0) & (y > 0))
    return Explained(index, np.where(index != 0, residual, np.nan), np.where(unknown, np.nan, chance))


def more_than_chance(found: Explained, offsets: Integers | None = None) -> Excess:
    """Whether more pairs of each group (laboratory, or pair of laboratories) are explained by factors than chance would.

    p = P(N ≥ seen) for independent pairs with their own chances; pairs without a chance (NaN) are left out.
    """
    where = offsets_of(len(found.conversion), offsets)
    known = ~np.isnan(found.chance)
    hit = (found.conversion != 0) & known
    chance = np.where(known, found.chance, 0.0)
    group = np.repeat(np.arange(len(where) - 1), np.diff(where))
    seen = np.bincount(group, weights=hit, minlength=len(where) - 1).astype(np.int64)
    expected = np.bincount(group, weights=chance, minlength=len(where) - 1)
    return Excess(seen, np.asarray(expected, dtype=np.float64), chance_of_count_unequal(chance, seen, where))
