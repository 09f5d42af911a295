"""Verdicts on intervals and the flips that nobody is to blame for."""

import numpy as np
import pytest

from labqa.stats.scores import conformity


def test_published_flip_probabilities_given_the_original() -> None:
    # two blameless laboratories, original at 0, 1, 2 σR from the limit: 50, 24, 7.9 %
    found = conformity.flip_probability([10.0, 9.0, 8.0], 1.0, np.nan, 10.0)
    assert found == pytest.approx([0.5, 0.24, 0.079], abs=0.0005)
    from_fail = conformity.flip_probability([11.0, 12.0], 1.0, np.nan, 10.0)
    assert from_fail == pytest.approx([0.24, 0.079], abs=0.0005)


def test_flip_probability_by_simulation() -> None:
    # flat prior on the truth, both results N(truth, 1): the share of changed verdicts among originals near 1.3
    rng = np.random.default_rng(7)
    truth = rng.uniform(-8, 8, 4_000_000)
    first, second = truth + rng.normal(size=truth.size), truth + rng.normal(size=truth.size)
    near = np.abs(first - 1.3) < 0.05
    inside = (second >= 0.0) & (second <= 4.0)
    assert conformity.flip_probability(1.3, 1.0, 0.0, 4.0) == pytest.approx(1 - inside[near].mean(), abs=0.01)


def test_limits_and_inclusivity() -> None:
    def verdict(low: float, high: float, lower: float, upper: float, *, inclusive: bool = True) -> int:
        return int(conformity.verdict(low, high, lower, upper, lower_inclusive=inclusive, upper_inclusive=inclusive))

    nan, inf = np.nan, np.inf
    assert verdict(10, 10, nan, 10) == conformity.CONFORMING
    assert verdict(10, 10, nan, 10, inclusive=False) == conformity.NONCONFORMING
    assert verdict(0.1 + 0.2, 0.1 + 0.2, nan, 0.3) == conformity.CONFORMING
    assert verdict(5, 5, 6, nan) == conformity.NONCONFORMING
    assert verdict(-inf, 0.01, nan, 0.1) == conformity.CONFORMING
    assert verdict(-inf, 0.2, nan, 0.1) == conformity.UNKNOWN
    assert verdict(100, inf, nan, 10) == conformity.NONCONFORMING
    assert verdict(5, 5, nan, nan) == conformity.UNKNOWN
    assert verdict(nan, nan, nan, 10) == conformity.UNKNOWN


def test_margin_is_to_the_nearest_limit() -> None:
    assert conformity.margin([1.0, 9.0, 11.0], 2.0, 0.0, 10.0) == pytest.approx([0.5, 0.5, -0.5])
    assert np.isnan(conformity.margin(1.0, 0.0, 0.0, 10.0))
