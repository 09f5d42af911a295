"""Variance components of a nested design (site / day / run), by analysis of variance, balanced or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labqa.stats.precision.cells import Moments, checked, delimited, moments_of_cells, moments_of_sets, sums
from labqa.stats.precision.nesting import chained

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Components(NamedTuple):
    """Of each set (rows) and source (columns): the factors, outermost first, then the error.

    `ss`, `df`, `ms`; `variance` (component), `sd`, `cv` (percent of |mean|); `as_estimated`: components before negative ones
    became 0. Of each set: `mean` of all values, `total` variance, `total_sd`, `total_cv`, `total_df` (Satterthwaite).
    """

    ss: Floats
    df: Floats
    ms: Floats
    variance: Floats
    sd: Floats
    cv: Floats
    as_estimated: Floats
    mean: Floats
    total: Floats
    total_sd: Floats
    total_cv: Floats
    total_df: Floats


def nested(values: ArrayLike, levels: Sequence[ArrayLike], *, keep_negative: bool = False) -> Components:
    """Variance components of one set, as `nested_by_set`; the arrays have one row."""
    outermost = len(np.asarray(levels[0])) - 1 if len(levels) else 0
    return nested_by_set(values, levels, [0, outermost], keep_negative=keep_negative)


def nested_by_set(
    values: ArrayLike, levels: Sequence[ArrayLike], sets: ArrayLike, *, keep_negative: bool = False
) -> Components:
    """Variance components of nested random factors by ANOVA (sequential sums of squares), for unequal numbers at any level.

    SS of a factor = Σ N_a (mean of group − mean of its outer group)²; E[SS_k] = Σ_j (S_kj − S_k−1,j) σ_j² with
    S_kj = Σ_a Σ_{b in a} n_b²/N_a over groups a of factor k and b of factor j, solved from the error upwards (Searle, Casella &
    McCulloch 1992, 3.6; ISO 5725-3; CLSI EP05-A3). Negative components become 0 and add nothing to the total;
    `keep_negative` leaves them. Total df: (Σ c_k MS_k)²/Σ (c_k MS_k)²/df_k with Σ c_k MS_k = total, the MS being those that the
    components as given imply (Satterthwaite 1946, doi:10.2307/3002019).

    `levels`, outermost factor first, delimit the groups of the next factor, the last one the values (see `nesting`); `sets`
    (sets + 1) delimits groups of the outermost. A factor without degrees of freedom (each group has one below it) is not
    separable: NaN, and so are the factors outside it. ValueError for NaN. statsmodels has REML only, one set a call.
    """
    column = checked(values)
    inner_first, length = [], len(column)
    for level in reversed(list(levels)):
        inner_first.append(delimited(level, length))
        length = len(inner_first[-1]) - 1
    offsets = inner_first[::-1]
    if not offsets:
        raise ValueError("a nested design has one factor at least")
    at_sets = delimited(sets, length)
    ss, groups, squares, whole = _sums_of_squares(column, offsets, at_sets)
    df = groups[:, 1:] - groups[:, :-1]
    coefficients = squares[:, 1:, :] - squares[:, :-1, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        ms = np.where(df > 0, ss / df, np.nan)
        weights = coefficients / np.where(df > 0, df, np.nan)[:, :, None]
        estimated = _solved(weights, ms)
        variance = estimated if keep_negative else np.where(estimated < 0, 0.0, estimated)
        implied = np.stack([_added_up(weights[:, k, k:] * variance[:, k:]) for k in range(ms.shape[1])], axis=1)
        total = _added_up(variance)
        total_df = total**2 / _added_up((_contributions(weights) * implied) ** 2 / df)
        sd, total_sd = np.sqrt(np.where(variance < 0, np.nan, variance)), np.sqrt(np.where(total < 0, np.nan, total))
        mean = whole.mean + whole.remainder
        size = np.abs(mean) / 100
        return Components(
            *(ss, df, ms, variance, sd, sd / size[:, None], estimated),
            *(mean, total, total_sd, total_sd / size, total_df),
        )


def _sums_of_squares(values: Floats, levels: list[Integers], sets: Integers) -> tuple[Floats, Floats, Floats, Moments]:
    """SS (sets × sources), filled groups (sets × 1 + sources, the set itself first), S_kj (sets × 1 + sources × sources)."""
    factors = len(levels)
    at = chained(levels, sets)
    of_factor = [moments_of_cells(values, levels[-1])]
    for level in levels[-2::-1]:
        of_factor.insert(0, moments_of_sets(of_factor[0], level))
    whole = moments_of_sets(of_factor[0], sets)
    ss = [whole.ss, *(sums(one.ss, at[k]) for k, one in enumerate(of_factor))]
    groups = [
        (whole.n > 0).astype(np.float64),
        *(sums((one.n > 0).astype(np.float64), at[k]) for k, one in enumerate(of_factor)),
    ]
    counts = [whole.n.astype(np.float64), *(one.n.astype(np.float64) for one in of_factor)]
    squares = np.zeros((len(sets) - 1, factors + 2, factors + 1))
    squares[:, :, factors] = np.stack([*groups, whole.n.astype(np.float64)], axis=1)
    squares[:, factors + 1, :] = counts[0][:, None]
    for j in range(1, factors + 1):  # Σ n_b² of factor j, gathered outwards
        gathered = counts[j] ** 2
        for k in range(j, -1, -1):
            own = np.divide(gathered, counts[k], out=np.zeros(len(gathered)), where=counts[k] > 0)
            squares[:, k, j - 1] = own if k == 0 else sums(own, at[k - 1])
            if k > 0:
                gathered = sums(gathered, sets if k == 1 else levels[k - 2])
        squares[:, j:, j - 1] = counts[0][:, None]
    return np.stack(ss, axis=1), np.stack([*groups, counts[0]], axis=1), squares, whole


def _added_up(columns: Floats) -> Floats:
    """Sum over the sources, one after the other whatever the number of sets."""
    total = np.zeros(len(columns))
    for column in columns.T:
        total = total + column
    return total


def _solved(weights: Floats, ms: Floats) -> Floats:
    """Components from MS = weights · components, weights upper triangular, from the error upwards."""
    found = np.zeros(ms.shape)
    for k in range(ms.shape[1] - 1, -1, -1):
        rest = ms[:, k].copy()
        for j in range(k + 1, ms.shape[1]):
            rest -= weights[:, k, j] * found[:, j]
        found[:, k] = rest / weights[:, k, k]
    return found


def _contributions(weights: Floats) -> Floats:
    """c with Σ_k c_k MS_k = Σ components: weightsᵀ c = 1, from the outermost factor inwards."""
    found = np.zeros(weights.shape[:2])
    for j in range(weights.shape[1]):
        rest = np.ones(len(weights))
        for k in range(j):
            rest -= weights[:, k, j] * found[:, k]
        found[:, j] = rest / weights[:, j, j]
    return found
