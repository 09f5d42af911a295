"""The check of a table against the data dictionary, made once, eagerly, before anything of it is written."""

from __future__ import annotations

from collections.abc import Mapping

import dataframely as dy
import polars as pl

from labqa.core.errors import StoreError
from labqa.core.tables import written

_PIECE = 100_000
"""Rows whose text is written out at once."""


def checked(tables: Mapping[str, pl.DataFrame], dictionary: Mapping[str, type[dy.Schema]]) -> dict[str, pl.DataFrame]:
    """The tables with columns in dictionary order; StoreError names the first table and the rules that it breaks. Text may be
    kept as codes, and stays so."""
    return {name: _checked(name, frame, dictionary) for name, frame in tables.items()}


def _checked(name: str, frame: pl.DataFrame, dictionary: Mapping[str, type[dy.Schema]]) -> pl.DataFrame:
    if name not in dictionary:
        raise StoreError("store.unknown_table", table=name, known=", ".join(dictionary))
    schema = dictionary[name]
    expected = schema.create_empty().schema
    found = written(frame.clear()).schema
    wrong = [
        f"{column} {found.get(column, 'missing')}≠{expected.get(column, 'none')}"
        for column in dict.fromkeys([*expected, *found])
        if found.get(column) != expected.get(column)
    ]
    if wrong:
        raise StoreError("store.columns_differ", table=name, columns=", ".join(wrong))
    ordered = frame.select(list(expected))
    if not _is_valid(schema, ordered):  # far less than to find out which rows break which rule
        broken = schema.filter(written(ordered)).failure.counts()
        rules = ", ".join(f"{rule} ({count})" for rule, count in sorted(broken.items()))
        raise StoreError("store.contract_broken", table=name, rules=rules)
    return ordered


def _is_valid(schema: type[dy.Schema], frame: pl.DataFrame) -> bool:
    """Whether rows keep their contract, a piece of them after the other, and no key comes twice in all of them."""
    pieces = all(schema.is_valid(written(piece)) for piece in frame.iter_slices(_PIECE))
    key = frame.select(schema.primary_key())
    if not key.width or key.height <= _PIECE or key.hash_rows().n_unique() == key.height:  # else two hashes may be alike
        return pieces
    return pieces and bool(key.is_unique().all())
