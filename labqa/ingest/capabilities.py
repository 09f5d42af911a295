"""Capabilities of laboratories as a register writes them: one text a laboratory."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

import polars as pl

from labqa.core import tables
from labqa.core.errors import RegisterError
from labqa.ingest.readers import ROW

_ENTRY = re.compile(r"([^:\s]+)(?:\s*:\s*([0-9-]*)\s*/\s*([0-9-]*))?")
_FORM = "01.02:2014-01-01/2019-12-31"
_OPEN_START = date(1900, 1, 1)


def parsed(where: Mapping[str, str], header: str, text: pl.DataFrame) -> pl.DataFrame:
    """Capabilities written as `01.02:2014-01-01/2019-12-31; 03.01:2015-01-01/`: family, first and last day, either open."""
    if "capabilities" not in text.columns:
        return tables.empty(tables.Capabilities)
    rows: list[tuple[str, str, date, date | None]] = []
    for number, lab, written in text.select(ROW, "lab", "capabilities").iter_rows():
        for entry in filter(None, (part.strip() for part in re.split(r"[;；]", written or ""))):
            try:
                rows.append((lab, *_entry(entry)))
            except ValueError:
                found = {**where, "row": number, "column": header, "value": entry, "expected": _FORM}
                raise RegisterError("ingest.register_value", **found) from None
    return pl.DataFrame(rows, schema=tables.empty(tables.Capabilities).schema, orient="row")


def _entry(text: str) -> tuple[str, date, date | None]:
    """Family, first and last day of one entry; ValueError if it is none."""
    match = _ENTRY.fullmatch(text)
    if not match:
        raise ValueError(text)
    first, last = (date.fromisoformat(day) if day else None for day in (match[2], match[3]))
    if last and last < (first or _OPEN_START):
        raise ValueError(text)
    return match[1], first or _OPEN_START, last
