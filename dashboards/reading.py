"""What one viewer reads of one run: every query of a page goes through here, bound to that viewer."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import polars as pl

from dashboards.claims import CLAIMS, CONTRASTS, claimable
from dashboards.words import Words
from labqa.core.provenance import Manifest
from labqa.core.vocabulary import PairKind, Scope, Status
from labqa.core.wording.catalogue import Message
from labqa.figures.charts import agreement
from labqa.figures.names import counted, family_names, named
from labqa.service import deliveries, opinions, queries
from labqa.service.moved import Moved, moved_since
from labqa.service.viewer import Viewer
from labqa.service.wiring import Platform

MOST = queries.MOST_ROWS


@dataclass(frozen=True)
class Reading:
    """A run as a viewer may see it, at one state of the ledger; what pages share is read once."""

    platform: Platform
    viewer: Viewer
    run: str
    _made: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)

    def kept(self, name: Hashable, make: Callable[[], Any]) -> Any:
        """What was made once of this reading under a name; only for names that are few."""
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    @cached_property
    def manifest(self) -> Manifest:
        """The inputs of the run."""
        return queries.manifest(self.platform, self.run, viewer=self.viewer)

    @cached_property
    def moved(self) -> Moved | None:
        """What moved since the run before of the same inputs, if there is one."""
        return moved_since(self.platform, self.run, viewer=self.viewer)

    @cached_property
    def registers(self) -> dict[str, pl.DataFrame]:
        """Registers in force of the run's programme."""
        return queries.registers(self.platform, programme=self.manifest.programme, viewer=self.viewer)

    @cached_property
    def summary(self) -> pl.DataFrame:
        """Totals of the run."""
        return queries.summary(self.platform, self.run, viewer=self.viewer)

    @cached_property
    def ratings(self) -> pl.DataFrame:
        """Ratings, by laboratory code."""
        return counted(queries.ratings(self.platform, self.run, viewer=self.viewer), "lab")

    def rating(self, lab: str) -> dict[str, Any]:
        """Rating of one laboratory, or nothing."""
        found = queries.rating(self.platform, self.run, lab, viewer=self.viewer)
        return found.row(0, named=True) if found.height else {}

    @cached_property
    def whole_bias(self) -> pl.DataFrame:
        """Bias of each laboratory as a whole."""
        found = queries.lab_bias(self.platform, self.run, viewer=self.viewer, scope=str(Scope.LAB))
        return counted(claimable(found), "lab")

    @cached_property
    def family_bias(self) -> pl.DataFrame:
        """Bias of each laboratory by product family."""
        return claimable(queries.lab_bias(self.platform, self.run, viewer=self.viewer, scope=str(Scope.FAMILY)))

    @cached_property
    def largest_item_bias(self) -> dict[str, dict[str, Any]]:
        """The largest item bias of each laboratory, of those that may be claimed."""
        items = claimable(queries.lab_bias(self.platform, self.run, viewer=self.viewer, scope=str(Scope.ITEM))).drop_nulls(
            "estimate"
        )
        largest = items.sort(pl.col("estimate").abs(), "lab", "scope_id", descending=[True, False, False]).unique(
            "lab", keep="first", maintain_order=True
        )
        return {row["lab"]: row for row in largest.iter_rows(named=True)}

    @cached_property
    def farthest(self) -> pl.DataFrame:
        """Assessed laboratories by the size of their mean bias, the largest first, with the ends of that size's interval
        (`least`, `most`)."""
        found = self.whole_bias.drop_nulls("estimate")
        ends = [pl.col("lower").abs(), pl.col("upper").abs()]
        around_zero = (pl.col("lower") < 0) & (pl.col("upper") > 0)
        least = pl.when(around_zero).then(0.0).otherwise(pl.min_horizontal(ends))
        return found.with_columns(least=least, most=pl.max_horizontal(ends)).sort(
            pl.col("estimate").abs(), "lab", descending=[True, False]
        )

    @cached_property
    def products(self) -> pl.DataFrame:
        """How often pairs of each product agree in the run's period, with 95 % intervals, the worst first."""
        return agreement.shares(self.summary, by="product", period=self.manifest.period)

    @cached_property
    def bands(self) -> list[tuple[str, float]]:
        """Classes of the run's edition, the best first, with the points from which each is given."""
        return queries.bands(self.platform, self.run, viewer=self.viewer)

    def places(self, results: Iterable[str]) -> dict[str, tuple[str | None, int]]:
        """File and row of delivered results."""
        asked = [result for result in results if result]
        found = queries.delivered_places(self.platform, self.run, asked, viewer=self.viewer)
        return {result: (file, row) for result, file, row in found.iter_rows()}

    @cached_property
    def scored(self) -> pl.DataFrame:
        """All pairs with their differences; only for viewers not bound to a laboratory."""
        return self.table("pairs").join(self.table("discrepancies"), on="pair", how="left", maintain_order="left")

    @property
    def delta_0(self) -> float:
        """Bias up to which a laboratory counts as blameless, as this run set it (σR)."""
        return self._setting("tolerated_bias", 0.5)

    @property
    def z_limit(self) -> float:
        """|z| beyond which a comparison result counts as outlying, as this run set it."""
        return self._setting("z_limit", 3.0)

    def _setting(self, name: str, default: float) -> float:
        found = self.manifest.settings.get(name, default)
        return float(found) if isinstance(found, int | float) else default

    @cached_property
    def assessed(self) -> frozenset[str]:
        """Laboratories that are assessed as a whole."""
        return frozenset(self.whole_bias.filter(pl.col("status") == str(Status.ASSESSED))["lab"])

    @cached_property
    def ledger_head(self) -> tuple[int, str]:
        """Entries in the ledger, and the hash of the last."""
        return queries.ledger_head(self.platform, viewer=self.viewer)

    @cached_property
    def runs(self) -> pl.DataFrame:
        """All runs, newest first."""
        return queries.run_list(self.platform, viewer=self.viewer)

    def total(self, metric: str, scope: str = "national", scope_id: str = "") -> tuple[float | None, int | None]:
        """A figure of SUMMARY for the run's period, and on how many it rests."""
        here = (pl.col("metric") == metric) & (pl.col("scope") == scope) & (pl.col("scope_id") == scope_id)
        found = self.summary.filter(here & (pl.col("period") == self.manifest.period))
        return (found["value"][0], found["n"][0]) if found.height else (None, None)

    def totals(self, metric: str, scope: str) -> list[tuple[str, float, int]]:
        """Figures of SUMMARY by the words of a scope, the most frequent first."""
        here = (pl.col("metric") == metric) & (pl.col("scope") == scope) & (pl.col("period") == self.manifest.period)
        return list(
            self.summary.filter(here)
            .sort("value", "scope_id", descending=[True, False])
            .select("scope_id", "value", "n")
            .iter_rows()
        )

    def bias(self, lab: str) -> pl.DataFrame:
        """Biases of one laboratory, in all scopes."""
        return claimable(queries.lab_bias(self.platform, self.run, viewer=self.viewer, lab=lab))

    def influence(self, lab: str, bias: pl.DataFrame) -> pl.DataFrame:
        """What moved those biases of one laboratory, given as `bias`, that may be claimed; nothing of the others."""
        found = queries.lab_influence(self.platform, self.run, lab, viewer=self.viewer)
        claimed = bias.drop_nulls("estimate").select("lab", "scope", "scope_id", "estimate", "zero")
        return found.join(claimed, on=["lab", "scope", "scope_id"], how="inner", maintain_order="left")

    def labs(self, codes: Iterable[str]) -> pl.DataFrame:
        """Rows of the register of some laboratories."""
        return queries.labs(self.platform, codes, programme=self.manifest.programme, viewer=self.viewer)

    def selection(self, lab: str) -> pl.DataFrame:
        """What changes for one laboratory with how retests were chosen; rows without a laboratory are the network's."""
        return queries.lab_selection(self.platform, self.run, lab, viewer=self.viewer)

    def precision(self, lab: str) -> dict[str, Any]:
        """Precision of one laboratory."""
        found = queries.lab_precision(self.platform, self.run, lab, viewer=self.viewer)
        return found.row(0, named=True) if found.height else {}

    def gross_errors(self, lab: str) -> dict[str, Any]:
        """Share of one laboratory's test runs with a gross error; nothing in runs made before it was counted."""
        found = queries.indicators(self.platform, self.run, lab, viewer=self.viewer)
        return next(found.filter(pl.col("indicator") == "gross_share").iter_rows(named=True), {})

    def lab_contrasts(self, lab: str) -> pl.DataFrame:
        """How one laboratory compares with its partners and the zero; a signed difference only between two laboratories
        that are assessed as a whole."""
        found = queries.lab_contrasts(self.platform, self.run, lab, viewer=self.viewer)
        both = [{one, other} <= self.assessed for one, other in zip(found["lab"], found["other"], strict=True)]
        claimed = pl.lit(pl.Series(both, dtype=pl.Boolean))
        return found.with_columns(pl.when(claimed).then(pl.col(name)).alias(name) for name in CONTRASTS)

    def among(self, labs: list[str]) -> pl.DataFrame:
        """Contrasts between the given laboratories."""
        return queries.contrasts_among(self.platform, self.run, labs, viewer=self.viewer)

    def of_kind(self, name: str, lab: str) -> pl.DataFrame:
        """Rows of `lab_grades`, `lab_censored` or `lab_agreement` of one laboratory, without what may not be claimed."""
        found = queries.of_kind(self.platform, self.run, name, lab, viewer=self.viewer)
        return found if name == "lab_agreement" else claimable(found, figures=[one for one in CLAIMS if one in found.columns])

    @cached_property
    def evidence_use(self) -> pl.DataFrame:
        """What became of every result that the run read."""
        return queries.evidence_use(self.platform, self.run, viewer=self.viewer)

    @cached_property
    def methods(self) -> pl.DataFrame:
        """Methods of each item against the others."""
        return queries.method_bias(self.platform, self.run, viewer=self.viewer)

    @cached_property
    def precision_levels(self) -> pl.DataFrame:
        """Repeatability and reproducibility of each item against the level, of all laboratories together."""
        return opinions.precision_levels(self.platform, self.run, viewer=self.viewer)

    def slopes(self, lab: str) -> pl.DataFrame:
        """Slopes of one laboratory's bias on the level; no rows in runs made before there were any."""
        return queries.lab_slopes(self.platform, self.run, lab, viewer=self.viewer)

    def reasons(self, lab: str) -> pl.DataFrame:
        """Reasons of one laboratory's rating."""
        return queries.reasons(self.platform, self.run, lab, viewer=self.viewer)

    def pt_scores(self, lab: str) -> pl.DataFrame:
        """Comparison results of one laboratory, the latest first."""
        found = queries.pt_scores(self.platform, self.run, lab, viewer=self.viewer)
        return found.sort("period", "round", "sample", "item", descending=[True, True, False, False], nulls_last=True)

    def flags(self, lab: str | None = None) -> pl.DataFrame:
        """Flags, of one laboratory if asked."""
        return queries.flags(self.platform, self.run, viewer=self.viewer, lab=lab)

    def pairs(self, **which: Any) -> pl.DataFrame:
        """Pairs with their differences, the largest |D| first, at most 200 unless stated."""
        return queries.pairs(self.platform, self.run, viewer=self.viewer, **which)

    def pair(self, pair: str) -> queries.PairView:
        """One pair down to its delivered rows."""
        view = queries.pair(self.platform, self.run, pair, viewer=self.viewer)
        whole = view.lab_bias.filter(pl.col("scope") == str(Scope.LAB))
        claimed = whole.filter(pl.col("status") == str(Status.ASSESSED)).height == 2
        contrast = view.contrast if claimed else view.contrast | dict.fromkeys(CONTRASTS if view.contrast else ())
        return replace(view, lab_bias=claimable(view.lab_bias), contrast=contrast)

    def delivered(self, result: str) -> dict[str, Any]:
        """One delivered row."""
        return queries.delivered_row(self.platform, self.manifest.programme, result, viewer=self.viewer)

    def refusals(self) -> pl.DataFrame:
        """Refused rows of the run's programme, at most one more than a page shows."""
        return queries.refusals(self.platform, viewer=self.viewer, programme=self.manifest.programme, limit=MOST + 1)

    @cached_property
    def sent_again(self) -> pl.DataFrame:
        """Deliveries of the run's programme of whose refused rows some were sent again, and what came of them."""
        return deliveries.sent_again(self.platform, viewer=self.viewer, programme=self.manifest.programme)

    @cached_property
    def refused_rows(self) -> int:
        """How many delivered rows of the run's programme were refused."""
        return queries.refused_rows(self.platform, viewer=self.viewer, programme=self.manifest.programme)

    def table(self, name: str) -> pl.DataFrame:
        """A whole table of the run; only for viewers not bound to a laboratory."""
        return queries.table(self.platform, self.run, name, viewer=self.viewer)

    def contrasts(self) -> pl.DataFrame:
        """Which laboratories met on which samples: the bridges of a network that cannot place a sign."""
        met = self.table("pairs").filter(pl.col("kind") == str(PairKind.BETWEEN))
        two = pl.concat_list("original_lab", "retest_lab").list.sort()
        by = met.with_columns(one=two.list.first(), other=two.list.last()).group_by("one", "other")
        return by.agg(samples=pl.col("sample").n_unique(), pairs=pl.len(), pair=pl.col("pair").min()).sort("one", "other")

    def evidence(self, ids: Iterable[str]) -> pl.DataFrame:
        """Pairs that evidence ids name, by their own id, their block's, or one of their results'."""
        return queries.pairs_cited(self.platform, self.run, list(ids), viewer=self.viewer)

    def blocks(self, ids: Iterable[str]) -> pl.DataFrame:
        """Those of some ids that are blocks, with sample and item."""
        return queries.blocks_named(self.platform, self.run, list(ids), viewer=self.viewer)

    def sentence(self, line: str, words: Words) -> str:
        """A sentence kept in a table as JSON; the item that it names by its code has its name before it."""
        said = Message.from_json(line)
        code = said.values.get("item")
        item = {"item": self.named("items", code, words)} if isinstance(code, str) else {}
        return Message(said.key, {**said.values, **item}).standing(words.language)

    def name_of(self, register: str, code: str | None, words: Words) -> str:
        """Name of a laboratory, item or product, else its code."""
        if code is None:
            return words("shell.unnamed")
        key = register.removesuffix("s")
        return words.name(self._rows(register, key).get(code), otherwise=code)

    def named(self, register: str, code: str | None, words: Words) -> str:
        """Name and code of a laboratory, item or product; one where they are alike, a sentence where it is missing."""
        return words("shell.unnamed") if code is None else named(code, {code: self.name_of(register, code, words)})

    def family(self, code: str, words: Words) -> str:
        """A product family with what it is known by: its name, else its first product."""
        called = self.kept(("families", words.language), lambda: family_names(self.registers["products"], words.language))
        return words("lab.family", family=called.get(code, code))

    def registered(self, register: str, code: str) -> dict[str, Any]:
        """The register's row of a laboratory, item or product, or nothing."""
        return self._rows(register, register.removesuffix("s")).get(code, {})

    def _rows(self, register: str, key: str) -> dict[str, dict[str, Any]]:
        cache: dict[str, dict[str, dict[str, Any]]] = self.__dict__.setdefault("_register_rows", {})
        if register not in cache:
            cache[register] = {row[key]: row for row in self.registers[register].iter_rows(named=True)}
        return cache[register]
