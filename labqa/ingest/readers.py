"""Readers: a path in, tables of text out, with the row numbers that people see. Nothing is typed here."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import polars as pl

from labqa.core import codes, pieces
from labqa.core.errors import DeliveryError
from labqa.core.pieces import Pieces, Spill
from labqa.core.wording.catalogue import Message
from labqa.ingest import content, delimited
from labqa.ingest.appearances import FLAWS
from labqa.ingest.confined import MOST_ROWS

ROW = "\0row"
"""Column that holds the row number, header = 1; no delivered header can have this name."""
_PATIENCE = 300
"""Seconds by the clock for which a confined reader is waited for."""


@dataclass(frozen=True)
class Table:
    """One table of a file: `sheet` its name (empty for csv and parquet), `pieces` of its rows with a column a header, and
    `ROW`; `fault` what is wrong with its headers, raised only if the table is used (a sheet of notes may look as it likes).
    `encoding`: of delimited text; `date_system`: 1900 or 1904, from which a workbook counts its days.

    Columns are kept as codes of their distinct texts (a `Categorical` each): most texts are said a thousand times.
    """

    sheet: str
    pieces: Pieces
    fault: Message | None = None
    encoding: str = ""
    date_system: str = ""
    hidden: bool = False
    flaws: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=FLAWS))
    places: Mapping[str, int] = field(default_factory=dict)

    @property
    def headers(self) -> list[str]:
        """The headers as delivered, without the row number."""
        return [name for name in self.pieces.schema if name != ROW]

    @property
    def rows(self) -> pl.DataFrame:
        """All rows in memory."""
        return self.pieces.whole()

    def check(self) -> None:
        """Raise a DeliveryError if the headers are not usable."""
        if self.fault:
            raise DeliveryError(self.fault.key, **self.fault.values)


def read(path: Path, data: bytes | IO[bytes], *, encoding: str | None = None, spill: Spill | None = None) -> list[Table]:
    """The tables of a delivered file, all text; blank rows are counted and left out.

    `data`: its bytes, or the file opened, of which text is read piece by piece. `encoding`: of delimited text, where it is
    known; else it is detected or the file refused. `spill`: where rows are put that need not be held. Workbooks and parquet
    files are read by a process of their own, which a file made to harm cannot leave.
    """
    suffix, opened, spill = path.suffix.lower(), io.BytesIO(data) if isinstance(data, bytes) else data, spill or Spill()
    held = content.of(suffix, opened)
    if not held:
        raise DeliveryError("ingest.file_empty", file=path.name)
    content.check(path.name, suffix, held)
    if suffix in content.TEXT:
        opened.seek(0)
        cells, found = delimited.cells(path.name, opened, encoding, spill)
        tables = [_table(path.name, "", cells, spill, encoding=found)]
    elif suffix == ".xlsx":
        tables = _workbook(path.name, held, spill)
    elif suffix == ".parquet":
        frames, _ = _confined(path.name, held, "parquet")
        tables = [Table("", _numbered(rows, spill)) for rows in frames.values()]
    else:
        key = {".xls": "ingest.xlsx_old", ".xlsm": "ingest.xlsx_macros"}.get(suffix, "ingest.file_kind")
        raise DeliveryError(key, file=path.name, found=suffix or "—", expected="csv, xlsx, parquet", part=suffix)
    if not any(table.pieces.height or table.fault for table in tables):
        raise DeliveryError("ingest.file_empty", file=path.name)
    return tables


def _workbook(name: str, data: bytes, spill: Spill) -> list[Table]:
    """The sheets of a workbook that hold anything."""
    frames, told = _confined(name, data, "xlsx")
    tables = []
    for sheet, file in told["tables"].items():
        table = _computed(name, _table(name, sheet, pieces.evenly(frames[file]), spill), told["uncomputed"].get(sheet))
        flaws, hidden = frames[told["flaws"][sheet]], sheet in told["hidden"]
        tables.append(replace(table, date_system=told["date_system"], hidden=hidden, flaws=flaws))
    return tables


def _computed(name: str, table: Table, cell: str | None) -> Table:
    """The table, at fault if a cell of it holds a formula that was never computed."""
    if cell is None or table.fault:
        return table
    return replace(table, fault=Message("ingest.xlsx_formula", {"file": name, "sheet": table.sheet, "cell": cell}))


def _confined(name: str, data: bytes, kind: str) -> tuple[dict[str, pl.DataFrame], dict[str, Any]]:
    """What the confined reader wrote, by file, and what it tells; DeliveryError with its reason."""
    with TemporaryDirectory(prefix="labqa-") as folder:
        command = [sys.executable, "-P", "-m", "labqa.ingest.confined", kind, folder]
        limits = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "POLARS_MAX_THREADS": "1"}
        try:
            ran = subprocess.run(
                command, input=data, capture_output=True, env=os.environ | limits, timeout=_PATIENCE, check=False
            )
        except subprocess.TimeoutExpired as cause:
            raise DeliveryError("ingest.too_large", file=name) from cause
        if ran.returncode < 0:  # ended by a signal: out of memory or of processor time
            raise DeliveryError("ingest.too_large", file=name)
        if ran.returncode > 0:
            last = ran.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            raise DeliveryError(f"ingest.{kind}_unreadable", file=name, found=last)
        told = json.loads(ran.stdout)
        if "refused" in told:
            raise DeliveryError(told["refused"], file=name, **told["values"])
        frames = {file.name: pl.read_ipc(file.read_bytes()) for file in Path(folder).glob("*.arrow")}
        return frames, told


def _blank(cell: pl.Expr) -> pl.Expr:
    return cell.fill_null("").str.strip_chars() == ""


def place(file: str, sheet: str) -> str:
    """A file and its sheet, if it has any, as sentences name them."""
    return f"{file} {sheet}".rstrip()


def _coded(columns: Iterable[str]) -> list[pl.Expr]:
    """Columns of text as codes of their distinct texts, each with texts of its own."""
    return [pl.col(column).cast(codes.new()) for column in columns if column != ROW]


def _numbered(rows: pl.DataFrame, spill: Spill) -> Pieces:
    """Rows below a header, with their numbers, as codes of text."""
    coded = _coded(rows.columns)
    numbered = rows.with_row_index(ROW, offset=2).cast({ROW: pl.Int64})
    return Pieces((part.with_columns(coded) for part in pieces.evenly(numbered)), spill)


def _filled(blocks: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The rows that say anything, with their numbers: the first by itself, as text, the others as codes of text."""
    coded: list[pl.Expr] = []
    behind = 0
    for cells in blocks:
        numbered = cells.with_row_index(ROW, offset=behind + 1).cast({ROW: pl.Int64})
        suspects = numbered.filter(_blank(pl.col(cells.columns[0])))  # few, so that not every cell of a long file is trimmed
        blank = suspects.filter(pl.all_horizontal(_blank(pl.col(column)) for column in cells.columns))
        said = numbered if blank.is_empty() else numbered.join(blank, on=ROW, how="anti", maintain_order="left")
        behind += cells.height
        if said.height and not coded:
            yield said[:1]
            coded = _coded(cells.columns)
            yield said[1:].with_columns(coded)
        elif said.height:
            yield said.with_columns(coded)


def _table(name: str, sheet: str, cells: Iterable[pl.DataFrame], spill: Spill, *, encoding: str = "") -> Table:
    """A table from its cells: the first row that is not blank is the header, blank rows below it are left out."""
    filled = _filled(cells)
    top = next(filled, None)
    if top is None:
        return Table(sheet, Pieces([pl.DataFrame(schema={ROW: pl.Int64})]))
    columns = top.columns[1:]
    headers = {column: (top[column][0] or "").strip().replace("\0", "␀") for column in columns}  # unlike `ROW`
    unnamed = [column for column, header in headers.items() if not header]
    named = {column: header for column, header in headers.items() if header}
    twice = [column for place, (column, header) in enumerate(named.items()) if header in list(named.values())[:place]]
    kept = {column: header for column, header in named.items() if column not in twice}
    rows = Pieces(spill=spill)
    beyond: set[str] = set()
    for part in filled:
        beyond |= {column for column in unnamed if not part.filter(~_blank(pl.col(column).cast(pl.String))).is_empty()}
        rows.append(part.select(ROW, *(pl.col(column).alias(header) for column, header in kept.items())))
        if rows.height > MOST_ROWS:
            raise DeliveryError("ingest.too_many_rows", file=place(name, sheet), expected=f"{MOST_ROWS:,}")
    fault = None
    if twice:
        fault = Message("ingest.header_twice", {"file": place(name, sheet), "column": named[twice[0]]})
    elif beyond:
        first = min(columns.index(column) for column in beyond)
        fault = Message("ingest.header_missing", {"file": place(name, sheet), "column": first + 1})
    places = {header: columns.index(column) + 1 for column, header in kept.items()}
    return Table(sheet, rows, fault, encoding, places=places)
