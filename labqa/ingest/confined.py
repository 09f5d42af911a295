"""The confined reader: a process of its own that turns a workbook or a parquet file into tables of text, within limits of
memory and time that it sets itself. A file made to harm kills this process and no other.

`python -m labqa.ingest.confined KIND FOLDER`: the file on standard input, one Arrow file a table into the folder, for workbooks
another of its flaws, and on standard output one line of JSON: `tables` (name → file), `flaws` (name → file), `date_system`,
`hidden` (names), `uncomputed` (name → cell with a formula); or `refused` (key of a sentence) and `values`.
"""

from __future__ import annotations

import io
import json
import resource
import sys
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

import polars as pl

from labqa.ingest import appearances, number_formats, sheets
from labqa.ingest.appearances import FLAWS, Flaw
from labqa.ingest.archive import Archive, Refused
from labqa.ingest.sheets import Look

_DIGITS = 15
"""Digits of a number that a spreadsheet program keeps."""
MEMORY = 4 << 30
"""Bytes of address space; the interpreter and polars take half a gigabyte of it."""
SECONDS = 120
"""Seconds of processor time."""
MOST_ROWS = 20_000_000
"""Rows that a delivery may have, whatever its kind: what is held of each, and of texts that differ, is bounded by it."""
MOST_VALUES = 400_000_000
"""Rows times columns that a parquet file may state: a few kilobytes can state billions."""


def main(kind: str, folder: Path) -> None:
    """Read standard input within the limits and say what was found."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    data = sys.stdin.buffer.read()
    try:
        told = _workbook(data, folder) if kind == "xlsx" else _parquet(data, folder)
    except Refused as refused:
        told = {"refused": refused.key, "values": refused.values}
    except MemoryError:
        told = {"refused": "ingest.too_large", "values": {}}
    json.dump(told, sys.stdout)


def _workbook(data: bytes, folder: Path) -> dict[str, Any]:
    """Cells of every sheet as text; dates arrive as dates, numbers in the shortest form that gives them back."""
    archive = Archive(data)
    parts, dates_from_1904, waiting = archive.workbook()
    formats = archive.formats()
    percent = [style for style, code in formats.items() if number_formats.is_percentage(code)]
    misleading = {style: code for style, code in formats.items() if number_formats.may_mislead(code)}
    looks = {name: sheets.look(name, archive.part(part), percent, waiting=waiting) for name, part in parts.items()}
    files, flawed = {}, {}
    filled = [name for name, look in looks.items() if look.rows]
    for place, (name, cells) in enumerate(_loaded(data, filled)):
        files[name], flawed[name] = f"{place}.arrow", f"{place}.flaws.arrow"
        checked(name, _patched(cells, looks[name]), looks[name]).write_ipc(folder / files[name])
        xml = archive.part(parts[name])
        found = appearances.flaws(xml, misleading, looks[name].patches, long=_has_long_numbers(cells))
        _placed(found, xml).write_ipc(folder / flawed[name])
    uncomputed = {name: look.uncomputed for name, look in looks.items() if look.uncomputed}
    told = {"tables": files, "flaws": flawed, "hidden": archive.hidden_sheets(), "uncomputed": uncomputed}
    return told | {"date_system": "1904" if dates_from_1904 else "1900"}


def _has_long_numbers(cells: pl.DataFrame) -> bool:
    """Whether any cell may be a number of more digits than a spreadsheet keeps."""
    return any(column.filter(column.str.len_bytes() > _DIGITS).str.contains(r"^-?[0-9]+(\.0)?$").any() for column in cells)


def _placed(found: list[Flaw], xml: bytes) -> pl.DataFrame:
    """Flaws by the rows and columns of the reader, whose columns begin where the sheet's first cell is."""
    before = sheets.first_column(xml) - 1 if found else 0
    columns = [pl.col(name) - before for name in ("first_column", "last_column")]
    return pl.DataFrame(found, schema=FLAWS, orient="row").with_columns(columns)


def _loaded(data: bytes, names: list[str]) -> Iterator[tuple[str, pl.DataFrame]]:
    """The sheets as calamine reads them."""
    import fastexcel

    try:
        book = fastexcel.read_excel(data)
        for name in names:
            yield name, book.load_sheet(name, header_row=None, skip_rows=0, dtypes="string").to_polars()
    except Exception as cause:  # fastexcel and calamine raise kinds of their own, some of them not documented
        raise Refused("ingest.xlsx_unreadable", found=str(cause).split("\n")[0]) from cause


def _patched(cells: pl.DataFrame, look: Look) -> pl.DataFrame:
    """The cells with percentages and errors as a person sees them."""
    for column, patches in groupby(sorted(look.patches, key=attrgetter("column")), key=attrgetter("column")):
        texts = cells.to_series(column - look.first_column).to_list()
        for patch in patches:
            read = texts[patch.row - 1]
            if (None if read is None else float(read)) != patch.read:
                raise Refused("ingest.xlsx_unreadable", found=f"{patch.text} ≠ {read}")
            texts[patch.row - 1] = patch.text
        name = cells.columns[column - look.first_column]
        cells = cells.with_columns(pl.Series(name, texts, dtype=pl.String))
    return cells


def checked(name: str, cells: pl.DataFrame, look: Look) -> pl.DataFrame:
    """The cells, if no row of the sheet was lost on the way."""
    said = cells.select(pl.any_horizontal(pl.all().is_not_null()).sum()).item() if cells.width else 0
    if said < look.rows or cells.height < look.last_row:
        raise Refused("ingest.xlsx_rows", sheet=name, found=int(said), expected=look.rows)
    return cells


def _parquet(data: bytes, folder: Path) -> dict[str, Any]:
    """Columns of a parquet file as text; those that are none are refused."""
    try:
        scanned = pl.scan_parquet(io.BytesIO(data))
        schema = scanned.collect_schema()
        rows = scanned.select(pl.len()).collect().item()
        if rows > MOST_ROWS:
            raise Refused("ingest.too_many_rows", expected=f"{MOST_ROWS:,}")
        if rows * len(schema) > MOST_VALUES:
            raise Refused("ingest.too_large")
        if len(schema) > sheets.MOST_COLUMNS:
            raise Refused("ingest.too_many_columns", found=len(schema), expected=sheets.MOST_COLUMNS)
        for place, (column, dtype) in enumerate(schema.items(), start=1):
            if dtype.is_nested() or dtype in (pl.Binary, pl.Object, pl.Duration):
                raise Refused("ingest.parquet_column", column=column, found=str(dtype), expected="text, numbers, dates")
            if not column.strip() or "\0" in column:
                raise Refused("ingest.header_missing", column=place)
        scanned.select(pl.all().cast(pl.String)).collect().write_ipc(folder / "0.arrow")
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as cause:
        raise Refused("ingest.parquet_unreadable", found=str(cause).split("\n")[0]) from cause
    return {"tables": {"": "0.arrow"}}


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
