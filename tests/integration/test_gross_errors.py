"""A laboratory whose results are grossly wrong is not passed over because the robust fit sets them aside."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import polars as pl
import pytest

from labqa.service.pipeline import Facts
from labqa.simulate import network
from tests.evaluations import calm, evaluated, facts_of

ROLES = {"originals": ["original"], "everything": ["original", "retest", "referee", "pt"]}


@cache
def facts() -> Facts:
    return facts_of(network.simulate(calm(n_years=3, n=60, blameless=15, new=0, small=0), seed=5))


@cache
def before() -> dict[str, pl.DataFrame]:
    return evaluated(facts())


@cache
def most_compared() -> str:
    """An assessed laboratory without proposal that has the most pairs as first laboratory."""
    calm = before()["ratings"].filter((pl.col("status") == "assessed") & (pl.col("proposal") == "none"))["lab"]
    pairs = before()["pairs"].filter(pl.col("original_lab").is_in(calm.to_list()))
    return str(pairs.group_by("original_lab").len().sort("len", "original_lab", descending=[True, False])["original_lab"][0])


@cache
def doubled(what: str) -> dict[str, pl.DataFrame]:
    of = facts()
    hit = (pl.col("lab") == most_compared()) & pl.col("role").is_in(ROLES[what])
    wrong = of.results.with_columns(
        pl.when(hit).then(pl.col(name) * 2).otherwise(pl.col(name)).alias(name) for name in ("value", "lower", "upper")
    )
    return evaluated(replace(of, results=wrong))


def row(tables: dict[str, pl.DataFrame], name: str, **key: str) -> dict:
    found = tables[name].filter(**key)
    assert found.height == 1, (name, key)
    return found.row(0, named=True)


def test_nothing_is_said_of_a_bias_from_what_is_left_of_it() -> None:
    """Wrong as the first laboratory, right as the second and in rounds: what the fit keeps says nothing of its originals."""
    mean = row(doubled("originals"), "lab_bias", lab=most_compared(), scope="lab")
    assert (mean["status"], mean["reason"], mean["estimate"]) == ("undetermined", "bias.set_aside", None)
    share = row(doubled("originals"), "indicators", lab=most_compared(), indicator="gross_share")
    assert share["estimate"] > 0.4
    assert len(share["evidence"]) > 10
    assert "accuracy_shown" not in doubled("originals")["reasons"].filter(lab=most_compared())["line"].to_list()


def test_results_all_twice_what_they_should_be_cost_points() -> None:
    lab, told = most_compared(), doubled("everything")
    mean = row(told, "lab_bias", lab=lab, scope="lab")
    assert mean["status"] == "assessed", "what was set aside leans to the same side"
    assert mean["lower"] > 1.0
    taken = told["reasons"].filter((pl.col("lab") == lab) & (pl.col("points") < 0))
    assert {"bias", "gross"} <= set(taken["line"])
    assert taken["evidence"].list.len().min() > 0


@pytest.mark.parametrize("what", list(ROLES))
def test_its_partners_are_not_charged(what: str) -> None:
    charged = doubled(what)["reasons"].filter((pl.col("line") == "gross") & (pl.col("points") < 0))["lab"].to_list()
    assert set(charged) <= {most_compared()}
    lost = doubled(what)["lab_bias"].filter((pl.col("reason") == "bias.set_aside") & (pl.col("scope") == "lab"))["lab"]
    assert set(lost) <= {most_compared(), *_lost_before()}


def test_nobody_is_charged_without_cause() -> None:
    assert not _lost_before()
    assert before()["reasons"].filter((pl.col("line") == "gross") & (pl.col("points") < 0)).is_empty()


def _lost_before() -> list[str]:
    tables = before()["lab_bias"]
    return tables.filter((pl.col("reason") == "bias.set_aside") & (pl.col("scope") == "lab"))["lab"].to_list()
