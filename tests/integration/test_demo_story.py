"""The demo's network tells a story that its truth, which no evaluation reads, confirms."""

from __future__ import annotations

import json

import polars as pl
import pytest

from labqa.service import queries
from labqa.service.viewer import LOCAL_ANALYST
from labqa.service.wiring import Platform, open_platform
from tests.conftest import Demo

BIASED = ("bias_mean", "bias_items")
FLAG_OF = {
    "copier": "integrity.copied_vector",
    "echo": "integrity.identical_to_original",
    "self_sampler": "integrity.sampler_is_tester",
}


@pytest.fixture(scope="module")
def platform(demo: Demo) -> Platform:
    return open_platform(demo.home)


@pytest.fixture(scope="module")
def truth(demo: Demo) -> pl.DataFrame:
    return pl.read_parquet(demo.home / "deliveries" / "truth" / "labs.parquet")


def _table(platform: Platform, demo: Demo, name: str) -> pl.DataFrame:
    return queries.table(platform, demo.run_of("national"), name, viewer=LOCAL_ANALYST)


def test_the_network_is_what_the_story_needs(truth: pl.DataFrame) -> None:
    kinds = dict(truth["kind"].value_counts().iter_rows())
    assert truth.height == 300 and kinds["blameless"] >= 100 and kinds["planted"] >= 15


def test_no_blameless_lab_is_proposed_for_downgrade_on_bias_or_precision(
    platform: Platform, demo: Demo, truth: pl.DataFrame
) -> None:
    ratings = _table(platform, demo, "ratings").join(truth, on="lab")
    proposed = ratings.filter((pl.col("proposal") == "downgrade") & pl.col("ground").is_in(["bias", "precision", "points"]))
    assert proposed.height > 0, "a story in which nobody is proposed shows nothing"
    assert proposed.filter(pl.col("kind") == "blameless")["lab"].to_list() == []
    reasons = _table(platform, demo, "reasons").join(truth, on="lab")
    charged = reasons.filter(pl.col("ground").is_in(["bias", "precision"]) & (pl.col("points") < 0))
    assert charged.filter(pl.col("kind") == "blameless")["lab"].to_list() == []


@pytest.mark.parametrize("planted_as", BIASED)
def test_each_lab_with_a_planted_bias_is_found_or_could_not_have_been(
    platform: Platform, demo: Demo, truth: pl.DataFrame, planted_as: str
) -> None:
    bias = _table(platform, demo, "lab_bias")
    scope = "lab" if planted_as == "bias_mean" else "item"
    reasons = _table(platform, demo, "reasons")
    charged = set(reasons.filter((pl.col("ground") == "bias") & (pl.col("points") < 0))["lab"])
    planted = truth.filter(pl.col("planted_as") == planted_as)
    assert planted.height >= 4
    for lab, size in planted.select("lab", "size").iter_rows():
        whole = bias.filter((pl.col("lab") == lab) & (pl.col("scope") == "lab")).row(0, named=True)
        shown = bias.filter((pl.col("lab") == lab) & (pl.col("scope") == scope) & (pl.col("status") == "assessed"))
        smallest = shown["detectable"].drop_nulls().min()
        excused = whole["status"] == "not_assessed" or smallest is None or smallest > abs(size)
        assert lab in charged or excused, f"{lab}: {planted_as} {size} planted, neither found nor excused ({whole})"


def test_each_imprecise_lab_is_found_or_not_assessed(platform: Platform, demo: Demo, truth: pl.DataFrame) -> None:
    precision = {row["lab"]: row for row in _table(platform, demo, "lab_precision").iter_rows(named=True)}
    reasons = _table(platform, demo, "reasons")
    charged = set(reasons.filter((pl.col("ground") == "precision") & (pl.col("points") < 0))["lab"])
    planted = truth.filter(pl.col("planted_as") == "imprecise")["lab"].to_list()
    assert planted
    for lab in planted:
        assert lab in charged or precision[lab]["status"] != "assessed", precision[lab]


@pytest.mark.parametrize("planted_as", sorted(FLAG_OF))
def test_each_planted_misconduct_is_flagged(platform: Platform, demo: Demo, truth: pl.DataFrame, planted_as: str) -> None:
    flagged = set(_table(platform, demo, "flags").filter(pl.col("rule") == FLAG_OF[planted_as])["lab"])
    planted = truth.filter(pl.col("planted_as") == planted_as)["lab"].to_list()
    assert planted and set(planted) <= flagged


def test_the_veto_is_listed_apart_with_the_chance_of_a_blameless_lab(platform: Platform, demo: Demo) -> None:
    ratings = _table(platform, demo, "ratings")
    veto = ratings.filter(pl.col("ground") == "veto")
    assert veto.height > 0
    assert (veto["veto_outliers"] >= 3).all() and veto["veto_chance"].is_between(0, 1, closed="right").all()
    assert (veto["veto_chance_correlated"] >= veto["veto_chance"]).all()
    assert ratings.filter(~pl.col("veto") & (pl.col("ground") == "veto")).is_empty()


def test_a_lab_not_assessed_keeps_its_class(platform: Platform, demo: Demo) -> None:
    ratings = _table(platform, demo, "ratings").filter((pl.col("status") == "not_assessed") & ~pl.col("veto"))
    assert ratings.height > 0
    assert (ratings["proposal"] == "none").all() and ratings["class_proposed"].is_null().all()


def test_every_reason_cites_rows_that_exist(platform: Platform, demo: Demo) -> None:
    known = set(_table(platform, demo, "pairs")["pair"]) | set(_table(platform, demo, "blocks")["block"])
    known |= set(_table(platform, demo, "pt_scores")["result"]) | set(platform.table("national", "results")["result"])
    charged = _table(platform, demo, "reasons").filter(pl.col("points") < 0)
    assert (charged["evidence"].list.len() > 0).all()
    assert set(charged["evidence"].explode().drop_nulls()) <= known


def test_refused_rows_are_kept_with_a_sentence(platform: Platform, demo: Demo) -> None:
    refused = queries.refusals(platform, viewer=LOCAL_ANALYST, programme="national")
    assert refused.height >= 20 and refused["rule"].n_unique() >= 4
    assert all(json.loads(row)["key"].startswith("ingest.") for row in refused["message"])
    assert all(json.loads(row) for row in refused["delivered"])
