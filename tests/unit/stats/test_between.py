"""Variance between effects against the published figures of the BCG vaccine trials."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from labqa.stats.network.between import between_sd

TRIALS = Path(__file__).parents[2] / "reference" / "data" / "bcg_trials.csv"


def test_q_profile_interval_of_the_bcg_trials():
    """Interval of τ² by the Q-profile method, 0.1197 to 1.1115: Viechtbauer 2007, doi:10.1002/sim.2514; printed to 4 digits."""
    trials = pl.read_csv(TRIALS)
    found = between_sd(np.zeros(13, np.int64), trials["yi"].to_numpy(), trials["vi"].to_numpy(), n=1)
    assert found.lower[0] ** 2 == pytest.approx(0.1197, abs=6e-5)
    assert found.upper[0] ** 2 == pytest.approx(1.1115, abs=6e-5)
    assert 0.1197 < found.sd[0] ** 2 < 1.1115


def test_equal_effects_have_no_variance_between_them_and_one_effect_has_none_to_show():
    found = between_sd(np.array([0, 0, 0, 1]), np.array([1.0, 1.0, 1.0, 5.0]), np.full(4, 0.1), n=2)
    assert found.sd[0] == 0 and found.lower[0] == 0 and np.isnan(found.sd[1])
