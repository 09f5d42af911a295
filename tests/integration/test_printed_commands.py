"""Commands that the command line prints as the next step work when they are pasted into a shell, from any folder."""

from __future__ import annotations

import csv
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

HEADERS = ["round", "sample", "item", "lab", "role", "value", "unit", "test date"]
BAD = ["2018-1", "S1", "PB", "A", "original", "about 12", "mg/kg", "2018-03-10"]
PROFILE = """
name = "of a laboratory"
programme = "自 检's"
required = ["sample", "item", "lab", "role", "value"]
[columns]
round = ["round"]
sample = ["sample"]
item = ["item"]
lab = ["lab"]
role = ["role"]
value = ["value"]
unit = ["unit"]
tested_on = ["test date"]
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder whose name a shell would take apart, with a delivery, a profile and a command `labqa`."""
    folder = tmp_path / "国家 lab's $(x)"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "labqa").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m labqa.cli "$@"\n')
    (folder / "bin" / "labqa").chmod(0o755)
    (folder / "own profile.toml").write_text(PROFILE, "utf-8")
    (folder / "labs.csv").write_text("lab\nA\n")
    (folder / "items.csv").write_text("item,scale,unit\nPB,ratio,mg/kg\n")
    with (folder / "d.csv").open("w", newline="") as file:
        csv.writer(file).writerows([HEADERS, BAD])
    return folder


def shell(place: Path, line: str, *, language: str = "en", within: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A line as pasted into a shell, in the folder `within`."""
    environment = {name: value for name, value in os.environ.items() if name != "LABQA_HOME"}
    environment |= {"PATH": f"{place / 'bin'}:{os.environ['PATH']}", "LABQA_LANG": language, "PWD": str(within or place)}
    environment |= {"XDG_DATA_HOME": str(place / "by itself")}
    return subprocess.run(
        ["/bin/sh", "-c", line], cwd=within or place, env=environment, capture_output=True, text=True, check=False
    )


def printed(told: str, word: str) -> str:
    """The command with this word that was printed at the end of a line."""
    line = next(line for line in told.splitlines() if f"labqa {word} " in line)
    return line[line.index(f"labqa {word} ") :]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("home", ["--home 'my home'", ""])
def test_from_refusal_to_mended_delivery_by_pasting(place: Path, language: str, home: str) -> None:
    elsewhere = place / "else where"
    elsewhere.mkdir()
    options = f'{home} --programme "自 检\'s"'
    for kind in ("labs", "items"):
        assert shell(place, f"labqa register {kind} {kind}.csv {options}").returncode == 0
    refused = shell(place, f"labqa ingest d.csv {home} --profile 'own profile.toml'", language=language)
    assert refused.returncode == 9, refused.stderr
    exported = shell(place, printed(refused.stderr, "refusals"), language=language, within=elsewhere)
    assert exported.returncode == 0, exported.stderr
    again = shell(place, printed(exported.stdout, "ingest"), language=language, within=elsewhere)
    assert again.returncode == 9 and "about 12" in again.stderr, again.stderr + again.stdout


def test_a_restored_home_is_verified_by_pasting(place: Path) -> None:
    assert shell(place, "labqa register labs labs.csv --home first && labqa backup b.tar --home first").returncode == 0
    restored = shell(place, "labqa restore b.tar --home 'second one'")
    verified = shell(place, printed(restored.stdout, "verify"), within=place / "bin")
    assert verified.returncode == 0, verified.stderr
    assert "what was written" in verified.stdout


def test_registers_are_asked_for_with_programme_and_home(place: Path) -> None:
    told = shell(place, "labqa ingest d.csv --home mine --programme 'my own'").stderr
    line = told[told.index("labqa register labs FILE") :].partition(";")[0]
    assert shell(place, line.replace("FILE", shlex.quote(str(place / "labs.csv"))), within=place / "bin").returncode == 0
    shown = shell(place, "labqa ledger show --home mine --programme 'my own'")
    assert "register" in shown.stdout and "my own" in shown.stdout


def test_which_delivery_to_export_is_asked_with_the_file_that_was_named(place: Path) -> None:
    assert shell(place, "labqa ingest d.csv --home mine").returncode == 9
    asked = shell(place, "labqa refusals --out mend.xlsx --home mine")
    assert asked.returncode == 2
    line = printed(asked.stderr, "refusals").replace("DELIVERY", "d.csv")
    assert shell(place, line, within=place / "bin").returncode == 0
    assert (place / "mend.xlsx").is_file()


def answered(place: Path, line: str, answer: str) -> str:
    """What a command says on a terminal at which `answer` is typed."""
    return shell(place, f"printf '%s\\n' {shlex.quote(answer)} | script -qec {shlex.quote(line)} /dev/null").stdout


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_report_issued_anew_is_taken_by_pasting_and_asked_for_its_reason(place: Path, language: str) -> None:
    for kind in ("labs", "items"):
        assert shell(place, f"labqa register {kind} {kind}.csv --home mine").returncode == 0
    for name, value, revision in (("1", "12.5", "0"), ("2", "12.6", "1")):
        with (place / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([[*HEADERS, "revision"], [*BAD[:5], value, *BAD[6:], revision]])
    assert shell(place, "labqa ingest 1.csv --home mine").returncode == 0
    refused = shell(place, "labqa ingest 2.csv --home mine", language=language)
    assert refused.returncode == 9 and "labqa correct" in refused.stderr
    exported = shell(place, printed(refused.stderr, "refusals"), language=language)
    line = printed(exported.stdout, "correct")
    alone = shell(place, line, language=language)
    assert alone.returncode == 2 and "--reason" in alone.stderr
    answered(place, line, "issued anew, 换发新版")
    told = shell(place, "labqa ledger show --home mine").stdout.splitlines()[-1]
    assert "correction" in told
