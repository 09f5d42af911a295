"""What may be claimed of a laboratory: no page, drawing or table gets a figure whose sign may not be told."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from labqa.core.vocabulary import Status

CLAIMS = (
    "estimate",
    "se",
    "lower",
    "upper",
    "shrunken",
    "oriented",
    "oriented_lower",
    "oriented_upper",
    "tau",
    "tau_lower",
    "tau_upper",
)
"""What is said of a laboratory only where its status is `assessed`."""
CONTRASTS = (
    "direct", "direct_lower", "direct_upper", "indirect", "indirect_lower", "indirect_upper",
    "network", "lower", "upper", "inconsistency",
)  # fmt: skip
"""What of a contrast tells which of two laboratories reads higher."""


def claimable(bias: pl.DataFrame, *, figures: Iterable[str] = CLAIMS) -> pl.DataFrame:
    """Biases without any figure that may not be claimed, so that no page, drawing or table can show its sign."""
    assessed = pl.col("status") == str(Status.ASSESSED)
    return bias.with_columns(pl.when(assessed).then(pl.col(name)).alias(name) for name in figures)
