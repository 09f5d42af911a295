"""Corrections at the command line: each gets its receipt or its sentence, and nothing is corrected by half."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from labqa.service import intake, queries
from labqa.service.receipts import Receipt
from labqa.service.viewer import LOCAL_ANALYST
from labqa.service.wiring import Platform, open_platform
from tests import parcels

HEADERS = ["批次", "样品编号", "产品代码", "项目代码", "实验室代码", "角色", "复检来源", "结果", "单位", "检测日期", "检测批号"]
HEADERS += ["报告判定", "standard uncertainty", "修订号", "年度"]
DELIVERED = [
    ["2018-1", "S1", "P1", "PB", "A", "初检", "", "12.5", "mg/kg", "2018-03-10", "b1", "合格", "0.5", "", ""],
    ["2018-1", "S1", "P1", "CD", "A", "初检", "", "1.5", "mg/kg", "2018-03-10", "", "", "", "", ""],
    ["", "S1", "", "PB", "B", "复检", "计划", "12.1", "mg/kg", "2018-04-10", "", "", "", "", ""],
    ["2018-1", "S2", "P1", "PB", "A", "初检", "", "7.5", "mg/kg", "2018-03-10", "", "", "", "", ""],
    ["2019-1", "S3", "P1", "PB", "A", "初检", "", "7.5", "mg/kg", "2019-03-10", "", "", "", "", ""],
]
PB, CD, RETEST = (dict(zip(HEADERS, row, strict=True)) for row in DELIVERED[:3])
KEY = ("样品编号", "项目代码", "实验室代码", "角色")


def write(path: Path, *rows: dict[str, str]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [name for name in HEADERS if any(name in row for row in rows)], restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def saying(of: dict[str, str], **what: str) -> dict[str, str]:
    """A row that names a result and says nothing of it but `what`."""
    return {name: of[name] for name in KEY} | what


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    opened = open_platform(tmp_path / "home")
    texts = {"labs": "lab\nA\nB\nC\n", "items": "item,scale,unit\nPB,ratio,mg/kg\nCD,ratio,mg/kg\n"}
    texts["products"] = "product,family\nP1,01\nP2,02\n"
    for kind, text in texts.items():
        (tmp_path / f"{kind}.csv").write_text(text)
        intake.register(opened, kind, tmp_path / f"{kind}.csv", programme="national")
    delivered = write(tmp_path / "d.csv", *(dict(zip(HEADERS, row, strict=True)) for row in DELIVERED))
    assert intake.ingest(opened, delivered, profile="template").refused == 0
    return opened


def corrected(platform: Platform, path: Path, *rows: dict[str, str], **options: str) -> Receipt:
    return intake.correct(platform, write(path, *rows), reason="copied wrong", profile="template", **options)


def holding(platform: Platform) -> pl.DataFrame:
    rows = platform.table("national", "results").sort("revision")
    return rows.unique(["sample", "item", "lab", "role", "replicate"], keep="last").sort("sample", "item", "role")


def refused(platform: Platform) -> list[tuple[str, str]]:
    return queries.refusals(platform, viewer=LOCAL_ANALYST).sort("row", "column").select("column", "rule").rows()


def test_a_product_is_corrected_at_one_row_and_every_result_of_the_sample_follows(platform: Platform, tmp_path: Path) -> None:
    receipt = corrected(platform, tmp_path / "c.csv", saying(PB, 产品代码="P2"))
    assert (receipt.delivered, receipt.accepted, receipt.refused, receipt.followed) == (1, 1, 0, 2)
    now = holding(platform)
    assert now.filter(sample="S1").select("product", "revision").rows() == [("P2", 1)] * 3
    assert now.filter(pl.col("sample") != "S1").select("product", "revision").rows() == [("P1", 0)] * 2
    assert now.filter(sample="S1")["row"].to_list() == [2, 2, 2]  # the row that says it
    late = write(tmp_path / "late.csv", PB | {"项目代码": "CD", "实验室代码": "C", "产品代码": "P2"})
    assert intake.ingest(platform, late, profile="template").accepted == 1  # what is known is what holds now
    early = write(tmp_path / "early.csv", PB | {"实验室代码": "C"})
    assert intake.ingest(platform, early, profile="template").refused == 1
    assert refused(platform)[0][1] == "ingest.sample_contradicts"


def test_a_sample_moves_into_another_round_with_all_its_results(platform: Platform, tmp_path: Path) -> None:
    assert corrected(platform, tmp_path / "c.csv", saying(CD, 批次="2019-1")).followed == 2
    moved = holding(platform).filter(sample="S1").select("round", "period").unique().rows()
    assert moved == [("2019-1", 2019)]
    again = write(tmp_path / "again.csv", PB | {"批次": "2019-1"})
    assert intake.ingest(platform, again, profile="template").refused == 1  # its key is taken, whatever the round
    assert refused(platform)[0][1] == "ingest.already_delivered"


def test_a_round_has_one_year_after_a_correction_too(platform: Platform, tmp_path: Path) -> None:
    assert corrected(platform, tmp_path / "c.csv", saying(PB, 年度="2017")).accepted == 0
    assert refused(platform) == [("年度", "ingest.round_corrected_in_part")]
    two = dict(zip(HEADERS, DELIVERED[3], strict=True))
    receipt = corrected(platform, tmp_path / "c2.csv", saying(PB, 年度="2017"), saying(two, 年度="2017"))
    assert (receipt.accepted, receipt.followed) == (2, 2)
    assert set(holding(platform).select("round", "period").rows()) == {("2018-1", 2017), ("2019-1", 2019)}


def test_a_day_of_test_is_corrected_and_the_batch_stays(platform: Platform, tmp_path: Path) -> None:
    rows = [saying(row, 检测日期="2018-03-12") for row in (PB, CD)]
    assert corrected(platform, tmp_path / "c.csv", *rows).accepted == 2
    now = holding(platform).filter(sample="S1", role="original").select("item", "run", "value", "u").rows()
    assert now == [("CD", "2018-03-12", 1.5, None), ("PB", "b1", 12.5, 0.5)]


BELOW, ABOVE = {"结果": "13.5", "单位": "mg/kg"}, {"报告判定": "不合格", "standard uncertainty": "/"}


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([saying(PB, **BELOW)], ["correction_leaves_open"] * 2),
        ([saying(PB, 结果="13.5")], ["missing_unit"]),
        ([saying(PB, 单位="mg/kg")], ["correction_needs_result"]),
        ([saying(PB, 修订号="0", 检测批号="b2")], ["revision_taken"]),
        ([saying(PB)], ["correction_changes_nothing"]),
        ([PB], ["correction_changes_nothing"]),
        ([saying(PB | {"样品编号": "S9"}, 检测批号="b2")], ["correction_without_result"]),
        ([saying(PB, 检测日期="2018-05-01")], ["original_after_retest"]),
        ([saying(RETEST, 检测日期="2018-01-01")], ["retest_before_original"]),
        ([saying(RETEST, 产品代码="P2")], ["correction_of_retest_sample"]),
        ([saying(PB, 产品代码="P2"), saying(CD, 产品代码="P1")], ["sample_contradicts"] * 2),
        ([saying(PB, 检测批号="b2"), saying(PB, 检测批号="b3")], ["duplicate_key"] * 2),
        ([saying(PB, 产品代码="P9")], ["unknown_product"]),
    ],
)
def test_what_is_no_correction_gets_its_sentence(
    platform: Platform, tmp_path: Path, rows: list[dict[str, str]], told: list[str]
) -> None:
    before = holding(platform)
    receipt = corrected(platform, tmp_path / "c.csv", *rows)
    assert (receipt.accepted, receipt.refused, receipt.followed) == (0, len(rows), 0)
    assert [rule for _, rule in refused(platform)] == [f"ingest.{rule}" for rule in told]
    assert holding(platform).equals(before)


def test_a_new_value_is_accepted_with_what_holds_of_it(platform: Platform, tmp_path: Path) -> None:
    assert corrected(platform, tmp_path / "c.csv", saying(PB, **BELOW, **ABOVE)).accepted == 1
    now = holding(platform).filter(sample="S1", item="PB", role="original")
    assert now.select("value", "u", "reported_verdict").rows() == [(13.5, None, "nonconforming")]
    other = saying(PB, **BELOW | {"结果": "13.50"})  # written otherwise, the same result: its verdict holds
    assert corrected(platform, tmp_path / "c2.csv", other).accepted == 1
    assert holding(platform).filter(sample="S1", item="PB", role="original")["reported_verdict"].to_list() == ["nonconforming"]


def test_the_wrong_laboratory_is_taken_back_and_the_right_one_delivered(platform: Platform, tmp_path: Path) -> None:
    assert corrected(platform, tmp_path / "c.csv", saying(PB, 结果="/")).accepted == 1
    right = write(tmp_path / "right.csv", PB | {"实验室代码": "C"})
    assert intake.ingest(platform, right, profile="template").accepted == 1
    by_first = write(tmp_path / "by_first.csv", RETEST | {"实验室代码": "A"})
    assert intake.ingest(platform, by_first, profile="template").accepted == 1  # A no longer tested the original
    assert corrected(platform, tmp_path / "c2.csv", saying(PB, 结果="12.5", 单位="mg/kg")).refused == 1
    assert refused(platform) == [("实验室代码", "ingest.retest_same_lab")]


def test_corrections_of_corrections_of_the_original_and_its_retest_together(platform: Platform, tmp_path: Path) -> None:
    both = (saying(PB, 检测日期="2018-05-01"), saying(RETEST, 检测日期="2018-05-20"))
    assert corrected(platform, tmp_path / "c.csv", *both).accepted == 2
    assert corrected(platform, tmp_path / "c2.csv", saying(RETEST, 检测日期="2018-05-21")).accepted == 1
    assert corrected(platform, tmp_path / "c2.csv", saying(RETEST, 检测日期="2018-05-21")).already
    assert holding(platform).filter(role="retest").select("revision", "run").rows() == [(2, "2018-05-21")]
    elsewhere = corrected(platform, tmp_path / "c3.csv", saying(PB, 检测批号="b3"), programme="another")
    assert (elsewhere.accepted, elsewhere.refused) == (0, 1)


def labqa(home: Path, *words: str, language: str = "en") -> tuple[int, str]:
    environment = {**os.environ, "LABQA_HOME": str(home), "LABQA_LANG": language}
    done = subprocess.run(
        [sys.executable, "-m", "labqa.cli", *words], env=environment, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(("language", "sentences"), [("zh", ["随之更正", "撤回"]), ("en", ["follow", "taken back"])])
def test_it_is_told_in_both_languages(platform: Platform, tmp_path: Path, language: str, sentences: list[str]) -> None:
    rows = saying(PB, 产品代码="P2"), saying(PB | {"样品编号": "S9"}, 产品代码="P2")
    code, told = labqa(platform.home, "correct", str(write(tmp_path / "c.csv", *rows)), "--reason", "x", language=language)
    assert code == 9 and all(sentence in told for sentence in sentences), told


def test_a_home_corrected_is_evaluated_as_one_delivered_right(tmp_path: Path) -> None:
    """Values of a tenth of the rows, batches of another, and the samplers of a fifth of the samples wrong; then corrected."""
    sent = parcels.made(tmp_path / "sent", files=2, samples=60)
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    for kind in parcels.REGISTERS:
        for home in (right, wrong):
            assert labqa(home, "register", kind, str(sent.registers / f"{kind}.csv"))[0] == 0
    fixes: list[dict[str, str]] = []
    for file in sent.files:
        with file.open(newline="", encoding="utf-8") as opened:
            rows = list(csv.DictReader(opened))
        (tmp_path / "bad").mkdir(exist_ok=True)
        bad = [dict(row) for row in rows]
        samples = sorted({row["样品编号"] for row in rows})[::5]
        for place, (row, made) in enumerate(zip(rows, bad, strict=True)):
            if row["角色"] == "初检" and row["样品编号"] in samples:
                made["抽样单位"] = "nobody"
            if place % 10 == 3 and "." in row["结果"] and row["结果"].replace(".", "").isdecimal():
                made["结果"] = str(float(row["结果"]) * 3)
            if place % 10 == 5:
                made["检测批号"] = "lot"
            if made != row and row["结果"] != "about seven":
                fixes.append(row)
        with (tmp_path / "bad" / file.name).open("w", newline="", encoding="utf-8") as opened:
            writer = csv.DictWriter(opened, list(rows[0]))
            writer.writeheader()
            writer.writerows(bad)
        assert labqa(right, "ingest", str(file))[0] == parcels.IN_PART
        assert labqa(wrong, "ingest", str(tmp_path / "bad" / file.name))[0] == parcels.IN_PART
    first = labqa(wrong, "evaluate")[1].split()[1]
    with (tmp_path / "fix.csv").open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, list(fixes[0]))
        writer.writeheader()
        writer.writerows(row | {"修订号": ""} for row in fixes)
    code, told = labqa(wrong, "correct", str(tmp_path / "fix.csv"), "--reason", "copied wrong")
    assert code == 0, told
    made = labqa(wrong, "evaluate")[1]
    assert f"since run {first}" in made or first in made
    pair = [platform.run(run) for platform, run in ((open_platform(right), labqa(right, "evaluate")[1].split()[1]),
                                                  (open_platform(wrong), made.split()[1]))]  # fmt: skip
    for name in ("samples", "blocks", "yardsticks", "lab_bias", "lab_precision", "indicators", "ratings", "summary"):
        one, other = (without_ids(run.table(name)) for run in pair)
        assert one.height and one.columns == other.columns
        for column in one.columns:
            assert same(one[column], other[column]), (name, column)
    code, told = labqa(wrong, "verify", first)
    assert code == 0 and first in told, told
    shutil.rmtree(tmp_path / "bad")


def without_ids(table: pl.DataFrame) -> pl.DataFrame:
    """A table in an order of its own, without columns that name results by ids, which hold the revision."""
    kept = table.drop([name for name, kind in table.schema.items() if kind == pl.List(pl.String)])
    return kept.sort([name for name, kind in kept.schema.items() if not kind.is_float()])


def same(one: pl.Series, other: pl.Series) -> bool:
    if one.dtype.is_float():
        return bool((one.is_null() == other.is_null()).all() and ((one - other).abs() <= 1e-9 * (1 + one.abs())).all())
    return one.equals(other)
