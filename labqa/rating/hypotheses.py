"""The hypotheses that an edition tests of each assessed laboratory, with one error rate shared among them."""

from __future__ import annotations

import numpy as np
import polars as pl

from labqa.core.vocabulary import Scope, Status
from labqa.rating.rulesets import Edition
from labqa.stats import bounds

_INTERVAL = ["lower", "upper"]


def tested(indicators: pl.DataFrame, edition: Edition) -> pl.DataFrame:
    """Rows of INDICATORS that are tested (mean bias, item biases, precision, gross errors) and what the test says of each.

    Columns added: `line`, `p`, `p_strict`, `m`, `alpha`, `found`, and for gross errors `share`, `expected` and `n_others`.
    `m` hypotheses of a laboratory share the edition's error rate by Bonferroni (`alpha`), so that a blameless laboratory
    meets an unjust deduction with at most that chance a year. `p_strict` is the worst p over yardsticks larger and smaller
    by the edition's swing; `found` needs p_strict ≤ alpha. A row that lacks its
    estimate, error or interval is never tested; a bias without stated degrees of freedom has a normal interval.
    """
    bias = _rows(indicators, edition, "bias", [Scope.LAB, Scope.ITEM]).drop_nulls(["estimate", "se", *_INTERVAL])
    bias = bias.with_columns(pl.col("df").fill_null(float("inf")))
    precision = _rows(indicators, edition, "precision", [Scope.LAB]).drop_nulls(["estimate", "df", *_INTERVAL])
    parts = [_bias_tests(bias, edition), _precision_tests(precision, edition), _gross_tests(indicators, edition)]
    rows = pl.concat(parts, how="diagonal")
    rows = rows.with_columns(m=pl.len().over("lab"))
    rows = rows.with_columns(alpha=edition.number("error_rate") / pl.col("m"))
    return rows.with_columns(found=pl.col("p_strict") <= pl.col("alpha")).sort("lab", "line", "scope", "scope_id")


def assessed(indicators: pl.DataFrame, edition: Edition) -> pl.DataFrame:
    """Status and reason of each laboratory: those of its mean bias."""
    mean = (pl.col("indicator") == edition.lines["bias"].indicator) & (pl.col("scope") == str(Scope.LAB))
    return indicators.filter(mean).select("lab", "status", "reason", "n")


def _rows(indicators: pl.DataFrame, edition: Edition, line: str, scopes: list[Scope]) -> pl.DataFrame:
    """Assessed rows of a line's indicator, of laboratories that have enough evidence at all."""
    too_little = assessed(indicators, edition).filter(pl.col("status") == str(Status.NOT_ASSESSED))
    wanted = (
        (pl.col("indicator") == edition.lines[line].indicator)
        & pl.col("scope").is_in([str(scope) for scope in scopes])
        & (pl.col("status") == str(Status.ASSESSED))
    )
    rows = indicators.filter(wanted).join(too_little, on="lab", how="anti")
    return rows.sort("lab", "scope", "scope_id").with_columns(line=pl.lit(line))


def _bias_tests(rows: pl.DataFrame, edition: Edition) -> pl.DataFrame:
    """H0 |b| ≤ δ0 at the yardstick as it is, and with σR (hence estimate and error) scaled up and down."""
    estimate, se, df = (rows[name].to_numpy() for name in ("estimate", "se", "df"))
    swing, bound = edition.number("yardstick_swing"), edition.number("tolerated_bias")
    p, *rescaled = (bounds.p_bias_above(estimate / c, se / c, df, bound=bound) for c in (1.0, 1.0 + swing, 1.0 - swing))
    return rows.with_columns(p=pl.Series(p), p_strict=pl.Series(np.maximum.reduce([p, *rescaled])))


def _precision_tests(rows: pl.DataFrame, edition: Edition) -> pl.DataFrame:
    """H0 ratio ≤ bound; a ratio of two SDs does not change with the yardstick."""
    ratio, df = (rows[name].to_numpy() for name in ("estimate", "df"))
    p = bounds.p_ratio_above(ratio, df, bound=edition.number("tolerated_precision"))
    return rows.with_columns(p=pl.Series(p), p_strict=pl.Series(p))


def _gross_tests(indicators: pl.DataFrame, edition: Edition) -> pl.DataFrame:
    """H0: a laboratory's tests show gross errors as often as its partners lead one to expect, and in the tolerated share
    beside; counted without the partner on whom it rests most."""
    rows = _rows(indicators, edition, "gross", [Scope.LAB]).drop_nulls(["estimate", *_INTERVAL])
    share, expected = (
        indicators.filter(pl.col("indicator") == name).select("lab", "n", "estimate")
        for name in ("gross_share_others", "gross_expected_others")
    )
    told = (
        rows.select("lab")
        .join(share.select("lab", "n", share="estimate"), on="lab", how="left", maintain_order="left")
        .join(expected.select("lab", expected="estimate"), on="lab", how="left", maintain_order="left")
    )
    n, shown, peers = (told[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in ("n", "share", "expected"))
    p = bounds.p_count_above(np.rint(shown * n), n, peers + edition.number("tolerated_gross"))
    tested = rows.with_columns(p=pl.Series(p, dtype=pl.Float64).fill_nan(1.0))
    return tested.with_columns(p_strict=pl.col("p"), share=told["share"], expected=told["expected"], n_others=told["n"])
