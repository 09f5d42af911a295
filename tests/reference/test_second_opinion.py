"""The metals round through the product: delivered, evaluated, and given a second opinion by the crossed mixed model."""

from __future__ import annotations

import csv
from pathlib import Path

import polars as pl
import pytest
from reference_cases import SHIPPED, case
from validation import agrees

from labqa.analysis.mixed import Opinion
from labqa.service import evaluations, intake, opinions
from labqa.service.viewer import LOCAL_ANALYST
from labqa.service.wiring import open_platform

ABOUT = {"method": "network/crossed_reml", "data": "lgc_rmstudy_metals.csv, through the product", "expected_by": "R lme4"}


@pytest.fixture(scope="module")
def opinion(tmp_path_factory: pytest.TempPathFactory) -> Opinion:
    platform = open_platform(Path(tmp_path_factory.mktemp("rmstudy")))
    intake.ingest(platform, SHIPPED / "rmstudy" / "lgc_rmstudy_metals.csv", profile="rmstudy")
    made = evaluations.evaluate(platform, programme="rmstudy", period="all")
    return opinions.mixed_model(platform, made.run_id, viewer=LOCAL_ANALYST, scale="log")


def test_sds_and_shrunken_laboratory_effects_are_those_of_lme4(opinion: Opinion) -> None:
    known = case("rmstudy_crossed_reml")
    expected, tolerance = known["expected"], known["tolerance"]
    sds = dict(opinion.components.select("factor", "sd").iter_rows())
    assert list(sds) == ["lab", "lab_item", "error"], "the only sample leaves no lab × sample, and no runs are stated"
    assert opinion.n == expected["n"]
    names = [expected[name] for name in ("sd_lab", "sd_lab_analyte", "sd_residual")]
    agrees(list(sds.values()), names, quantity="SDs", rel=tolerance["rel_sd"], **ABOUT)
    agrees(opinion.criterion, expected["reml_criterion"], quantity="criterion", rel=tolerance["rel_reml"], **ABOUT)
    labs = opinion.effects.filter(pl.col("scope") == "lab")
    assert set(labs["lab"]) == set(expected["blup_lab"])
    blups = [expected["blup_lab"][lab] for lab in labs["lab"]]
    agrees(labs["blup"].to_list(), blups, quantity="predictions", abs=tolerance["abs_blup"], **ABOUT)


def test_unshrunken_robust_effects_stand_beside_them(opinion: Opinion) -> None:
    """On the same scale, not compared: a laboratory is drawn to the centre, never past it by more than the zeros differ."""
    items = opinion.effects.filter(pl.col("scope") == "item")
    with (SHIPPED / "rmstudy" / "lgc_rmstudy_metals.csv").open(encoding="utf-8") as opened:
        cells = {(row["lab"], row["analyte"]) for row in csv.DictReader(opened)}
    assert ("Lab23", "Nickel") in cells  # five zeros, which have no logarithm
    assert items.height == len(cells) - 1
    assert items["blup"].is_not_null().all()
    gross = items.filter(pl.col("estimate").is_null())  # what the robust steps take for gross errors has no robust effect
    usual = case("rmstudy_crossed_reml")["expected"]["sd_lab_analyte"]
    assert gross.height <= 0.03 * items.height and (gross["blup"].abs() > usual).all()
    assert items.drop_nulls("estimate").select(pl.corr("blup", "estimate")).item() > 0.9
