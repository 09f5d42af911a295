"""The check of a table against the data dictionary, made once, eagerly, before anything of it is written."""

from __future__ import annotations

from collections.abc import Mapping

import dataframely as dy
import polars as pl

from labqa.core.errors import StoreError


def checked(tables: Mapping[str, pl.DataFrame], dictionary: Mapping[str, type[dy.Schema]]) -> dict[str, pl.DataFrame]:
    """The tables with columns in dictionary order; StoreError names the first table and the rules that it breaks."""
    return {name: _checked(name, frame, dictionary) for name, frame in tables.items()}


def _checked(name: str, frame: pl.DataFrame, dictionary: Mapping[str, type[dy.Schema]]) -> pl.DataFrame:
    if name not in dictionary:
        raise StoreError("store.unknown_table", table=name, known=", ".join(dictionary))
    schema = dictionary[name]
    expected = schema.create_empty().schema
    wrong = [
        f"{column} {frame.schema.get(column, 'missing')}≠{expected.get(column, 'none')}"
        for column in dict.fromkeys([*expected, *frame.columns])
        if frame.schema.get(column) != expected.get(column)
    ]
    if wrong:
        raise StoreError("store.columns_differ", table=name, columns=", ".join(wrong))
    ordered = frame.select(list(expected))
    if not schema.is_valid(ordered):  # far less than to find out which rows break which rule
        broken = schema.filter(ordered).failure.counts()
        rules = ", ".join(f"{rule} ({count})" for rule, count in sorted(broken.items()))
        raise StoreError("store.contract_broken", table=name, rules=rules)
    return ordered
