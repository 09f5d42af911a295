"""Precision against the level on real data: plain figures agree with R, robust ones stand where R's robust ones stand."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from labqa.service import opinions
from labqa.service.viewer import LOCAL_ANALYST
from labqa.service.wiring import Platform, open_platform
from tests.conftest import Demo

CASES = json.loads((Path(__file__).parents[1] / "reference" / "expected.json").read_text("utf-8"))["cases"]
KNOWN = {one["id"]: one["expected"] for one in CASES}
METALS = ["Arsenic", "Cadmium", "Chromium", "Copper", "Lead", "Manganese", "Nickel", "Zinc"]
WITHIN_LABS = {"Sodium_wf": "00930", "Nitrate_wf": "00618", "Chromium_wf": "01030", "Iron_wf": "01046"}
"""Analytes of which no pair lies between two named laboratories, so that all their pairs are duplicates."""


@pytest.fixture(scope="module")
def platform(demo: Demo) -> Platform:
    return open_platform(demo.home)


def levels(platform: Platform, demo: Demo, programme: str) -> pl.DataFrame:
    return opinions.precision_levels(platform, demo.run_of(programme), viewer=LOCAL_ANALYST)


def row(found: pl.DataFrame, item: str, condition: str) -> dict[str, object]:
    """The chosen model of an item, or its one row without a model."""
    here = found.filter((pl.col("item") == item) & (pl.col("condition") == condition) & pl.col("chosen").fill_null(value=True))
    return here.row(0, named=True)


def test_metals_of_the_collaborative_study(platform: Platform, demo: Demo) -> None:
    """ISO 5725-2: the plain SD within laboratories is s_r of R's analysis of variance, that between means their SD."""
    found = levels(platform, demo, "rmstudy")
    for metal in METALS:
        within, between = row(found, metal, "repeatability"), row(found, metal, "reproducibility")
        assert within["sd"] == pytest.approx(KNOWN[f"rmstudy_{metal}_precision"]["anova_s_r"], rel=1e-8)
        robust = KNOWN[f"robust_rmstudy_{metal}"]
        assert between["sd"] == pytest.approx(robust["sd"], rel=1e-8)
        assert (between["model"], between["contrasts"]) == ("constant", pytest.approx(robust["n"] - 1))
        # another estimator: it stands among the robust ones of R, far from the plain SD where a laboratory is far off
        several = [robust[name] for name in ("algA_s_exact_factor", "Qn_robustbase", "Sn_robustbase", "MADe_1p4826")]
        assert 0.85 * min(several) <= between["constant"] <= 1.25 * max(several)


def test_one_material_cannot_tell_the_models_apart(platform: Platform, demo: Demo) -> None:
    assert set(levels(platform, demo, "rmstudy")["model"]) == {"constant"}


@pytest.mark.parametrize("name", WITHIN_LABS)
def test_duplicates_of_the_field(name: str, platform: Platform, demo: Demo) -> None:
    found, known = row(levels(platform, demo, "usgs"), WITHIN_LABS[name], "repeatability"), KNOWN[f"usgs_inl_{name}"]
    assert found["sets"] == known["n_pairs"]
    assert found["sd"] == pytest.approx(known["s_r_from_pairs"], rel=1e-8)
    assert found["equal_share"] == pytest.approx(known["n_exact_zero"] / known["n_pairs"])


def test_nothing_is_said_where_little_is_known(platform: Platform, demo: Demo) -> None:
    """143 analytes; 44 pairs between laboratories are too few for any; conductance is nearly always the very same."""
    found = levels(platform, demo, "usgs")
    between = found.filter(pl.col("condition") == "reproducibility")
    assert set(between["reason"]) == {"precision.few_contrasts"} and between.height == 143
    assert row(found, "00095", "repeatability")["reason"] == "precision.often_equal"
    assert KNOWN["usgs_inl_Specific_cond_at_25C"]["n_exact_zero"] == 578


def test_pairs_with_one_non_detect_are_intervals_and_those_with_two_are_counted(platform: Platform, demo: Demo) -> None:
    """All pairs of the file but those between laboratories; classes as published with the reference cases."""
    found = levels(platform, demo, "usgs").unique(["item", "condition"])
    counted = found.select(pl.col("sets", "intervals", "unquantified").sum()).row(0)
    assert counted == tuple(
        KNOWN["usgs_inl_pair_classes"][name] for name in ("both_quantified", "one_nondetect", "both_nondetect")
    )


def test_ceramides_scatter_within_laboratories_less_than_between(platform: Platform, demo: Demo) -> None:
    """Between R's components of injections and of samples with injections, robustly; REML holds gross errors in full."""
    found = levels(platform, demo, "ceramide")
    for ceramide in ("16:0", "18:0", "24:0", "24:1"):
        known = [KNOWN[f"ceramide_{material}_{ceramide}"] for material in ("NIST SRM", "NIST hTAG", "NIST DB", "NIST YAA")]
        within = [math.hypot(one["sd_log_sample"], one["sd_log_injection"]) for one in known]
        middle = [one["median_of_dataset_means"] for one in known]
        repeatability, reproducibility = (
            row(found, f"Cer d18:1/{ceramide}", name) for name in ("repeatability", "reproducibility")
        )
        relative = [math.hypot(repeatability["constant"] / m, repeatability["slope"]) for m in middle]
        assert all(0.3 * one < seen < one for one, seen in zip(within, relative, strict=True))
        spread = [math.hypot(reproducibility["constant"] / m, reproducibility["slope"]) for m in middle]
        robust = [one["algA_s"] / one["algA_mu"] for one in known]
        assert spread == pytest.approx(robust, rel=0.4)


def test_analysers_are_no_replicates(platform: Platform, demo: Demo) -> None:
    assert row(levels(platform, demo, "eqa"), "H", "repeatability")["reason"] == "precision.few_contrasts"


def test_the_models_that_the_pages_name(platform: Platform, demo: Demo) -> None:
    """docs/data/usgs.md and ceramide.md tell in words how precision goes with the level."""
    field = levels(platform, demo, "usgs")
    codes = {"proportional": ["00618", "00945"], "two_component": ["00930", "00940", "01030", "07000", "13501"]}
    for model, items in codes.items():
        assert {row(field, item, "repeatability")["model"] for item in items} == {model}
    plasma = levels(platform, demo, "ceramide").filter(pl.col("chosen") & (pl.col("condition") == "repeatability"))
    assert plasma["model"].to_list() == ["two_component"] * 4


def test_the_command_prints_and_writes_them(demo: Demo, tmp_path: Path) -> None:
    file = tmp_path / "precision.csv"
    command = [
        sys.executable,
        "-m",
        "labqa.cli",
        "precision",
        demo.run_of("usgs"),
        "--file",
        str(file),
        "--home",
        str(demo.home),
    ]
    ran = subprocess.run(command, env={**os.environ, "LABQA_LANG": "en"}, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "Sodium, wf · 00930, repeatability: two components, σ² = (" in ran.stdout
    assert "reproducibility, 143 items without a model: Fewer than 15 differences" in ran.stdout
    assert set(pl.read_csv(file)["condition"]) == {"repeatability", "reproducibility"}


def test_the_sd_at_the_ends_is_the_model_there_and_a_close_rival_is_told(platform: Platform, demo: Demo) -> None:
    found = levels(platform, demo, "national").filter(pl.col("chosen"))
    for told in found.iter_rows(named=True):
        for end in ("low", "high"):
            expected = math.hypot(told["constant"], told["slope"] * told[f"level_{end}"])
            assert told[f"sd_{end}"] == pytest.approx(expected, rel=1e-12)
    every = levels(platform, demo, "ceramide")
    for (item, condition), models in every.group_by("item", "condition"):
        best, second = sorted(models["aic"])[:2]
        assert set(models["close"]) == {second - best < 2.0}, (item, condition)
    assert set(every["close"]) == {True, False}
    assert set(levels(platform, demo, "rmstudy")["close"]) == {None}
