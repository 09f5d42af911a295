"""The scatter of differences of two laboratories, by pairs and by rounds."""

import numpy as np
import pytest

from labqa.stats.network.pair_scatter import pair_scatter


def test_the_sum_of_two_variances_is_found_in_a_star_too():
    rng = np.random.default_rng(1)
    sd = np.array([0.5, 0.3, 1.2, 0.5])
    partner = rng.integers(1, 4, 6000)
    lab = np.stack([np.zeros(6000, np.int64), partner], axis=1).ravel()
    residual = rng.normal(0, sd[lab])
    gross = rng.random(len(lab)) < 0.003
    residual[gross] += 8.0
    first, second = np.zeros(3, np.int64), np.arange(1, 4)
    found = pair_scatter(np.arange(0, 12_001, 2), lab, residual, np.ones(len(lab)), first, second, np.full(3, 500.0))
    assert found.sd == pytest.approx(np.hypot(sd[0], sd[1:]), rel=0.08)
    assert (found.lower < np.hypot(sd[0], sd[1:])).all() and found.n.sum() == 6000


def test_every_two_results_of_a_round_are_a_difference():
    start = np.array([0, 3, 5])
    lab = np.array([0, 1, 2, 0, 2])
    residual = np.array([0.0, 1.0, 1.5, 0.2, 0.4])
    found = pair_scatter(start, lab, residual, np.ones(5), np.array([0, 0]), np.array([1, 2]), np.array([5.0, 5.0]))
    assert found.n.tolist() == [1, 2]
    plain = np.sqrt([1.0, (1.5**2 + 0.2**2) / 2] / np.array(0.9950072780344534))
    assert found.sd == pytest.approx(plain, rel=1e-6)


def test_a_pair_without_a_common_block_has_no_scatter():
    found = pair_scatter(
        np.array([0, 2]), np.array([0, 1]), np.array([0.0, 1.0]), np.ones(2), np.array([0, 0]), np.array([1, 2]), np.ones(2)
    )
    assert np.isnan(found.sd[1]) and found.n.tolist() == [1, 0]
