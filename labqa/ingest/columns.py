"""From a table as delivered to the fields of a profile, still text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from labqa.core import codes
from labqa.core.codes import written
from labqa.core.errors import DeliveryError
from labqa.core.pieces import Pieces
from labqa.ingest import marks, words
from labqa.ingest.profiles import FIELDS, Profile
from labqa.ingest.readers import ROW, Table


@dataclass(frozen=True)
class Fields:
    """Rows as delivered, and what each field says of them; `headers`: field → header it is read from."""

    delivered: Pieces
    headers: Mapping[str, str]
    _said: Mapping[str, pl.Series]
    _letters: Mapping[str, pl.Series]

    def counted(self, *names: str) -> pl.DataFrame:
        """What some fields say together, as text, each once, and `len`, how many rows say it."""
        delivered = self.delivered.columns(self._headers_of(*names))
        said = (pl.DataFrame([self._field(name, rows) for name in names]) for rows in delivered)
        counts = pl.concat(fields.group_by(names).len() for fields in said)
        return written(counts.group_by(names).agg(pl.col("len").sum()))

    def column(self, name: str) -> Iterator[pl.Series]:
        """A field of all rows, as codes, a block after the other."""
        return (self._field(name, rows) for rows in self.delivered.columns(self._headers_of(name)))

    def texts(self, name: str) -> pl.Series:
        """The distinct texts of a field, in the order of their codes."""
        return codes.texts(self._said[name])

    def blocks(self) -> Iterator[pl.DataFrame]:
        """`ROW`, every field as codes of text (null where nothing is said) and `raw`, the result to the letter, a block of rows
        after the other; one without rows where there are none."""
        raw = codes.new()
        for block in self.delivered:
            fields = [self._field(name, block) for name in FIELDS]
            yield pl.DataFrame([block[ROW], *fields, self._raw(block).cast(raw).alias("raw")])

    def _headers_of(self, *names: str) -> list[str]:
        """Columns of the rows from which fields are read, and the numbers of the rows."""
        return [ROW, *dict.fromkeys(self.headers[name] for name in names if name in self.headers)]

    def _field(self, name: str, rows: pl.DataFrame) -> pl.Series:
        """A field of the rows: what its column says, by its distinct texts, or what is declared of all rows."""
        said, header = self._said[name], self.headers.get(name)
        return said.new_from_index(0, rows.height) if header is None else codes.gathered(said, rows[header]).alias(name)

    def _raw(self, rows: pl.DataFrame) -> pl.Series:
        """The result to the letter, behind the qualifier that has a column of its own; a correction need not speak of it."""
        letters = [codes.gathered(said, rows[header]).alias(header) for header, said in self._letters.items()]
        if not letters:
            return pl.repeat(None, rows.height, dtype=pl.String, eager=True)
        told = pl.DataFrame(letters)
        return told.select(pl.concat_str(pl.all(), separator=" ", ignore_nulls=True)).to_series()


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
    whole = [table for table in tables if table.pieces.height and not _missing(table, profile, required)]
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
    texts = {field: table.pieces.texts(header) for field, header in headers.items()}
    said = {field: _said(field, texts.get(field), profile) for field in FIELDS}
    spoken = {headers[field]: texts[field].str.strip_chars() for field in ("qualifier", "value") if field in headers}
    return Fields(table.pieces, headers, said, {header: text.replace("", None) for header, text in spoken.items()})


def _said(field: str, texts: pl.Series | None, profile: Profile) -> pl.Series:
    """What a field says, as codes: an entry for each distinct text of its column, or one for all rows."""
    reading = _field(field, None if texts is None else texts.name, profile).alias(field)
    said = pl.select(reading) if texts is None else texts.to_frame().select(reading)
    return said.to_series().cast(codes.new())


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
