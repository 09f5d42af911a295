"""A table with an index by column, made when first asked for: a page finds its rows without reading the whole table."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

_FEW = 64
"""Up to so many values are sought one by one, more of them at once."""


@dataclass(frozen=True)
class _Index:
    """The values of a column in order, and at which row each stands; `rows` is null where the table has that order itself."""

    values: pl.Series
    rows: NDArray[np.int64] | None

    @classmethod
    def of(cls, column: pl.Series) -> _Index:
        """The index of a column of texts; nulls are at no row."""
        if not column.null_count() and column.is_sorted():
            return cls(column, None)
        order = column.arg_sort(nulls_last=True).head(len(column) - column.null_count())
        return cls(column.gather(order), order.to_numpy().astype(np.int64))

    def found(self, sought: Iterable[str]) -> NDArray[np.int64]:
        """Rows at which any of the values stands, each once, in no order."""
        values = sorted({one for one in sought if one is not None})
        runs = [np.arange(first, after) for first, after in self._runs(values) if after > first]
        places = np.concatenate(runs) if runs else np.empty(0, np.int64)
        return places if self.rows is None else self.rows[places]

    def run_of(self, value: str) -> tuple[int, int]:
        """The first place of a value, and that after its last."""
        return bisect_left(self.values, value), bisect_right(self.values, value)

    def _runs(self, values: list[str]) -> Iterable[tuple[int, int]]:
        if len(values) <= _FEW:
            return [self.run_of(value) for value in values]
        many = pl.Series(values, dtype=pl.String)
        return zip(self.values.search_sorted(many, "left"), self.values.search_sorted(many, "right"), strict=True)


@dataclass(frozen=True)
class Indexed:
    """A table that never changes, with an index of each column of texts by which rows were sought."""

    frame: pl.DataFrame
    _made: dict[str, _Index] = field(default_factory=dict, repr=False, compare=False)

    def where(self, **sought: Iterable[str]) -> pl.DataFrame:
        """The rows in which any of the named columns holds one of the values sought for it, in the table's order."""
        if len(sought) == 1:
            ((column, values),) = sought.items()
            index, one = self._index(column), tuple(values)
            if index.rows is None and len(one) == 1:
                first, after = index.run_of(one[0])
                return self.frame.slice(first, after - first)
            return self.frame[np.sort(index.found(one))]
        rows = [self._index(column).found(values) for column, values in sought.items()]
        return self.frame[np.unique(np.concatenate(rows))]

    def _index(self, column: str) -> _Index:
        if column not in self._made:
            self._made[column] = _Index.of(self.frame[column])
        return self._made[column]
