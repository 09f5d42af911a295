"""A platform in memory that answers what the queries of the service ask, from the tables of `factories`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from labqa.core import tables as t
from labqa.core.errors import UsageError
from labqa.core.provenance import Manifest
from labqa.core.wording.catalogue import Message
from labqa.store.chain import Entry
from labqa.store.indexed import Indexed
from tests import factories


@dataclass(frozen=True)
class FakeRun:
    """A run: its manifest and tables."""

    manifest: Manifest
    tables: dict[str, pl.DataFrame]

    def table(self, name: str) -> pl.DataFrame:
        return self.tables[name]

    def indexed(self, name: str) -> Indexed:
        return Indexed(self.tables[name])

    def joined(self, name: str, other: str, *, key: str) -> Indexed:
        return Indexed(self.tables[name].join(self.tables[other], on=key, how="left", maintain_order="left"))


@dataclass(frozen=True)
class FakeLedger:
    """The end of a ledger, and the entries that it is given to tell."""

    told: tuple[Entry, ...] = ()

    def head(self) -> tuple[int, str]:
        return 17, "ab" * 32

    def entries(self, kinds: object = None, *, programme: str | None = None, until: int | None = None) -> list[Entry]:
        del kinds, programme, until
        return list(self.told)


@dataclass
class FakePlatform:
    """Two programmes: a dated national one, and one in which nothing can be assessed."""

    opened: dict[str, FakeRun] = field(default_factory=dict)
    facts: dict[str, dict[str, pl.DataFrame]] = field(default_factory=dict)
    ledger: FakeLedger = field(default_factory=FakeLedger)

    def run(self, run_id: str) -> FakeRun:
        if run_id not in self.opened:
            raise UsageError("service.unknown_run", run=run_id)
        return self.opened[run_id]

    def manifests(self) -> list[Manifest]:
        return [run.manifest for run in self.opened.values()]

    def table(self, programme: str | None, name: str, *, version: int | None = None) -> pl.DataFrame:
        del version
        return self.facts[programme or "national"][name]

    def read(self, programme: str | None, name: str, columns: Sequence[str], *, version: int) -> pl.DataFrame:
        return self.table(programme, name, version=version).select(columns)

    def indexed(self, programme: str | None, name: str, *, version: int | None = None) -> Indexed:
        return Indexed(self.table(programme, name, version=version))

    def file_name(self, sha256: str) -> str | None:
        return "抽查结果 2018.xlsx" if sha256 == "0" * 64 else None


def platform(n_labs: int = 40) -> FakePlatform:
    """A platform with both kinds of run, the national one the newest."""
    made = FakePlatform()
    for programme, dated in (("rmstudy", False), ("national", True)):
        tables = factories.run_tables(n_labs if dated else 12, assessed=dated, dated=dated)
        if dated:
            tables["reasons"] = _with_evidence(tables)
            tables["flags"] = _with_evidence({**tables, "reasons": tables["flags"]})
        manifest = dataclasses.replace(factories.manifest(dated=dated), programme=programme)
        made.opened[manifest.run_id] = FakeRun(manifest, tables)
        registers = factories.registers(n_labs if dated else 12, named=dated, limits=dated, classes=dated)
        facts = {**registers, "capabilities": t.empty(t.Capabilities), "refusals": t.empty(t.Refusals)}
        facts["results"] = factories.results(n_labs if dated else 12, dated=dated)
        made.facts[programme] = facts
    made.facts["national"]["refusals"] = refusals()
    return made


def _with_evidence(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Reasons that cite pairs and comparison results of their laboratory."""
    cited = []
    for row in tables["reasons"].iter_rows(named=True):
        pairs = tables["pairs"].filter((pl.col("original_lab") == row["lab"]) | (pl.col("retest_lab") == row["lab"]))
        scores = tables["pt_scores"].filter(pl.col("lab") == row["lab"])
        cited.append([*pairs["pair"].head(8), *scores["result"].head(4)])
    return tables["reasons"].with_columns(evidence=pl.Series(cited, dtype=pl.List(pl.String)))


def refusals() -> pl.DataFrame:
    """A few refused rows."""
    given = [
        (14, "项目代码", "T-XXX", "service.not_yours"),
        (27, "结果", "12,34,5", "service.not_yours"),
        (31, "单位", None, "service.not_yours"),
        (31, "实验室", "<img src=x onerror=alert(1)>", "service.not_yours"),
    ]
    rows = [
        {
            "file": "1" * 64,
            "file_name": "抽查结果 2018（补充）.xlsx",
            "row": row,
            "column": column,
            "value": value,
            "rule": rule,
            "message": Message(rule).to_json(),
            "delivered": json.dumps({column: value}, ensure_ascii=False),
        }
        for row, column, value, rule in given
    ]
    return t.shaped(pl.DataFrame(rows), t.Refusals)
