"""Repeatability and reproducibility of each item against the level: three models fitted and compared, a second opinion.

The yardstick of a run is constant or proportional, by quantified results alone. Here the two-component model stands beside
both, and a pair of which only one result was quantified takes part as an interval. A pair without any quantified result
says nothing of an SD unless one assumes how true levels are spread: it is counted, not used.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from labqa.analysis.pairing import TEST
from labqa.analysis.sets import Sets, by_item, of_pairs, of_replicates, of_rounds
from labqa.analysis.yardsticks import MIN_CONTRASTS
from labqa.core.vocabulary import NUMERIC_SCALES, PairKind, Qualifier, Role, Trigger
from labqa.stats.precision.deviation_levels import NO_INTERVALS, Intervals, choose_deviations, intervals_of, mean_square
from labqa.stats.precision.levels import LevelFit, sd_at
from labqa.stats.precision.reproducibility import pooled_sd

RESULTS = ("result", "run", *TEST)
"""Columns of results that are read."""
MOST_EQUAL = 1.0 / 3.0
"""Share of differences that are 0 above which rounding, or a result that was copied, hides the precision."""
CLOSE = 2.0
"""AIC within which another model stands nearly as well (Burnham & Anderson 2002, doi:10.1007/b97636, 2.6)."""
SCHEMA: dict[str, Any] = {
    "item": pl.String, "condition": pl.String, "model": pl.String, "constant": pl.Float64, "slope": pl.Float64,
    "aic": pl.Float64, "chosen": pl.Boolean, "close": pl.Boolean, "sd_low": pl.Float64, "sd_high": pl.Float64,
    "dispersion": pl.Float64, "sd": pl.Float64, "sets": pl.Int64, "contrasts": pl.Float64,
    "intervals": pl.Int64, "unquantified": pl.Int64, "equal_share": pl.Float64, "level_low": pl.Float64,
    "level_high": pl.Float64, "reason": pl.String,
}  # fmt: skip


def precision_levels(items: pl.DataFrame, pairs: pl.DataFrame, results: pl.DataFrame) -> pl.DataFrame:
    """One row an item, condition and model, the chosen model first; one without a model and with a reason where none is fitted.

    `condition`: repeatability (duplicate pairs; replicates of one laboratory and run) or reproducibility (pairs between
    laboratories; rounds, a laboratory's replicates averaged). σ(m) = √(constant² + (slope m)²) on the scale of a normal SD;
    `chosen` has the smallest `aic`; `close` tells whether another stands within `CLOSE` of it, so that which model holds is
    open, null where the levels allow one model only. `sd_low` and `sd_high` are σ at the lowest and highest level seen, in the
    item's unit. `dispersion` is the plain mean square of the deviations over the fitted variance: far
    above 1 where gross errors stand, which the fit weighs little and the plain pooled `sd` in full. `intervals`: pairs with
    one result beyond a limit; `unquantified`: pairs with both beyond. Objection retests and later retests are left out.
    """
    numeric = items.filter(pl.col("scale").is_in([str(one) for one in NUMERIC_SCALES]))["item"].sort()
    conditions = {
        "repeatability": (PairKind.DUPLICATE, of_replicates(results)),
        "reproducibility": (PairKind.BETWEEN, of_rounds(results)),
    }
    rows: list[dict[str, Any]] = []
    for condition, (kind, rounds) in conditions.items():
        sets = by_item(pl.concat([of_pairs(pairs, kind), rounds]))
        intervals, unquantified = _beyond_limits(pairs, results, kind)
        for item in numeric:
            told = {"item": item, "condition": condition, "unquantified": unquantified.get(item, 0)}
            rows += [told | row for row in _rows(sets.get(item), intervals.get(item, NO_INTERVALS))]
    return pl.DataFrame(rows, schema=SCHEMA).sort("item", "condition", maintain_order=True)


def _rows(found: Sets | None, known: Intervals) -> list[dict[str, Any]]:
    """The models of one item and condition."""
    if found is None:
        return [{"sets": 0, "contrasts": 0.0, "intervals": len(known.level), "reason": "precision.few_contrasts"}]
    deviations = found.deviations
    equal = float(deviations.weight[deviations.value == 0.0].sum()) / max(found.contrasts, 1e-9)
    about: dict[str, Any] = {
        "sets": found.n_sets,
        "contrasts": found.contrasts,
        "intervals": len(known.level),
        "equal_share": equal,
        "sd": pooled_sd(found.values, found.offsets),
        "level_low": float(deviations.level.min()),
        "level_high": float(deviations.level.max()),
    }
    if found.contrasts < MIN_CONTRASTS - 1e-9:
        return [about | {"reason": "precision.few_contrasts"}]
    if equal > MOST_EQUAL:
        return [about | {"reason": "precision.often_equal"}]
    fits = choose_deviations(deviations, known)
    about["close"] = fits[1].aic - fits[0].aic < CLOSE - 1e-6 if len(fits) > 1 else None
    ends = (about["level_low"], about["level_high"])
    return [about | _model(fit, ends) | {"chosen": fit is fits[0], "dispersion": mean_square(deviations, fit)} for fit in fits]


def _model(fit: LevelFit, ends: tuple[float, float]) -> dict[str, Any]:
    constant, slope = {"constant": (*fit.parameters, 0.0), "proportional": (0.0, *fit.parameters)}.get(
        fit.model, fit.parameters
    )
    low, high = (float(sd) for sd in sd_at(fit.model, fit.parameters, ends))
    return {"model": fit.model, "constant": constant, "slope": slope, "aic": fit.aic, "sd_low": low, "sd_high": high}


def _beyond_limits(pairs: pl.DataFrame, results: pl.DataFrame, kind: PairKind) -> tuple[dict[str, Intervals], dict[str, int]]:
    """Of each item: the deviations known as intervals, and how many pairs have no quantified result."""
    ends = results.select("result", "lower", "upper")
    first = pairs.filter(
        (pl.col("kind") == kind)
        & (pl.col("order") == 1)
        & (pl.col("role") == Role.RETEST)
        & pl.col("trigger").ne_missing(pl.lit(str(Trigger.OBJECTION)))
    )
    beyond = [pl.col(f"{part}_qualifier") != Qualifier.QUANTIFIED for part in ("original", "retest")]
    none = first.filter(pl.all_horizontal(beyond)).group_by("item").len()
    mixed = [_one_quantified(first, ends, "original", "retest"), _one_quantified(first, ends, "retest", "original")]
    rows = pl.concat(mixed).drop_nulls("x").sort("item", "result")
    rows = rows.with_columns(pl.col("lower").fill_null(-np.inf), pl.col("upper").fill_null(np.inf))
    found = {
        str(key[0]): intervals_of(*(part[name].to_numpy() for name in ("x", "lower", "upper")))
        for key, part in rows.group_by("item", maintain_order=True)
    }
    return found, dict(none.iter_rows())


def _one_quantified(pairs: pl.DataFrame, ends: pl.DataFrame, one: str, other: str) -> pl.DataFrame:
    """Pairs of which only `one` is quantified: its value x, and the interval of the other."""
    number = pl.col(f"{one}_qualifier") == Qualifier.QUANTIFIED
    beyond = pl.col(f"{other}_qualifier") != Qualifier.QUANTIFIED
    return (
        pairs.filter(number & beyond)
        .select("item", x=f"{one}_value", result=f"{other}_result")
        .join(ends, on="result", how="left")
    )
