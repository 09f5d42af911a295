"""The inverse of squares that share one row and column, against the dense inverse of NumPy."""

import numpy as np
import pytest

from labqa.stats.network.variance import Contrasts
from labqa.stats.selection.arrow import arrow, entries, parts

COMPONENT = np.array([0, 1, 0, 3, 1, 0, 0])


@pytest.fixture
def made():
    """Squares of random positive definite matrices, the whole with its border, and the arrow."""
    draw = np.random.default_rng(1)
    n = len(COMPONENT)
    root = draw.normal(size=(n + 1, n + 1))
    whole = root @ root.T + np.eye(n + 1)
    whole[:n, :n] *= COMPONENT[:, None] == COMPONENT
    whole[n, n] += 20.0
    at = parts(COMPONENT)
    i, j = np.nonzero(COMPONENT[:, None] == COMPONENT)
    squares = np.zeros(at.square[-1])
    squares[entries(at, i, j)] = whole[i, j]
    return whole, arrow(at, squares, whole[:n, n], float(whole[n, n]))


def test_the_arrow_is_the_inverse(made):
    whole, found = made
    n, inverse = len(COMPONENT), np.linalg.inv(whole)
    right = np.arange(n + 1.0)
    np.testing.assert_allclose(found.times(right), inverse @ right, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(found.rows(np.eye(n)), inverse[:n], rtol=1e-10, atol=1e-12)
    i, j = np.nonzero(COMPONENT[:, None] == COMPONENT)
    np.testing.assert_allclose(found.between(i, j), inverse[i, j], rtol=1e-10, atol=1e-12)


def test_contrasts_and_the_level_of_components_are_those_of_the_dense_inverse(made):
    whole, found = made
    n = len(COMPONENT)
    same = 1.0 * (COMPONENT[:, None] == COMPONENT)
    out = np.eye(n + 1)
    out[:n, :n] -= same / same.sum(axis=1)
    expected = out @ np.linalg.inv(whole) @ out.T
    centred = found.without_level()
    contrasts = Contrasts(
        np.array([2, 4, 3]), np.array([1.5, 1.0, 0.0]), np.array([1, 0, 1]), np.stack([np.ones(n) / n, same[1] / 2])
    )
    rows = np.stack([1.5 * np.eye(n)[2] - same[1] / 2, np.eye(n)[4] - 1 / n, -same[1] / 2])
    told = centred.of_contrasts(contrasts, 0, 3, centred.rows(contrasts.bases))
    np.testing.assert_allclose(told, rows @ expected[:n], rtol=1e-9, atol=1e-12)
