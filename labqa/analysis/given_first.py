"""Objection retests given their first result: biases of laboratories, and what of the differences the choice explains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from labqa.analysis.bias_settings import BiasSettings
from labqa.analysis.chosen import without_blunders
from labqa.analysis.refits import judged
from labqa.core import tables as t
from labqa.core.vocabulary import OptionStatus, Scope, SelectionOption, Status, Trigger
from labqa.stats.network.components import bridge_share, bridges, components
from labqa.stats.network.variance import against_others
from labqa.stats.network.zero import leave_one_out_centres
from labqa.stats.selection.conditional import Chosen, Conditional, Table, conditional_effects, contrast_errors, expected_truths
from labqa.stats.selection.error import Error, error_of, item_sds, less_between
from labqa.stats.selection.truths import SHAPES, best_shape, fitted_truths, grid_of, posterior_of

if TYPE_CHECKING:
    from labqa.analysis.selection import SelectionSettings

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
LEAST_DIFFERENCES = 30
"""Differences of planned retests from which the error is estimated; with fewer it is σR, as the yardstick says."""


@dataclass(frozen=True)
class GivenFirst:
    """Rows of the laboratories, and the objection pairs that could be used: what the choice alone explains of their x1 − x2
    under each of `n_shapes` descriptions of the truths, the best first, as `expected_0` …; or why there are none."""

    labs: pl.DataFrame
    pairs: pl.DataFrame
    n_shapes: int
    reason: str | None


def given_first(
    pairs: pl.DataFrame, first: pl.DataFrame, lab_bias: pl.DataFrame, settings: BiasSettings, selection: SelectionSettings
) -> GivenFirst:
    """The conditional option for every laboratory of LAB_BIAS, from objection retests alone."""
    objected = pairs.filter(pl.col("objection") & pl.col("side").is_not_null())
    labs = lab_bias["lab"].unique().sort()
    usable = _offered(objected, first, selection)
    if usable.is_empty():
        reason = "selection.few_originals" if objected.height else "selection.no_objection"
        return GivenFirst(_not_offered(labs, objected), usable, 0, reason)
    names = pl.concat([usable["first"], usable["second"]]).unique().sort()
    items = usable["item"].unique().sort()
    chosen = _chosen(usable, names, items)
    of_all, within = _tables(pairs, first, items, _between(lab_bias))
    nodes = np.stack([chosen.first, chosen.second], axis=1).ravel()
    component = components(np.arange(0, len(nodes) + 1, 2), nodes, n=len(names))
    found = tuple(conditional_effects(chosen, table, component) for table in within)
    rows = _rows(found, chosen, component, names, lab_bias, settings)
    absent = labs.filter(~labs.is_in(names.to_list()))
    told = usable.with_columns(
        pl.Series(f"expected_{k}", chosen.x1 - expected_truths(chosen, table)) for k, table in enumerate(of_all)
    )
    return GivenFirst(pl.concat([rows, _not_offered(absent, objected)]), told, len(of_all), None)


def _offered(objected: pl.DataFrame, first: pl.DataFrame, selection: SelectionSettings) -> pl.DataFrame:
    """Objection pairs of the items with enough first results."""
    counted = first.group_by("item").agg(n=pl.col("x1").count(), censored=pl.col("x1").is_null().mean())
    enough = counted.filter((pl.col("n") >= selection.min_originals) & (pl.col("censored") <= selection.most_censored))
    return objected.join(enough.select("item"), on="item", how="semi", maintain_order="left").sort("pair")


def _codes(column: pl.Series, names: pl.Series) -> Ints:
    return names.search_sorted(column).to_numpy().astype(np.int64)


def _chosen(usable: pl.DataFrame, names: pl.Series, items: pl.Series) -> Chosen:
    x1, x2, side = (usable[name].to_numpy().astype(np.float64) for name in ("x1", "x2", "side"))
    samples = _codes(usable["sample"], usable["sample"].unique().sort())
    return Chosen(
        _codes(usable["first"], names), _codes(usable["second"], names), x1, x2, side, _codes(usable["item"], items), samples
    )


def _between(lab_bias: pl.DataFrame) -> float:
    """Variance between laboratories' mean biases: of the assessed estimates less that of their errors, 0 at least."""
    known = lab_bias.filter((pl.col("scope") == str(Scope.LAB)) & (pl.col("status") == str(Status.ASSESSED)))
    if known.height < 2:
        return 0.0
    estimate, se = known["estimate"].to_numpy(), known["se"].to_numpy()
    return max(float(np.var(estimate, ddof=1) - np.mean(se**2)), 0.0)


def _errors(pairs: pl.DataFrame, items: pl.Series) -> list[Error]:
    """Error of one result, laboratories included, of each item: from planned retests, which no result selected."""
    planned = without_blunders(pairs).filter(pl.col("trigger") == str(Trigger.PLANNED))
    difference = planned["x2"].to_numpy() - planned["x1"].to_numpy()
    if len(difference) < LEAST_DIFFERENCES:
        return [Error(1.0)] * len(items)
    pooled = error_of(difference)
    here = planned["item"].is_in(items.to_list()).to_numpy()
    sds = item_sds(difference[here], _codes(planned.filter(pl.Series(here))["item"], items), pooled, n=len(items))
    return [pooled._replace(sd=float(sd)) for sd in sds]


def _tables(
    pairs: pl.DataFrame, first: pl.DataFrame, items: pl.Series, between: float
) -> tuple[list[list[Table]], list[list[Table]]]:
    """Tables of each item, under the shape that describes its first results best, then under each of `SHAPES`: with
    laboratories as part of the error of a first result, and with the error within them alone."""
    by_item = dict(first.drop_nulls("x1").group_by("item", maintain_order=True).agg("x1").iter_rows())
    of_all: list[list[Table]] = [[] for _ in range(len(SHAPES) + 1)]
    within: list[list[Table]] = [[] for _ in range(len(SHAPES) + 1)]
    for item, error in zip(items, _errors(pairs, items), strict=True):
        grid = grid_of(np.array(by_item[item], dtype=np.float64), error.sd)
        truths = [fitted_truths(grid, error, shape) for shape in SHAPES]
        for tables, own in ((of_all, error), (within, less_between(error, between))):
            made = [Table(grid, posterior_of(grid, one, own), own.variance) for one in truths]
            for place, one in enumerate([made[best_shape(truths, grid)], *made]):
                tables[place].append(one)
    return of_all, within


def _rows(
    found: tuple[Conditional, ...],
    chosen: Chosen,
    component: Ints,
    names: pl.Series,
    lab_bias: pl.DataFrame,
    settings: BiasSettings,
) -> pl.DataFrame:
    """Biases against the robust centre of the other laboratories, with the range over the shapes."""
    centres = [leave_one_out_centres(one.effect) for one in found]
    centred = [one.effect - centre.centre for one, centre in zip(found, centres, strict=True)]
    errors = contrast_errors(found[0], chosen, against_others(centres[0], nodes=len(names)))
    se = np.sqrt(errors.variance)
    reach = special.stdtrit(errors.df, 0.5 + 0.5 * settings.level) * se
    rows = _evidence(chosen, component, names).with_columns(
        estimate=pl.Series(centred[0]), se=pl.Series(se), df=pl.Series(errors.df),
        lower=pl.Series(centred[0] - reach), upper=pl.Series(centred[0] + reach),
    )  # fmt: skip
    told = judged(t.shaped(rows, t.LabBias), lab_bias, settings)
    ends = [np.min(centred, axis=0), np.max(centred, axis=0)]
    shown = pl.col("estimate").is_not_null()
    return t.shaped(
        told.with_columns(
            option=pl.lit(str(SelectionOption.CONDITIONAL)),
            n_pairs="n_blocks",
            sensitivity_low=pl.when(shown).then(pl.Series(ends[0])),
            sensitivity_high=pl.when(shown).then(pl.Series(ends[1])),
        ),
        t.LabSelection,
    )


def _evidence(chosen: Chosen, component: Ints, names: pl.Series) -> pl.DataFrame:
    """Samples, partners and pairs of each laboratory, its component, and what of its contrast hangs on one bridge."""
    lab = np.concatenate([chosen.first, chosen.second])
    partner = np.concatenate([chosen.second, chosen.first])
    n, sample = len(names), np.tile(chosen.sample, 2)
    edges = bridges(lab, partner, n=n)
    counts = {
        "n_samples": np.bincount(np.unique(np.stack([lab, sample]), axis=1)[0], minlength=n),
        "n_partners": np.bincount(np.unique(np.stack([lab, partner]), axis=1)[0], minlength=n),
        "n_blocks": np.bincount(lab, minlength=n),
        "component_labs": np.bincount(component, minlength=n)[component],
        "bridge_share": bridge_share(edges, component, np.ones(n)),
    }
    return pl.DataFrame({"lab": names, "scope": str(Scope.LAB), "scope_id": "", **counts})


def _not_offered(labs: pl.Series, objected: pl.DataFrame) -> pl.DataFrame:
    """Rows of laboratories without a usable objection retest."""
    has = pl.concat([objected["first"], objected["second"]]).unique().to_list()
    reason = (
        pl.when(pl.col("lab").is_in(has)).then(pl.lit("selection.few_originals")).otherwise(pl.lit("selection.no_objection"))
    )
    return t.shaped(
        pl.DataFrame({"lab": labs}).with_columns(
            option=pl.lit(str(SelectionOption.CONDITIONAL)),
            n_samples=pl.lit(0),
            n_pairs=pl.lit(0),
            status=pl.lit(str(OptionStatus.NOT_OFFERED)),
            reason=reason,
        ),
        t.LabSelection,
    )
