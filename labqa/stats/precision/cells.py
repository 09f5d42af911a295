"""Mean and sum of squares of cells, and of the sets that cells form, with errors of a few units in the last digit.

A cell is what one laboratory (day, bottle) found for one item; `offsets` (cells + 1) delimits the values of each cell, or
the cells of each set. A mean is kept as `mean` + `remainder`, since its rounding error alone would spoil the sums of squares
of data like 1000000000000.4. Sums are compensated (Knuth's two-sum). Equal values give a sum of squares of exactly 0.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labqa.stats.groups import offsets_of
from labqa.stats.kernels import kernel

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Moments(NamedTuple):
    """Of each cell or set: number of values, mean as `mean` + `remainder`, sum of squares about it (of the values of a cell; of
    the cell means, weighted by n, of a set). No values: NaN, NaN and 0."""

    n: Integers
    mean: Floats
    remainder: Floats
    ss: Floats


@kernel
def _added(total: float, lost: float, x: float) -> tuple[float, float]:  # pragma: no cover
    """Adds x to a running sum and what rounding takes from it to `lost`."""
    moved = total + x
    part = moved - total
    return moved, lost + ((total - (moved - part)) + (x - part))


@kernel
def _of_values(values, offsets):  # type: ignore[no-untyped-def]  # pragma: no cover
    groups = len(offsets) - 1
    mean, remainder, ss = np.full(groups, np.nan), np.full(groups, np.nan), np.zeros(groups)
    for g in range(groups):
        begin, end = offsets[g], offsets[g + 1]
        if begin == end:
            continue
        n, first = end - begin, values[begin]
        rough = 0.0
        for i in range(begin, end):
            rough += values[i] - first
        centre = first + rough / n
        total, lost, squares, of_squares = 0.0, 0.0, 0.0, 0.0
        for i in range(begin, end):
            deviation = values[i] - centre
            total, lost = _added(total, lost, deviation)
            squares, of_squares = _added(squares, of_squares, deviation * deviation)
        rest = (total + lost) / n
        # |rest| is half a unit of the last digit of the centre, or rounding of the rough mean: it takes at most half of Σ d²
        mean[g], remainder[g], ss[g] = centre, rest, max((squares + of_squares) - n * rest * rest, 0.0)
    return mean, remainder, ss


@kernel
def _of_means(n, means, remainders, offsets):  # type: ignore[no-untyped-def]  # pragma: no cover
    groups = len(offsets) - 1
    size = np.zeros(groups, np.int64)
    mean, remainder, ss = np.full(groups, np.nan), np.full(groups, np.nan), np.zeros(groups)
    for g in range(groups):
        first = -1
        for i in range(offsets[g], offsets[g + 1]):
            size[g] += n[i]
            if first < 0 and n[i] > 0:
                first = i
        if first < 0:
            continue
        rough = 0.0
        for i in range(first, offsets[g + 1]):
            if n[i] > 0:
                rough += n[i] * ((means[i] - means[first]) + (remainders[i] - remainders[first]))
        centre = means[first] + rough / size[g]
        total, lost = 0.0, 0.0
        for i in range(first, offsets[g + 1]):
            if n[i] > 0:
                total, lost = _added(total, lost, n[i] * ((means[i] - centre) + remainders[i]))
        rest = (total + lost) / size[g]
        total, lost = 0.0, 0.0
        for i in range(first, offsets[g + 1]):
            if n[i] > 0:
                deviation = (means[i] - centre) + (remainders[i] - rest)
                total, lost = _added(total, lost, n[i] * deviation * deviation)
        mean[g], remainder[g], ss[g] = centre, rest, total + lost
    return size, mean, remainder, ss


@kernel
def _sums(values, offsets):  # type: ignore[no-untyped-def]  # pragma: no cover
    found = np.zeros(len(offsets) - 1)
    for g in range(len(found)):
        total, lost = 0.0, 0.0
        for i in range(offsets[g], offsets[g + 1]):
            total, lost = _added(total, lost, values[i])
        found[g] = total + lost
    return found


def checked(values: ArrayLike) -> Floats:
    """The values as a float64 column; ValueError that names the first one which is not a finite number."""
    column = np.ascontiguousarray(values, dtype=np.float64)
    if not np.all(np.isfinite(column)):
        at = int(np.flatnonzero(~np.isfinite(column))[0])
        raise ValueError(f"values[{at}] is {column[at]}, expected finite numbers: leave missing results out of their cell")
    return column


def delimited(offsets: ArrayLike, length: int) -> Integers:
    """The offsets as an int64 column; ValueError unless they rise from 0 to `length`."""
    return offsets_of(length, np.asarray(offsets))


def moments_of_cells(values: Floats, offsets: Integers) -> Moments:
    """Moments of each cell about its own mean: (x − mean) − remainder is right to the last digit whatever the level."""
    return Moments(np.diff(offsets), *_of_values(values, offsets))


def moments_of_sets(cells: Moments, offsets: Integers) -> Moments:
    """Moments of the cell means of each set about the mean of all its values: ss = Σ n (cell mean − mean)²."""
    return Moments(*_of_means(cells.n, cells.mean, cells.remainder, offsets))


def sums(values: Floats, offsets: Integers) -> Floats:
    """Compensated sum of each group, in the order given; 0 for an empty one."""
    return np.asarray(_sums(values, offsets), dtype=np.float64)


def filled_cells(cells: Moments, offsets: Integers) -> Integers:
    """How many cells of each set have values."""
    running = np.concatenate([[0], np.cumsum(cells.n > 0)])
    return np.asarray(running[offsets[1:]] - running[offsets[:-1]], dtype=np.int64)
