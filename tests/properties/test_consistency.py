"""Direct and indirect evidence are told apart as often as chance allows, and where an inconsistency is planted.

The bands are those of the committed table of 20 seeds; `make test` computes two of its networks again, which takes seconds,
`make calibrate` all of them.
"""

import math
from pathlib import Path

import consistency
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy import stats

TABLE = Path(__file__).parents[2] / "docs" / "consistency.csv"
WRONG = ("se_x0.90", "se_x1.15", "without_lab_item")


@pytest.fixture(scope="module")
def committed() -> pl.DataFrame:
    return pl.read_csv(TABLE)


def share(table: pl.DataFrame, kind: str, case: str) -> float:
    """Share of p < 5 % over all pairs of that case."""
    part = table.filter((pl.col("network") == kind) & (pl.col("case") == case))
    return float((part["below_5"] * part["pairs"]).sum() / part["pairs"].sum())


def test_all_seeds_are_there(committed):
    of_each = committed.filter(pl.col("case") == "clustered").group_by("network").agg(pl.col("seed").sort())
    assert dict(of_each.rows()) == {kind: list(consistency.SEEDS) for kind in consistency.NETWORKS}


@pytest.mark.parametrize("kind", consistency.NETWORKS)
def test_consistent_pairs_are_told_apart_in_4_to_6_percent(committed, kind):
    assert 0.04 <= share(committed, kind, "clustered") <= 0.06
    for wrong in WRONG:  # errors that are wrong on purpose are seen
        assert not 0.04 <= share(committed, kind, wrong) <= 0.06


@pytest.mark.parametrize("samples", [1, 2, 3, 4])
def test_a_planted_inconsistency_of_2_sigma_is_found_as_often_as_one_item_a_sample_allows(committed, samples):
    """Bound: the power of a z test at 5 % on the mean of that many differences of two results, SD √2 σR known, less two Monte
    Carlo errors. Samples of several items and a laboratory's own spread pull either way."""
    part = committed.filter(pl.col("case") == f"planted_{samples}_samples")
    z = consistency.SHIFT / math.sqrt(2.0 / samples)
    power = stats.norm.cdf(z - 1.96) + stats.norm.cdf(-z - 1.96)
    error = math.sqrt(power * (1.0 - power) / part["pairs"].sum())
    assert share(committed, "half", f"planted_{samples}_samples") >= power - 2.0 * error


def test_the_committed_table_is_what_the_code_gives(committed):
    found = consistency.table(range(1, 3), networks=("sparse",))
    same = committed.filter((pl.col("network") == "sparse") & (pl.col("seed") <= 2)).drop("q_below_10")
    assert_frame_equal(found, same, abs_tol=2e-3)


@pytest.mark.long
def test_the_whole_committed_table_is_what_the_code_gives(committed):
    assert_frame_equal(consistency.table(consistency.SEEDS), committed, abs_tol=2e-3)
