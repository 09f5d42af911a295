"""Networks of many laboratories against dense algebra written out, and solves column by column."""

import numpy as np
import pytest
from scipy import sparse

from labqa.stats.network import variance
from labqa.stats.network.blocks import fit, incidence
from labqa.stats.network.columns import solved_columns
from labqa.stats.network.felt import Grouping
from labqa.stats.network.laboratories import node_variances, separability
from labqa.stats.network.variance import Contrasts, against_others, moments, spread
from labqa.stats.network.zero import leave_one_out_centres

N, PAIRS, ITEMS, ROUNDS, ROUND = 700, 3000, 6, 40, 12


@pytest.fixture(scope="module")
def large():
    """A network of pairs, and of rounds of twelve: start, node, weight, y and the item of each observation."""
    draw = np.random.default_rng(1)
    second = (np.arange(PAIRS) + 1 + draw.integers(0, N - 1, PAIRS)) % N
    node = np.stack([np.arange(PAIRS) % N, np.where(second == np.arange(PAIRS) % N, (second + 1) % N, second)], axis=1).ravel()
    node = np.concatenate([node, *(draw.permutation(N)[:ROUND] for _ in range(ROUNDS))])
    size = np.repeat([2, ROUND], [PAIRS, ROUNDS])
    item = np.repeat(draw.integers(0, ITEMS, PAIRS + ROUNDS), size)
    y = draw.normal(0, 0.5, N)[node] + draw.normal(0, 0.8, len(node))
    return np.concatenate([[0], np.cumsum(size)]), node, draw.uniform(0.5, 2.0, len(node)), y, item


def grouped(node, item):
    """Lab × item, and each observation by itself."""
    names, group = np.unique(node * ITEMS + item, return_inverse=True)
    own = Grouping(incidence(np.arange(len(node)), n=len(node)), node)
    return [own, Grouping(incidence(group, n=len(names)), names // ITEMS)]


def written_out(start, node, weight, groupings):
    """Inverse of the Laplacian, X'PZ by kind, and Z'PZ by pair of kinds."""
    w = sparse.diags_array(weight, format="csr")
    b = sparse.csr_array((np.ones(len(node)), (np.arange(len(node)), np.repeat(np.arange(len(start) - 1), np.diff(start)))))
    x = sparse.csr_array((np.ones(len(node)), (np.arange(len(node)), node)))
    p = w - w @ b @ sparse.diags_array(1.0 / (b.T @ weight), format="csr") @ b.T @ w
    z = [one.matrix for one in groupings]
    felt = [x.T @ p @ one for one in z]
    inverse = np.linalg.inv((x.T @ p @ x).toarray() + 1.0 / N)
    return inverse, felt, [[a.T @ p @ c for c in z] for a in z]


def test_effects_solve_the_normal_equations(large):
    start, node, weight, y, _ = large
    found = fit(start, node, weight, y, n=N)
    assert np.bincount(node, weights=found.score, minlength=N) == pytest.approx(0, abs=1e-7)


def test_spread_is_that_of_the_dense_inverse(large):
    start, node, weight, y, item = large
    groupings = grouped(node, item)
    found = fit(start, node, weight, y, n=N)
    centres = leave_one_out_centres(found.effect)
    told = spread(found, groupings, against_others(centres, nodes=N), lab=np.arange(N), needed=np.ones(2, dtype=bool))
    inverse, felt, _ = written_out(start, node, weight, groupings)
    rows = inverse - centres.weight @ inverse
    for k in range(2):
        effect = np.asarray((felt[k].T @ rows.T).T)
        assert told.total[:, k] == pytest.approx((effect**2).sum(axis=1), rel=1e-6)
        mine = groupings[k].owner[None, :] == np.arange(N)[:, None]
        assert told.own[:, k] == pytest.approx(((effect * mine) ** 2).sum(axis=1), rel=1e-6)


@pytest.mark.parametrize("room", [0.25, 0.0])
def test_moments_are_exact(large, room, monkeypatch):
    monkeypatch.setattr(variance, "ROOM", room)
    start, node, weight, y, item = large
    halves = Grouping(incidence(2 * node + (np.arange(len(node)) >= PAIRS), n=2 * N), np.arange(2 * N) // 2)
    groupings = [*grouped(node, item), halves, Grouping(incidence(node, n=N), np.arange(N))]
    found = moments(fit(start, node, weight, y, n=N), groupings, n_labs=N)
    inverse, felt, crossed = written_out(start, node, weight, groupings)
    for k in range(4):
        for j in range(4):
            one, other = (felt[k] @ felt[k].T).toarray(), (felt[j] @ felt[j].T).toarray()
            both = (felt[k] @ crossed[k][j] @ felt[j].T).toarray()
            taken = 2.0 * (inverse * both.T).sum() - ((inverse @ one) * (inverse @ other).T).sum()
            exact = crossed[k][j].power(2).sum() - taken
            assert taken > 0.1 * exact, "the fit takes so little that the test shows nothing"
            assert found.expected[k, j].sum() == pytest.approx(exact, rel=1e-9, abs=1e-9)


def test_an_inverse_is_computed_again_once_it_is_forgotten(large):
    start, node, weight, y, _ = large
    found = fit(start, node, weight, y, n=N, ground=3)
    before = found.inverse.copy()
    found.forget()
    assert "inverse" not in vars(found)
    assert found.inverse.tolist() == before.tolist()


def test_columns_do_not_influence_each_other():
    draw = np.random.default_rng(2)
    root = sparse.random_array((80, 80), density=0.1, rng=draw, format="csr")
    matrix = sparse.csr_array(root @ root.T + sparse.eye_array(80))
    right = draw.normal(size=(80, 37))
    found = solved_columns(matrix, right)
    assert found is not None
    assert found == pytest.approx(np.linalg.solve(matrix.toarray(), right), abs=1e-8)
    alone = solved_columns(matrix, right[:, 20:21])
    assert alone is not None
    assert alone[:, 0].tolist() == found[:, 20].tolist()


def test_a_chain_that_takes_too_many_steps_is_left_to_others():
    n = 3000
    chain = sparse.diags_array(
        [np.full(n - 1, -1.0), np.r_[1.0, np.full(n - 2, 2.0), 1.0], np.full(n - 1, -1.0)], offsets=[-1, 0, 1]
    )
    right = np.zeros((n, 1))
    right[0], right[-1] = 1.0, -1.0
    assert solved_columns(sparse.csr_array(chain), right) is None


def test_a_large_network_is_separable_as_the_dense_eigenvalue_says(large):
    node = large[1][: 2 * PAIRS]
    block = np.repeat(np.arange(PAIRS), 2)
    seen = sparse.csr_array((np.ones(len(node)), (node, block)))
    joint = (seen @ seen.T).toarray()
    np.fill_diagonal(joint, 0)
    root = 1 / np.sqrt(joint.sum(axis=1))
    expected = np.linalg.eigvalsh(np.eye(N) + root[:, None] * joint * root)[0]
    assert separability(node, block, n=N, n_blocks=PAIRS) == pytest.approx(expected, abs=1e-6)
    even = np.stack([2 * np.arange(PAIRS) % N, (2 * np.arange(PAIRS) % N) + 1], axis=1)
    even = np.vstack([even, np.stack([2 * np.arange(N // 2 - 1), 2 * np.arange(N // 2 - 1) + 3], axis=1)])
    assert separability(even.ravel(), np.repeat(np.arange(len(even)), 2), n=N, n_blocks=len(even)) == 0.0


def test_precisions_of_a_large_network_come_back_with_their_model_error():
    draw = np.random.default_rng(4)
    pairs = 12 * N
    node = np.stack([np.arange(pairs) % N, (np.arange(pairs) + draw.integers(1, N, pairs)) % N], axis=1).ravel()
    sd = np.where(np.arange(N) % 50 == 0, 3.0, 1.0)
    found = node_variances(
        np.arange(0, 2 * pairs + 1, 2), node, draw.normal(size=2 * pairs) * sd[node], [np.repeat(np.arange(pairs), 2)], n=N
    )
    z = np.log(found.variance / sd**2) / np.sqrt(found.log_model)
    assert np.isfinite(z).all() and abs(np.median(z)) < 0.5
    assert np.median(found.variance[sd > 1]) > 4 * np.median(found.variance[sd == 1])


def brute(others, constant=1.5):
    """Huber's location by bisection of its estimating equation, and which values lie inside the cut."""
    middle = np.median(others)
    limit = constant * 1.4826022185056018 * np.median(np.abs(others - middle))
    if limit == 0:
        return middle, others == middle
    low, high = others.min(), others.max()
    for _ in range(200):
        centre = 0.5 * (low + high)
        if np.clip(others - centre, -limit, limit).sum() > 0:
            low = centre
        else:
            high = centre
    return centre, np.abs(others - centre) <= limit


@pytest.mark.parametrize("n", [2, 3, 4, 5, 8, 21, 60])
@pytest.mark.parametrize("kind", ["normal", "heavy", "rounded", "halves"])
def test_centres_of_the_others_solve_their_equation(n, kind):
    draw = np.random.default_rng(n)
    values = {
        "normal": draw.normal(size=n),
        "heavy": draw.standard_t(1, n),
        "rounded": np.round(draw.normal(size=n), 1),
        "halves": np.where(np.arange(n) < n // 2 + 1, 0.5, draw.normal(size=n)),
    }[kind]
    found = leave_one_out_centres(values)
    for lab in range(n):
        others = np.delete(values, lab)
        centre, inside = brute(others)
        assert found.centre[lab] == pytest.approx(centre, abs=1e-9)
        weight = np.delete(found.weight[lab], lab)
        edge = np.abs(np.abs(others - centre) - 1.5 * 1.4826022185056018 * np.median(np.abs(others - np.median(others)))) < 1e-9
        if inside.any() and not edge.any():
            assert weight == pytest.approx(inside / inside.sum())


def test_contrasts_against_the_others_are_their_weights_written_out():
    values = np.random.default_rng(3).standard_t(2, 40)
    centres = leave_one_out_centres(values)
    told = against_others(centres, nodes=41)
    assert isinstance(told, Contrasts) and len(told.bases) < 40
    assert pytest.approx(np.eye(40) - centres.weight, abs=1e-15) == told.columns(0, 40)[:40].T
    assert not told.columns(0, 40)[40].any()
