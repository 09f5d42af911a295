"""Is a value, a mean or a weighted mean of a sequence outside its control limits? Shewhart and EWMA charts.

Values lie in time order within each sequence (group, see `labqa.stats.groups`); limits are in their unit. A value on a limit
is not outside it. A chart says that a sequence is unlike its target or its own past: whether the laboratory, the sample or the
partner moved is a question to people.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from labqa.stats.groups import Floats, Integers, in_groups, per_group
from labqa.stats.kernels import kernel

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(400)
_AT, _DX = 9.0 * _NODES, 9.0 * _WEIGHTS


class Shewhart(NamedTuple):
    """Centre and σ of each sequence, limits of each value, and on which side it is outside (−1, 0, +1)."""

    centre: Floats
    sigma: Floats
    lower: Floats
    upper: Floats
    signal: NDArray[np.int8]


class Ewma(NamedTuple):
    """Weighted mean after each value, its limits, and on which side it is outside (−1, 0, +1)."""

    level: Floats
    lower: Floats
    upper: Floats
    signal: NDArray[np.int8]


def c4(n: ArrayLike) -> Floats:
    """Expectation of the SD of `n` normal values in units of σ: √(2/(n−1)) Γ(n/2)/Γ((n−1)/2).

    0.797885 for n = 2, 0.940 for 5, 1 in the limit; NaN for n < 2. Γ(x + ½)/Γ(x) is √π/B(x, ½) up to x = 100 and its series
    in 1/x above, where differences of log-Gamma lose digits; error < 1e-14. Source: ISO 7870-2:2023, annex (tabled there).
    """
    x = 0.5 * (np.asarray(n, dtype=np.float64) - 1.0)
    known = np.where(x >= 0.5, x, np.nan)
    y = 1.0 / np.maximum(known, 100.0)
    series = 1.0 + y * (-1 / 8 + y * (1 / 128 + y * (5 / 1024 + y * (-21 / 32768 + y * (-399 / 262144)))))
    near = np.minimum(known, 100.0)
    return np.asarray(np.where(known > 100.0, series, np.sqrt(np.pi / near) / special.beta(near, 0.5)))


def d2(n: int) -> float:
    """Expectation of the range of `n` normal values in units of σ: ∫ 1 − Φ(x)ⁿ − (1 − Φ(x))ⁿ dx; NaN for n < 2.

    1.128379 = 2/√π for n = 2, 2.326 for 5. Gauss–Legendre on ±9, 400 nodes, error < 1e-13 up to n = 1,000.
    Source: Tippett 1925, doi:10.1093/biomet/17.3-4.364.
    """
    if n < 2:
        return float("nan")
    return float(np.sum(_DX * (1.0 - special.ndtr(_AT) ** n - special.ndtr(-_AT) ** n)))


@kernel
def _moving_range(values: Floats, offsets: Integers) -> tuple[Floats, Floats]:
    centre, spread = np.full(len(offsets) - 1, np.nan), np.full(len(offsets) - 1, np.nan)
    for g in range(len(offsets) - 1):
        begin, end = offsets[g], offsets[g + 1]
        total, ranges = 0.0, 0.0
        for i in range(begin, end):
            total += values[i] - values[begin]  # 0 where all are equal, whose plain sum is rounded
            ranges += abs(values[i] - values[i - 1]) if i > begin else 0.0
        if end > begin:
            centre[g] = values[begin] + total / (end - begin)
        if end - begin > 1:
            spread[g] = ranges / (end - begin - 1)
    return centre, spread


def _outside(level: Floats, lower: Floats, upper: Floats) -> NDArray[np.int8]:
    return (level > upper).astype(np.int8) - (level < lower).astype(np.int8)


def individuals(
    values: ArrayLike,
    offsets: Integers | None = None,
    *,
    target: ArrayLike | None = None,
    sigma: ArrayLike | None = None,
    multiple: float = 3.0,
) -> Shewhart:
    """Shewhart chart of single values: centre ± `multiple` · σ, both given or taken from the sequence.

    Without `target` the centre is the mean; without `sigma` σ is the mean moving range of two successive values over
    d2(2) = 2/√π. Both estimates include values that may be outside. A sequence whose σ is not known (one value, no
    `sigma`) has NaN limits and no signal; one of equal values has σ = 0 and none either. Source: ISO 7870-2:2023 (X and Rm
    chart).
    """
    column, where = in_groups(values, offsets)
    mean, moved = _moving_range(column, where)
    centre = mean if target is None else per_group(target, where, "target")
    sd = moved * (0.5 * np.sqrt(np.pi)) if sigma is None else per_group(sigma, where, "sigma", positive=True)
    n = np.diff(where)
    lower, upper = np.repeat(centre - multiple * sd, n), np.repeat(centre + multiple * sd, n)
    return Shewhart(centre, sd, lower, upper, _outside(column, lower, upper))


@kernel
def _pooled(means, sds, sizes, unbias, offsets):  # type: ignore[no-untyped-def]  # pragma: no cover
    centre, sigma = np.full(len(offsets) - 1, np.nan), np.full(len(offsets) - 1, np.nan)
    for g in range(len(offsets) - 1):
        total, count, spread, weights = 0.0, 0.0, 0.0, 0.0
        first = offsets[g]
        for i in range(first, offsets[g + 1]):
            total, count = total + sizes[i] * (means[i] - means[first]), count + sizes[i]
            if sizes[i] > 1:
                weight = unbias[i] ** 2 / (1.0 - unbias[i] ** 2)
                spread, weights = spread + weight * sds[i] / unbias[i], weights + weight
        if count > 0:
            centre[g] = means[first] + total / count
        if weights > 0:
            sigma[g] = spread / weights
    return centre, sigma


def means(
    means: ArrayLike,
    sds: ArrayLike,
    sizes: ArrayLike,
    offsets: Integers | None = None,
    *,
    target: ArrayLike | None = None,
    sigma: ArrayLike | None = None,
    multiple: float = 3.0,
) -> Shewhart:
    """Shewhart chart of subgroup means: centre ± `multiple` · σ/√n, σ within subgroups given or taken from their SDs.

    `means`, `sds`, `sizes` ≥ 1: one entry a subgroup, in time order. Without `target` the centre is the mean of all values;
    without `sigma` σ = Σ h s/c4 / Σ h with h = c4²/(1 − c4²), the best linear unbiased combination of unequal
    subgroups, s̄/c4 for equal ones; subgroups of one add nothing to it (their SD may be NaN). Limits are NaN, without
    a signal, where σ is not known. Source: ISO 7870-2:2023 (X̄ and s chart); Burr 1969, J. Quality Technology 1, 163–167.
    """
    column, where = in_groups(means, offsets)
    n = np.asarray(sizes, dtype=np.float64)
    if n.shape != column.shape or not (n >= 1).all():
        raise ValueError("sizes must be 1 or more, one for each mean")
    s, _ = in_groups(np.where(n > 1, np.asarray(sds, dtype=np.float64), 0.0), where)
    own_centre, own_sigma = _pooled(column, s, n, np.asarray(c4(n)), where)
    centre = own_centre if target is None else per_group(target, where, "target")
    sd = own_sigma if sigma is None else per_group(sigma, where, "sigma", positive=True)
    groups = np.diff(where)
    half = multiple * np.repeat(sd, groups) / np.sqrt(n)
    lower, upper = np.repeat(centre, groups) - half, np.repeat(centre, groups) + half
    return Shewhart(centre, sd, lower, upper, _outside(column, lower, upper))


@kernel
def _ewma(values, offsets, target, sigma, weight, multiple, exact):  # type: ignore[no-untyped-def]  # pragma: no cover
    level, half = np.empty(len(values)), np.empty(len(values))
    for g in range(len(offsets) - 1):
        before, remaining = target[g], 1.0
        widest = multiple * sigma[g] * np.sqrt(weight / (2.0 - weight))
        for i in range(offsets[g], offsets[g + 1]):
            before = weight * values[i] + (1.0 - weight) * before
            remaining *= (1.0 - weight) ** 2
            level[i] = before
            half[i] = widest * np.sqrt(1.0 - remaining) if exact else widest
    return level, half


def ewma(
    values: ArrayLike,
    offsets: Integers | None = None,
    *,
    weight: float,
    target: ArrayLike,
    sigma: ArrayLike,
    multiple: float = 3.0,
    limits: str = "exact",
) -> Ewma:
    """Exponentially weighted moving average of each sequence from its target, with limits.

    w_t = λ x_t + (1 − λ) w_{t−1}, w_0 = target; limits target ± L σ √(λ/(2−λ) · (1 − (1−λ)^{2t})) (`limits="exact"`) or their
    value in the long run ("asymptotic"). 0 < λ = `weight` ≤ 1; `target` and `sigma` one number or one a sequence; independent
    values of SD σ are assumed. Source: Roberts 1959, doi:10.1080/00401706.1959.10489860; ISO 7870-6:2016.
    """
    if not 0.0 < weight <= 1.0:
        raise ValueError(f"weight must lie in (0, 1], found {weight}")
    if limits not in ("exact", "asymptotic"):
        raise ValueError(f"limits must be exact or asymptotic, found {limits}")
    column, where = in_groups(values, offsets)
    centre, sd = per_group(target, where, "target"), per_group(sigma, where, "sigma", positive=True)
    level, half = _ewma(column, where, centre, sd, float(weight), float(multiple), limits == "exact")
    middle = np.repeat(centre, np.diff(where))
    lower, upper = middle - half, middle + half
    return Ewma(level, lower, upper, _outside(level, lower, upper))
