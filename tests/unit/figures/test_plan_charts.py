"""The figure of a plan: power of each design against its cost, drawn by both renderers."""

import polars as pl
import pytest

from labqa.core.wording.catalogue import LANGUAGES
from labqa.figures import paper, screen
from labqa.figures.charts.plans import power_curves
from labqa.service import plans


@pytest.fixture(scope="module")
def curves():
    return plans.power_curves(points=4, labs=40, samples=2_000, items=6, hubs=4)


def test_every_design_costs_more_with_every_point_and_finds_no_less(curves):
    assert curves["design"].unique(maintain_order=True).to_list() == ["random", "hub", "triangles", "two-stage"]
    for _, rows in curves.group_by("design"):
        assert rows["retests"].is_sorted() and (rows["power"].diff().drop_nulls() > -0.02).all()
    assert curves.filter(pl.col("design") == "random")["power"].to_list()[0] == 0.0


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_drawn_by_both_renderers(curves, language):
    spec = power_curves(curves, language, bias=1.0, target=0.8)
    assert spec.title and spec.caption and len(spec.series) == 4 and spec.n_shown == curves.height
    assert screen.draw(spec)["data"]
    shapes = paper.drawing(spec)
    assert shapes["points"] or shapes["segments"]


def test_its_text_names_what_is_never_reached(curves):
    assert "hub never" in power_curves(curves.with_columns(power=0.1), "en", bias=1.0, target=0.8).alt


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_a_plan_there_is_no_figure(curves, language):
    assert power_curves(curves.clear(), language, bias=1.0, target=0.8).is_empty
