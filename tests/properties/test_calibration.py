"""Intervals cover what they claim on the committed card, and the naive standard error does not."""

from pathlib import Path

import calibration
import polars as pl
import pytest
from polars.testing import assert_frame_equal

TABLE = Path(__file__).parents[2] / "docs" / "calibration.csv"


@pytest.fixture(scope="module")
def committed() -> pl.DataFrame:
    return pl.read_csv(TABLE)


def mean_coverage(table: pl.DataFrame, anchors: str, scope: str, error: str) -> float:
    part = table.filter((pl.col("anchors") == anchors) & (pl.col("scope") == scope) & (pl.col("error") == error))
    assert part["seed"].to_list() == list(calibration.SEEDS)
    return float(part["coverage"].mean())


@pytest.mark.parametrize("anchors", calibration.ANCHORS)
@pytest.mark.parametrize("scope", ["lab", "item"])
def test_intervals_cover_94_to_96_percent_in_the_mean(committed, anchors, scope):
    assert 0.94 <= mean_coverage(committed, anchors, scope, "clustered") <= 0.96


@pytest.mark.parametrize("anchors", calibration.ANCHORS)
@pytest.mark.parametrize(
    ("scope", "error"),
    [
        ("lab", "naive"),
        ("lab", "clustered_x0.90"),
        ("lab", "clustered_x1.15"),
        ("item", "clustered_x0.90"),
        ("item", "clustered_x1.15"),
    ],
)
def test_wrong_standard_errors_fail_the_same_check(committed, anchors, scope, error):
    assert not 0.94 <= mean_coverage(committed, anchors, scope, error) <= 0.96


def test_estimates_follow_the_truth_as_closely_as_their_errors_allow(committed):
    for scope in ("lab", "item"):
        part = committed.filter((pl.col("scope") == scope) & (pl.col("error") == "clustered"))
        assert float(part["correlation"].mean()) == pytest.approx(float(part["ceiling"].mean()), abs=0.02)


@pytest.mark.parametrize("seed", [7, 16])
def test_the_committed_table_is_what_the_code_gives(committed, seed):
    assert_frame_equal(calibration.table(range(seed, seed + 1)), committed.filter(pl.col("seed") == seed), abs_tol=2e-3)


@pytest.mark.long
def test_the_whole_committed_table_is_what_the_code_gives(committed):
    assert_frame_equal(calibration.table(calibration.SEEDS), committed, abs_tol=2e-3)
