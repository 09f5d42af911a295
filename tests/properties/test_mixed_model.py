"""Laboratory effects are as close to the truth as those of a crossed mixed model, and closer where results go wrong."""

from pathlib import Path

import mixed_model
import polars as pl
import pytest
from polars.testing import assert_frame_equal

TABLE = Path(__file__).parents[2] / "docs" / "mixed_model.csv"
LME4 = {"sd_lab": 0.47485, "sd_item": 0.51489, "sd_sample": 0.33040, "sd_run": 0.19303, "sd_error": 0.58654}
"""Seed 1 without gross errors by R 4.2.2, lme4 1.1.31: deviance function of `lFormula(y ~ 0 + (1|lab) + (1|lab:item) +
(1|lab:sample) + (1|run))` with response and Z' taken through orthonormal contrasts within the blocks, REML, bobyqa."""


@pytest.fixture(scope="module")
def committed() -> pl.DataFrame:
    return pl.read_csv(TABLE, schema_overrides={"gross": pl.Float64})


def ratio(table: pl.DataFrame, gross: float, ours: str, theirs: str) -> float:
    """Of the mean root mean square errors over the networks of the table."""
    part = table.filter(pl.col("gross") == gross)
    return float(part[ours].mean()) / float(part[theirs].mean())


def test_all_seeds_are_there(committed):
    assert committed.select("gross", "seed").rows() == [(g, seed) for g in mixed_model.GROSS for seed in mixed_model.SEEDS]
    assert (committed["labs"] == 60).all()


@pytest.mark.parametrize(("ours", "theirs"), [("ours", "labs_fixed"), ("ours_shrunken", "blup")])
def test_on_clean_data_ours_are_within_5_percent_of_the_mixed_model(committed, ours, theirs):
    assert ratio(committed, 0.0, ours, theirs) <= 1.05


@pytest.mark.parametrize(
    ("ours", "theirs"), [("ours", "labs_fixed"), ("ours_shrunken", "blup"), ("ours", "means_of_differences")]
)
def test_at_10_percent_gross_errors_ours_are_clearly_below(committed, ours, theirs):
    assert ratio(committed, 0.1, ours, theirs) <= 0.85


def test_the_robust_steps_cost_little_and_hold(committed):
    clean, soiled = (committed.filter(pl.col("gross") == gross) for gross in mixed_model.GROSS)
    assert float(clean["ours"].mean()) / float(clean["ours_not_robust"].mean()) <= 1.10
    assert float(soiled["ours"].mean()) / float(clean["ours"].mean()) <= 1.10


def test_the_rival_is_the_one_that_lme4_fits(committed):
    first = committed.row(by_predicate=(pl.col("seed") == 1) & (pl.col("gross") == 0.0), named=True)
    # the table's likelihood is climbed to 1e-6 per degree of freedom only
    assert {name: first[name] for name in LME4} == pytest.approx(LME4, rel=0.02)


def test_the_committed_table_is_what_the_code_gives(committed):
    found = mixed_model.row(7, gross=0.0)
    assert_frame_equal(found, committed.filter((pl.col("seed") == 7) & (pl.col("gross") == 0.0)), abs_tol=2e-3)


@pytest.mark.long
def test_the_whole_committed_table_is_what_the_code_gives(committed, tmp_path):
    assert_frame_equal(mixed_model.write(tmp_path / "table.csv"), committed, abs_tol=2e-3)
