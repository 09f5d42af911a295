"""Rows in pieces: of a table that need not fit in memory one piece is held at a time, and the others lie in a file."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from types import TracebackType
from typing import IO, Self

import polars as pl

from labqa.core import codes, system
from labqa.core.errors import StoreError

ROWS = 100_000
"""Rows of a piece, more or less, where there is a choice."""


def evenly(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Rows in pieces of the same height, so that a few rows too many are no piece of their own."""
    count = max(1, round(rows.height / ROWS))
    return rows.iter_slices(max(1, math.ceil(rows.height / count)))


class Spill:
    """Room for what is not held in memory: files without a name, which are gone with their process, however that ends, and at
    the end of a `with`, after which nothing of it can be read."""

    def __init__(self, folder: Path | None = None) -> None:
        """Use `folder`, else where the system keeps temporary files; there are no files before anything is put there."""
        self._folder = folder
        self._opened = ExitStack()
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        """Close its files, whoever still holds rows of them."""
        self._opened.close()

    def file(self) -> IO[bytes]:
        """A new file to write and read."""
        with self.writing():
            return self._opened.enter_context(TemporaryFile(dir=self._folder))

    @contextmanager
    def writing(self) -> Iterator[None]:
        """While anything is written: StoreError if there is no room for it."""
        try:
            yield
        except (OSError, pl.exceptions.PolarsError) as error:
            told = {"reason": system.reason(error), "remedy": system.remedy(error)}
            raise StoreError("store.cannot_write", path=str(self._folder or gettempdir()), **told) from error

    def put(self, rows: pl.DataFrame) -> Callable[[Sequence[str]], pl.DataFrame]:
        """Write rows, codes as numbers, and return what reads some columns of them again. What all rows say alike is held, and
        not written."""
        varied = [column for column in rows if column.dtype == pl.String or not codes.is_uniform(column)]
        alike = rows.drop(column.name for column in varied)[[0] * bool(rows.height)]  # a slice would keep all of it
        bare = pl.DataFrame([column.to_physical() if isinstance(column.dtype, pl.Categorical) else column for column in varied])
        file = self._file = self._file or self.file()
        with self.writing():
            begin = file.seek(0, os.SEEK_END)
            bare.write_ipc(file, compression="uncompressed")
            file.flush()
            size = file.seek(0, os.SEEK_END) - begin
        like, height = rows.clear(), rows.height
        return lambda names: _restored(file, begin, size, alike, like.select(names), height)


def _restored(file: IO[bytes], begin: int, size: int, alike: pl.DataFrame, like: pl.DataFrame, height: int) -> pl.DataFrame:
    """Columns as they were put, those of `like`: what was written there, and what all of so many rows say alike."""
    if not height:
        return like
    written = [name for name in like.columns if name not in alike.columns]
    columns = {name: alike[name].new_from_index(0, height) for name in like.columns if name in alike.columns}
    if written:
        file.seek(begin)
        bare = pl.read_ipc(io.BytesIO(file.read(size)), columns=written)
        columns |= {column.name: _coded(column, like.schema[column.name]) for column in bare}
    return pl.DataFrame([columns[name] for name in like.columns])


def _coded(column: pl.Series, dtype: pl.DataType) -> pl.Series:
    """A column as it was put, its numbers as codes again if it had any."""
    return column.cat.to(dtype) if isinstance(dtype, pl.Categorical) else column


class Pieces:
    """Rows of one schema, a piece after the other; `like` them, but of no rows. The last piece is held in memory, those before
    it are put into the file."""

    def __init__(self, pieces: Iterable[pl.DataFrame] = (), spill: Spill | None = None) -> None:
        """Take the pieces in, in their order."""
        self._spill = spill or Spill()
        self._pieces: list[Callable[[Sequence[str]], pl.DataFrame]] = []
        self._last: pl.DataFrame | None = None
        self._counts: dict[str, int] = {}
        self._with_nulls: set[str] = set()
        self.like = pl.DataFrame()
        self.height = 0
        for piece in pieces:
            self.append(piece)

    def append(self, piece: pl.DataFrame) -> None:
        """Add a piece behind the others."""
        self.put_away()
        self._last = piece
        self.like = piece.clear()  # keeps texts alive of which only codes are in the file
        self.height += piece.height
        for column in piece:
            if column.null_count():
                self._with_nulls.add(column.name)
            if isinstance(column.dtype, pl.Categorical):
                self._counts[column.name] = max(self._counts.get(column.name, 0), codes.count(column))

    @property
    def schema(self) -> pl.Schema:
        """Columns and their types."""
        return self.like.schema

    def put_away(self) -> None:
        """Put the last piece into the file too."""
        if self._last is not None:
            self._pieces.append(self._spill.put(self._last))
            self._last = None

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """The pieces, each read when it is asked for."""
        return self.columns(self.like.columns)

    def columns(self, names: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Some columns of the pieces, each read when it is asked for."""
        yield from (read(names) for read in self._pieces)
        if self._last is not None:
            yield self._last.select(names)

    def whole(self) -> pl.DataFrame:
        """All rows in memory; there must be a piece."""
        return pl.concat(self)

    def is_empty(self) -> bool:
        """Whether there are no rows."""
        return self.height == 0

    def count(self, name: str) -> int:
        """How many distinct texts a coded column has."""
        return self._counts[name]

    def is_full(self, name: str) -> bool:
        """Whether every row says something in a column."""
        return name not in self._with_nulls

    def texts(self, name: str) -> pl.Series:
        """The distinct texts of a coded column, in the order of their codes."""
        return codes.first(self.count(name), self.schema[name]).alias(name)
