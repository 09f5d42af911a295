"""Precision of a measurement method from a collaborative study: repeatability, reproducibility and their limits."""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labqa.stats.precision.cells import checked, delimited, filled_cells, moments_of_cells, moments_of_sets, sums
from labqa.stats.scores.differences import LIMIT_FACTOR

Column = NDArray[Any]
T = TypeVar("T")


class Experiment(NamedTuple, Generic[T]):
    """Precision of one item (material, level); s in the units of the values.

    `p` laboratories with results, `n` results, `n_bar` their weighted mean number n̿, `m` mean of all results, `s_x` SD of the
    laboratories' means, `s_r` repeatability, `s_L` between laboratories, `s_R` reproducibility SD; `s_L_squared` as computed
    (may be negative), `floored`: it was, so s_L = 0 and s_R = s_r; `s_R_unfloored` = √(s_r² + s_L²) all the same;
    `r`, `R` limits.
    """

    p: T
    n: T
    n_bar: T
    m: T
    s_x: T
    s_r: T
    s_L: T
    s_R: T
    s_L_squared: T
    floored: T
    s_R_unfloored: T
    r: T
    R: T


def experiment(values: ArrayLike, cells: ArrayLike) -> Experiment[float]:
    """Precision from one item's results, one cell a laboratory, as `experiment_by_set`."""
    found = experiment_by_set(values, cells, [0, len(np.asarray(cells)) - 1])
    return Experiment(*(column[0].item() for column in found))


def experiment_by_set(values: ArrayLike, cells: ArrayLike, sets: ArrayLike) -> Experiment[Column]:
    """Repeatability and reproducibility of each item from unequal numbers of results, outliers dealt with before.

    s_r² = Σ(n_i − 1)s_i² / Σ(n_i − 1), s_d² = Σ n_i (ȳ_i − m)²/(p − 1), n̿ = (N − Σn_i²/N)/(p − 1), s_L² = (s_d² − s_r²)/n̿, at
    least 0, s_R² = s_r² + s_L², m = Σ n_i ȳ_i/N, r = 2.8 s_r, R = 2.8 s_R (ISO 5725-2:1994, 7.4; GB/T 6379.2-2004; ISO 5725-6).
    For equal n it is ASTM E691, whose s_R = √(s_x² + s_r²(n − 1)/n) is `s_R_unfloored` and becomes s_r where it is smaller.

    `cells` (cells + 1) delimits the values of a laboratory, `sets` (sets + 1) the laboratories of an item. Laboratories
    without results do not count. One laboratory: no s_x, s_L, s_R (NaN). No replicates: no s_r, s_L; s_R is the SD of
    the results. ValueError for NaN. SciPy and statsmodels have no such estimator for many items.
    """
    column = checked(values)
    at_cells = delimited(cells, len(column))
    at_sets = delimited(sets, len(at_cells) - 1)
    inner = moments_of_cells(column, at_cells)
    outer = moments_of_sets(inner, at_sets)
    means = moments_of_sets(inner._replace(n=(inner.n > 0).astype(np.int64)), at_sets)
    p, n, within = filled_cells(inner, at_sets), outer.n, sums(inner.ss, at_sets)
    squares = sums((inner.n**2).astype(np.float64), at_sets)
    with np.errstate(divide="ignore", invalid="ignore"):
        repeatability = np.where(n > p, within / (n - p), np.nan)
        n_bar = np.where(p > 1, (n - squares / n) / (p - 1), np.nan)
        s_x = np.where(p > 1, np.sqrt(means.ss / (p - 1)), np.nan)
        between = np.where(p > 1, (outer.ss / (p - 1) - repeatability) / n_bar, np.nan)
    floored = between < 0
    kept = np.where(floored, 0.0, between)
    single = (n == p) & (p > 1)
    s_r, s_R = np.sqrt(repeatability), np.where(single, s_x, np.sqrt(repeatability + kept))
    # s_L² ≥ −s_r²/n̿ and n̿ ≥ 1, so what stands under the root is negative by rounding only
    unfloored = np.where(single, s_x, np.sqrt(np.maximum(repeatability + between, 0.0)))
    m = outer.mean + outer.remainder
    return Experiment(
        *(p, n, n_bar, m, s_x, s_r, np.sqrt(kept), s_R),
        *(between, floored, unfloored, LIMIT_FACTOR * s_r, LIMIT_FACTOR * s_R),
    )
