"""Ids of results: the hash of their key, never of file or row."""

from __future__ import annotations

import polars as pl

from labqa.core.digests import digests

KEY = ("programme", "round", "sample", "item", "lab", "role", "replicate", "revision")
"""What makes a result the one it is."""


def result_ids(rows: pl.DataFrame) -> pl.Series:
    """`core.provenance.digest` of each row's key, absent parts empty, numbers as text."""
    key = rows.select(KEY)
    lacking = key.select(part.name for part in key if part.null_count()).with_columns(pl.col(pl.Int64).cast(pl.String))
    return digests(key.with_columns(lacking.with_columns(pl.all().fill_null("")))).alias("result")
