"""Clustered slopes against matrix algebra, and that a laboratory's own error moves neither slope nor its error rate."""

import numpy as np
import pytest
from scipy import stats

from labqa.stats.network.slopes import block_contrasts, clustered_slopes


def by_matrices(cluster, cell, x, d, w):
    """CR2 of the slope beside the intercepts of the cells, and its Satterthwaite df, from the matrices of the regression."""
    root = np.sqrt(w)
    design, y = root[:, None] * np.column_stack([np.eye(cell.max() + 1)[cell], x]), root * d
    bread = np.linalg.inv(design.T @ design)
    estimate, left = bread @ design.T @ y, np.eye(len(x)) - design @ bread @ design.T
    residual = y - design @ estimate
    variance, columns = 0.0, []
    for one in np.unique(cluster):
        at = np.flatnonzero(cluster == one)
        value, vector = np.linalg.eigh(left[np.ix_(at, at)])
        seen = value > 1e-9
        half = vector[:, seen] @ np.diag(value[seen] ** -0.5) @ vector[:, seen].T
        weights = (bread @ design[at].T @ half)[-1]
        variance += float(weights @ residual[at]) ** 2
        columns.append(left[:, at] @ weights)
    inner = np.stack(columns) @ np.stack(columns).T
    return estimate[-1], np.sqrt(variance), np.trace(inner) ** 2 / np.sum(inner**2)


def test_slope_error_and_df_by_matrices():
    draw = np.random.default_rng(1)
    n, groups = 160, 4
    group = draw.integers(0, groups, n)
    cell = draw.permutation(16)[group * 4 + draw.integers(0, 4, n)]
    cluster = draw.permutation(36)[group * 9 + draw.integers(0, 9, n)]
    enclosed = cell == cell[0]
    cluster[enclosed], n_cells = cluster[0], 17  # an intercept that one cluster holds alone, and a cell of nobody
    x, w = draw.normal(0, 1, n), draw.uniform(0.3, 2.0, n) ** 4
    d = 0.4 * x + draw.normal(0, 1, 40)[cluster] + draw.normal(0, 1, n)
    found = clustered_slopes(group, cluster, cell, x, d, w, n=groups + 1, n_cells=n_cells)
    assert np.isnan(found.slope[groups])
    for k in range(groups):
        at = np.flatnonzero(group == k)
        inner = np.unique(cell[at], return_inverse=True)[1]
        slope, se, df = by_matrices(cluster[at], inner, x[at], d[at], w[at])
        assert (found.slope[k], found.se[k], found.df[k]) == pytest.approx((slope, se, df), rel=1e-9)


def test_one_cluster_or_one_level_gives_no_slope():
    """Nor what would be one level without one of the clusters."""
    ones = np.ones(4)
    x = np.array([1.0, 2.0, 3.0, 3.0])
    same = np.zeros(4, dtype=np.int64)
    for cluster, at in ((same, x), (np.arange(4), ones), (np.array([0, 0, 1, 2]), x)):
        found = clustered_slopes(same, cluster, same, at, x, ones, n=1, n_cells=1)
        assert np.isnan([found.slope[0], found.se[0], found.df[0]]).all()


def test_level_and_difference_are_uncorrelated_only_with_the_weights():
    """Two laboratories, SD 0.5 and 2, levels that vary as little as their errors: the plain mean makes a slope of nothing."""
    draw, n = np.random.default_rng(2), 200_000
    level = draw.normal(0, 1, n)
    sd = np.array([0.5, 2.0])
    block, lab = np.repeat(np.arange(n), 2), np.tile([0, 1], n)
    y = level[block] + sd[lab] * draw.normal(0, 1, 2 * n)
    weighted = block_contrasts(block, y, 1 / sd[lab] ** 2, n_blocks=n)
    plain = block_contrasts(block, y, np.ones(2 * n), n_blocks=n)
    assert abs(np.polyfit(weighted.level[::2], weighted.difference[::2], 1)[0]) < 0.02
    assert np.polyfit(plain.level[::2], plain.difference[::2], 1)[0] < -0.8
    assert weighted.weight[0] == pytest.approx(1 / (0.25 + 4.0))


def test_a_block_of_one_says_nothing():
    found = block_contrasts(np.array([0, 1, 1]), np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 0.0]), n_blocks=2)
    assert found.weight.tolist() == [0.0, 0.0, 0.0] and found.difference.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("imprecise", [1.0, 2.5])
def test_slopes_of_nothing_are_flagged_at_the_nominal_rate(imprecise):
    """One laboratory of each network has other errors; clusters share errors; 16 samples in 8 runs a laboratory."""
    draw, found = np.random.default_rng(3), []
    labs, samples = 12, 96
    sd = np.append(imprecise, np.ones(labs - 1))
    for _ in range(250):
        lab = np.stack([draw.permutation(labs)[:2] for _ in range(samples)]).ravel()
        block = np.repeat(np.arange(samples), 2)
        run = draw.integers(0, 8, 2 * samples)
        level = draw.normal(0, 1.5, samples)
        y = level[block] + sd[lab] * (draw.normal(0, 0.5, (labs, 8))[lab, run] + draw.normal(0, 0.87, 2 * samples))
        one = block_contrasts(block, y, 1 / sd[lab] ** 2, n_blocks=samples)
        fit = clustered_slopes(lab, lab * 8 + run, lab, one.level, one.difference, one.weight, n=labs, n_cells=labs)
        found.append(2 * stats.t.sf(np.abs(fit.slope / fit.se), fit.df))
    rates = np.mean(np.array(found) < 0.05, axis=0)
    # 250 networks: standard error 1.4 points for the first laboratory, about 0.5 for the others together
    assert 0.01 <= rates[0] <= 0.09
    assert 0.025 <= rates[1:].mean() <= 0.06  # a little cautious with so few runs
