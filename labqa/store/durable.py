"""Files that are either wholly there or not at all: write to `tmp/`, fsync, rename, fsync the folder; one writer at a time."""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import polars as pl
from polars.io.plugins import register_io_source

from labqa.core import codes, system
from labqa.core.errors import IntegrityError, StoreError
from labqa.core.pieces import Pieces
from labqa.store.home import TMP, sync
from labqa.store.points import passing

PATIENCE = 300.0
"""Seconds for which a writer waits for another one; a large run is written in far less."""
_ROWS = 100_000
"""Rows of a group in a parquet file; so many are written out at once."""


@contextmanager
def refusals_as_sentences(path: Path, key: str = "store.cannot_write") -> Iterator[None]:
    """Turn what the operating system or polars refuses (no space, no permission) into a StoreError that names `path`, with
    the sentence `key`."""
    try:
        yield
    except (OSError, pl.exceptions.PolarsError) as error:
        raise StoreError(key, path=str(path), reason=system.reason(error), remedy=system.remedy(error)) from error


@contextmanager
def refusals_as_damage(path: Path) -> Iterator[None]:
    """Turn a stored file that cannot be read as what it is into an IntegrityError that names `path`."""
    try:
        yield
    except (OSError, pl.exceptions.PolarsError) as error:
        raise IntegrityError("store.file_unreadable", path=str(path), reason=system.reason(error)) from error


@contextmanager
def writing(home: Path, *, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the home's only pen: from the first file of an acceptance to its ledger entry nobody else writes or sweeps.

    The lock is the operating system's, so it dies with its process. It is not reentrant.
    """
    path = home / "pen.lock"
    with refusals_as_sentences(path):
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        deadline = time.monotonic() + patience
        while not _locked(handle):
            if time.monotonic() >= deadline:
                raise StoreError("store.locked", path=str(path), seconds=round(patience))
            time.sleep(0.02)
        yield
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def temporary(home: Path) -> Iterator[Path]:
    """A new path in the home's `tmp/`, on the same file system as its final place; what failed to be made there is removed."""
    path = home / TMP / uuid.uuid4().hex
    try:
        yield path
    except BaseException:
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        raise


def publish(finished: Path, target: Path) -> None:
    """Move a finished file or folder of `tmp/` to its place, which must be on the same file system, for good."""
    with refusals_as_sentences(target):
        sync(finished)
        passing("file_synced")
        finished.rename(target)
        passing("file_renamed")
        sync(target.parent)


def write_parquet(frame: pl.DataFrame, path: Path) -> str:
    """Write a frame to `path`, text that it keeps as codes as text, fsync it, and return the SHA-256 of the file."""
    rows = Pieces([frame])
    return write_pieces(rows, path, rows, statistics=True)


def write_pieces(rows: Pieces, path: Path, sound: Iterable[pl.DataFrame], *, statistics: bool = False) -> str:
    """The same for rows that need not fit in memory: groups of them are written one after the other. `sound`: their pieces, as
    they are found to be sound; what that raises is raised. `statistics`: by which a reader of some rows leaves out groups.

    The hash is of what was meant to be written, not of what the disk gives back.
    """
    with refusals_as_sentences(path), _Hashed(path) as written:
        file = cast(IO[bytes], written)
        try:
            _written_out(rows, sound).sink_parquet(
                file, compression="zstd", compression_level=1, statistics=statistics, row_group_size=_ROWS
            )
        except pl.exceptions.PolarsError as error:
            raise written.failure or error from error
    with refusals_as_sentences(path):
        passing("file_written")
        sync(path)
    return written.sha256


class _Hashed(io.RawIOBase):
    """A file to be written, and the hash of what is written; `failure`: why it could not be."""

    def __init__(self, path: Path) -> None:
        self._file, self._summed = path.open("wb"), hashlib.sha256()
        self.failure: OSError | None = None

    def writable(self) -> bool:
        """As it says."""
        return True

    def write(self, data: bytes | memoryview) -> int:  # type: ignore[override]
        """Write and hash."""
        self._summed.update(data)
        try:
            return self._file.write(data)
        except OSError as error:
            self.failure = error
            raise

    def close(self) -> None:
        """Write what is left, and close the file."""
        self._file.close()
        super().close()

    @property
    def sha256(self) -> str:
        """Of what was written so far, in hex."""
        return self._summed.hexdigest()


def _written_out(rows: Pieces, sound: Iterable[pl.DataFrame]) -> pl.LazyFrame:
    """The rows with their codes written out as text, each group of them when it is asked for."""
    texts = {name: rows.texts(name) for name, dtype in rows.schema.items() if isinstance(dtype, pl.Categorical)}

    def groups(*_asked: object) -> Iterator[pl.DataFrame]:  # always for all rows and columns
        for group in _of_equal_height(sound):
            yield group.with_columns(_text(group[name], said) for name, said in texts.items())

    return register_io_source(groups, schema=codes.written(pl.DataFrame(schema=rows.schema)).schema)


def _text(column: pl.Series, said: pl.Series) -> pl.Series:
    """A coded column as text, given what its codes say."""
    if not codes.is_uniform(column):
        return codes.gathered(said, column).alias(column.name)
    return codes.gathered(said, column.head(1)).new_from_index(0, column.len()).alias(column.name)


def _of_equal_height(rows: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The rows in groups as they stand in a file, the last of which may be smaller."""
    left: list[pl.DataFrame] = []
    for piece in rows:
        left.append(piece)
        while sum(part.height for part in left) > _ROWS:
            joined = pl.concat(left)
            left = [joined[_ROWS:]]
            yield joined[:_ROWS]
    yield pl.concat(left)


def write_bytes(data: bytes | memoryview, path: Path) -> None:
    """Write bytes to `path` and fsync it."""
    with refusals_as_sentences(path):
        path.write_bytes(data)
        passing("file_written")
        sync(path)


def copy_file(source: Path, path: Path) -> str:
    """Copy `source` to `path` piece by piece, fsync it, and return the SHA-256 of what was copied."""
    with refusals_as_sentences(path), source.open("rb") as read:
        return copy_open(read, path)


def copy_open(read: IO[bytes], path: Path) -> str:
    """The same for a file that is open."""
    summed = hashlib.sha256()
    with refusals_as_sentences(path), path.open("wb") as written:
        while piece := read.read(1 << 20):
            summed.update(piece)
            written.write(piece)
            passing("file_copied")
        written.flush()
        os.fsync(written.fileno())
    return summed.hexdigest()


def sha256_of_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
