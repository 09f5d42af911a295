"""USGS originals and field replicates: pairs counted from the file itself, without our readers."""

import csv
from collections import Counter, defaultdict

import numpy as np
import polars as pl
import pytest
from reference_cases import SHIPPED, case, cases
from validation import agrees

from labqa.analysis import pairing
from labqa.core import tables as t
from labqa.core.provenance import digest
from labqa.stats.precision.experiment import experiment
from labqa.stats.robust.location_scale import made, mean_by_group, sd_by_group
from labqa.stats.scores.reference import zeta

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


ANALYTES = [one.removeprefix("usgs_inl_") for one in cases() if one.startswith("usgs_inl_") and one != "usgs_inl_pair_classes"]


@pytest.mark.parametrize("name", ANALYTES)
def test_differences_of_one_analyte(name: str, delivered: list[dict[str, str]], pairs: pl.DataFrame) -> None:
    """First pairs as our pairing makes them, through our own estimators, against R."""
    known = case(f"usgs_inl_{name}")
    expected, rel = known["expected"], known["tolerance"]["rel"]
    code = next(row["pcode"] for row in delivered if row["analyte"] == known["params"]["analyte"])
    both = pl.col("original_value").is_not_null() & pl.col("retest_value").is_not_null()
    first = pairs.filter((pl.col("order") == 1) & (pl.col("item") == code) & both).sort("sample")
    assert first.height == expected["n_pairs"]
    x, y = first["original_value"].to_numpy(), first["retest_value"].to_numpy()
    d, ends = y - x, np.array([0, first.height])
    told = {"data": f"{known['dataset']} {known['params']['analyte']}", "expected_by": "R base", "rel": rel}
    of_pairs = experiment(np.stack([x, y], axis=1).ravel(), np.arange(0, 2 * len(x) + 1, 2))
    for method, key, found in (
        # a mean of differences that cancel is as exact as they are: digits in units of their SD
        ("robust/mean", "mean_diff", mean_by_group(d, ends)[0]),
        ("robust/sd", "sd_diff", sd_by_group(d, ends)[0]),
        ("precision/experiment", "s_r_from_pairs", of_pairs.s_r),
        ("robust/made", "robust_sd_diff_MADe", made(d)),
    ):
        agrees(found, expected[key], method=method, quantity=key, abs=1e-9 * expected["sd_diff"], **told)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = 200.0 * d / (x + y)
    relative = relative[np.isfinite(relative)]
    assert len(relative) == expected["n_rpd_defined"]
    assert np.median(np.abs(relative)) == pytest.approx(expected["median_abs_rpd"], rel=rel)
    assert np.mean(relative) == pytest.approx(expected["mean_rpd"], rel=1e-6)
    assert np.count_nonzero(d == 0) == expected["n_exact_zero"]
    stated = {(row["pair_id"], row["role"]): float(row["lab_sd"]) for row in delivered if row["lab_sd"]}
    u = np.array([[stated.get((sample, role), np.nan) for role in ("original", "retest1")] for sample in first["sample"]])
    assert np.count_nonzero(np.isfinite(u).all(axis=1)) == expected["n_with_both_sd"]
    if "n_zeta_gt_3" in expected:
        scores = np.abs(zeta(y, x, u[:, 1], u[:, 0]))
        counted = [np.count_nonzero(scores > limit) for limit in (1.96, 3.0)]
        assert counted == [expected["n_zeta_gt_1p96"], expected["n_zeta_gt_3"]]
