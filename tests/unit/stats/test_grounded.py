"""Inverses of held networks: LAPACK's, whatever is eliminated and whatever inverted whole, with the digits of weak ties."""

from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse

from labqa.stats.network import grounded as module
from labqa.stats.network.grounded import grounded


def network(n, m, seed):
    """Weights of a chain of n nodes with about m edges more, dense."""
    rng = np.random.default_rng(seed)
    one, other = rng.integers(0, n, m), rng.integers(0, n, m)
    out = np.diag(rng.uniform(0.2, 2.0, n - 1), 1)
    out[one[one != other], other[one != other]] += rng.uniform(0.2, 2.0, int((one != other).sum()))
    return out + out.T


def held_matrix(weight, leak):
    return np.diag(weight.sum(axis=1) + leak) - weight


@pytest.mark.parametrize(("n", "m"), [(1, 0), (2, 0), (3, 1), (40, 10), (60, 400), (200, 300)])
@pytest.mark.parametrize("dense", [0.0, module.DENSE, np.inf], ids=["all whole", "both", "all one by one"])
def test_inverse_is_lapacks_on_either_way(n, m, dense, monkeypatch):
    monkeypatch.setattr(module, "DENSE", dense)
    weight, leak = network(n, m, seed=n + m), np.random.default_rng(m).uniform(0.0, 0.3, n)
    leak[0] += 0.1
    found = grounded(sparse.csr_array(weight), leak)
    assert found == pytest.approx(np.linalg.inv(held_matrix(weight, leak)), rel=1e-9, abs=1e-12)
    assert np.array_equal(found, found.T)


@pytest.mark.parametrize("held", [0, 17, 39])
def test_node_held_at_zero_is_lapacks_without_its_row_and_column(held):
    weight = network(40, 60, seed=2)
    found = grounded(sparse.csr_array(weight), np.zeros(40), held=held)
    rest = np.delete(np.arange(40), held)
    assert found[np.ix_(rest, rest)] == pytest.approx(
        np.linalg.inv(held_matrix(weight, np.zeros(40))[np.ix_(rest, rest)]), rel=1e-9
    )
    assert not found[held].any()
    assert not found[:, held].any()


def test_what_is_held_nowhere_is_refused():
    weight = np.zeros((4, 4))
    weight[0, 1] = weight[1, 0] = weight[2, 3] = weight[3, 2] = 1.0
    with pytest.raises(ValueError, match="tied to nothing that is held"):
        grounded(sparse.csr_array(weight), np.zeros(4), held=0)


def test_weak_ties_keep_their_digits():
    """A chain tied to what is held by a trillionth, beside exact fractions; subtraction would leave four digits."""
    ties = [Fraction(1, 10**12), Fraction(3), Fraction(7, 2), Fraction(1, 3), Fraction(5)]
    weight = np.zeros((6, 6))
    for k, tie in enumerate(ties):
        weight[k, k + 1] = weight[k + 1, k] = float(tie)
    found = grounded(sparse.csr_array(weight), np.zeros(6), held=0)
    exact = [float(sum((1 / tie for tie in ties[:k]), Fraction(0))) for k in range(6)]
    assert np.diag(found) == pytest.approx(exact, rel=1e-14)
