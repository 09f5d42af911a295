"""Two samples that one laboratory seems to have interchanged: each of its result vectors fits the other sample."""

from __future__ import annotations

from typing import Any

import polars as pl

from labqa.analysis.pairing import offsets_of_runs
from labqa.analysis.pairing import tests as tests_of
from labqa.core.vocabulary import NUMERIC_SCALES, Category, PairKind, Role
from labqa.stats.scores import differences
from labqa.stats.screens.shifts import interchanged_pair

ROUND_LABS = 10
"""Laboratories that two samples of a comparison round must share before an interchange is said of them."""
ROUND_CHANCE = 0.01
"""Interchanges in comparison rounds expected by chance in the programme, at most."""
MIN_ITEMS = 3
"""Items that two samples must share before an interchange is said of them."""
_BEYOND = [str(Category.DISCREPANT), str(Category.BLUNDER_SUSPECTED)]
_KEY = ["sample", "original_lab", "retest_lab"]
LIMIT = differences.LIMIT_FACTOR * pl.col("sigma_R")
"""Limit of a pair's difference: R at its level."""
_SWAPPED = {
    "sample": pl.String,
    "original_lab": pl.String,
    "retest_lab": pl.String,
    "lab": pl.String,
    "other_sample": pl.String,
}


_ROUND_SWAPS: dict[str, Any] = {"lab": pl.String, "sample": pl.String, "other_sample": pl.String, "result": pl.List(pl.String)}


def interchanged(pairs: pl.DataFrame, discrepancies: pl.DataFrame, results: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """Tests (lab, sample) that an interchange explains, in pairs and in comparison rounds."""
    scored = pairs.join(discrepancies, on="pair", how="inner", maintain_order="left").with_columns(limit=LIMIT)
    tests = [swaps(scored).select("lab", "sample"), round_swaps(results, items).select("lab", "sample")]
    return pl.concat(tests).drop_nulls("lab").unique().sort("lab", "sample")


def swapped_samples(rows: pl.DataFrame) -> pl.DataFrame:
    """Sample, original_lab, retest_lab of pairs that an interchange explains, with `swapped` true; see `swaps`."""
    return swaps(rows).select(_KEY).unique().sort(_KEY, nulls_last=True).with_columns(swapped=pl.lit(True))


def swaps(rows: pl.DataFrame) -> pl.DataFrame:
    """Pairs of samples A, B of one laboratory (the original's or the retest's) that an interchange explains.

    Most common items (3 at least) of both differ beyond the limits as delivered, and at least four in five of them agree
    within the limits once the laboratory's two vectors change places. A biased laboratory is not taken for one:
    interchanging cannot mend both. `rows` carry pair columns, `category` and `limit` (R at the pair's level). One row a
    sample: its labs, `lab` the one that seems to have interchanged, `other_sample`.
    """
    usable = rows.filter(
        (pl.col("kind") == PairKind.BETWEEN) & (pl.col("order") == 1) & (pl.col("limit") > 0)
        & pl.col("original_value").is_not_null() & pl.col("retest_value").is_not_null()
    ).with_columns(beyond=pl.col("category").is_in(_BEYOND))  # fmt: skip
    wild = (pl.col("beyond").sum().over(_KEY) * 2 > pl.len().over(_KEY)) & (pl.len().over(_KEY) >= MIN_ITEMS)
    usable = usable.filter(wild)
    found = [
        _by(usable, "original_lab", "original_value", "retest_value"),
        _by(usable, "retest_lab", "retest_value", "original_value"),
    ]
    told = pl.concat(found).sort("lab", *_KEY, "other_sample", nulls_last=True)
    return told.unique(["lab", *_KEY], keep="first", maintain_order=True)


def round_swaps(results: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """Pairs of samples of one comparison round that a laboratory seems to have interchanged (Youden): lab, sample,
    other_sample, each sample of a pair once, with the laboratory's results on it.

    Every item that both samples have from ten laboratories or more is asked: the laboratory stands far from the others as
    reported and among them once interchanged, beyond chance among all that is asked; of several items most must say so.
    """
    numeric = items.filter(pl.col("scale").is_in([str(scale) for scale in NUMERIC_SCALES])).select("item")
    rows = (
        tests_of(results.filter((pl.col("role") == str(Role.PT)) & pl.col("lab").is_not_null()))
        .filter(pl.col("value").is_not_null())
        .join(numeric, on="item", how="semi")
        .select("round", "item", "lab", "sample", "value", "result")
    )
    key = ["round", "item", "sample", "sample_b"]
    both = rows.join(rows, on=["round", "item", "lab"], suffix="_b", nulls_equal=True)
    both = both.filter((pl.col("sample") < pl.col("sample_b")) & (pl.len().over(key) >= ROUND_LABS))
    both = both.sort(*key, "lab", nulls_last=True)
    if both.is_empty():
        return pl.DataFrame(schema=_ROUND_SWAPS)
    offsets = offsets_of_runs(both, key)
    found = interchanged_pair(both["value"].to_numpy(), both["value_b"].to_numpy(), offsets)
    asked = len(offsets) - 1
    said = both.with_columns(hit=pl.Series(found.suspected & (found.p * asked <= ROUND_CHANCE)))
    by = said.group_by("round", "lab", "sample", "sample_b", maintain_order=True).agg(
        pl.col("result").sort(), pl.col("result_b").sort(), n=pl.len(), hits=pl.col("hit").sum()
    )
    by = by.filter(2 * pl.col("hits") > pl.col("n"))
    one = by.select("lab", "sample", pl.col("sample_b").alias("other_sample"), "result")
    two = by.select("lab", pl.col("sample_b").alias("sample"), pl.col("sample").alias("other_sample"), result="result_b")
    return pl.concat([one, two]).unique(["lab", "sample"], keep="first", maintain_order=True).sort("lab", "sample")


def _by(rows: pl.DataFrame, lab: str, own: str, other: str) -> pl.DataFrame:
    """Interchanges by the laboratory in column `lab`, whose values are in column `own`."""
    part = rows.select(*_KEY, "item", "limit", swapper=lab, own=own, other=other).sort("swapper", "sample", "item")
    both = part.join(part, on=["swapper", "item"], suffix="_b").filter(pl.col("sample") != pl.col("sample_b"))
    mended = ((pl.col("own_b") - pl.col("other")).abs() <= pl.col("limit")) & (
        (pl.col("own") - pl.col("other_b")).abs() <= pl.col("limit_b")
    )
    counted = both.group_by(*_KEY, "swapper", "sample_b", maintain_order=True).agg(n=pl.len(), mended=mended.sum())
    kept = counted.filter((pl.col("n") >= MIN_ITEMS) & (pl.col("mended") >= 0.8 * pl.col("n")))
    return kept.select(*_KEY, lab="swapper", other_sample="sample_b").cast(_SWAPPED)  # type: ignore[arg-type]
