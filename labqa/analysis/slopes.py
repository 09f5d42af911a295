"""Proportional bias: does a laboratory's bias change with the level, over all its items and item by item."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from labqa.analysis.bias_settings import BiasSettings
from labqa.analysis.network import Network
from labqa.analysis.observations import Observations
from labqa.analysis.weights import Weighted
from labqa.core import tables as t
from labqa.core.vocabulary import Scale, Scope, Status
from labqa.stats.multiplicity import adjusted_by_group
from labqa.stats.network.redescending import MAD_TO_SD, group_medians
from labqa.stats.network.slopes import block_contrasts, clustered_slopes

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
FURTHEST = 3.0
"""Standardised levels beyond this count as this far: one extreme sample must not decide a slope."""
LEAST_BLOCKS = 12
"""Blocks of an item from which the centre and the spread of its levels are taken."""
LEAST_DF = 4.0
"""Degrees of freedom below which a clustered standard error says little."""


@dataclass(frozen=True)
class _Compared:
    """Observations of laboratories against the others of their block, with the standardised level of the block."""

    lab: Ints
    item: Ints
    sample: Ints
    cluster: Ints
    block: Ints
    x: Floats
    d: Floats
    weight: Floats
    level: Floats


def lab_slopes(network: Network | None, items: pl.DataFrame, lab_bias: pl.DataFrame, settings: BiasSettings) -> pl.DataFrame:
    """LAB_SLOPES of the laboratories and items of LAB_BIAS: change of the bias, in σR, per robust SD of the item's levels.

    The level is the block's precision-weighted mean, which a laboratory's own error does not move against its difference from
    the others; levels are logarithms where the item is on a ratio scale. It is relative to the other laboratories. Nothing is
    told where LAB_BIAS does not assess.
    """
    if network is None or settings.scale == "raw":
        return t.empty(t.LabSlopes)
    seen = network.seen
    found = _compared(seen, network.weights, items)
    rows = pl.concat([_rows(found, seen, Scope.LAB), _rows(found, seen, Scope.ITEM)])
    return t.shaped(_judged(rows, lab_bias, settings), t.LabSlopes).sort("lab", "scope", "scope_id")


def _compared(seen: Observations, weights: Weighted, items: pl.DataFrame) -> _Compared:
    robust = weights.weight / weights.base
    precision, n = weights.precision * robust, len(seen.block_ids)
    unbiased = seen.y - weights.effect
    contrasts = block_contrasts(seen.block, unbiased, precision, n_blocks=n)
    level = contrasts.level * seen.scale + seen.origin
    x = _standardised(level, seen, items)
    kept = np.flatnonzero(~seen.is_anchor & np.isfinite(x) & (contrasts.weight > 0))
    first = np.unique(seen.sample * (len(seen.labs) + 1) + seen.lab, return_index=True, return_inverse=True)
    run = seen.run[first[1]][first[2]]  # of the laboratory's first result on the sample: all its items go together
    cluster = np.where(run >= 0, run, seen.run.max(initial=-1) + 1 + first[2])
    return _Compared(
        lab=seen.lab[kept],
        item=seen.item[kept],
        sample=seen.sample[kept],
        cluster=np.unique(cluster[kept], return_inverse=True)[1],
        block=seen.block[kept],
        x=np.clip(x[kept], -FURTHEST, FURTHEST),
        d=contrasts.difference[kept],
        weight=contrasts.weight[kept],
        level=level[kept],
    )


def _standardised(level: Floats, seen: Observations, items: pl.DataFrame) -> Floats:
    """(Level − median)/robust SD over the blocks of the item, of logarithms on a ratio scale; NaN where levels do not vary."""
    scale = pl.DataFrame({"item": seen.items}).join(items.select("item", "scale"), on="item", how="left", maintain_order="left")
    ratio = (scale["scale"] == str(Scale.RATIO)).fill_null(value=False).to_numpy()[seen.item]
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where(ratio, np.where(level > 0, np.log(np.where(level > 0, level, 1.0)), np.nan), level)
    first = np.flatnonzero(np.diff(seen.block, prepend=-1))
    known = first[np.isfinite(value[first])]
    item, n = seen.item[known], len(seen.items)
    centre = group_medians(item, value[known], n=n)
    spread = MAD_TO_SD * group_medians(item, np.abs(value[known] - centre[item]), n=n)
    usable = (np.bincount(item, minlength=n) >= LEAST_BLOCKS) & (spread > 0)
    safe = np.where(usable, spread, np.nan)
    return np.asarray((value - centre[seen.item]) / safe[seen.item])


def _rows(found: _Compared, seen: Observations, scope: Scope) -> pl.DataFrame:
    """One row a laboratory, or a laboratory and item; errors clustered by the laboratory's run, or sample without runs."""
    n_items = len(seen.items)
    names, cell = np.unique(found.lab * n_items + found.item, return_inverse=True)
    group, keys = (cell, names) if scope == Scope.ITEM else _regrouped(found.lab)
    lab = keys // n_items if scope == Scope.ITEM else keys
    cluster = np.unique(group * (int(found.cluster.max(initial=0)) + 1) + found.cluster, return_inverse=True)[1]
    slopes = clustered_slopes(group, cluster, cell, found.x, found.d, found.weight, n=len(keys), n_cells=len(names))
    samples = np.unique(np.stack([group, found.sample]), axis=1)[0]
    low, high = np.full(len(keys), np.inf), np.full(len(keys), -np.inf)
    np.minimum.at(low, group, found.level)
    np.maximum.at(high, group, found.level)
    of_item = scope == Scope.ITEM
    return pl.DataFrame(
        {
            "lab": [seen.labs[k] for k in lab],
            "scope": str(scope),
            "scope_id": [seen.items[k] for k in keys % n_items] if of_item else [""] * len(keys),
            "slope": slopes.slope,
            "se": slopes.se,
            "df": slopes.df,
            "n_samples": np.bincount(samples, minlength=len(keys)),
            "level_low": low if of_item else np.full(len(keys), np.nan),
            "level_high": high if of_item else np.full(len(keys), np.nan),
        },
        schema_overrides={"lab": pl.String, "scope": pl.String, "scope_id": pl.String},
    ).with_columns(pl.col(pl.Float64).fill_nan(None))


def _regrouped(lab: Ints) -> tuple[Ints, Ints]:
    names, group = np.unique(lab, return_inverse=True)
    return group, names


def _judged(rows: pl.DataFrame, lab_bias: pl.DataFrame, settings: BiasSettings) -> pl.DataFrame:
    """Rows of every laboratory and item of LAB_BIAS, with interval, p, q and status."""
    told = lab_bias.filter(pl.col("scope").is_in([str(Scope.LAB), str(Scope.ITEM)])).select(
        "lab", "scope", "scope_id", "n_partners", of_bias="status", why="reason"
    )
    joined = told.join(rows, on=["lab", "scope", "scope_id"], how="left").sort("scope", "lab", "scope_id")
    assessed = pl.col("of_bias") == str(Status.ASSESSED)
    least = pl.when(pl.col("scope") == str(Scope.ITEM)).then(settings.min_item_samples).otherwise(settings.min_samples)
    reason = (
        pl.when(~assessed)
        .then("why")
        .when(pl.col("slope").is_null() | ~(pl.col("se") > 0))
        .then(pl.lit("slopes.no_levels"))
        .when(pl.col("n_samples") < least)
        .then(pl.lit("slopes.few_samples"))
        .when(pl.col("df") < LEAST_DF)
        .then(pl.lit("slopes.few_levels"))
    )
    status = (
        pl.when(~assessed)
        .then("of_bias")
        .when(pl.col("reason").is_not_null())
        .then(pl.lit(str(Status.NOT_ASSESSED)))
        .otherwise(pl.lit(str(Status.ASSESSED)))
    )
    judged = joined.with_columns(reason=reason, n_samples=pl.col("n_samples").fill_null(0)).with_columns(status=status)
    claimed = pl.col("status") == str(Status.ASSESSED)
    numbers = ["slope", "se", "df", "level_low", "level_high"]
    return _tested(judged.with_columns(pl.when(claimed).then(pl.col(name)).alias(name) for name in numbers), settings)


def _tested(rows: pl.DataFrame, settings: BiasSettings) -> pl.DataFrame:
    """Rows with t interval, two-sided p, and q: false discoveries among all laboratories, or among a laboratory's items."""
    slope, se, df = (rows[name].fill_null(np.nan).to_numpy() for name in ("slope", "se", "df"))
    reach = special.stdtrit(df, 0.5 + 0.5 * settings.level) * se
    p = 2.0 * special.stdtr(df, -np.abs(slope / se))
    family = rows.select(
        pl.when(pl.col("scope") == str(Scope.ITEM)).then(pl.concat_str("scope", "lab", separator="\0")).otherwise("scope")
    ).to_series()
    begins = np.flatnonzero(family.ne_missing(family.shift(1)).to_numpy())
    q = adjusted_by_group(p, np.append(begins, rows.height).astype(np.int64), method="bh")
    new = {"lower": slope - reach, "upper": slope + reach, "p_value": p, "q_value": q}
    return rows.with_columns(pl.Series(name, values).fill_nan(None) for name, values in new.items())
