"""Refused rows go out as a workbook, come back mended and are linked; accepted rows are corrected, with a reason."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import pytest

from labqa.core.errors import AccessDenied, DeliveryError, UsageError
from labqa.service import intake, queries, workbooks
from labqa.service.receipts import Receipt
from labqa.service.viewer import LOCAL_ANALYST, Viewer
from labqa.service.wiring import Platform, open_platform
from labqa.store.chain import Kind
from tests.spreadsheets import mended, sheets

HEADERS = ["批次", "样品编号", "项目代码", "实验室代码", "角色", "复检来源", "结果", "单位", "检测日期", "抽样单位"]
GOOD = ["2018-1", "S1", "PB", "A", "初检", "", "12.5", "mg/kg", "2018-03-10", "=cmd|' /C calc'!A0"]
BAD = [
    ["2018-1", "S2", "PB", "A", "初检", "", "1,5", "mg/kg", "2018-02-30", '=HYPERLINK("http://x")'],
    ["2018-1", "S3", "PH", "A", "初检", "", "-0.50", "mg/L", "2018-03-10", "@SUM(1)"],
    ["春季", "S4", "PB", "A", "初检", "", "007", "mg/kg", "2018-03-10", ""],
]
RETEST = ["2018-1", "S2", "PB", "B", "复检", "计划", "+1.6", "mg/kg", "2018-04-10", ""]


def write(path: Path, *rows: list[str], headers: list[str] = HEADERS) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([headers, *rows])
    return path


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    opened = open_platform(tmp_path / "home")
    for kind, text in {"labs": "lab\nA\nB\n", "items": "item,scale,unit\nPB,ratio,mg/kg\nPH,interval,1\n"}.items():
        (tmp_path / f"{kind}.csv").write_text(text)
        intake.register(opened, kind, tmp_path / f"{kind}.csv", programme="national")
    return opened


def ingested(platform: Platform, path: Path, **options: str) -> Receipt:
    return intake.ingest(platform, path, profile="template", **options)


def test_refused_rows_go_out_come_back_mended_and_are_linked(platform: Platform, tmp_path: Path) -> None:
    first = ingested(platform, write(tmp_path / "d.csv", GOOD, *BAD, RETEST))
    assert (first.accepted, first.refused) == (1, 4)
    out = tmp_path / "refused.xlsx"
    assert workbooks.write_refused(platform, "d.csv", out, viewer=LOCAL_ANALYST).rows == 4
    changes = {"S2": {"结果": "1.5", "检测日期": "2018-03-10"}, "S3": {"单位": ""}, "S4": {"批次": "2018春季"}}
    again = ingested(platform, mended(out, changes, key="样品编号"))
    assert (again.accepted, again.refused, again.mends, again.unread) == (4, 0, first.position, ())
    results = platform.table("national", "results")
    assert dict(results.filter(role="original").select("sample", "value").rows()) == {
        "S1": 12.5,
        "S2": 1.5,
        "S3": -0.5,
        "S4": 7.0,
    }
    entry = platform.ledger.entries([Kind.DELIVERY])[-1]
    assert entry.payload["mends"] == first.position


def test_the_workbook_is_what_was_delivered_with_the_reasons_beside_the_cells(platform: Platform, tmp_path: Path) -> None:
    ingested(platform, write(tmp_path / "d.csv", GOOD, *BAD))
    out = tmp_path / "refused.xlsx"
    workbooks.write_refused(platform, "3", out, viewer=LOCAL_ANALYST)
    frame = next(iter(sheets(out).values()))
    assert frame["LabQA 行号 row"].to_list() == ["3", "4", "5"]
    for header, texts in zip(HEADERS, zip(*BAD, strict=True), strict=True):
        assert frame[header].fill_null("").to_list() == list(texts)
    place = frame.columns.index("结果")
    assert frame.columns[place + 1 : place + 3] == ["LabQA 原因：结果", "LabQA reason: 结果"]
    assert "可作两解" in frame[0, place + 1] and "two ways" in frame[0, place + 2]
    assert frame[1, place + 1] is None
    assert frame["LabQA reason: 单位"].is_not_null().to_list() == [False, True, False]
    assert frame["LabQA reason: 年度"].is_not_null().to_list() == [False, False, True]


def test_no_cell_of_the_workbook_is_a_formula_and_numbers_stay(platform: Platform, tmp_path: Path) -> None:
    ingested(platform, write(tmp_path / "d.csv", *BAD))
    out = tmp_path / "refused.xlsx"
    workbooks.write_refused(platform, "d.csv", out, viewer=LOCAL_ANALYST)
    with zipfile.ZipFile(io.BytesIO(out.read_bytes())) as archive:
        sheet, styles = archive.read("xl/worksheets/sheet1.xml"), archive.read("xl/styles.xml")
        assert b"<f>" not in sheet and b"<hyperlink" not in sheet and b'quotePrefix="1"' in styles
    assert sheets(out)["结果 Results"]["结果"].to_list() == ["1,5", "-0.50", "007"]


def test_sent_again_as_it_is_the_same_rows_are_refused_for_the_same_reasons(platform: Platform, tmp_path: Path) -> None:
    ingested(platform, write(tmp_path / "d.csv", GOOD, *BAD))
    out = tmp_path / "refused.xlsx"
    workbooks.write_refused(platform, "d.csv", out, viewer=LOCAL_ANALYST)
    assert ingested(platform, out).refused == 3
    refusals = queries.refusals(platform, viewer=LOCAL_ANALYST)
    told = [
        sorted(frame.select("column", "value", "rule").rows()) for _, frame in refusals.group_by("file", maintain_order=True)
    ]
    assert told[0] == told[1]


def test_a_workbook_that_may_hold_work_is_not_written_over(platform: Platform, tmp_path: Path) -> None:
    ingested(platform, write(tmp_path / "d.csv", *BAD))
    out = tmp_path / "refused.xlsx"
    out.write_bytes(b"mended for an hour")
    for write_it in (
        lambda: workbooks.write_refused(platform, "d.csv", out, viewer=LOCAL_ANALYST),
        lambda: workbooks.write_template(out),
    ):
        with pytest.raises(UsageError) as caught:
            write_it()
        assert caught.value.message.key == "service.workbook_there" and str(out) in caught.value.message.text("zh")
    assert out.read_bytes() == b"mended for an hour"


def test_a_link_may_be_given_by_hand_and_one_to_nowhere_is_refused(platform: Platform, tmp_path: Path) -> None:
    first = ingested(platform, write(tmp_path / "d.csv", *BAD))
    mended_by_hand = write(tmp_path / "again.csv", GOOD)
    assert ingested(platform, mended_by_hand, mends="d.csv").mends == first.position
    out = tmp_path / "refused.xlsx"
    workbooks.write_refused(platform, "d.csv", out, viewer=LOCAL_ANALYST)
    elsewhere = open_platform(tmp_path / "elsewhere")
    with pytest.raises(DeliveryError) as caught:
        ingested(elsewhere, out)
    assert caught.value.message.key == "service.mends_unknown"
    with pytest.raises(UsageError) as caught:
        ingested(platform, write(tmp_path / "other.csv", GOOD), mends="d.csv", programme="another")
    assert caught.value.message.key == "service.no_such_delivery_of"


def test_a_laboratory_may_not_export_the_rows_of_all(platform: Platform, tmp_path: Path) -> None:
    ingested(platform, write(tmp_path / "d.csv", *BAD))
    with pytest.raises(AccessDenied):
        workbooks.write_refused(platform, "d.csv", tmp_path / "x.xlsx", viewer=Viewer(role="lab_manager", name="A", lab="A"))


@pytest.mark.parametrize("named", ["nowhere.csv", "99", "1"])
def test_a_delivery_that_is_not_there(platform: Platform, tmp_path: Path, named: str) -> None:
    with pytest.raises(UsageError) as caught:
        workbooks.write_refused(platform, named, tmp_path / "refused.xlsx", viewer=LOCAL_ANALYST)
    assert caught.value.message.key == "service.no_such_delivery"


def corrected(platform: Platform, path: Path, reason: str = "decimal point slipped") -> Receipt:
    return intake.correct(platform, path, reason=reason, profile="template")


def test_a_correction_appends_a_revision_with_its_reason_and_replaces_nothing(platform: Platform, tmp_path: Path) -> None:
    ingested(platform, write(tmp_path / "d.csv", GOOD))
    before = platform.table("national", "results")
    change = write(tmp_path / "c.csv", [*GOOD[:6], "1.25", *GOOD[7:]])
    receipt = corrected(platform, change)
    assert (receipt.accepted, receipt.refused) == (1, 0)
    after = platform.table("national", "results")
    assert after.filter(revision=0).equals(before)
    assert after.filter(revision=1)["value"].to_list() == [1.25]
    (entry,) = platform.ledger.entries([Kind.CORRECTION])
    assert entry.payload["reason"] == "decimal point slipped"
    assert corrected(platform, change).already
    third = write(tmp_path / "c2.csv", [*GOOD[:6], "1.26", *GOOD[7:]])
    assert corrected(platform, third).accepted == 1
    assert sorted(platform.table("national", "results")["revision"]) == [0, 1, 2]


def test_a_correction_keeps_what_it_does_not_name(platform: Platform, tmp_path: Path) -> None:
    headers = [*HEADERS, "产品代码", "抽样日期", "检测方法", "报告编号", "检测批号"]
    said = [*GOOD[:9], "somebody", "P1", "2018-03-01", "GB 1", "R-7", "batch 3"]
    (tmp_path / "products.csv").write_text("product,family\nP1,01\n")
    intake.register(platform, "products", tmp_path / "products.csv", programme="national")
    assert ingested(platform, write(tmp_path / "d.csv", said, headers=headers)).accepted == 1
    before = platform.table("national", "results").row(0, named=True)
    assert before["method"] == "GB 1" and before["product"] == "P1" and before["run"] == "batch 3"
    named = [0, 1, 2, 3, 4, 6, 7]
    row = [[*said[:6], "1.25", *said[7:]][k] for k in named]
    assert corrected(platform, write(tmp_path / "c.csv", row, headers=[headers[k] for k in named])).accepted == 1
    after = platform.table("national", "results").filter(revision=1).row(0, named=True)
    changed = {name for name, value in after.items() if value != before[name]}
    of_the_result = {"value", "lower", "upper", "raw", "decimals", "result", "revision", "file"}
    assert after["value"] == 1.25 and changed == of_the_result


def test_a_correction_taken_back_by_its_first_file_holds_again(platform: Platform, tmp_path: Path) -> None:
    ingested(platform, write(tmp_path / "d.csv", GOOD))
    first, second = (write(tmp_path / f"{x}.csv", [*GOOD[:6], x, *GOOD[7:]]) for x in ("1.25", "1.26"))
    for file in (first, second, first):
        assert not corrected(platform, file).already
    results = platform.table("national", "results").sort("revision")
    assert results["value"].to_list() == [12.5, 1.25, 1.26, 1.25]


def test_a_correction_sent_before_its_result_can_be_sent_again(platform: Platform, tmp_path: Path) -> None:
    change = write(tmp_path / "c.csv", [*GOOD[:6], "1.25", *GOOD[7:]])
    assert corrected(platform, change).refused == 1
    ingested(platform, write(tmp_path / "d.csv", GOOD))
    again = corrected(platform, change)
    assert (again.already, again.accepted, again.refused) == (False, 1, 0)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({}, "correction_changes_nothing"),
        ({"样品编号": "S9"}, "correction_without_result"),
        ({"实验室代码": "B"}, "correction_without_result"),
        ({"结果": "x"}, "not_a_number"),
    ],
)
def test_a_correction_that_is_none(platform: Platform, tmp_path: Path, change: dict[str, str], rule: str) -> None:
    ingested(platform, write(tmp_path / "d.csv", GOOD))
    row = list((dict(zip(HEADERS, GOOD, strict=True)) | change).values())
    assert corrected(platform, write(tmp_path / "c.csv", row)).accepted == 0
    refusals = queries.refusals(platform, viewer=LOCAL_ANALYST)
    assert refusals["rule"].to_list() == [f"ingest.{rule}"]


def test_a_retest_is_corrected_too(platform: Platform, tmp_path: Path) -> None:
    original = [*BAD[0][:6], "1.5", "mg/kg", "2018-03-10", ""]
    ingested(platform, write(tmp_path / "d.csv", original, RETEST))
    change = write(tmp_path / "c.csv", ["", *RETEST[1:6], "1.7", *RETEST[7:]])
    assert corrected(platform, change).accepted == 1
    retests = platform.table("national", "results").filter(role="retest").sort("revision")
    assert retests.select("revision", "value", "round").rows() == [(0, 1.6, "2018-1"), (1, 1.7, "2018-1")]


def test_refused_corrections_are_mended_and_linked_too(platform: Platform, tmp_path: Path) -> None:
    ingested(platform, write(tmp_path / "d.csv", GOOD))
    wrong = corrected(platform, write(tmp_path / "c.csv", [*GOOD[:6], "1,25", *GOOD[7:]]))
    assert (wrong.accepted, wrong.refused) == (0, 1)
    out = tmp_path / "refused.xlsx"
    workbooks.write_refused(platform, "c.csv", out, viewer=LOCAL_ANALYST)
    again = corrected(platform, mended(out, {"S1": {"结果": "1.25"}}, key="样品编号"))
    assert (again.accepted, again.mends) == (1, wrong.position)


def test_a_file_delivered_and_sent_as_a_correction_too_is_told_apart(platform: Platform, tmp_path: Path) -> None:
    path = write(tmp_path / "d.csv", *BAD)
    first, second = ingested(platform, path), corrected(platform, path)
    for receipt in (first, second):
        told = queries.refusals(platform, viewer=LOCAL_ANALYST, position=receipt.position)
        assert told["row"].n_unique() == 3 and told.select("row", "column", "rule").is_unique().all()
        out = tmp_path / f"{receipt.position}.xlsx"
        assert workbooks.write_refused(platform, str(receipt.position), out, viewer=LOCAL_ANALYST).rows == 3
    assert first.position != second.position


def test_a_correction_without_a_reason_is_refused(platform: Platform, tmp_path: Path) -> None:
    ingested(platform, write(tmp_path / "d.csv", GOOD))
    with pytest.raises(UsageError) as caught:
        corrected(platform, write(tmp_path / "c.csv", GOOD), reason=" ")
    assert caught.value.message.key == "service.reason_missing"
