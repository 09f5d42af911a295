"""Is a group of laboratories, those that use one method, off from all others: contrasts of robust centres."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labqa.stats.network.between import between_sd

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
HUBER = 2.0
STEPS = 30


class Centres(NamedTuple):
    """Centre of each group with the variance of that and its degrees of freedom; NaN for groups of fewer than two."""

    centre: Floats
    variance: Floats
    df: Floats


class Contrasts(NamedTuple):
    """Difference of two centres, its standard error and Welch's degrees of freedom."""

    difference: Floats
    se: Floats
    df: Floats


def centres(group: Ints, effect: Floats, variance: Floats, *, n: int) -> Centres:
    """Robust random-effects centre of the laboratories of each of n groups; the laboratory is the cluster.

    w = 1/(variance + τ²), τ² by Paule–Mandel, times Huber's weights at 2 SD (30 steps); variance of the centre from the
    scatter of the laboratories themselves, Σ (w ψ)² / (Σ w)² · k/(k − 1), with k − 1 df (Hartung & Knapp 2001,
    doi:10.1002/sim.791), so that what the laboratories of a method share with one another is all that is taken from
    `variance`, known errors of the effects in units of effect².
    """
    count = np.bincount(group, minlength=n)
    between = np.nan_to_num(between_sd(group, effect, variance, n=n).sd) ** 2
    scale = np.sqrt(variance + between[group])
    robust = np.ones(len(effect))
    middle = np.zeros(n)
    for _ in range(STEPS):
        weight = robust / scale**2
        total = np.bincount(group, weights=weight, minlength=n)
        middle = np.bincount(group, weights=weight * effect, minlength=n) / np.where(total > 0, total, 1.0)
        size = np.abs(effect - middle[group]) / scale
        robust = np.minimum(1.0, HUBER / np.maximum(size, 1e-300))
    weight = robust / scale**2
    total = np.bincount(group, weights=weight, minlength=n)
    squares = np.bincount(group, weights=(weight * (effect - middle[group])) ** 2, minlength=n)
    enough = count >= 2
    safe = np.where(enough, count - 1.0, 1.0)
    of_centre = squares / np.where(total > 0, total, 1.0) ** 2 * count / safe
    return Centres(*(np.where(enough, one, np.nan) for one in (middle, of_centre, count - 1.0)))


def welch(one: Centres, other: Centres) -> Contrasts:
    """Difference of the centres of two sets of laboratories, entry by entry, with Welch–Satterthwaite degrees of freedom."""
    variance = one.variance + other.variance
    with np.errstate(divide="ignore", invalid="ignore"):
        df = variance**2 / (one.variance**2 / one.df + other.variance**2 / other.df)
    return Contrasts(one.centre - other.centre, np.sqrt(variance), df)
