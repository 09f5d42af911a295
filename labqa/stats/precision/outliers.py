"""Outlying laboratories of a collaborative study: scatter (Cochran), means (Grubbs), and both in the order of ISO 5725-2."""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labqa.stats.kernels import kernel
from labqa.stats.precision.cells import checked, delimited, moments_of_cells
from labqa.stats.precision.critical_values import cochran_chance, grubbs_chance

Column = NDArray[Any]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
T = TypeVar("T")


class Cochran(NamedTuple, Generic[T]):
    """Share C of the largest variance, the cell that has it (−1: none), number of variances and P(C or more)."""

    statistic: T
    cell: T
    p: T
    p_value: T


class Grubbs(NamedTuple, Generic[T]):
    """Most extreme |x − mean|/SD, the cell that has it (−1: none), two-sided P; and (x − mean)/SD of each end with its cell."""

    statistic: T
    cell: T
    p: T
    p_value: T
    low: T
    low_cell: T
    high: T
    high_cell: T


class GrubbsDouble(NamedTuple, Generic[T]):
    """Sum of squares without the two smallest (two largest) values over that of all, and the cells of the two (−1: none)."""

    low: T
    low_cells: tuple[T, T]
    high: T
    high_cells: tuple[T, T]
    p: T


@kernel
def _largest_share(variances, sets):  # type: ignore[no-untyped-def]  # pragma: no cover
    count = len(sets) - 1
    share, cell, known = np.full(count, np.nan), np.full(count, -1), np.zeros(count, np.int64)
    for g in range(count):
        total = 0.0
        for i in range(sets[g], sets[g + 1]):
            if not np.isnan(variances[i]):
                known[g] += 1
                total += variances[i]
                if cell[g] < 0 or variances[i] > variances[cell[g]]:
                    cell[g] = i
        if total > 0.0 and known[g] > 1:
            share[g] = variances[cell[g]] / total
        else:
            cell[g] = -1
    return share, cell, known


@kernel
def _ends(values, sets):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Places of the smallest, second smallest, second largest and largest value of each set, −1 where there is none."""
    found = np.full((len(sets) - 1, 4), -1)
    for g in range(len(sets) - 1):
        a, b, y, z = -1, -1, -1, -1
        for i in range(sets[g], sets[g + 1]):
            x = values[i]
            if a < 0 or x < values[a]:
                a, b = i, a
            elif b < 0 or x < values[b]:
                b = i
            if z < 0 or x > values[z]:
                y, z = z, i
            elif y < 0 or x > values[y]:
                y = i
        found[g, 0], found[g, 1], found[g, 2], found[g, 3] = a, b, y, z
    return found


@kernel
def _ss_without(values, sets, first, second, centre):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Sum of squares of each set without two of its values about the mean of the others."""
    found = np.zeros(len(sets) - 1)
    for g in range(len(sets) - 1):
        total, n = 0.0, 0
        for i in range(sets[g], sets[g + 1]):
            if i != first[g] and i != second[g]:
                total += values[i] - centre[g]
                n += 1
        for i in range(sets[g], sets[g + 1]):
            if i != first[g] and i != second[g]:
                found[g] += ((values[i] - centre[g]) - total / n) ** 2
    return found


def cochran(variances: ArrayLike, *, n: int) -> Cochran[float]:
    """Cochran's test of one set of variances, as `cochran_by_set`."""
    found = cochran_by_set(variances, [0, len(np.asarray(variances))], n=n)
    return Cochran(*(column[0].item() for column in found))


def cochran_by_set(variances: ArrayLike, sets: ArrayLike, *, n: ArrayLike) -> Cochran[Column]:
    """Is the largest variance of each set too large a share of their sum? C = s²max/Σs² (ISO 5725-2:1994, 7.3.3).

    `variances` (cells; NaN for a cell of fewer than two results, which is left out), `sets` (sets + 1) delimits them, `n`
    results a cell (one number, or one a set: where cells differ, the number that most of them have). P is the Bonferroni bound,
    one-sided. Fewer than two variances, or all 0: NaN and cell −1. ValueError for a negative variance.
    """
    column = np.ascontiguousarray(variances, dtype=np.float64)
    if np.any(column < 0) or np.any(np.isinf(column)):
        raise ValueError("variances must be finite and not negative")
    share, cell, known = _largest_share(column, delimited(sets, len(column)))
    return Cochran(share, cell, known, cochran_chance(share, known, n))


def grubbs(values: ArrayLike) -> Grubbs[float]:
    """Grubbs' test of one set of values, as `grubbs_by_set`."""
    found = grubbs_by_set(values, [0, len(np.asarray(values))])
    return Grubbs(*(column[0].item() for column in found))


def grubbs_by_set(values: ArrayLike, sets: ArrayLike) -> Grubbs[Column]:
    """Is the most extreme value (cell mean) of each set too far from the mean of all? G = |x − x̄|/s (ISO 5725-2:1994,
    7.3.4.1).

    `values` finite, `sets` (sets + 1) delimits them. Two-sided P, a Bonferroni bound. Fewer than three values, or all equal:
    NaN and cell −1. Of equally extreme values the first of the larger end is named. ValueError for NaN.
    """
    column = checked(values)
    at = delimited(sets, len(column))
    whole, ends, p = moments_of_cells(column, at), _ends(column, at), np.diff(at)
    fits = (p >= 3) & (whole.ss > 0)
    sd = np.sqrt(np.where(fits, whole.ss, np.nan) / np.maximum(p - 1, 1))
    low_cell, high_cell = np.where(fits, ends[:, 0], -1), np.where(fits, ends[:, 3], -1)
    low, high = (_deviation(column, cell, whole.mean, whole.remainder) / sd for cell in (low_cell, high_cell))
    upper = high >= -low
    statistic = np.where(upper, high, -low)
    return Grubbs(
        *(statistic, np.where(upper, high_cell, low_cell), p, grubbs_chance(statistic, p)),
        *(low, low_cell, high, high_cell),
    )


def _deviation(values: Floats, cell: Integers, mean: Floats, remainder: Floats) -> Floats:
    return (np.append(values, np.nan)[cell] - mean) - remainder


def grubbs_double(values: ArrayLike) -> GrubbsDouble[float]:
    """Grubbs' double statistics of one set of values, as `grubbs_double_by_set`."""
    low, low_cells, high, high_cells, p = grubbs_double_by_set(values, [0, len(np.asarray(values))])
    two = ((cells[0][0].item(), cells[1][0].item()) for cells in (low_cells, high_cells))
    return GrubbsDouble(low[0].item(), next(two), high[0].item(), next(two), p[0].item())


def grubbs_double_by_set(values: ArrayLike, sets: ArrayLike) -> GrubbsDouble[Column]:
    """Are the two smallest, or the two largest, values of each set outlying together? G = s²₁,₂/s²₀ and s²ₚ₋₁,ₚ/s²₀.

    The smaller the ratio the more outlying (ISO 5725-2:1994, 7.3.4.2; Grubbs & Beck 1972); critical values in `grubbs_double`.
    Fewer than four values, or all equal: NaN and cells −1. ValueError for NaN.
    """
    column = checked(values)
    at = delimited(sets, len(column))
    whole, p = moments_of_cells(column, at), np.diff(at)
    fits = (p >= 4) & (whole.ss > 0)
    ends = np.where(fits[:, None], _ends(column, at), -1)
    total = np.where(fits, whole.ss, np.nan)
    low = _ss_without(column, at, ends[:, 0], ends[:, 1], whole.mean) / total
    high = _ss_without(column, at, ends[:, 2], ends[:, 3], whole.mean) / total
    return GrubbsDouble(low, (ends[:, 0], ends[:, 1]), high, (ends[:, 2], ends[:, 3]), p)
