"""From results to the observations of the network fit: what enters, in which unit, and why the rest does not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from labqa.core import tables as t
from labqa.core.vocabulary import NUMERIC_SCALES, BlockKind, Qualifier, Role, Trigger, YardstickSource
from labqa.stats.screens.slips import blundering

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
ANCHOR = "\0assigned"
"""Node of the assigned values: not a laboratory, its bias is 0. Sorts before every code."""
MEASURED = ("replicate", "result", "value", "rest", "lower", "upper", "qualifier", "u", "run", "tested_on")
"""Columns of RESULTS beside keys, role and trigger that the observations are made of."""
CLEAR_OF_LIMIT = 2.5
"""How many σR the mean of a block must clear the highest reporting limit of its laboratories: of blocks nearer to it those are
numbers throughout in which laboratories happen to differ little, or to read high."""


@dataclass(frozen=True)
class Observations:
    """One value a block and laboratory, sorted by item, sample and laboratory; integer codes into the sorted names.

    `y` is in units of `scale`, less the `origin` of its block, which is 0 but where a float lacks digits for the value. `days`
    are those since the original's test of the sample (0 in rounds), NaN where a day is not known.
    """

    labs: list[str]
    items: list[str]
    samples: list[str]
    families: list[str]
    block_ids: list[str]
    lab: Ints
    item: Ints
    sample: Ints
    run: Ints
    family: Ints
    block: Ints
    y: Floats
    u: Floats
    scale: Floats
    origin: Floats
    days: Floats

    @property
    def is_anchor(self) -> NDArray[np.bool_]:
        """Observations that are assigned values."""
        return np.asarray(self.lab == len(self.labs))

    def only(self, kept: NDArray[np.bool_]) -> Observations:
        """The observations `kept`, and the blocks that they make; codes of laboratories, items and samples stay."""
        block = self.block[kept]
        left = np.unique(block)
        names = ("lab", "item", "sample", "run", "family", "y", "u", "scale", "origin", "days")
        columns = {name: getattr(self, name)[kept] for name in names}
        return replace(
            self, block_ids=[self.block_ids[b] for b in left], block=np.searchsorted(left, block).astype(np.int64), **columns
        )


def observations(
    results: pl.DataFrame,
    blocks: pl.DataFrame,
    items: pl.DataFrame,
    yardsticks: pl.DataFrame,
    *,
    scale: Literal["standardised", "raw"],
    include_objection: bool,
    blunder: float | None,
) -> tuple[Observations, pl.DataFrame]:
    """The observations, and BLOCKS with `used_for_bias` and `why_not` filled."""
    judged, means = _judged(results, blocks, items, yardsticks, scale=scale, include_objection=include_objection)
    arrays = _arrays(means)
    reasons: dict[str, str] = {}
    if blunder is not None and scale != "raw" and len(arrays.y):
        arrays, reasons = _without(means, _blunders(means, starts(arrays.block), limit=blunder))
    cut = pl.DataFrame({"block": list(reasons), "cut": list(reasons.values())}, schema={"block": pl.String, "cut": pl.String})
    told = judged.join(cut, on="block", how="left").with_columns(why_not=pl.coalesce("why_not", "cut"))
    filled = blocks.drop("used_for_bias", "why_not", strict=False).join(
        told.select("block", "why_not"), on="block", how="left", maintain_order="left"
    )
    return arrays, t.shaped(filled.with_columns(used_for_bias=pl.col("why_not").is_null()), t.Blocks)


def _judged(
    results: pl.DataFrame,
    blocks: pl.DataFrame,
    items: pl.DataFrame,
    yardsticks: pl.DataFrame,
    *,
    scale: str,
    include_objection: bool,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Each block with its unit and why it may not enter, and the means of the laboratories in those that may."""
    named = measured(results, blocks)
    limit = limits(named, results, items)
    judged = _why_not_by_block(named, limit, blocks, items, yardsticks, scale=scale, include_objection=include_objection)
    usable = judged.filter(pl.col("why_not").is_null()).drop("why_not")
    kept = named.join(usable, on="block", how="inner")
    if not include_objection:
        kept = kept.filter(~pl.col("objection"))
    del named
    return judged, _means(_with_days(kept))


def measured(results: pl.DataFrame, blocks: pl.DataFrame) -> pl.DataFrame:
    """Results of named laboratories and assigned values in their last revision, with their block, where it has two or more."""
    role, trigger = pl.col("role"), pl.col("trigger")
    several = _counts() & (_counts().sum().over("sample", "item") >= 2)
    read = ("sample", "item", "lab", "role", "trigger", *MEASURED)
    shared = results.select(read).filter(results.select(several).to_series())  # told first: the window would carry all columns
    return (
        shared.sort("sample", "item", "lab", "role", "replicate")
        .select(
            "sample",
            "item",
            *MEASURED,
            lab=_node(),
            objection=trigger.eq_missing(pl.lit(str(Trigger.OBJECTION))),
            again=role.is_in([str(Role.RETEST), str(Role.REFEREE)]),
            referee=role == str(Role.REFEREE),
            first=role.is_in([str(Role.ORIGINAL), str(Role.PT), str(Role.ASSIGNED)]),
        )
        .join(blocks.select("block", "sample", "item", "family"), on=["sample", "item"], how="inner")
    )


def _counts() -> pl.Expr:
    """Whether a result says something of a named laboratory or is an assigned value."""
    somebody = pl.col("lab").is_not_null() | (pl.col("role") == str(Role.ASSIGNED))
    return (somebody & (pl.col("qualifier") != str(Qualifier.NOT_APPLICABLE))).alias("counts")


def _node() -> pl.Expr:
    """The laboratory of a result, or the node of the assigned values."""
    return pl.when(pl.col("role") == str(Role.ASSIGNED)).then(pl.lit(ANCHOR)).otherwise(pl.col("lab")).alias("lab")


def by_objection(named: pl.DataFrame, *, include_objection: bool) -> pl.DataFrame:
    """One row a block: whether it may not enter because objections alone had it tested again."""
    usable = pl.lit(True) if include_objection else ~pl.col("objection")
    counted = named.group_by("block").agg(
        n_usable=pl.col("lab").filter(usable).n_unique(),
        objected=pl.col("objection").any(),
        independent=(usable & ~pl.col("referee") & ~pl.col("first")).any(),
        compared=(pl.col("first").sum() >= 2),
    )
    only = pl.col("objected") & ~pl.col("independent") & ~pl.col("compared") & pl.lit(not include_objection)
    return counted.select("block", by_objection=only | (pl.col("n_usable") < 2))


def limits(named: pl.DataFrame, results: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """One row a block of an item on which some result lies below a limit: the highest `limit` of its laboratories.

    A laboratory's limit is the highest below which it reported a result of the item; of one that reported none, the item's
    registered limit, else the median of the others'.
    """
    below = results.filter(_counts() & (pl.col("qualifier") == str(Qualifier.BELOW)) & pl.col("upper").is_not_null())
    own = below.group_by("item", _node()).agg(own=pl.col("upper").max())
    of_item = own.group_by("item").agg(usual=pl.col("own").median()).join(items.select("item", "loq"), on="item", how="left")
    pairs = named.filter(pl.col("lab") != ANCHOR).select("block", "item", "lab").unique()
    told = pairs.join(of_item, on="item").join(own, on=["item", "lab"], how="left")
    return told.group_by("block").agg(limit=pl.coalesce("own", "loq", "usual").max())


def _why_not_by_block(
    named: pl.DataFrame,
    limit: pl.DataFrame,
    blocks: pl.DataFrame,
    items: pl.DataFrame,
    yardsticks: pl.DataFrame,
    *,
    scale: str,
    include_objection: bool,
) -> pl.DataFrame:
    """One row a block: its unit (σR at its level, or 1) and the first reason why it may not enter, else null."""
    counted = (
        named.group_by("block")
        .agg(
            n_nodes=pl.col("lab").n_unique(),
            censored=(pl.col("qualifier") != str(Qualifier.QUANTIFIED)).any(),
            valued=pl.col("value").is_not_null().all(),
            mean=pl.col("value").filter(pl.col("lab") != ANCHOR).sort().mean(),
        )
        .join(by_objection(named, include_objection=include_objection), on="block")
        .join(limit, on="block", how="left")
    )
    joined = (
        blocks.select("block", "item", "kind", "level")
        .join(counted, on="block", how="left", maintain_order="left")
        .join(items.select("item", scale="scale"), on="item", how="left", maintain_order="left")
        .join(
            yardsticks.select("item", "source", "sigma_R_constant", "sigma_R_slope"),
            on="item",
            how="left",
            maintain_order="left",
        )
    )
    sigma = pl.col("sigma_R_constant").fill_null(0.0) + pl.col("sigma_R_slope").fill_null(0.0) * pl.col("level").abs()
    unit = pl.lit(1.0) if scale == "raw" else sigma
    no_yardstick = (
        (pl.col("source").is_null() | (pl.col("source") == str(YardstickSource.NONE))) if scale != "raw" else pl.lit(False)
    )
    why_not = (
        pl.when((pl.col("n_nodes").fill_null(0) < 2) & (pl.col("kind") == str(BlockKind.DUPLICATE)))
        .then(pl.lit("bias.duplicate"))
        .when(pl.col("n_nodes").fill_null(0) < 2)
        .then(pl.lit("bias.single"))
        .when(~pl.col("scale").is_in([str(one) for one in NUMERIC_SCALES]).fill_null(value=False))
        .then(pl.lit("bias.not_numeric"))
        .when(pl.col("censored"))
        .then(pl.lit("bias.censored"))
        .when(~pl.col("valued"))
        .then(pl.lit("bias.no_value"))
        .when(pl.col("by_objection"))
        .then(pl.lit("bias.objection"))
        .when(no_yardstick)
        .then(pl.lit("bias.no_yardstick"))
        .when(~(unit > 0).fill_null(value=False))
        .then(pl.lit("bias.no_unit"))
        .when(pl.col("mean") < pl.col("limit") + CLEAR_OF_LIMIT * sigma)
        .then(pl.lit("bias.near_loq"))
    )
    constant, slope = pl.col("sigma_R_constant").fill_null(0.0), pl.col("sigma_R_slope").fill_null(0.0)
    return joined.select("block", unit=unit, constant=constant, slope=slope, why_not=why_not)


def _with_days(kept: pl.DataFrame) -> pl.DataFrame:
    """Adds the days since the block's first test by the original's laboratory; 0 for what is no retest, null if unknown."""
    first = pl.col("tested_on").filter(~pl.col("again")).min().over("block")
    since = (pl.col("tested_on") - first).dt.total_days()
    return kept.with_columns(days=pl.when("again").then(since).otherwise(0))


def _means(kept: pl.DataFrame) -> pl.DataFrame:
    """Mean of the replicates of each laboratory in each block, summed in the order of replicate and result."""
    key = ["item", "sample", "lab"]
    ordered = kept.sort(*key, "replicate", "result")
    first = ordered.unique(key, keep="first", maintain_order=True)
    group = ordered.select(pl.struct(key).rle_id()).to_series().to_numpy()
    count = np.bincount(group, minlength=first.height).astype(np.float64)
    value = ordered["value"].to_numpy()
    mean = np.bincount(group, weights=value, minlength=first.height) / np.maximum(count, 1.0)
    lacking = (value - mean[group]) + ordered["rest"].fill_null(0.0).to_numpy()
    rest = np.bincount(group, weights=lacking, minlength=first.height) / np.maximum(count, 1.0)
    told = ordered["rest"].is_not_null().to_numpy()
    counts = np.bincount(group, weights=told, minlength=first.height) > 0
    return first.with_columns(value=pl.Series(mean, dtype=pl.Float64), rest=pl.Series(np.where(counts, rest, 0.0)))


def _codes(column: pl.Series) -> tuple[list[str], Ints]:
    """Sorted distinct names, and the position of each entry among them; null is −1."""
    names = column.drop_nulls().unique().sort()
    code = pl.DataFrame({"name": column}).join(
        pl.DataFrame({"name": names, "code": np.arange(len(names))}), on="name", how="left", maintain_order="left"
    )
    return names.to_list(), code["code"].fill_null(-1).to_numpy().astype(np.int64)


def _arrays(means: pl.DataFrame) -> Observations:
    named = means["lab"].replace(ANCHOR, None)
    labs, lab = _codes(named)
    lab = np.where(means["lab"].to_numpy() == ANCHOR, len(labs), lab) if len(lab) else lab
    items, item = _codes(means["item"])
    samples, sample = _codes(means["sample"])
    families, family = _codes(means["family"])
    runs = means.select(
        pl.when(pl.col("run").is_not_null() & (pl.col("lab") != ANCHOR)).then(pl.format("{}\0{}", "lab", "run"))
    ).to_series()
    unit = means["unit"].to_numpy().astype(np.float64)
    changes = np.flatnonzero(np.diff(item * (len(samples) + 1) + sample, prepend=-1))
    block = np.repeat(np.arange(len(changes)), np.diff(np.append(changes, len(item))))
    y, origin = _contrasts(means, changes[block])
    u = means["u"].fill_null(np.nan).to_numpy().astype(np.float64) / unit
    block_ids = means["block"].gather(changes).to_list()
    days = means["days"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    run = _codes(runs)[1]
    return Observations(
        labs, items, samples, families, block_ids, lab, item, sample, run, family, block, y / unit, u, unit, origin, days
    )


def _contrasts(means: pl.DataFrame, first: Ints) -> tuple[Floats, Floats]:
    """Values, and 0; where a float lacks digits exact differences to the first of the block, and that: its level is free."""
    value, rest = (means[name].to_numpy().astype(np.float64) for name in ("value", "rest"))
    many = np.zeros(len(value), dtype=bool)
    many[first[rest != 0.0]] = True
    y = np.where(many[first], (value - value[first]) + (rest - rest[first]), value)
    return y, np.where(many[first], value[first], 0.0)


def starts(block: Ints) -> Ints:
    """Where each block begins, and the end."""
    return np.append(np.flatnonzero(np.diff(block, prepend=-1)), len(block)).astype(np.int64)


def _blunders(means: pl.DataFrame, start: Ints, *, limit: float) -> NDArray[np.bool_]:
    x, constant, slope, unit = (means[name].to_numpy() for name in ("value", "constant", "slope", "unit"))
    return blundering(start, x, constant, slope, unit, limit=limit)


def _without(means: pl.DataFrame, out: NDArray[np.bool_]) -> tuple[Observations, dict[str, str]]:
    """The observations without the blunders and what they leave alone, and the blocks that this empties."""
    clean = means.filter(~pl.Series(out))
    left = clean.filter(pl.len().over("block") >= 2)
    gone = set(means["block"].to_list()) - set(left["block"].to_list())
    return _arrays(left), dict.fromkeys(sorted(gone), "bias.blunder")
