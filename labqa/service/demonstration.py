"""The main job end to end on shipped or simulated data, as the demo and a new user's first look run it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from labqa.core import shipped
from labqa.core.errors import UsageError
from labqa.rating import rulesets
from labqa.service import evaluations, intake
from labqa.service.evaluations import Evaluated
from labqa.service.period import window
from labqa.service.pipeline import Facts, Progress, run_tables
from labqa.service.receipts import Receipt
from labqa.service.wiring import Platform
from labqa.simulate import card as cards
from labqa.simulate import deliveries, network

PROGRAMMES = ("usgs", "rmstudy", "ceramide", "eqa", "chromium", "national")
"""Five real data sets and a simulated national network; it comes last, so that the dashboards open on it."""

_FILES = {
    "usgs": "usgs/usgs_inl_original_retest_sitesA.csv",
    "rmstudy": "rmstudy/lgc_rmstudy_metals.csv",
    "ceramide": "ceramide/ceramide_ring_trial_34labs.csv",
    "eqa": "eqa/eqa_haemolysis_index.csv",
    "chromium": "chromium/lgc_chromium_youden.csv",
}
_PERIODS = {"national": "2018"}
"""What is evaluated of a programme, where it is not all."""
_REGISTERS = ("labs", "items", "products", "class")
SEED = 1
"""Seed of the demo's network; fixed, so that its story can be checked against its truth."""


@dataclass(frozen=True)
class Told:
    """What one programme of the demo came to."""

    delivered: int
    accepted: int
    refused: int
    evaluation: Evaluated


def run(platform: Platform, programme: str, *, progress: Progress | None = None) -> Told:
    """Ingest and evaluate one programme of the demo; what was done before is not done again."""
    if programme not in PROGRAMMES:
        raise UsageError("service.unknown_demo", name=programme, there=", ".join(PROGRAMMES))
    receipts = _national(platform, progress) if programme == "national" else [_real(platform, programme, progress)]
    evaluation = evaluations.evaluate(platform, programme=programme, period=_PERIODS.get(programme, "all"), progress=progress)
    return Told(
        delivered=sum(receipt.delivered for receipt in receipts),
        accepted=sum(receipt.accepted for receipt in receipts),
        refused=sum(receipt.refused for receipt in receipts),
        evaluation=evaluation,
    )


def write_simulated(folder: Path, *, card: str, seed: int) -> int:
    """Write the deliveries of a simulated network, registers beside them and the truth apart; returns the rows delivered."""
    made = network.simulate(cards.load(card), seed=seed)
    deliveries.deliveries(made, folder)
    return made.results.height


def warm(*, progress: Progress | None = None) -> None:
    """Evaluate a small simulated network in memory, so that every kernel is compiled and kept on disk."""
    demo = cards.load("demo")
    labs = replace(demo.labs, n=40, blameless=10, new=2, small=4, group_size=3)
    made = network.simulate(replace(demo, n_years=2, planted=(), labs=labs), seed=SEED)
    facts = Facts(made.results, made.labs, made.capabilities, made.items, made.products, made.class_in_force)
    seen = window("all", made.results["period"].unique().to_list(), evidence_years=3, veto_years=3, trend_years=5)
    run_tables(facts, rulesets.load("cn-2012-26"), seen, progress=progress)


def _real(platform: Platform, programme: str, progress: Progress | None) -> Receipt:
    """Register what names the data set brings for its laboratories and items, then ingest it."""
    file = shipped.folder() / _FILES[programme]
    for kind in _REGISTERS:
        register = file.with_name(f"{kind}.csv")
        if register.is_file():
            intake.register(platform, kind, register, programme=programme)
    return _ingested(platform, file, programme, programme, progress)


def _national(platform: Platform, progress: Progress | None) -> list[Receipt]:
    """Simulate into the home once, then register and ingest what was written."""
    folder = platform.home / "deliveries"
    done = folder / "simulated.json"
    if not done.is_file():
        rows = write_simulated(folder, card="demo", seed=SEED)
        done.write_text(json.dumps({"card": "demo", "seed": SEED, "rows": rows}))
    for kind in _REGISTERS:
        intake.register(platform, kind, folder / "registers" / f"{kind}.csv", programme="national")
    files = sorted(file for file in folder.iterdir() if file.suffix in {".csv", ".parquet", ".xlsx"})
    return [_ingested(platform, file, "template", "national", progress) for file in files]


def _ingested(platform: Platform, file: Path, profile: str, programme: str, progress: Progress | None) -> Receipt:
    """The receipt of a file; a refused row of the demo stays refused, so what was received is not read again."""
    there = intake.received(platform, file, programme=programme)
    return there or intake.ingest(platform, file, profile=profile, programme=programme, progress=progress)
