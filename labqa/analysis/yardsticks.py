"""Yardstick of each item: how far two blameless laboratories differ, and where that figure comes from.

Order of preference: r and R of the method standard, tolerance of the product rule, the network's own differences, Horwitz.
Stated uncertainties are never a yardstick: the judged laboratory chooses them. Objection retests are left out of every
estimate, since they were selected by their first result, and each sample gives one pair.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from labqa.analysis.sets import Sets, by_item, of_pairs, of_replicates, of_rounds, sets_of
from labqa.core import tables as t
from labqa.core.vocabulary import NUMERIC_SCALES, PairKind, Scale, YardstickSource
from labqa.stats.precision import reproducibility as rep
from labqa.stats.precision.horwitz import horwitz_line
from labqa.stats.scores.differences import LIMIT_FACTOR

MIN_CONTRASTS = 15
"""Contrasts from which σ is estimated at all (relative uncertainty about a quarter)."""
CLASS_CONTRASTS, CLASS_LABS = 30, 5
"""Contrasts from which Horwitz, laboratories from which the network's own σR may inform a class."""
OWN_SHARE = 0.03
"""Share of an item's contrasts from which a laboratory is judged by a σR without its own."""
HORWITZ_U = 0.35
"""Relative uncertainty of Horwitz: HorRat from 0.5 to 2 read as about ± 2 u."""
MASS_FRACTION = {
    "g/kg": 1e-3, "mg/g": 1e-3, "g/100g": 1e-2, "mg/100g": 1e-5, "mg/kg": 1e-6, "µg/g": 1e-6, "ug/g": 1e-6,
    "µg/kg": 1e-9, "ug/kg": 1e-9, "ng/g": 1e-9, "ng/kg": 1e-12, "pg/g": 1e-12,
}  # fmt: skip
"""Units that are mass fractions for certain; a bare % or mg/L is not."""


def yardsticks(items: pl.DataFrame, blocks: pl.DataFrame, pairs: pl.DataFrame, results: pl.DataFrame) -> pl.DataFrame:
    """YARDSTICKS: one row an item of the register; an item without any yardstick has source `none`.

    `u_relative` is that of σR: 0 for a stated tolerance, whose misfit φ shows instead. Horwitz is linearised at the item's
    median level.
    """
    between = by_item(pl.concat([of_pairs(pairs, PairKind.BETWEEN), of_rounds(results)]))
    within = by_item(pl.concat([of_pairs(pairs, PairKind.DUPLICATE), of_replicates(results)]))
    levels = dict(blocks.drop_nulls("level").group_by("item").agg(pl.col("level").median()).iter_rows())
    rows = [
        _yardstick(entry, between.get(entry["item"]), within.get(entry["item"]), levels.get(entry["item"]))
        for entry in items.sort("item").iter_rows(named=True)
    ]
    return t.shaped(pl.DataFrame(rows, schema=_SCHEMA, nan_to_null=True), t.Yardsticks) if rows else t.empty(t.Yardsticks)


def without_own(yardsticks: pl.DataFrame, pairs: pl.DataFrame, results: pl.DataFrame) -> pl.DataFrame:
    """YARDSTICKS_WITHOUT: σR of the network without one laboratory's results over σR with them, for each laboratory that holds
    `OWN_SHARE` of an item's contrasts or more; what a smaller share moves is within σR's uncertainty.

    Without its pairs and its result in each round; the model (constant or in proportion to the level) stays as it is.
    """
    network = yardsticks.filter(pl.col("source") == str(YardstickSource.NETWORK))
    in_proportion = dict(network.select("item", pl.col("sigma_R_slope") > 0).iter_rows())
    rows = pl.concat([of_pairs(pairs, PairKind.BETWEEN), of_rounds(results)]).filter(pl.col("item").is_in([*in_proportion]))
    ordered = rows.sort("item", "set", "lab", "value", nulls_last=True)
    found = [
        _without(str(item), part, in_proportion=in_proportion[str(item)])
        for (item,), part in ordered.group_by("item", maintain_order=True)
    ]
    return t.shaped(pl.concat(found), t.YardsticksWithout) if found else t.empty(t.YardsticksWithout)


def _without(item: str, part: pl.DataFrame, *, in_proportion: bool) -> pl.DataFrame:
    """Rows of one item."""
    whole = sets_of(part)
    of_set, names = part["set"].rle_id().to_numpy().astype(np.int64), part["lab"].unique().sort()
    code = names.search_sorted(part["lab"]).to_numpy()
    held = np.bincount(code, weights=whole.deviations.weight, minlength=len(names)) / max(whole.contrasts / 2.0, 1e-9)
    values = part["value"].to_numpy()
    scale = rep.scale_of(whole.deviations, in_proportion=in_proportion)
    told = []
    for one in np.flatnonzero(held >= OWN_SHARE):
        left = _left(values, of_set, code != one)
        if left is not None and scale > 0 and left.weight.sum() >= MIN_CONTRASTS:
            told.append((item, names[int(one)], rep.scale_of(left, in_proportion=in_proportion) / scale, min(held[one], 1.0)))
    return pl.DataFrame(
        told, schema={"item": pl.String, "lab": pl.String, "ratio": pl.Float64, "share": pl.Float64}, orient="row"
    )


def _left(values: NDArray[np.float64], of_set: NDArray[np.int64], kept: NDArray[np.bool_]) -> rep.Deviations | None:
    """Deviations of the results `kept`, sets of one left out."""
    kept = kept & (np.bincount(of_set, weights=kept)[of_set] >= 2)
    if not kept.any():
        return None
    begins = np.flatnonzero(np.diff(of_set[kept], prepend=-1))
    return rep.deviations(values[kept], np.append(begins, int(kept.sum())).astype(np.int64))


_SCHEMA = t.Yardsticks.create_empty().schema


def _yardstick(item: dict[str, Any], between: Sets | None, within: Sets | None, level: float | None) -> dict[str, Any]:
    numeric = item["scale"] in NUMERIC_SCALES
    source, constant, slope, u = _reproducibility(item, between, level) if numeric else _NOTHING
    r_constant, r_slope = _repeatability(item, within) if numeric else (None, None)
    known = source != YardstickSource.NONE
    n_sets = between.n_sets if between else 0
    return {
        "item": item["item"],
        "source": str(source),
        "sigma_r_constant": r_constant,
        "sigma_r_slope": r_slope,
        "sigma_R_constant": constant,
        "sigma_R_slope": slope,
        "u_relative": u,
        "dispersion": _dispersion(between, constant, slope) if known else None,
        "n_blocks": n_sets,
        "informs_class": _informs_class(source, between),
    }


def _informs_class(source: YardstickSource, between: Sets | None) -> bool:
    if source == YardstickSource.NETWORK:
        return between is not None and between.labs >= CLASS_LABS
    if source == YardstickSource.HORWITZ:
        return between is not None and between.contrasts >= CLASS_CONTRASTS
    return source in (YardstickSource.METHOD, YardstickSource.PRODUCT_RULE)


_NOTHING = (YardstickSource.NONE, None, None, None)


def _reproducibility(
    item: dict[str, Any], between: Sets | None, level: float | None
) -> tuple[YardstickSource, float | None, float | None, float | None]:
    """Source, constant and slope of σR, and its relative uncertainty."""
    constant, slope = item["reproducibility_constant"] or 0.0, item["reproducibility_slope"] or 0.0
    if constant > 0 or slope > 0:
        return YardstickSource.METHOD, constant / LIMIT_FACTOR, slope / LIMIT_FACTOR, 0.0
    if (item["rule_tolerance"] or 0.0) > 0:
        return YardstickSource.PRODUCT_RULE, item["rule_tolerance"] / LIMIT_FACTOR, 0.0, 0.0
    fitted = _fitted(item, between)
    if fitted and between:
        return YardstickSource.NETWORK, fitted.constant, fitted.slope, rep.relative_uncertainty(between.contrasts, between.labs)
    factor = MASS_FRACTION.get(item["unit"])
    if item["scale"] == Scale.RATIO and factor and level and 0 < level * factor <= 1:
        at_zero, per_level = horwitz_line(level * factor)
        return YardstickSource.HORWITZ, at_zero / factor, per_level, HORWITZ_U
    return _NOTHING


def _repeatability(item: dict[str, Any], within: Sets | None) -> tuple[float | None, float | None]:
    """Constant and slope of σr: the method standard's r, else the network's duplicates and replicates, else null."""
    constant, slope = item["repeatability_constant"] or 0.0, item["repeatability_slope"] or 0.0
    if constant > 0 or slope > 0:
        return constant / LIMIT_FACTOR, slope / LIMIT_FACTOR
    fitted = _fitted(item, within)
    return (fitted.constant, fitted.slope) if fitted else (None, None)


def _fitted(item: dict[str, Any], found: Sets | None) -> rep.Spread | None:
    if found is None or found.contrasts < MIN_CONTRASTS:
        return None
    return rep.fit_spread(found.deviations, step=found.step, proportional_allowed=item["scale"] != Scale.INTERVAL)


def _dispersion(between: Sets | None, constant: float | None, slope: float | None) -> float:
    if between is None:
        return 1.0
    found = between.deviations
    sigma = (constant or 0.0) + (slope or 0.0) * found.level
    usable = sigma > 0
    return rep.dispersion(found.value[usable] / sigma[usable], found.weight[usable])
