"""Bias of each laboratory on the network: mean, by family and by item, with clustered errors and the zero stated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from labqa.analysis import evidence
from labqa.analysis.observations import Observations, observations, starts
from labqa.analysis.scopes import KINDS, Biases, Part, biases, variance_components, within_scope
from labqa.core import tables as t
from labqa.core.vocabulary import Scope, Zero
from labqa.stats.between import between_sd
from labqa.stats.bounds import smallest_shown
from labqa.stats.redescending import Weights, robust_weights
from labqa.stats.variance import Components

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class BiasSettings:
    """Settings of the bias fit; an edition may set them.

    `delta0` is the tolerated |bias| in σR, `alpha` the one-sided error rate and `tests` the number of tests it is split over;
    `corner` and `end` bound the redescending weights in SDs; `max_anchor_se` is the largest error of the zero, in σR, at which
    assigned values anchor a component.
    """

    delta0: float = 0.5
    alpha: float = 0.001
    tests: int = 1
    min_samples: int = 12
    min_item_samples: int = 6
    min_partners: int = 3
    min_labs: int = 5
    max_bridge: float = 0.5
    include_objection: bool = False
    robust: bool = True
    scale: Literal["standardised", "raw"] = "standardised"
    blunder: float = 10.0
    corner: float = 3.0
    end: float = 6.0
    max_anchor_se: float = 0.25
    level: float = 0.95


def lab_bias(
    results: pl.DataFrame,
    samples: pl.DataFrame,
    blocks: pl.DataFrame,
    items: pl.DataFrame,
    yardsticks: pl.DataFrame,
    settings: BiasSettings,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """LAB_BIAS of every laboratory named in the results, and BLOCKS with `used_for_bias` and `why_not` filled."""
    seen, told = observations(
        results,
        blocks,
        items,
        yardsticks,
        scale=settings.scale,
        include_objection=settings.include_objection,
        blunder=settings.blunder if settings.robust else None,
    )
    labs = _named(results)
    if not len(seen.y):
        return _finished(_unassessed(labs), labs, settings), told
    weights, base = _weights(seen, settings)
    network = _Network(seen, weights, base, _relative_u(yardsticks, seen), settings)
    rows = pl.concat([network.whole(), network.by_family(), network.by_item()])
    return _finished(rows, labs, settings), _without_gross(told, seen, weights)


def _named(results: pl.DataFrame) -> pl.Series:
    """Every laboratory that the results name, sorted."""
    return results["lab"].drop_nulls().unique().sort()


def _relative_u(yardsticks: pl.DataFrame, seen: Observations) -> Floats:
    """Relative standard uncertainty of σR of each item; 0 where none is stated."""
    by_item = pl.DataFrame({"item": seen.items}).join(yardsticks.select("item", "u_relative"), on="item", how="left", maintain_order="left")
    return np.asarray(by_item["u_relative"].fill_null(0.0).to_numpy(), dtype=np.float64)


def _base(seen: Observations) -> Floats:
    """Weights before the robust steps: 1 for a laboratory, for an assigned value what its u earns, 10 at most."""
    u = np.where(np.isnan(seen.u), 0.3, seen.u)
    return np.where(seen.is_anchor, np.minimum(0.5 / np.maximum(u * u, 0.05), 10.0), 1.0)


def _weights(seen: Observations, settings: BiasSettings) -> tuple[Weights, Floats]:
    """Robust weights, refitted once with the estimated ratio of the variances within laboratories to that of lab × item."""
    base, n_labs = _base(seen), len(seen.labs)
    if not settings.robust:
        return Weights(base, np.zeros(len(base)), np.zeros(0), 1.0), base
    joint = np.where(seen.is_anchor, n_labs * len(seen.items), seen.lab * len(seen.items) + seen.item)
    names, node = np.unique(joint, return_inverse=True)
    lab_of = names // len(seen.items)
    tests = np.unique(seen.sample * (n_labs + 1) + seen.lab, return_inverse=True)[1]
    groups = [(tests, 4), (seen.run, 8)]
    ratio, weights = 1.0, None
    for _ in range(2):
        weights = robust_weights(
            starts(seen.block), node, lab_of, seen.item, groups, base, seen.y, ratio=ratio, corner=settings.corner, end=settings.end
        )
        parts = list(within_scope(seen, weights.weight, base, seen.y, np.ones(len(base), dtype=bool)))
        found = variance_components(parts, n_labs=n_labs).variance
        ratio = float(np.clip(found[:3].sum() / max(found[3], 1e-6), 0.1, 100.0))
    return weights, base


def _without_gross(told: pl.DataFrame, seen: Observations, weights: Weights) -> pl.DataFrame:
    """BLOCKS in which the robust steps left fewer than two observations are told as such."""
    left = np.bincount(seen.block, weights=weights.weight > 0, minlength=len(seen.block_ids))
    gone = pl.DataFrame({"block": [block for block, n in zip(seen.block_ids, left, strict=True) if n < 2]}, schema={"block": pl.String})
    out = pl.col("block").is_in(gone["block"].to_list())
    return told.with_columns(
        used_for_bias=pl.col("used_for_bias") & ~out, why_not=pl.when(out).then(pl.lit("bias.gross_error")).otherwise(pl.col("why_not"))
    )


class _Network:
    """The weighted observations and their variance components, from which the rows of each scope are made."""

    def __init__(self, seen: Observations, weights: Weights, base: Floats, relative_u: Floats, settings: BiasSettings) -> None:
        self.seen, self.weights, self.base, self.relative_u, self.settings = seen, weights, base, relative_u, settings
        self.parts = self._parts(np.ones(len(seen.y), dtype=bool), seen.y)
        self.components = variance_components(self.parts, n_labs=len(seen.labs))

    def _parts(self, chosen: NDArray[np.bool_], y: Floats) -> list[Part]:
        return list(within_scope(self.seen, self.weights.weight, self.base, y, chosen))

    def _biases(self, part: Part, *, without: tuple[str, ...]) -> Biases:
        return biases(part, self.components, without=without, max_anchor_se=self.settings.max_anchor_se, slope=self.weights.slope)

    def _rows(self, parts: list[Part], scope: Scope, scope_id: str, *, without: tuple[str, ...]) -> pl.DataFrame:
        """Rows of one scope, with the uncertainty of σR in their variance."""
        frames = []
        for part in parts:
            found = self._biases(part, without=without)
            if len(found.lab) < 2 and not found.anchored:
                continue
            inside = 0.0 if "item" in without else self.components.variance[KINDS.index("item")]
            squared = (part.item_share**2) @ self.relative_u**2
            scaled = squared[: len(found.lab)] * (found.estimate**2 + inside)
            frames.append(_frame(replace(found, variance=found.variance + scaled), self.seen.labs, scope, scope_id))
        return pl.concat(frames) if frames else _empty()

    def whole(self) -> pl.DataFrame:
        """Rows of the scope `lab`, with the mean oriented to the limits and the SD between items."""
        rows = self._rows(self.parts, Scope.LAB, "", without=())
        return rows

    def by_family(self) -> pl.DataFrame:
        """Rows of the scope `family`, in families with three connected laboratories or more."""
        frames = [_empty()]
        for code, family in enumerate(self.seen.families):
            parts = [part for part in self._parts(self.seen.family == code, self.seen.y) if len(part.labs) >= 3]
            frames.append(self._rows(parts, Scope.FAMILY, family, without=("family",)))
        return pl.concat(frames)

    def by_item(self) -> pl.DataFrame:
        """Rows of the scope `item`."""
        frames = [_empty()]
        for code, item in enumerate(self.seen.items):
            parts = self._parts(self.seen.item == code, self.seen.y)
            frames.append(self._rows(parts, Scope.ITEM, item, without=("family", "item")))
        return pl.concat(frames)


_WORKING = {name: dtype for name, dtype in t.LabBias.create_empty().schema.items()}


def _empty() -> pl.DataFrame:
    return t.empty(t.LabBias)


def _frame(found: Biases, labs: list[str], scope: Scope, scope_id: str) -> pl.DataFrame:
    """One row a laboratory, estimates not yet judged."""
    names = np.array(labs, dtype=object)
    return t.shaped(
        pl.DataFrame(
            {
                "lab": list(names[found.lab]),
                "scope": str(scope),
                "scope_id": scope_id,
                "estimate": found.estimate,
                "se": np.sqrt(found.variance),
                "df": np.minimum(found.df, 1e6),
                "n_samples": found.n_samples,
                "n_partners": found.n_partners,
                "n_blocks": found.n_blocks,
                "component": labs[found.component],
                "component_labs": len(found.lab),
                "bridge_share": found.bridge,
                "zero": str(Zero.ANCHORED if found.anchored else Zero.RELATIVE),
                "status": "assessed",
            }
        ),
        t.LabBias,
    )


def _unassessed(labs: pl.Series) -> pl.DataFrame:
    """Rows of laboratories without any block that could enter."""
    frame = pl.DataFrame({"lab": labs, "scope": str(Scope.LAB), "scope_id": "", "n_samples": 0, "n_partners": 0, "n_blocks": 0, "component_labs": 0})
    return t.shaped(frame.with_columns(status=pl.lit("not_assessed")), t.LabBias)


def _finished(rows: pl.DataFrame, labs: pl.Series, settings: BiasSettings) -> pl.DataFrame:
    """The table: intervals, smallest demonstrable bias, status and reason, one row for every laboratory at least."""
    seen = rows.filter(pl.col("scope") == str(Scope.LAB))["lab"]
    rows = pl.concat([rows, _unassessed(labs.filter(~labs.is_in(seen.to_list())))])
    estimate, se, df = (rows[name].fill_null(np.nan).to_numpy() for name in ("estimate", "se", "df"))
    reach = special.stdtrit(df, 0.5 + 0.5 * settings.level) * se
    shown = smallest_shown(se, df, bound=settings.delta0, alpha=settings.alpha / settings.tests)
    rows = rows.with_columns(
        lower=pl.Series(estimate - reach).fill_nan(None),
        upper=pl.Series(estimate + reach).fill_nan(None),
        detectable=pl.Series(shown).fill_nan(None),
    )
    told = evidence.judged(
        rows,
        min_samples=settings.min_samples,
        min_item_samples=settings.min_item_samples,
        min_partners=settings.min_partners,
        min_labs=settings.min_labs,
        max_bridge=settings.max_bridge,
    )
    return t.shaped(told, t.LabBias).sort("lab", "scope", "scope_id")
