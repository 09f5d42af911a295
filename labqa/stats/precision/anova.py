"""One-way analysis of variance of unbalanced cells, of one set or of many, right to the digits that the data hold."""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from labqa.stats.precision.cells import checked, delimited, filled_cells, moments_of_cells, moments_of_sets, sums

Column = NDArray[Any]
T = TypeVar("T")


class OneWay(NamedTuple, Generic[T]):
    """Sums of squares, degrees of freedom and mean squares between and within cells, F, P(F or more), R², residual SD."""

    ss_between: T
    ss_within: T
    df_between: T
    df_within: T
    ms_between: T
    ms_within: T
    f: T
    p_value: T
    r_squared: T
    residual_sd: T


def one_way(values: ArrayLike, cells: ArrayLike) -> OneWay[float]:
    """One-way analysis of variance of one set, as `one_way_by_set`."""
    found = one_way_by_set(values, cells, [0, len(np.asarray(cells)) - 1])
    return OneWay(*(column[0].item() for column in found))


def one_way_by_set(values: ArrayLike, cells: ArrayLike, sets: ArrayLike) -> OneWay[Column]:
    """One-way analysis of variance of each set: are the means of its cells further apart than their scatter explains?

    SSB = Σ n_i (ȳ_i − ȳ)², SSW = Σ (y − ȳ_i)², F = [SSB/(p − 1)] / [SSW/(N − p)], R² = SSB/(SSB + SSW) (NIST StRD, one-way
    ANOVA). `values` finite, `cells` (cells + 1) delimits values, `sets` (sets + 1) delimits cells; empty cells do not count.
    Units: SS are squares of those of the values. Fewer than 2 cells, or no replicate: NaN where a df of 0 enters. SSW = 0: F is
    infinite, NaN if SSB = 0 too. ValueError for NaN and infinite values.

    The error is a few units in the last digit of what the float64 values themselves determine; digits lost before, when
    decimal text such as 1000000000000.4 became float64, stay lost (see `decimal_shift`). SciPy's `f_oneway` takes one set a
    call and gives F only.
    """
    column = checked(values)
    at_cells = delimited(cells, len(column))
    at_sets = delimited(sets, len(at_cells) - 1)
    inner = moments_of_cells(column, at_cells)
    outer = moments_of_sets(inner, at_sets)
    p = filled_cells(inner, at_sets)
    within = sums(inner.ss, at_sets)
    df_between, df_within = np.maximum(p - 1, 0), outer.n - p
    with np.errstate(divide="ignore", invalid="ignore"):
        ms_between = np.where(df_between > 0, outer.ss / df_between, np.nan)
        ms_within = np.where(df_within > 0, within / df_within, np.nan)
        f = ms_between / ms_within
        r_squared = outer.ss / (outer.ss + within)
    p_value = np.where(np.isnan(f), np.nan, special.fdtrc(np.maximum(df_between, 1), np.maximum(df_within, 1), f))
    return OneWay(
        outer.ss, within, df_between, df_within, ms_between, ms_within, f, p_value, r_squared, np.sqrt(ms_within)
    )  # fmt: skip
