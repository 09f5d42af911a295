"""Exact solves by elimination, and the diagonal of the sandwich, against dense algebra of NumPy."""

import numpy as np
import pytest
from scipy import sparse

from labqa.stats.latent.factor import Steps, factored, ordered, sandwich

N = 300


def network(seed, pairs, block):
    """Differences of random pairs and one block in which many take part: information and outer products of scores."""
    draw = np.random.default_rng(seed)
    rows = np.zeros((pairs + block, N))
    for row in rows[:pairs]:
        row[draw.choice(N, 2, replace=False)] = draw.normal(size=2)
    rows[pairs:, draw.choice(N, block, replace=False)] = draw.normal(size=(block, block))
    weight, other = draw.uniform(0.5, 2.0, (2, len(rows)))
    return rows.T * weight @ rows + 0.01 * np.eye(N), rows.T * other @ rows


@pytest.mark.parametrize(("pairs", "block"), [(150, 0), (420, 0), (420, 30), (2000, 60)])
def test_the_sandwich_on_its_diagonal_is_that_of_dense_inverses(pairs, block):
    information, meat = network(1, pairs, block)
    found = sandwich(sparse.csr_array(information), sparse.csr_array(meat))
    inverse = np.linalg.inv(information)
    np.testing.assert_allclose(found.bread, np.diag(inverse), rtol=1e-9)
    np.testing.assert_allclose(found.whole, np.diag(inverse @ meat @ inverse), rtol=1e-8, atol=1e-10)
    right = np.random.default_rng(2).normal(size=(N, 20))
    for width in (1, 20):
        np.testing.assert_allclose(found.factor.solved(right[:, :width]), inverse @ right[:, :width], rtol=1e-7, atol=1e-8)


def test_a_forest_is_eliminated_without_a_core_and_a_block_of_all_is_nothing_else():
    tree = np.eye(N) * 4.0
    for child in range(1, N):
        tree[child, (child - 1) // 3] = tree[(child - 1) // 3, child] = -1.0
    assert ordered(sparse.csr_array(tree)).first == N
    assert len(ordered(sparse.csr_array(tree)).row) == N - 1
    assert ordered(sparse.csr_array(np.ones((N, N)))).first == 0


@pytest.mark.parametrize("below", [0.02, 5.0])
def test_what_is_not_positive_definite_has_no_factor(below):
    information, meat = network(3, 420, 30)
    matrix = sparse.csr_array(information - below * np.eye(N))
    assert np.linalg.eigvalsh(matrix.toarray())[0] < 0.0
    assert factored(ordered(matrix), matrix) is None
    assert sandwich(matrix, sparse.csr_array(meat)) is None
    assert Steps(matrix).solved(matrix, np.ones(N)) is None
    assert Steps(matrix).diagonal(matrix) is None


def test_steps_solve_what_changes_little_and_what_changes_much():
    information, meat = network(4, 420, 30)
    right = np.random.default_rng(5).normal(size=N)
    steps = Steps(sparse.csr_array(information))
    for matrix in (information, information + 0.01 * meat, information + 30.0 * meat):
        expected = np.linalg.solve(matrix, right)
        found = steps.solved(sparse.csr_array(matrix), right)
        diagonal = steps.diagonal(sparse.csr_array(matrix))
        np.testing.assert_allclose(diagonal, np.diag(np.linalg.inv(matrix)), rtol=1e-9)
        assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()
