"""Mandel's consistency statistics: how each laboratory's mean (h) and scatter (k) compare with those of the others."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labqa.stats.precision.cells import Moments, checked, delimited, moments_of_cells, moments_of_sets, sums

Floats = NDArray[np.float64]


class Mandel(NamedTuple):
    """h and k of each cell, in the order of the cells."""

    h: Floats
    k: Floats


def mandel(values: ArrayLike, cells: ArrayLike) -> Mandel:
    """h and k of the laboratories of one item, as `mandel_by_set`."""
    return mandel_by_set(values, cells, [0, len(np.asarray(cells)) - 1])


def mandel_by_set(values: ArrayLike, cells: ArrayLike, sets: ArrayLike) -> Mandel:
    """h = (ȳ_i − mean of the ȳ)/SD of the ȳ and k = s_i √p/√Σs², for each laboratory of each item (ISO 5725-2:1994, 7.3.1; ASTM
    E691).

    `cells` (cells + 1) delimits the values of a laboratory, `sets` (sets + 1) the laboratories of an item; p of k counts the
    laboratories with two results or more. NaN: h of a cell without results, of fewer than two laboratories, or of equal
    means; k of a cell of fewer than two results, or where no laboratory scatters. Indicator lines: `mandel_h_critical`,
    `mandel_k_critical` (for equal n). ValueError for NaN among the values.
    """
    column = checked(values)
    at_cells = delimited(cells, len(column))
    at_sets = delimited(sets, len(at_cells) - 1)
    inner = moments_of_cells(column, at_cells)
    one_each: Moments = inner._replace(n=(inner.n > 0).astype(np.int64))
    of_means = moments_of_sets(one_each, at_sets)
    scatters = inner.n > 1
    variance = np.where(scatters, inner.ss / np.maximum(inner.n - 1, 1), 0.0)
    total, known = sums(variance, at_sets), sums(scatters.astype(np.float64), at_sets)
    item = np.repeat(np.arange(len(at_sets) - 1), np.diff(at_sets))
    with np.errstate(divide="ignore", invalid="ignore"):
        sd = np.sqrt(np.where(of_means.ss > 0, of_means.ss, np.nan) / (of_means.n - 1))
        h = ((inner.mean - of_means.mean[item]) + (inner.remainder - of_means.remainder[item])) / sd[item]
        k = np.sqrt(np.where(scatters, variance, np.nan) * known[item] / np.where(total > 0, total, np.nan)[item])
    return Mandel(h, k)
