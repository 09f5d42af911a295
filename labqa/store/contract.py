"""The check of a table against the data dictionary, made once, eagerly, before anything of it is written."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from types import new_class

import dataframely as dy
import polars as pl

from labqa.core.codes import written
from labqa.core.errors import StoreError


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
    """Whether rows keep their contract; what is kept as codes is not written out for that."""
    coded = {name: dtype.categories for name, dtype in frame.schema.items() if isinstance(dtype, pl.Categorical)}
    if not coded:
        return schema.is_valid(frame)
    key = frame.select(schema.primary_key())
    sole = key.hash_rows().n_unique() == key.height or bool(key.is_unique().all())  # two hashes may be alike
    return sole and _row_by_row(schema, coded).is_valid(frame)


def _row_by_row(schema: type[dy.Schema], coded: Mapping[str, pl.Categories]) -> type[dy.Schema]:
    """The contract without its key, for rows that keep these columns as codes."""
    columns = {name: copy(column) for name, column in schema.columns().items()}
    for name, column in columns.items():
        column.primary_key = False
        if name in coded:
            columns[name] = dy.Categorical(coded[name], nullable=column.nullable, check=column.check)
    return new_class(schema.__name__, (schema,), exec_body=lambda body: body.update(columns))
