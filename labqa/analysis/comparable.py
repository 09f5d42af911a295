"""What laboratories stated of the same sample and item, one interval a laboratory, for analyses other than the fit in σR."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from labqa.analysis.observations import ANCHOR, by_objection, measured, starts
from labqa.core.vocabulary import Qualifier

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Stated:
    """Intervals sorted by item, sample and laboratory: columns as arrays, codes into the sorted names."""

    frame: pl.DataFrame
    labs: list[str]
    start: Ints
    lab: Ints
    run: Ints
    low: Floats
    high: Floats


def stated(results: pl.DataFrame, blocks: pl.DataFrame, *, include_objection: bool) -> pl.DataFrame:
    """One row a block and laboratory of what it stated of the item: `low`, `high` (equal: a number; ±inf: open), `censored`.

    Blocks of two laboratories or more, without objection retests unless they are included. Several numbers of a laboratory
    count as their lower median, so that a grade stays one that was given; a number and a censored result as the
    interval from the lowest to the highest that they state.
    """
    named = measured(results, blocks).filter(pl.col("lab") != ANCHOR)
    allowed = by_objection(named, include_objection=include_objection).filter(~pl.col("by_objection"))
    kept = named.join(allowed.select("block"), on="block", how="semi")
    if not include_objection:
        kept = kept.filter(~pl.col("objection"))
    number = pl.col("qualifier") == str(Qualifier.QUANTIFIED)
    low = pl.when(number).then("value").otherwise(pl.col("lower").fill_null(float("-inf")))
    high = pl.when(number).then("value").otherwise(pl.col("upper").fill_null(float("inf")))
    below = pl.col("qualifier") == str(Qualifier.BELOW)
    told = kept.with_columns(number=number, low=pl.when(below).then(float("-inf")).otherwise(low), high=high).filter(
        pl.col("low").is_not_null() & pl.col("high").is_not_null()
    )
    middle = pl.col("low").quantile(0.5, interpolation="lower")
    found = told.group_by("item", "sample", "block", "lab").agg(
        low=pl.when(pl.col("number").all()).then(middle).otherwise(pl.col("low").min()),
        high=pl.when(pl.col("number").all()).then(middle).otherwise(pl.col("high").max()),
        censored=~pl.col("number").all(),
        run=pl.col("run").drop_nulls().min(),
    )
    return found.filter(pl.len().over("block") >= 2).sort("item", "sample", "lab")


def arranged(frame: pl.DataFrame) -> Stated:
    """Rows of `stated` as arrays."""
    labs = frame["lab"].unique().sort()
    run = frame.select(pl.when(pl.col("run").is_not_null()).then(pl.format("{}\0{}", "lab", "run"))).to_series()
    code = run.rank("dense").cast(pl.Int64).fill_null(0).to_numpy() - 1
    return Stated(
        frame=frame,
        labs=labs.to_list(),
        start=starts(frame["block"].rle_id().to_numpy().astype(np.int64)),
        lab=labs.search_sorted(frame["lab"]).to_numpy().astype(np.int64) if len(labs) else np.zeros(0, np.int64),
        run=code.astype(np.int64),
        low=frame["low"].to_numpy().astype(np.float64),
        high=frame["high"].to_numpy().astype(np.float64),
    )
