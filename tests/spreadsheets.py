"""Workbooks as a person at a spreadsheet program makes, reads and mends them; every cell is text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import fastexcel
import polars as pl
import xlsxwriter


def workbook(path: Path, sheets: Mapping[str, Sequence[Sequence[str | None]]]) -> Path:
    """A workbook of these sheets, each a list of rows."""
    with xlsxwriter.Workbook(str(path)) as book:
        for name, rows in sheets.items():
            page = book.add_worksheet(name)
            for number, cells in enumerate(rows):
                for column, text in enumerate(cells):
                    if text is not None:
                        page.write_string(number, column, text)
    return path


def sheets(path: Path) -> dict[str, pl.DataFrame]:
    """The sheets of a workbook by name; the first row is the header."""
    book = fastexcel.read_excel(path)
    return {name: book.load_sheet(name, dtypes="string").to_polars() for name in book.sheet_names}


def mended(path: Path, changes: Mapping[str, Mapping[str, str]], *, key: str = "sample") -> Path:
    """The same workbook with cells changed: by what stands in the column `key`, then by header."""
    found = {
        name: [frame.columns, *([*(row | changes.get(row.get(key) or "", {})).values()] for row in frame.iter_rows(named=True))]
        for name, frame in sheets(path).items()
    }
    return workbook(path, found)
