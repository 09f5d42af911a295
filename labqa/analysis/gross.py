"""Results that the fit of biases set aside: of how many of a laboratory's tests, and how many its partners lead one to expect.

Blunders leave the statistics and are still counted against whoever made them. In a pair neither result is known to be right;
who has them with every partner, where those have none with others, made them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from labqa.analysis.bias_settings import BiasSettings
from labqa.analysis.evidence import undetermined
from labqa.analysis.finishing import beyond_tolerance
from labqa.core import tables as t
from labqa.core.tables.columns import MOST_EVIDENCE
from labqa.core.vocabulary import Category, PairKind, Scope, Status, Trigger
from labqa.stats.bounds import p_count_above

Floats = NDArray[np.float64]
CLEAR = 1.3
"""Times R by which a difference that the fit gave no weight must exceed it: it stays beyond R with σR larger by that."""
OF_LABORATORIES = ("bias.blunder", "bias.gross_error")
OF_SAMPLES = "bias.sample_differs"
NOTHING_LEFT = "bias.nothing_comparable"
SET_ASIDE = "bias.set_aside"
PEERS = 10
"""Tests that the peers' rate counts for beside a partner's own tests with others."""
FAMILY_TESTS = 12
"""Comparisons of other laboratories from which it is known how a product family's samples compare."""
ENOUGH = BiasSettings()
"""From how many samples and partners on anything is said: as for a bias."""
PARTS = 1e12
"""Chances are summed as whole parts of this, so that their order does not matter."""
CHANCE = 0.01
"""Chance at which a share that was set aside is more than the peers' rate explains."""
LEANS = 0.5
"""Mean side (from −1 to 1) of what was set aside from which it is said to lean."""
OF_ROLE = 0.5
"""Share of what a laboratory tested first, or again, from which what is left of its other tests does not speak for these."""
_COUNTS = ("n", "hits", "expected")
_NO_ITEM = pl.DataFrame(schema={"lab": pl.String, "item_side": pl.Float64, "scope_id": pl.String})


def compared(pairs: pl.DataFrame, discrepancies: pl.DataFrame, blocks: pl.DataFrame, results: pl.DataFrame) -> pl.DataFrame:
    """Pairs of two laboratories in the order of pair, once for each of them: pair, item, sample, family, lab, partner, `unit`
    (the laboratory's run, else the sample), `role` (`original` or `retest`), `gross` and `differs` (what the fit set aside as
    gross, or charged to the sample), `beyond` (clearly more than R), `r_ratio`, and `side` (1 where the laboratory's result is
    the higher, −1 the lower).

    Of a pair whose other results the fit kept, since a third laboratory had tested the sample, `gross` names only whoever
    made the blunder. Objection retests are left out, and what could not be compared in σR.
    """
    run = results.select("result", run=pl.coalesce("run", "sample"))
    rows = (
        pairs.join(discrepancies.select("pair", "delta", "r_ratio", "category"), on="pair", how="inner", maintain_order="left")
        .join(blocks.select("block", "why_not"), on="block", how="left", maintain_order="left")
        .filter(
            (pl.col("kind") == PairKind.BETWEEN)
            & pl.col("trigger").ne_missing(pl.lit(str(Trigger.OBJECTION)))
            & pl.col("r_ratio").is_not_null()
            & (pl.col("why_not").is_null() | pl.col("why_not").is_in([*OF_LABORATORIES, OF_SAMPLES]))
        )
    )
    beyond = pl.col("r_ratio") > CLEAR
    blunder = pl.col("why_not").eq_missing(pl.lit(OF_LABORATORIES[0]))
    told = rows.with_columns(
        gross=blunder | (pl.col("why_not").eq_missing(pl.lit(OF_LABORATORIES[1])) & beyond),
        differs=pl.col("why_not").eq_missing(pl.lit(OF_SAMPLES)),
        beyond=beyond,
        **_told_by_a_third(),
    )
    sides = [
        told.join(run.rename({"result": f"{own}_result"}), on=f"{own}_result", how="left", maintain_order="left").select(
            "pair",
            "item",
            "sample",
            "family",
            "differs",
            "beyond",
            "r_ratio",
            gross=pl.col("gross") | pl.col(f"{own}_blundered"),
            lab=f"{own}_lab",
            partner=f"{other}_lab",
            unit="run",
            role=pl.lit(own),
            side=sign * pl.col("delta").sign(),
        )
        for own, other, sign in (("original", "retest", -1), ("retest", "original", 1))
    ]
    return pl.concat(sides).sort("pair", "lab")


def _told_by_a_third() -> dict[str, pl.Expr]:
    """Who made the blunder of a block that the fit kept: the original if it is far from all of several others, else the others
    that are far from it."""
    blunder = pl.col("category") == str(Category.BLUNDER_SUSPECTED)
    far = pl.col("why_not").is_null() & blunder & (pl.col("r_ratio") > CLEAR)
    block = ["sample", "item", "original_result"]
    original = far.all().over(block) & (pl.col("retest_lab").n_unique().over(block) > 1)
    return {"original_blundered": original, "retest_blundered": far & ~far.all().over(block)}


def by_lab(rows: pl.DataFrame, *, of_family: bool = True) -> pl.DataFrame:
    """Tests of each laboratory and those with a gross error, from rows of `compared` that carry `hit`; `of_family`: no fewer
    errors are expected than others have in the product family.

    Columns lab, n (runs), hits, expected, and the same without the partner on whom the excess rests most (`n_others`,
    `hits_others`, `expected_others`); n_samples, n_partners, evidence (pairs that were hit, the largest differences first).
    """
    met = _with_chance(_met(rows), of_family=of_family)
    units = met.group_by("lab", "unit", maintain_order=True).agg(
        pl.col("hit").any(),
        chance=((1.0 - (1.0 - pl.col("chance")).product()) * PARTS).round().cast(pl.Int64),
        partner=pl.col("partner").unique(maintain_order=True),
    )
    totals = {"n": pl.len(), "hits": pl.col("hit").sum(), "expected": pl.col("chance").sum() / PARTS}
    whole = units.group_by("lab", maintain_order=True).agg(**totals)
    of_partner = units.explode("partner").group_by("lab", "partner", maintain_order=True).agg(**totals)
    excess = pl.col("hits").cast(pl.Float64) - pl.col("expected")
    most = (
        of_partner.with_columns(excess=excess.round(9))
        .sort("lab", "excess", "partner", descending=[False, True, False])
        .unique("lab", keep="first", maintain_order=True)
    )
    least = whole.join(most, on="lab", suffix="_most", maintain_order="left").with_columns(
        (pl.col(name).cast(pl.Float64) - pl.col(f"{name}_most")).clip(0.0).alias(f"{name}_others") for name in _COUNTS
    )
    seen = rows.group_by("lab").agg(n_samples=pl.col("sample").n_unique(), n_partners=pl.col("partner").n_unique())
    largest = rows.filter("hit").sort("r_ratio", "pair", descending=[True, False])
    hit = largest.group_by("lab", maintain_order=True).agg(evidence=pl.col("pair").head(MOST_EVIDENCE))
    told = least.join(seen, on="lab", maintain_order="left").join(hit, on="lab", how="left", maintain_order="left")
    return told.with_columns(pl.col("evidence").fill_null([])).select(
        "lab", *_COUNTS, *(f"{name}_others" for name in _COUNTS), "n_samples", "n_partners", "evidence"
    )


def where_others_test(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of `compared` of product families in which others compared enough samples without the laboratory: what only it tests
    first may be the product."""
    counted = _elsewhere(_met(rows.with_columns(hit=False)), "family").filter(pl.col("n") >= 2 * FAMILY_TESTS)
    return rows.join(counted, on=["lab", "family"], how="semi", nulls_equal=True, maintain_order="left")


def _met(rows: pl.DataFrame) -> pl.DataFrame:
    """Comparisons of lab, partner and sample, and whether any of their items was hit."""
    key = ["lab", "unit", "partner", "sample", "family"]
    return rows.group_by(key).agg(pl.col("hit").any()).sort(key)


def _elsewhere(met: pl.DataFrame, *within: str) -> pl.DataFrame:
    """Of each laboratory that has rows within the columns named, the rows and hits there of which it is no part: n, hits."""
    totals = {"n": pl.len().cast(pl.Float64), "hits": pl.col("hit").sum().cast(pl.Float64)}
    own = met.group_by("lab", *within).agg(**totals)
    of_it = met.group_by(pl.col("partner").alias("lab"), *within).agg(**totals)
    joined = own.join(of_it, on=["lab", *within], how="left", suffix="_theirs", nulls_equal=True)
    if within:
        joined = joined.join(met.group_by(within).agg(**totals), on=within, suffix="_all", nulls_equal=True)
    else:
        joined = joined.join(met.select(**totals), how="cross", suffix="_all")
    left = (pl.col(f"{name}_all") - pl.col(name) - pl.col(f"{name}_theirs").fill_null(0.0) for name in totals)
    return joined.select("lab", *within, *(one.clip(0.0).alias(name) for name, one in zip(totals, left, strict=True)))


def _with_chance(met: pl.DataFrame, *, of_family: bool) -> pl.DataFrame:
    """Adds to comparisons of lab, partner and sample the chance of a gross error that is not the laboratory's: the rate of its
    partner with others, with `of_family` that of others in the product family if higher, drawn to the rate among others."""
    totals = {"n": pl.len().cast(pl.Float64), "hits": pl.col("hit").sum().cast(pl.Float64)}
    partner = met.group_by(partner="lab").agg(**totals)
    both = met.group_by(lab="partner", partner="lab").agg(**totals)
    told = (
        met.join(_elsewhere(met), on="lab", maintain_order="left")
        .join(_elsewhere(met, "family"), on=["lab", "family"], suffix="_family", nulls_equal=True, maintain_order="left")
        .join(partner, on="partner", suffix="_partner", maintain_order="left")
        .join(both, on=["lab", "partner"], suffix="_both", maintain_order="left")
    )
    others = PEERS * pl.col("hits") / pl.col("n").clip(1.0)
    apart, n_apart = (pl.col(f"{name}_partner") - pl.col(f"{name}_both") for name in ("hits", "n"))
    rates = [(apart + others) / (n_apart + PEERS), (pl.col("hits_family") + others) / (pl.col("n_family") + PEERS)]
    chance = pl.max_horizontal(rates if of_family else rates[:1]).clip(0.0, 1.0)
    return told.select("lab", "unit", "partner", "sample", "hit", chance=chance)


def indicator_rows(found: pl.DataFrame) -> list[pl.DataFrame]:
    """Rows of INDICATORS from `by_lab`: the share with its exact interval, and what the test of it rests on."""
    n, hits = (found[name].to_numpy().astype(np.float64) for name in ("n", "hits"))
    lower = np.where(hits > 0, special.betaincinv(np.maximum(hits, 1), n - hits + 1, 0.025), 0.0)
    upper = np.where(hits < n, special.betaincinv(hits + 1, np.maximum(n - hits, 1), 0.975), 1.0)
    few = (pl.col("n_samples") < ENOUGH.min_samples) | (pl.col("n_partners") < ENOUGH.min_partners)
    told = found.with_columns(
        status=pl.when(few).then(pl.lit(str(Status.NOT_ASSESSED))).otherwise(pl.lit(str(Status.ASSESSED))),
        reason=pl.when(few).then(pl.lit("indicators.few_samples")),
        lower=pl.Series(lower),
        upper=pl.Series(upper),
    )
    shared: list[Any] = ["lab", "status", "reason"]
    others = pl.col("n_others").cast(pl.Int64).alias("n")
    per_test = pl.max_horizontal("n_others", 1)
    return [
        told.select(
            *shared, "lower", "upper", "n", "evidence", indicator=pl.lit("gross_share"), estimate=pl.col("hits") / pl.col("n")
        ),
        told.select(*shared, others, indicator=pl.lit("gross_share_others"), estimate=pl.col("hits_others") / per_test),
        told.select(*shared, others, indicator=pl.lit("gross_expected_others"), estimate=pl.col("expected_others") / per_test),
    ]


def withheld(lab_bias: pl.DataFrame, rows: pl.DataFrame, settings: BiasSettings) -> pl.DataFrame:
    """LAB_BIAS in which nothing is said of biases where `max_lean` or more of the tests that they would speak for were set
    aside, or half of those that the laboratory made first, or again, and more than the peers' rate explains: what is left does
    not speak for the laboratory.

    A bias assessed and shown to exceed the tolerance on the side to which what was set aside leans is stated all the same: it
    is larger, if anything. Where too little is left to assess one, the laboratory is not unassessed for that: its tests were
    enough. An item of which all was set aside has a row, too.
    """
    lab_bias = _with_items_left_out(lab_bias, rows)
    aside = rows.with_columns(hit=pl.col("gross") | (pl.col("differs") & pl.col("beyond")))
    wholes = [_mostly(aside, settings.max_lean, least=ENOUGH.min_samples)]
    wholes += [_mostly(aside.filter(role=role), OF_ROLE, least=ENOUGH.min_item_samples) for role in ("original", "retest")]
    whole = pl.concat(wholes).unique("lab", keep="first", maintain_order=True).select("lab", side="mean_side")
    items = [
        _mostly(part, settings.max_lean, least=ENOUGH.min_item_samples).select(
            "lab", item_side="mean_side", scope_id=pl.lit(item)
        )
        for (item,), part in aside.partition_by("item", as_dict=True, maintain_order=True).items()
    ]
    of_item = pl.concat([_NO_ITEM, *items]).with_columns(scope=pl.lit(str(Scope.ITEM)))
    told = lab_bias.join(whole, on="lab", how="left", maintain_order="left").join(
        of_item, on=["lab", "scope", "scope_id"], how="left", maintain_order="left"
    )
    side = pl.coalesce("side", "item_side")
    leaning = ((pl.col("estimate") > 0) & (side >= LEANS)) | ((pl.col("estimate") < 0) & (side <= -LEANS))
    shown = leaning & (pl.col("status") == str(Status.ASSESSED)) & pl.lit(beyond_tolerance(lab_bias, settings))
    lost = told.select(side.is_not_null() & ~shown.fill_null(value=False)).to_series()
    return undetermined(lab_bias, lost, SET_ASIDE)


def _with_items_left_out(lab_bias: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """LAB_BIAS with a row, not assessed, for each item on which the fit kept none of a laboratory's comparisons, which then
    ties it to nobody; the row tells how many samples were compared, and with how many partners."""
    met = rows.group_by("lab", scope_id="item").agg(
        n_samples=pl.col("sample").n_unique(), n_partners=pl.col("partner").n_unique()
    )
    known = met.with_columns(scope=pl.lit(str(Scope.ITEM))).join(lab_bias, on="lab", how="semi")
    lost = known.join(lab_bias, on=["lab", "scope", "scope_id"], how="anti")
    alone = lost.with_columns(component="lab", component_labs=1, n_blocks=0)
    told = alone.with_columns(status=pl.lit(str(Status.NOT_ASSESSED)), reason=pl.lit(NOTHING_LEFT))
    return pl.concat([lab_bias, t.shaped(told, t.LabBias)]).sort("lab", "scope", "scope_id")


def _mostly(aside: pl.DataFrame, most: float, *, least: int) -> pl.DataFrame:
    """Laboratories of whose tests `most` or more were hit, beyond chance, with enough samples and partners; `mean_side` is
    that of what was hit. A product family in which others err too is no excuse here: withholding costs nobody points."""
    found = by_lab(aside, of_family=False)
    n, hits, expected = (found[f"{name}_others"].to_numpy() for name in _COUNTS)
    beyond = p_count_above(hits, n, expected / np.maximum(n, 1.0)) <= CHANCE
    enough = (
        (pl.col("n_samples") >= least) & (pl.col("n_partners") >= ENOUGH.min_partners) & (pl.col("hits") >= most * pl.col("n"))
    )
    sides = aside.filter("hit").group_by("lab").agg(mean_side=pl.col("side").sum() / pl.len())
    return found.filter(pl.Series(beyond, dtype=pl.Boolean) & enough).join(sides, on="lab", how="left", maintain_order="left")
