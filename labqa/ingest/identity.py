"""Ids of results: the hash of their key, never of file or row."""

from __future__ import annotations

from hashlib import sha256

import polars as pl

KEY = ("programme", "round", "sample", "item", "lab", "role", "replicate", "revision")
"""What makes a result the one it is."""
_BLOCK = 50_000
"""Rows whose keys are held at once; they take ten times as much as the ids."""


def result_ids(rows: pl.DataFrame) -> pl.Series:
    """`core.provenance.digest` of each row's key, absent parts empty, numbers as text."""
    parts = [pl.col(name).cast(pl.String).fill_null("") for name in KEY]
    measured = [piece for part in parts for piece in (part.str.len_chars().cast(pl.String), pl.lit(":"), part)]
    ids = pl.Series("result", dtype=pl.String)
    for block in rows.select(KEY).iter_slices(_BLOCK):
        keys = block.select(pl.concat_str(measured).cast(pl.Binary)).to_series()
        ids.append(pl.Series([sha256(key).hexdigest()[:20] for key in keys.to_list()], dtype=pl.String))
    return ids
