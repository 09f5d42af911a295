"""Where nobody differs between occasions hardly anybody is said to, and intervals hold as they claim."""

from pathlib import Path

import occasion_trials
import polars as pl
import pytest
from polars.testing import assert_frame_equal

TABLE = Path(__file__).parents[2] / "docs" / "occasions.csv"


@pytest.fixture(scope="module")
def committed() -> pl.DataFrame:
    return pl.read_csv(TABLE)


@pytest.mark.parametrize("style", occasion_trials.STYLES)
def test_nobody_is_said_to_differ_who_does_not(committed, style):
    """5 % of the evaluations is the bound where all differ by δ0; here all differ by nothing."""
    rows = committed.filter(style=style)
    assert rows["seed"].to_list() == list(occasion_trials.SEEDS)
    assert rows["examined"].min() > 30
    assert (rows["differ"] > 0).mean() <= 0.05


@pytest.mark.parametrize("style", occasion_trials.STYLES)
def test_the_intervals_hold(committed, style):
    """Somewhat short of 95 %."""
    rows = committed.filter(style=style)
    assert 0.92 <= rows["covered"].sum() / rows["examined"].sum() <= 0.97


def test_the_committed_table_is_what_the_code_gives(committed):
    expected = committed.filter(style="regional", seed=2)
    assert_frame_equal(occasion_trials.trial("regional", 2), expected, check_dtypes=False)


@pytest.mark.long
def test_the_whole_committed_table_is_what_the_code_gives(committed, tmp_path):
    assert_frame_equal(occasion_trials.table(tmp_path / "occasions.csv"), committed)
