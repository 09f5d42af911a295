"""Variance between effects that are known with error: between laboratories, or between the items of one laboratory."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class BetweenSD(NamedTuple):
    """SD between the effects of each group with its interval; NaN where a group has fewer than two effects."""

    sd: Floats
    lower: Floats
    upper: Floats


def generalised_q(group: Ints, effect: Floats, variance: Floats, between: Floats) -> Floats:
    """Q(τ²) = Σ w (effect − weighted mean)², w = 1/(variance + τ²), for each group at its own τ² = `between`."""
    n = len(between)
    weight = 1.0 / (variance + between[group])
    total = np.bincount(group, weights=weight, minlength=n)
    mean = np.bincount(group, weights=weight * effect, minlength=n) / np.where(total > 0, total, 1.0)
    return np.asarray(np.bincount(group, weights=weight * (effect - mean[group]) ** 2, minlength=n))


def between_sd(group: Ints, effect: Floats, variance: Floats, *, n: int, level: float = 0.95) -> BetweenSD:
    """Q-profile interval and Paule–Mandel estimate of the SD between the effects of each of n groups.

    Q(τ²) falls in τ² and is χ²_{k−1} at the true value; the ends solve Q = its quantiles, the estimate solves Q = k − 1,
    each by 60 bisections of √τ² over all groups at once; 0 where Q(0) is already below. `variance` > 0 is taken as known
    and the effects of a group as independent. Source: Viechtbauer 2007, doi:10.1002/sim.2514; Paule & Mandel 1982.
    """
    df = np.bincount(group, minlength=n) - 1.0
    tail = 0.5 * (1.0 - level)
    enough = df >= 1
    safe = np.where(enough, df, 1.0)
    goals = (safe, special.chdtri(safe, tail), special.chdtri(safe, 1.0 - tail))
    spread = np.bincount(group, weights=np.abs(effect), minlength=n) if len(group) else np.zeros(n)
    most = 100.0 * (spread + 1.0)
    ends = []
    for goal in goals:
        low, high = np.zeros(n), most.copy()
        for _ in range(60):
            middle = 0.5 * (low + high)
            above = generalised_q(group, effect, variance, middle**2) > goal
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        ends.append(np.where(enough, np.where(low == 0.0, 0.0, 0.5 * (low + high)), np.nan))
    return BetweenSD(*ends)


class ShrunkenBetween(NamedTuple):
    """Variance between the effects of each group, drawn to a common one, and its degrees of freedom."""

    variance: Floats
    df: Floats


def shrunken_between(
    group: Ints, effect: Floats, variance: Floats, *, n: int, overall: float, prior: float = 10.0
) -> ShrunkenBetween:
    """Variance between the effects of each of n groups, drawn to `overall` with the weight of `prior` effects.

    (prior · overall + m τ̂²)/(prior + m), τ̂² by Paule–Mandel (`between_sd`), m = (k − 1)(overall/(overall + v̄))² the k effects
    of the group less what their errors, of mean variance v̄, blur: the information on τ² of k effects known with that error.
    df = prior + m. Groups of fewer than two effects get `overall` (scaled inverse-χ² prior; Smyth 2004,
    doi:10.2202/1544-6115.1027).
    """
    count = np.bincount(group, minlength=n).astype(np.float64)
    error = np.bincount(group, weights=variance, minlength=n) / np.maximum(count, 1.0)
    own = np.nan_to_num(between_sd(group, effect, variance, n=n).sd) ** 2
    seen = np.maximum(count - 1.0, 0.0) * (overall / np.maximum(overall + error, 1e-300)) ** 2
    return ShrunkenBetween((prior * overall + seen * own) / (prior + seen), prior + seen)


def shrunken_deviations(group: Ints, deviation: Floats, variance: Floats, *, n: int) -> Floats:
    """Deviations from 0 times τ²/(τ² + variance), τ² the Paule–Mandel variance of each of n groups (0 in groups of one)."""
    between = np.nan_to_num(between_sd(group, deviation, variance, n=n).sd) ** 2
    return np.asarray(deviation * between[group] / (between[group] + variance))
