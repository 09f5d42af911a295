"""What the sender of a table did not see as it is read: hidden sheets and columns, which refuse the file, and hidden rows,
headers among the rows, merged cells, errors, misleading formats and shortened ids, which refuse their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from labqa.core import codes
from labqa.core.errors import DeliveryError
from labqa.ingest import ids
from labqa.ingest.readers import ROW, Table, place
from labqa.ingest.samples import broken
from labqa.ingest.sheets import column_letters

_OF_CELLS = ["cell_merged", "cell_error", "cell_format", "id_shortened"]


def check_visible(file: str, table: Table, headers: Mapping[str, str]) -> None:
    """DeliveryError if a table that is read stands on a hidden sheet, or a column of it that is read is hidden and says
    something; `headers`: field → header."""
    if table.hidden:
        raise DeliveryError("ingest.xlsx_hidden_sheet", file=file, sheet=table.sheet)
    for header in headers.values():
        hidden = not _over(table, header).filter(pl.col("rule") == "xlsx_hidden_column").is_empty()
        if hidden and (table.rows[header].cast(pl.String).str.strip_chars() != "").any():
            raise DeliveryError("ingest.xlsx_hidden_column", file=place(file, table.sheet), column=header)


def flawed(file: str, table: Table, headers: Mapping[str, str], *, key: str) -> pl.DataFrame:
    """The rules that rows of a table break by what is not seen, as `BROKEN`; a hidden row breaks its rule in the field
    `key`."""
    again = broken(_headers_again(table, headers), key, "header_again")
    if table.flaws.is_empty():
        return again
    hidden = table.flaws.filter(pl.col("rule") == "row_hidden").select(pl.col("first_row").alias(ROW))
    rows = table.rows
    found = [again, broken(rows.join(hidden, on=ROW, how="semi"), key, "row_hidden")]
    for field, header in headers.items():
        rules = _OF_CELLS if field in ids.IDS else _OF_CELLS[:-1]
        cells = _cells(_over(table, header).filter(pl.col("rule").is_in(rules)), rows, file)
        found.append(cells.select(ROW, pl.lit(field).alias("field"), "rule", pl.col("detail").alias("expected")))
    return pl.concat(found).unique([ROW, "field"], keep="first", maintain_order=True)


def _headers_again(table: Table, headers: Mapping[str, str]) -> pl.DataFrame:
    """Rows that repeat the header in every column that is read and says anything."""
    read = sorted(headers.values(), key=table.pieces.count)  # where texts are few, few rows say the header
    if any(_says_otherwise(table, header) for header in read):
        return table.pieces.like
    return pl.concat(_repeating(rows, read) for rows in table.pieces)


def _says_otherwise(table: Table, header: str) -> bool:
    """Whether every row says something in a column, and none its header."""
    return table.pieces.is_full(header) and not table.pieces.texts(header).str.strip_chars().is_in([header, ""]).any()


def _repeating(rows: pl.DataFrame, headers: Sequence[str]) -> pl.DataFrame:
    suspects = rows
    for header in headers:
        if suspects.is_empty():
            return suspects
        text = pl.col(header).str.strip_chars()
        repeats = codes.read(suspects[header], (text == header) | (text == ""))
        suspects = suspects.filter(repeats.fill_null(value=True))
    said = [pl.col(header).cast(pl.String).str.strip_chars() == header for header in headers]
    return suspects.filter(pl.sum_horizontal(said) > len(said) // 2) if said else suspects.clear()


def unread_sheets(tables: Sequence[Table]) -> list[str]:
    """Ranges, such as notes!A1:C9, of tables that nothing reads."""
    return [
        f"{table.sheet}!A1:{column_letters(max(1, len(table.headers)))}{table.rows[ROW][-1]}"
        for table in tables
        if table.pieces.height
    ]


def _over(table: Table, header: str) -> pl.DataFrame:
    """Flaws that a column has part in."""
    return table.flaws.filter(pl.lit(table.places.get(header, 0)).is_between("first_column", "last_column"))


def _cells(ranges: pl.DataFrame, rows: pl.DataFrame, file: str) -> pl.DataFrame:
    """The rows of a table in ranges of one column; DeliveryError if they hold more than the column,
    since merged cells overlap."""
    if ranges.is_empty() or rows.is_empty():
        return ranges.select(pl.lit(0, dtype=pl.Int64).alias(ROW), "rule", "detail").clear()
    last = pl.col("last_row").clip(upper_bound=rows[ROW][-1])
    within = ranges.with_columns(last.alias("last_row")).filter(pl.col("first_row") <= pl.col("last_row"))
    if within.select((pl.col("last_row") - pl.col("first_row") + 1).sum()).item() > len(_OF_CELLS) * rows[ROW][-1]:
        raise DeliveryError("ingest.xlsx_unreadable", file=file, found="mergeCells")
    numbers = pl.int_ranges(pl.col("first_row"), pl.col("last_row") + 1).alias(ROW)
    return within.select(numbers, "rule", "detail").explode(ROW).join(rows, on=ROW, how="semi")
