"""`labqa plan power` as a user gives it, in both languages."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from labqa.core.errors import UsageError
from labqa.core.wording.catalogue import LANGUAGES
from labqa.service import plans

SMALL = ("--labs", "40", "--samples", "2000", "--items", "6", "--retest-share", "0.3", "--hubs", "4")


def power(*words: str, language: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own; it needs no home."""
    environment = {**os.environ, "LABQA_LANG": language, "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "labqa.cli", "plan", "power", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, encoding="utf-8")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["random: ", "could be assessed", "two-stage", "Power at a bias of 1.5 σR", "no (bipartite)", "seed 7"]),
        ("zh", ["随机：", "可以评价", "两阶段", "偏倚为1.5 σR 时的功效", "不能（二分网络）", "种子7"]),
    ],
)
def test_all_designs_side_by_side(language: str, words: list[str]) -> None:
    done = power(*SMALL, "--seed", "7", language=language)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    first = done.stdout.splitlines()[0]
    assert first.startswith(words[0]) and words[1] in first and "40" in first  # what could be assessed comes first
    assert [word for word in words if word not in done.stdout] == []


def test_what_cannot_be_reached_is_said() -> None:
    found = plans.power(design="random", labs=40, samples=2_000, retest_share=0.3, bias=0.55)
    told = {label.key: cells[0] for label, cells in found.rows}
    assert (told["planning.needed"].text("en"), told["planning.needed"].text("zh")) == ("not reachable", "无法达到")
    assert told["planning.needed_evidence"].text("en").endswith("% at most")
    assert "planning.note_not_reached" in [note.key for note in found.notes]


def test_what_cannot_be_planned_is_a_sentence_and_an_exit_code() -> None:
    done = power("--years", "4", language="zh")
    assert done.returncode == 2 and "--years" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"design": "circle"}, "circle"),
        ({"retest_share": 1.5}, "--retest-share"),
        ({"hubs": 39, "labs": 40}, "--hubs"),
        ({"target_power": 1.0}, "--target-power"),
        ({"seed": -1}, "--seed"),
        ({"bias": 0.4}, "--bias"),
    ],
)
def test_settings_outside_what_can_be_planned_are_refused_by_name(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(UsageError) as refused:
        plans.power(**settings)
    assert all(named in refused.value.message.text(language) for language in LANGUAGES)
