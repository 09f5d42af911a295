"""Rows in pieces: of a table that need not fit in memory one piece is held at a time, and the others lie in a file."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import polars as pl

from labqa.core import codes, system
from labqa.core.errors import StoreError

ROWS = 100_000
"""Rows of a piece, where there is a choice."""


class Spill:
    """A file for what is not held in memory. It has no name, so that it is gone with its process, however that ends."""

    def __init__(self, folder: Path | None = None) -> None:
        """Use a file in `folder`, else where the system keeps temporary files; there is none before rows are put there."""
        self._folder = folder
        self._file: IO[bytes] | None = None

    def put(self, rows: pl.DataFrame) -> Callable[[], pl.DataFrame]:
        """Write rows, codes as numbers, and return what reads them again; StoreError where there is no room for them."""
        said = [column for column in rows if column.null_count() < column.len()] or rows.get_columns()
        bare = pl.DataFrame([column.to_physical() if isinstance(column.dtype, pl.Categorical) else column for column in said])
        try:
            self._file = self._file or TemporaryFile(buffering=0, dir=self._folder)
            begin = self._file.seek(0, os.SEEK_END)
            bare.write_ipc(self._file, compression="uncompressed")
            size = self._file.seek(0, os.SEEK_END) - begin
        except (OSError, pl.exceptions.PolarsError) as error:
            told = {"reason": system.reason(error), "remedy": system.remedy(error)}
            raise StoreError("store.cannot_write", path=str(self._folder or "tmp"), **told) from error
        handle, schema = self._file, rows.schema
        return lambda: _restored(os.pread(handle.fileno(), size, begin), schema)


def _restored(data: bytes, schema: pl.Schema) -> pl.DataFrame:
    """Rows as they were put; of a column that said nothing, nothing was written."""
    bare = pl.read_ipc(io.BytesIO(data))
    coded = {name: dtype for name, dtype in schema.items() if isinstance(dtype, pl.Categorical)}
    said = [pl.col(name).cat.to(coded[name]) if name in coded else pl.col(name) for name in bare.columns]
    silent = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in schema.items() if name not in bare.columns]
    return bare.with_columns(said + silent).select(schema.names())


class Pieces:
    """Rows of one schema, a piece after the other. The last piece is held in memory, those before it are put into the file."""

    def __init__(self, pieces: Iterable[pl.DataFrame] = (), spill: Spill | None = None) -> None:
        """Take the pieces in, in their order."""
        self._spill = spill or Spill()
        self._pieces: list[Callable[[], pl.DataFrame]] = []
        self._last: pl.DataFrame | None = None
        self._counts: dict[str, int] = {}
        self._like = pl.DataFrame()  # keeps texts alive of which only codes are in the file
        self.height = 0
        for piece in pieces:
            self.append(piece)

    def append(self, piece: pl.DataFrame) -> None:
        """Add a piece behind the others."""
        self.put_away()
        self._last = piece
        self._like = piece.clear()
        self.height += piece.height
        for column in piece:
            if isinstance(column.dtype, pl.Categorical):
                self._counts[column.name] = max(self._counts.get(column.name, 0), codes.count(column))

    @property
    def schema(self) -> pl.Schema:
        """Columns and their types."""
        return self._like.schema

    def put_away(self) -> None:
        """Put the last piece into the file too."""
        if self._last is not None:
            self._pieces.append(self._spill.put(self._last))
            self._last = None

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """The pieces, each read when it is asked for."""
        yield from (read() for read in self._pieces)
        if self._last is not None:
            yield self._last

    def whole(self) -> pl.DataFrame:
        """All rows in memory; there must be a piece."""
        return pl.concat(self)

    def is_empty(self) -> bool:
        """Whether there are no rows."""
        return self.height == 0

    def texts(self, name: str) -> pl.Series:
        """The distinct texts of a coded column, in the order of their codes."""
        return codes.first(self._counts[name], self.schema[name]).alias(name)
