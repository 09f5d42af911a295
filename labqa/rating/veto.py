"""The literal counting rule: outlying comparison results within the look-back years, beside what chance alone would give."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from labqa.core.errors import EvaluationError
from labqa.core.vocabulary import Scope
from labqa.rating.rulesets import Edition
from labqa.stats import counting

COUNTED = {"item": "pt_outliers", "round": "pt_outlying_rounds"}
PAIRS = "pair_outliers"
CORRELATION = "pt_correlation"
Floats = NDArray[np.float64]


def counts(indicators: pl.DataFrame, labs: pl.Series, edition: Edition) -> pl.DataFrame:
    """One row a laboratory: `veto`, the veto columns of RATINGS, and `veto_evidence`.

    Expected and both chances are of a blameless laboratory whose scores are standard normal, with as many results: binomial
    if independent, beta-binomial if correlated. The correlation of the scores (`pt_correlation`) is turned into that of the
    events |Z| > limit, which is smaller; absent, it counts as none. A null count is no outlier.
    """
    limit, needed = edition.number("z_limit"), edition.whole("veto_count")
    unit = COUNTED[str(edition.value("veto_unit"))]
    _check_counted(indicators, f"{unit}_{limit:g}", f"{COUNTED['item']}_{limit:g}")
    frame = pl.DataFrame({"lab": labs}).unique().sort("lab")
    for name, indicator in (
        ("pt", f"{unit}_{limit:g}"),
        ("items", f"{COUNTED['item']}_{limit:g}"),
        ("pair", f"{PAIRS}_{limit:g}"),
        ("rho", CORRELATION),
    ):
        frame = frame.join(_of_lab(indicators, indicator, name), on="lab", how="left")
    frame = frame.with_columns(pl.col("pt", "pt_n", "items_n", "pair", "pair_n", "rho").fill_null(0.0))
    with_pairs = edition.value("veto_counts_pairs") is True
    pairs = frame["pair_n"].to_numpy() * with_pairs
    outliers = frame["pt"].to_numpy() + frame["pair"].to_numpy() * with_pairs
    results = frame["pt_n"].to_numpy() + pairs
    p = _chance_of_one(frame, pairs, edition)
    events = counting.exceedance_correlation(frame["rho"].to_numpy(), limit=limit)
    return frame.select(
        "lab",
        veto=pl.Series(outliers >= needed),
        veto_outliers=pl.Series(outliers).cast(pl.Int64),
        veto_results=pl.Series(results).cast(pl.Int64),
        veto_expected=pl.Series(results * p),
        veto_chance=pl.Series(counting.chance_of_count(results, at_least=needed, p=p)),
        veto_chance_correlated=pl.Series(
            counting.chance_of_count_correlated(results, at_least=needed, p=p, correlation=events)
        ),
        veto_if_pairs_counted=(pl.col("pt") + pl.col("pair")) >= needed,
        pair_outliers=pl.col("pair").cast(pl.Int64),
        veto_evidence=pl.col("pt_evidence").fill_null([]),
    )


def _check_counted(indicators: pl.DataFrame, counted: str, item: str) -> None:
    """Refuses to read "none outlying" from a count that nobody made."""
    made = indicators["indicator"].unique()
    if item in made and counted not in made:
        raise EvaluationError("rating.not_counted", indicator=counted)


def _of_lab(indicators: pl.DataFrame, indicator: str, name: str) -> pl.DataFrame:
    """Estimate, n and evidence of one indicator at laboratory scope, under the names of a count."""
    rows = indicators.filter((pl.col("indicator") == indicator) & (pl.col("scope") == str(Scope.LAB)))
    return rows.select(
        "lab",
        pl.col("estimate").alias(name),
        pl.col("n").cast(pl.Float64).alias(f"{name}_n"),
        pl.col("evidence").alias(f"{name}_evidence"),
    )


def _chance_of_one(frame: pl.DataFrame, pairs: Floats, edition: Edition) -> Floats:
    """Mean chance that one counted unit of a blameless laboratory is outlying; a round is, where any of its items is."""
    one = counting.chance_outlying(edition.number("z_limit"))
    if edition.value("veto_unit") == "item":
        return np.full(frame.height, one)
    rounds = frame["pt_n"].to_numpy()
    items_a_round = np.maximum(frame["items_n"].to_numpy() / np.maximum(rounds, 1.0), 1.0)
    of_round = 1.0 - (1.0 - one) ** items_a_round
    return np.asarray((rounds * of_round + pairs * one) / np.maximum(rounds + pairs, 1.0))
