"""The chapter on profiles: its example runs as printed, and it leaves out no key and no field."""

from __future__ import annotations

import json
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import polars as pl
import pytest

from labqa.core.wording.catalogue import sentences
from labqa.ingest import profiles

ROOT = Path(__file__).parents[2]
CHAPTER = (ROOT / "docs" / "profiles.md").read_text("utf-8")
COAL = ROOT / "tests" / "reference" / "data" / "iso5725_2_sulfur_coal.csv"
EXPECTED = json.loads((ROOT / "tests" / "reference" / "expected.json").read_text("utf-8"))


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", CHAPTER, re.DOTALL)
    assert found
    return found[1]


def pooled_repeatability() -> float:
    """Of the four levels, from the SDs that another program computed and the numbers of results counted in the file."""
    cases = {case["id"]: case["expected"] for case in EXPECTED["cases"]}
    counted = pl.read_csv(COAL).group_by("level").agg(pl.len(), pl.col("lab").n_unique())
    freedom = {level: rows - labs for level, rows, labs in counted.iter_rows()}
    squares = sum(cases[f"iso5725_sulfur_coal_L{level}_computed"]["s_r"] ** 2 * df for level, df in freedom.items())
    return math.sqrt(squares / sum(freedom.values()))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_example_runs_as_it_is_printed(tmp_path: Path, language: str) -> None:
    (tmp_path / "coal.toml").write_text(block("toml"), encoding="utf-8")
    shutil.copy(COAL, tmp_path)
    environment = {**os.environ, "LABQA_HOME": str(tmp_path / "home"), "LABQA_LANG": language, "PYTHONPATH": str(ROOT)}
    said, run = "", "RUN"
    for line in block("sh").splitlines():
        _labqa, command, *words = shlex.split(line.replace("RUN", run))
        if command == "serve":
            continue
        done = subprocess.run(
            [sys.executable, "-m", "labqa.cli", command, *words],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        said += done.stdout
        found = re.search(r"\b[0-9a-f]{16}\b", done.stdout)
        run = found[0] if command == "evaluate" and found else run
    assert f"{pl.read_csv(COAL).height}" in said.splitlines()[0]
    assert f"{pooled_repeatability():.4g} %" in said


def test_the_chapter_leaves_out_no_key() -> None:
    for entry in fields(profiles.Profile):
        assert re.search(rf"^\| `\[?{entry.name}[`\].]", CHAPTER, re.MULTILINE), entry.name


def test_the_chapter_says_of_each_field_what_the_template_says() -> None:
    for name in profiles.FIELDS:
        (line,) = re.findall(rf"^\| `{name}` \| .+$", CHAPTER.partition("## 字段")[2], re.MULTILINE)
        for language in ("zh", "en"):
            told = sentences(language).get(f"ingest.field_{name}", "")
            assert told in line or name == "item_name"
