"""The two real data sets, counted independently with the csv module."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from pathlib import Path

import polars as pl
import pytest

from labqa.core import shipped, tables
from labqa.ingest import profiles
from labqa.ingest.deliver import Delivery, read_delivery
from labqa.ingest.registers import Registers

USGS = shipped.folder() / "usgs" / "usgs_inl_original_retest_sitesA.csv"
RMSTUDY = shipped.folder() / "rmstudy" / "lgc_rmstudy_metals.csv"


def read(name: str, path: Path) -> Delivery:
    return read_delivery(path, profiles.load(name), Registers(), programme=name, known=tables.empty(tables.Results))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def usgs() -> Delivery:
    return read("usgs", USGS)


@pytest.fixture(scope="module")
def usgs_rows() -> list[dict[str, str]]:
    return rows_of(USGS)


def test_every_usgs_row_is_accepted(usgs: Delivery, usgs_rows: list[dict[str, str]]) -> None:
    assert len(usgs_rows) == 28_216
    assert usgs.n_delivered == usgs.results.height == 28_216
    assert usgs.refusals.is_empty()
    tables.Results.validate(usgs.results)
    for name, register in usgs.registers.items():
        tables.FACT_TABLES[name].validate(register)


def test_usgs_samples_roles_and_laboratories(usgs: Delivery, usgs_rows: list[dict[str, str]]) -> None:
    assert usgs.results["sample"].n_unique() == len({row["pair_id"] for row in usgs_rows}) == 13_717
    counted = Counter(row["role"] for row in usgs_rows)
    found = Counter(usgs.results.select("role", "replicate").rows())
    assert found == {
        ("original", 1): counted["original"],
        ("retest", 1): counted["retest1"],
        ("retest", 2): counted["retest2"],
        ("retest", 3): counted["retest3"],
    }
    assert counted["retest2"] == 776
    assert usgs.results["lab"].null_count() == sum(row["lab"] == "" for row in usgs_rows)
    assert usgs.registers["labs"].height == len({row["lab"] for row in usgs_rows} - {""}) == 22
    assert usgs.registers["items"].height == len({row["pcode"] for row in usgs_rows}) == 143


def test_usgs_values_are_those_of_the_file(usgs: Delivery, usgs_rows: list[dict[str, str]]) -> None:
    by_row = {row["row"]: row for row in usgs.results.iter_rows(named=True)}
    for number, said in enumerate(usgs_rows, start=2):
        result, censored = by_row[number], said["qualifier"] in {"<", "R", "U"}
        value = float(said["value"])
        assert (result["sample"], result["item"], result["lab"]) == (said["pair_id"], said["pcode"], said["lab"] or None)
        assert result["qualifier"] == ("below" if censored else "quantified")
        assert result["value"] == (None if censored else value)
        assert result["upper"] == value
        assert result["u"] == (float(said["lab_sd"]) if said["lab_sd"] else None)
        assert (result["run"] or "") == said["analysis_date"]


def test_usgs_first_pairs_by_censoring(usgs: Delivery, usgs_rows: list[dict[str, str]]) -> None:
    censored: dict[str, dict[str, bool]] = defaultdict(dict)
    for row in usgs_rows:
        censored[row["pair_id"]][row["role"]] = row["qualifier"] in {"<", "R", "U"}
    counted = Counter(roles["original"] + roles["retest1"] for roles in censored.values())
    assert counted == {0: 6_830, 2: 6_738, 1: 149}
    first = usgs.results.filter(pl.col("replicate") == 1)
    both = first.group_by("sample").agg((pl.col("qualifier") == "below").sum().alias("below"))
    assert Counter(both["below"].to_list()) == counted


def test_a_usgs_sample_has_the_year_of_its_original(usgs: Delivery, usgs_rows: list[dict[str, str]]) -> None:
    drawn = {row["pair_id"]: row["sample_time"][:4] for row in usgs_rows if row["role"] == "original"}
    found = usgs.results.select("sample", "round", "period").unique()
    assert found.height == len(drawn)
    assert all(round_ == str(period) == drawn[sample] for sample, round_, period in found.iter_rows())


def test_negative_counting_results_are_kept(usgs: Delivery, usgs_rows: list[dict[str, str]]) -> None:
    assert usgs.results.filter(pl.col("value") < 0).height == sum(float(row["value"]) < 0 for row in usgs_rows) == 748


def test_rmstudy_is_one_undated_round_of_many_laboratories() -> None:
    found, rows = read("rmstudy", RMSTUDY), rows_of(RMSTUDY)
    assert found.results.height == found.n_delivered == len(rows) == 1_088
    assert found.refusals.is_empty()
    assert found.results.select("sample", "role", "round", "period").unique().rows() == [("RM", "pt", None, None)]
    assert Counter(found.results.select("lab", "item").rows()) == Counter((row["lab"], row["analyte"]) for row in rows)
    delivered = {(row["lab"], row["analyte"], int(row["replicate"])): float(row["value"]) for row in rows}
    columns = ["lab", "item", "replicate", "value"]
    read_as = {(lab, item, replicate): value for lab, item, replicate, value in found.results.select(columns).iter_rows()}
    assert read_as == delivered
    zeros = found.results.filter(pl.col("value") == 0)
    assert zeros.select("lab", "item").unique().rows() == [("Lab23", "Nickel")]
    assert zeros["qualifier"].unique().to_list() == ["quantified"]
