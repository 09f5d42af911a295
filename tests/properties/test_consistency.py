"""Direct and indirect evidence are told apart as often as chance allows, and where an inconsistency is planted."""

from pathlib import Path

import consistency
import polars as pl
import pytest
from polars.testing import assert_frame_equal

TABLE = Path(__file__).parents[2] / "docs" / "consistency.csv"


@pytest.fixture(scope="module")
def committed() -> pl.DataFrame:
    return pl.read_csv(TABLE)


def share(table: pl.DataFrame, kind: str, case: str) -> float:
    part = table.filter((pl.col("network") == kind) & (pl.col("case") == case))
    assert part["seed"].to_list() == list(consistency.SEEDS)
    return float(part["below_5"].mean())


@pytest.mark.parametrize("kind", consistency.NETWORKS)
def test_consistent_pairs_are_told_apart_in_4_to_6_percent(committed, kind):
    assert 0.04 <= share(committed, kind, "clustered") <= 0.06


@pytest.mark.parametrize("kind", consistency.NETWORKS)
@pytest.mark.parametrize("case", ["se_x0.90", "se_x1.15", "without_lab_item"])
def test_wrong_errors_fail_the_same_check(committed, kind, case):
    assert not 0.04 <= share(committed, kind, case) <= 0.06


@pytest.mark.parametrize(("samples", "least"), [(1, 0.5), (2, 0.7), (3, 0.85), (4, 0.9)])
def test_a_planted_inconsistency_of_2_sigma_is_found(committed, samples, least):
    planted = committed.filter(pl.col("case") == f"planted_{samples}_samples")
    assert planted["pairs"].sum() >= 20
    found = (planted["below_5"] * planted["pairs"]).sum() / planted["pairs"].sum()
    assert found >= least


def test_the_committed_table_is_what_the_code_gives(committed):
    found = consistency.table(range(3, 4), networks=("sparse",))
    before = committed.filter((pl.col("seed") == 3) & (pl.col("network") == "sparse"))
    assert_frame_equal(found, before.select(found.columns), abs_tol=2e-3)


@pytest.mark.long
def test_the_whole_committed_table_is_what_the_code_gives(committed):
    assert_frame_equal(consistency.table(consistency.SEEDS), committed, abs_tol=2e-3)
