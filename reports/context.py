"""Everything that a report says, gathered once: tables of the run, names, totals; sections read nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from labqa.core.provenance import Manifest
from labqa.core.vocabulary import Scope, Status
from labqa.core.wording.catalogue import Language, Message
from labqa.figures.names import counted, family_names, named, names
from labqa.service.moved import Moved
from labqa.service.plans import NextYear
from reports.words import say

Frames = Mapping[str, pl.DataFrame]


@dataclass(frozen=True)
class Context:
    """One run in one language."""

    tables: Frames
    registers: Frames
    manifest: Manifest
    refused: int
    head: tuple[int, str]
    fingerprints: pl.DataFrame
    precision_levels: pl.DataFrame
    language: Language
    next_year: NextYear | None = None
    moved: Moved | None = None

    def say(self, key: str, /, **values: object) -> str:
        """A text of the reports in the reader's language."""
        return say(key, self.language, **values)

    @property
    def period(self) -> str:
        """The run's window, under which SUMMARY holds its totals."""
        return self.manifest.period

    @property
    def period_named(self) -> str:
        """The window in words."""
        return self.say("period_all") if self.period == "all" else self.say("period_named", period=self.period)

    @cached_property
    def years(self) -> list[str]:
        """Single years of which SUMMARY holds totals, ascending."""
        found = self.tables["summary"].filter(pl.col("metric") == "results", pl.col("scope") == "national")["period"]
        return sorted(year for year in found.unique() if year.isdigit())

    @cached_property
    def labs(self) -> dict[str, str]:
        """Names of laboratories."""
        return names(self.registers["labs"], "lab", self.language)

    @cached_property
    def items(self) -> dict[str, str]:
        """Names of items."""
        return names(self.registers["items"], "item", self.language)

    @cached_property
    def products(self) -> dict[str, str]:
        """Names of products."""
        return names(self.registers["products"], "product", self.language)

    @cached_property
    def families(self) -> dict[str, str]:
        """Names of product families."""
        return family_names(self.registers["products"], self.language)

    def lab(self, code: str) -> str:
        """Name of a laboratory, empty where it only has its code."""
        found = self.labs.get(code, code)
        return "" if found == code else found

    def sentence(self, line: str) -> str:
        """A sentence kept in a table as JSON; the item that it names by its code has its name before it."""
        said = Message.from_json(line)
        code = said.values.get("item")
        item = {"item": named(code, self.items)} if isinstance(code, str) else {}
        return Message(said.key, {**said.values, **item}).standing(self.language)

    @cached_property
    def _totals(self) -> dict[tuple[str, str, str, str], tuple[float | None, int]]:
        rows = self.tables["summary"].select("metric", "scope", "scope_id", "period", "value", "n").iter_rows()
        return {(metric, scope, code, period): (value, n) for metric, scope, code, period, value, n in rows}

    def total(self, metric: str, scope: str = "national", code: str = "", *, period: str | None = None) -> float | None:
        """A figure of SUMMARY; None where the run has none."""
        return self._totals.get((metric, scope, code, period or self.period), (None, 0))[0]

    def base(self, metric: str, scope: str = "national", code: str = "", *, period: str | None = None) -> int:
        """On how many a figure of SUMMARY rests."""
        return self._totals.get((metric, scope, code, period or self.period), (None, 0))[1]

    def by(self, metric: str, scope: str) -> list[tuple[str, float, int]]:
        """Code, value and base of a metric within a scope, the largest value first."""
        here = (pl.col("metric") == metric) & (pl.col("scope") == scope) & (pl.col("period") == self.period)
        rows = self.tables["summary"].filter(here).drop_nulls("value").sort(["value", "scope_id"], descending=[True, False])
        return list(rows.select("scope_id", "value", "n").iter_rows())

    @cached_property
    def scored(self) -> pl.DataFrame:
        """PAIRS joined with DISCREPANCIES, of the years that the run evaluates."""
        pairs = self.tables["pairs"].join(self.tables["discrepancies"], on="pair", how="left", maintain_order="left")
        if self.period == "all":
            return pairs
        first, _, last = self.period.partition("-")
        return pairs.filter(pl.col("period").is_between(int(first), int(last or first)))

    @cached_property
    def whole_labs(self) -> pl.DataFrame:
        """LAB_BIAS of laboratories as a whole."""
        return counted(self.tables["lab_bias"].filter(pl.col("scope") == Scope.LAB), "lab")

    @cached_property
    def claimed_bias(self) -> pl.DataFrame:
        """LAB_BIAS without an estimate where none may be claimed, so that no drawing gives it a sign."""
        assessed = pl.col("status") == Status.ASSESSED
        return self.tables["lab_bias"].with_columns(estimate=pl.when(assessed).then(pl.col("estimate")))

    @cached_property
    def rated(self) -> pl.DataFrame:
        """RATINGS beside the mean bias of the laboratory, in order of laboratory."""
        bias = self.whole_labs.select(
            "lab",
            "estimate",
            "lower",
            "upper",
            "detectable",
            "n_samples",
            "n_partners",
            bias_status="status",
            bias_reason="reason",
        )
        return counted(self.tables["ratings"].join(bias, on="lab", how="left", maintain_order="left"), "lab")

    @property
    def tolerated(self) -> float:
        """δ0: bias up to which a laboratory is blameless, in σR."""
        return float(str(self.manifest.settings.get("tolerated_bias", 0.5)))

    @property
    def any_assessed(self) -> bool:
        """Whether any laboratory could be assessed."""
        return bool(self.total("labs_assessed"))
