"""The demo on the Youden pair of chromium: the laboratory that interchanged its two materials is told so, and not charged."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from labqa.core import shipped
from labqa.core.wording.catalogue import Message
from labqa.service import queries
from labqa.service.viewer import LOCAL_ANALYST
from labqa.service.wiring import Platform, open_platform

REFERENCE = Path(__file__).parents[1] / "reference"
SWAPPED = "L28"
"""As stated by the help page of the data set; expected.json, case chromium_swap."""


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    home = tmp_path_factory.mktemp("chromium") / "home"
    command = [sys.executable, "-m", "labqa.cli", "demo", "--data", "chromium", "--no-serve", "--home", str(home)]
    ran = subprocess.run(command, env={**os.environ, "LABQA_LANG": "en"}, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "56 rows delivered, 56 accepted, 0 refused" in ran.stdout
    return open_platform(home)


def table(platform: Platform, name: str) -> pl.DataFrame:
    run = queries.run_list(platform, viewer=LOCAL_ANALYST)["run"][0]
    return queries.table(platform, run, name, viewer=LOCAL_ANALYST)


def test_the_shipped_rows_are_those_of_the_source() -> None:
    with (REFERENCE / "data" / "lgc_chromium_youden.csv").open(encoding="utf-8") as file:
        wide = {(row["lab"], material): row[material] for row in csv.DictReader(file) for material in ("QC", "RM")}
    with (shipped.folder() / "chromium" / "lgc_chromium_youden.csv").open(encoding="utf-8") as file:
        assert {(row["lab"], row["material"]): row["value"] for row in csv.DictReader(file)} == wide
    assert len(wide) == 56


def test_the_interchange_is_flagged_with_laboratory_and_both_samples(platform: Platform) -> None:
    flags = table(platform, "flags").filter(pl.col("rule") == "integrity.sample_swap")
    assert sorted(flags.select("lab", "sample").rows()) == [(SWAPPED, "QC"), (SWAPPED, "RM")]
    assert all(len(evidence) == 1 for evidence in flags["evidence"])
    for message in flags["message"]:
        for language in ("zh", "en"):
            text = Message.from_json(message).text(language)
            assert SWAPPED in text and "QC" in text and "RM" in text


def test_nobody_is_charged_with_a_bias_and_the_blocks_still_serve_the_others(platform: Platform) -> None:
    bias = table(platform, "lab_bias")
    assert set(bias["status"]) == {"not_assessed"} and bias.filter(pl.col("scope") == "lab").height == 28
    assert bias.filter((pl.col("lab") == SWAPPED) & pl.col("estimate").is_not_null()).is_empty()
    others = bias.filter((pl.col("lab") != SWAPPED) & (pl.col("scope") == "lab"))
    assert others["estimate"].is_not_null().all() and set(others["n_samples"]) == {2}
    assert table(platform, "blocks")["used_for_bias"].all()
    assert table(platform, "ratings")["class_by_points"].is_null().all()
    influence = table(platform, "lab_influence")
    assert SWAPPED not in set(influence["lab"]) | set(influence["what"].drop_nulls())
