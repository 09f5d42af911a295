"""A table with an index by column, made when first asked for: a page finds its rows without reading the whole table."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray


class _Ordered:
    """A column in order: the rows of a value stand together, and are found by halving."""

    def __init__(self, values: pl.Series) -> None:
        self.values = values

    def run_of(self, value: str) -> tuple[int, int]:
        """The first row of a value, and that after its last."""
        return bisect_left(self.values, value), bisect_right(self.values, value)

    def found(self, sought: set[str]) -> NDArray[np.int64]:
        """Rows at which any of the values stands, each once."""
        runs = [np.arange(*self.run_of(value), dtype=np.int64) for value in sought]
        return np.concatenate([np.empty(0, np.int64), *runs])


class _Hashed:
    """A column in any order, nulls among it: rows by the hash of their value, of which those of another value are left out."""

    def __init__(self, values: pl.Series) -> None:
        hashes = values.hash().to_numpy()
        self.values, self.rows = values, np.argsort(hashes, kind="stable")
        self.hashes = hashes[self.rows]

    def found(self, sought: set[str]) -> NDArray[np.int64]:
        """Rows at which any of the values stands, each once."""
        wanted = np.unique(pl.Series(list(sought), dtype=pl.String).hash().to_numpy())
        ends = (np.searchsorted(self.hashes, wanted, side) for side in ("left", "right"))
        rows = np.concatenate([np.empty(0, np.int64), *(self.rows[first:after] for first, after in zip(*ends, strict=True))])
        return rows[[value in sought for value in self.values.gather(rows)]] if rows.size else rows


@dataclass(frozen=True)
class Indexed:
    """A table that never changes, with an index of each column of texts by which rows were sought."""

    frame: pl.DataFrame
    _made: dict[str, _Ordered | _Hashed] = field(default_factory=dict, repr=False, compare=False)

    def where(self, **sought: Iterable[str | None]) -> pl.DataFrame:
        """The rows in which any of the named columns holds one of the values sought for it, in the table's order."""
        values = {column: {one for one in ones if one is not None} for column, ones in sought.items()}
        if len(values) == 1:
            ((column, some),) = values.items()
            index = self._index(column)
            if isinstance(index, _Ordered) and len(some) == 1:
                first, after = index.run_of(*some)
                return self.frame.slice(first, after - first)
        rows = [self._index(column).found(some) for column, some in values.items()]
        return self.frame[np.unique(np.concatenate(rows))]

    def _index(self, column: str) -> _Ordered | _Hashed:
        if column not in self._made:
            values = self.frame[column]
            ordered = not values.null_count() and values.is_sorted()
            self._made[column] = _Ordered(values) if ordered else _Hashed(values)
        return self._made[column]
