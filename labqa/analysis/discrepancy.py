"""How the two results of a pair differ: scores on the yardstick, verdicts on the limits, and the category.

The scale of a pair between two laboratories is σR at the mean of the two, that of a duplicate σr; where a value is the mean
of several replicates, σ is that of the critical difference (ISO 5725-6, 4.2.2). `sigma_R` holds the σ that was used.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from labqa.analysis import swaps, uncertainty, verdicts
from labqa.analysis.comparison import pt_scores as pt_scores
from labqa.analysis.pairing import TEST
from labqa.analysis.pairing import tests as tests_of
from labqa.analysis.scale import SIGMA_COLUMNS, sigma_between, sigma_within
from labqa.core import tables as t
from labqa.core.vocabulary import NUMERIC_SCALES, Category, PairKind, Scale
from labqa.stats.scores import agreement, differences

Floats = NDArray[np.float64]
_CATEGORIES = [Category.AGREE, Category.WITHIN_LIMITS, Category.DISCREPANT, Category.BLUNDER_SUSPECTED, Category.NOT_ASSESSED]
_BEYOND = [str(Category.DISCREPANT), str(Category.BLUNDER_SUSPECTED)]
ORDINAL_AGREES = 0.5
"""Grades by which two results of an ordinal item may differ and still agree."""
SUSPECT_ITEMS = 3
"""Items of a sample from which "most of them differ" is said."""


def discrepancies(pairs: pl.DataFrame, items: pl.DataFrame, yardsticks: pl.DataFrame, results: pl.DataFrame) -> pl.DataFrame:
    """DISCREPANCIES: one row a pair, in the order of `pairs`.

    Categories of numeric items, |Δ| over the limit (R between laboratories, r for duplicates): agree ≤ 0.5, within limits
    ≤ 1, else discrepant; blunder suspected where the two differ by a power of ten or |D| > 10. Censored results agree
    where their intervals overlap, else they are measured between the near ends. Ordinal results agree within half a
    grade, binary ones if equal.
    """
    rows = _joined(pairs, items, yardsticks, results)
    rows = uncertainty.with_second_opinion(rows, results)
    rows = rows.with_columns(_category(rows), *verdicts.of_pairs(rows))
    rows = rows.with_columns(sample_suspected=_suspected(rows))
    return t.shaped(rows, t.Discrepancies)


def with_sample_causes(rows: pl.DataFrame, pairs: pl.DataFrame, blocks: pl.DataFrame) -> pl.DataFrame:
    """DISCREPANCIES with `sample_suspected` also where the bias fit charged a block to the sample."""
    apart = blocks.filter(pl.col("why_not") == "bias.sample_differs").select("block")
    found = pairs.join(apart, on="block", how="semi")["pair"].to_list()
    return rows.with_columns(sample_suspected=pl.col("sample_suspected") | pl.col("pair").is_in(found))


def _joined(pairs: pl.DataFrame, items: pl.DataFrame, yardsticks: pl.DataFrame, results: pl.DataFrame) -> pl.DataFrame:
    """Pairs with both tests (interval, n, u), their item's limits, and Δ, level, σ, D and |Δ|/R."""
    carried = ["lower", "upper", "n", "u", "rest"]
    tests = tests_of(results.select(*TEST, "result", "u")).select("result", *carried)
    rows = pairs.with_columns(original=pl.col("original_result"), retest=pl.col("retest_result"))
    for part in ("original", "retest"):
        named = tests.rename({name: f"{part}_{name}" for name in carried}).rename({"result": part})
        rows = rows.join(named, on=part, how="left", maintain_order="left")
    rows = rows.join(items.drop("method"), on="item", how="left", maintain_order="left")
    rows = rows.join(yardsticks.select("item", *SIGMA_COLUMNS), on="item", how="left", maintain_order="left")
    numeric = pl.col("scale").is_in([str(scale) for scale in NUMERIC_SCALES])
    delta = pl.col("retest_value") - pl.col("original_value")
    delta += pl.col("retest_rest").fill_null(0.0) - pl.col("original_rest").fill_null(0.0)
    level = (pl.col("retest_value") + pl.col("original_value")) / 2
    gap, gap_level = agreement.interval_gap(
        *(_end(rows, part, end) for part in ("original", "retest") for end in ("lower", "upper"))
    )
    rows = rows.with_columns(
        delta=delta,
        level=pl.when(numeric).then(level),
        gap=pl.Series(gap, nan_to_null=True),
        gap_level=pl.Series(gap_level, nan_to_null=True),
    )
    single = pl.coalesce("level", "gap_level")
    rows = rows.with_columns(sigma_R=pl.when(numeric).then(_sigma(single)), limit=differences.LIMIT_FACTOR * _sigma(single))
    sigma = rows["sigma_R"].fill_null(float("nan")).to_numpy()
    change = rows["delta"].fill_null(float("nan")).to_numpy()
    relative = pl.when(numeric & (pl.col("level").abs() > 0)).then(pl.col("delta") / pl.col("level").abs())
    return rows.with_columns(
        delta_relative=relative,
        d=pl.Series(differences.d_score(change, sigma), nan_to_null=True),
        r_ratio=pl.Series(differences.limit_ratio(change, sigma), nan_to_null=True),
    )


def _sigma(level: pl.Expr) -> pl.Expr:
    """σ of the pair as that of one result: CD/2.8 of means of n1 and n2 results, 1 each: σR (or σr for a duplicate)."""
    share = 1 - 0.5 / pl.col("original_n") - 0.5 / pl.col("retest_n")
    within = sigma_within(level)
    squared = sigma_between(level) ** 2 - within.fill_null(0.0) ** 2 * share
    between = pl.when(squared > 0).then(squared).otherwise(sigma_between(level) ** 2).sqrt()
    duplicate = within * ((1 / pl.col("original_n") + 1 / pl.col("retest_n")) / 2).sqrt()
    return pl.when(pl.col("kind") == PairKind.BETWEEN).then(between).otherwise(duplicate)


def _end(rows: pl.DataFrame, part: str, end: str) -> Floats:
    """End of the interval of one of the two results, an open one ±inf; NaN where there is no result."""
    known = pl.col(f"{part}_qualifier").is_not_null()
    open_end = float("-inf") if end == "lower" else float("inf")
    column = pl.when(known).then(pl.col(f"{part}_{end}").fill_null(open_end)).otherwise(float("nan"))
    return rows.select(column.cast(pl.Float64)).to_series().to_numpy()


def _category(rows: pl.DataFrame) -> pl.Series:
    """Category of each pair, by the scale of its item."""
    scale = rows["scale"].to_numpy()
    both = rows.select(pl.col("delta").is_not_null()).to_series().to_numpy()
    delta, gap, sigma, d, ratio = (
        rows[name].fill_null(float("nan")).to_numpy() for name in ("delta", "gap", "sigma_R", "d", "r_ratio")
    )
    found = agreement.by_ratio(ratio)
    found = np.where(np.abs(d) > agreement.BLUNDER_D, agreement.BLUNDER, found)
    slipped = (scale == str(Scale.RATIO)) & (_slips(rows) != 0)
    found = np.where(slipped & (found == agreement.DISCREPANT), agreement.BLUNDER, found)
    apart = agreement.by_ratio(differences.limit_ratio(gap, sigma))
    found = np.where(both, found, np.where(gap == 0.0, agreement.AGREE, apart))
    found = np.where(np.isnan(gap), agreement.UNKNOWN, found)
    graded = np.where(np.abs(np.where(both, delta, gap)) <= ORDINAL_AGREES, agreement.AGREE, agreement.DISCREPANT)
    binary = np.where(gap == 0.0, agreement.AGREE, agreement.DISCREPANT)
    found = np.where((scale == str(Scale.ORDINAL)) & ~np.isnan(gap), graded, found)
    found = np.where((scale == str(Scale.BINARY)) & ~np.isnan(gap), binary, found)
    return pl.Series("category", [str(one) for one in _CATEGORIES]).gather(found.astype(np.int64))


def _slips(rows: pl.DataFrame) -> NDArray[np.int8]:
    """Power of ten between the two results, each judged by the limit at its own level."""
    limits = rows.select(
        first=differences.LIMIT_FACTOR * _sigma(pl.col("original_value")),
        second=differences.LIMIT_FACTOR * _sigma(pl.col("retest_value")),
    ).fill_null(float("nan"))
    first, second = (rows[name].fill_null(float("nan")).to_numpy() for name in ("original_value", "retest_value"))
    return agreement.slip_power(first, second, limits["first"].to_numpy(), limits["second"].to_numpy())


def _suspected(rows: pl.DataFrame) -> pl.Series:
    """Most of the sample's items (3 or more) differ beyond the limits between the same two labs, or a swap explains it."""
    group = ["sample", "original_lab", "retest_lab"]
    counts = (pl.col("kind") == PairKind.BETWEEN) & (pl.col("category") != str(Category.NOT_ASSESSED))
    beyond = counts & pl.col("category").is_in(_BEYOND)
    seen, most = counts.sum().over(group), beyond.sum().over(group)
    told = rows.select(named=(pl.col("kind") == PairKind.BETWEEN) & (seen >= SUSPECT_ITEMS) & (2 * most > seen)).to_series()
    swapped = swaps.swapped_samples(rows)
    key = rows.select("sample", "original_lab", "retest_lab")
    return told | key.join(swapped, on=key.columns, how="left", maintain_order="left")["swapped"].fill_null(False)
