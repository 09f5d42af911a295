"""Which laboratories ISO 5725-2 would set aside before precision is computed, step by step, for many items at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labqa.stats.precision.cells import checked, delimited, moments_of_cells
from labqa.stats.precision.critical_values import grubbs_chance
from labqa.stats.precision.grubbs_double import grubbs_double_critical
from labqa.stats.precision.outliers import cochran_by_set, grubbs_by_set, grubbs_double_by_set

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

PASSED, STRAGGLER, OUTLIER = 0, 1, 2
NO_TEST, COCHRAN, GRUBBS, GRUBBS_DOUBLE = 0, 1, 2, 3


class Scrutiny(NamedTuple):
    """Of each cell: `status` (passed, straggler, outlier: 0, 1, 2) and the `test` that gave it (none, Cochran, Grubbs, Grubbs'
    double: 0 to 3)."""

    status: Integers
    test: Integers


def scrutiny(values: ArrayLike, cells: ArrayLike, *, straggler: float = 0.05, outlier: float = 0.01) -> Scrutiny:
    """Scrutiny of one item's laboratories, as `scrutiny_by_set`."""
    return scrutiny_by_set(values, cells, [0, len(np.asarray(cells)) - 1], straggler=straggler, outlier=outlier)


def scrutiny_by_set(
    values: ArrayLike, cells: ArrayLike, sets: ArrayLike, *, straggler: float = 0.05, outlier: float = 0.01
) -> Scrutiny:
    """Stragglers (5 %) and outliers (1 %) among the laboratories of each item, outliers set aside as it goes (ISO 5725-2:1994,
    7.3.2 to 7.3.4).

    1. Cochran on the variances, again without the laboratory that is an outlier, until none is. 2. Grubbs on the means that
    are left; if the most extreme is an outlier, once more at the other end without it. 3. If neither end is an outlier,
    Grubbs for the two smallest and the two largest. A straggler stays in; a cell of one result has no variance to
    test. Cochran's n is the number of results that most laboratories of the item have (the smaller one of a tie, whose limit is
    wider). Fewer than 2 variances (3 or 4 means): the test is not made. Whether an outlier is discarded is a
    decision of people: the standard asks for its cause. `cells`, `sets`: as for `experiment_by_set`. ValueError for NaN, and
    for more than 200 laboratories an item that reach step 3.
    """
    column = checked(values)
    at_cells = delimited(cells, len(column))
    at_sets = delimited(sets, len(at_cells) - 1)
    inner = moments_of_cells(column, at_cells)
    found = _Findings(inner.n > 0, at_sets)
    variance = np.where(inner.n > 1, inner.ss / np.maximum(inner.n - 1, 1), np.nan)
    going = np.ones(len(at_sets) - 1, dtype=np.bool_)
    while np.any(going):
        kept, left = found.left()
        worst = cochran_by_set(variance[kept], left, n=_usual_n(inner.n[kept], left))
        p_value = np.where(going, worst.p_value, np.nan)
        going = found.judge(_at(kept, worst.cell), p_value <= straggler, p_value <= outlier, test=COCHRAN)
    means = inner.mean + inner.remainder
    kept, left = found.left()
    first = grubbs_by_set(means[kept], left)
    cell = _at(kept, first.cell)
    away = found.judge(cell, first.p_value <= straggler, first.p_value <= outlier, test=GRUBBS)
    high_first = first.cell == first.high_cell
    _other_end(found, means, away, high_first, straggler, outlier)
    _two_at_one_end(found, means, ~away, straggler, outlier)
    return Scrutiny(found.status, found.test)


class _Findings:
    """Status and test of each cell so far, and which cells are still in."""

    def __init__(self, filled: Flags, sets: Integers) -> None:
        self.inside, self.sets = filled.copy(), sets
        self.status = np.zeros(len(filled), dtype=np.int64)
        self.test = np.zeros(len(filled), dtype=np.int64)

    def left(self) -> tuple[Integers, Integers]:
        """The cells that are still in, and the offsets of the sets into them."""
        running = np.concatenate([[0], np.cumsum(self.inside)])
        return np.flatnonzero(self.inside), running[self.sets].astype(np.int64)

    def judge(self, cell: Integers, straggles: Flags, lies_out: Flags, *, test: int) -> Flags:
        """Marks one cell a set (−1: none); takes outliers out. Returns the sets that lost one."""
        for flagged, status in ((straggles & ~lies_out, STRAGGLER), (lies_out, OUTLIER)):
            cells = cell[flagged & (cell >= 0)]
            higher = cells[self.status[cells] < status]
            self.status[higher], self.test[higher] = status, test
        self.inside[cell[lies_out & (cell >= 0)]] = False
        return np.asarray(lies_out & (cell >= 0))


def _at(kept: Integers, cell: Integers) -> Integers:
    return np.append(kept, -1)[cell]


def _usual_n(n: Integers, sets: Integers) -> Integers:
    """The number of results that most cells of each set have, of 2 or more; the smaller one of a tie; 2 for an empty set."""
    item = np.repeat(np.arange(len(sets) - 1), np.diff(sets))
    replicated = n > 1
    width = int(n.max(initial=0)) + 1
    kinds, count = np.unique(item[replicated] * width + n[replicated], return_counts=True)
    order = np.lexsort((-kinds, count))  # the last one written is the most frequent, and among those the smallest
    usual = np.full(len(sets) - 1, 2)
    usual[kinds[order] // width] = kinds[order] % width
    return usual


def _other_end(found: _Findings, means: Floats, away: Flags, high_first: Flags, straggler: float, outlier: float) -> None:
    """Where one end was an outlier: Grubbs at the other end without it."""
    kept, left = found.left()
    again = grubbs_by_set(means[kept], left)
    cell = np.where(high_first, again.low_cell, again.high_cell)
    p_value = grubbs_chance(np.abs(np.where(high_first, again.low, again.high)), np.where(away, again.p, 0))
    found.judge(_at(kept, cell), away & (p_value <= straggler), away & (p_value <= outlier), test=GRUBBS)


def _two_at_one_end(found: _Findings, means: Floats, tested: Flags, straggler: float, outlier: float) -> None:
    """Where no single value is an outlier: Grubbs for two at each end."""
    kept, left = found.left()
    pair = grubbs_double_by_set(means[kept], left)
    tested = tested & (pair.p >= 4)
    sizes, which = np.unique(np.where(tested, pair.p, 0), return_inverse=True)
    limits = [[grubbs_double_critical(int(p), alpha=alpha) for p in sizes] for alpha in (straggler, outlier)]
    of_straggler, of_outlier = np.array(limits).reshape(2, -1)[:, which]
    for ratio, cells in ((pair.low, pair.low_cells), (pair.high, pair.high_cells)):
        straggles, lies_out = tested & (ratio <= of_straggler), tested & (ratio <= of_outlier)
        for cell in cells:
            found.judge(_at(kept, cell), straggles, lies_out, test=GRUBBS_DOUBLE)
