"""The network fit against dense linear algebra written out on small networks."""

import numpy as np
import pytest

from labqa.stats.network.blocks import fit, incidence, profiled
from labqa.stats.network.components import bridge_share, bridges, components
from labqa.stats.network.felt import Grouping, felt
from labqa.stats.network.variance import moments, solve_components, spread
from labqa.stats.network.zero import leave_one_out_centres


def small_network(seed: int, n: int = 7, blocks: int = 40):
    draw = np.random.default_rng(seed)
    node = [draw.permutation(n)[: draw.integers(2, 7)] for _ in range(blocks)]
    start = np.concatenate([[0], np.cumsum([len(one) for one in node])]).astype(np.int64)
    node = np.concatenate(node).astype(np.int64)
    return start, node, draw.uniform(0.5, 2.0, len(node)), draw.normal(size=len(node)) + node, draw


def dense(start, node, weight, n):
    block = np.repeat(np.arange(len(start) - 1), np.diff(start))
    b, x, w = np.eye(len(start) - 1)[block], np.eye(n)[node], np.diag(weight)
    p = w - w @ b @ np.linalg.inv(b.T @ w @ b) @ b.T @ w
    return x, p, p - p @ x @ np.linalg.pinv(x.T @ p @ x) @ x.T @ p


def test_effects_are_those_of_least_squares_with_a_level_for_each_block():
    start, node, weight, y, _ = small_network(1)
    found = fit(start, node, weight, y, n=7)
    block = np.repeat(np.arange(len(start) - 1), np.diff(start))
    design = np.hstack([np.eye(7)[node], np.eye(len(start) - 1)[block]]) * np.sqrt(weight)[:, None]
    solved = np.linalg.lstsq(design, y * np.sqrt(weight), rcond=None)[0][:7]
    assert found.effect - found.effect[0] == pytest.approx(solved - solved[0], abs=1e-10)
    assert found.score == pytest.approx(profiled(start, weight, y - solved[node]), abs=1e-10)


@pytest.mark.parametrize("ground", [0, 3, 6])
def test_contrasts_do_not_depend_on_the_node_held_at_zero(ground):
    start, node, weight, y, _ = small_network(2)
    one, other = fit(start, node, weight, y, n=7), fit(start, node, weight, y, n=7, ground=ground)
    assert one.effect - one.effect[1] == pytest.approx(other.effect - other.effect[1], abs=1e-12)


def test_effects_by_steps_are_those_by_the_inverse_also_where_steps_do_not_reach_them():
    """On a random network, and on a chain of 700 whose steps end before its ends have met."""
    rng = np.random.default_rng(8)
    random = np.stack([rng.integers(0, 30, 400), rng.integers(30, 60, 400)], axis=1)
    for pairs in (random, np.stack([np.arange(699), np.arange(1, 700)], axis=1)):
        node, y, weight = pairs.ravel(), rng.normal(0.0, 1.0, pairs.size), rng.uniform(0.5, 2.0, pairs.size)
        start, n = np.arange(0, pairs.size + 1, 2), int(node.max()) + 1
        by_steps, whole = (fit(start, node, weight, y, n=n, ground=3, iterated=way) for way in (True, False))
        assert by_steps.effect == pytest.approx(whole.effect, abs=1e-9)
        assert by_steps.score == pytest.approx(whole.score, abs=1e-9)
        assert ("inverse" in vars(by_steps)) == (n == 700)


def test_felt_variance_and_spread_are_the_sandwich_written_out():
    start, node, weight, y, draw = small_network(3)
    x, p, _ = dense(start, node, weight, 7)
    group = draw.integers(-1, 9, len(node))
    z = incidence(group, n=9)
    found = fit(start, node, weight, y, n=7)
    variance = x.T @ p @ z.toarray() @ z.toarray().T @ p @ x
    assert felt(found, Grouping(z, np.arange(9) % 7), 7).applied(np.eye(7)) == pytest.approx(variance, abs=1e-10)
    contrast = np.eye(7) - 1 / 7
    rows = contrast @ np.linalg.pinv(x.T @ p @ x) @ x.T @ p @ z.toarray()
    owner = np.arange(9) % 7
    told = spread(found, [Grouping(z, owner)], contrast, lab=np.arange(7), needed=np.array([True]))
    assert told.total[:, 0] == pytest.approx((rows**2).sum(axis=1), abs=1e-10)


def test_what_many_small_groups_feel_is_the_same_by_pairs_of_laboratories():
    start, node, weight, y, _ = small_network(6, blocks=200)
    x, p, _ = dense(start, node, weight, 7)
    found = felt(fit(start, node, weight, y, n=7), Grouping(incidence(np.arange(len(node)), n=len(node)), node), 7)
    assert found.joint is not None
    assert found.applied(np.eye(7)) == pytest.approx(x.T @ p @ p @ x, abs=1e-10)


def test_own_share_of_a_contrast_counts_the_groups_of_its_laboratory():
    start, node, weight, y, draw = small_network(4)
    x, p, _ = dense(start, node, weight, 7)
    group = node * 3 + draw.integers(0, 3, len(node))
    z = incidence(group, n=21)
    contrast = np.eye(7) - 1 / 7
    rows = contrast @ np.linalg.pinv(x.T @ p @ x) @ x.T @ p @ z.toarray()
    own = [(rows[lab, lab * 3 : lab * 3 + 3] ** 2).sum() for lab in range(7)]
    found = fit(start, node, weight, y, n=7)
    told = spread(found, [Grouping(z, np.arange(21) // 3)], contrast, lab=np.arange(7), needed=np.array([True]))
    assert told.own[:, 0] == pytest.approx(own, abs=1e-10)


def test_moments_are_the_squared_norms_of_the_projected_groups():
    start, node, weight, y, draw = small_network(5)
    _, _, q = dense(start, node, weight, 7)
    z = [incidence(np.arange(len(node)), n=len(node)), incidence(node * 3 + draw.integers(0, 3, len(node)), n=21)]
    groupings = [Grouping(z[0], node), Grouping(z[1], np.arange(21) // 3)]
    found = moments(fit(start, node, weight, y, n=7), groupings, n_labs=7)
    for k in range(2):
        assert found.observed[k].sum() == pytest.approx(((z[k].T @ (q @ y)) ** 2).sum(), rel=1e-9)
        for j in range(2):
            exact = (np.asarray(z[k].T @ q @ z[j].toarray()) ** 2).sum()
            assert found.expected[k, j].sum() == pytest.approx(exact, rel=1e-9)


def test_variance_components_come_back_from_a_large_network():
    draw = np.random.default_rng(6)
    n, per = 40, 3000
    node = np.concatenate([draw.permutation(n)[:2] for _ in range(per)])
    start = np.arange(0, 2 * per + 1, 2)
    item = np.repeat(draw.integers(0, 12, per), 2)
    group = node * 12 + item
    y = draw.normal(0, 0.5, n * 12)[group] + draw.normal(0, 0.8, 2 * per) + np.repeat(draw.normal(0, 9, per), 2)
    groupings = [
        Grouping(incidence(np.arange(2 * per), n=2 * per), node),
        Grouping(incidence(group, n=n * 12), np.arange(n * 12) // 12),
    ]
    found = moments(fit(start, node, np.ones(2 * per), y, n=n), groupings, n_labs=n)
    told = solve_components(found, known=np.full(2, np.nan))
    error = np.sqrt(np.diag(told.covariance))
    assert np.abs(told.variance - [0.64, 0.25]).max() < 0.05 and (error < 0.05).all()
    assert (np.abs(told.variance - [0.64, 0.25]) < 4 * error).all()


def test_what_cannot_be_told_apart_is_charged_to_the_first_kind():
    start, node, weight, y, _ = small_network(7)
    same = incidence(np.arange(len(node)), n=len(node))
    found = moments(fit(start, node, weight, y, n=7), [Grouping(same, node), Grouping(same, node)], n_labs=7)
    told = solve_components(found, known=np.full(2, np.nan))
    assert told.identified.tolist() == [True, False] and told.variance[1] == 0 < told.variance[0]


def _split_by_hand(edges, n, cut):
    seen, todo = {cut[0]}, [cut[0]]
    while todo:
        here = todo.pop()
        for a, b in edges:
            if {a, b} != set(cut) and here in (a, b):
                other = b if here == a else a
                if other not in seen:
                    seen.add(other)
                    todo.append(other)
    return cut[1] not in seen, seen


@pytest.mark.parametrize("seed", range(8))
def test_bridges_and_their_share_agree_with_removing_each_edge(seed):
    draw = np.random.default_rng(seed)
    n = 12
    tree = [(int(draw.integers(0, i)), i) for i in range(1, n)]
    edges = sorted({*tree, *[tuple(sorted(draw.permutation(n)[:2].tolist())) for _ in range(seed)]})
    a, b = (np.array(column) for column in zip(*edges, strict=True))
    share = bridge_share(bridges(a, b, n=n), np.zeros(n, np.int64), np.ones(n))
    expected = np.zeros(n)
    hanging = np.ones(n, dtype=bool)
    for edge in edges:
        split, side = _split_by_hand(edges, n, edge)
        if not split:
            hanging[list(edge)] = False
        for node in range(n):
            if split:
                beyond = n - len(side) if node in side else len(side)
                expected[node] = max(expected[node], beyond / (n - 1))
    assert share == pytest.approx(np.where(hanging, 1.0, expected))


def test_components_join_what_shares_a_block():
    start, node = np.array([0, 2, 5, 7]), np.array([5, 1, 2, 3, 0, 3, 2])
    assert components(start, node, n=7).tolist() == [0, 1, 0, 0, 4, 1, 6]


def test_the_centre_of_the_others_leaves_the_laboratory_out():
    found = leave_one_out_centres(np.array([0.0, 1.0, 2.0, 100.0]))
    assert found.centre[3] == pytest.approx(1.0)
    assert np.diag(found.weight) == pytest.approx(0) and found.weight.sum(axis=1) == pytest.approx(1)
    # others 1, 2, 100: median 2, MAD 1, so 100 is cut at 1.5 · 1.4826 beyond the centre: (1 + 2 + c + 2.22390333) / 3 = c
    assert found.centre[0] == pytest.approx((1 + 2 + 1.5 * 1.4826022185056018) / 2)
    assert found.weight[0].tolist() == [0, 0.5, 0.5, 0]
