"""Delivered dates: ISO, Chinese, slashed and Excel serials, with or without a time of day."""

from __future__ import annotations

import polars as pl

from labqa.ingest import words

_YEAR_FIRST = r"^((?:19|20)[0-9]{2})\s*(?:-|/|\.|年)\s*([0-9]{1,2})\s*(?:-|/|\.|月)\s*([0-9]{1,2})\s*日?(?:[T ].*)?$"
_COMPACT = r"^((?:19|20)[0-9]{2})([0-9]{2})([0-9]{2})$"
_SERIAL = r"^([2-6][0-9]{4})(?:\.[0-9]+)?$"
_EXCEL_EPOCH = pl.date(1899, 12, 30)  # the 1900 date system: serial 61 is 1 March 1900


def day(column: pl.Expr) -> pl.Expr:
    """The calendar day that a delivered text states; null where it states none (30 February, 3/5/2018, a bare year)."""
    text = words.plain_column(column)
    parts = text.str.extract_groups(_YEAR_FIRST)
    compact = text.str.replace(_COMPACT, "$1-$2-$3")
    written = parts.struct[0] + "-" + parts.struct[1].str.zfill(2) + "-" + parts.struct[2].str.zfill(2)
    serial = text.str.extract(_SERIAL).cast(pl.Int64, strict=False)
    return pl.coalesce(
        written.str.to_date("%Y-%m-%d", strict=False),
        compact.str.to_date("%Y-%m-%d", strict=False),
        _EXCEL_EPOCH + pl.duration(days=serial),
    )
