"""Files that are not what their names say, and files that cannot be written: each gets a sentence that is true."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import polars as pl
import pytest
from hostile import packed, parts, rows_xml

from tests.commands import run
from tests.spreadsheets import workbook

HEADERS = ["round", "sample", "item", "lab", "role", "value", "unit", "test date"]
GOOD = ["2018-1", "S1", "PB", "A", "original", "12.5", "mg/kg", "2018-03-10"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for kind, text in {"labs": "lab\nA\n", "items": "item,scale,unit\nPB,ratio,mg/kg\n"}.items():
        (tmp_path / f"{kind}.csv").write_text(text)
        assert run(tmp_path / "home", "register", kind, str(tmp_path / f"{kind}.csv")) == 0
    return tmp_path / "home"


@pytest.fixture(params=["en", "zh"])
def language(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("LABQA_LANG", request.param)
    return str(request.param)


def text(path: Path, *rows: list[str]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def test_a_workbook_named_csv(home: Path, tmp_path: Path, language: str, capsys: pytest.CaptureFixture[str]) -> None:
    workbook(tmp_path / "d.xlsx", {"结果": [HEADERS, GOOD]}).rename(tmp_path / "d.csv")
    assert run(home, "ingest", str(tmp_path / "d.csv")) == 3
    told = capsys.readouterr().err
    assert "d.csv" in told and ".xlsx" in told and {"en": "workbook", "zh": "工作簿"}[language] in told


@pytest.mark.parametrize("name", ["d.xlsx", "d.xls", "d.parquet"])
def test_text_named_as_a_workbook(
    home: Path, tmp_path: Path, name: str, language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(home, "ingest", str(text(tmp_path / name, HEADERS, GOOD))) == 3
    told = capsys.readouterr().err
    assert name in told and ".csv" in told and "zip" not in told


MISNAMED = {
    "a parquet file named csv": ("d.csv", lambda: parquet_bytes(), ".parquet"),
    "a parquet file named xlsx": ("d.xlsx", lambda: parquet_bytes(), ".parquet"),
    "a workbook named parquet": ("d.parquet", lambda: packed(parts(rows_xml([HEADERS, GOOD]))), ".xlsx"),
    "an archive": ("d.zip", lambda: packed({"d.csv": b"a,b"}), "archive"),
    "an archive named xlsx": ("d.xlsx", lambda: packed({"d.csv": b"a,b"}), "archive"),
    "an archive named csv": ("d.csv", lambda: packed({"d.csv": b"a,b"}), "archive"),
    "gzip": ("d.csv.gz", lambda: gzip.compress(b"a,b"), "archive"),
    "an old workbook named parquet": ("d.parquet", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ".xls"),
    "a web page named csv": ("d.csv", lambda: "\ufeff\n<html><table><tr><td>样品".encode(), "web page"),
    "JSON named csv": ("d.csv", lambda: b'[{"sample": "S1"}]', "JSON"),
    "the mark of an open workbook": ("~$d.xlsx", lambda: b"\4user" + b" " * 160, "without ~$"),
}


@pytest.mark.parametrize("kind", MISNAMED)
def test_what_a_file_is_whatever_its_name(
    home: Path, tmp_path: Path, kind: str, language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name, made, said = MISNAMED[kind]
    (tmp_path / name).write_bytes(made())
    assert run(home, "ingest", str(tmp_path / name)) == 3
    told = capsys.readouterr().err
    assert told.startswith(name) and (said in told or language == "zh") and len(told.splitlines()) == 1


def parquet_bytes() -> bytes:
    held = io.BytesIO()
    pl.DataFrame([GOOD], schema=HEADERS, orient="row").write_parquet(held)
    return held.getvalue()


def test_a_register_that_is_wrong_does_not_keep_the_next_file_out(
    home: Path, tmp_path: Path, language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = workbook(tmp_path / "bad.xlsx", {"结果": [HEADERS, GOOD], "实验室": [["lab"], ["A"], ["A"]]})
    good = text(tmp_path / "good.csv", HEADERS, GOOD)
    assert run(home, "ingest", str(bad), str(good)) == 4
    told = capsys.readouterr()
    assert "bad.xlsx" in told.err and "good.csv" in told.out


def test_a_workbook_is_not_written_under_another_name(
    home: Path, tmp_path: Path, language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(home, "template", str(tmp_path / "t.csv")) == 2
    assert run(home, "ingest", str(text(tmp_path / "d.csv", HEADERS, [*GOOD[:5], "x", *GOOD[6:]]))) == 9
    capsys.readouterr()
    assert run(home, "refusals", "d.csv", "--out", str(tmp_path / "x.csv")) == 2
    assert "x.csv" in capsys.readouterr().err
    assert not (tmp_path / "t.csv").exists() and not (tmp_path / "x.csv").exists()


@pytest.mark.parametrize("what", ["template", "refusals", "backup"])
def test_a_folder_that_is_not_there_is_not_put_down_to_space(
    home: Path, tmp_path: Path, language: str, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(home, "ingest", str(text(tmp_path / "d.csv", HEADERS, [*GOOD[:5], "x", *GOOD[6:]]))) == 9
    capsys.readouterr()
    target = str(tmp_path / "nowhere" / "file.xlsx")
    words = {"template": [target], "refusals": ["d.csv", "--out", target], "backup": [target]}[what]
    assert run(home, what, *words) == 6
    told = capsys.readouterr().err
    assert told.count("nowhere") == 1
    assert {"en": "there is no such file or folder", "zh": "没有这个文件或文件夹"}[language] in told
    assert not any(word in told for word in ("accepted", "space", "Errno", "接收", "空间"))


@pytest.mark.parametrize(
    ("rows", "row"), [(['"2018-1,S1', "2018-1,S2"], 2), (["2018-1,S1", '2018-1,"S2', "2018-1,S3"], 3), (['2018-1,"S1\n\n'], 2)]
)
def test_a_quotation_mark_that_is_never_closed(
    home: Path, tmp_path: Path, language: str, rows: list[str], row: int, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "d.csv").write_text("\n".join([",".join(HEADERS), *rows]) + "\n")
    assert run(home, "ingest", str(tmp_path / "d.csv")) == 3
    told = capsys.readouterr().err
    assert "?" not in told and {"en": f"row {row}:", "zh": f"第 {row} 行"}[language] in told
    assert {"en": "quotation mark", "zh": "引号"}[language] in told


def test_a_listed_refusal_says_each_thing_once(
    home: Path, tmp_path: Path, language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = text(tmp_path / "d.csv", HEADERS, [*GOOD[:5], "twelve", *GOOD[6:]], [*GOOD[:2], "QQ", *GOOD[3:]], GOOD, GOOD)
    assert run(home, "ingest", str(wrong)) == 9
    capsys.readouterr()
    assert run(home, "refusals") == 0
    lines = capsys.readouterr().out.splitlines()
    expected = [("twelve", "value", "not_a_number"), ("QQ", "item", "unknown_item")]
    for line, (value, column, rule) in zip(lines[:2], expected, strict=True):
        assert [line.count(said) for said in ("d.csv", value, rule)] == [1, 1, 1] and column in line
    assert all("sample" in line and "S1" in line and "duplicate_key" in line for line in lines[2:])


def test_a_second_sheet_of_results_is_not_passed_over(
    home: Path, tmp_path: Path, language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    both = workbook(
        tmp_path / "d.xlsx",
        {"说明": [["x"], ["y"]]} | {name: [HEADERS, [GOOD[0], name, *GOOD[2:]]] for name in ("一月", "二月")},
    )
    assert run(home, "ingest", str(both)) == 3
    told = capsys.readouterr().err
    assert "一月" in told and "二月" in told and "说明" not in told


def test_columns_of_a_register_that_are_not_read_are_told(
    home: Path, tmp_path: Path, language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(home, "register", "labs", str(text(tmp_path / "more.csv", ["lab", "title", "name_en"], ["C", "甲", "One"]))) == 0
    told = capsys.readouterr().out
    assert "title" in told and "name_en" not in told


def test_a_programme_without_laboratories_is_told_what_to_do_first(
    home: Path, tmp_path: Path, language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    delivered = text(tmp_path / "d.csv", HEADERS, GOOD)
    assert run(home, "ingest", str(delivered), "--programme", "nation") == 9
    assert "labqa register labs" in capsys.readouterr().err
    assert run(home, "ingest", str(text(tmp_path / "e.csv", HEADERS, [*GOOD[:3], "Z", *GOOD[4:]]))) == 9
    assert "labqa register labs" not in capsys.readouterr().err


def test_a_header_of_two_lines_is_told_in_one(
    home: Path, tmp_path: Path, language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The template's headers have two lines, Chinese above English."""
    headers = [
        "批次\nround",
        "样品编号\nsample",
        "项目代码\nitem",
        "实验室代码\nlab",
        "角色\nrole",
        "结果\nvalue",
        "单位\nunit",
    ]
    rows = [[*GOOD[:5], "x", GOOD[6], "fine"], [*GOOD[:2], "QQ", *GOOD[3:7], ""]]
    assert run(home, "ingest", str(workbook(tmp_path / "d.xlsx", {"结果": [[*headers, "备注\nremark"], *rows]}))) == 9
    told = capsys.readouterr()
    assert "“结果 value”" in told.err and "备注 remark" in told.out
    assert all(line.startswith("d.xlsx") for line in told.err.splitlines()[:-1])
    assert run(home, "refusals", "d.xlsx") == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_where_nothing_was_refused_it_is_said(
    home: Path, tmp_path: Path, language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(home, "ingest", str(text(tmp_path / "d.csv", HEADERS, GOOD))) == 0
    capsys.readouterr()
    assert run(home, "refusals") == 0
    assert {"en": "No row", "zh": "没有"}[language] in capsys.readouterr().out


def test_a_register_of_text_has_no_sheet_to_be_named(
    home: Path, tmp_path: Path, language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(home, "register", "labs", str(text(tmp_path / "bad.csv", ["title"], ["C"]))) == 4
    assert capsys.readouterr().err.startswith({"en": "bad.csv: ", "zh": "bad.csv：登记表"}[language])
