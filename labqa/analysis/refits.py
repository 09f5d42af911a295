"""The bias fit again with other retests: objection retests as if they were chosen at random, none that saw the first result,
planned ones weighted by the inverse of their probability."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from labqa.analysis import finishing
from labqa.analysis.bias_settings import BiasSettings
from labqa.analysis.observations import Observations, observations
from labqa.analysis.scopes import Biases, biases, within_scope
from labqa.analysis.weights import Weighted, weighted
from labqa.core import tables as t
from labqa.core.vocabulary import OptionStatus, Role, Scope, SelectionOption, Trigger
from labqa.stats.network.variance import Components
from labqa.stats.selection.hajek import hajek_weights

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
_RETESTS = [str(Role.RETEST), str(Role.REFEREE)]


def refitted(
    results: pl.DataFrame,
    blocks: pl.DataFrame,
    items: pl.DataFrame,
    yardsticks: pl.DataFrame,
    lab_bias: pl.DataFrame,
    components: Components | None,
    settings: BiasSettings,
    *,
    cap: float,
) -> pl.DataFrame:
    """Rows `naive_with_objection`, `blind_only` and `weighted` of every laboratory, `unblinded` of those with such retests.

    One set of robust weights serves all, and so do the variance `components` of the default fit (none: it compared nothing);
    `blocks` say what that fit used.
    """
    seen, _ = observations(
        results, blocks, items, yardsticks,
        scale=settings.scale, include_objection=True, blunder=settings.blunder if settings.robust else None,
    )  # fmt: skip
    labs = lab_bias["lab"].unique().sort()
    none = [
        _not_offered(labs, option, "bias.nothing_comparable") for option in (SelectionOption.NAIVE, SelectionOption.BLIND_ONLY)
    ]
    if not len(seen.y):
        return pl.concat([*none, _not_offered(labs, SelectionOption.WEIGHTED, "selection.no_probability")])
    weights = weighted(seen, robust=settings.robust, corner=settings.corner, end=settings.end)
    told = _told(seen, results, blocks)
    usual = told["used"].to_numpy() & ~told["objection"].to_numpy()

    def fitted(option: SelectionOption, chosen: Mask, factor: Floats | None = None) -> pl.DataFrame:
        weight = weights.weight if factor is None else weights.weight * factor
        return _rows(seen, weights, weight, chosen, components, lab_bias, option, settings)

    unblinded = told["unblinded"].to_numpy()
    return pl.concat(
        [
            fitted(SelectionOption.NAIVE, np.ones(len(seen.y), dtype=bool)),
            fitted(SelectionOption.BLIND_ONLY, usual & ~unblinded),
            _counted(seen, unblinded & usual),
            _weighted_rows(told, usual, labs, fitted, cap=cap),
        ]
    )


def _told(seen: Observations, results: pl.DataFrame, blocks: pl.DataFrame) -> pl.DataFrame:
    """Of each observation: whether its block was used by default, an objection retest, one that saw the first result, a
    planned retest; and of its block the recorded probability of its planned retest, and whether it has a retest."""
    follows, planned = pl.col("role").is_in(_RETESTS), pl.col("trigger").eq_missing(pl.lit(str(Trigger.PLANNED)))
    by_test = results.filter(follows).group_by("sample", "item", "lab").agg(
        objection=pl.col("trigger").eq_missing(pl.lit(str(Trigger.OBJECTION))).any(),
        unblinded=(~pl.col("retest_blind")).fill_null(value=False).any(),
        other=(~planned & (pl.col("role") == str(Role.RETEST))).any(),
    )  # fmt: skip
    by_block = (
        results.filter(follows & planned).group_by("sample", "item").agg(probability=pl.col("selection_probability").min())
    )
    retested = results.filter(pl.col("role") == str(Role.RETEST)).select("sample", "item", retested=pl.lit(True)).unique()
    lab = pl.Series([*seen.labs, None], dtype=pl.String)
    rows = pl.DataFrame(
        {
            "sample": pl.Series(seen.samples, dtype=pl.String).gather(seen.sample),
            "item": pl.Series(seen.items, dtype=pl.String).gather(seen.item),
            "lab": lab.gather(seen.lab),
        }
    )
    used = blocks.select("sample", "item", used="used_for_bias")
    for frame, key in ((by_test, ["sample", "item", "lab"]), (by_block, ["sample", "item"]), (retested, ["sample", "item"])):
        rows = rows.join(frame, on=key, how="left", maintain_order="left")
    rows = rows.join(used, on=["sample", "item"], how="left", maintain_order="left")
    return rows.with_columns(pl.col("used", "objection", "unblinded", "other", "retested").fill_null(value=False))


def _rows(
    seen: Observations,
    weights: Weighted,
    weight: Floats,
    chosen: Mask,
    components: Components | None,
    lab_bias: pl.DataFrame,
    option: SelectionOption,
    settings: BiasSettings,
) -> pl.DataFrame:
    """Rows of one option, judged as those of LAB_BIAS are."""
    labs = lab_bias["lab"].unique().sort()
    if components is None:
        return _not_offered(labs, option, "bias.nothing_comparable")
    frames = [t.empty(t.LabBias)]
    for part in within_scope(seen, weight, weights.precision, seen.y, chosen):
        found = biases(part, components, without=(), max_anchor_se=settings.max_anchor_se, slope=weights.slope)
        if len(found.lab) >= 2 or found.anchored:
            frames.append(_frame(found, seen.labs, settings))
    rows = pl.concat(frames)
    absent = labs.filter(~labs.is_in(rows["lab"].to_list()))
    told = judged(rows, lab_bias, settings).with_columns(option=pl.lit(str(option)), n_pairs="n_blocks")
    return pl.concat([t.shaped(told, t.LabSelection), _not_offered(absent, option, "bias.nothing_comparable")])


def judged(rows: pl.DataFrame, lab_bias: pl.DataFrame, settings: BiasSettings) -> pl.DataFrame:
    """Rows of LAB_BIAS with status and reason, as the settings have it; gross errors as the default fit found them."""
    doubts = lab_bias.filter(pl.col("scope") == str(Scope.LAB)).select("lab", "component_gross_share", "lean")
    found = rows.drop("component_gross_share", "lean").join(doubts, on="lab", how="left", maintain_order="left")
    return finishing.judged(found, settings)


def _frame(found: Biases, labs: list[str], settings: BiasSettings) -> pl.DataFrame:
    se, df = np.sqrt(found.variance), np.minimum(found.df, 1e6)
    reach = special.stdtrit(df, 0.5 + 0.5 * settings.level) * se
    return t.shaped(
        pl.DataFrame(
            {
                "lab": [labs[code] for code in found.lab],
                "scope": str(Scope.LAB),
                "scope_id": "",
                "estimate": found.estimate,
                "se": se,
                "df": df,
                "lower": found.estimate - reach,
                "upper": found.estimate + reach,
                "n_samples": found.n_samples,
                "n_partners": found.n_partners,
                "n_blocks": found.n_blocks,
                "component_labs": len(found.lab),
                "bridge_share": found.bridge,
            },
            nan_to_null=True,
        ),
        t.LabBias,
    )


def _weighted_rows(told: pl.DataFrame, usual: Mask, labs: pl.Series, fitted, *, cap: float) -> pl.DataFrame:  # type: ignore[no-untyped-def]
    """Planned retests with a recorded probability by its inverse, and comparison rounds; retests without one are left out."""
    probability = told["probability"].to_numpy().astype(np.float64)
    recorded = usual & ~np.isnan(probability)
    if not recorded.any():
        return _not_offered(labs, SelectionOption.WEIGHTED, "selection.no_probability")
    factor = np.ones(len(probability))
    factor[recorded] = hajek_weights(probability[recorded], cap=cap)
    unrecorded = told["retested"].to_numpy() & ~recorded
    return fitted(SelectionOption.WEIGHTED, usual & ~unrecorded & ~told["other"].to_numpy(), factor)  # type: ignore[no-any-return]


def _counted(seen: Observations, marked: Mask) -> pl.DataFrame:
    """How many retests of each laboratory saw the first result: counts, no estimate."""
    rows = pl.DataFrame({"lab": seen.lab[marked], "sample": seen.sample[marked]})
    found = rows.group_by("lab").agg(n_samples=pl.col("sample").n_unique(), n_pairs=pl.len()).sort("lab")
    return t.shaped(
        found.with_columns(
            lab=pl.Series([seen.labs[code] for code in found["lab"]], dtype=pl.String),
            option=pl.lit(str(SelectionOption.UNBLINDED)),
            status=pl.lit(str(OptionStatus.NOT_OFFERED)),
            reason=pl.lit("selection.a_count"),
        ),
        t.LabSelection,
    )


def _not_offered(labs: pl.Series, option: SelectionOption, reason: str) -> pl.DataFrame:
    return t.shaped(
        pl.DataFrame({"lab": labs}).with_columns(
            option=pl.lit(str(option)),
            n_samples=pl.lit(0),
            n_pairs=pl.lit(0),
            status=pl.lit(str(OptionStatus.NOT_OFFERED)),
            reason=pl.lit(reason),
        ),
        t.LabSelection,
    )
