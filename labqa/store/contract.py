"""The check of a table against the data dictionary, made once, eagerly, before anything of it is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import copy
from types import new_class

import dataframely as dy
import numpy as np
import polars as pl

from labqa.core.codes import written
from labqa.core.errors import StoreError
from labqa.core.pieces import Pieces


def checked(tables: Mapping[str, pl.DataFrame], dictionary: Mapping[str, type[dy.Schema]]) -> dict[str, pl.DataFrame]:
    """The tables with columns in dictionary order; StoreError names the first table and the rules that it breaks. Text may be
    kept as codes, and stays so."""
    return {name: _checked(name, frame, dictionary) for name, frame in tables.items()}


def checked_pieces(name: str, rows: Pieces, dictionary: Mapping[str, type[dy.Schema]]) -> Iterator[pl.DataFrame]:
    """The pieces of a table that need not fit in memory, its columns in dictionary order, each checked before it is given, and
    the key behind the last: of each row 8 bytes are remembered, a hash of its key."""
    schema = _schema(name, rows.schema, dictionary)
    key, hashes, behind = schema.primary_key(), np.empty(rows.height, np.uint64), 0
    for piece in rows:
        if not _row_by_row(schema, piece.schema).is_valid(piece):
            raise _broken(name, schema, piece)
        hashes[behind : behind + piece.height] = piece.select(pl.col(key).to_physical()).hash_rows()
        behind += piece.height
        yield piece
    hashes.sort()
    if (hashes[1:] == hashes[:-1]).any():  # two hashes may be alike
        whole = rows.whole()
        if not whole.select(key).is_unique().all():
            raise _broken(name, schema, whole)


def _checked(name: str, frame: pl.DataFrame, dictionary: Mapping[str, type[dy.Schema]]) -> pl.DataFrame:
    schema = _schema(name, frame.schema, dictionary)
    ordered = frame.select(schema.column_names())
    if not _is_valid(schema, ordered):  # far less than to find out which rows break which rule
        raise _broken(name, schema, ordered)
    return ordered


def _schema(name: str, columns: pl.Schema, dictionary: Mapping[str, type[dy.Schema]]) -> type[dy.Schema]:
    """The table's contract, if these are its columns."""
    if name not in dictionary:
        raise StoreError("store.unknown_table", table=name, known=", ".join(dictionary))
    schema = dictionary[name]
    expected = schema.create_empty().schema
    found = written(pl.DataFrame(schema=columns)).schema
    wrong = [
        f"{column} {found.get(column, 'missing')}≠{expected.get(column, 'none')}"
        for column in dict.fromkeys([*expected, *found])
        if found.get(column) != expected.get(column)
    ]
    if wrong:
        raise StoreError("store.columns_differ", table=name, columns=", ".join(wrong))
    return schema


def _broken(name: str, schema: type[dy.Schema], rows: pl.DataFrame) -> StoreError:
    """The rules that rows break, each with their number."""
    broken = schema.filter(written(rows)).failure.counts()
    return StoreError(
        "store.contract_broken", table=name, rules=", ".join(f"{rule} ({count})" for rule, count in sorted(broken.items()))
    )


def _is_valid(schema: type[dy.Schema], frame: pl.DataFrame) -> bool:
    """Whether rows keep their contract; what is kept as codes is not written out for that."""
    if not any(isinstance(dtype, pl.Categorical) for dtype in frame.schema.values()):
        return schema.is_valid(frame)
    key = frame.select(schema.primary_key())
    sole = key.hash_rows().n_unique() == key.height or bool(key.is_unique().all())  # two hashes may be alike
    return sole and _row_by_row(schema, frame.schema).is_valid(frame)


def _row_by_row(schema: type[dy.Schema], kept: pl.Schema) -> type[dy.Schema]:
    """The contract without its key, for rows that are kept so, their text as codes."""
    coded = {name: dtype.categories for name, dtype in kept.items() if isinstance(dtype, pl.Categorical)}
    columns = {name: copy(column) for name, column in schema.columns().items()}
    for name, column in columns.items():
        column.primary_key = False
        if name in coded:
            columns[name] = dy.Categorical(coded[name], nullable=column.nullable, check=column.check)
    return new_class(schema.__name__, (schema,), exec_body=lambda body: body.update(columns))
