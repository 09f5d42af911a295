"""The weighted observations of a network and their variance components, from which the biases of each scope are made."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse, special

from labqa.analysis.bias_settings import BiasSettings
from labqa.analysis.doubts import Doubt, doubts
from labqa.analysis.finishing import with_interval
from labqa.analysis.observations import Observations
from labqa.analysis.sample_causes import Causes
from labqa.analysis.scopes import KINDS, Biases, ItemSpread, Part, biases, variance_components, within_scope
from labqa.analysis.weights import Weighted
from labqa.core import tables as t
from labqa.core.memory import trimmed
from labqa.core.threads import in_order
from labqa.core.vocabulary import Scope, Zero
from labqa.stats.network.between import shrunken_between
from labqa.stats.network.variance import Components
from labqa.stats.network.working import working_weights

Floats = NDArray[np.float64]
_EMPTY = t.empty(t.LabBias)


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
        self.everything = np.ones(len(seen.y), dtype=bool)
        self.components = variance_components(self.counted, n_labs=len(seen.labs))
        self.working = _working(seen, weights, self.components)
        self.doubt = doubts(seen, weights, corner=settings.corner, end=settings.end)

    def within(self, chosen: NDArray[np.bool_], y: Floats, *, working: bool = True) -> list[Part]:
        """The fitted components of the observations `chosen`; with `working` weights what shares an effect counts less."""
        weight = self.working if working else self.weights.weight
        return list(within_scope(self.seen, weight, self.weights.precision, y, chosen))

    @cached_property
    def counted(self) -> list[Part]:
        """The fitted components of all observations with every pair in full, for what is told in numbers of pairs."""
        return self.within(self.everything, self.seen.y, working=False)

    @cached_property
    def parts(self) -> list[Part]:
        """The fitted components of all observations."""
        return self.within(self.everything, self.seen.y)

    @cached_property
    def families(self) -> list[list[Part]]:
        """The fitted components of each product family."""
        return [self.within(self.seen.family == code, self.seen.y) for code in range(len(self.seen.families))]

    @cached_property
    def items(self) -> list[list[Part]]:
        """The fitted components of each item."""
        return [self.within(self.seen.item == code, self.seen.y, working=False) for code in range(len(self.seen.items))]

    def give_back(self) -> None:
        """Gives back the memory of all fitted components; those asked for again are fitted again."""
        for name in ("counted", "parts", "families", "items"):
            vars(self).pop(name, None)
        trimmed()

    def unit(self, part: Part) -> Floats:
        """Factor of each laboratory of the part that states its bias in units of σR without its own results."""
        more = self.own_unit[part.labs].multiply(part.item_share[: len(part.labs)]).sum(axis=1)
        return np.asarray(1.0 + more, dtype=np.float64).ravel()

    def _rows(
        self, parts: list[Part], scope: Scope, scope_id: str, *, without: tuple[str, ...], spread: ItemSpread | None = None
    ) -> pl.DataFrame:
        """Rows of one scope, with the uncertainty of σR in their variance and the worst case of leaning errors in their SE."""
        stated = []
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
            stated.append(told)
        return _widened(_frame(stated, self.seen.labs, scope, scope_id), self.seen.labs, self.doubt, self.settings)

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
        towards = self.orientation[self.seen.item]
        turned = self._rows(self.within(towards != 0, self.seen.y * towards), Scope.LAB, "", without=(), spread=self.spread)
        rows = self._rows(self.parts, Scope.LAB, "", without=(), spread=self.spread)
        named = with_interval(turned, self.settings).select(
            "lab", oriented="estimate", oriented_lower="lower", oriented_upper="upper"
        )
        return t.shaped(
            rows.drop("oriented", "oriented_lower", "oriented_upper").join(named, on="lab", how="left", maintain_order="left"),
            t.LabBias,
        )

    def by_family(self) -> pl.DataFrame:
        """Rows of the scope `family`, in families with three connected laboratories or more."""
        families, spread = self.families, self.spread

        def rows(code: int) -> pl.DataFrame:
            parts = [part for part in families[code] if len(part.labs) >= 3]
            found = self._rows(parts, Scope.FAMILY, self.seen.families[code], without=("family",), spread=spread)
            forget(parts)
            return found

        return pl.concat([_EMPTY, *in_order(rows, range(len(families)))])

    @cached_property
    def by_item(self) -> pl.DataFrame:
        """Rows of the scope `item`."""
        items = self.items

        def rows(code: int) -> pl.DataFrame:
            found = self._rows(items[code], Scope.ITEM, self.seen.items[code], without=("family", "item"))
            forget(items[code])
            return found

        return pl.concat([_EMPTY, *in_order(rows, range(len(items)))])


def forget(parts: list[Part]) -> None:
    """Gives back the memory of what the parts compute again when it is asked for again."""
    for part in parts:
        part.forget()


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


def _frame(stated: list[Biases], labs: list[str], scope: Scope, scope_id: str) -> pl.DataFrame:
    """One row a laboratory of each component, estimates not yet judged."""
    if not stated:
        return _EMPTY
    names = pl.Series(labs)

    def each(values: list[Any]) -> NDArray[Any]:
        return np.repeat(values, [len(one.lab) for one in stated])

    def joined(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(one, name) for one in stated])

    return t.shaped(
        pl.DataFrame(
            {
                "lab": names.gather(joined("lab")),
                "scope": str(scope),
                "scope_id": scope_id,
                "estimate": joined("estimate"),
                "se": np.sqrt(joined("variance")),
                "df": np.minimum(joined("df"), 1e6),
                "n_samples": joined("n_samples"),
                "n_partners": joined("n_partners"),
                "n_blocks": joined("n_blocks"),
                "component": names.gather(each([one.component for one in stated])),
                "component_labs": each([len(one.lab) for one in stated]),
                "bridge_share": joined("bridge"),
                "zero": each([str(Zero.ANCHORED if one.anchored else Zero.RELATIVE) for one in stated]),
                "status": "assessed",
            }
        ),
        t.LabBias,
    )


def _widened(rows: pl.DataFrame, labs: list[str], doubt: Doubt, settings: BiasSettings) -> pl.DataFrame:
    """Rows whose SE holds the worst case of gross errors that lean to one side: the interval reaches as much further."""
    lab = pl.Series(labs, dtype=pl.String).search_sorted(rows["lab"]).to_numpy()
    worst = doubt.worst[lab]
    reach = special.stdtrit(rows["df"].fill_null(np.inf).to_numpy(), 0.5 + 0.5 * settings.level)
    se = rows["se"].to_numpy() + np.where(np.isfinite(worst), worst, 0.0) / reach
    known = np.where(np.isfinite(worst), worst, np.nan)
    columns = {"se": se, "worst_case": known, "component_gross_share": doubt.gross[lab], "lean": doubt.lean[lab]}
    return t.shaped(rows.with_columns(pl.Series(name, values).fill_nan(None) for name, values in columns.items()), t.LabBias)
