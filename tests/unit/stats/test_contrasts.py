"""Direct against indirect evidence, by dense least squares with one more column for the pair; no kernel takes part."""

import itertools

import numpy as np
import pytest

from labqa.stats.network.blocks import fit, incidence
from labqa.stats.network.contrasts import alone, combined, inconsistency, indirect, split, to_others
from labqa.stats.network.variance import Grouping

N = 8


def network(seed: int, *, largest: int = 7, blocks: int = 30):
    draw = np.random.default_rng(seed)
    node = [np.sort(draw.permutation(N)[: draw.integers(2, largest + 1)]) for _ in range(blocks)]
    start = np.concatenate([[0], np.cumsum([len(one) for one in node])]).astype(np.int64)
    node = np.concatenate(node).astype(np.int64)
    weight = draw.uniform(0.3, 2.0, len(node))
    kinds = [np.arange(len(node)), node + N * draw.integers(0, 4, len(node)), node + N * draw.integers(0, 6, len(node))]
    groupings = [
        Grouping(incidence(g, n=g.max() + 1, scale=draw.uniform(0.5, 1.5, len(node))), np.arange(g.max() + 1) % N)
        for g in kinds[1:]
    ]
    errors = Grouping(incidence(kinds[0], n=len(node)), node)
    return start, node, weight, draw.normal(size=len(node)) + 0.3 * node, [errors, *groupings]


def together(start, node, i, j):
    """Observations of i and of j in the blocks where both sit."""
    spans = itertools.pairwise(start)
    both = [(a + list(node[a:b]).index(i), a + list(node[a:b]).index(j)) for a, b in spans if {i, j} <= set(node[a:b].tolist())]
    return np.array(both).reshape(-1, 2)


def coefficients(start, node, weight, i, j):
    """Rows (observations) that give direct, indirect and network, from least squares with z for the pair."""
    block = np.repeat(np.arange(len(start) - 1), np.diff(start))
    both = together(start, node, i, j)
    wi, wj = weight[both[:, 0]], weight[both[:, 1]]
    z = np.zeros(len(node))
    z[both[:, 0]], z[both[:, 1]] = wj / (wi + wj), -wi / (wi + wj)
    root = np.sqrt(weight)[:, None]
    plain = np.hstack([np.eye(N)[node], np.eye(len(start) - 1)[block]])
    network_rows = np.linalg.pinv(plain * root) * root.T
    rows = np.linalg.pinv(np.hstack([plain, z[:, None]]) * root) * root.T
    direct = np.zeros(len(node))
    omega = wi * wj / (wi + wj)
    direct[both[:, 0]], direct[both[:, 1]] = omega / omega.sum(), -omega / omega.sum()
    return direct, rows[i] - rows[j], network_rows[i] - network_rows[j], rows[-1]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("largest", [2, 7])
def test_split_is_least_squares_with_a_parameter_for_the_pair(seed: int, largest: int) -> None:
    start, node, weight, y, groupings = network(seed, largest=largest)
    pairs = [(i, j) for i, j in itertools.combinations(range(N), 2) if len(together(start, node, i, j))]
    first, second = np.array(pairs).T
    found = split(fit(start, node, weight, y, n=N, ground=3), start, groupings, first, second, counted=1)
    one, none = np.ones(len(pairs)), np.zeros(len(pairs))
    parts = [
        combined(found, direct=one, network=none),
        indirect(found),
        combined(found, direct=none, network=one),
        inconsistency(found),
    ]
    assert len(pairs) > 10
    for p, (i, j) in enumerate(pairs):
        if alone(found)[p]:
            continue
        for part, row in zip(parts, coefficients(start, node, weight, i, j), strict=True):
            assert part.estimate[p] == pytest.approx(row @ y, abs=1e-9)
            felt = [row @ one.matrix.toarray() for one in groupings]
            assert part.variance[p] == pytest.approx([float((one**2).sum()) for one in felt], abs=1e-9)
            for side, lab in enumerate((i, j)):
                own = [float((one[groupings[k].owner == lab] ** 2).sum()) for k, one in enumerate(felt)]
                assert part.own[p, side] == pytest.approx(own, abs=1e-9)
        assert found.n_blocks[p] == len(together(start, node, i, j))
        tests = groupings[1].matrix.tocsr()[together(start, node, i, j)[:, 0]].indices
        assert found.n_clusters[p] == len(set(tests.tolist()))


@pytest.mark.parametrize("seed", range(3))
def test_in_blocks_of_two_the_indirect_estimate_is_the_network_without_the_pair(seed: int) -> None:
    start, node, weight, y, groupings = network(seed, largest=2, blocks=40)
    whole = fit(start, node, weight, y, n=N)
    block = np.repeat(np.arange(len(start) - 1), np.diff(start))
    for i, j in itertools.combinations(range(N), 2):
        both = together(start, node, i, j)
        if not len(both):
            continue
        found = split(whole, start, groupings, np.array([i]), np.array([j]))
        left = ~np.isin(block, block[both[:, 0]])
        w = np.sqrt(weight[left])[:, None]
        design = np.hstack([np.eye(N)[node[left]], np.eye(len(start) - 1)[block[left]]]) * w
        solved = np.linalg.lstsq(design, y[left] * w[:, 0], rcond=None)[0]
        if not alone(found)[0]:
            assert indirect(found).estimate[0] == pytest.approx(solved[i] - solved[j], abs=1e-9)


def test_a_bridge_and_a_lone_round_leave_no_indirect_evidence() -> None:
    # 0-1-2 a chain of pairs, 2-3-4 a round of three, all once or twice
    node = np.array([0, 1, 0, 1, 1, 2, 2, 3, 4])
    start = np.array([0, 2, 4, 6, 9])
    fitted = fit(start, node, np.array([1.0, 2.0, 1.0, 1.0, 0.5, 1.0, 1.0, 3.0, 0.7]), np.arange(9.0), n=5)
    errors = [Grouping(incidence(np.arange(9), n=9), node)]
    found = split(fitted, start, errors, np.array([0, 1, 2, 2, 3]), np.array([1, 2, 3, 4, 4]))
    assert alone(found).all()
    assert found.direct == pytest.approx(found.network, abs=1e-12)


def test_pairs_that_never_met_are_refused() -> None:
    start, node, weight, y, groupings = network(1, largest=2, blocks=14)
    i, j = next(two for two in itertools.combinations(range(N), 2) if not len(together(start, node, *two)))
    with pytest.raises(ValueError, match="shares no block"):
        split(fit(start, node, weight, y, n=N), start, groupings, np.array([i]), np.array([j]))


def test_resistance_to_the_others_is_the_variance_against_their_mean() -> None:
    start, node, weight, y, _ = network(5)
    inverse = fit(start, node, weight, y, n=N, ground=2).inverse
    contrast = np.eye(N) - (1.0 - np.eye(N)) / (N - 1)
    assert to_others(inverse) == pytest.approx(np.diag(contrast @ inverse @ contrast.T), abs=1e-10)
