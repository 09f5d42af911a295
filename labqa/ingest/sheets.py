"""A second look at the cells of a sheet, in its XML: how many rows there are, how far they reach, and which cells say
something else than the reader gives (percentages, errors, formulas that were never computed).

Runs in the confined reader; standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from labqa.ingest.archive import Refused

MOST_CELLS = 50_000_000
"""Cells of the rectangle from A1 to the farthest one: a million rows of fifty columns."""
MOST_COLUMNS = 2_000
_FREE_CELLS, _ONE_LETTER = 2_000_000, 26
"""A larger rectangle must be filled: a cell takes some 20 bytes, and so at least one in 20 is."""
_IS = rb"\s*=\s*[\"']"  # between the name of an attribute and what it says
_OF_ROW = rb"row\b(?:[^>]*?\br" + _IS + rb"([0-9]+)[\"'])?[^>]*>(<c\b[^>/]*><v>[^<])?"
_ROW, _PREFIXED_ROW = re.compile(rb"<" + _OF_ROW), re.compile(rb"<(?:\w+:)?" + _OF_ROW)
"""A row with its number, and its first cell where that has a value; without the prefix it is found three times as fast."""
_PLAIN_ROW = re.compile(rb'<row r="([0-9]+)"[^</]*><c [^<]*><v>[^<]')
"""The form that spreadsheet programs write, with a value in the first cell: where every row has it they are counted at once."""
_ROWS = b"sheetData"
_SAID = re.compile(rb"<(?:\w+:)?(?:v|t)(?:\s[^>]*)?>[^<]")
_PLACE = re.compile(rb"\br" + _IS + rb"([A-Z]{1,3})([0-9]+)[\"']")
# searched for in whole sheets: a pattern that begins with a letter is five times as fast as one with \b before it
_WIDE = re.compile(rb"r" + _IS + rb"([A-Z]{2,3})[0-9]")
_ERROR = re.compile(rb"t" + _IS + rb"e[\"']")
_TEXT = re.compile(rb"\bt" + _IS + rb"(?!n[\"'])")
_STRING = re.compile(rb"\bt" + _IS + rb"str[\"']")
CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*[^>/])>(.*?)</(?:\w+:)?c>", re.DOTALL)
"""A cell that is not empty: attributes and content."""
_FORMULAS = (b"<f>", b"<f ", b"<f/", b":f")
"""How formulas begin, and little else; found far faster than by the pattern."""
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
_VALUE = re.compile(rb"<(?:\w+:)?v(?:\s[^>]*)?>([^<]*)<")


@dataclass(frozen=True)
class Patch:
    """A cell whose text is not what the reader gives: row and column from 1, the number or nothing read, the text meant."""

    row: int
    column: int
    read: float | None
    text: str


@dataclass(frozen=True)
class Look:
    """What the XML says of a sheet: rows that say something, the number of the last of them, the cells to be patched, the
    first column that says anything, at which the reader's columns begin, and a formula that was never computed."""

    rows: int
    last_row: int
    patches: Sequence[Patch] = ()
    first_column: int = 1
    uncomputed: str | None = None


def look(sheet: str, xml: bytes, percent_styles: Collection[str], *, waiting: bool) -> Look:
    """Look at a sheet; Refused if a cell lies so far off that the sheet cannot be held.

    `percent_styles`: numbers of the styles that show percentages; `waiting`: formulas wait to be computed on opening.
    """
    rows, last = _extent(sheet, xml)
    has_formulas = rows_hold(xml, b"f") and any(begin in xml for begin in _FORMULAS)
    uncomputed = _uncomputed(xml, waiting=waiting) if has_formulas else None
    found = _patches(xml, percent_styles)
    return Look(rows, last, found, first_column(xml) if found else 1, uncomputed)


def rows_hold(xml: bytes, letter: bytes) -> bool:
    """Whether a letter stands among the rows of a sheet: where it does not, nothing need be searched for that holds it."""
    return xml.find(letter, *extent_of_rows(xml)) >= 0


def extent_of_rows(xml: bytes) -> tuple[int, int]:
    """Where the rows of a sheet begin and end."""
    return xml.find(_ROWS) + len(_ROWS), xml.rfind(_ROWS)


def _extent(sheet: str, xml: bytes) -> tuple[int, int]:
    """Rows that say something, and the last of them, counted in the XML whatever `<dimension>` states."""
    rows, last = _said_rows(xml)
    widest = max(map(column_number, set(_WIDE.findall(xml))), default=_ONE_LETTER)
    area = widest * last
    if widest > MOST_COLUMNS or area > MOST_CELLS or area > max(_FREE_CELLS, len(xml)):
        raise Refused("ingest.xlsx_corner", sheet=sheet, cell=f"{column_letters(widest)}{last}")
    return rows, last


def _said_rows(xml: bytes) -> tuple[int, int]:
    """Rows that say something and the last of them."""
    plain = _PLAIN_ROW.findall(xml)
    if plain and _are_all(len(plain), xml):
        return len(plain), max(map(int, plain))
    return _said_rows_one_by_one(xml)


def _are_all(rows: int, xml: bytes) -> bool:
    """Whether a sheet has only so many rows, given that it has them: each has a w in its begin and one in its end, and mostly
    there are no others, which is found far faster than rows are."""
    return xml.count(b"w", *extent_of_rows(xml)) == 2 * rows or (xml.count(b"<row") == rows and b":row" not in xml)


def _said_rows_one_by_one(xml: bytes) -> tuple[int, int]:
    rows = last = number = 0
    found = list((_PREFIXED_ROW if b":row" in xml else _ROW).finditer(xml))
    for row, end in zip(found, [*(row.start() for row in found[1:]), len(xml)], strict=False):
        number = int(row[1] or number + 1)
        if row[2] or _says_something(xml, row.end(), end):
            rows, last = rows + 1, max(last, number)
    return rows, last


def _says_something(xml: bytes, begin: int, end: int) -> bool:
    """Whether any cell of a row has a value or text."""
    value = xml.find(b"<v>", begin, end)
    return (value >= 0 and xml[value + 3] != ord("<")) or _SAID.search(xml, begin, end) is not None


def column_number(letters: bytes) -> int:
    """A → 1, Z → 26, AA → 27."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def column_letters(number: int) -> str:
    """1 → A, 26 → Z, 27 → AA."""
    letters = ""
    while number:
        number, letter = divmod(number - 1, 26)
        letters = chr(65 + letter) + letters
    return letters


def _uncomputed(xml: bytes, *, waiting: bool) -> str | None:
    """The first cell with a formula whose value was never computed."""
    for attributes, content in _cells(xml):
        if not _FORMULA.search(content):
            continue
        value = _VALUE.search(content)
        empty = value is None or (not value[1] and not _STRING.search(attributes))
        if waiting or empty:
            place = _PLACE.search(attributes)
            return (place[1] + place[2] if place else b"?").decode()
    return None


def _patches(xml: bytes, percent_styles: Collection[str]) -> list[Patch]:
    """Cells shown as a percentage (12.5% is stored as 0.125), and errors such as #DIV/0!, which the reader leaves out."""
    numbers = b"|".join(style.encode() for style in percent_styles)
    styled = re.compile(rb"\bs" + _IS + rb"(?:" + numbers + rb")[\"']") if percent_styles else None
    if styled is None and not (rows_hold(xml, b"e") and _ERROR.search(xml)):
        return []
    found = []
    for attributes, content in _cells(xml):
        error = _ERROR.search(attributes) is not None
        if not error and not (styled and styled.search(attributes) and not _TEXT.search(attributes)):
            continue
        place, value = _PLACE.search(attributes), _VALUE.search(content)
        if place is None or value is None or not value[1]:
            continue
        row, column, text = int(place[2]), column_number(place[1]), value[1].decode()
        found.append(Patch(row, column, None, text) if error else Patch(row, column, *_percentage(text)))
    return found


def first_column(xml: bytes) -> int:
    """The first column that says something: where the reader's columns begin."""
    places = (_PLACE.search(attributes) for attributes, content in _cells(xml) if _SAID.search(content))
    return min((column_number(place[1]) for place in places if place), default=1)


def _percentage(text: str) -> tuple[float, str]:
    """The fraction as a float, and as a percentage to the digit."""
    try:
        fraction = float(text)
        return fraction, f"{(Decimal(repr(fraction)) * 100).normalize():f}%"
    except (ValueError, InvalidOperation) as cause:
        raise Refused("ingest.xlsx_unreadable", found=text) from cause


def _cells(xml: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Attributes and content of every cell that is not empty."""
    return ((found[1], found[2]) for found in CELL.finditer(xml))
