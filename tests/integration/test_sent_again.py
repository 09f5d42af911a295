"""What was refused is mended in as many turns as it takes, or judged again once what it lacked is registered."""

from __future__ import annotations

import csv
import re
import shlex
import threading
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from labqa.core.errors import UsageError
from labqa.service import deliveries, intake, queries
from labqa.service.viewer import LOCAL_ANALYST
from labqa.service.wiring import Platform, now, open_platform
from labqa.store.chain import Kind
from tests.commands import run
from tests.spreadsheets import mended, sheets

HEADERS = ["round", "sample", "item", "lab", "role", "trigger", "value", "unit", "test date"]
GOOD = ["2018-1", "S1", "PB", "A", "original", "", "12.5", "mg/kg", "2018-03-10"]
ROOT = Path(__file__).parents[2]
REGISTERS = {"labs": "lab\nA\nB\n", "items": "item,scale,unit\nPB,ratio,mg/kg\n"}


def row(**changes: str) -> list[str]:
    return list(
        (dict(zip(HEADERS, GOOD, strict=True)) | {name.replace("_", " "): text for name, text in changes.items()}).values()
    )


def write(path: Path, *rows: list[str], header: list[str] = HEADERS) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def register(home: Path, folder: Path, programme: str = "national", **registers: str) -> None:
    for kind, text in (registers or REGISTERS).items():
        (folder / f"{kind}.csv").write_text(text)
        assert run(home, "register", kind, str(folder / f"{kind}.csv"), "--programme", programme) == 0


def columns(path: Path) -> list[str]:
    return next(iter(sheets(path).values())).columns


def values(home: Path, programme: str = "national") -> dict[str, float]:
    results = open_platform(home).table(programme, "results").sort("revision")
    return dict(results.select("sample", "value").rows())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    register(tmp_path / "home", tmp_path)
    return tmp_path / "home"


@pytest.fixture
def platform(home: Path) -> Platform:
    return open_platform(home)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_half_is_mended_then_the_rest(
    home: Path, tmp_path: Path, language: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABQA_LANG", language)
    delivered = write(tmp_path / "d.csv", GOOD, row(sample="S2", value="1,234"), row(sample="S3", unit="furlong"))
    assert run(home, "ingest", str(delivered)) == 9
    first, second = tmp_path / "first.xlsx", tmp_path / "second.xlsx"
    assert run(home, "refusals", "d.csv", "--out", str(first)) == 0
    mended(first, {"S2": {"value": "1234"}})
    assert run(home, "ingest", str(first)) == 9
    assert run(home, "refusals", "first.xlsx", "--out", str(second)) == 0
    found = columns(second)
    assert sorted(set(found)) == sorted(found)
    assert [name for name in found if not name.startswith("LabQA")] == HEADERS
    assert sum(name.startswith("LabQA 原因") for name in found) == sum(name.startswith("LabQA reason") for name in found) == 1
    mended(second, {"S3": {"unit": "mg/kg"}})
    capsys.readouterr()
    assert run(home, "ingest", str(second)) == 0
    assert values(home) == {"S1": 12.5, "S2": 1234.0, "S3": 12.5}
    entries = open_platform(home).ledger.entries([Kind.DELIVERY])
    assert [entry.payload.get("mends") for entry in entries] == [None, entries[0].position, entries[1].position]
    assert str(entries[1].position) in capsys.readouterr().out
    assert run(home, "refusals", "d.csv") == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert all(word in last for word in ("d.csv", "first.xlsx")) and "second.xlsx" not in last


def test_a_number_is_a_position_first_and_a_file_name_else(platform: Platform, tmp_path: Path) -> None:
    wrong = [write(tmp_path / name, row(sample=name, value="x")) for name in ("a.csv", "b.csv", "c.csv")]
    positions = [intake.ingest(platform, path, profile="template").position for path in wrong]
    note = {"programme": "national", "raw": "a" * 64, "file_name": str(positions[0])}
    platform.ledger.append(Kind.DELIVERY, note, now())
    assert deliveries.delivery_named(platform, str(positions[0])).payload["file_name"] == "a.csv"
    assert deliveries.delivery_named(platform, "elsewhere/b.csv").position == positions[1]


def test_a_delivery_is_looked_for_in_its_programme(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    register(home, tmp_path, programme="other")
    (tmp_path / "there").mkdir()
    here, there = (write(folder / "d.csv", row(value=text)) for folder, text in ((tmp_path, "x"), (tmp_path / "there", "y")))
    assert run(home, "ingest", str(here)) == 9
    assert run(home, "ingest", str(there), "--programme", "other") == 9
    capsys.readouterr()
    assert run(home, "refusals", "d.csv", "--programme", "national") == 0
    assert "“x”" in capsys.readouterr().out
    assert run(home, "refusals", "d.csv", "--programme", "national", "--out", str(tmp_path / "x.xlsx")) == 0
    assert sheets(tmp_path / "x.xlsx")["结果 Results"]["value"].to_list() == ["x"]
    assert run(home, "refusals", "d.csv", "--programme", "nowhere") == 2
    again = write(tmp_path / "mended.csv", GOOD)
    assert run(home, "ingest", str(again), "--mends", "d.csv") == 0
    entry = open_platform(home).ledger.entries([Kind.DELIVERY])[-1]
    assert entry.payload["mends"] == 5  # not 6, which is the last of that name


def test_rows_refused_before_the_registers_came_are_judged_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "home"
    delivered = write(tmp_path / "d.csv", GOOD, row(sample="S2"), row(sample="S3", value="x"))
    assert run(home, "ingest", str(delivered)) == 9
    register(home, tmp_path)
    capsys.readouterr()
    assert run(home, "ingest", str(delivered)) == 9
    told = capsys.readouterr()
    assert "3 rows" in told.out and "2 accepted, 1 refused" in told.out and "labqa refusals 4 --out" in told.err
    assert values(home) == {"S1": 12.5, "S2": 12.5}
    platform = open_platform(home)
    refusals = queries.refusals(platform, viewer=LOCAL_ANALYST)
    assert refusals.select("row", "rule").rows() == [(4, "ingest.not_a_number")]
    assert queries.refused_rows(platform, viewer=LOCAL_ANALYST, programme="national") == 1


def test_only_the_refused_rows_are_judged_again_and_accepted_ones_count_once(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    delivered = write(tmp_path / "d.csv", GOOD, row(sample="S2", lab="C"), row(sample="S3", lab="D"))
    for registered, accepted in (("", {"S1"}), ("C", {"S1", "S2"}), ("D", {"S1", "S2", "S3"})):
        if registered:
            register(home, tmp_path, labs=f"lab\n{registered}\n")
        assert run(home, "ingest", str(delivered)) == (0 if registered == "D" else 9)
        assert set(values(home)) == accepted
        assert open_platform(home).table("national", "results").height == len(accepted)
    assert deliveries.delivery_named(open_platform(home), "3").payload["again"] == 5  # as it was judged last
    entries = open_platform(home).ledger.head().entries
    capsys.readouterr()
    assert run(home, "ingest", str(delivered)) == 0
    assert "already received" in capsys.readouterr().out
    assert open_platform(home).ledger.head().entries == entries
    assert open_platform(home, as_found=True).ledger.verify() == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_sent_again_to_no_avail_it_is_told_what_to_do(
    home: Path, tmp_path: Path, language: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABQA_LANG", language)
    delivered = write(tmp_path / "d.csv", GOOD, row(sample="S2", value="x"))
    assert run(home, "ingest", str(delivered)) == 9
    head = open_platform(home).ledger.head()
    capsys.readouterr()
    assert run(home, "ingest", str(delivered)) == 9
    told = capsys.readouterr()
    assert {"en": "already received", "zh": "已接收"}[language] in told.out
    assert "“x”" in told.err and "labqa refusals 3 --out" in told.err
    assert open_platform(home).ledger.head() == head


def test_many_that_judge_again_at_once_accept_once(home: Path, tmp_path: Path) -> None:
    delivered = write(tmp_path / "d.csv", GOOD, row(sample="S2", lab="C"))
    intake.ingest(open_platform(home), delivered, profile="template")
    register(home, tmp_path, labs="lab\nC\n")
    receipts = []

    def send() -> None:
        receipts.append(intake.ingest(open_platform(home), delivered, profile="template"))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(receipt.already for receipt in receipts) == [False, True, True, True]
    assert open_platform(home).table("national", "results").height == 2


def advised(text: str) -> list[str]:
    """The words of the command that a text advises."""
    found = re.search(r"(labqa (?:ingest|correct) .*?)(?:$|。|\.? (?:Columns|以 LabQA))", text, re.MULTILINE)
    assert found, text
    return shlex.split(found[1])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_command_that_is_advised_is_the_one_that_takes_the_mended_file(
    home: Path, tmp_path: Path, language: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a delivery through a profile to a programme, and of a correction; in the workbook and on the screen."""
    monkeypatch.setenv("LABQA_LANG", language)
    register(home, tmp_path, programme="other")
    profile = tmp_path / "my profile.toml"
    profile.write_text((ROOT / "labqa/ingest/profiles_shipped/template.toml").read_text("utf-8"), "utf-8")
    delivered = write(tmp_path / "d.csv", row(value="x"))
    assert run(home, "ingest", str(delivered), "--profile", str(profile), "--programme", "other") == 9
    out = tmp_path / "to mend.xlsx"
    capsys.readouterr()
    assert run(home, "refusals", "d.csv", "--out", str(out)) == 0
    expected = ["labqa", "ingest", str(out), "--profile", str(profile), "--programme", "other"]
    expected += ["--home", str(home)]
    assert advised(capsys.readouterr().out) == expected
    guide = " ".join(sheets(out)["LabQA"].to_series(0).drop_nulls())
    assert shlex.join(["labqa", "ingest", "to mend.xlsx", *expected[3:]]) in guide
    mended(out, {"S1": {"value": "12.5"}})
    assert run(home, *expected[1:-2]) == 0

    out = tmp_path / "to correct.xlsx"
    change = write(tmp_path / "c.csv", row(value="1,234"))
    assert run(home, "ingest", str(write(tmp_path / "here.csv", GOOD))) == 0
    assert run(home, "correct", str(change), "--reason", "slip of the pen") == 9
    capsys.readouterr()
    assert run(home, "refusals", "c.csv", "--out", str(out)) == 0
    again = ["labqa", "correct", str(out), "--reason", "slip of the pen", "--home", str(home)]
    assert advised(capsys.readouterr().out) == again
    mended(out, {"S1": {"value": "1234"}})
    assert run(home, "correct", str(out), "--reason", "slip of the pen") == 0
    assert values(home) == {"S1": 1234.0}


def test_a_result_delivered_twice_is_told_how_it_is_corrected(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(home, "ingest", str(write(tmp_path / "d.csv", GOOD))) == 0
    assert run(home, "ingest", str(write(tmp_path / "e.csv", row(value="13")))) == 9
    assert "labqa correct" in capsys.readouterr().err


def test_a_delivery_that_is_not_of_the_programme(platform: Platform) -> None:
    with pytest.raises(UsageError) as caught:
        deliveries.delivery_named(platform, "d.csv", programme="national")
    assert "national" in caught.value.message.text("en") and "national" in caught.value.message.text("zh")


def test_a_row_to_be_mended_is_as_tall_as_its_reasons(home: Path, tmp_path: Path) -> None:
    """No program fits rows to what was written for it, and a reason that is cut off helps nobody."""
    long = "绍兴市" * 40
    assert (
        run(home, "ingest", str(write(tmp_path / "d.csv", row(sample="S2", value="1,234"), row(sample="S3", item=long)))) == 9
    )
    out = tmp_path / "refused.xlsx"
    assert run(home, "refusals", "d.csv", "--out", str(out)) == 0
    with zipfile.ZipFile(out) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    heights = [float(height) for height in re.findall(r'<row r="[23]"[^>]* ht="([0-9.]+)"', sheet)]
    assert len(heights) == 2 and heights[0] > 50 and heights[1] > 100 and max(heights) < 409.5
    assert 'topLeftCell="B2"' in sheet and "fitToPage" in sheet


def test_a_file_judged_again_brings_no_old_register_back(home: Path, tmp_path: Path) -> None:
    delivered = tmp_path / "d.xlsx"
    with xlsxwriter.Workbook(str(delivered)) as book:
        for name, cells in {
            "结果": [HEADERS, GOOD, row(sample="S2", lab="C")],
            "实验室": [["lab", "name_en"], ["A", "Old"]],
        }.items():
            page = book.add_worksheet(name)
            for place, line in enumerate(cells):
                page.write_row(place, 0, line)
    assert run(home, "ingest", str(delivered)) == 9
    register(home, tmp_path, labs="lab,name_en\nA,New\nC,Third\n")
    assert run(home, "ingest", str(delivered)) == 0
    labs = open_platform(home).table("national", "labs")
    assert dict(labs.select("lab", "name_en").rows())["A"] == "New" and set(values(home)) == {"S1", "S2"}


PROFILE = """
name = "ours"
required = ["sample", "item", "lab", "role", "value"]
period = "undated"
[columns]
sample = ["sample"]
item = ["item"]
lab = ["lab"]
role = ["role"]
value = ["value"]
[declared]
unit = "mg/kg"
"""


def test_a_file_sent_again_through_a_profile_that_says_otherwise_is_told_so(tmp_path, capsys):
    home, profile = tmp_path / "home", tmp_path / "ours.toml"
    register(home, tmp_path)
    file = write(tmp_path / "a.csv", row())
    profile.write_text(PROFILE)
    sent = ("ingest", str(file), "--profile", str(profile))
    assert run(home, *sent) == 0
    profile.write_text("# nothing new\n" + PROFILE)
    assert run(home, *sent) == 0
    assert "labqa correct" not in capsys.readouterr().out
    profile.write_text(PROFILE + '[words.value]\n"12.5" = "1.25"\n')
    assert run(home, *sent) == 0
    assert "labqa correct" in capsys.readouterr().out
    (kept,) = open_platform(home).table("national", "results")["value"]
    assert kept == 12.5
