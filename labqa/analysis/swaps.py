"""Two samples that one laboratory seems to have interchanged: each of its result vectors fits the other sample."""

from __future__ import annotations

import polars as pl

from labqa.core.vocabulary import Category, PairKind

MIN_ITEMS = 3
"""Items that two samples must share before an interchange is said of them."""
_BEYOND = [str(Category.DISCREPANT), str(Category.BLUNDER_SUSPECTED)]
_KEY = ["sample", "original_lab", "retest_lab"]
_SWAPPED = {
    "sample": pl.String,
    "original_lab": pl.String,
    "retest_lab": pl.String,
    "lab": pl.String,
    "other_sample": pl.String,
}


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
