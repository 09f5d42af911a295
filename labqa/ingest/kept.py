"""Accepted rows in the shape and order in which they are kept, and the check that no row was lost on the way there."""

from __future__ import annotations

import numpy as np
import polars as pl

from labqa.core import codes, tables
from labqa.ingest.readers import ROW


def results(facts: pl.DataFrame, file: pl.Series, ranks: pl.Series | None = None) -> pl.DataFrame:
    """Facts as the table `Results`, those of a sample side by side. `file`: SHA-256 of the file that brought them, as one code;
    `ranks`: place of each sample by its code, where it is known.

    The facts are taken apart, a column after the other, so that they are not held twice.
    """
    sample = facts["sample"]
    first = codes.ranks(sample) if ranks is None else codes.gathered(ranks, sample)
    order = _order(first, codes.ranks(facts["item"]), facts["result"])
    ordered = pl.DataFrame([_gathered(facts.drop_in_place(name), order) for name in facts.columns])
    named = file.new_from_index(0, ordered.height).alias("file")
    return tables.shaped(ordered.rename({ROW: "row"}).with_columns(named), tables.Results)


def _order(sample: pl.Series, item: pl.Series, result: pl.Series) -> pl.Series:
    """Places of the rows in the order of sample, item and result, given the ranks of samples and items: as one number, so that
    texts are compared only where several results are of one sample and item."""
    keys = (sample.cast(pl.UInt64) * (1 << 32) + item).to_numpy()
    order = np.argsort(keys, kind="stable")  # fast where rows are in order already, as they mostly are
    placed = keys[order]
    tied = np.flatnonzero(np.isin(placed, placed[1:][placed[1:] == placed[:-1]]))
    rows = order[tied]
    by = pl.DataFrame({"key": keys[rows], "result": result.gather(rows)})
    order[tied] = rows[by.select(pl.arg_sort_by("key", "result")).to_series()]
    return pl.Series(order)


def _gathered(column: pl.Series, order: pl.Series) -> pl.Series:
    return column if column.dtype != pl.String and codes.is_uniform(column) else column.gather(order)


class Tally:
    """What became of the delivered rows, by their numbers; a byte a row is remembered."""

    def __init__(self) -> None:
        """Nothing was delivered yet."""
        self._left = np.zeros(0, np.bool_)
        self._accepted = 0

    def deliver(self, rows: pl.Series) -> None:
        """Rows that were delivered."""
        numbers = rows.to_numpy()
        self._left = np.pad(self._left, (0, max(0, 1 + int(numbers.max(initial=0)) - self._left.size)))
        self._left[numbers] = True

    def accept(self, rows: pl.Series) -> None:
        """Rows of accepted results."""
        self._left[rows.to_numpy()] = False
        self._accepted += rows.len()

    def check(self, refused: pl.Series, *, delivered: int, following: int) -> None:
        """Every delivered row was accepted or refused, once; else the error is ours, and nothing is kept. `following`: accepted
        results that no row delivers, but each names one."""
        refused = refused.unique()
        self._left[refused.to_numpy()] = False
        if self._left.any() or self._accepted - following + refused.len() != delivered:
            raise AssertionError(f"of {delivered} rows {self._accepted} were accepted and {refused.len()} refused")
