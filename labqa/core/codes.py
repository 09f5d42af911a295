"""Text as codes of its distinct texts (a `Categorical` with texts of its own): what a text means is worked out once, and a cell
takes four bytes."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl


def new() -> pl.Categorical:
    """A type for a column whose distinct texts are shared with no other column."""
    return pl.Categorical(pl.Categories.random())


def count(column: pl.Series) -> int:
    """How many codes there are up to the last one that a coded column holds."""
    last = column.to_physical().max()
    return 0 if last is None else int(str(last)) + 1


def first(n: int, dtype: pl.DataType) -> pl.Series:
    """The first n distinct texts of a coded column of this type, in the order of their codes."""
    return pl.int_range(n, dtype=pl.UInt32, eager=True).cat.to(dtype).cast(pl.String)


def texts(column: pl.Series) -> pl.Series:
    """The distinct texts of a coded column, in the order of their codes."""
    return first(count(column), column.dtype).alias(column.name)


def gathered(said: pl.Series, column: pl.Series) -> pl.Series:
    """What each cell of a coded column says, given what its distinct texts do."""
    return said.gather(column.to_physical())


def read(column: pl.Series, reading: pl.Expr) -> pl.Series:
    """What each cell of a column means; of a coded one each distinct text is read once, unless it has more texts than cells,
    and one cell if all say the same."""
    if column.len() and is_uniform(column):
        return column.head(1).cast(pl.String).to_frame().select(reading).to_series().new_from_index(0, column.len())
    distinct = texts(column) if isinstance(column.dtype, pl.Categorical) else column
    if distinct.len() >= column.len():
        return column.cast(pl.String).to_frame().select(reading).to_series()
    return gathered(distinct.to_frame().select(reading).to_series(), column)


def written(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with their codes written out as text."""
    return rows.with_columns(pl.col(pl.Categorical).cast(pl.String))


def coded(rows: pl.DataFrame, types: Mapping[str, pl.Categorical]) -> pl.DataFrame:
    """The rows with their text as codes of these types; what is coded already stays so."""
    return rows.with_columns(pl.col(name).cast(types[name]) for name, dtype in rows.schema.items() if dtype == pl.String)


def ranks(column: pl.Series) -> pl.Series:
    """The places of cells, coded or not, in the order of their texts, alike for like texts; null where nothing is said."""
    if not isinstance(column.dtype, pl.Categorical):
        return column.rank("dense")
    return gathered(texts(column).rank("dense"), column)


def is_uniform(column: pl.Series) -> bool:
    """Whether every cell of a column, floats apart, says the same, or nothing."""
    if column.null_count():
        return column.null_count() == column.len()
    bare = column.to_physical()
    return not bare.dtype.is_float() and bare.min() == bare.max()
