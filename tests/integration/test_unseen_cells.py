"""Workbooks that show something else than they hold: nothing hidden is taken in, and nothing is passed over without a word."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from test_refused_deliveries import HEADERS, ORIGINAL, home, row, run

from labqa.core.wording.catalogue import LANGUAGES, Message
from labqa.service import queries
from labqa.service.viewer import LOCAL_ANALYST
from labqa.service.wiring import open_platform

__all__ = ["home"]
ROWS = [row(ORIGINAL, sample=f"S{number}") for number in range(1, 6)]
SAMPLE, VALUE, UNIT, VERDICT, DAY = (HEADERS.index(name) for name in ("sample", "value", "unit", "product", "test date"))
Change = Callable[[Any, Any], object]


def fill(page: Any, rows: list[list[str]] = ROWS, header: list[str] = HEADERS) -> None:
    for place, texts in enumerate([header, *rows]):
        for column, text in enumerate(texts):
            if text:
                page.write_string(place, column, text)


def workbook(path: Path, change: Change) -> Path:
    """Five rows in the sheet 结果, changed; formulas have their values."""
    with xlsxwriter.Workbook(str(path)) as book:
        page = book.add_worksheet("结果")
        fill(page)
        change(book, page)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(b' fullCalcOnLoad="1"', b"")
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    path.write_bytes(held.getvalue())
    return path


def number(column: int, value: float, code: str) -> Change:
    return lambda book, page: page.write_number(2, column, value, book.add_format({"num_format": code}))


def merge(column: int, text: str) -> Change:
    def change(_: Any, page: Any) -> None:
        for place in (2, 3):
            page.write_blank(place, column, None)
        page.merge_range(1, column, 3, column, text)

    return change


def hide_rows(_: Any, page: Any) -> None:
    page.autofilter(0, 0, len(ROWS), len(HEADERS) - 1)
    for place in (2, 4):
        page.set_row(place, None, None, {"hidden": True})


def errors(_: Any, page: Any) -> None:
    page.write_formula(1, VALUE, "=1/0", None, "#DIV/0!")
    page.write_formula(2, VALUE, "=NA()", None, "#N/A")
    page.write_formula(3, VERDICT, "=NA()", None, "#N/A")


ROWS_REFUSED: dict[str, tuple[Change, dict[int, tuple[str, str, str]]]] = {
    "hidden rows": (hide_rows, {3: ("row_hidden", "sample", "S2"), 5: ("row_hidden", "sample", "S4")}),
    "a row without height": (
        lambda _, page: page.set_row(2, 0),
        {3: ("row_hidden", "sample", "S2")},
    ),
    "merged samples": (merge(SAMPLE, "S1"), dict.fromkeys((3, 4), ("cell_merged", "sample", "B2:B4"))),
    "a merged cell that may stay empty": (merge(VERDICT, "01"), dict.fromkeys((3, 4), ("cell_merged", "product", "C2:C4"))),
    "errors": (
        errors,
        {
            2: ("cell_error", "value", "#DIV/0!"),
            3: ("cell_error", "value", "#N/A"),
            4: ("cell_error", "product", "#N/A"),
        },
    ),
    "a sign that only the format shows": (number(VALUE, 0.5, '"<"0.00'), {3: ("cell_format", "value", '"<"0.00')}),
    "thousandths": (number(VALUE, 12_500, "0.0,"), {3: ("cell_format", "value", "12500")}),
    "a unit that only the format shows": (number(VALUE, 12.5, '0.0" g/kg"'), {3: ("cell_format", "value", "g/kg")}),
    "a long number as id": (number(SAMPLE, 123456789012345678, "0"), {3: ("id_shortened", "sample", "12345678901234")}),
    "a date as id": (
        lambda book, page: page.write_datetime(2, SAMPLE, datetime(2018, 4, 5), book.add_format({"num_format": "m-d"})),
        {3: ("id_dated", "sample", "2018-04-05")},
    ),
    "a duration as result": (number(VALUE, 1.5, "[h]:mm:ss"), {3: ("date_for_number", "value", "1900-01-01 12:00:00")}),
    "a time of day as day": (number(DAY, 0.5, "h:mm"), {3: ("impossible_date", "test date", "12:00:00")}),
    "a word in a column of days": (
        lambda _, page: page.write_string(2, DAY, "三月五日"),
        {3: ("impossible_date", "test date", "三月五日")},
    ),
    "a truth value": (lambda _, page: page.write_boolean(2, VALUE, True), {3: ("not_a_number", "value", "true")}),
}


@pytest.mark.parametrize("kind", ROWS_REFUSED)
def test_rows_that_show_something_else(home: Path, tmp_path: Path, kind: str) -> None:
    own = shutil.copytree(home, tmp_path / "home")
    change, expected = ROWS_REFUSED[kind]
    assert run(own, "ingest", str(workbook(tmp_path / "d.xlsx", change))) == 9
    refused = queries.refusals(open_platform(own), viewer=LOCAL_ANALYST).rows(named=True)
    assert {one["row"]: (one["rule"], one["column"]) for one in refused} == {
        place: (f"ingest.{rule}", column) for place, (rule, column, _) in expected.items()
    }
    for one in refused:
        for language in LANGUAGES:
            sentence = Message.from_json(one["message"]).text(language)
            assert all(said in sentence for said in ("d.xlsx", str(one["row"]), one["column"], expected[one["row"]][2]))
            assert "None" not in sentence and sentence.isprintable()
        assert json.loads(one["delivered"])["sample"] or kind == "merged samples"


def test_hidden_rows_are_seen_in_the_workbook_of_refused_rows_and_sent_again(home: Path, tmp_path: Path) -> None:
    own = shutil.copytree(home, tmp_path / "home")
    assert run(own, "ingest", str(workbook(tmp_path / "d.xlsx", hide_rows))) == 9
    assert run(own, "refusals", "d.xlsx", "--out", str(tmp_path / "mend.xlsx")) == 0
    assert run(own, "ingest", str(tmp_path / "mend.xlsx")) == 0


def test_formats_that_only_round_or_align_and_empty_hidden_columns_do_no_harm(home: Path, tmp_path: Path) -> None:
    def change(book: Any, page: Any) -> None:
        for place, code in enumerate(("0.00_ ", "#,##0.00", "0.0E+00", "0.00;[Red]-0.00"), start=1):
            page.write_number(place, VALUE, 12.5, book.add_format({"num_format": code}))
        page.set_column(VERDICT, VERDICT, None, None, {"hidden": True})  # nothing stands in it
        page.write_string(0, 40, "remark")
        page.write_string(1, 40, "x")
        page.set_column(40, 40, None, None, {"hidden": True})  # nothing reads it

    own = shutil.copytree(home, tmp_path / "home")
    assert run(own, "ingest", str(workbook(tmp_path / "d.xlsx", change))) == 0


def hidden_sheet(book: Any, page: Any) -> None:
    book.add_worksheet("封面").activate()
    book.get_worksheet_by_name("封面").set_first_sheet()
    page.hide()


def hidden_register(book: Any, _: Any) -> None:
    register = book.add_worksheet("实验室 Labs")
    fill(register, [["A"], ["C"]], ["lab"])
    register.hide()


WHOLE: dict[str, tuple[Change, str]] = {
    "a hidden sheet": (hidden_sheet, "sheet “结果”, which would be read, is hidden"),
    "a sheet that only code can show": (lambda book, page: (hidden_sheet(book, page), page.very_hidden()), "is hidden"),
    "a hidden register": (hidden_register, "sheet “实验室 Labs”"),
    "a hidden column": (
        lambda _, page: page.set_column(UNIT, UNIT, None, None, {"hidden": True}),
        "column “unit”, which would be read, is hidden",
    ),
    "a column without width": (lambda _, page: page.set_column(UNIT, UNIT, 0), "column “unit”"),
    "results on two sheets": (lambda book, _: fill(book.add_worksheet("二")), "“结果”, “二”"),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", WHOLE)
def test_workbooks_that_are_refused(
    home: Path, tmp_path: Path, kind: str, language: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABQA_LANG", language)
    change, sentence = WHOLE[kind]
    assert run(home, "ingest", str(workbook(tmp_path / "d.xlsx", change))) == 3
    told = capsys.readouterr().err
    assert told.startswith("d.xlsx") and (sentence in told or language == "zh")


def test_sheets_that_are_not_read_are_told(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def change(book: Any, _: Any) -> None:
        fill(book.add_worksheet("二"), [row(ORIGINAL, sample="S9")[:-4]], HEADERS[:-4])  # without results
        book.add_worksheet("empty")

    own = shutil.copytree(home, tmp_path / "home")
    assert run(own, "ingest", str(workbook(tmp_path / "d.xlsx", change))) == 0
    assert "二!A1:H2" in capsys.readouterr().out
