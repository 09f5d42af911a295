"""The template: what it is filled with is accepted in full, in every format and with its registers."""

from __future__ import annotations

from pathlib import Path

import fastexcel
import polars as pl
import pytest

from labqa.core import tables
from labqa.ingest import profiles
from labqa.ingest.deliver import Delivery, read_delivery
from labqa.ingest.registers import Registers, read_register
from labqa.ingest.template import write_template


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("template") / "模板.xlsx"
    write_template(made)
    return made


@pytest.fixture(scope="module")
def read(path: Path) -> Delivery:
    return _deliver(path, Registers())


def _deliver(path: Path, registers: Registers) -> Delivery:
    known = tables.empty(tables.Results)
    return read_delivery(path, profiles.load("template"), registers, programme="national", known=known)


def test_its_example_is_accepted_in_full(read: Delivery) -> None:
    assert read.refusals.is_empty()
    assert read.results.height == read.n_delivered > 15
    assert read.unread_columns == ()
    tables.Results.validate(read.results)


def test_its_example_shows_what_people_ask_about(read: Delivery) -> None:
    assert set(read.results["role"]) == {"original", "retest", "referee", "pt", "assigned"}
    assert set(read.results["trigger"].drop_nulls()) == {"planned", "objection", "expert"}
    meant = dict(read.results.filter(~pl.col("role").is_in(["pt"])).select("raw", "value").rows())
    assert (meant["4-5"], meant["合格"], meant["0.0081"], meant["1,240.0"]) == (4.5, 1.0, 81.0, 1.24)
    assert read.results.filter(raw="未检出").row(0, named=True)["upper"] == 20.0
    assert read.results["period"].unique().to_list() == [2018]


def test_its_registers_are_read_from_their_sheets(read: Delivery, path: Path) -> None:
    assert set(read.registers) == {"labs", "capabilities", "items", "products", "class_in_force"}
    for name, register in read.registers.items():
        assert register.height > 1
        tables.FACT_TABLES[name].validate(register)
    for kind in ("labs", "items", "products", "class"):
        for name, register in read_register(kind, path).items():
            assert register.equals(read.registers[name])


def test_its_guide_explains_every_column(path: Path) -> None:
    book = fastexcel.read_excel(path)
    assert book.sheet_names == ["说明 Guide", "结果 Results", "实验室 Labs", "项目 Items", "产品 Products", "现行分类 Class"]
    guide = book.load_sheet("说明 Guide", header_row=None, dtypes="string").to_polars()
    explained = set(guide.to_series(0))
    for sheet in book.sheet_names[1:]:
        headers = book.load_sheet(sheet, header_row=None, dtypes="string", n_rows=1).to_polars().row(0)
        assert {header.split("\n")[0] for header in headers} <= explained
        assert all(len(header.split("\n")) == 2 for header in headers)
    meanings = guide.filter(pl.nth(0).is_in([name[0] for name in profiles.load("template").columns.values()]))
    assert meanings.select(pl.nth(3, 4).is_null().sum()).row(0) == (0, 0)


def test_its_results_sheet_alone_reads_as_csv_and_parquet(read: Delivery, path: Path, tmp_path: Path) -> None:
    sheet = fastexcel.read_excel(path).load_sheet("结果 Results", dtypes="string").to_polars()
    sheet.write_parquet(tmp_path / "a.parquet")
    (tmp_path / "a.csv").write_bytes(sheet.write_csv().encode("gb18030"))
    registers = Registers(**read.registers)
    for name in ("a.parquet", "a.csv"):
        again = _deliver(tmp_path / name, registers)
        assert again.refusals.is_empty()
        assert again.results.drop("file").equals(read.results.drop("file"))
