"""Without any bias nothing is shown by default nor given the first result, while the naive difference looks like bias."""

from pathlib import Path

import polars as pl
import pytest
import selection_trials
from polars.testing import assert_frame_equal

TABLE = Path(__file__).parents[2] / "docs" / "selection.csv"
TRUTHS = ("normal", "skewed", "bimodal")


@pytest.fixture(scope="module")
def committed() -> pl.DataFrame:
    return selection_trials.committed(TABLE)


def of(table: pl.DataFrame, world: str, option: str) -> pl.DataFrame:
    found = table.filter((pl.col("world") == world) & (pl.col("option") == option))
    assert found["seed"].to_list() == list(selection_trials.SEEDS)
    return found


def coverage(rows: pl.DataFrame, name: str = "covered") -> float:
    return float((rows[name] * rows["n"]).sum() / rows["n"].sum())


@pytest.mark.parametrize("world", TRUTHS)
def test_by_default_no_bias_is_shown(committed, world):
    rows = of(committed, world, "labs_default")
    assert 0.93 <= coverage(rows) <= 0.97
    assert abs(rows["estimate"].mean()) < 0.01


@pytest.mark.parametrize("world", TRUTHS)
def test_the_naive_difference_looks_like_bias(committed, world):
    rows = of(committed, world, "network_naive_with_objection")
    assert 0.2 <= rows["estimate"].mean() <= 1.3
    assert rows["covered"].max() == 0.0
    assert abs(of(committed, world, "network_default")["estimate"].mean()) < 0.02


@pytest.mark.parametrize("world", TRUTHS)
def test_the_choice_alone_explains_the_naive_difference(committed, world):
    naive, expected = (
        of(committed, world, f"network_{option}")["estimate"].mean() for option in ("naive_with_objection", "expected")
    )
    assert expected == pytest.approx(naive, abs=0.05)


@pytest.mark.parametrize("world", TRUTHS)
def test_given_the_first_result_no_bias_is_shown(committed, world):
    rows = of(committed, world, "labs_conditional")
    assert 0.93 <= coverage(rows) <= 0.97
    assert abs(rows["estimate"].mean()) < 0.03


@pytest.mark.parametrize("world", TRUTHS)
def test_the_range_over_shapes_contains_what_is_true(committed, world):
    rows = of(committed, world, "network_conditional")
    assert rows["covered_range"].sum() >= 18
    assert ((rows["low"] <= rows["estimate"]) & (rows["estimate"] <= rows["high"])).all()


def test_a_wrong_shape_shows_in_the_range(committed):
    widths = {
        world: float(
            (of(committed, world, "network_conditional")["high"] - of(committed, world, "network_conditional")["low"]).mean()
        )
        for world in TRUTHS
    }
    assert widths["skewed"] > 4 * widths["normal"]
    assert widths["bimodal"] > 2 * widths["normal"]


def test_planted_biases_are_recovered_from_objection_retests_alone(committed):
    rows = of(committed, "planted", "labs_conditional")
    assert 0.93 <= coverage(rows) <= 0.97
    assert rows["planted_error"].drop_nulls().mean() == pytest.approx(0.0, abs=0.15)


@pytest.mark.parametrize(("world", "seed"), [("normal", 7), ("skewed", 13)])
def test_the_committed_table_is_what_the_code_gives(committed, world, seed):
    found = selection_trials.rounded(selection_trials.trial(world, seed)).sort(*selection_trials.KEY)
    expected = committed.filter((pl.col("world") == world) & (pl.col("seed") == seed))
    assert_frame_equal(found, expected, abs_tol=2e-3)


@pytest.mark.long
def test_the_whole_committed_table_is_what_the_code_gives(committed, tmp_path):
    assert_frame_equal(selection_trials.table(tmp_path / "selection.csv"), committed, abs_tol=2e-3)
