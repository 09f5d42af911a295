"""How much may be claimed of a bias: not assessed, undetermined, or assessed; not assessed goes first."""

from __future__ import annotations

import numpy as np
import polars as pl

from labqa.analysis.observations import starts
from labqa.core.vocabulary import BlockKind, Role, Status
from labqa.stats.network.components import components

WITHOUT_SIGN = (
    "estimate", "se", "df", "lower", "upper", "shrunken", "oriented", "oriented_lower", "oriented_upper",
    "tau", "tau_lower", "tau_upper", "detectable", "worst_case",
)  # fmt: skip
"""Columns of LAB_BIAS that are null where no sign may be attributed."""


def judged(
    rows: pl.DataFrame,
    *,
    min_samples: int,
    min_item_samples: int,
    min_partners: int,
    min_labs: int,
    max_bridge: float,
    max_gross: float,
    max_lean: float,
) -> pl.DataFrame:
    """Rows of LAB_BIAS with `status` and `reason`, and null wherever no sign may be attributed.

    Rows of one item need `min_item_samples`, others `min_samples`. No sign is attributed in components of fewer than `min_labs`
    laboratories, to a laboratory with fewer than `min_partners`, across a bridge that carries more than `max_bridge`, or where
    gross errors leave no consensus to trust: `max_gross` of the component's results, or `max_lean` of the laboratory's on one
    side.
    """
    few_partners = pl.col("n_partners") < min_partners
    small = pl.col("component_labs") < min_labs
    bridge = pl.col("bridge_share") > max_bridge
    no_consensus = (pl.col("component_gross_share") >= max_gross).fill_null(value=False)
    leaning = (pl.col("lean").abs() >= max_lean).fill_null(value=False)
    no_error = ~(pl.col("se") > 0).fill_null(value=False)
    too_little = {
        "bias.no_partner": pl.col("n_partners") == 0,
        "bias.few_partners": few_partners,
        "bias.nothing_comparable": pl.col("n_blocks") == 0,
        "bias.few_samples": pl.col("n_samples") < pl.when(scope="item").then(min_item_samples).otherwise(min_samples),
    }
    unplaced = {
        "bias.small_component": small,
        "bias.bridge": bridge,
        "bias.no_consensus": no_consensus,
        "bias.one_sided": leaning,
        "bias.no_error_estimate": no_error,
    }
    reason = pl.coalesce(*(pl.when(holds).then(pl.lit(key)) for key, holds in (too_little | unplaced).items()))
    status = (
        pl.when(reason.is_null())
        .then(pl.lit(str(Status.ASSESSED)))
        .when(reason.is_in([*too_little]))
        .then(pl.lit(str(Status.NOT_ASSESSED)))
        .otherwise(pl.lit(str(Status.UNDETERMINED)))
    )
    signless = few_partners | small | bridge.fill_null(value=True) | no_consensus | leaning | no_error
    return rows.with_columns(
        *(pl.when(~signless).then(pl.col(name)).alias(name) for name in (*WITHOUT_SIGN, "zero")), reason=reason, status=status
    )


def undetermined(rows: pl.DataFrame, lost: pl.Series, reason: str) -> pl.DataFrame:
    """Rows of LAB_BIAS of which those `lost` say nothing any more, for the reason told."""
    return rows.with_columns(
        *(pl.when(~lost).then(pl.col(name)).alias(name) for name in (*WITHOUT_SIGN, "zero")),
        status=pl.when(lost).then(pl.lit(str(Status.UNDETERMINED))).otherwise("status"),
        reason=pl.when(lost).then(pl.lit(reason)).otherwise("reason"),
    )


def met(results: pl.DataFrame, blocks: pl.DataFrame) -> pl.DataFrame:
    """Whom each named laboratory met in any block of two labs or more, whether or not a fit can use it: lab, n_samples,
    n_partners, component (its smallest lab code) and component_labs."""
    between = blocks.filter(pl.col("kind").is_in([str(BlockKind.PAIR), str(BlockKind.MULTIPLE)])).select(
        "block", "sample", "item"
    )
    named = results.select("lab", "sample", "item", "role").filter(
        pl.col("lab").is_not_null() & (pl.col("role") != str(Role.ASSIGNED))
    )
    rows = named.join(between, on=["sample", "item"]).select("lab", "block", "sample").unique().sort("block", "lab")
    labs = results["lab"].drop_nulls().unique().sort()
    node = labs.search_sorted(rows["lab"]).to_numpy().astype(np.int64)
    block = rows["block"].rank("dense").to_numpy().astype(np.int64) - 1
    root = components(starts(block), node, n=len(labs)) if rows.height else np.arange(len(labs))
    other = rows.join(rows, on="block", suffix="_other").filter(pl.col("lab") != pl.col("lab_other"))
    counted = rows.group_by("lab").agg(n_samples=pl.col("sample").n_unique())
    partners = other.group_by("lab").agg(n_partners=pl.col("lab_other").n_unique())
    told = pl.DataFrame({"lab": labs, "component": labs.gather(root)}).with_columns(component_labs=pl.len().over("component"))
    for frame in (counted, partners):
        told = told.join(frame, on="lab", how="left", maintain_order="left")
    return told.with_columns(pl.col("n_samples", "n_partners").fill_null(0))
