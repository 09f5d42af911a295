"""Which results should agree: of each item, sets of results between laboratories, and of one laboratory and run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from labqa.analysis.pairing import ORDER, replicates
from labqa.analysis.pairing import tests as tests_of
from labqa.core.vocabulary import PairKind, Role, Trigger
from labqa.stats.precision import reproducibility as rep

_COLUMNS = ["item", "set", "lab", "value"]


@dataclass(frozen=True)
class Sets:
    """Comparable results of one item, set by set: `offsets` delimit the sets in `values`."""

    deviations: rep.Deviations
    values: NDArray[np.float64]
    offsets: NDArray[np.int64]
    labs: int
    step: float

    @property
    def n_sets(self) -> int:
        """Number of sets."""
        return len(self.offsets) - 1

    @property
    def contrasts(self) -> float:
        """Number of independent differences within sets."""
        return float(self.deviations.weight.sum())


def of_pairs(pairs: pl.DataFrame, kind: PairKind) -> pl.DataFrame:
    """Both results of first pairs of that kind, both quantified, objection retests left out."""
    usable = pairs.filter(
        (pl.col("kind") == kind)
        & (pl.col("order") == 1)
        & (pl.col("role") == Role.RETEST)
        & pl.col("trigger").ne_missing(pl.lit(str(Trigger.OBJECTION)))
        & pl.col("original_value").is_not_null()
        & pl.col("retest_value").is_not_null()
    )
    halves = [
        usable.select(
            "item", pl.col("pair").alias("set"), pl.col(f"{part}_lab").alias("lab"), pl.col(f"{part}_value").alias("value")
        )
        for part in ("original", "retest")
    ]
    return pl.concat(halves)


def of_rounds(results: pl.DataFrame) -> pl.DataFrame:
    """Comparison rounds: one value a named laboratory, a set a sample and item."""
    rows = tests_of(results.filter(pl.col("role") == Role.PT)).filter(
        pl.col("value").is_not_null() & pl.col("lab").is_not_null()
    )
    return rows.select("item", pl.col("sample").alias("set"), "lab", "value")


def of_replicates(results: pl.DataFrame) -> pl.DataFrame:
    """Replicates of one laboratory in one role and run, where they are replicates of one test."""
    conditions = pl.concat_str("sample", "role", "lab", pl.col("run").fill_null(""), separator="\0")
    columns = results.select(*ORDER, "run", "value")
    return replicates(columns).select("item", conditions.alias("set"), "lab", "value")


def by_item(rows: pl.DataFrame) -> dict[str, Sets]:
    """Sets of each item, in a fixed order."""
    ordered = rows.sort("item", "set", "lab", "value", nulls_last=True)
    return {str(key[0]): sets_of(part) for key, part in ordered.group_by("item", maintain_order=True)}


def sets_of(part: pl.DataFrame) -> Sets:
    """Sets of one item, from rows in the order of their sets."""
    begins = part.select(pl.col("set").ne_missing(pl.col("set").shift(1))).to_series().to_numpy()
    begins[:1] = True
    offsets = np.append(np.flatnonzero(begins), part.height).astype(np.int64)
    values = part["value"].to_numpy()
    return Sets(rep.deviations(values, offsets), values, offsets, part["lab"].n_unique(), _step(values, offsets))


def _step(values: NDArray[np.float64], offsets: NDArray[np.int64]) -> float:
    """Smallest difference within a set that is not 0 (nor the noise of binary fractions); 0 if there is none."""
    gaps = np.abs(np.diff(values))
    gaps[offsets[1:-1] - 1] = 0.0
    seen = gaps[gaps > 1e-9 * np.abs(values[1:])]
    return float(seen.min()) if len(seen) else 0.0
