"""Variance components by restricted maximum likelihood (REML): laboratories of many items, or one nested design."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from labqa.stats.kernels import kernel
from labqa.stats.precision.cells import checked, delimited, moments_of_cells, moments_of_sets, sums
from labqa.stats.precision.nested import nested

Column = NDArray[Any]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
T = TypeVar("T")


class OneWayReml(NamedTuple, Generic[T]):
    """SDs within (`s_r`) and between (`s_L`) laboratories, generalised least squares mean and its SE, −2 log REML
    likelihood."""

    s_r: T
    s_L: T
    mean: T
    se_mean: T
    criterion: T


class NestedReml(NamedTuple):
    """Variances of the factors, outermost first, then of the error; mean, its SE, −2 log REML likelihood."""

    variance: Floats
    mean: float
    se_mean: float
    criterion: float


@kernel
def _score(ratio, n, d, within, total_n):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Criterion, its slope in the ratio, mean (of d), its weight, and Q, at ratio = s_L²/s_r²; d: deviations of cell means."""
    weight, middle, logs = 0.0, 0.0, 0.0
    for i in range(len(n)):
        if n[i] > 0:
            w = n[i] / (1.0 + n[i] * ratio)
            weight += w
            middle += w * d[i]
            logs += np.log1p(n[i] * ratio)
    middle /= weight
    q, slope_of_q, squares = within, 0.0, 0.0
    for i in range(len(n)):
        if n[i] > 0:
            w = n[i] / (1.0 + n[i] * ratio)
            q += w * (d[i] - middle) ** 2
            slope_of_q -= (w * (d[i] - middle)) ** 2
            squares += w * w
    df = total_n - 1
    criterion = df * (1.0 + np.log(2.0 * np.pi * q / df)) + logs + np.log(weight)
    return criterion, df * slope_of_q / q + weight - squares / weight, middle, weight, q


@kernel
def _one_way(n, d, within, sets):  # type: ignore[no-untyped-def]  # pragma: no cover
    found = np.full((len(sets) - 1, 5), np.nan)
    for g in range(len(sets) - 1):
        size, cell = n[sets[g] : sets[g + 1]], d[sets[g] : sets[g + 1]]
        total, filled, largest = np.sum(size), 0, 0.0
        for i in range(len(size)):
            if size[i] > 0:
                filled += 1
                largest = max(largest, abs(cell[i]))
        if filled < 2 or total == filled or not within[g] > 0.0:
            continue
        best, at = _score(0.0, size, cell, within[g], total)[0], 0.0
        low, low_slope = 0.0, _score(0.0, size, cell, within[g], total)[1]
        ratio = 1e-6
        # s_L² ≤ max d² · p, so ratios beyond that over s_r² ≥ SSW/N need not be looked at
        last = 10.0 * filled * total * largest**2 / within[g]
        while low < last:
            criterion, slope, _, _, _ = _score(ratio, size, cell, within[g], total)
            if low_slope < 0.0 <= slope:
                a, b = low, ratio
                for _ in range(200):
                    c = 0.5 * (a + b)
                    if c <= a or c >= b:
                        break
                    if _score(c, size, cell, within[g], total)[1] < 0.0:
                        a = c
                    else:
                        b = c
                criterion = _score(b, size, cell, within[g], total)[0]
                if criterion < best:
                    best, at = criterion, b
            low, low_slope, ratio = ratio, slope, ratio * 2.0
        criterion, _, middle, weight, q = _score(at, size, cell, within[g], total)
        error = q / (total - 1)
        found[g, 0], found[g, 1] = np.sqrt(error), np.sqrt(at * error)
        found[g, 2], found[g, 3], found[g, 4] = middle, np.sqrt(error / weight), criterion
    return found


def one_way_reml(values: ArrayLike, cells: ArrayLike) -> OneWayReml[float]:
    """REML of one item's results, one cell a laboratory, as `one_way_reml_by_set`."""
    found = one_way_reml_by_set(values, cells, [0, len(np.asarray(cells)) - 1])
    return OneWayReml(*(column[0].item() for column in found))


def one_way_reml_by_set(values: ArrayLike, cells: ArrayLike, sets: ArrayLike) -> OneWayReml[Column]:
    """Within- and between-laboratory SD of each item that maximise the restricted likelihood of y = μ + lab + error.

    With w_i = n_i/(1 + n_i λ), λ = s_L²/s_r², Q = SSW + Σ w_i (ȳ_i − μ)²: criterion = (N − 1)(1 + log 2πQ/(N − 1)) + Σ log(1 +
    n_i λ) + log Σ w_i, the −2 log likelihood of lme4 (Patterson & Thompson 1971, doi:10.1093/biomet/58.3.545). The minimum is
    the lowest root of the slope on a grid of factor 2, bisected to the last digit; s_L = 0 where that is lowest. For equal n
    and s_L > 0 it is the ANOVA estimate. `cells`, `sets` as for `experiment_by_set`. NaN: fewer than two laboratories, no
    replicates, or no scatter within laboratories. ValueError for NaN. statsmodels' MixedLM fits one item a call.
    """
    column = checked(values)
    at_cells = delimited(cells, len(column))
    at_sets = delimited(sets, len(at_cells) - 1)
    inner = moments_of_cells(column, at_cells)
    outer = moments_of_sets(inner, at_sets)
    item = np.repeat(np.arange(len(at_sets) - 1), np.diff(at_sets))
    d = (inner.mean - outer.mean[item]) + (inner.remainder - outer.remainder[item])
    found = _one_way(inner.n, d, sums(inner.ss, at_sets), at_sets)
    return OneWayReml(found[:, 0], found[:, 1], outer.mean + (outer.remainder + found[:, 2]), found[:, 3], found[:, 4])


def nested_reml(values: ArrayLike, levels: Sequence[ArrayLike]) -> NestedReml:
    """Variance components of one nested design, of any depth and unequal numbers, that maximise the restricted likelihood.

    The likelihood is gathered from the innermost groups outwards: a group of weight w and own variance ratio v has weight
    w/(1 + w v) in its outer group and adds log(1 + w v); SciPy's Nelder–Mead finds the SD ratios, started from ANOVA, and its
    `root` of the slope their digits (about 10 of an SD). `levels` as for `nested`, without empty groups. Without replicates
    the innermost factor and the error are not separable: NaN; so is a design without scatter. ValueError for NaN and for an
    empty group. statsmodels' MixedLM takes the same design by formula, and has the boundary (a component of 0) as a warning.
    """
    column = checked(values)
    start = nested(column, levels)
    offsets = [np.asarray(level, dtype=np.int64) for level in levels]
    if any(np.any(np.diff(level) == 0) for level in offsets):
        raise ValueError("a nested design for REML has no empty groups")
    inner = moments_of_cells(column, offsets[-1])
    whole = moments_of_sets(inner, np.array([0, len(inner.n)], dtype=np.int64))
    d = (inner.mean - whole.mean) + (inner.remainder - whole.remainder)
    within = float(np.sum(inner.ss))
    if not within > 0.0 or not np.all(start.df > 0):
        return NestedReml(np.full(len(offsets) + 1, np.nan), float("nan"), float("nan"), float("nan"))
    outwards = [np.array([0, len(offsets[0]) - 1], dtype=np.int64), *offsets[:-1]]

    def likelihood(ratios: Column) -> Column:
        """Criterion, mean of d, its weight and s² at SD ratios, real or (for the slope) complex."""
        weight, centre, q, logs = inner.n.astype(ratios.dtype), d, within, 0.0
        for ratio, level in zip(ratios[::-1] ** 2, outwards[::-1], strict=True):
            logs += np.sum(np.log1p(weight * ratio))
            weight = weight / (1.0 + weight * ratio)
            total = np.add.reduceat(weight, level[:-1])
            middle = np.add.reduceat(weight * centre, level[:-1]) / total
            q += np.sum(weight * (centre - np.repeat(middle, np.diff(level))) ** 2)
            weight, centre = total, middle
        df = len(column) - 1
        criterion = df * (1.0 + np.log(2.0 * np.pi * q / df)) + logs + np.log(weight[0])
        return np.array([criterion, centre[0], weight[0], q / df])

    def slope(ratios: Floats) -> Floats:
        """Gradient of the criterion by complex steps, which lose no digits."""
        steps = 1e-30j * np.eye(len(ratios))
        return np.array([likelihood(ratios + step)[0].imag for step in steps]) / 1e-30

    at = np.sqrt(start.variance[0, :-1] / start.variance[0, -1])
    for _ in range(2):  # a second start from the first answer: Nelder–Mead can stop early
        found = optimize.minimize(
            lambda ratios: float(likelihood(ratios)[0]),
            np.where(np.abs(at) > 1e-4, at, 0.1),
            method="Nelder-Mead",
            options={"xatol": 1e-6, "fatol": 1e-10, "maxiter": 5000, "maxfev": 10000},
        )
        at = found.x
    zeroed = np.where(np.abs(at) < 1e-2, 0.0, at)
    candidates = [at, *(optimize.root(slope, start_at, tol=1e-14).x for start_at in (zeroed, at))]
    at = min(candidates, key=lambda ratios: (round(float(likelihood(ratios)[0]), 8), float(np.sum(np.abs(slope(ratios))))))
    at = np.where(np.abs(at) < 1e-9, 0.0, at)  # no float64 can tell such a component from none
    criterion, middle, weight, error = likelihood(at).tolist()
    mean = float(whole.mean[0] + (whole.remainder[0] + middle))
    return NestedReml(np.append(at**2, 1.0) * error, mean, float(np.sqrt(error / weight)), criterion)
