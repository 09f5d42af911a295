"""Ranges of samples: what holds between rows holds between those of a sample, so that a long delivery is settled a range of
samples after the other, in the order in which facts are kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from labqa.core import codes

ROWS = 400_000
"""Rows of which a range consists, more or less; one sample is never parted."""
_RANGE = "\0range"


@dataclass(frozen=True)
class Ranges:
    """For each code of a sample the place of its id among all ids, and its range; `count` of ranges."""

    rank: pl.Series
    range_of: pl.Series
    count: int

    def split(self, rows: pl.DataFrame) -> Iterator[tuple[int, pl.DataFrame]]:
        """The rows of each range among them, in their order."""
        if self.count == 1 or rows.is_empty():
            yield 0, rows
            return
        marked = rows.with_columns(codes.gathered(self.range_of, rows["sample"]).alias(_RANGE))
        for (number,), part in marked.partition_by(_RANGE, as_dict=True, include_key=False, maintain_order=True).items():
            yield int(number), part


def ranges(texts: pl.Series, samples: Iterable[pl.Series], rows: int) -> Ranges:
    """Ranges of samples, whose distinct ids are given in the order of their codes, and coded columns that name them in so many
    rows."""
    rank = texts.rank("dense")
    if rows <= ROWS:
        return Ranges(rank, rank, 1)
    counts = np.zeros(texts.len(), np.int64)
    for column in samples:
        counts += np.bincount(column.to_physical().drop_nulls().to_numpy(), minlength=counts.size)
    by_rank = np.argsort(rank.to_numpy(), kind="stable")
    behind = np.empty(counts.size, np.int64)
    behind[by_rank] = np.cumsum(counts[by_rank]) - counts[by_rank]
    places = behind // ROWS
    return Ranges(rank, pl.Series(places.astype(np.uint32)), 1 + int(places.max(initial=0)))
