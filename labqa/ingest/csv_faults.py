"""What keeps delimited text from being a table, and in which line: checked before it is read, where the reader gives up, and in
what it read."""

from __future__ import annotations

import csv
import io
import re

import polars as pl

from labqa.core.errors import DeliveryError

_CONTROL = bytes(code for code in range(0x20) if chr(code) not in "\t\r\n")
_MANY = 0.05
"""Share of control characters from which bytes are of another encoding (UTF-16 has a half) or no text at all."""
_QUOTE = '"'


def check_characters(name: str, utf8: bytes, encoding: str) -> None:
    """DeliveryError if there are control characters: a few stand in a line, many mean that this is no such text."""
    found = len(utf8) - len(utf8.translate(None, _CONTROL))
    if found > _MANY * len(utf8):
        raise DeliveryError("ingest.file_encoding", file=name, expected=encoding)
    if found:
        first = re.search(b"[" + re.escape(_CONTROL) + b"]", utf8)
        place = first.start() if first else 0
        raise DeliveryError("ingest.csv_control", file=name, row=1 + utf8.count(b"\n", 0, place), value=chr(utf8[place]))


def check_last_character(name: str, data: bytes) -> None:
    """DeliveryError if all but the last character of the bytes is UTF-8, and no plain ASCII: the rest was cut off."""
    try:
        data.decode()
    except UnicodeDecodeError as found:
        cause = found
    else:
        return
    if cause.reason == "unexpected end of data" and not data[: cause.start].isascii():
        begin = data.rfind(b"\n", 0, cause.start) + 1
        raise DeliveryError("ingest.csv_cut", file=name, row=1 + data.count(b"\n"), value=data[begin : cause.start].decode())


def check_last_line(name: str, utf8: bytes, separator: str, fields: int) -> None:
    """DeliveryError if the last line has neither an end nor as many fields as the header."""
    last = utf8[utf8.rfind(b"\n") + 1 :].decode()
    if last.strip() and _QUOTE not in last and last.count(separator) + 1 < fields:
        raise DeliveryError("ingest.csv_cut", file=name, row=1 + utf8.count(b"\n"), value=last)


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


def ragged(text: str, separator: str) -> tuple[str, dict[str, object]]:
    """The first row with more fields than the header, or in which a quotation mark does not pair off: sentence and values."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    expected, number = 0, 0
    try:
        for number, cells in enumerate(rows, start=1):
            expected = expected or len(cells)
            if len(cells) > expected:
                return "ingest.csv_rows", {"row": number, "found": len(cells), "expected": expected}
    except csv.Error:
        return "ingest.csv_quote", {"row": number + 1}
    return "ingest.csv_quote", {"row": _loose_quote(text, separator) or number}


def _loose_quote(text: str, separator: str) -> int | None:
    """The first row in which a quotation mark stands within a value and no other at its ends."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, quoting=csv.QUOTE_NONE)
    for number, cells in enumerate(rows, start=1):
        if any(cell.strip(_QUOTE).count(_QUOTE) or cell.count(_QUOTE) == 1 for cell in cells):
            return number
    return None
