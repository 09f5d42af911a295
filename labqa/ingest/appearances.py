"""Where a sheet shows something else than its cells hold: hidden rows and columns, merged cells, errors, formats that add a
text, and numbers of more digits than a spreadsheet keeps.

Runs in the confined reader, on the XML of a sheet; standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from labqa.ingest import number_formats
from labqa.ingest.archive import Refused
from labqa.ingest.sheets import CELL, Patch, column_number, extent_of_rows, rows_hold

LAST_ROW, LAST_COLUMN = 1_048_576, 16_384
_IS = rb"\s*=\s*[\"']"
_ROW, _COLUMN = re.compile(rb"<(?:\w+:)?row\b([^>]*)>"), re.compile(rb"<(?:\w+:)?col\b([^>]*)>")
_HIDDEN = re.compile(rb"\bhidden" + _IS + rb"(?:1|true)[\"']|\b(?:ht|width)" + _IS + rb"0(?:\.0*)?[\"']")
_NO_HEIGHT = re.compile(rb"ht" + _IS + rb"0")
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\b[^>]*\bref" + _IS + rb"([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})[\"']")
_OF_ROW, _FROM, _TO = (re.compile(rb"\b" + name + _IS + rb"([0-9]+)[\"']") for name in (b"r", b"min", b"max"))
_PLACE = re.compile(rb"\br" + _IS + rb"([A-Z]{1,3})([0-9]+)[\"']")
_KIND = re.compile(rb"\bt" + _IS + rb"(\w+)[\"']")
_FARTHEST = 9_000
"""Bytes from the begin of a cell to its value: a formula has up to 8,192 characters."""
_VALUE = re.compile(rb"<(?:\w+:)?v(?:\s[^>]*)?>([^<]+)<")
_LONG = re.compile(rb">-?(?:[0-9]{16,}|[0-9.]+[Ee]\+?(?:1[5-9]|[2-9][0-9]|[1-9][0-9]{2}))[.<]")


class Flaw(NamedTuple):
    """Cells, by first and last row and column from 1 on, that break a rule, and what the sentence says of them."""

    first_row: int
    last_row: int
    first_column: int
    last_column: int
    rule: str
    detail: str


FLAWS = {name: str if name in {"rule", "detail"} else int for name in Flaw._fields}
"""Columns of a table of flaws."""


def flaws(xml: bytes, formats: Mapping[str, str], patches: Iterable[Patch], *, long: bool) -> list[Flaw]:
    """All flaws of a sheet. `formats`: style → number format, of those that may mislead; `patches`: what was found at the first
    look, errors among them; `long`: whether there may be numbers of more than 15 digits. Of merged cells all are named but the
    first, which holds the value."""
    begin, end = xml.find(b"<sheetData"), xml.rfind(b"sheetData")
    columns = _hidden_columns(xml[: max(begin, 0)])
    rows = _hidden_rows(xml) if _may_hide_rows(xml) else ()
    errors = ((patch.row, patch.column, patch.text) for patch in patches if patch.read is None)
    found = [*columns, *rows, *_merged(xml[end:])]
    found += [_of_cell(*error[:2], "cell_error", error[2]) for error in errors]
    return found + [*_misleading(xml, formats)] + ([*_long(xml)] if long else [])


def _may_hide_rows(xml: bytes) -> bool:
    """Whether any row may be hidden: a look at the rows as a whole, since most sheets hide none."""
    if not rows_hold(xml, b"h"):
        return False
    begin, end = extent_of_rows(xml)
    return xml.find(b"hidden", begin, end) >= 0 or _NO_HEIGHT.search(xml, begin, end) is not None


def _hidden_rows(xml: bytes) -> Iterator[Flaw]:
    number = 0
    for row in _ROW.finditer(xml):
        stated = _OF_ROW.search(row[1])
        number = int(stated[1]) if stated else number + 1
        if _HIDDEN.search(row[1]):
            yield Flaw(number, number, 1, LAST_COLUMN, "row_hidden", "")


def _hidden_columns(xml: bytes) -> Iterator[Flaw]:
    for column in _COLUMN.finditer(xml):
        first, last = _FROM.search(column[1]), _TO.search(column[1])
        if first and last and _HIDDEN.search(column[1]):
            yield Flaw(1, LAST_ROW, int(first[1]), int(last[1]), "xlsx_hidden_column", "")


def _merged(xml: bytes) -> Iterator[Flaw]:
    """Two ranges for a merged one: the rest of its first row, and its other rows."""
    for left, top, right, bottom in _MERGED.findall(xml):
        first, last, name = column_number(left), column_number(right), b"%s%s:%s%s" % (left, top, right, bottom)
        if first > last or int(top) > int(bottom):
            raise Refused("ingest.xlsx_unreadable", found=f"mergeCell {name.decode()}")
        yield Flaw(int(top), int(top), first + 1, last, "cell_merged", name.decode())
        yield Flaw(int(top) + 1, int(bottom), first, last, "cell_merged", name.decode())


def _misleading(xml: bytes, formats: Mapping[str, str]) -> Iterator[Flaw]:
    """Numbers in formats that show something else."""
    if not formats:
        return
    styles = b"|".join(style.encode() for style in formats)
    for styled in re.finditer(rb"s" + _IS + rb"(" + styles + rb")[\"']", xml):
        code = formats[styled[1].decode()]
        for row, column, number in _number_around(xml, styled.start()):
            if number_formats.misleads(code, float(number)):
                yield _of_cell(row, column, "cell_format", code)


def _long(xml: bytes) -> Iterator[Flaw]:
    """Numbers of more digits than are kept."""
    for value in _LONG.finditer(xml):
        for row, column, _ in _number_around(xml, value.start()):
            yield _of_cell(row, column, "id_shortened", "")


def _number_around(xml: bytes, at: int) -> Iterator[tuple[int, int, bytes]]:
    """Row, column and number of the cell in which a place of the XML lies, if it holds a number."""
    begin = max(xml.rfind(mark, max(0, at - _FARTHEST), at) for mark in (b"<c ", b":c "))
    cell = CELL.match(xml, xml.rfind(b"<", 0, begin + 1)) if begin >= 0 else None
    if cell is None or not cell.start() <= at < cell.end():
        return
    kind, place, value = _KIND.search(cell[1]), _PLACE.search(cell[1]), _VALUE.search(cell[2])
    if place and value and (kind is None or kind[1] == b"n"):
        yield int(place[2]), column_number(place[1]), value[1]


def _of_cell(row: int, column: int, rule: str, detail: str) -> Flaw:
    return Flaw(row, row, column, column, rule, detail)
