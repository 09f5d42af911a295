"""The main job on data that no one here made: what is claimed agrees with counting the files independently."""

from __future__ import annotations

import csv
from collections import defaultdict

import polars as pl
import pytest
from conftest import Demo

from labqa.core import shipped
from labqa.service import queries
from labqa.service.viewer import LOCAL_ANALYST
from labqa.service.wiring import Platform, open_platform

USGS = shipped.folder() / "usgs" / "usgs_inl_original_retest_sitesA.csv"
NONDETECT = {"<", "R", "U"}


@pytest.fixture(scope="module")
def platform(demo: Demo) -> Platform:
    return open_platform(demo.home)


def _table(platform: Platform, demo: Demo, programme: str, name: str) -> pl.DataFrame:
    return queries.table(platform, demo.run_of(programme), name, viewer=LOCAL_ANALYST)


def _usgs_first_pairs() -> list[tuple[dict[str, str], dict[str, str]]]:
    """Original and first retest of each pair id, by the csv module alone."""
    found: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)
    with USGS.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found[row["pair_id"]][row["role"]] = row
    return [(roles["original"], roles["retest1"]) for roles in found.values()]


def test_usgs_pairs_are_those_counted_from_the_file(platform: Platform, demo: Demo) -> None:
    counted = _usgs_first_pairs()
    assert len(counted) == 13_717  # as published with the reference cases, counted there in R
    first = _table(platform, demo, "usgs", "pairs").filter(pl.col("order") == 1)
    assert first.height == len(counted)
    nondetects = [sum(row["qualifier"] in NONDETECT for row in pair) for pair in counted]
    told = queries.summary(platform, demo.run_of("usgs"), viewer=LOCAL_ANALYST).filter(
        (pl.col("metric") == "first_pairs") & (pl.col("period") == "all")
    )
    assert dict(told.select("scope_id", "value").iter_rows()) == {
        "both_quantified": nondetects.count(0),
        "mixed": nondetects.count(1),
        "both_censored": nondetects.count(2),
    }
    assert (nondetects.count(0), nondetects.count(1), nondetects.count(2)) == (6_830, 149, 6_738)
    between = [pair for pair in counted if all(row["lab"] for row in pair) and pair[0]["lab"] != pair[1]["lab"]]
    assert first.filter(pl.col("kind") == "between").height == len(between) == 44


def test_usgs_gives_no_lab_a_sign_or_a_rank(platform: Platform, demo: Demo) -> None:
    bias = _table(platform, demo, "usgs", "lab_bias")
    assert bias.filter(pl.col("scope") == "lab").height == 22
    assert set(bias["status"]) == {"not_assessed"}
    signs = ["estimate", "lower", "upper", "shrunken", "oriented"]
    assert bias.select(pl.col(signs).is_not_null().any()).row(0) == (False,) * len(signs)
    ratings = _table(platform, demo, "usgs", "ratings")
    assert set(ratings["proposal"]) == {"none"} and ratings["class_by_points"].is_null().all()
