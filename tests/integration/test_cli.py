"""The command line from an empty home to a verified run: what it says and what it returns."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.commands import labqa


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home into which the filled template was delivered."""
    place = tmp_path_factory.mktemp("cli")
    assert labqa(place / "home", "template", str(place / "template.xlsx")).returncode == 0
    received = labqa(place / "home", "ingest", str(place / "template.xlsx"))
    assert received.returncode == 0, received.stderr
    assert " 0 refused" in received.stdout and " accepted" in received.stdout
    return place / "home"


def _run(home: Path) -> str:
    return labqa(home, "runs").stdout.split()[0]


def test_from_template_to_a_run_that_is_derived_again(home: Path) -> None:
    evaluated = labqa(home, "evaluate", "--period", "all")
    assert evaluated.returncode == 0, evaluated.stderr
    assert "of programme national, period all" in evaluated.stdout
    verified = labqa(home, "verify", _run(home))
    assert verified.returncode == 0, verified.stderr
    assert "derived again to the same content" in verified.stdout


def test_the_same_file_twice_is_one_acceptance(home: Path) -> None:
    again = labqa(home, "ingest", str(home.parent / "template.xlsx"))
    assert again.returncode == 0 and "already received" in again.stdout


def test_a_flipped_byte_is_found_and_named(home: Path, tmp_path: Path) -> None:
    copy = tmp_path / "home"
    subprocess.run(["cp", "-r", str(home), str(copy)], check=True)
    fact = next((copy / "facts").iterdir())
    content = bytearray(fact.read_bytes())
    content[len(content) // 2] ^= 1
    fact.write_bytes(content)
    found = labqa(copy, "verify")
    assert found.returncode == 5 and fact.name in found.stderr


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("evaluate", "--period", "1999"), 2, "1999"),
        (("evaluate", "--period", "soon"), 2, "soon"),
        (("evaluate", "--programme", "nowhere"), 2, "nowhere"),
        (("evaluate", "--edition", "xx-1"), 2, "xx-1"),
        (("ingest", "missing.csv"), 3, "missing.csv"),
        (("ingest", "missing.csv", "--profile", "unheard"), 2, "unheard"),
        (("verify", "0123456789abcdef"), 2, "0123456789abcdef"),
        (("serve", "--host", "0.0.0.0"), 2, "0.0.0.0"),
    ],
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_cannot_be_done_is_a_sentence_and_an_exit_code(
    home: Path, words: tuple[str, ...], code: int, sentence: str, language: str
) -> None:
    done = labqa(home, *words, language=language)
    assert done.returncode == code, done.stderr
    assert sentence in done.stderr and "Traceback" not in done.stderr


def test_a_home_that_holds_nothing_is_not_said_to_be_whole(tmp_path: Path) -> None:
    listed = labqa(tmp_path / "mistyped", "runs")
    assert (listed.returncode, listed.stdout) == (0, "") and "No evaluation is kept" in listed.stderr
    verified = labqa(tmp_path / "mistyped", "verify")
    assert verified.returncode == 0 and "nothing was verified" in verified.stdout
    assert "is what was written" not in verified.stdout
