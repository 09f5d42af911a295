"""Ids of results: the hash of their key, never of file or row."""

from __future__ import annotations

import polars as pl

from labqa.core.digests import digests

KEY = ("programme", "round", "sample", "item", "lab", "role", "replicate", "revision")
"""What makes a result the one it is."""
_BLOCK = 50_000
"""Rows whose keys are held at once; they take ten times as much as the ids."""


def result_ids(rows: pl.DataFrame) -> pl.Series:
    """`core.provenance.digest` of each row's key, absent parts empty, numbers as text."""
    ids = pl.Series("result", dtype=pl.String)
    for block in rows.select(KEY).iter_slices(_BLOCK):
        ids.append(digests(block.select(pl.col(KEY).cast(pl.String).fill_null(""))))
    return ids
