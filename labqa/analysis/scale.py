"""σ of an item at a level, from its yardstick."""

from __future__ import annotations

import polars as pl

SIGMA_COLUMNS = ("sigma_r_constant", "sigma_r_slope", "sigma_R_constant", "sigma_R_slope")


def sigma_between(level: pl.Expr) -> pl.Expr:
    """σR at |level|; null without a yardstick or where it is not above 0."""
    return _at(level, "sigma_R_constant", "sigma_R_slope")


def sigma_within(level: pl.Expr) -> pl.Expr:
    """σr at |level|; null where it is not known or not above 0."""
    return _at(level, "sigma_r_constant", "sigma_r_slope")


def _at(level: pl.Expr, constant: str, slope: str) -> pl.Expr:
    sigma = pl.col(constant) + pl.col(slope) * level.abs()
    return pl.when(sigma > 0).then(sigma)
