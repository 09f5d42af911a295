"""Gross errors on one side: how many, whether they lean, and how far a redescending location may be carried."""

import numpy as np
import pytest
from scipy import optimize, stats

from labqa.stats.network.beginning import shortest_half_effects
from labqa.stats.network.between import shrunken_between
from labqa.stats.network.one_sided import gross_share, lean, worst_bias
from labqa.stats.network.redescending import item_scales, redescending_weight, robust_weights, settled_scales


def carried(share: float, at: float) -> float:
    """Asymptotic location of (1 − share) N(0, 1) + share · point mass at `at`, from the start 0, by integration."""

    def pull(b: float) -> float:
        grid = np.linspace(-8.0, 8.0, 8001)
        density = stats.norm.pdf(grid)
        core = np.trapezoid(redescending_weight(grid - b, corner=3.0, end=6.0) * (grid - b) * density, grid)
        gap = np.array([at - b])
        return (1 - share) * core + share * float((redescending_weight(gap, corner=3.0, end=6.0) * gap)[0])

    return float(optimize.brentq(pull, -0.01, 2.0))


@pytest.mark.parametrize("share", [0.02, 0.05, 0.1, 0.15])
def test_the_worst_case_is_the_worst_place_of_a_point_of_gross_errors(share):
    found = max(carried(share, at) for at in np.linspace(2.5, 6.5, 81))
    assert worst_bias(np.array([share]), corner=3.0, end=6.0)[0] == pytest.approx(found, abs=2e-3)


def test_no_gross_errors_carry_nothing_and_half_of_them_everything():
    assert worst_bias(np.array([0.0, 0.5]), corner=3.0, end=6.0).tolist() == [0.0, np.inf]


def test_a_share_of_gross_errors_is_found_in_pairs_and_in_larger_blocks():
    rng = np.random.default_rng(1)
    gross = rng.random(40_000) < 0.1
    pairs = np.arange(0, 20_001, 2)
    in_pairs = np.repeat(gross[:20_000].reshape(-1, 2).any(axis=1), 2)
    found = gross_share(pairs, in_pairs, np.zeros(20_000, np.int64), n=1)
    assert found[0] == pytest.approx(0.1, abs=0.01)
    rounds = np.arange(0, 20_001, 20)
    assert gross_share(rounds, gross[20_000:], np.zeros(20_000, np.int64), n=1)[0] == pytest.approx(0.1, abs=0.01)
    assert gross_share(pairs[:10], in_pairs[:18], np.zeros(18, np.int64), n=1)[0] == 0.0


def test_the_lean_of_outlying_results_has_an_error_clustered_by_sample():
    lab = np.array([0, 0, 0, 0, 1, 1])
    sample = np.array([0, 0, 1, 2, 0, 1])
    sign = np.array([1, 1, -1, 0, 0, 0])
    found = lean(lab, sample, sign, n=2)
    assert found.share == pytest.approx([1 / 4, 0.0])
    assert found.se == pytest.approx([np.sqrt(4 + 1) / 4, 0.0])


def network(rng, n=30, pairs=4000):
    a, b = rng.integers(0, n, pairs), rng.integers(0, n, pairs)
    keep = a != b
    lab = np.stack([a[keep], b[keep]], axis=1).ravel()
    return np.arange(0, len(lab) + 1, 2), lab, rng.normal(0, 0.5, n), rng.normal(0, 0.5, len(lab))


def test_the_beginning_holds_where_two_fifths_of_half_of_the_laboratories_are_wrong_on_one_side():
    rng = np.random.default_rng(5)
    start, lab, truth, noise = network(rng)
    y = truth[lab] + noise + np.where((lab < 15) & (rng.random(len(lab)) < 0.4), rng.uniform(5, 10, len(lab)), 0.0)
    error = shortest_half_effects(start, lab, y, n=30) - truth
    least_squares = np.array([np.mean(y[lab == i]) for i in range(30)]) - truth
    assert np.std(error) < 0.25 < 1.0 < np.std(least_squares)


def test_scales_settle_on_the_core_whatever_the_share_of_gross_errors():
    rng = np.random.default_rng(2)
    scaled = np.where(rng.random(20_000) < 0.25, rng.uniform(5, 12, 20_000), rng.standard_normal(20_000))
    item = np.zeros(20_000, np.int64)
    assert item_scales(item, scaled, n=1)[0] > 1.3
    assert settled_scales(item, scaled, n=1, corner=3.0)[0] == pytest.approx(1.0, abs=0.03)


def test_an_item_on_which_a_laboratory_is_far_off_throughout_is_its_bias_and_no_gross_error():
    rng = np.random.default_rng(3)
    start, lab, _, noise = network(rng)
    item = np.repeat(rng.integers(0, 5, len(start) - 1), 2)
    y = noise + np.where((lab == 7) & (item == 2), 8.0, 0.0)
    names, node = np.unique(lab * 5 + item, return_inverse=True)
    found = robust_weights(start, node, names // 5, item, [], np.ones(len(y)), y, ratio=1.0, corner=3.0, end=6.0)
    effect = found.effect[names == 7 * 5 + 2][0] - np.median(found.effect)
    assert effect == pytest.approx(8.0, abs=0.5)
    assert found.weight[(lab == 7) & (item == 2)].mean() > 0.9


def test_the_spread_of_few_effects_is_drawn_to_the_common_one():
    rng = np.random.default_rng(4)
    many = rng.normal(0, 2.0, 400)
    group = np.concatenate([np.zeros(400, np.int64), np.ones(3, np.int64)])
    effect = np.concatenate([many, [0.0, 4.0, -4.0]])
    found = shrunken_between(group, effect, np.full(403, 0.05), n=3, overall=0.25)
    assert found.variance[0] == pytest.approx(4.0, rel=0.15)
    assert 0.25 < found.variance[1] < 4.0
    assert found.variance[2] == pytest.approx(0.25) and found.df[2] == pytest.approx(10.0)


def test_both_results_of_a_pair_are_blamed_alike_and_rounding_does_not_choose():
    """Unequal precisions and many gross errors: weights move no further than the data when these move in the last bits."""
    rng = np.random.default_rng(8)
    start, lab, _, noise = network(rng)
    item = np.repeat(rng.integers(0, 5, len(start) - 1), 2)
    y = noise + np.where(rng.random(len(noise)) < 0.1, rng.choice([-1, 1], len(noise)) * rng.uniform(3, 6, len(noise)), 0.0)
    base = np.exp(rng.normal(0, 0.2, 30))[lab]
    names, node = np.unique(lab * 5 + item, return_inverse=True)

    def weights(values, precision):
        found = robust_weights(start, node, names // 5, item, [], precision, values, ratio=1.0, corner=3.0, end=6.0)
        return found.weight / precision

    found = weights(y, base)
    assert found[::2] == pytest.approx(found[1::2], abs=1e-12)
    jittered = weights(y * (1 + 1e-14 * rng.standard_normal(len(y))), base * (1 + 1e-14 * rng.standard_normal(30))[lab])
    assert jittered == pytest.approx(found, abs=1e-7)
