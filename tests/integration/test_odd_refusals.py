"""Whatever was delivered, its refusal can be listed on a terminal, shown on a page and written into a workbook."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import fastexcel
import polars as pl
import pytest
from test_refused_deliveries import HEADERS, ORIGINAL, home, row, run

from dashboards.words import Words
from labqa.core.errors import UsageError
from labqa.core.wording.catalogue import LANGUAGES
from labqa.ingest import mending
from labqa.service import queries
from labqa.service.viewer import LOCAL_ANALYST
from labqa.service.wiring import open_platform

__all__ = ["home"]
VALUES = [
    "12\0",
    "\x1b[2J\x07",
    "\x9b31m",
    "\ufffe12",
    "\u202e21",
    "a\r\nb\tc",
    "x" * 40_000,
    "=1+1",
    "_x0041_",
    "{row}",
    "🙂\u200d",
]


@pytest.fixture
def refused(home: Path, tmp_path: Path) -> Path:
    """A home in which every value was refused."""
    own = shutil.copytree(home, tmp_path / "home")
    rows = [row(ORIGINAL, sample=f"S{place}", value=text) for place, text in enumerate(VALUES)]
    pl.DataFrame(rows, schema=HEADERS, orient="row").write_parquet(tmp_path / "d.parquet")
    assert run(own, "ingest", str(tmp_path / "d.parquet")) == 9
    return own


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_listed_refusal_acts_on_no_terminal_and_floods_none(
    refused: Path, language: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABQA_LANG", language)
    capsys.readouterr()
    assert run(refused, "refusals") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(VALUES)
    assert all(line.isprintable() and len(line) < 500 for line in lines)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_value_on_a_page_is_quoted_as_in_sentences(refused: Path, language: str) -> None:
    found = queries.refusals(open_platform(refused), viewer=LOCAL_ANALYST)
    shown = [Words(language).quoted(text) for text in found["value"]]
    assert all(text.isprintable() and len(text) < 120 for text in shown)
    assert Words(language).quoted(None) == "—"


def test_the_workbook_of_refused_rows_is_sound_and_comes_back(refused: Path, tmp_path: Path) -> None:
    out = tmp_path / "mend.xlsx"
    assert run(refused, "refusals", "d.parquet", "--out", str(out)) == 0
    with zipfile.ZipFile(out) as archive:
        for name in archive.namelist():
            ElementTree.fromstring(archive.read(name))
    rows = fastexcel.read_excel(out).load_sheet(0, dtypes="string").to_polars()
    assert rows["sample"].to_list() == [f"S{place}" for place in range(len(VALUES))]
    assert rows["value"][1] == VALUES[1] and rows["value"][8] == VALUES[8]
    assert run(refused, "ingest", str(out)) == 9
    last = queries.refusals(open_platform(refused), viewer=LOCAL_ANALYST).filter(file_name="mend.xlsx")
    assert last["row"].n_unique() == len(VALUES)


def test_more_rows_than_a_sheet_holds_are_not_cut_off(refused: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mending, "MOST_ROWS", len(VALUES) - 1)  # a million refused rows would take minutes
    found = queries.refusals(open_platform(refused), viewer=LOCAL_ANALYST)
    with pytest.raises(UsageError) as caught:
        mending.write_refused(tmp_path / "mend.xlsx", found, command="labqa")
    assert caught.value.message.key == "ingest.mending_too_many"
    assert not (tmp_path / "mend.xlsx").exists()
