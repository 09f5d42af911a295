"""From a table as delivered to the fields of a profile, still text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from labqa.core.errors import DeliveryError
from labqa.ingest import marks, words
from labqa.ingest.profiles import FIELDS, Profile
from labqa.ingest.readers import ROW, Table

BLOCK = 100_000
"""Rows of which every field is held at once."""


@dataclass(frozen=True)
class Fields:
    """Rows as delivered, and how each field is read from them; `headers`: field → header it is read from."""

    delivered: pl.DataFrame
    headers: Mapping[str, str]
    _read: Mapping[str, pl.Series | pl.Expr]
    _letters: Mapping[str, pl.Series]

    def named(self, *names: str) -> pl.DataFrame:
        """Some fields of all rows."""
        return self._fields(self.delivered, names)

    def blocks(self) -> Iterator[pl.DataFrame]:
        """`ROW`, every field as text (null where nothing is said) and `raw`, the result to the letter, a block of rows after
        the other; one without rows where there are none."""
        for begin in range(0, max(self.delivered.height, 1), BLOCK):
            block = self.delivered.slice(begin, BLOCK)
            raw = [_gathered(said, block[header]) for header, said in self._letters.items()]
            nothing = pl.lit(None, dtype=pl.String)  # a correction need not speak of the result
            told = pl.concat_str(raw, separator=" ", ignore_nulls=True) if raw else nothing
            yield self._fields(block, FIELDS).select(block[ROW], pl.all(), told.alias("raw"))

    def _fields(self, rows: pl.DataFrame, names: Iterable[str]) -> pl.DataFrame:
        read = {name: self._read[name] for name in names}
        found = {
            name: _gathered(said, rows[self.headers[name]]) if isinstance(said, pl.Series) else said
            for name, said in read.items()
        }
        return rows.select(made.alias(name) for name, made in found.items())


def _texts(column: pl.Series) -> pl.DataFrame:
    """The distinct texts of a delivered column, in the order of their codes."""
    dtype = column.dtype
    assert isinstance(dtype, pl.Categorical)
    return dtype.categories.to_series().alias(column.name).to_frame()


def _gathered(said: pl.Series, column: pl.Series) -> pl.Series:
    """What each cell of a column says, given what its distinct texts do."""
    return said.gather(column.to_physical())


@lru_cache(4096)
def normal(header: str) -> str:
    """A header without case, spaces, line breaks, underscores and hyphens."""
    return re.sub(r"[\s_\-]+", "", words.plain(header)).lower()


def match(headers: Iterable[str], aliases: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
    """Field → headers that name it. The template's headers carry the first two aliases together, Chinese and English."""
    found: dict[str, list[str]] = {}
    for field, names in aliases.items():
        understood = {normal(name) for name in names} | {normal("".join(names[:2]))}
        named = [header for header in headers if normal(header) in understood]
        if named:
            found[field] = named
    return found


def results_table(file: str, tables: list[Table], profile: Profile, required: Sequence[str]) -> Table:
    """The table that holds the results: the one with most of the required columns, which must be there, and no other with all
    of them."""
    whole = [table for table in tables if table.rows.height and not _missing(table, profile, required)]
    if len(whole) > 1:
        raise DeliveryError("ingest.sheets_several", file=file, found=", ".join(f"“{table.sheet}”" for table in whole))
    table = min(tables, key=lambda table: len(_missing(table, profile, required)))
    table.check()
    missing = _missing(table, profile, required)
    if missing and table.encoding and len(table.headers) == 1:
        raise DeliveryError("ingest.csv_one_column", file=file, found=table.headers[0])
    if missing:
        expected = "; ".join(" / ".join(profile.columns[field][:2]) for field in missing)
        found = ", ".join(table.headers)
        raise DeliveryError("ingest.columns_missing", file=file, profile=profile.name, column=expected, found=found)
    return table


def _missing(table: Table, profile: Profile, required: Sequence[str]) -> list[str]:
    found = match(table.headers, profile.columns)
    return [field for field in required if field not in found and field not in profile.declared]


def fields(file: str, table: Table, profile: Profile) -> Fields:
    """How each field is read: trimmed, null words null, the profile's words replaced, its declarations filled in."""
    found = match(table.headers, profile.columns)
    for field, named in found.items():
        if len(named) > 1:
            raise DeliveryError("ingest.columns_ambiguous", file=file, field=field, column=", ".join(named))
    headers = {field: named[0] for field, named in found.items()}
    readings = {field: _field(field, headers.get(field), profile).alias(field) for field in FIELDS}
    texts = {field: _texts(table.rows[header]) for field, header in headers.items()}
    read = {field: texts[field].select(how).to_series() if field in texts else how for field, how in readings.items()}
    spoken = {
        headers[field]: texts[field].to_series().str.strip_chars() for field in ("qualifier", "value") if field in headers
    }
    letters = {header: text.replace("", None) for header, text in spoken.items()}
    return Fields(table.rows, headers, read, letters)


def _field(field: str, header: str | None, profile: Profile) -> pl.Expr:
    """One field as text."""
    declared = pl.lit(profile.declared.get(field), dtype=pl.String)
    if header is None:
        return declared
    text = pl.col(header).str.strip_chars(words.EMPTINESS)
    text = pl.when(~text.is_in(list(profile.null_words))).then(text)
    if field in marks.FIELDS and (profile.decimal_mark != "." or profile.thousands_mark):
        text = marks.pointed(text, decimal=profile.decimal_mark, thousands=profile.thousands_mark)
    if field in profile.words:
        text = text.replace(dict(profile.words[field]))
        text = pl.when(text != "").then(text)
    return pl.coalesce(text, declared) if field in profile.declared else text
