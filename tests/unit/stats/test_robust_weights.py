"""Gross errors lose their weight, good observations keep theirs; blunders are cut before any fit."""

from itertools import pairwise

import numpy as np
import pytest

from labqa.stats.network.beginning import _others
from labqa.stats.network.redescending import (
    group_medians,
    penalised_effects,
    redescending_slope,
    redescending_weight,
    robust_weights,
)
from labqa.stats.screens.slips import blundering


def pairs_network(seed, n=20, per=600):
    draw = np.random.default_rng(seed)
    node = np.concatenate([draw.permutation(n)[:2] for _ in range(per)]).astype(np.int64)
    y = draw.normal(0, 0.7, n)[node] + draw.normal(0, 0.5, 2 * per) + np.repeat(draw.normal(0, 30, per), 2)
    return np.arange(0, 2 * per + 1, 2), node, y, draw


def test_gross_errors_lose_all_weight_and_hardly_a_good_pair_does():
    start, node, y, draw = pairs_network(1)
    bad = draw.permutation(600)[:60]
    y[2 * bad] += draw.choice([-8.0, 8.0], 60)
    ones = np.ones(len(y))
    found = robust_weights(start, node, node, node * 0, [], ones, y, ratio=0.5, corner=3.0, end=6.0)
    by_pair = found.weight.reshape(-1, 2)
    assert by_pair[:, 0] == pytest.approx(by_pair[:, 1])
    good = np.setdiff1d(np.arange(600), bad)
    assert (by_pair[bad, 0] < 0.05).mean() > 0.95 and (by_pair[good, 0] > 0.95).mean() > 0.98


def test_levels_of_a_billion_sd_change_nothing():
    # every result is a multiple of 2⁻¹⁰ below 2³¹, so that the level costs no digit of it
    start, node, y, _ = pairs_network(4, n=8, per=200)
    near = np.round(y * 1024) / 1024
    base = np.where(node % 2, 0.7092, 1.3)
    given = {"ratio": 4.0, "corner": 3.0, "end": 4.5}
    plain = robust_weights(start, node, node // 2, node * 0, [], base, near, **given)
    high = robust_weights(start, node, node // 2, node * 0, [], base, near + 690_000_000.0, **given)
    assert high.weight == pytest.approx(plain.weight, rel=1e-9)
    assert high.effect - high.effect[0] == pytest.approx(plain.effect - plain.effect[0], abs=1e-9)


def test_a_swapped_sample_is_seen_by_its_items_together():
    start, node, y, draw = pairs_network(2, per=800)
    sample = np.repeat(np.arange(100), 16)
    swapped = (sample == 7) & (np.arange(len(y)) % 2 == 0)
    y[swapped] += draw.choice([-2.4, 2.4], swapped.sum())
    ones = np.ones(len(y))
    found = robust_weights(start, node, node, node * 0, [(sample, 4)], ones, y, ratio=0.5, corner=3.0, end=6.0)
    assert found.weight[sample == 7].max() < 0.6
    assert np.median(found.weight[sample != 7]) == 1.0


def test_penalised_effects_solve_their_normal_equations():
    draw = np.random.default_rng(3)
    size = np.array([2] * 60 + [3] * 20 + [7] * 10 + [1])  # pairs, rounds, and one alone
    start, block = np.append(0, np.cumsum(size)), np.repeat(np.arange(len(size)), size)
    node = np.concatenate([draw.permutation(12)[:many] for many in size])
    y = draw.normal(0, 0.7, 12)[node] + draw.normal(0, 0.5, len(node)) + draw.normal(0, 3, len(size))[block]
    lab_of = np.repeat(np.arange(4), [1, 2, 3, 6])
    weight = draw.uniform(0.2, 1.0, len(y))
    weight[[0, 1, 200]] = 0.0  # a pair without weight, and a result
    found = penalised_effects(start, node, lab_of, weight, y, ratio=1.7, guess=draw.normal(0, 1, 12))
    b, x, w = np.eye(len(size))[block][:, 1:], np.eye(12)[node], np.diag(weight)
    p = w - w @ b @ np.linalg.inv(b.T @ w @ b) @ b.T @ w
    labs = np.eye(4)[lab_of]
    left = x.T @ p @ x + 1.7 * (np.eye(12) - labs @ np.diag(1.0 / labs.sum(axis=0)) @ labs.T)
    assert left @ found == pytest.approx(x.T @ p @ y, abs=1e-9)


def test_a_laboratory_whose_results_have_all_lost_their_weight_stays_where_it_is():
    start, node, y, draw = pairs_network(5, n=12, per=200)
    lab_of = np.repeat(np.arange(6), 2)
    weight = draw.uniform(0.2, 1.0, len(y))
    weight[np.repeat((lab_of[node] == 5).reshape(-1, 2).any(axis=1), 2)] = 0.0
    effect = np.full(12, 0.3)
    for _ in range(70):
        effect = penalised_effects(start, node, lab_of, weight, y, ratio=1.0, guess=effect)
    assert effect[10:] == pytest.approx(0.3, abs=1e-6)


def test_slope_is_the_derivative_of_psi():
    t, step = np.linspace(-7, 7, 141) + 0.013, 1e-6
    psi = lambda x: x * redescending_weight(x, corner=3.0, end=6.0)  # noqa: E731
    assert redescending_slope(t, corner=3.0, end=6.0) == pytest.approx((psi(t + step) - psi(t - step)) / (2 * step), abs=1e-5)


def test_group_medians_leave_out_what_has_no_group():
    found = group_medians(np.array([1, -1, 1, 0, 1, 1]), np.array([4.0, 99.0, 1.0, 7.0, 2.0, 3.0]), n=3)
    assert found[:2].tolist() == [7.0, 2.5] and np.isnan(found[2])


@pytest.mark.parametrize(
    ("values", "sigma", "cut"),
    [
        ([0.05, 50.0], 0.1, [True, True]),  # ×1000: the slip raises the level and a proportional σR with it
        ([5.0, 5.4], 0.1, [False, False]),
        ([5.0, 5.1, 4.9, 51.0], 0.1, [False, False, False, True]),
        ([5.0, 12.0], 0.1, [False, False]),  # 9.9 √2 σR apart at the lower level
    ],
)
def test_blunders_are_cut_on_the_raw_values(values, sigma, cut):
    values = np.array(values)
    level = np.full(len(values), np.mean(values) if len(values) == 2 else np.median(values))
    slope = np.full(len(values), sigma)
    found = blundering(np.array([0, len(values)]), values, 0 * slope, slope, sigma * level, limit=10.0)
    assert found.tolist() == cut


def test_medians_of_others_and_of_groups_are_numpys():
    """Blocks of one, two, odd and even sizes with ties; groups that are empty, and results of none."""
    rng = np.random.default_rng(4)
    start = np.cumsum([0, 1, 2, 3, 2, 6, 7, 4])
    value = np.round(rng.normal(0.0, 1.0, start[-1]), 1)
    found = np.empty(len(value))
    _others(start, value, found)
    for first, last in pairwise(start):
        others = [np.delete(value[first:last], k) for k in range(last - first)]
        assert np.array_equal(found[first:last], [np.median(one) if len(one) else np.nan for one in others], equal_nan=True)
    group = rng.integers(-1, 5, len(value))
    group[group == 3] = -1
    medians = [np.median(value[group == g]) if (group == g).any() else np.nan for g in range(5)]
    assert np.array_equal(group_medians(group, value, n=5), medians, equal_nan=True)
