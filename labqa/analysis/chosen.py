"""Pairs of first and second results on the scale where σR is 1, with what chose them; and all first results of the items."""

from __future__ import annotations

import polars as pl

from labqa.analysis.pairing import TEST, tests
from labqa.core.vocabulary import NUMERIC_SCALES, PairKind, Qualifier, Role, Trigger
from labqa.stats.selection.scale import levelled

BLUNDER = 10.0
"""Differences beyond this many σR are no differences of measurement, but of unit, decimal or item."""
LIMITS = ("lower_limit", "upper_limit")
_SCALE = ("sigma_R_constant", "sigma_R_slope")


def scaled_pairs(results: pl.DataFrame, pairs: pl.DataFrame, items: pl.DataFrame, yardsticks: pl.DataFrame) -> pl.DataFrame:
    """First retests between two named laboratories, both quantified, of numeric items with a yardstick, sorted by pair.

    Columns pair, sample, item, trigger, first, second (laboratories), x1, x2, objection, `side` (+1 where failing means high,
    −1 low, null without a limit: that of the limit nearer to the original), `one_sided`, `blind`, `probability`.
    """
    usable = pairs.filter(
        (pl.col("kind") == str(PairKind.BETWEEN)) & (pl.col("order") == 1) & (pl.col("role") == str(Role.RETEST))
        & (pl.col("original_qualifier") == str(Qualifier.QUANTIFIED))
        & (pl.col("retest_qualifier") == str(Qualifier.QUANTIFIED))
    )  # fmt: skip
    told = results.filter(pl.col("role") == str(Role.RETEST)).select(
        retest_result="result", blind="retest_blind", probability="selection_probability"
    )
    rows = _with_scale(usable, items, yardsticks).join(told, on="retest_result", how="left").sort("pair")
    rows = _levelled(_levelled(rows, "original_value", "x1"), "retest_value", "x2").drop_nulls(["x1", "x2"])
    to_lower, to_upper = (pl.col("original_value") - pl.col(LIMITS[0])), (pl.col(LIMITS[1]) - pl.col("original_value"))
    low, high = (pl.col(name).is_not_null() for name in LIMITS)
    side = (
        pl.when(low & high)
        .then(pl.when(to_upper <= to_lower).then(1.0).otherwise(-1.0))
        .when(high)
        .then(1.0)
        .when(low)
        .then(-1.0)
    )
    return rows.select(
        "pair", "sample", "item", "trigger", "x1", "x2", "blind", "probability",
        first="original_lab", second="retest_lab", side=side, one_sided=low != high,
        objection=pl.col("trigger").eq_missing(pl.lit(str(Trigger.OBJECTION))),
    )  # fmt: skip


def first_results(results: pl.DataFrame, items: pl.DataFrame, yardsticks: pl.DataFrame) -> pl.DataFrame:
    """All first results of named laboratories, retested or not: item, result, x1 (null where it is not quantified)."""
    first = (pl.col("role") == str(Role.ORIGINAL)) & pl.col("lab").is_not_null()
    originals = tests(results.select(*TEST, "result").filter(first))
    return (
        _levelled(_with_scale(originals, items, yardsticks), "value", "x1")
        .select("item", "result", "x1")
        .sort("item", "result")
    )


def without_blunders(pairs: pl.DataFrame) -> pl.DataFrame:
    """Pairs whose results differ by `BLUNDER` at most: a few unit slips would make every error look heavy-tailed."""
    return pairs.filter((pl.col("x1") - pl.col("x2")).abs() <= BLUNDER)


def _with_scale(rows: pl.DataFrame, items: pl.DataFrame, yardsticks: pl.DataFrame) -> pl.DataFrame:
    """Rows of numeric items with a yardstick, with limits and σR."""
    numeric = items.filter(pl.col("scale").is_in([str(one) for one in NUMERIC_SCALES])).select("item", *LIMITS)
    known = numeric.join(yardsticks.drop_nulls("sigma_R_constant").select("item", *_SCALE), on="item")
    return rows.join(known, on="item", how="inner", maintain_order="left")


def _levelled(rows: pl.DataFrame, name: str, as_name: str) -> pl.DataFrame:
    """Adds a column of values on the scale where σR is 1."""
    value, constant, slope = (rows[one].cast(pl.Float64).fill_null(float("nan")).to_numpy() for one in (name, *_SCALE))
    return rows.with_columns(pl.Series(as_name, levelled(value, constant, slope), nan_to_null=True))
