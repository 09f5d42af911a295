"""Ids of results: the hash of their key, never of file or row."""

from __future__ import annotations

from hashlib import sha256

import polars as pl

KEY = ("programme", "round", "sample", "item", "lab", "role", "replicate", "revision")
"""What makes a result the one it is."""


def result_ids(rows: pl.DataFrame) -> pl.Series:
    """`core.provenance.digest` of each row's key, absent parts empty, numbers as text."""
    parts = [pl.col(name).cast(pl.String).fill_null("") for name in KEY]
    measured = [piece for part in parts for piece in (part.str.len_chars().cast(pl.String), pl.lit(":"), part)]
    keys = rows.select(pl.concat_str(measured).cast(pl.Binary)).to_series()
    return pl.Series("result", [sha256(key).hexdigest() for key in keys.to_list()], dtype=pl.String).str.slice(0, 20)
