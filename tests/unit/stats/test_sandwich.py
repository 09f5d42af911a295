"""Clustered covariances of the pair fit against statsmodels and against sums over pairs of pairs."""

import numpy as np
import pytest
import statsmodels.api as sm

from labqa.stats.network.huber import huber_pairs, pair_scores
from labqa.stats.network.laplacian import fit_pairs
from labqa.stats.network.sandwich import clustered_covariance, dyadic_covariance


def drawn(seed, *, n=7, m=80, samples=15):
    draw = np.random.default_rng(seed)
    a, b = draw.integers(0, n, m), draw.integers(0, n - 1, m)
    b += b >= a
    return a, b, draw.normal(size=m), draw.uniform(0.5, 2.0, m), draw.integers(0, samples, m)


def residual_scores(a, b, delta, weight, n):
    effect = fit_pairs(a, b, delta, weight, n=n, tolerance=1e-13).effect
    return weight * (delta - effect[a] + effect[b])


def differences(n):
    """Contrasts of laboratories 1 … n − 1 with 0."""
    return np.hstack([-np.ones((n - 1, 1)), np.eye(n - 1)])


# Both are closed formulas in float64 on matrices with a condition number below 100: 1e-8 as asked, 1e-12 obtained.
@pytest.mark.parametrize("seed", range(4))
def test_same_as_statsmodels(seed):
    n = 7
    a, b, delta, weight, cluster = drawn(seed)
    x = (np.eye(n)[a] - np.eye(n)[b])[:, 1:]
    found = clustered_covariance(a, b, weight, residual_scores(a, b, delta, weight, n), cluster, n=n)
    for corrected in (True, False):
        expected = sm.WLS(delta, x, weights=weight).fit(
            cov_type="cluster", cov_kwds={"groups": cluster, "use_correction": corrected, "df_correction": corrected}
        )
        scores = residual_scores(a, b, delta, weight, n)
        of_contrasts = clustered_covariance(a, b, weight, scores, cluster, n=n, contrasts=differences(n), corrected=corrected)
        assert of_contrasts.covariance == pytest.approx(expected.cov_params(), rel=1e-8, abs=1e-12)
    whole = differences(n) @ found.covariance @ differences(n).T
    corrected_once = clustered_covariance(a, b, weight, scores, cluster, n=n, contrasts=differences(n)).covariance
    assert whole == pytest.approx(corrected_once, rel=1e-9, abs=1e-13)
    assert found.covariance.sum(axis=0) == pytest.approx(np.zeros(n), abs=1e-12)
    assert found.clusters.tolist() == [len(set(cluster))] * n


def test_ols_with_clusters_of_one_pair_is_hc1():
    n = 7
    a, b, delta, _, _ = drawn(9)
    ones = np.ones(len(a))
    expected = sm.OLS(delta, (np.eye(n)[a] - np.eye(n)[b])[:, 1:]).fit(cov_type="HC1").cov_params()
    found = clustered_covariance(
        a, b, ones, residual_scores(a, b, delta, ones, n), np.arange(len(a)), n=n, contrasts=differences(n)
    )
    assert found.covariance == pytest.approx(expected, rel=1e-8, abs=1e-12)  # N/(N − 1) · (N − 1)/(N − p)


def test_pairs_without_weight_and_order_do_not_count():
    n = 7
    a, b, delta, weight, cluster = drawn(2)
    weight[::5] = 0.0
    kept = weight > 0
    score = residual_scores(a, b, delta, weight, n)
    whole = clustered_covariance(a, b, weight, score, cluster, n=n)
    part = clustered_covariance(a[kept], b[kept], weight[kept], score[kept], cluster[kept], n=n)
    assert np.array_equal(whole.covariance, part.covariance)
    turn = np.random.default_rng(1).permutation(len(a))
    turned = clustered_covariance(b[turn], a[turn], weight[turn], -score[turn], cluster[turn] + 100, n=n)
    assert turned.covariance == pytest.approx(whole.covariance, abs=1e-13)


def test_each_component_has_its_own_correction():
    n = 7
    a, b, delta, weight, cluster = drawn(3)
    twice = (np.r_[a, a + n], np.r_[b, b + n], np.r_[weight, weight])
    score = residual_scores(a, b, delta, weight, n)
    found = clustered_covariance(*twice, np.r_[score, score], np.r_[cluster, cluster + 50], n=2 * n)
    alone = clustered_covariance(a, b, weight, score, cluster, n=n)
    assert found.covariance[:n, :n] == pytest.approx(alone.covariance, rel=1e-10)
    assert found.covariance[n:, n:] == pytest.approx(alone.covariance, rel=1e-10)
    assert np.abs(found.covariance[:n, n:]).max() == 0.0


def test_one_cluster_or_no_pair_to_spare_gives_nan():
    a, b, weight = np.array([0, 1, 2]), np.array([1, 2, 0]), np.ones(3)
    score = np.array([1.0, 1.0, 1.0])
    assert np.isnan(clustered_covariance(a, b, weight, score, np.zeros(3, np.int64), n=3).covariance).all()
    tree = clustered_covariance(a[:2], b[:2], weight[:2], np.zeros(2), np.arange(2), n=4)
    assert np.isnan(tree.covariance[:3, :3]).all() and tree.covariance[3, 3] == 0.0 and tree.clusters.tolist() == [2, 2, 2, 0]


def test_pairs_cut_by_the_robust_fit_count_by_their_score():
    n = 7
    a, b, delta, _, _ = drawn(4, m=200)
    delta[::17] += 20.0
    weight = np.ones(len(a))
    fitted = huber_pairs(a, b, delta, weight, n=n)
    score, slope = pair_scores(a, b, delta, weight, effect=fitted.effect, scale=fitted.scale)
    x = (np.eye(n)[a] - np.eye(n)[b])[:, 1:]
    bread = np.linalg.inv(x.T @ (slope[:, None] * x))
    found = clustered_covariance(a, b, slope, score, np.arange(len(a)), n=n, contrasts=differences(n), corrected=False)
    assert found.covariance == pytest.approx(bread @ (x.T * score**2) @ x @ bread, rel=1e-8)


def brute_force(a, b, weight, score, linked, n):
    x = np.eye(n)[a] - np.eye(n)[b]
    inverse = np.linalg.pinv(x.T @ (weight[:, None] * x))
    meat = sum(score[k] * score[m] * np.outer(x[k], x[m]) for k in range(len(a)) for m in range(len(a)) if linked(k, m))
    return inverse @ meat @ inverse


@pytest.mark.parametrize("seed", range(3))
def test_dyadic_is_the_sum_over_all_pairs_that_share_a_unit(seed):
    n = 6
    a, b, delta, weight, cluster = drawn(seed, n=n, m=50)
    draw = np.random.default_rng(seed + 10)
    one, two = 10 * a + draw.integers(0, 2, 50), 10 * b + draw.integers(0, 2, 50)
    two[3] = one[3]  # a pair both of whose results came from one run
    score = residual_scores(a, b, delta, weight, n)

    def shared(k, m):
        return bool({one[k], two[k]} & {one[m], two[m]})

    found = dyadic_covariance(a, b, weight, score, one, two, n=n)
    assert found == pytest.approx(brute_force(a, b, weight, score, shared, n), abs=1e-12)
    both = dyadic_covariance(a, b, weight, score, one, two, n=n, cluster=cluster)
    expected = brute_force(a, b, weight, score, lambda k, m: shared(k, m) or cluster[k] == cluster[m], n)
    assert both == pytest.approx(expected, abs=1e-12)


def test_arrays_must_fit():
    a, b, weight = np.array([0, 1]), np.array([1, 2]), np.ones(2)
    with pytest.raises(ValueError, match="2 pairs, 1 scores"):
        clustered_covariance(a, b, weight, np.ones(1), np.arange(2), n=3)
    with pytest.raises(ValueError, match="not finite"):
        clustered_covariance(a, b, weight, np.array([1.0, np.nan]), np.arange(2), n=3)
    with pytest.raises(ValueError, match="groups of"):
        dyadic_covariance(a, b, weight, np.ones(2), np.arange(2), np.arange(3), n=3)
