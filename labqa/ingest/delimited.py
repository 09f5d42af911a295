"""Files of delimited text: their cells, read in pieces of whole lines, so that no file need fit in memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import polars as pl

from labqa.core.errors import DeliveryError
from labqa.core.pieces import Spill
from labqa.ingest import csv_faults, encodings

MOST_COLUMNS = 2_000
PIECE = 16 << 20
"""Bytes of text, and the rest of their last line, of which the cells are held at once."""
_OLD_LINES = re.compile(rb"[^\r\n]*\r(?!\n)")  # as programs of before 2001 end them


@dataclass(frozen=True)
class _Layout:
    """Where the header of a text begins, the blank lines before it, what parts its fields, and how many it has."""

    begin: int
    blank: int
    separator: str
    fields: int


def cells(name: str, delivered: IO[bytes], encoding: str | None, spill: Spill) -> tuple[Iterator[pl.DataFrame], str]:
    """Cells of an opened file, the header among them, a block of rows after the other, and the encoding in which it was read;
    DeliveryError if it cannot be, also from a later block."""
    opened, found = encodings.as_utf8(name, delivered, encoding, spill)
    looked_at = csv_faults.look(_pieces(opened))
    csv_faults.check_characters(name, looked_at, _pieces(opened), found)
    if looked_at.is_blank:
        raise DeliveryError("ingest.file_empty", file=name)
    if _has_old_lines(opened):
        opened = _with_new_lines(opened, spill)
        looked_at = csv_faults.look(_pieces(opened))
    layout = _layout(name, opened)
    csv_faults.check_last_line(name, looked_at.last, _pieces(opened), layout.separator, layout.fields)
    return _blocks(name, opened, layout), found


def _pieces(opened: IO[bytes]) -> Iterator[bytes]:
    opened.seek(0)
    return encodings.lines(opened)


def _has_old_lines(opened: IO[bytes]) -> bool:
    """Whether lines end as in files of before 2001, by a carriage return alone."""
    opened.seek(0)
    return bool(_OLD_LINES.match(opened.readline())) and not any(b"\r\n" in piece for piece in _pieces(opened))


def _with_new_lines(opened: IO[bytes], spill: Spill) -> IO[bytes]:
    made = spill.file()
    opened.seek(0)
    while piece := opened.read(PIECE):
        with spill.writing():
            made.write(piece.replace(b"\r", b"\n"))
            made.flush()
    return made


def _layout(name: str, opened: IO[bytes]) -> _Layout:
    opened.seek(0)
    begin = blank = 0
    while not (line := opened.readline()).strip(b"\r\n"):
        begin, blank = begin + len(line), blank + 1
    header = line.lstrip(b"\r").removesuffix(b"\n").decode()
    separator = max(",;\t|", key=header.count)
    if header.count(separator) >= MOST_COLUMNS:
        raise DeliveryError("ingest.too_many_columns", file=name, found=header.count(separator) + 1, expected=MOST_COLUMNS)
    begin += len(line) - len(line.lstrip(b"\r"))
    return _Layout(begin, blank, separator, header.count(separator) + 1)


def _blocks(name: str, opened: IO[bytes], layout: _Layout) -> Iterator[pl.DataFrame]:
    """The cells of one piece after the other; blank lines before the header are rows too."""
    mark, behind, before = layout.separator.encode(), 0, b""
    opened.seek(layout.begin)
    try:
        for piece in _with_pairs_of_quotes(encodings.lines(opened, PIECE)):
            if not behind:
                empty = mark * (_read(piece, layout.separator, 1).width - 1) + b"\n"  # as wide as the header is a row
                before = empty * layout.blank
            read = _read(b"x" + empty + before + piece, layout.separator)[1:]
            if b'"' in piece:
                csv_faults.check_values(name, read, layout.separator, after=behind)
            behind, before = behind + read.height, b""
            yield read
    except pl.exceptions.PolarsError as cause:
        key, where = csv_faults.ragged(opened, layout.separator)
        raise DeliveryError(key, file=name, **where) from cause


def _read(text: bytes, separator: str, n_rows: int | None = None) -> pl.DataFrame:
    return pl.read_csv(text, separator=separator, has_header=False, infer_schema=False, n_rows=n_rows)


def _with_pairs_of_quotes(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces, those together between which a value goes on: it began with a quotation mark and has not ended."""
    begun: list[bytes] = []
    is_open = False
    for piece in pieces:
        begun.append(piece)
        is_open ^= piece.count(b'"') % 2 == 1
        if not is_open:
            yield b"".join(begun)
            begun.clear()
    if begun:
        yield b"".join(begun)
