"""Bias of each laboratory on the network: mean, by family and by item, with clustered errors and the zero stated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse, special

from labqa.analysis import evidence, shrinkage
from labqa.analysis.doubts import Doubt, doubts
from labqa.analysis.observations import Observations, observations
from labqa.analysis.sample_causes import Causes, without_sample_causes
from labqa.analysis.scopes import KINDS, Biases, ItemSpread, Part, biases, variance_components, within_scope
from labqa.analysis.weights import Weighted, weighted
from labqa.core import tables as t
from labqa.core.vocabulary import Scope, Zero
from labqa.stats.bounds import smallest_shown
from labqa.stats.network.between import between_sd, shrunken_between
from labqa.stats.network.variance import Components
from labqa.stats.network.working import working_weights

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class BiasSettings:
    """Settings of the bias fit; an edition may set them.

    `delta0` is the tolerated |bias| in σR, `alpha` the one-sided error rate that the tests of a laboratory share, `swing` the
    share by which a yardstick may be off;
    `corner` and `end` bound the redescending weights in SDs; `max_anchor_se` is the largest error of the zero, in σR, at which
    assigned values anchor a component; `max_gross` is the estimated share of gross errors from which a component is refused (a
    true share of 20 % shows as about 16 %, since near ones hide), `max_lean` that by which those of one laboratory may lean
    to one side.
    """

    delta0: float = 0.5
    alpha: float = 0.001
    swing: float = 0.3
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
    end: float = 4.5
    max_anchor_se: float = 0.25
    max_gross: float = 0.125
    max_lean: float = 0.2
    level: float = 0.95


def lab_bias(
    results: pl.DataFrame,
    samples: pl.DataFrame,
    blocks: pl.DataFrame,
    items: pl.DataFrame,
    yardsticks: pl.DataFrame,
    settings: BiasSettings,
    *,
    without: pl.DataFrame | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """LAB_BIAS of every laboratory named in the results, and BLOCKS with `used_for_bias` and `why_not` filled.

    `without` is YARDSTICKS_WITHOUT: a laboratory it names is stated in units of σR without its own results.
    """
    return fitted(results, samples, blocks, items, yardsticks, settings, without=without)[:2]


def fitted(
    results: pl.DataFrame,
    samples: pl.DataFrame,
    blocks: pl.DataFrame,
    items: pl.DataFrame,
    yardsticks: pl.DataFrame,
    settings: BiasSettings,
    *,
    without: pl.DataFrame | None = None,
    swapped: pl.DataFrame | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame, Network | None]:
    """As `lab_bias`, with the network from which its rows were made; none where nothing can be compared."""
    seen, told, causes = observed(results, blocks, items, yardsticks, settings, swapped)
    met = evidence.met(results, blocks)
    if not len(seen.y):
        return _finished(_empty(), met, settings), told, None
    weights = weighted(seen, robust=settings.robust, corner=settings.corner, end=settings.end)
    own = t.empty(t.YardsticksWithout) if without is None else without
    network = Network(seen, weights, items, yardsticks, settings, own, causes)
    rows = pl.concat([network.whole(), network.by_family(), network.by_item])
    return _finished(rows, met, settings), _without_gross(told, seen, weights), network


def observed(
    results: pl.DataFrame,
    blocks: pl.DataFrame,
    items: pl.DataFrame,
    yardsticks: pl.DataFrame,
    settings: BiasSettings,
    swapped: pl.DataFrame | None = None,
) -> tuple[Observations, pl.DataFrame, Causes]:
    """The observations that the settings let into the fit, BLOCKS with `used_for_bias` and `why_not`, and what is charged to
    samples; `swapped` names tests (lab, sample) that an interchange explains."""
    seen, told = observations(
        results,
        blocks,
        items,
        yardsticks,
        scale=settings.scale,
        include_objection=settings.include_objection,
        blunder=settings.blunder if settings.robust else None,
    )
    return without_sample_causes(seen, told, swapped, screened=settings.robust and settings.scale != "raw")


def _relative_u(yardsticks: pl.DataFrame, seen: Observations) -> Floats:
    """Relative standard uncertainty of σR of each item; 0 where none is stated."""
    by_item = pl.DataFrame({"item": seen.items}).join(
        yardsticks.select("item", "u_relative"), on="item", how="left", maintain_order="left"
    )
    return np.asarray(by_item["u_relative"].fill_null(0.0).to_numpy(), dtype=np.float64)


def _own_unit(without: pl.DataFrame, seen: Observations) -> sparse.csr_array:
    """By how much σR exceeds that without the laboratory's own results, less 1 (laboratories × items; 0 where it is not
    told)."""
    known = without.filter(pl.col("lab").is_in(seen.labs) & pl.col("item").is_in(seen.items) & (pl.col("ratio") > 0))
    place = [pl.Series(names).search_sorted(known[column]) for names, column in ((seen.labs, "lab"), (seen.items, "item"))]
    more = 1.0 / known["ratio"].to_numpy() - 1.0
    shape = (len(seen.labs), len(seen.items))
    return sparse.csr_array((more, (place[0].to_numpy(), place[1].to_numpy())), shape=shape)


def _orientation(items: pl.DataFrame, seen: Observations) -> Floats:
    """Which way a bias of each item leads towards conforming: −1 under an upper limit only, +1 over a lower limit only,
    else 0."""
    limits = pl.DataFrame({"item": seen.items}).join(
        items.select("item", "lower_limit", "upper_limit"), on="item", how="left", maintain_order="left"
    )
    lower, upper = (limits[name].is_not_null().to_numpy() for name in ("lower_limit", "upper_limit"))
    return np.asarray(lower & ~upper, dtype=np.float64) - np.asarray(upper & ~lower, dtype=np.float64)


def _working(seen: Observations, weights: Weighted, found: Components) -> Floats:
    """Weights of the observations in fits over several items; assigned values keep theirs."""
    of_lab = ~seen.is_anchor
    shared = dict(zip(KINDS, found.variance.tolist(), strict=True))
    codes = {"item": seen.item, "sample": seen.sample, "run": seen.run}
    joint = [np.where(of_lab & (code >= 0), code * len(seen.labs) + seen.lab, -1) for code in codes.values()]
    groups = [np.unique(one[of_lab], return_inverse=True)[1] - int(one[of_lab].min(initial=0) < 0) for one in joint]
    weight = weights.weight.copy()
    weight[of_lab] = working_weights(
        weight[of_lab], weights.precision[of_lab], groups, [shared[kind] for kind in codes], error=shared["error"]
    )
    return weight


def _without_gross(told: pl.DataFrame, seen: Observations, weights: Weighted) -> pl.DataFrame:
    """BLOCKS in which the robust steps left fewer than two observations are told as such."""
    left = np.bincount(seen.block, weights=weights.weight > 0, minlength=len(seen.block_ids))
    gone = pl.DataFrame(
        {"block": [block for block, n in zip(seen.block_ids, left, strict=True) if n < 2]}, schema={"block": pl.String}
    )
    out = pl.col("block").is_in(gone["block"].to_list())
    return told.with_columns(
        used_for_bias=pl.col("used_for_bias") & ~out,
        why_not=pl.when(out).then(pl.lit("bias.gross_error")).otherwise(pl.col("why_not")),
    )


class Network:
    """The weighted observations and their variance components, from which the rows of each scope are made."""

    def __init__(
        self,
        seen: Observations,
        weights: Weighted,
        items: pl.DataFrame,
        yardsticks: pl.DataFrame,
        settings: BiasSettings,
        without: pl.DataFrame,
        causes: Causes,
    ) -> None:
        self.seen, self.weights, self.settings, self.causes = seen, weights, settings, causes
        self.own_unit = _own_unit(without, seen)
        self.relative_u, self.orientation = _relative_u(yardsticks, seen), _orientation(items, seen)
        self.working = weights.weight
        everything = np.ones(len(seen.y), dtype=bool)
        self.components = variance_components(self.within(everything, seen.y), n_labs=len(seen.labs))
        self.working = _working(seen, weights, self.components)
        self.parts = self.within(everything, seen.y)
        self.doubt = doubts(seen, weights, corner=settings.corner, end=settings.end)

    def within(self, chosen: NDArray[np.bool_], y: Floats, *, working: bool = True) -> list[Part]:
        """The fitted components of the observations `chosen`; with `working` weights what shares an effect counts less."""
        weight = self.working if working else self.weights.weight
        return list(within_scope(self.seen, weight, self.weights.precision, y, chosen))

    @cached_property
    def counted(self) -> list[Part]:
        """The fitted components of all observations with every pair in full, for what is told in numbers of pairs."""
        return self.within(np.ones(len(self.seen.y), dtype=bool), self.seen.y, working=False)

    def unit(self, part: Part) -> Floats:
        """Factor of each laboratory of the part that states its bias in units of σR without its own results."""
        more = self.own_unit[part.labs].multiply(part.item_share[: len(part.labs)]).sum(axis=1)
        return np.asarray(1.0 + more, dtype=np.float64).ravel()

    def _rows(
        self, parts: list[Part], scope: Scope, scope_id: str, *, without: tuple[str, ...], spread: ItemSpread | None = None
    ) -> pl.DataFrame:
        """Rows of one scope, with the uncertainty of σR in their variance and the worst case of leaning errors in their SE."""
        frames = []
        for part in parts:
            found = biases(
                part,
                self.components,
                without=without,
                max_anchor_se=self.settings.max_anchor_se,
                slope=self.weights.slope,
                items=spread,
            )
            if len(found.lab) < 2 and not found.anchored:
                continue
            inside = 0.0 if "item" in without else self.components.variance[KINDS.index("item")]
            squared = (part.item_share**2) @ self.relative_u**2
            scaled = squared[: len(found.lab)] * (found.estimate**2 + inside)
            unit = self.unit(part)
            told = replace(found, estimate=found.estimate * unit, variance=(found.variance + scaled) * unit**2)
            frames.append(_frame(told, self.seen.labs, scope, scope_id))
        return _widened(pl.concat(frames), self.seen.labs, self.doubt, self.settings) if frames else _empty()

    @cached_property
    def spread(self) -> ItemSpread:
        """Variance between the items of each laboratory, drawn to that of lab × item in the whole network."""
        known = self.by_item.filter(pl.col("se") > 0)
        lab = pl.Series(self.seen.labs).search_sorted(known["lab"]).to_numpy().astype(np.int64)
        overall = float(self.components.variance[KINDS.index("item")])
        found = shrunken_between(
            lab, known["estimate"].to_numpy(), known["se"].to_numpy() ** 2, n=len(self.seen.labs), overall=overall
        )
        return ItemSpread(found.variance, found.df)

    def whole(self) -> pl.DataFrame:
        """Rows of the scope `lab`, with the mean oriented to the limits."""
        rows = self._rows(self.parts, Scope.LAB, "", without=(), spread=self.spread)
        towards = self.orientation[self.seen.item]
        parts = self.within(towards != 0, self.seen.y * towards)
        oriented = _with_interval(self._rows(parts, Scope.LAB, "", without=(), spread=self.spread), self.settings)
        named = oriented.select("lab", oriented="estimate", oriented_lower="lower", oriented_upper="upper")
        return t.shaped(
            rows.drop("oriented", "oriented_lower", "oriented_upper").join(named, on="lab", how="left", maintain_order="left"),
            t.LabBias,
        )

    def by_family(self) -> pl.DataFrame:
        """Rows of the scope `family`, in families with three connected laboratories or more."""
        frames = [_empty()]
        for code, family in enumerate(self.seen.families):
            parts = [part for part in self.within(self.seen.family == code, self.seen.y) if len(part.labs) >= 3]
            frames.append(self._rows(parts, Scope.FAMILY, family, without=("family",), spread=self.spread))
        return pl.concat(frames)

    @cached_property
    def by_item(self) -> pl.DataFrame:
        """Rows of the scope `item`."""
        frames = [_empty()]
        for code, item in enumerate(self.seen.items):
            parts = self.within(self.seen.item == code, self.seen.y, working=False)
            frames.append(self._rows(parts, Scope.ITEM, item, without=("family", "item")))
        return pl.concat(frames)


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


def _widened(rows: pl.DataFrame, labs: list[str], doubt: Doubt, settings: BiasSettings) -> pl.DataFrame:
    """Rows whose SE holds the worst case of gross errors that lean to one side: the interval reaches as much further."""
    lab = pl.Series(labs).search_sorted(rows["lab"]).to_numpy()
    worst = doubt.worst[lab]
    reach = special.stdtrit(rows["df"].fill_null(np.inf).to_numpy(), 0.5 + 0.5 * settings.level)
    se = rows["se"].to_numpy() + np.where(np.isfinite(worst), worst, 0.0) / reach
    known = np.where(np.isfinite(worst), worst, np.nan)
    columns = {"se": se, "worst_case": known, "gross_share": doubt.gross[lab], "lean": doubt.lean[lab]}
    return t.shaped(rows.with_columns(pl.Series(name, values).fill_nan(None) for name, values in columns.items()), t.LabBias)


def _unassessed(met: pl.DataFrame) -> pl.DataFrame:
    """Rows of laboratories without any block that the fit could use: whom they met is told all the same."""
    return t.shaped(
        met.with_columns(scope=pl.lit(str(Scope.LAB)), scope_id=pl.lit(""), n_blocks=0, status=pl.lit("not_assessed")),
        t.LabBias,
    )


def _with_interval(rows: pl.DataFrame, settings: BiasSettings) -> pl.DataFrame:
    """Rows with the t interval of the estimate."""
    estimate, se, df = (rows[name].fill_null(np.nan).to_numpy() for name in ("estimate", "se", "df"))
    reach = special.stdtrit(df, 0.5 + 0.5 * settings.level) * se
    new = {"lower": estimate - reach, "upper": estimate + reach}
    return rows.with_columns(pl.Series(name, values).fill_nan(None) for name, values in new.items())


def _with_shrunken(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with the estimate drawn to the mean of its scope: empirical Bayes, variance between laboratories by Paule–Mandel."""
    known = rows.filter(pl.col("se") > 0)
    group = known.select(pl.struct("scope", "scope_id").rank("dense") - 1).to_series().to_numpy().astype(np.int64)
    estimate, variance = known["estimate"].to_numpy(), known["se"].to_numpy() ** 2
    n = int(group.max(initial=-1)) + 1
    between = np.nan_to_num(between_sd(group, estimate, variance, n=n).sd) ** 2
    weight = 1.0 / (variance + between[group])
    mean = np.bincount(group, weights=weight * estimate, minlength=n) / np.maximum(
        np.bincount(group, weights=weight, minlength=n), 1e-300
    )
    drawn = mean[group] + (estimate - mean[group]) * between[group] * weight
    keys = known.select("lab", "scope", "scope_id").with_columns(shrunken=pl.Series(drawn, dtype=pl.Float64))
    return t.shaped(
        rows.drop("shrunken").join(keys, on=["lab", "scope", "scope_id"], how="left", maintain_order="left"), t.LabBias
    )


def _with_tau(rows: pl.DataFrame, settings: BiasSettings) -> pl.DataFrame:
    """Rows of the scope `lab` with the SD between the biases of the laboratory's items that carry a sign."""
    carried = (
        (pl.col("n_partners") >= settings.min_partners)
        & (pl.col("component_labs") >= settings.min_labs)
        & (pl.col("bridge_share") <= settings.max_bridge)
    )
    known = rows.filter((pl.col("scope") == str(Scope.ITEM)) & (pl.col("se") > 0) & carried)
    names = known["lab"].unique().sort()
    group = names.search_sorted(known["lab"]).to_numpy().astype(np.int64) if len(names) else np.zeros(0, np.int64)
    found = between_sd(group, known["estimate"].to_numpy(), known["se"].to_numpy() ** 2, n=len(names))
    columns = {"tau": found.sd, "tau_lower": found.lower, "tau_upper": found.upper}
    keyed = pl.DataFrame(
        {"lab": names, "scope": str(Scope.LAB)}
        | {name: pl.Series(values, dtype=pl.Float64).fill_nan(None) for name, values in columns.items()},
        schema_overrides={"lab": pl.String, "scope": pl.String},
    )
    return t.shaped(rows.drop(list(columns)).join(keyed, on=["lab", "scope"], how="left", maintain_order="left"), t.LabBias)


def _finished(rows: pl.DataFrame, met: pl.DataFrame, settings: BiasSettings) -> pl.DataFrame:
    """The table: intervals, smallest demonstrable bias, status and reason, one row for every laboratory at least."""
    seen = rows.filter(pl.col("scope") == str(Scope.LAB))["lab"]
    rows = pl.concat([rows, _unassessed(met.filter(~pl.col("lab").is_in(seen.to_list())))])
    told = judged(_with_tau(shrinkage.towards_own_lab(_with_shrunken(_with_interval(rows, settings))), settings), settings)
    return t.shaped(_with_detectable(told, settings), t.LabBias).sort("lab", "scope", "scope_id")


def judged(rows: pl.DataFrame, settings: BiasSettings) -> pl.DataFrame:
    """Rows of LAB_BIAS with `status` and `reason` by the rules of evidence, as the settings have them."""
    return evidence.judged(
        rows,
        min_samples=settings.min_samples,
        min_item_samples=settings.min_item_samples,
        min_partners=settings.min_partners,
        min_labs=settings.min_labs,
        max_bridge=settings.max_bridge,
        max_gross=settings.max_gross,
        max_lean=settings.max_lean,
    )


def _with_detectable(rows: pl.DataFrame, settings: BiasSettings) -> pl.DataFrame:
    """Judged rows with the smallest |bias| that the tests of a rating would show: mean, assessed items and precision of a
    laboratory share the error rate, and a deduction must hold with a yardstick larger by the swing."""
    tested = (pl.col("status") == "assessed") & pl.col("scope").is_in([str(Scope.LAB), str(Scope.ITEM)])
    tests = rows.select(1 + tested.sum().over("lab")).to_series().to_numpy()
    se, df = (rows[name].fill_null(np.nan).to_numpy() for name in ("se", "df"))
    shown = smallest_shown(se, df, bound=settings.delta0 * (1.0 + settings.swing), alpha=settings.alpha / tests)
    return rows.with_columns(detectable=pl.Series(shown).fill_nan(None))
