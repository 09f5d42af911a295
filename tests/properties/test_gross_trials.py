"""Gross errors cost points to those who made them and to nobody else; who has little left in the fit does not pass."""

from pathlib import Path

import gross_trials
import polars as pl
import pytest
from polars.testing import assert_frame_equal

TABLE = Path(__file__).parents[2] / "docs" / "gross.csv"
EVERYWHERE = ("all_1.3", "all_2", "all_1000")


@pytest.fixture(scope="module")
def committed() -> pl.DataFrame:
    return pl.read_csv(TABLE)


def of(table: pl.DataFrame, world: str, who: str) -> dict[str, int]:
    found = table.filter(world=world, who=who)
    assert found["seed"].to_list() == list(gross_trials.SEEDS)
    return found.select(gross_trials.COUNTS).sum().row(0, named=True)


@pytest.mark.parametrize("world", list(gross_trials.WORLDS))
def test_nobody_is_charged_for_the_errors_of_others(committed, world):
    others = of(committed, world, "others")
    assert others["charged"] == 0
    assert others["withheld"] <= 0.01 * others["labs"]


@pytest.mark.parametrize("world", EVERYWHERE)
def test_who_is_wrong_everywhere_does_not_pass(committed, world):
    assert of(committed, world, "wrong")["passed"] == 0


def test_who_has_next_to_nothing_left_is_charged(committed):
    wrong = of(committed, "all_1000", "wrong")
    assert wrong["charged"] >= 0.8 * wrong["labs"]
    assert wrong["withheld"] == wrong["labs"]


@pytest.mark.parametrize("world", ["originals_2", "originals_1000"])
def test_who_is_wrong_as_first_laboratory_seldom_passes(committed, world):
    wrong = of(committed, world, "wrong")
    assert wrong["withheld"] >= 0.75 * wrong["labs"]
    assert wrong["passed"] <= 0.2 * wrong["labs"]


@pytest.mark.parametrize(("world", "seed"), [("originals_2", 2), ("all_1000", 4)])
def test_the_committed_table_is_what_the_code_gives(committed, world, seed):
    expected = committed.filter(world=world, seed=seed).sort(*gross_trials.KEY)
    assert_frame_equal(gross_trials.trial(world, seed).sort(*gross_trials.KEY), expected)


@pytest.mark.long
def test_the_whole_committed_table_is_what_the_code_gives(committed, tmp_path):
    assert_frame_equal(gross_trials.table(tmp_path / "gross.csv"), committed)
