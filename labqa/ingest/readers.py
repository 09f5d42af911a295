"""Readers: a path in, tables of text out, with the row numbers that people see. Nothing is typed here."""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

import fastexcel
import polars as pl

from labqa.core.errors import DeliveryError
from labqa.core.wording.catalogue import Message

ROW = "\0row"
"""Column that holds the row number, header = 1; no delivered header can have this name."""
_CONTROL = bytes(code for code in range(0x20) if chr(code) not in "\t\r\n")
_PRIVATE_USE = re.compile("[\ue000-\uf8ff]")  # to what GB18030 maps bytes that are no text


@dataclass(frozen=True)
class Table:
    """One table of a file: `sheet` its name (empty for csv and parquet), `rows` a column of text a header, and `ROW`; `fault`
    what is wrong with its headers, raised only if the table is used (a sheet of notes may look as it likes)."""

    sheet: str
    rows: pl.DataFrame
    fault: Message | None = None

    @property
    def headers(self) -> list[str]:
        """The headers as delivered, without the row number."""
        return [name for name in self.rows.columns if name != ROW]

    def check(self) -> None:
        """Raise a DeliveryError if the headers are not usable."""
        if self.fault:
            raise DeliveryError(self.fault.key, **self.fault.values)


def read(path: Path, data: bytes) -> list[Table]:
    """The tables of a delivered file, all text; blank rows are counted and left out."""
    suffix = path.suffix.lower()
    if suffix in {".csv", ".txt", ".tsv"}:
        tables = [_table(path.name, "", _csv(path.name, data))]
    elif suffix in {".xlsx", ".xlsm"}:
        tables = [_table(path.name, sheet, cells) for sheet, cells in _xlsx(path.name, data) if not cells.is_empty()]
    elif suffix == ".parquet":
        tables = [Table("", _parquet(path.name, data))]
    else:
        raise DeliveryError("ingest.file_kind", file=path.name, found=suffix or "—", expected="csv, xlsx, parquet")
    if not any(table.rows.height for table in tables):
        raise DeliveryError("ingest.file_empty", file=path.name)
    return tables


def _csv(name: str, data: bytes) -> pl.DataFrame:
    """Cells of a csv file, the header among them."""
    utf8 = _as_utf8(name, data)
    if not utf8.strip():
        raise DeliveryError("ingest.file_empty", file=name)
    header = utf8.lstrip(b"\r\n").split(b"\n", 1)[0].decode()
    separator = max(",;\t", key=header.count)
    try:
        return pl.read_csv(io.BytesIO(utf8), separator=separator, has_header=False, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as cause:
        raise DeliveryError("ingest.csv_rows", file=name, **_first_ragged(utf8.decode(), separator)) from cause


def _as_utf8(name: str, data: bytes) -> bytes:
    """The file in UTF-8 without BOM, decoded strictly from UTF-8 or GB18030; anything else is refused."""
    data = data.removeprefix(codecs.BOM_UTF8)
    if len(data.translate(None, _CONTROL)) == len(data):
        try:
            data.decode("utf-8")
            return data
        except UnicodeDecodeError:
            pass
        try:
            text = data.decode("gb18030")
            if not _PRIVATE_USE.search(text):
                return text.encode()
        except UnicodeDecodeError:
            pass
    raise DeliveryError("ingest.file_encoding", file=name, expected="UTF-8, GB18030")


def _first_ragged(text: str, separator: str) -> dict[str, object]:
    """The first row that has another number of fields than the header, for the sentence."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    expected, number = 0, 0
    try:
        for number, cells in enumerate(rows, start=1):
            expected = expected or len(cells)
            if len(cells) > expected:
                return {"row": number, "found": len(cells), "expected": expected}
    except csv.Error:
        pass
    return {"row": number, "found": "?", "expected": expected}


def _xlsx(name: str, data: bytes) -> list[tuple[str, pl.DataFrame]]:
    """Cells of every sheet as text; dates arrive as dates, numbers in the shortest form that gives them back."""
    try:
        book = fastexcel.read_excel(data)
        return [
            (sheet, book.load_sheet(sheet, header_row=None, skip_rows=0, dtypes="string").to_polars())
            for sheet in book.sheet_names
        ]
    except Exception as cause:  # fastexcel and calamine raise kinds of their own, some of them not documented
        raise DeliveryError("ingest.xlsx_unreadable", file=name, found=str(cause).split("\n")[0]) from cause


def _parquet(name: str, data: bytes) -> pl.DataFrame:
    """Columns of a parquet file as text; lists, structs and bytes are refused."""
    try:
        frame = pl.read_parquet(io.BytesIO(data))
    except (pl.exceptions.PolarsError, OSError) as cause:
        raise DeliveryError("ingest.parquet_unreadable", file=name, found=str(cause).split("\n")[0]) from cause
    for column, dtype in frame.schema.items():
        if dtype.is_nested() or dtype in (pl.Binary, pl.Object):
            raise DeliveryError(
                "ingest.parquet_column", file=name, column=column, found=str(dtype), expected="text, numbers, dates"
            )
    return frame.cast(pl.String).with_row_index(ROW, offset=2).cast({ROW: pl.Int64})


def _blank(cell: pl.Expr) -> pl.Expr:
    return cell.fill_null("").str.strip_chars() == ""


def _table(name: str, sheet: str, cells: pl.DataFrame) -> Table:
    """A table from its cells: the first row that is not blank is the header, blank rows below it are left out."""
    numbered = cells.with_row_index(ROW, offset=1).cast({ROW: pl.Int64})
    suspects = numbered.filter(_blank(pl.col(cells.columns[0])))  # few, so that not every cell of a long file is trimmed
    blank = suspects.filter(pl.all_horizontal(_blank(pl.col(column)) for column in cells.columns))
    filled = numbered.join(blank, on=ROW, how="anti", maintain_order="left")
    if filled.is_empty():
        return Table(sheet, filled.select(ROW))
    headers = {column: (filled[column][0] or "").strip() for column in cells.columns}
    rows = filled[1:]
    unnamed = [column for column, header in headers.items() if not header]
    beyond = [column for column in unnamed if not rows.filter(~_blank(pl.col(column))).is_empty()]
    named = {column: header for column, header in headers.items() if header}
    twice = [column for place, (column, header) in enumerate(named.items()) if header in list(named.values())[:place]]
    kept = {column: header for column, header in named.items() if column not in twice}
    fault = None
    if twice:
        fault = Message("ingest.header_twice", {"file": name, "sheet": sheet, "column": named[twice[0]]})
    elif beyond:
        fault = Message("ingest.header_missing", {"file": name, "sheet": sheet, "column": cells.columns.index(beyond[0]) + 1})
    return Table(sheet, rows.select(ROW, *(pl.col(column).alias(header) for column, header in kept.items())), fault)
