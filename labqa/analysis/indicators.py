"""What rating sees of a laboratory: one row a laboratory, scope and indicator, each with interval, status and evidence.

| indicator | estimate | n |
|---|---|---|
| bias | unshrunken bias of the scope: laboratory (mean), family or item, σR | samples |
| bias_oriented | mean bias towards the limit, + = towards conforming, σR | samples |
| bias_between_items | SD of the laboratory's item biases, σR | samples |
| precision_ratio | within-lab SD over that of the median laboratory | blocks |
| discrepancy_share, discrepancy_excess | share of between pairs beyond R; the same less the expected share | pairs |
| gross_share | share of its tests that others repeated, in product families that others test too, with a gross error | runs |
| gross_share_others | the same without the partner on whom it rests most | runs |
| gross_expected_others | what these partners, and others in the product families, lead one to expect | runs |
| flip_excess | share of planned pairs whose verdict changed, less the expected share | pairs |
| pt_results, pt_outliers_2/3 | comparison results with a z; those with |z| > 2 or 3 | results with a z |
| pt_outlying_rounds_2/3 | rounds with any |z| beyond the limit | rounds |
| pair_outliers_2/3 | between pairs with |D| beyond the limit | pairs with a D |
| pt_correlation | correlation of z within a laboratory's round, one figure for the network | laboratory-rounds |
| flags | flags raised by the screens | flags |
"""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy import special

from labqa.analysis import gross, verdicts
from labqa.core import tables as t
from labqa.core.tables.columns import MOST_EVIDENCE
from labqa.core.vocabulary import Category, PairKind, Scope, Status, Trigger
from labqa.stats.precision.intraclass import intraclass_correlation
from labqa.stats.robust import location_scale
from labqa.stats.scores import differences
from labqa.stats.scores.agreement import EXCEEDED

Z_LIMITS = (2, 3)
MOST_UNFIT = 0.5
"""Share of a laboratory's blocks on items whose σR may not inform a class, from which nothing of it is assessed."""
MIN_PAIRS = 12
"""Samples from which an excess of a laboratory is assessed."""
NO_FAULT_BEYOND = float(2 * special.ndtr(-differences.LIMIT_FACTOR / np.sqrt(2.0)))
"""Chance that two blameless laboratories differ by more than R = 2.8 σR: 4.8 %."""
_KEY = ["lab", "scope", "scope_id"]
_SCOPES = {Scope.LAB: pl.lit(""), Scope.FAMILY: pl.col("family"), Scope.ITEM: pl.col("item")}


def indicators(
    lab_bias: pl.DataFrame,
    lab_precision: pl.DataFrame,
    discrepancies: pl.DataFrame,
    pairs: pl.DataFrame,
    pt_scores: pl.DataFrame,
    flags: pl.DataFrame,
    blocks: pl.DataFrame,
    results: pl.DataFrame,
    compared: pl.DataFrame,
    *,
    yardsticks: pl.DataFrame,
    flip_triggers: tuple[str, ...] = (str(Trigger.PLANNED),),
) -> pl.DataFrame:
    """INDICATORS of all laboratories, sorted by laboratory, scope and indicator (see the table above).

    `compared` is `gross.compared` of the same pairs, discrepancies, blocks and results.
    Figures of a bias carry the status, zero and reason of `lab_bias`. An excess needs 12 samples, else it is not assessed.
    What the bias fit charged to a sample counts neither as a discrepancy nor as a flip of a laboratory. Where `yardsticks`
    say that σR may not inform a class, neither comparison results nor pairs count, the bias on that item is not assessed, nor
    is a laboratory or family of whose blocks half or more are of such items.
    Counts are facts: always assessed, over the results that are handed in.
    """
    unfit = yardsticks.filter(~pl.col("informs_class")).select("item")
    lost = _mostly_unfit(unfit, results, blocks)
    scored = pairs.join(discrepancies, on="pair", how="inner", maintain_order="left").join(
        unfit, on="item", how="anti", maintain_order="left"
    )
    apart = blocks.filter(pl.col("why_not") == "bias.sample_differs").select("block")
    charged = scored.join(apart, on="block", how="anti", maintain_order="left")
    evidence = _telling_blocks(results, blocks)
    parts = [
        *(_withheld(part, lost) for part in (*_of_bias(lab_bias, evidence), _of_precision(lab_precision, evidence))),
        *_of_discrepancies(charged),
        _excess("flip_excess", verdicts.flips_by_lab(charged.select(pairs.columns), discrepancies, triggers=flip_triggers)),
        *gross.indicator_rows(gross.by_lab(_gross(compared, unfit))),
        *_of_comparisons(pt_scores.join(unfit, on="item", how="anti", maintain_order="left")),
        *_of_pairs(scored),
        _of_flags(flags),
    ]
    return pl.concat([t.shaped(_complete(part), t.Indicators) for part in parts]).sort(*_KEY, "indicator")


def _gross(compared: pl.DataFrame, unfit: pl.DataFrame) -> pl.DataFrame:
    """What laboratories answer for: comparisons on items whose σR may inform a class and in product families that others test
    too, without what was charged to samples."""
    rows = gross.where_others_test(compared.join(unfit, on="item", how="anti", maintain_order="left"))
    return rows.filter(~pl.col("differs")).with_columns(hit="gross")


def _withheld(part: pl.DataFrame, lost: pl.DataFrame) -> pl.DataFrame:
    """Figures in units of a σR that may not inform a class are not assessed; `lost` are the scopes of which that is so."""
    keyed = _complete(part)
    rests = keyed.join(lost.with_columns(lost=pl.lit(True)), on=_KEY, how="left", maintain_order="left")
    withheld = rests["lost"].fill_null(value=False) & (rests["status"] == str(Status.ASSESSED))
    return keyed.with_columns(
        status=pl.when(withheld).then(pl.lit(str(Status.NOT_ASSESSED))).otherwise("status"),
        reason=pl.when(withheld).then(pl.lit("indicators.yardstick_unfit")).otherwise("reason"),
    )


def _mostly_unfit(unfit: pl.DataFrame, results: pl.DataFrame, blocks: pl.DataFrame) -> pl.DataFrame:
    """Laboratories, their families and items of whose blocks in the fit half or more are of items that are `unfit`."""
    used = _used(results, blocks).unique(["lab", "block"]).with_columns(unfit=pl.col("item").is_in(unfit["item"].to_list()))
    shares = [
        used.group_by("lab", scope=pl.lit(str(scope)), scope_id=column).agg(pl.col("unfit").mean())
        for scope, column in _SCOPES.items()
    ]
    return pl.concat(shares).filter(pl.col("unfit") >= MOST_UNFIT).select(_KEY)


def _used(results: pl.DataFrame, blocks: pl.DataFrame) -> pl.DataFrame:
    """Numbers of named laboratories with the block of the fit that each stands in: lab, item, result, value, block, level."""
    kept = blocks.filter("used_for_bias").select("block", "sample", "item", "family", "level")
    numbers = results.select("lab", "sample", "item", "result", "value").drop_nulls(["lab", "value"])
    return numbers.join(kept, on=["sample", "item"], how="inner")


def _complete(part: pl.DataFrame) -> pl.DataFrame:
    """Fills what most indicators share: laboratory scope, assessed, no evidence."""
    defaults = {
        "scope": pl.lit(str(Scope.LAB)),
        "scope_id": pl.lit(""),
        "status": pl.lit(str(Status.ASSESSED)),
        "evidence": pl.lit([], dtype=pl.List(pl.String)),
    }
    return part.with_columns(value.alias(name) for name, value in defaults.items() if name not in part.columns)


def _of_bias(lab_bias: pl.DataFrame, evidence: pl.DataFrame) -> list[pl.DataFrame]:
    """Mean, family and item biases, their spread over items, and the mean towards the limit."""
    carried = lab_bias.with_columns(n=pl.col("n_samples")).join(evidence, on=_KEY, how="left", maintain_order="left")
    carried = carried.with_columns(evidence=pl.col("evidence").fill_null([]), df=pl.when(pl.col("df").is_finite()).then("df"))
    whole = carried.filter(pl.col("scope") == Scope.LAB)
    kept = [*_KEY, "n", "zero", "status", "reason", "evidence"]
    spread = whole.select(*kept, estimate="tau", lower="tau_lower", upper="tau_upper", indicator=pl.lit("bias_between_items"))
    oriented = whole.select(
        *kept, estimate="oriented", lower="oriented_lower", upper="oriented_upper", indicator=pl.lit("bias_oriented")
    )
    main = carried.with_columns(indicator=pl.lit("bias"))
    return [main, *(_without_figure(part) for part in (spread, oriented))]


def _without_figure(part: pl.DataFrame) -> pl.DataFrame:
    """A figure that is missing though the mean bias is assessed is itself not assessed."""
    missing = pl.col("estimate").is_null() & (pl.col("status") == Status.ASSESSED)
    return part.with_columns(
        status=pl.when(missing).then(pl.lit(str(Status.NOT_ASSESSED))).otherwise("status"),
        reason=pl.when(missing).then(pl.lit("indicators.no_figure")).otherwise("reason"),
    )


def _telling_blocks(results: pl.DataFrame, blocks: pl.DataFrame) -> pl.DataFrame:
    """Blocks used for each bias, by scope; the largest |value − level| over the item’s spread first."""
    rows = _used(results, blocks)
    rows = rows.with_columns(off=(pl.col("value") - pl.col("level")).abs()).sort("item", "block", "lab", "result")
    spread = rows.group_by("item", maintain_order=True).agg(spread=location_scale.MADE_FACTOR * pl.col("off").median())
    rows = rows.join(spread, on="item", how="left", maintain_order="left")
    rows = rows.with_columns(off=pl.when(pl.col("spread") > 0).then(pl.col("off") / pl.col("spread")).otherwise(0.0))
    rows = rows.sort("off", "block", "result", descending=[True, False, False]).unique(
        ["lab", "block"], keep="first", maintain_order=True
    )
    parts = [
        rows.select("lab", "block", scope=pl.lit(str(scope)), scope_id=column).drop_nulls("scope_id")
        for scope, column in _SCOPES.items()
    ]
    return pl.concat(parts).group_by(_KEY, maintain_order=True).agg(evidence=pl.col("block").head(MOST_EVIDENCE))


def _of_precision(lab_precision: pl.DataFrame, evidence: pl.DataFrame) -> pl.DataFrame:
    """Precision of each laboratory, resting on the same blocks as its mean bias."""
    whole = evidence.filter(pl.col("scope") == Scope.LAB).select("lab", "evidence")
    told = lab_precision.join(whole, on="lab", how="left", maintain_order="left")
    finite = pl.when(pl.col("df").is_finite()).then("df")
    return told.select(
        "lab", "lower", "upper", "status", "reason", evidence=pl.col("evidence").fill_null([]),
        indicator=pl.lit("precision_ratio"), estimate="ratio", df=finite, n="n_blocks",
    )  # fmt: skip


def _of_discrepancies(charged: pl.DataFrame) -> list[pl.DataFrame]:
    """Share of between pairs beyond R, and its excess over the 4.8 % of blameless labs; objection retests left out."""
    assessed = charged.filter(
        (pl.col("kind") == PairKind.BETWEEN)
        & pl.col("trigger").ne_missing(pl.lit(str(Trigger.OBJECTION)))
        & pl.col("r_ratio").is_not_null()
        & (pl.col("category") != Category.NOT_ASSESSED)
    )
    sides = [
        assessed.select("pair", "sample", hit=pl.col("r_ratio") > EXCEEDED, p=pl.lit(NO_FAULT_BEYOND), lab=f"{part}_lab")
        for part in ("original", "retest")
    ]
    found = verdicts.excess_by_lab(pl.concat(sides))
    share = found.with_columns(
        share=pl.col("observed") / pl.col("n"),
        lower=(pl.col("lower") + NO_FAULT_BEYOND).clip(0.0, 1.0),
        upper=(pl.col("upper") + NO_FAULT_BEYOND).clip(0.0, 1.0),
    )
    return [_excess("discrepancy_excess", found), _excess("discrepancy_share", share)]


def _excess(name: str, found: pl.DataFrame) -> pl.DataFrame:
    """A share with its clustered interval, assessed from 12 samples on."""
    few = pl.col("n_samples") < MIN_PAIRS
    return found.select(
        "lab", "se", "df", "lower", "upper", "n", indicator=pl.lit(name), estimate="share", evidence="pairs",
        status=pl.when(few).then(pl.lit(str(Status.NOT_ASSESSED))).otherwise(pl.lit(str(Status.ASSESSED))),
        reason=pl.when(few).then(pl.lit("indicators.few_samples")),
    )  # fmt: skip


def _of_comparisons(pt_scores: pl.DataFrame) -> list[pl.DataFrame]:
    """Counts of comparison results and rounds, and the correlation of z within a laboratory's round."""
    rows = pt_scores.filter(pl.col("z").is_not_null()).sort("lab", "result")
    rows = rows.with_columns(event=pl.coalesce("round", "sample"), size=pl.col("z").abs())
    found = [_counted(rows, "pt_results", pl.lit(True), "result", "size")]
    for limit in Z_LIMITS:
        found.append(_counted(rows, f"pt_outliers_{limit}", pl.col("size") > limit, "result", "size"))
        rounds = rows.group_by("lab", "event", maintain_order=True).agg(
            pl.col("size").max(), pl.col("result").sort_by("size", descending=True, maintain_order=True).first()
        )
        found.append(_counted(rounds, f"pt_outlying_rounds_{limit}", pl.col("size") > limit, "result", "size"))
    return [*found, _correlation(rows)]


def _counted(rows: pl.DataFrame, name: str, hit: pl.Expr, id_column: str, size: str) -> pl.DataFrame:
    """Hits by laboratory as the estimate, rows as n, the ids of the hits as evidence, largest first."""
    ordered = rows.with_columns(hit=hit).sort("lab", size, id_column, descending=[False, True, False])
    return ordered.group_by("lab", maintain_order=True).agg(
        indicator=pl.lit(name).first(),
        estimate=pl.col("hit").sum().cast(pl.Float64),
        n=pl.len(),
        evidence=pl.col(id_column).filter("hit").head(MOST_EVIDENCE),
    )


def _correlation(rows: pl.DataFrame) -> pl.DataFrame:
    """One figure for the network, in a row of every laboratory: z clipped to ±3, grouped by laboratory and round."""
    grouped = rows.sort("lab", "event", "result")
    changed = grouped.select(pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in ("lab", "event")))
    offsets = np.append(np.flatnonzero(changed.to_series().to_numpy()), grouped.height).astype(np.int64)
    rho = intraclass_correlation(np.clip(grouped["z"].to_numpy(), -3.0, 3.0), offsets)
    known = not np.isnan(rho)
    status, reason = (Status.ASSESSED, None) if known else (Status.NOT_ASSESSED, "indicators.no_repeated_rounds")
    return grouped.select(pl.col("lab").unique(maintain_order=True)).with_columns(
        indicator=pl.lit("pt_correlation"),
        estimate=pl.lit(max(rho, 0.0) if known else None, dtype=pl.Float64),
        n=pl.lit(len(offsets) - 1),
        status=pl.lit(str(status)),
        reason=pl.lit(reason, dtype=pl.String),
    )


def _of_pairs(scored: pl.DataFrame) -> list[pl.DataFrame]:
    """Between pairs with |D| beyond 2 or 3, counted for both laboratories; objection retests are left out."""
    usable = scored.filter(
        (pl.col("kind") == PairKind.BETWEEN)
        & pl.col("d").is_not_null()
        & pl.col("trigger").ne_missing(pl.lit(str(Trigger.OBJECTION)))
    )
    sides = pl.concat([usable.select("pair", size=pl.col("d").abs(), lab=f"{part}_lab") for part in ("original", "retest")])
    return [_counted(sides, f"pair_outliers_{limit}", pl.col("size") > limit, "pair", "size") for limit in Z_LIMITS]


def _of_flags(flags: pl.DataFrame) -> pl.DataFrame:
    """Number of flags that name the laboratory, with their ids."""
    named = flags.filter(pl.col("lab").is_not_null()).sort("lab", "rule", "flag")
    return named.group_by("lab", maintain_order=True).agg(
        indicator=pl.lit("flags").first(),
        estimate=pl.len().cast(pl.Float64),
        n=pl.len(),
        evidence=pl.col("flag").head(MOST_EVIDENCE),
    )
