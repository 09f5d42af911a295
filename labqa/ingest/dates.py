"""Delivered dates: ISO, Chinese, slashed and serial numbers of spreadsheets, with or without a time of day."""

from __future__ import annotations

from datetime import date

import polars as pl

from labqa.ingest import words

_CLOCK = r"(?:[01]?[0-9]|2[0-4]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]+)?)?(?:\s*[AaPp][Mm])?(?:\s*Z|\s*[+-][0-9]{2}:?[0-9]{2})?"
_YEAR_FIRST = rf"^((?:19|20)[0-9]{{2}})\s*([-/.年])\s*([0-9]{{1,2}})\s*([-/.月])\s*([0-9]{{1,2}})\s*(日?)(?:[T ]\s*{_CLOCK})?$"
_MARKS = ["--", "//", "..", "年月日"]
_COMPACT = r"^((?:19|20)[0-9]{2})([0-9]{2})([0-9]{2})$"
_SERIAL = r"^([2-6][0-9]{4})(?:\.[0-9]+)?$"
_DAY_ZERO = {"1900": date(1899, 12, 30), "1904": date(1904, 1, 1)}
"""From where serial numbers count (ECMA-376 part 1, 18.17.4.1); of the 1900 system right from serial 61, 1 March 1900."""


def day(column: pl.Expr, *, system: str = "") -> pl.Expr:
    """The calendar day that a delivered text states; null where it states none (30 February, 3/5/2018, a bare year).

    `system`: 1900 or 1904, the date system of serial numbers; empty: a bare number is no day.
    """
    text = words.plain_column(column)
    parts = text.str.extract_groups(_YEAR_FIRST)
    year, first, month, second, number, last = (parts.struct[place] for place in range(6))
    alike = (first + second + last).is_in(_MARKS)
    written = pl.when(alike).then(year + "-" + month.str.zfill(2) + "-" + number.str.zfill(2))
    compact = pl.when(text.str.contains(_COMPACT)).then(text.str.replace(_COMPACT, "$1-$2-$3"))
    days = [one.str.to_date("%Y-%m-%d", strict=False) for one in (written, compact)]
    if system:
        serial = text.str.extract(_SERIAL).cast(pl.Int64, strict=False)
        days.append(pl.lit(_DAY_ZERO[system]) + pl.duration(days=serial))
    return pl.coalesce(days)
