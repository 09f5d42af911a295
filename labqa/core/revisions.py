"""Revisions: what a result goes by whatever its revision, and which revision of it is in force."""

from __future__ import annotations

import polars as pl

KEY = ("programme", "sample", "item", "role", "lab", "replicate")
"""What a result goes by whatever its revision; its round is its sample's."""


def in_force(results: pl.DataFrame) -> pl.DataFrame:
    """The last revision of every result, in the order given. One that says "/" takes the result back."""
    revised = results.filter(pl.col("revision") > 0)
    if revised.is_empty():
        return results
    last = revised.group_by(KEY).agg(pl.col("revision").max().alias("\0last"))
    met = results.join(last, on=KEY, how="left", nulls_equal=True, maintain_order="left")
    return met.filter((pl.col("revision") == pl.col("\0last")).fill_null(value=True)).drop("\0last")
