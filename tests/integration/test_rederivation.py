"""A run is derived again to the same content, whatever the threads, locale, time zone, hash seed and order of rows."""

from __future__ import annotations

import csv
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from labqa.service.wiring import open_platform
from tests import parcels
from tests.parcels import Parcels

THREADS = ("LABQA_THREADS", "POLARS_MAX_THREADS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
ELSEWHERE = {
    1: {"TZ": "UTC", "LANG": "C", "LC_ALL": "C", "PYTHONHASHSEED": "0"},
    2: {"TZ": "Asia/Shanghai", "LANG": "zh_CN.UTF-8", "LC_ALL": "zh_CN.UTF-8", "PYTHONHASHSEED": "1"},
    8: {"TZ": "America/St_Johns", "LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8", "PYTHONHASHSEED": "31415926"},
}
"""Number of threads, and what else differs where that number is used."""


def labqa(home: Path, *words: str, threads: int) -> str:
    """One command in such an environment; what it printed."""
    environment = {**os.environ, **dict.fromkeys(THREADS, str(threads)), **ELSEWHERE[threads]}
    environment |= {"LABQA_HOME": str(home), "LABQA_LANG": "en"}
    command = [sys.executable, "-m", "labqa.cli", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == (parcels.IN_PART if words[0] == "ingest" else 0), done.stdout + done.stderr
    return done.stdout


def evaluated(home: Path, sent: Parcels, *, threads: int) -> str:
    """Deliver and evaluate; the id of the run."""
    for kind in parcels.REGISTERS:
        labqa(home, "register", kind, str(sent.registers / f"{kind}.csv"), threads=threads)
    labqa(home, "ingest", *map(str, sent.files), threads=threads)
    return labqa(home, "evaluate", threads=threads).split()[1]


def contents(home: Path, run: str) -> dict[str, str]:
    return {name: table.content_sha256 for name, table in open_platform(home).run(run).info.tables.items()}


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Parcels:
    return parcels.made(tmp_path_factory.mktemp("sent"), files=4, samples=200)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("derived") / "home"


@pytest.fixture(scope="module")
def run(home: Path, sent: Parcels) -> str:
    return evaluated(home, sent, threads=1)


@pytest.mark.parametrize("threads", ELSEWHERE)
def test_a_run_is_derived_again_elsewhere(home: Path, run: str, threads: int) -> None:
    assert f"run {run} was derived again to the same content" in labqa(home, "verify", run, threads=threads)


def shuffled(sent: Parcels, folder: Path) -> Parcels:
    """The same deliveries in another order, their rows and columns too."""
    chance = random.Random(7)
    folder.mkdir()
    files = []
    for file in chance.sample(sent.files, len(sent.files)):
        with file.open(newline="", encoding="utf-8") as opened:
            rows = list(csv.DictReader(opened))
        names = chance.sample(list(rows[0]), len(rows[0]))
        files.append(folder / file.name)
        with files[-1].open("w", newline="", encoding="utf-8") as opened:
            writer = csv.DictWriter(opened, names)
            writer.writeheader()
            writer.writerows(chance.sample(rows, len(rows)))
    assert replace(sent, files=tuple(files)).rows() == sent.rows()
    return replace(sent, files=tuple(files))


def test_shuffled_deliveries_give_the_same_content(home: Path, run: str, sent: Parcels, tmp_path: Path) -> None:
    other = shuffled(sent, tmp_path / "shuffled")
    made = evaluated(tmp_path / "home", other, threads=8)
    assert contents(tmp_path / "home", made) == contents(home, run)
    assert len(contents(home, run)) >= 15


def test_the_same_deliveries_at_another_time_give_the_same_run(run: str, sent: Parcels, tmp_path: Path) -> None:
    assert evaluated(tmp_path / "home", sent, threads=2) == run


def test_a_changed_result_changes_the_content_and_the_run(home: Path, run: str, sent: Parcels, tmp_path: Path) -> None:
    """The comparison can fail: one value of one delivery, a hundredth larger."""
    changed = tmp_path / sent.files[0].name
    with sent.files[0].open(newline="", encoding="utf-8") as opened:
        rows = list(csv.DictReader(opened))
    row = next(row for row in rows if row["角色"] == "复检" and row["结果"].replace(".", "").isdecimal())
    row["结果"] = str(float(row["结果"]) * 1.01)
    with changed.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    other = replace(sent, files=(changed, *sent.files[1:]))
    made = evaluated(tmp_path / "home", other, threads=2)
    assert made != run, "two runs of one id, and different numbers"
    there, here = contents(home, run), contents(tmp_path / "home", made)
    assert {name for name in there if there[name] != here[name]} >= {"discrepancies"}
