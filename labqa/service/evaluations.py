"""Evaluation runs: made once from facts and an edition, written once, derived again to the same content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from labqa.analysis import pairing
from labqa.core.errors import UsageError
from labqa.core.periods import of_years
from labqa.core.provenance import Manifest, code_version, sha256_of
from labqa.core.revisions import KEY, in_force
from labqa.core.tables import Results
from labqa.core.wording.catalogue import Message
from labqa.rating import rulesets
from labqa.rating.rulesets import Edition
from labqa.service import pipeline
from labqa.service.custody import head_of
from labqa.service.moved import Moved, moved_since
from labqa.service.period import Window, Year, window
from labqa.service.pipeline import Facts, Progress
from labqa.service.viewer import LOCAL_ANALYST
from labqa.service.wiring import Platform, now
from labqa.store.chain import FACT_KINDS
from labqa.store.runs import Run
from labqa.store.verification import compare, verify_store

UNDATED = "undated"
"""How a manifest names the rounds without a year among those that its run read."""
_PLACE = ("raw", "report", "file", "row")
"""Columns of RESULTS that say how and where a result was delivered: a quarter of the facts, and no method reads them."""


@dataclass(frozen=True)
class Evaluated:
    """What a finished run is told as: its id and its main figures, all read from its SUMMARY."""

    run_id: str
    programme: str
    period: str
    pairs: int
    labs: int
    labs_assessed: int
    classes: Mapping[str, int]
    downgrades: int
    downgrades_by_veto: int
    upgrades: int
    first_ratings: int
    moved: Moved | None = None
    """What moved since the run before of the same inputs, if there is one."""


def evaluate(
    platform: Platform,
    *,
    programme: str,
    period: str,
    edition: str = "cn-2012-26",
    settings: Mapping[str, object] | None = None,
    progress: Progress | None = None,
) -> Evaluated:
    """Evaluate a programme's period by an edition; a run made before from the same inputs is the answer."""
    version = platform.ledger.data_version()
    rules = rulesets.load(edition).with_settings(settings or {})
    seen = _window(platform, programme, period, rules, version)
    manifest = _manifest(platform, programme, seen, rules, version)
    if platform.ledger.run(manifest.run_id) is None:
        tables = pipeline.run_tables(_facts(platform, programme, seen, version), rules, seen, progress=progress)
        pipeline.told(progress, "write")
        platform.runs.write(manifest, tables, now())
    done = _evaluated(platform.run(manifest.run_id))
    return replace(done, moved=moved_since(platform, done.run_id, viewer=LOCAL_ANALYST))


def verify(platform: Platform, *, run: str | None = None, anchor: str | None = None) -> list[Message]:
    """What is not as it was written: stored bytes and ledger, and with `run` its tables derived again from the facts."""
    findings = verify_store(platform.home, platform.ledger, None if anchor is None else head_of(anchor))
    if run is None or findings:
        return findings
    opened = platform.run(run)
    made = opened.manifest
    if made.code != code_version():
        return [Message("service.other_code", {"run": run, "made_with": made.code, "here": code_version()})]
    return compare(opened, derive(platform, made))


def derive(platform: Platform, made: Manifest) -> dict[str, pl.DataFrame]:
    """All tables of a run, computed again from the facts of its data version by its edition and settings."""
    return pipeline.run_tables(*inputs(platform, made))


def inputs(platform: Platform, made: Manifest) -> tuple[Facts, Edition, Window]:
    """What a run was made of: facts of its data version, its edition with settings, its years."""
    rules = rulesets.load(made.edition).with_settings(made.settings)
    seen = _window(platform, made.programme, made.period, rules, made.data_version)
    return _facts(platform, made.programme, seen, made.data_version), rules, seen


def results_of(platform: Platform, made: Manifest, columns: Sequence[str]) -> pl.DataFrame:
    """These columns of the results in force in the years that a run read."""
    read = list(dict.fromkeys([*KEY, "revision", "period", *columns]))
    results = platform.read(made.programme, "results", read, version=made.data_version)
    years: list[Year] = [None if name == UNDATED else int(name) for name in made.partitions]
    return of_years(in_force(results), years).select(columns)


def _window(platform: Platform, programme: str, period: str, rules: Edition, version: int) -> Window:
    results = platform.read(programme, "results", [*KEY, "revision", "period"], version=version)
    there: list[Year] = in_force(results)["period"].unique().to_list()
    if not there:
        raise UsageError("service.nothing_there", programme=programme)
    return window(
        period,
        there,
        evidence_years=rules.whole("evidence_years"),
        veto_years=rules.whole("veto_look_back_years"),
        trend_years=rules.whole("trend_years"),
    )


def _manifest(platform: Platform, programme: str, seen: Window, rules: Edition, version: int) -> Manifest:
    delivered = platform.ledger.entries(FACT_KINDS, programme=programme, until=version)
    files = sorted(file["sha256"] for entry in delivered for file in entry.payload["facts"])
    return Manifest(
        programme=programme,
        period=seen.label,
        data_version=version,
        edition=rules.id,
        edition_hash=rules.sha256,
        partitions=tuple(UNDATED if year is None else str(year) for year in seen.read),
        settings=dict(rules.chosen),
        code=code_version(),
        facts=sha256_of("".join(files).encode())[:16],
    )


def _facts(platform: Platform, programme: str, seen: Window, version: int) -> Facts:
    registers = {
        name: platform.table(programme, name, version=version)
        for name in ("labs", "capabilities", "items", "products", "class_in_force")
    }
    columns = [name for name in Results.column_names() if name not in _PLACE]
    results = pipeline.read_by(platform.read(programme, "results", columns, version=version), seen.read)
    return Facts(results=pairing.arranged(results), **registers)


def _evaluated(run: Run) -> Evaluated:
    told = run.table("summary").filter(pl.col("period") == run.manifest.period)
    values = {(row["metric"], row["scope_id"]): int(row["value"] or 0) for row in told.iter_rows(named=True)}
    return Evaluated(
        run_id=run.manifest.run_id,
        programme=run.manifest.programme,
        period=run.manifest.period,
        pairs=values.get(("pairs", ""), 0),
        labs=values.get(("labs_rated", ""), 0),
        labs_assessed=values.get(("labs_assessed", ""), 0),
        classes={name: n for (metric, name), n in sorted(values.items()) if metric == "class_by_points"},
        downgrades=values.get(("proposals", "downgrade"), 0),
        downgrades_by_veto=values.get(("downgrades", "veto"), 0),
        upgrades=values.get(("proposals", "upgrade"), 0),
        first_ratings=values.get(("proposals", "first_rating"), 0),
    )
