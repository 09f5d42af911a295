"""σR (or σr) from many small sets of results that should agree: robust, constant or proportional to the level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labqa.stats.robust.location_scale import mean_by_group, median_by_group, scale_about_zero_by_group

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

BETWEEN_SHARE = 0.625
"""Share of σL² in σR², used for an uncertainty only: the middle of the 0.5–0.75 that collaborative studies show."""
SCALE_EFFICIENCY = 0.8
"""Efficiency of the winsorized scale at the normal, against the SD."""


@dataclass(frozen=True)
class Deviations:
    """Deviations of results from the centre of their set, each on the scale of one result's σ.

    `value` the deviation, `level` |centre|, `weight` (p − 1)/p for a set of p results: the weights of a set add up to its
    p − 1 contrasts.
    """

    value: Floats
    level: Floats
    weight: Floats


def deviations(values: Floats, offsets: Integers) -> Deviations:
    """Deviations within sets: (x − centre) √(p/(p − 1)); the centre is the mean for p ≤ 4, the median above.

    Two results give ±Δ/√2 each. Sets of one give weight 0. Median-centred sets overstate σ slightly (5 % at p = 5, 1 % at 30).
    """
    size = np.diff(offsets)
    group = np.repeat(np.arange(len(size)), size)
    centre = np.where(size <= 4, mean_by_group(values, offsets), median_by_group(values, offsets))
    spread = np.sqrt(size / np.maximum(size - 1, 1))
    return Deviations((values - centre[group]) * spread[group], np.abs(centre[group]), ((size - 1) / size)[group])


def pooled_sd(values: Floats, offsets: Integers) -> float:
    """Plain SD within sets, pooled by degrees of freedom: √(Σ(x − mean)²/Σ(p − 1)), for pairs √(Σd²/2n); 0 for sets of one."""
    size = np.diff(offsets)
    squares = float(np.sum((values - np.repeat(mean_by_group(values, offsets), size)) ** 2))
    return float(np.sqrt(squares / max(int(np.sum(size - 1)), 1)))


@dataclass(frozen=True)
class Spread:
    """Fitted σ = constant + slope × level (one of the two is 0)."""

    constant: float
    slope: float


def fit_spread(found: Deviations, *, step: float, proportional_allowed: bool) -> Spread | None:
    """Constant or proportional σ, whichever describes the deviations better; None if they are all 0.

    The figure is the winsorized scale about 0. The model is chosen by the likelihood of Student's t with 3 degrees of freedom,
    scale fitted, so that a unit slip weighs little in either; proportional needs a gain of one unit. `step` is the smallest
    difference that the results can show: where most differences are 0 the scale would vanish, so σ is at least step/2, for
    which R = 1.4 steps still lets one reporting step pass.
    """
    if not len(found.value) or not np.any(found.value != 0.0):
        return None
    ends = np.array([0, len(found.value)], dtype=np.int64)
    constant = float(scale_about_zero_by_group(found.value, found.weight, ends)[0])
    floor = 0.5 * step
    if not proportional_allowed or not np.all(found.level > 0.0) or constant <= floor:
        return Spread(max(constant, floor), 0.0)
    slope = float(scale_about_zero_by_group(found.value / found.level, found.weight, ends)[0])
    loss = _t_loss(found.value, found.weight)
    loss_in_proportion = _t_loss(found.value / found.level, found.weight) + float(np.sum(found.weight * np.log(found.level)))
    if slope > 0.0 and loss_in_proportion < loss - 1.0:
        return Spread(0.0, slope)
    return Spread(constant, 0.0)


def scale_of(found: Deviations, *, in_proportion: bool) -> float:
    """Winsorized scale about 0 of the deviations, or of their ratio to the level where they are in proportion to it."""
    value = found.value / found.level if in_proportion else found.value
    return float(scale_about_zero_by_group(value, found.weight, np.array([0, len(value)], dtype=np.int64))[0])


def _t_loss(values: Floats, weight: Floats) -> float:
    """Negative log likelihood, but for constants, of Student's t (3 df) about 0 with its scale fitted (EM, 50 steps)."""
    total = float(np.sum(weight))
    squares = values**2
    scale = float(np.sum(weight * squares)) / total
    for _ in range(50):
        scale = float(np.sum(weight * 4.0 * squares / (3.0 + squares / scale))) / total
        if not scale > 0.0:
            return float("inf")
    return float(np.sum(weight * (0.5 * np.log(scale) + 2.0 * np.log1p(squares / (3.0 * scale)))))


def relative_uncertainty(contrasts: float, labs: int) -> float:
    """Relative standard uncertainty of an estimated σR = √(σL² + σw²), from its contrasts and the number of labs in them.

    ½ √(2 f²/(L − 1) + 2 (1 − f)²/(e n)), f = `BETWEEN_SHARE`, e = `SCALE_EFFICIENCY`: labs limit the one part, contrasts
    the other.
    """
    if labs < 2 or contrasts <= 0:
        return float("nan")
    between = 2.0 * BETWEEN_SHARE**2 / (labs - 1)
    within = 2.0 * (1.0 - BETWEEN_SHARE) ** 2 / (SCALE_EFFICIENCY * contrasts)
    return float(0.5 * np.sqrt(between + within))


def dispersion(scaled: Floats, weight: Floats, *, prior: float = 20.0) -> float:
    """Robust dispersion factor φ of deviations in units of their σR: their winsorized variance, shrunk to 1 on the log scale.

    log φ = n/(n + prior) · log s², n = Σ weight. 1 without data. A tolerance that fits gives about 1.
    """
    n = float(np.sum(weight))
    if n <= 0.0:
        return 1.0
    scale = float(scale_about_zero_by_group(scaled, weight, np.array([0, len(scaled)], dtype=np.int64))[0])
    return float(np.exp(n / (n + prior) * 2.0 * np.log(max(scale, 1e-3))))
