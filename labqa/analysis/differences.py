"""Mean of original minus retest over the network, by how retests were chosen: what a reader must not take for bias."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from labqa.analysis.chosen import without_blunders
from labqa.analysis.given_first import GivenFirst
from labqa.core import tables as t
from labqa.core.vocabulary import OptionStatus, SelectionOption, Trigger
from labqa.stats.selection.hajek import hajek_weights
from labqa.stats.selection.means import Mean, clustered_mean

Floats = NDArray[np.float64]


def of_network(pairs: pl.DataFrame, given: GivenFirst, *, level: float, cap: float) -> pl.DataFrame:
    """Rows without a laboratory: mean (original − retest) in σR, + where the original lies on the failing side.

    Objection retests: as they are, as their choice alone makes them, and what then remains. Planned retests, of items with one
    limit, all and by whether they saw the first result.
    """
    rows = without_blunders(pairs)
    planned = rows.filter((pl.col("trigger") == str(Trigger.PLANNED)) & pl.col("one_sided").fill_null(value=False))
    objected = without_blunders(given.pairs) if given.reason is None else rows.filter("objection", pl.col("side").is_not_null())
    recorded = planned.drop_nulls("probability")
    groups = {
        SelectionOption.DEFAULT: planned,
        SelectionOption.BLIND_ONLY: planned.filter(pl.col("blind").fill_null(value=True)),
        SelectionOption.UNBLINDED: planned.filter(~pl.col("blind")),
        SelectionOption.BLIND_UNKNOWN: planned.filter(pl.col("blind").is_null()),
        SelectionOption.NAIVE: objected,
    }
    found = [_row(option, frame, _mean(frame), level) for option, frame in groups.items()]
    weight = hajek_weights(recorded["probability"].to_numpy().astype(np.float64), cap=cap)
    row = _row(SelectionOption.WEIGHTED, recorded, _mean(recorded, weight), level)
    found.append(row | ({} if recorded.height else {"reason": "selection.no_probability"}))
    return t.shaped(pl.DataFrame(found + _explained(objected, given, level), schema=_SCHEMA), t.LabSelection)


_SCHEMA = t.LabSelection.create_empty().schema


def _mean(rows: pl.DataFrame, weight: Floats | None = None) -> Mean:
    """Mean of side · (x1 − x2), clustered by sample and by either laboratory."""
    value = ((rows["x1"] - rows["x2"]) * rows["side"]).to_numpy().astype(np.float64)
    return _clustered(rows, value, weight, ("first", "second"))


def _clustered(rows: pl.DataFrame, value: Floats, weight: Floats | None, ways: tuple[str, ...]) -> Mean:
    """The mean with an error clustered by sample and `ways`; by item where the truths of an item are estimated, since what is
    wrong with them is shared by all its pairs."""
    weights = np.ones(len(value)) if weight is None else weight
    return clustered_mean(value, weights, _group(rows["sample"]), [_group(rows[way]) for way in ways])


def _counted(option: SelectionOption, rows: pl.DataFrame) -> dict[str, Any]:
    return {"lab": "", "option": str(option), "n_samples": rows["sample"].n_unique(), "n_pairs": rows.height}


def _row(option: SelectionOption, rows: pl.DataFrame, mean: Mean, level: float) -> dict[str, Any]:
    """A row with its t interval; without two samples nothing is offered."""
    counted = _counted(option, rows)
    if np.isnan(mean.se):
        return counted | {"status": str(OptionStatus.NOT_OFFERED), "reason": "selection.no_such_retest"}
    reach = float(special.stdtrit(mean.df, 0.5 + 0.5 * level)) * mean.se
    return counted | {
        "estimate": mean.mean,
        "se": mean.se,
        "df": mean.df,
        "lower": mean.mean - reach,
        "upper": mean.mean + reach,
        "status": str(OptionStatus.ASSESSED),
    }


def _explained(objected: pl.DataFrame, given: GivenFirst, level: float) -> list[dict[str, Any]]:
    """What the choice alone makes of the objection retests, and what remains once laboratories are fitted too."""
    options = (SelectionOption.EXPECTED, SelectionOption.CONDITIONAL)
    if given.reason:
        none = {"status": str(OptionStatus.NOT_OFFERED), "reason": given.reason}
        return [_counted(option, objected) | none for option in options]
    side = objected["side"].to_numpy().astype(np.float64)
    explained = [objected[f"expected_{k}"].to_numpy() * side for k in range(given.n_shapes)]
    seen = (objected["x1"] - objected["x2"]).to_numpy() * side
    rows = []
    for option, tried in zip(options, (explained, [seen - one for one in explained]), strict=True):
        found = _row(option, objected, _clustered(objected, tried[0], None, ("first", "second", "item")), level)
        if found["status"] == str(OptionStatus.ASSESSED):
            means = [float(one.mean()) for one in tried]
            found |= {"sensitivity_low": min(means), "sensitivity_high": max(means)}
        rows.append(found)
    return rows


def _group(names: pl.Series) -> NDArray[np.int64]:
    return names.rank("dense").to_numpy().astype(np.int64)
