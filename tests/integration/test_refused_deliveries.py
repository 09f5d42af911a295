"""What an operator may throw at `labqa ingest`: each gets its sentence, in both languages, and its exit code."""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter
from hostile import packed, parts, rows_xml, two_sheets

from tests.commands import run
from tests.headers import HEADERS
from tests.spreadsheets import workbook

NOBODY = 65534
AS_AN_ORDINARY_USER = f"""
import os, sys
from labqa.cli import main
words, sys.argv = sys.argv, ["labqa", "ingest", "nowhere.csv", "--home", sys.argv.pop()]
try:
    main()  # loads what the command needs: the interpreter may lie where nobody else can read
except SystemExit:
    pass
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid({NOBODY})
    os.setuid({NOBODY})
sys.argv = words
main()
"""
ORIGINAL = ["2018-1", "S1", "", "2018-03-01", "PB", "A", "original", "", "12.5", "mg/kg", "1", "2018-03-10"]
RETEST = ["2018-1", "S1", "", "", "PB", "B", "retest", "planned", "13.0", "mg/kg", "1", "2018-04-10"]


def row(of: list[str], **changes: str) -> list[str]:
    """A row with cells changed, by header with `_` for a space."""
    said = dict(zip(HEADERS, of, strict=True)) | {name.replace("_", " "): text for name, text in changes.items()}
    return list(said.values())


def write(path: Path, *rows: list[str], header: list[str] = HEADERS) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two laboratories and an item, to be copied."""
    place = tmp_path_factory.mktemp("registered")
    (place / "labs.csv").write_text("lab\nA\nB\n")
    (place / "items.csv").write_text("item,scale,unit\nPB,ratio,mg/kg\nPH,interval,1\n")
    for kind in ("labs", "items"):
        assert run(place / "home", "register", kind, str(place / f"{kind}.csv")) == 0
    return place / "home"


def long_workbook(path: Path, rows: int) -> Path:
    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        page = book.add_worksheet("结果")
        page.write_row(0, 0, HEADERS)
        for number in range(rows):
            page.write_row(number + 1, 0, row(ORIGINAL, sample=f"S{number}"))
    return path


def raw(name: str, content: bytes) -> Callable[[Path], Path]:
    def made(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return made


def rows(*said: list[str], header: list[str] = HEADERS) -> Callable[[Path], Path]:
    return lambda folder: write(folder / "d.csv", *said, header=header)


def parquet_bytes(frame: pl.DataFrame) -> bytes:
    held = io.BytesIO()
    frame.write_parquet(held)
    return held.getvalue()


def parquet(height: int = 1, **said: object) -> Callable[[Path], Path]:
    """A parquet file of the original with columns changed or added."""
    frame = pl.DataFrame([dict(zip(HEADERS, ORIGINAL, strict=True))])
    changed = frame.with_columns(pl.Series(name, [value]) for name, value in said.items())
    return raw("d.parquet", parquet_bytes(changed.head(height)))


def merged(*ranges: str) -> dict[str, bytes]:
    said = parts(rows_xml(TABLE))
    told = "".join(f'<mergeCell ref="{one}"/>' for one in ranges)
    sheet = "xl/worksheets/sheet1.xml"
    return said | {sheet: said[sheet].replace(b"</sheetData>", f"</sheetData><mergeCells>{told}</mergeCells>".encode())}


LATIN = ",".join(HEADERS) + "\n" + ",".join(row(ORIGINAL, unit="µg/kg")) + "\n"
SWALLOWED = "\n".join(",".join(row(ORIGINAL, sample=text)) for text in ('"S1', "S2", 'S3"', "S4"))
SWALLOWED = ",".join(HEADERS) + "\n" + SWALLOWED + "\n"
TABLE = [HEADERS, ORIGINAL]
CORNER = rows_xml(TABLE) + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
FORMULA = rows_xml(TABLE) + '<row r="3"><c r="A3"><f>A2</f></c></row>'
WHOLE = {
    "empty file": (raw("d.csv", b""), "row below the header"),
    "only a header": (rows(), "row below the header"),
    "wrong encoding": (raw("d.csv", LATIN.encode("cp1252")), "--encoding"),
    "missing column": (rows(ORIGINAL[:-4], header=HEADERS[:-4]), "结果 / value"),
    "duplicate headers": (rows([*ORIGINAL, "1"], header=[*HEADERS, "value"]), "“value”"),
    "two headers of one meaning": (rows([*ORIGINAL, "1"], header=[*HEADERS, "结果"]), "value, 结果"),
    "too many fields in a row": (rows(ORIGINAL, [*ORIGINAL, "1"]), "row 3: 13 fields"),
    "a quotation mark that never ends": (raw("d.csv", LATIN.replace("12.5", '"12.5').encode()), "quotation mark"),
    "a quotation mark within a value": (
        raw("d.csv", LATIN.replace("µ", "m").replace("12.5", '12"5').encode()),
        "row 2: a quot",
    ),
    "a quotation mark that takes in whole rows": (raw("d.csv", SWALLOWED.encode()), "row 2: a quotation mark"),
    "a line that ends too early": (
        raw("d.csv", (LATIN.replace("µ", "m") + "2018-1,S2,,2018-03").encode()),
        "line 3: the file ends",
    ),
    "a character that ends too early": (raw("d.csv", f"{LATIN}2018-1,样品".encode()[:-1]), "line 3: the file ends"),
    "NUL": (raw("d.csv", LATIN.replace("12.5", "12\0").encode()), "line 2: a control character, \\u0000"),
    "an escape sequence": (raw("d.csv", LATIN.replace("12.5", "\x1b[2J").encode()), "line 2: a control character, \\u001b"),
    "full-width commas": (raw("d.csv", LATIN.replace(",", "，").encode()), "a single column"),
    "80 MB bomb": (raw("d.xlsx", packed(parts(rows_xml(TABLE) + " " * 80_000_000))), "unpacks to 80 MB"),
    "corner cell": (raw("d.xlsx", packed(parts(CORNER))), "XFD1048576"),
    "truncated xlsx": (raw("d.xlsx", packed(parts(rows_xml(TABLE)))[:-300]), "cannot be opened"),
    "old xls": (raw("d.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "old .xls"),
    "macros": (raw("d.xlsx", packed(parts(rows_xml(TABLE)) | {"xl/vbaProject.bin": b"x"})), "macros"),
    "external entity": (raw("d.xlsx", packed(parts(rows_xml(TABLE), prolog='<!DOCTYPE a SYSTEM "http://x">'))), "entities"),
    "formula never computed": (raw("d.xlsx", packed(parts(FORMULA))), "cell A3"),
    "truncated parquet": (raw("d.parquet", b"PAR1 cut off"), "cut off"),
    "lists in parquet": (parquet(value=[1.0]), "column “value”: found type List"),
    "a struct in parquet": (parquet(value={"a": 1}), "column “value”: found type Struct"),
    "bytes in parquet": (parquet(sample=b"S1"), "column “sample”: found type Binary"),
    "a duration in parquet": (parquet(value=timedelta(hours=3)), "column “value”: found type Duration"),
    "parquet without rows": (parquet(height=0), "row below the header"),
    "parquet without columns": (raw("d.parquet", parquet_bytes(pl.DataFrame())), "row below the header"),
    "a column twice in different case": (parquet(Value="1"), "columns value, Value mean the same"),
    "a column without a name": (parquet(**{" ": "x"}), "column 13 holds values but has no header"),
    "more columns than a table has": (parquet(**{f"c{n}": "" for n in range(2_000)}), "2012 columns"),
    "two sheets of one name": (raw("d.xlsx", packed(two_sheets(rows_xml(TABLE), "结果"))), "结果: worksheets/sheet2.xml"),
    "merged cells the wrong way round": (raw("d.xlsx", packed(merged("C5:A2"))), "mergeCell C5:A2"),
    "cells merged a thousand times over": (raw("d.xlsx", packed(merged(*["A1:L1048576"] * 1_000))), "mergeCells"),
    "a directory": (lambda folder: folder, "is a folder"),
    "no such file": (lambda folder: folder / "nowhere.csv", "nowhere.csv"),
    "unknown kind": (raw("d.pdf", b"%PDF"), "“.pdf”"),
}
BY_ROW = {
    "duplicate rows": ((ORIGINAL, ORIGINAL), {2: "duplicate_key", 3: "duplicate_key"}, "rows 2, 3"),
    "retest without original": ((row(RETEST, sample="S9"),), {2: "retest_without_original"}, "Deliver the original"),
    "retest of another sample": (
        (ORIGINAL, row(RETEST, sample="S2")),
        {3: "retest_without_original"},
        "of this sample and item",
    ),
    "retest by the same laboratory": ((ORIGINAL, row(RETEST, lab="A")), {3: "retest_same_lab"}, "laboratory “A”"),
    "retest before its original": (
        (ORIGINAL, row(RETEST, test_date="2018-03-09")),
        {3: "retest_before_original"},
        "2018-03-09",
    ),
    "unknown unit": ((row(ORIGINAL, unit="furlong"),), {2: "unknown_unit"}, "“furlong”"),
    "impossible date": ((row(ORIGINAL, drawn_on="2018-02-30"),), {2: "impossible_date"}, "“2018-02-30”"),
    "NaN": ((row(ORIGINAL, value="NaN"),), {2: "not_a_number"}, "“NaN”"),
    "inf": ((row(ORIGINAL, value="inf"),), {2: "not_a_number"}, "“inf”"),
    "1e400": ((row(ORIGINAL, value="1e400"),), {2: "out_of_range"}, "“1e400”"),
    "the header again": ((ORIGINAL, HEADERS), {3: "header_again"}, "the header again"),
    "tested before it was drawn": (
        (row(ORIGINAL, drawn_on="2018-03-11"),),
        {2: "tested_before_drawn"},
        "tested on 2018-03-10, before the sample was drawn (2018-03-11)",
    ),
    "an id made a formula": ((row(ORIGINAL, sample='="S1"'),), {2: "id_marked"}, '“="S1"”'),
    "an id of width 0": ((row(ORIGINAL, sample="S\u200b1"),), {2: "id_unseen"}, "“S\\u200b1”"),
    "an id in scientific notation": ((row(ORIGINAL, sample="1.23E+15"),), {2: "id_shortened"}, "“1.23E+15”"),
    "a date as result": ((row(ORIGINAL, value="2018-04-05"),), {2: "date_for_number"}, "“2018-04-05”"),
    "a long text": ((row(ORIGINAL, value="x" * 9_999),), {2: "not_a_number"}, "x… (9999 characters)"),
    "an ambiguous comma": ((row(ORIGINAL, value="1,234"),), {2: "mark_ambiguous"}, "“1,234”"),
}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", WHOLE)
def test_a_file_that_is_refused_as_a_whole(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, kind: str, language: str
) -> None:
    monkeypatch.setenv("LABQA_LANG", language)
    made, sentence = WHOLE[kind]
    delivered = made(tmp_path)
    facts = sorted((home / "facts").iterdir())
    assert run(home, "ingest", str(delivered)) == 3
    told = capsys.readouterr().err
    assert delivered.name in told and "Traceback" not in told and told.strip().replace("\n", "").isprintable()
    assert sentence in told or language == "zh"
    assert sorted((home / "facts").iterdir()) == facts


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", BY_ROW)
def test_rows_that_are_refused(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, kind: str, language: str
) -> None:
    monkeypatch.setenv("LABQA_LANG", language)
    own = shutil.copytree(home, tmp_path / "home")
    said, rules, sentence = BY_ROW[kind]
    assert run(own, "ingest", str(write(tmp_path / "d.csv", *said))) == 9
    told = capsys.readouterr()
    assert f"{len(said) - len(rules)} accepted, {len(rules)} refused" in told.out or language == "zh"
    assert sentence in told.err or language == "zh"
    assert run(own, "refusals") == 0
    listed = capsys.readouterr().out.splitlines()
    assert len(listed) == len(rules)
    for (number, rule), line in zip(rules.items(), listed, strict=True):
        assert "d.csv" in line and str(number) in line and rule in line


def test_a_column_too_many_is_told(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = shutil.copytree(home, tmp_path / "home")
    delivered = write(tmp_path / "d.csv", [*ORIGINAL, "fine"], header=[*HEADERS, "remark"])
    assert run(own, "ingest", str(delivered)) == 0
    assert "remark" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("line ends of old", lambda text: text.replace("\n", "\r")),
        (
            "line ends of old around others",
            lambda text: text.replace("\n", "\r").replace("S2", '"S2"').replace(",1,", ',"\n",'),
        ),
        ("line ends of Windows", lambda text: text.replace("\n", "\r\n")),
        ("bars between the values", lambda text: text.replace(",", "|")),
        ("no end of the last line", lambda text: text.rstrip("\n")),
    ],
)
def test_forms_of_text_that_are_read(home: Path, tmp_path: Path, name: str, change: Callable[[str], str]) -> None:
    own = shutil.copytree(home, tmp_path / "home")
    text = write(tmp_path / "d.csv", ORIGINAL, row(ORIGINAL, sample="S2")).read_text("utf-8")
    (tmp_path / "d.csv").write_bytes(change(text.replace("\r\n", "\n")).encode())
    assert run(own, "ingest", str(tmp_path / "d.csv")) == 0


@pytest.mark.parametrize("header", ["\0row", "a\x07b", "\u202eabc"])
def test_a_header_that_nobody_can_see_is_told_and_acts_on_nothing(
    home: Path, tmp_path: Path, header: str, capsys: pytest.CaptureFixture[str]
) -> None:
    own = shutil.copytree(home, tmp_path / "home")
    with xlsxwriter.Workbook(str(tmp_path / "d.xlsx")) as book:
        page = book.add_worksheet("结果")
        for place, texts in enumerate([[*HEADERS, header], [*ORIGINAL, "fine"]]):
            page.write_row(place, 0, texts)
    assert run(own, "ingest", str(tmp_path / "d.xlsx")) == 0
    assert capsys.readouterr().out.replace("\n", "").isprintable()


def test_a_stale_dimension_loses_no_row(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = shutil.copytree(home, tmp_path / "home")
    said = [HEADERS, *(row(ORIGINAL, sample=f"S{number}") for number in range(10))]
    delivered = raw("d.xlsx", packed(parts(rows_xml(said), dimension="A1:L4")))(tmp_path)
    assert run(own, "ingest", str(delivered)) == 0
    assert "10" in capsys.readouterr().out


def test_seventy_thousand_rows(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = shutil.copytree(home, tmp_path / "home")
    assert run(own, "ingest", str(long_workbook(tmp_path / "d.xlsx", 70_000))) == 0
    assert capsys.readouterr().out.count("70000") == 2


def test_a_broken_file_does_not_keep_the_others_out(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = shutil.copytree(home, tmp_path / "home")
    first, last = write(tmp_path / "1.csv", ORIGINAL), write(tmp_path / "3.csv", row(ORIGINAL, sample="S3"), ORIGINAL)
    (tmp_path / "2.csv").write_bytes(b"")
    sheets = {"结果 Results": [HEADERS, row(ORIGINAL, sample="S4")], "实验室 Labs": [["lab"], ["C"], ["C"]]}
    register = workbook(tmp_path / "4.xlsx", sheets)
    assert run(own, "ingest", str(first), str(tmp_path / "2.csv"), str(register), str(last)) == 3
    told = capsys.readouterr()
    assert "4 files: 3 rows delivered, 2 accepted, 1 refused; 0 files received before, 2 could not be read" in told.out
    assert told.err.count("4.xlsx 实验室 Labs, rows 2, 3,") == 1 and "“C” is there more than once" in told.err
    assert run(own, "ingest", str(register), str(first)) == 4


def test_a_file_that_may_not_be_read(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """As an ordinary user, to whom a file without permission is closed; root drops to one."""
    place = tmp_path_factory.mktemp("closed")
    own = shutil.copytree(home, place / "home")
    delivered = write(place / "d.csv", ORIGINAL)
    delivered.chmod(0)
    for path in [place, own, *own.rglob("*")]:
        os.chown(path, NOBODY, NOBODY) if os.geteuid() == 0 else None
    for parent in list(place.parents)[:-2] if os.geteuid() == 0 else []:
        parent.chmod(parent.stat().st_mode | 0o011)
    command = [sys.executable, "-c", AS_AN_ORDINARY_USER, "ingest", str(delivered), "--home", str(own), str(place / "warm")]
    environment = os.environ | {"LABQA_LANG": "en"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    assert "d.csv" in done.stderr and "no permission" in done.stderr and "Traceback" not in done.stderr
