"""USGS originals and field replicates: pairs counted from the file itself, without our readers."""

import csv
from collections import Counter, defaultdict

import polars as pl
import pytest
from reference_cases import SHIPPED, case

from labqa.analysis import pairing
from labqa.core import tables as t
from labqa.core.provenance import digest

FILE = SHIPPED / "usgs" / "usgs_inl_original_retest_sitesA.csv"
NON_DETECT = {"<", "R", "U"}


@pytest.fixture(scope="module")
def delivered() -> list[dict[str, str]]:
    with FILE.open(encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


@pytest.fixture(scope="module")
def pairs(delivered: list[dict[str, str]]) -> pl.DataFrame:
    rows = []
    for row in delivered:
        lost = row["qualifier"] in NON_DETECT
        key = (row["pair_id"], row["pcode"], row["lab"], row["role"])
        rows.append(
            {
                "programme": "usgs",
                "result": digest(*key),
                "sample": row["pair_id"],
                "item": row["pcode"],
                "lab": row["lab"] or None,
                "role": "original" if row["role"] == "original" else "retest",
                "replicate": 1 if row["role"] == "original" else int(row["role"].removeprefix("retest")),
                "revision": 0,
                "qualifier": "below" if lost else "quantified",
                "value": None if lost else float(row["value"]),
                "upper": float(row["value"]) if lost else None,
            }
        )
    results = t.shaped(pl.DataFrame(rows, infer_schema_length=None), t.Results)
    return pairing.pairs(results, pairing.samples(results, t.empty(t.Products)))


def test_published_classes_of_first_pairs(pairs: pl.DataFrame) -> None:
    expected = case("usgs_inl_pair_classes")["expected"]
    first = pairs.filter(pl.col("order") == 1)
    quantified = (first["original_qualifier"] == "quantified").cast(int) + (first["retest_qualifier"] == "quantified").cast(int)
    counted = Counter(quantified.to_list())
    assert first.height == expected["pairs"] == 13_717
    assert counted[2] == expected["both_quantified"] == 6_830
    assert counted[0] == expected["both_nondetect"] == 6_738
    assert counted[1] == expected["one_nondetect"] == 149
    gained = first.filter((pl.col("original_qualifier") == "below") & (pl.col("retest_qualifier") == "quantified"))
    assert gained.height == expected["original_nd_retest_detect"]


def test_counted_from_the_file(delivered: list[dict[str, str]], pairs: pl.DataFrame) -> None:
    labs: dict[str, dict[str, str]] = defaultdict(dict)
    for row in delivered:
        labs[row["pair_id"]][row["role"]] = row["lab"]
    different = [one for one in labs.values() if one["original"] and one["retest1"] and one["original"] != one["retest1"]]
    assert len(different) == 44
    assert pairs.filter((pl.col("order") == 1) & (pl.col("kind") == "between")).height == len(different)
    further = Counter(row["role"] for row in delivered)
    assert pairs.filter(pl.col("order") == 2).height == further["retest2"] == 776
    assert pairs.height == sum(n for role, n in further.items() if role != "original")
