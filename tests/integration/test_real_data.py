"""The main job on data that no one here made: what is claimed agrees with counting the files independently."""

from __future__ import annotations

import csv
from collections import defaultdict

import polars as pl
import pytest

from labqa.core import shipped
from labqa.service import queries
from labqa.service.viewer import LOCAL_ANALYST
from labqa.service.wiring import Platform, open_platform
from tests.conftest import Demo

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


def test_usgs_results_of_one_laboratory_or_of_none_are_duplicates_kept_for_agreement(platform: Platform, demo: Demo) -> None:
    """Blocks by their named laboratories; what is no comparison of laboratories serves repeatability and agreement only."""
    named: dict[str, set[str]] = defaultdict(set)
    with USGS.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            named[row["pair_id"]] |= {row["lab"]} - {""}
    between = {sample for sample, labs in named.items() if len(labs) >= 2}
    assert len(between) == 45  # one of them by a second retest
    blocks = _table(platform, demo, "usgs", "blocks")
    kinds = dict(blocks.select("sample", "kind").rows())
    assert {sample for sample, kind in kinds.items() if kind != "duplicate"} == between
    assert set(blocks.filter(pl.col("kind") == "duplicate")["used_for_bias"]) == {False}
    duplicates = _table(platform, demo, "usgs", "pairs").filter((pl.col("kind") == "duplicate") & (pl.col("order") == 1))
    assert duplicates.height == len(named) - 44
    agreement = duplicates.join(_table(platform, demo, "usgs", "discrepancies"), on="pair", how="anti")
    assert agreement.is_empty()  # every duplicate has its row of agreement
    influence = _table(platform, demo, "usgs", "lab_influence")
    assert not set(influence["what"]) & set(blocks.filter(pl.col("kind") == "duplicate")["block"])


def test_usgs_is_kept_whole(platform: Platform, demo: Demo) -> None:
    assert "28216 rows delivered, 28216 accepted, 0 refused" in demo.printed
    assert _table(platform, demo, "usgs", "blocks")["n_results"].sum() == 28_216
