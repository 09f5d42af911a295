"""The ceramide ring trial and the EQA of the haemolysis index, through the demo: what is found, and what is not claimed."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from labqa.core import shipped
from labqa.service import opinions, queries
from labqa.service.viewer import LOCAL_ANALYST
from labqa.service.wiring import Platform, open_platform
from tests.conftest import Demo

CERAMIDE = shipped.folder() / "ceramide" / "ceramide_ring_trial_34labs.csv"
EQA = shipped.folder() / "eqa" / "eqa_haemolysis_index.csv"
SIGNS = ["estimate", "lower", "upper", "shrunken", "oriented"]
ASSIGNED = "EQA Method Mean"


@pytest.fixture(scope="module")
def platform(demo: Demo) -> Platform:
    return open_platform(demo.home)


def table(platform: Platform, demo: Demo, programme: str, name: str) -> pl.DataFrame:
    return queries.table(platform, demo.run_of(programme), name, viewer=LOCAL_ANALYST)


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


def test_ceramide_rows_without_a_value_are_refused_and_all_others_taken(platform: Platform, demo: Demo) -> None:
    rows = rows_of(CERAMIDE)
    empty = sum(not row["conc_multi_point"] for row in rows)
    assert (len(rows), empty) == (8752, 18)
    assert "8752 rows delivered, 8734 accepted, 18 refused" in demo.printed
    refused = queries.refusals(platform, viewer=LOCAL_ANALYST, programme="ceramide")
    assert set(refused["column"]) == {"conc_multi_point"} and refused["row"].n_unique() == empty


def test_ceramide_rounds_are_blocks_of_many(platform: Platform, demo: Demo) -> None:
    rows = [row for row in rows_of(CERAMIDE) if row["conc_multi_point"]]
    counted = Counter((row["material"], row["analyte"]) for row in rows)
    blocks = table(platform, demo, "ceramide", "blocks")
    assert {(one["sample"], one["item"]): one["n_results"] for one in blocks.iter_rows(named=True)} == counted
    assert set(blocks["kind"]) == {"multiple"} and set(blocks["n_labs"]) == {34} == {len({row["lab"] for row in rows})}


def test_four_materials_are_too_few_to_assess_a_laboratory(platform: Platform, demo: Demo) -> None:
    bias = table(platform, demo, "ceramide", "lab_bias").filter(pl.col("scope") == "lab")
    assert bias.height == 34 and set(bias["status"]) == {"not_assessed"} and bias["n_samples"].max() == 4
    ratings = table(platform, demo, "ceramide", "ratings")
    assert ratings["class_by_points"].is_null().all() and set(ratings["proposal"]) == {"none"}


def test_what_laboratories_do_in_most_materials_is_not_put_down_to_the_materials(platform: Platform, demo: Demo) -> None:
    """34 laboratories had the same four pools; a laboratory with three other tests has no usual scatter to compare with."""
    rules = set(table(platform, demo, "ceramide", "flags")["rule"])
    assert "integrity.sample_differs" not in rules


def test_eqa_samples_dates_and_analysers(platform: Platform, demo: Demo) -> None:
    rows = rows_of(EQA)
    assert (len(rows), len({row["sample"] for row in rows}), len({row["date"] for row in rows})) == (150, 26, 15)
    blocks = table(platform, demo, "eqa", "blocks")
    assert {one["sample"]: one["n_results"] for one in blocks.iter_rows(named=True)} == Counter(
        row["sample"] for row in rows if row["analyser"] != ASSIGNED
    )
    assert blocks["anchored"].all() and set(blocks["n_labs"]) == {1, 2}
    scores = table(platform, demo, "eqa", "pt_scores")
    assert set(scores["lab"]) == {"Lab 1", "Lab 2"} and scores["anchored"].all()
    assigned = {row["sample"]: float(row["h_index"]) for row in rows if row["analyser"] == ASSIGNED}
    assert dict(scores.select("sample", "x_pt").rows()) == assigned
    assert set(scores["round"]) == {row["date"] for row in rows}
    assert all(date.fromisoformat(one).year == year for one, year in scores.select("round", "period").rows())


def test_eqa_gives_no_laboratory_a_sign_or_a_rank(platform: Platform, demo: Demo) -> None:
    """Two laboratories are fewer than the five that a sign takes, whatever the assigned value says."""
    bias = table(platform, demo, "eqa", "lab_bias")
    assert set(bias["status"]) == {"not_assessed"} and set(bias["reason"]) == {"bias.few_partners"}
    assert bias.select(pl.col(SIGNS).is_not_null().any()).row(0) == (False,) * len(SIGNS)
    ratings = table(platform, demo, "eqa", "ratings")
    assert ratings["class_by_points"].is_null().all() and set(ratings["proposal"]) == {"none"}


def test_the_assigned_value_is_no_laboratory(platform: Platform, demo: Demo) -> None:
    labs = queries.registers(platform, programme="eqa", viewer=LOCAL_ANALYST)["labs"]
    assert labs["lab"].to_list() == ["Lab 1", "Lab 2"]
    found = opinions.mixed_model(platform, demo.run_of("eqa"), viewer=LOCAL_ANALYST)
    assert set(found.effects["lab"]) == {"Lab 1", "Lab 2"}


@pytest.mark.parametrize("programme", ["ceramide", "eqa"])
def test_names_stand_in_both_languages(programme: str, platform: Platform) -> None:
    found = queries.registers(platform, programme=programme, viewer=LOCAL_ANALYST)
    for register in ("labs", "items"):
        assert found[register].select(pl.col("name_zh", "name_en").is_not_null().all()).row(0) == (True, True)
