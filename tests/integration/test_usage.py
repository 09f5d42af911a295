"""Words that a command does not know are told in the language of the terminal."""

import os
import subprocess
import sys

import pytest

CASES = [
    ("evaluate --perid 2018", ["--perid", "--period"]),
    ("evaluate --nothing-like-it 1", ["--nothing-like-it"]),
    ("evalute", ["evalute", "evaluate"]),
    ("ledger shwo", ["shwo", "show"]),
    ("ledger --home here", ["--home", "show"]),
    ("--home here runs", ["--home", "runs"]),
    ("ingest", ["files"]),
    ("register labs", ["file"]),
    ("evaluate --period", ["--period"]),
    ("evaluate 2018", ["2018"]),
    ("simulate out --seed many", ["--seed"]),
    ("plan power --bias large", ["--bias"]),
]


@pytest.mark.parametrize(("words", "named"), CASES)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_is_wrong_is_a_sentence(words: str, named: list[str], language: str) -> None:
    command = [sys.executable, "-m", "labqa.cli", *words.split()]
    done = subprocess.run(command, env={**os.environ, "LABQA_LANG": language}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    told = done.stderr.splitlines()[0]
    assert all(name in told for name in named), told
    assert any("一" <= sign <= "鿿" for sign in told) == (language == "zh"), told
    assert told.endswith(("。", "？") if language == "zh" else (".", "?"))
    assert "Traceback" not in done.stderr


def test_commands_of_a_group_are_listed_where_none_is_named() -> None:
    done = subprocess.run([sys.executable, "-m", "labqa.cli", "ledger"], capture_output=True, text=True, check=False)
    assert "anchor" in done.stdout + done.stderr
    assert done.returncode == 2
