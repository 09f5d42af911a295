"""Refused rows as a workbook to be mended: in the shape in which they were delivered, the reasons beside the cells, and a sheet
that links it to the delivery, so that it can be sent again."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

import polars as pl
import xlsxwriter

from labqa.core.errors import UsageError
from labqa.core.wording.catalogue import LANGUAGES, Language, Message, sentences
from labqa.ingest.readers import Table

LINK_SHEET = "LabQA"
"""Name of the sheet that says which delivery a workbook mends."""
_ROW_NUMBER = "LabQA 行号 row"
_REASONS = {"zh": "LabQA 原因：{}", "en": "LabQA reason: {}"}
MOST_ROWS = 1_048_575
"""Rows that a sheet can hold below the header."""
_LONGEST = 32_767
"""Characters that a cell of a workbook can hold."""
_NO_CHARACTERS = str.maketrans(dict.fromkeys("\ufffe\uffff", "\ufffd"))
"""What XML cannot hold and xlsxwriter does not replace."""
_NARROWEST, _WIDEST, _REASON, _GUIDE = 8, 30, 36, 90
"""Widths of columns, in characters."""
_LINE, _TALLEST = 14, 400
"""Heights of a line and of a row at the most, in points: a row is as tall as its longest reason, which no program sees to."""
_PAPER_A4 = 9
_TOP = {"text_wrap": True, "valign": "top"}
_WRONG = {"bg_color": "#F8D7D3", "border": 1, "border_color": "#D08A80"}
_STYLES: dict[str, dict[str, Any]] = {
    "header": {"bold": True, "bg_color": "#D9DEE5", "num_format": "@", **_TOP},
    "note": {"bold": True, "bg_color": "#F6E3C5", **_TOP},
    "row": {"font_color": "#5B6673", "align": "center", **_TOP},
    "cell": {"num_format": "@", **_TOP},
    "quoted": {"num_format": "@", "quote_prefix": True, **_TOP},
    "wrong": {"num_format": "@", **_WRONG, **_TOP},
    "wrong_quoted": {"num_format": "@", "quote_prefix": True, **_WRONG, **_TOP},
    "reason": {"font_color": "#7A1F14", **_TOP},
    "guide": _TOP,
    "command": {"bold": True, "bg_color": "#EEF1F5", **_TOP},
}


def is_ours(header: str) -> bool:
    """Whether a column was added here and holds no delivered text."""
    return header == _ROW_NUMBER or any(header.startswith(reason.format("")) for reason in _REASONS.values())


def linked(tables: Sequence[Table]) -> str | None:
    """SHA-256 of the delivery that a workbook says it mends; None if it says nothing."""
    sheet = next((table for table in tables if table.sheet == LINK_SHEET and "mends" in table.headers), None)
    return None if sheet is None or sheet.rows.is_empty() else sheet.rows["mends"][0]


def write_refused(path: Path, refusals: pl.DataFrame, *, command: str) -> int:
    """Write the refused rows of one file (a table `Refusals`) as a workbook; the number of rows. `command` takes it in again.

    Every cell is text, to the letter as delivered; what a spreadsheet program could take for a formula is marked as text.
    UsageError where a sheet cannot hold them.
    """
    rows = _rows(refusals)
    if len(rows) > MOST_ROWS:
        raise UsageError("ingest.mending_too_many", found=len(rows), expected=MOST_ROWS)
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        styles = {name: book.add_format({"font_size": 10, **style}) for name, style in _STYLES.items()}
        _write_rows(book.add_worksheet("结果 Results"), rows, styles)
        _write_link(book.add_worksheet(LINK_SHEET), refusals, len(rows), command, styles)
    return len(rows)


Refused = tuple[int, dict[str, str | None], dict[str, list[Message]]]
"""Row number as delivered, its cells by header, and the reasons by header."""


def _rows(refusals: pl.DataFrame) -> list[Refused]:
    """The refused rows in the order of the file, their reasons gathered."""
    found: dict[int, Refused] = {}
    for row in refusals.sort("row", "column", "rule").iter_rows(named=True):
        _, _, reasons = found.setdefault(row["row"], (row["row"], json.loads(row["delivered"]), {}))
        reasons.setdefault(row["column"], []).append(Message.from_json(row["message"]))
    return list(found.values())


def _write_rows(page: Any, rows: Sequence[Refused], styles: Mapping[str, Any]) -> None:
    """The rows as delivered; beside each column in which anything is wrong the reasons, Chinese and English."""
    delivered = list(dict.fromkeys(header for _, cells, _ in rows for header in cells))
    wrong = dict.fromkeys(header for _, _, reasons in rows for header in reasons)
    headers = [*delivered, *(header for header in wrong if header not in delivered)]
    page.write_string(0, 0, _ROW_NUMBER, styles["note"])
    page.set_column(0, 0, _NARROWEST)
    for number, (row, _, _) in enumerate(rows, start=1):
        page.write_number(number, 0, row, styles["row"])
    column = 1
    for header in headers:
        page.write_string(0, column, _fitting(header), styles["header"])
        page.set_column(column, column, _width([header, *(cells.get(header) for _, cells, _ in rows)]), styles["cell"])
        for number, (_, cells, reasons) in enumerate(rows, start=1):
            _write_cell(page, number, column, cells.get(header), "wrong" if header in reasons else "", styles)
        column += 1
        for language in LANGUAGES if header in wrong else ():
            page.write_string(0, column, _fitting(_REASONS[language].format(header)), styles["note"])
            folds = {"level": LANGUAGES.index(language)}  # the second language can be folded away
            page.set_column(column, column, _REASON, None, folds)
            for number, (_, _, reasons) in enumerate(rows, start=1):
                if header in reasons:
                    page.write_string(number, column, _said(reasons[header], language), styles["reason"])
            column += 1
    for number, (_, cells, reasons) in enumerate(rows, start=1):
        told = [_lines(_said(found, language), _REASON) for found in reasons.values() for language in LANGUAGES]
        _set_height(page, number, max([*told, *(_lines(text or "", _WIDEST) for text in cells.values())]))
    _set_height(page, 0, 2)
    page.freeze_panes(1, 1)
    page.ignore_errors({"number_stored_as_text": f"A1:XFD{len(rows) + 1}"})
    page.set_landscape()
    page.set_paper(_PAPER_A4)
    page.fit_to_pages(1, 0)
    page.repeat_rows(0)


def _width(texts: Iterable[str | None]) -> int:
    """Width of a column that shows the texts, within reason."""
    return min(_WIDEST, max(_NARROWEST, *(_breadth(text or "") + 2 for text in texts)))


def _breadth(text: str) -> int:
    """Characters that a text is wide; an ideograph is two."""
    return sum(2 if east_asian_width(one) in "WF" else 1 for one in text)


def _lines(text: str, width: int) -> int:
    """Lines that a text takes in a column, at most."""
    return sum(max(1, math.ceil(_breadth(line) / width)) for line in text.split("\n"))


def _set_height(page: Any, row: int, lines: int) -> None:
    page.set_row(row, min(_TALLEST, _LINE * lines + 2))


def _said(reasons: Sequence[Message], language: Language) -> str:
    return " ".join(reason.text(language) for reason in reasons)[:_LONGEST]


def _write_cell(page: Any, row: int, column: int, text: str | None, style: str, styles: Mapping[str, Any]) -> None:
    formula = "quoted" if text and text[0] in "=+-@\t\r" else ""
    chosen = styles["_".join(filter(None, (style, formula))) or "cell"]
    if text is None:
        page.write_blank(row, column, None, chosen)
    else:
        page.write_string(row, column, _fitting(text), chosen)


def _fitting(text: str) -> str:
    """A text as a cell can hold it."""
    return text[:_LONGEST].translate(_NO_CHARACTERS)


def _write_link(page: Any, refusals: pl.DataFrame, rows: int, command: str, styles: Mapping[str, Any]) -> None:
    for place, text in enumerate(("mends", "file", "rows")):
        page.write_string(0, place, text, styles["header"])
    for place, text in enumerate((refusals["file"][0], refusals["file_name"][0], str(rows))):
        page.write_string(1, place, text, styles["cell"])
    page.set_column(0, 0, _GUIDE)
    page.set_column(1, 1, _width([refusals["file_name"][0]]))
    guides = [(sentences(language)["ingest.mending_guide"], "guide") for language in LANGUAGES]
    for place, (text, style) in enumerate([*guides, (command, "command")], start=3):
        page.write_string(place, 0, text, styles[style])
        _set_height(page, place, _lines(text, _GUIDE))
    page.set_landscape()
    page.set_paper(_PAPER_A4)
    page.fit_to_pages(1, 0)


def without_ours(headers: Sequence[str]) -> tuple[str, ...]:
    """Headers that were delivered."""
    return tuple(header for header in headers if not is_ours(header))
