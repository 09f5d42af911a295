"""What keeps delimited text from being a table, and in which line: checked before it is read, where the reader gives up, and in
what it read."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

import numpy as np
import polars as pl

from labqa.core.errors import DeliveryError

_CONTROL = bytes(code for code in range(0x20) if chr(code) not in "\t\r\n")
_CONTROLS = re.compile(b"[" + re.escape(_CONTROL) + b"]")
_PART = 1 << 18
"""Bytes that are compared at once, so few that they stay near the processor."""
_MANY = 0.05
"""Share of control characters from which bytes are of another encoding (UTF-16 has a half) or no text at all."""
_QUOTE = '"'


@dataclass(frozen=True)
class Look:
    """What a look at all bytes of a text found: how many there are, whether all are blank, how many are control characters, and
    what stands behind the last line end."""

    size: int
    is_blank: bool
    controls: int
    last: bytes


def look(pieces: Iterable[bytes]) -> Look:
    """Look at a text, given in pieces that end where a line does."""
    size, is_blank, controls, last = 0, True, 0, b""
    for piece in pieces:
        if _has_control_characters(piece):
            controls += len(piece) - len(piece.translate(None, _CONTROL))
        size, is_blank, last = size + len(piece), is_blank and piece.isspace(), piece[piece.rfind(b"\n") + 1 :]
    return Look(size, is_blank, controls, last)


def _has_control_characters(piece: bytes) -> bool:
    """Whether there are any but tabs and the ends of lines."""
    letters = np.frombuffer(piece, np.uint8)
    parts = (letters[begin : begin + _PART] for begin in range(0, letters.size, _PART))
    return any(np.count_nonzero(part < 0x20) > sum(np.count_nonzero(part == one) for one in b"\t\r\n") for part in parts)


def check_characters(name: str, found: Look, pieces: Iterable[bytes], encoding: str) -> None:
    """DeliveryError if there are control characters: a few stand in a line, many mean that this is no such text."""
    if found.controls > _MANY * found.size:
        raise DeliveryError("ingest.file_encoding", file=name, expected=encoding)
    before = 0
    for piece in pieces if found.controls else ():
        if first := _CONTROLS.search(piece):
            row = 1 + before + piece.count(b"\n", 0, first.start())
            raise DeliveryError("ingest.csv_control", file=name, row=row, value=chr(piece[first.start()]))
        before += piece.count(b"\n")


def check_last_character(name: str, pieces: Iterable[bytes]) -> None:
    """DeliveryError if all but the last character of a text is UTF-8, and no plain ASCII: the rest was cut off."""
    before, plain, last = 0, True, b""
    for piece in pieces:
        before, plain, last = before + last.count(b"\n"), plain and last.isascii(), piece
    try:
        last.decode()
    except UnicodeDecodeError as found:
        cause = found
    else:
        return
    if cause.reason == "unexpected end of data" and not (plain and last[: cause.start].isascii()):
        begin = last.rfind(b"\n", 0, cause.start) + 1
        row = 1 + before + last.count(b"\n")
        raise DeliveryError("ingest.csv_cut", file=name, row=row, value=last[begin : cause.start].decode())


def check_last_line(name: str, last: bytes, pieces: Iterable[bytes], separator: str, fields: int) -> None:
    """DeliveryError if the last line of a text has neither an end nor as many fields as the header."""
    said = last.decode()
    if said.strip() and _QUOTE not in said and said.count(separator) + 1 < fields:
        raise DeliveryError("ingest.csv_cut", file=name, row=1 + sum(piece.count(b"\n") for piece in pieces), value=said)


def check_values(name: str, cells: pl.DataFrame, separator: str, *, after: int) -> None:
    """DeliveryError if a value of several lines holds as many fields as a row: its quotation mark pairs off with one of a later
    row. `cells`: rows that come after so many."""
    several = [column.name for column in cells if column.str.contains("\n", literal=True).any()]
    if cells.width < 2 or not several:
        return
    lines, fields = pl.col(several).str.contains("\n", literal=True), pl.col(several).str.count_matches(separator, literal=True)
    swallowing = cells.select(lines & (fields >= cells.width - 1)).with_row_index("\0row", after + 1)
    swallowing = swallowing.filter(pl.any_horizontal(pl.col(several)))
    if not swallowing.is_empty():
        raise DeliveryError("ingest.csv_quote", file=name, row=swallowing["\0row"][0])


def ragged(opened: IO[bytes], separator: str) -> tuple[str, dict[str, object]]:
    """The first row with more fields than the header, or in which a quotation mark does not pair off: sentence and values."""
    expected, number = 0, 0
    with _text(opened) as text:
        try:
            for number, cells in enumerate(csv.reader(text, delimiter=separator, strict=True), start=1):
                expected = expected or len(cells)
                if len(cells) > expected:
                    return "ingest.csv_rows", {"row": number, "found": len(cells), "expected": expected}
        except csv.Error:
            return "ingest.csv_quote", {"row": number + 1}
    return "ingest.csv_quote", {"row": _loose_quote(opened, separator) or number}


@contextmanager
def _text(opened: IO[bytes]) -> Iterator[Iterator[str]]:
    """The lines of a text of UTF-8, with their ends."""
    opened.seek(0)
    wrapped = io.TextIOWrapper(opened, "utf-8", newline="")
    try:
        yield wrapped
    finally:
        wrapped.detach()


def _loose_quote(opened: IO[bytes], separator: str) -> int | None:
    """The first row in which a quotation mark stands within a value and no other at its ends."""
    with _text(opened) as text:
        for number, cells in enumerate(csv.reader(text, delimiter=separator, quoting=csv.QUOTE_NONE), start=1):
            if any(cell.strip(_QUOTE).count(_QUOTE) or cell.count(_QUOTE) == 1 for cell in cells):
                return number
    return None
