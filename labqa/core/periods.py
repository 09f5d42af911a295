"""Rows of some years: `period` is a year, or null for undated rounds."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl


def of_years(frame: pl.DataFrame, years: Iterable[int | None]) -> pl.DataFrame:
    """Rows whose period is one of `years`, the frame itself where all are; None stands for undated rounds."""
    kept = frame["period"].is_in([*years], nulls_equal=True)
    return frame if kept.all() else frame.filter(kept)
