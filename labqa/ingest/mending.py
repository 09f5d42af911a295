"""Refused rows as a workbook to be mended: in the shape in which they were delivered, the reasons beside the cells, and a sheet
that links it to the delivery, so that it can be sent again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import xlsxwriter

from labqa.core.wording.catalogue import LANGUAGES, Message
from labqa.ingest.readers import Table

LINK_SHEET = "LabQA"
"""Name of the sheet that says which delivery a workbook mends."""
_ROW_NUMBER = "LabQA 行号 row"
_REASONS = {"zh": "LabQA 原因：{}", "en": "LabQA reason: {}"}
_LONGEST = 32_767
"""Characters that a cell of a workbook can hold."""
_STYLES: dict[str, dict[str, Any]] = {
    "header": {"bold": True, "bg_color": "#D9DEE5", "text_wrap": True, "valign": "top", "num_format": "@"},
    "note": {"bold": True, "bg_color": "#F6E3C5", "text_wrap": True, "valign": "top"},
    "cell": {"num_format": "@"},
    "quoted": {"num_format": "@", "quote_prefix": True},
    "wrong": {"num_format": "@", "bg_color": "#F8D7D3"},
    "wrong_quoted": {"num_format": "@", "bg_color": "#F8D7D3", "quote_prefix": True},
    "reason": {"font_color": "#7A1F14", "text_wrap": True, "valign": "top"},
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
    """
    rows = _rows(refusals)
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
    for number, (row, _, _) in enumerate(rows, start=1):
        page.write_number(number, 0, row)
    column = 1
    for header in headers:
        page.write_string(0, column, header, styles["header"])
        page.set_column(column, column, 16, styles["cell"])
        for number, (_, cells, reasons) in enumerate(rows, start=1):
            _write_cell(page, number, column, cells.get(header), "wrong" if header in reasons else "", styles)
        column += 1
        for language in LANGUAGES if header in wrong else ():
            page.write_string(0, column, _REASONS[language].format(header), styles["note"])
            page.set_column(column, column, 44)
            for number, (_, _, reasons) in enumerate(rows, start=1):
                if header in reasons:
                    text = " ".join(reason.text(language) for reason in reasons[header])
                    page.write_string(number, column, text[:_LONGEST], styles["reason"])
            column += 1
    page.freeze_panes(1, 1)


def _write_cell(page: Any, row: int, column: int, text: str | None, style: str, styles: Mapping[str, Any]) -> None:
    formula = "quoted" if text and text[0] in "=+-@\t\r" else ""
    chosen = styles["_".join(filter(None, (style, formula))) or "cell"]
    if text is None:
        page.write_blank(row, column, None, chosen)
    else:
        page.write_string(row, column, text[:_LONGEST], chosen)


def _write_link(page: Any, refusals: pl.DataFrame, rows: int, command: str, styles: Mapping[str, Any]) -> None:
    page.write_row(0, 0, ("mends", "file", "rows"), styles["header"])
    page.write_row(1, 0, (refusals["file"][0], refusals["file_name"][0], str(rows)), styles["cell"])
    page.set_column(0, 0, 72)
    for place, language in enumerate(LANGUAGES, start=3):
        page.write_string(place, 0, Message("ingest.mending_guide", {"command": command}).text(language), styles["reason"])


def without_ours(headers: Sequence[str]) -> tuple[str, ...]:
    """Headers that were delivered."""
    return tuple(header for header in headers if not is_ours(header))
