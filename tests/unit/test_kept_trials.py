"""Trials that a file holds are not made again, whatever broke the run off."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tests.kept_trials import kept_trials

KEY = ("world", "seed", "who")
TRIALS = [{"world": world, "seed": seed} for world in ("b", "a") for seed in (2, 1)]


def rows(world: str, seed: int) -> pl.DataFrame:
    return pl.DataFrame({"world": [world] * 2, "seed": [seed] * 2, "who": ["wrong", "others"], "charged": [seed, 0]})


def test_a_run_that_was_broken_off_goes_on_where_it_stopped(tmp_path):
    made = []

    def third_breaks(world: str, seed: int) -> pl.DataFrame:
        made.append((world, seed))
        if len(made) == 3:
            raise KeyboardInterrupt
        return rows(world, seed)

    kept = tmp_path / "kept.csv"
    with pytest.raises(KeyboardInterrupt):
        kept_trials(kept, TRIALS, third_breaks, key=KEY)
    found = kept_trials(kept, TRIALS, third_breaks, key=KEY)
    assert made == [("b", 2), ("b", 1), ("a", 2), ("a", 2), ("a", 1)]
    assert_frame_equal(found, pl.concat([rows(**of) for of in TRIALS]).sort(*KEY))
    assert_frame_equal(pl.read_csv(kept), found)


def test_nothing_to_try_and_nothing_kept_is_said(tmp_path):
    with pytest.raises(ValueError, match="no trials"):
        kept_trials(tmp_path / "kept.csv", [], rows, key=KEY)
