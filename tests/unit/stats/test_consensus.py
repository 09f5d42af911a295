"""Which rounds have no trustworthy consensus; leave-one-out estimates against plain recomputation."""

import numpy as np
import pytest

from labqa.stats.precision.intraclass import intraclass_correlation
from labqa.stats.robust import algorithm_a, consensus, location_scale
from labqa.stats.scores.agreement import slip_power


def modes(values: np.ndarray, sigma: float) -> int:
    return int(consensus.modes_by_group(np.sort(values), np.array([0, len(values)]), np.array([sigma]))[0])


def test_two_camps_are_found_and_one_outlier_is_none() -> None:
    rng = np.random.default_rng(3)
    one = rng.normal(10, 1, 40)
    assert modes(one, 1.0) == 1
    assert modes(np.append(one, [30.0]), 1.0) == 1
    assert modes(np.concatenate([one, rng.normal(16, 1, 20)]), 1.0) == 2
    assert modes(np.concatenate([one, rng.normal(16, 1, 5)]), 1.0) == 1


def test_false_alarms_of_the_mode_check_are_rare() -> None:
    rng = np.random.default_rng(11)
    found = [modes(rng.normal(0, 1, 20), 1.0) for _ in range(400)]
    assert np.mean(np.array(found) > 1) < 0.02


def test_trust() -> None:
    assert consensus.trusted(5, 1.0, 1.0, 1)
    assert not consensus.trusted(4, 1.0, 1.0, 1)
    assert not consensus.trusted(20, 2.1, 1.0, 1)
    assert not consensus.trusted(20, 1.0, 1.0, 2)
    assert not consensus.trusted(20, np.nan, 1.0, 1)


@pytest.mark.parametrize("n", [3, 5, 8, 40])
def test_without_self_equals_removing_it(n: int) -> None:
    rng = np.random.default_rng(n)
    groups = [np.sort(np.append(rng.standard_t(2, n - 1), [1e4])) for _ in range(3)]
    offsets = np.cumsum([0, n, n, n])
    centre, scale = algorithm_a.algorithm_a_without_self(np.concatenate(groups), offsets)
    median = location_scale.median_without_self(np.concatenate(groups), offsets)
    for g, group in enumerate(groups):
        for i in range(n):
            others = np.delete(group, i)
            assert (centre[g * n + i], scale[g * n + i]) == pytest.approx(
                algorithm_a.algorithm_a(others)[:2], rel=1e-9, abs=1e-9
            )
            assert median[g * n + i] == pytest.approx(np.median(others))


def test_intraclass_correlation_of_known_groups() -> None:
    rng = np.random.default_rng(5)
    k, n, rho = 4000, 5, 0.4
    shared = rng.normal(0, np.sqrt(rho), (k, 1))
    values = (shared + rng.normal(0, np.sqrt(1 - rho), (k, n))).ravel()
    assert intraclass_correlation(values, np.arange(0, k * n + 1, n)) == pytest.approx(rho, abs=0.02)
    assert np.isnan(intraclass_correlation(np.array([1.0, 2.0]), np.array([0, 1, 2])))


def test_slips() -> None:
    assert slip_power(5.0, 5100.0, 0.5, 500.0) == 3
    assert slip_power(5100.0, 5.0, 500.0, 0.5) == -3
    assert slip_power(5.0, 5.2, 0.5, 0.5) == 0
    # near 0, below the limit, a factor of ten says nothing
    assert slip_power(0.3, 3.2, 1.0, 1.0) == 0
    # 2.40 and 1.13 where R is 1.05: 1.2 R apart; 0.24 and 1.13 would be 0.9 R apart, and that explains nothing
    assert slip_power(2.40, 1.13, 1.05, 1.05) == 0
    assert slip_power(1.2, 12.0, 1.05, 1.05) == 1
