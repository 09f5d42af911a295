"""Ids of many keys at once."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

import numpy as np
import polars as pl

from labqa.core import codes

_BLOCK = 50_000
"""Rows whose keys are held at once; they take ten times as much as the ids."""
_FEW = 4_000
"""Keys that are summed at once: of so few the memory is used again for the next."""
_KEY = "\0key"
_KEPT = 10
"""Bytes of a sum that an id shows, as hex digits."""


def digests(parts: pl.DataFrame) -> pl.Series:
    """`provenance.digest` of each row of columns without nulls: text, coded or not, and whole numbers."""
    parts = parts.with_columns(column.cast(pl.String) for column in parts if _is_text_by_text(column))
    told = [_told(column) for column in parts]
    ids = pl.Series(dtype=pl.String)
    for begin in range(0, parts.height, _BLOCK):
        block = parts.slice(begin, _BLOCK)
        pieces = [piece for column, said in zip(block, told, strict=True) for piece in _pieces(column, said)]
        ids.append(_sums(block.with_columns(pl.concat_str(pieces).cast(pl.Binary).alias(_KEY))[_KEY]))
    return ids


def _is_text_by_text(column: pl.Series) -> bool:
    """Whether a column is coded, of more texts than it has cells, or of numbers that differ."""
    if isinstance(column.dtype, pl.Categorical):
        return codes.count(column) > column.len()
    return column.dtype.is_integer() and not codes.is_uniform(column)


def _told(column: pl.Series) -> str | pl.Series | None:
    """A column with its lengths before it: one text if it says the same throughout, or of each code; else None."""
    said = (pl.col(column.name).str.len_chars().cast(pl.String) + ":" + pl.col(column.name)).alias(column.name)
    if codes.is_uniform(column):
        return column.head(1).cast(pl.String).to_frame().select(said).to_series().to_list()[0] if column.len() else ""
    return codes.texts(column).to_frame().select(said).to_series() if isinstance(column.dtype, pl.Categorical) else None


def _pieces(column: pl.Series, told: str | pl.Series | None) -> Iterator[pl.Expr | pl.Series]:
    """What is written of the rows' part that stands in this column."""
    if told is None:
        yield from (pl.col(column.name).str.len_chars().cast(pl.String), pl.lit(":"), pl.col(column.name))
    else:
        yield pl.lit(told) if isinstance(told, str) else codes.gathered(told, column)


def _sums(keys: pl.Series) -> pl.Series:
    few = (keys.slice(begin, _FEW).to_list() for begin in range(0, keys.len(), _FEW))
    summed = np.frombuffer(b"".join(b"".join([sha256(key).digest() for key in some]) for some in few), np.uint8)
    kept = pl.Series(np.ascontiguousarray(summed.reshape(-1, sha256().digest_size)[:, :_KEPT]))
    return kept.cast(pl.List(pl.UInt8)).cast(pl.Binary).bin.encode("hex")
