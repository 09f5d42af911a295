"""A correction moves ratings, and the next evaluation lists every laboratory whose rating moved, no more and no fewer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from labqa.service import evaluations, intake
from labqa.service.evaluations import RATED, Evaluated
from labqa.service.wiring import Platform, open_platform
from labqa.simulate import card as cards
from labqa.simulate import deliveries, network


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Platform, Evaluated]:
    """A small simulated network, delivered and evaluated."""
    place = tmp_path_factory.mktemp("moved")
    demo = cards.load("demo")
    labs = replace(demo.labs, n=40, blameless=10, new=2, small=4, group_size=3)
    made = network.simulate(replace(demo, n_years=2, planted=(), labs=labs), seed=1)
    deliveries.deliveries(made, place / "out")
    platform = open_platform(place / "home")
    for kind in ("labs", "items", "products", "class"):
        intake.register(platform, kind, place / "out" / "registers" / f"{kind}.csv", programme="national")
    for file in sorted(path for path in (place / "out").iterdir() if path.suffix in {".csv", ".xlsx", ".parquet"}):
        intake.ingest(platform, file, profile="template")
    return platform, evaluations.evaluate(platform, programme="national", period="all")


def ratings(platform: Platform, run: str) -> dict[str, tuple[object, ...]]:
    return {row[0]: row[1:] for row in platform.run(run).table("ratings").select("lab", *RATED).iter_rows()}


def test_the_first_run_has_nothing_to_compare_with(evaluated: tuple[Platform, Evaluated]) -> None:
    assert (evaluated[1].compared_with, evaluated[1].moved) == (None, None)


def test_every_rating_that_a_correction_moved_is_listed(evaluated: tuple[Platform, Evaluated], tmp_path: Path) -> None:
    platform, first = evaluated
    results = platform.table("national", "results")
    numbers = results.filter((pl.col("qualifier") == "quantified") & pl.col("role").is_in(["original", "pt"]))
    numbers = numbers.join(platform.table("national", "items").filter(scale="ratio").select("item", "unit"), on="item")
    lab = numbers.group_by("lab").len().sort("len", "lab", descending=[True, False])["lab"][0]
    wrong = numbers.filter(lab=lab).with_columns((pl.col("value") * 3).cast(pl.String).alias("value"))
    names = {"drawn_on": "drawn on", "tested_on": "test date"}
    keep = [
        "round",
        "period",
        "sample",
        "product",
        "sampler",
        "drawn_on",
        "item",
        "lab",
        "role",
        "replicate",
        "value",
        "unit",
        "tested_on",
    ]
    nothing = pl.lit("/")  # neither verdict nor uncertainty was said of the new values
    said = wrong.select(*keep, nothing.alias("verdict"), nothing.alias("standard uncertainty"))
    said.rename(names).write_csv(tmp_path / "c.csv")
    receipt = intake.correct(
        platform, tmp_path / "c.csv", reason="all results were a third of what they are", profile="template"
    )
    assert (receipt.accepted, receipt.refused) == (wrong.height, 0)
    second = evaluations.evaluate(platform, programme="national", period="all")
    before, now = ratings(platform, first.run_id), ratings(platform, second.run_id)
    assert second.compared_with == first.run_id and second.moved is not None
    assert second.moved["lab"].to_list() == sorted(one for one in {*before, *now} if before.get(one) != now.get(one))
    assert lab in second.moved["lab"].to_list()
    told = second.moved.filter(lab=lab).row(0, named=True)
    assert tuple(told[f"{name}_before"] for name in RATED) == before[lab]
    assert tuple(told[name] for name in RATED) == now[lab]


def test_the_runs_compared_differ_in_their_facts_only(evaluated: tuple[Platform, Evaluated]) -> None:
    platform, _ = evaluated
    other = evaluations.evaluate(platform, programme="national", period="all", settings={"evidence_years": 2})
    assert other.compared_with is None
