"""Variances of laboratories from shared blocks: told apart only where the network has an odd cycle."""

import numpy as np
import pytest

from labqa.stats.network.laboratories import effective_df, leverage, node_variances, separability, shrunken_variances


def pairs(edges):
    return np.array(edges).ravel(), np.repeat(np.arange(len(edges)), 2)


@pytest.mark.parametrize(
    ("edges", "separable"),
    [
        ([(0, 1), (0, 2), (0, 3), (0, 4)], False),  # a star
        ([(0, 1), (1, 2), (2, 3), (3, 0)], False),  # originals against retests
        ([(0, 1), (1, 2), (2, 0), (2, 3)], True),  # a triangle
        ([(0, 1), (1, 2), (2, 3), (3, 4), (4, 0)], True),  # an odd ring
    ],
)
def test_only_an_odd_cycle_separates(edges, separable):
    node, block = pairs(edges)
    found = separability(node, block, n=int(node.max()) + 1, n_blocks=len(edges))
    assert (found > 1e-6) == separable and (separable or found == pytest.approx(0, abs=1e-12))


def test_three_laboratories_give_the_moments_of_grubbs():
    """With three laboratories σ1² = (V12 + V13 − V23)/2 from the variances of the differences (Grubbs 1948).

    Here by likelihood, which agrees where every pair is measured equally often and the residuals are not cut.
    """
    draw = np.random.default_rng(1)
    true, count = np.array([0.6, 1.0, 1.5]), 4000
    edges = [(0, 1), (0, 2), (1, 2)] * count
    node, block = pairs(edges)
    y = draw.uniform(-1, 1, len(node)) * np.sqrt(3) * true[node]
    found = node_variances(np.arange(0, len(node) + 1, 2), node, y, [block], n=3)
    gap = (y[0::2] - y[1::2]).reshape(-1, 3)
    v12, v13, v23 = (gap**2).mean(axis=0)
    assert found.variance[1] == pytest.approx((v12 + v23 - v13) / 2, rel=0.04)
    assert np.sqrt(found.variance) == pytest.approx(true, rel=0.04)


def test_the_imprecise_laboratory_is_found_with_an_error_that_holds():
    draw = np.random.default_rng(2)
    sd = np.where(np.arange(30) == 4, 3.0, 1.0)
    edges = [tuple(draw.permutation(30)[:2]) for _ in range(1500)]
    node, block = pairs(edges)
    y = draw.normal(size=len(node)) * sd[node] + np.repeat(draw.normal(0, 20, 1500), 2)
    found = node_variances(np.arange(0, len(node) + 1, 2), node, y, [block], n=30)
    df = effective_df(found)
    z = np.log(np.sqrt(found.variance) / sd) * np.sqrt(2 * df.cautious)
    assert np.argmax(found.variance) == 4 and np.abs(z).max() < 4 and (df.cautious <= df.held).all()


def test_leverage_is_what_the_penalised_fit_takes():
    draw = np.random.default_rng(3)
    edges = [tuple(draw.permutation(6)[:2]) for _ in range(15)]
    node, _ = pairs(edges)
    ratio = 1.3
    incidence = np.eye(6)[node[0::2]] - np.eye(6)[node[1::2]]
    laplacian = incidence.T @ incidence / 2
    hat = incidence @ np.linalg.inv(laplacian + ratio * np.eye(6)) @ incidence.T / 2
    assert leverage(np.arange(0, 31, 2), node, ratio=ratio)[0::2] == pytest.approx(np.diag(hat))


def test_shrunken_variances_are_usable_where_nothing_separates_them():
    """A star: the difference is charged half and half, and the prior keeps every value near that of all."""
    draw = np.random.default_rng(4)
    edges = [(0, 1 + k % 5) for k in range(500)]
    node, _ = pairs(edges)
    sd = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 4.0])
    y = draw.normal(size=1000) * sd[node] + np.repeat(draw.normal(0, 20, 500), 2)
    found = shrunken_variances(np.arange(0, 1001, 2), node, y, np.ones(1000), n=6, prior=50.0)
    assert np.argmax(found) == 5 and found[5] > 3 and np.median(found) == pytest.approx(1)
    weak = shrunken_variances(np.arange(0, 1001, 2), node, y, np.ones(1000), n=6, prior=1e6)
    assert weak == pytest.approx(1, abs=0.01)
