"""A correction moves ratings, and the next evaluation lists every laboratory whose rating moved, no more and no fewer."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import pytest
from plotly.utils import PlotlyJSONEncoder

from dashboards import address
from dashboards.pages import moved as moved_page
from dashboards.reading import Reading
from dashboards.words import Words
from labqa.core.wording.catalogue import Language
from labqa.service import evaluations, intake
from labqa.service.evaluations import Evaluated
from labqa.service.moved import RATED, Moved, moved_since
from labqa.service.viewer import LOCAL_ANALYST, Viewer
from labqa.service.wiring import Platform, now, open_platform
from labqa.simulate import deliveries, network
from reports import annual, build
from reports.document import Table
from tests.evaluations import calm

REASON = "all results were a third of what they are"


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Platform, Evaluated]:
    """A small simulated network, delivered and evaluated."""
    place = tmp_path_factory.mktemp("moved")
    made = network.simulate(calm(n_years=2, n=40, blameless=10, new=2, small=4), seed=1)
    deliveries.deliveries(made, place / "out")
    platform = open_platform(place / "home")
    for kind in ("labs", "items", "products", "class"):
        intake.register(platform, kind, place / "out" / "registers" / f"{kind}.csv", programme="national")
    for file in sorted(path for path in (place / "out").iterdir() if path.suffix in {".csv", ".xlsx", ".parquet"}):
        intake.ingest(platform, file, profile="template")
    return platform, evaluations.evaluate(platform, programme="national", period="all")


def ratings(platform: Platform, run: str) -> dict[str, tuple[object, ...]]:
    return {row[0]: row[1:] for row in platform.run(run).table("ratings").select("lab", *RATED).iter_rows()}


def wrong_by_a_factor(platform: Platform, file: Path) -> tuple[str, int]:
    """Write a correction of all numbers of the laboratory with most of them, and return the laboratory and their number."""
    results = platform.table("national", "results")
    numbers = results.filter((pl.col("qualifier") == "quantified") & pl.col("role").is_in(["original", "pt"]))
    numbers = numbers.join(platform.table("national", "items").filter(scale="ratio").select("item", "unit"), on="item")
    lab = numbers.group_by("lab").len().sort("len", "lab", descending=[True, False])["lab"][0]
    wrong = numbers.filter(lab=lab).with_columns((pl.col("value") * 3).cast(pl.String).alias("value"))
    keep = ["round", "period", "sample", "product", "sampler", "drawn_on", "item", "lab", "role", "replicate", "value", "unit"]
    nothing = pl.lit("/")  # neither verdict nor uncertainty was said of the new values
    said = wrong.select(*keep, "tested_on", nothing.alias("verdict"), nothing.alias("standard uncertainty"))
    said.rename({"drawn_on": "drawn on", "tested_on": "test date"}).write_csv(file)
    return lab, wrong.height


@dataclass(frozen=True)
class Corrected:
    """A home before and after the correction of one laboratory's results."""

    platform: Platform
    first: Evaluated
    second: Evaluated
    lab: str
    rows: int

    @property
    def moved(self) -> Moved:
        assert self.second.moved is not None
        return self.second.moved


@pytest.fixture(scope="module")
def corrected(evaluated: tuple[Platform, Evaluated], tmp_path_factory: pytest.TempPathFactory) -> Corrected:
    platform, first = evaluated
    file = tmp_path_factory.mktemp("corrected") / "mended.csv"
    lab, rows = wrong_by_a_factor(platform, file)
    receipt = intake.correct(platform, file, reason=REASON, profile="template")
    assert (receipt.accepted, receipt.refused) == (rows, 0)
    return Corrected(platform, first, evaluations.evaluate(platform, programme="national", period="all"), lab, rows)


def test_the_first_run_has_nothing_to_compare_with(evaluated: tuple[Platform, Evaluated]) -> None:
    assert evaluated[1].moved is None


def test_every_rating_that_a_correction_moved_is_listed(corrected: Corrected) -> None:
    moved, lab = corrected.moved, corrected.lab
    before, now = (ratings(corrected.platform, run.run_id) for run in (corrected.first, corrected.second))
    assert moved.before == corrected.first.run_id
    assert moved.labs["lab"].to_list() == sorted(one for one in {*before, *now} if before.get(one) != now.get(one))
    told = moved.labs.filter(lab=lab).row(0, named=True)
    assert tuple(told[f"{name}_before"] for name in RATED) == before[lab]
    assert tuple(told[name] for name in RATED) == now[lab]


def test_what_came_in_between_is_told_with_its_reason(corrected: Corrected) -> None:
    moved = corrected.moved
    (told,) = moved.corrections.rows(named=True)
    assert (told["file_name"], told["reason"], told["rows"], told["labs"]) == ("mended.csv", REASON, corrected.rows, 1)
    own = dict(moved.labs.select("lab", "own_rows").iter_rows())
    assert own.pop(corrected.lab) == corrected.rows and set(own.values()) <= {0}
    assert moved.others == 0


def test_a_laboratory_sees_its_own_move_and_no_correction_of_others(corrected: Corrected) -> None:
    other = next(lab for lab in ratings(corrected.platform, corrected.second.run_id) if lab != corrected.lab)
    for lab, corrections in ((corrected.lab, 1), (other, 0)):
        viewer = Viewer(role="lab_manager", name="someone", lab=lab)
        seen = moved_since(corrected.platform, corrected.second.run_id, viewer=viewer)
        assert seen is not None and seen.corrections.height == corrections
        assert seen.labs["lab"].to_list() == corrected.moved.labs.filter(lab=lab)["lab"].to_list()


@pytest.mark.parametrize(("language", "own"), [("en", "Of its own results"), ("zh", "该实验室自身有")])
def test_pages_and_report_say_what_moved_and_why(corrected: Corrected, language: Language, own: str) -> None:
    words, home = Words(language), address.read(f"/{language}/", "")
    reading = Reading(corrected.platform, LOCAL_ANALYST, corrected.second.run_id)
    told = corrected.moved.labs.filter(lab=corrected.lab).row(0, named=True)
    points = tuple("—" if told[name] is None else f"{told[name]:.1f}" for name in ("points_before", "points"))
    page = shown(moved_page.section_of(reading, home, words))
    assert all(one in page for one in (*corrected.moved.labs["lab"], REASON, "mended.csv", corrected.first.run_id))
    of_lab = shown(moved_page.of_lab(reading, home.lab(corrected.lab), words))
    assert REASON in of_lab and own in of_lab and " → ".join(points) in of_lab
    still = next(
        lab for lab in ratings(corrected.platform, corrected.second.run_id) if lab not in [*corrected.moved.labs["lab"]]
    )
    assert moved_page.of_lab(reading, home.lab(still), words) is None

    context = replace(build.gather(corrected.platform, corrected.second.run_id), language=language)
    (section,) = (one for one in annual.annual(context).sections if one.anchor == "moved")
    corrections, labs = (block for block in section.blocks if isinstance(block, Table))
    assert corrections.rows[0][1:3] == ("mended.csv", REASON)
    assert sorted(row[0] for row in labs.rows) == corrected.moved.labs["lab"].to_list()
    assert " → ".join(points) in next(row for row in labs.rows if row[0] == corrected.lab)


def shown(drawn: object) -> str:
    """What a part of a page is sent as."""
    return json.dumps(drawn, cls=PlotlyJSONEncoder, ensure_ascii=False)


def test_a_first_run_has_no_part_on_what_moved(evaluated: tuple[Platform, Evaluated]) -> None:
    platform, first = evaluated
    assert moved_page.section_of(Reading(platform, LOCAL_ANALYST, first.run_id), address.read("/en/", ""), Words("en")) is None
    assert "moved" not in {one.anchor for one in annual.annual(build.gather(platform, first.run_id)).sections}


def test_the_runs_compared_differ_in_their_facts_only(corrected: Corrected) -> None:
    other = evaluations.evaluate(corrected.platform, programme="national", period="all", settings={"evidence_years": 2})
    assert other.moved is None


def test_a_run_of_other_code_is_compared_where_there_is_no_other_and_that_is_told(corrected: Corrected) -> None:
    run = corrected.platform.run(corrected.second.run_id)
    later = replace(run.manifest, code="another version")
    corrected.platform.runs.write(later, {name: run.table(name) for name in run.info.tables}, now())
    moved = moved_since(corrected.platform, later.run_id, viewer=LOCAL_ANALYST)
    assert moved is not None and moved.before == corrected.first.run_id and moved.other_code
    assert not corrected.moved.other_code
    reading = Reading(corrected.platform, LOCAL_ANALYST, later.run_id)
    assert "another version of the software" in shown(moved_page.section_of(reading, address.read("/en/", ""), Words("en")))
    context = build.gather(corrected.platform, later.run_id)
    (section,) = (one for one in annual.annual(context).sections if one.anchor == "moved")
    assert any("另一版本的软件" in getattr(block, "text", "") for block in section.blocks)
