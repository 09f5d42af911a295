"""How the SD of results that should agree depends on the level: robust fits to deviations, non-detects as intervals."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from labqa.stats.precision.levels import LevelFit, sd_at
from labqa.stats.precision.reproducibility import Deviations

Floats = NDArray[np.float64]

MODELS = ("constant", "proportional", "two_component")
"""σ = a; b m; √(a² + (b m)²)."""
NORMAL = 0.7935124329
"""Scale s of Student's t (3 degrees of freedom) that fits normal errors of SD 1 best: E[4 x²/(3 s² + x²)] = 1."""
NARROW = 1.5
"""Range of the levels, as a factor, below which they cannot tell one model from another."""
_FREE = {"constant": 1, "proportional": 1, "two_component": 2}
_SMALLEST = 1e-6
"""Least parameter, in units of the typical deviation or of its ratio to the level: 0 for practical purposes."""
_FAR = 1e6
"""End of an open interval, in typical deviations."""
_VISIBLE = 1e-3
"""Share of the variance below which a component is said to be 0."""


class Intervals(NamedTuple):
    """Deviations of which only an interval is known, (low, high) on the scale of one result's σ, at the level `level`.

    Each counts half: a pair of two quantified results is seen from either, one with a single quantified result from that
    alone, and so it does not matter that pairs without any are missing (a composite likelihood of each result given the
    other, if that was quantified).
    """

    low: Floats
    high: Floats
    level: Floats


NO_INTERVALS = Intervals(*(np.zeros(0) for _ in range(3)))


def intervals_of(x: Floats, lower: Floats, upper: Floats) -> Intervals:
    """Intervals of pairs of a quantified x and a result known to lie in [lower, upper] (∓∞: open).

    (x − upper)/√2 to (x − lower)/√2; the level is the mean of x and the nearest value that the other may have.
    """
    root = np.sqrt(2.0)
    return Intervals((x - upper) / root, (x - lower) / root, np.abs(x + np.clip(x, lower, upper)) / 2.0)


def fit_deviations(found: Deviations, known: Intervals = NO_INTERVALS, *, model: str) -> LevelFit:
    """One model of `MODELS` by the likelihood of Student's t with 3 degrees of freedom, so that gross errors weigh little.

    Each deviation adds w [log s + 2 log(1 + d²/3s²)], each interval −½ log(T(high/s) − T(low/s)), s = `NORMAL` σ(level), so
    that σ is the SD of normal errors; for two results with levels that spread widely against σ that is the likelihood with
    the true level integrated out. A component that gives less than a thousandth of the variance at every level is 0.
    L-BFGS-B from three starts, in units of the typical deviation. `aic` counts 2 a parameter. ValueError: another model, no
    deviation above 0, a level of 0 in the proportional model.
    """
    if model not in _FREE:
        raise ValueError(f"{model!r} is no model of deviations against level; there are {', '.join(MODELS)}")
    if not np.any(found.value != 0.0):
        raise ValueError("all results of all sets are equal: no precision to describe")
    levels = np.concatenate([found.level, known.level])
    if model == "proportional" and np.any(levels <= 0.0):
        raise ValueError("the proportional model needs levels above 0")
    unit, typical = float(np.sqrt(np.average(found.value**2, weights=found.weight))), float(np.median(levels)) or 1.0
    scaled = Deviations(found.value / unit, found.level / typical, found.weight)
    low, high = (np.clip(end / unit, -_FAR, _FAR) for end in (known.low, known.high))
    inside = Intervals(low, high, known.level / typical)
    a, b, cost = _searched(model, scaled, inside)
    told = {"constant": (a,), "proportional": (b,), "two_component": (a, b)}[model]
    units = {"constant": (unit,), "proportional": (unit / typical,), "two_component": (unit, unit / typical)}[model]
    deviance = 2.0 * (cost + float(np.sum(found.weight)) * np.log(unit))
    return LevelFit(
        model, tuple(one * of / NORMAL for one, of in zip(told, units, strict=True)), deviance, deviance + 2.0 * _FREE[model]
    )


def choose_deviations(found: Deviations, known: Intervals = NO_INTERVALS) -> tuple[LevelFit, ...]:
    """All models that the levels allow, the one with the smallest AIC first; of equal ones the one with fewer parameters.

    Levels of 0 allow no proportional model; levels that are nearly alike (nine tenths of them within a factor of `NARROW`)
    none but the constant one.
    """
    levels = np.concatenate([found.level, known.level])
    low, high = np.quantile(levels, [0.05, 0.95])
    spread = bool(high > NARROW * low)
    possible = [one for one in MODELS if one == "constant" or (spread and (one != "proportional" or levels.min() > 0.0))]
    fitted = [fit_deviations(found, known, model=model) for model in possible]
    return tuple(sorted(fitted, key=lambda one: (round(one.aic, 6), _FREE[one.model])))


def mean_square(found: Deviations, fit: LevelFit) -> float:
    """Plain mean square of the deviations over the fitted variance: 1 for normal errors, more where gross errors stand."""
    ratio = found.value / sd_at(fit.model, fit.parameters, found.level)
    return float(np.average(ratio**2, weights=found.weight))


def _searched(model: str, found: Deviations, known: Intervals) -> tuple[float, float, float]:
    """a and b of s² = a² + (b m)², and the cost there; deviations in units of the typical one, levels of the median."""
    starts = {"constant": [(0.0, -np.inf)], "proportional": [(-np.inf, 0.0)]}
    tries = starts.get(model, [(-1.0, -7.0), (-7.0, -1.0), (-1.5, -1.5)])
    free = np.isfinite(tries[0])

    def cost(at: Floats) -> tuple[float, Floats]:
        both = np.full(2, -np.inf)
        both[free] = at
        told, slope = _cost(both, found, known)
        return told, slope[free]

    bounds = [(np.log(_SMALLEST), np.log(1e3))] * int(free.sum())
    runs = [
        optimize.minimize(cost, np.array(start)[free], jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-13})
        for start in tries
    ]
    best = min(runs, key=lambda one: float(one.fun))
    both = np.full(2, -np.inf)
    both[free] = best.x
    a, b = np.exp(both)
    if model == "two_component":
        of_a, of_b = a**2, (b * np.concatenate([found.level, known.level])) ** 2
        a, b = (0.0 if of_a < _VISIBLE * of_b.min() else a), (0.0 if of_b.max() < _VISIBLE * of_a else b)
    return float(a), float(b), float(best.fun)


def _cost(at: Floats, found: Deviations, known: Intervals) -> tuple[float, Floats]:
    """−log likelihood but for constants, and its slope on (log a, log b)."""
    a2, b2 = np.exp(2.0 * at)
    grown = b2 * found.level**2
    v, d2 = a2 + grown, found.value**2
    total = float(np.sum(found.weight * (0.5 * np.log(v) + 2.0 * np.log1p(d2 / (3.0 * v)))))
    toward = found.weight * (0.5 / v - 2.0 * d2 / (v * (3.0 * v + d2)))
    slope = np.array([2.0 * a2 * np.sum(toward), 2.0 * np.sum(toward * grown)])
    if len(known.level):
        grown = b2 * known.level**2
        s = np.sqrt(a2 + grown)
        x, y = known.low / s, known.high / s
        inside = np.maximum(_t_below(y) - _t_below(x), 1e-300)
        total -= 0.5 * float(np.sum(np.log(inside)))
        toward = 0.25 * (y * _t_density(y) - x * _t_density(x)) / (inside * s**2)
        slope += np.array([2.0 * a2 * np.sum(toward), 2.0 * np.sum(toward * grown)])
    return total, slope


def _t_below(x: Floats) -> Floats:
    """Distribution function of Student's t with 3 degrees of freedom."""
    z = x / np.sqrt(3.0)
    return np.asarray(0.5 + (z / (1.0 + z**2) + np.arctan(z)) / np.pi)


def _t_density(x: Floats) -> Floats:
    return np.asarray(2.0 / (np.pi * np.sqrt(3.0) * (1.0 + x**2 / 3.0) ** 2))
