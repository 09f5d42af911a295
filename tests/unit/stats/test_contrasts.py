"""Direct against indirect evidence, by dense least squares with one more column for the pair; no kernel takes part."""

import itertools

import numpy as np
import pytest

from labqa.stats.network.blocks import fit, incidence
from labqa.stats.network.contrasts import Seen, alone, direct, inconsistency, indirect, split, to_others
from labqa.stats.network.contrasts import network as by_network
from labqa.stats.network.felt import Grouping

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


def plain(start, node, weight, y, groupings):
    """The observations as a fit without robust steps sees them: no difference lies beyond 1e9 SDs."""
    block = np.repeat(np.arange(len(start) - 1), np.diff(start))
    return Seen(block, node, y, weight, weight, np.full(len(node), 1e9), groupings)


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
    of_two = np.zeros(len(node))
    omega = wi * wj / (wi + wj)
    of_two[both[:, 0]], of_two[both[:, 1]] = omega / omega.sum(), -omega / omega.sum()
    return of_two, rows[i] - rows[j], network_rows[i] - network_rows[j], rows[-1]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("largest", [2, 7])
def test_split_is_least_squares_with_a_parameter_for_the_pair(seed: int, largest: int) -> None:
    start, node, weight, y, groupings = network(seed, largest=largest)
    pairs = [(i, j) for i, j in itertools.combinations(range(N), 2) if len(together(start, node, i, j))]
    first, second = np.array(pairs).T
    found = split(
        fit(start, node, weight, y, n=N, ground=3),
        groupings,
        plain(start, node, weight, y, groupings),
        first,
        second,
        counted=1,
    )
    parts = [direct(found), indirect(found), by_network(found), inconsistency(found)]
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
        found = split(whole, groupings, plain(start, node, weight, y, groupings), np.array([i]), np.array([j]))
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
    weight, y = np.array([1.0, 2.0, 1.0, 1.0, 0.5, 1.0, 1.0, 3.0, 0.7]), np.arange(9.0)
    errors = [Grouping(incidence(np.arange(9), n=9), node)]
    seen = plain(start, node, weight, y, errors)
    found = split(fit(start, node, weight, y, n=5), errors, seen, np.array([0, 1, 2, 2, 3]), np.array([1, 2, 3, 4, 4]))
    assert alone(found).all()
    assert found.direct == pytest.approx(found.network, abs=1e-12)


def test_pairs_that_never_met_are_refused() -> None:
    start, node, weight, y, groupings = network(1, largest=2, blocks=14)
    i, j = next(two for two in itertools.combinations(range(N), 2) if not len(together(start, node, *two)))
    with pytest.raises(ValueError, match="shares no block"):
        split(
            fit(start, node, weight, y, n=N), groupings, plain(start, node, weight, y, groupings), np.array([i]), np.array([j])
        )


def test_resistance_to_the_others_is_the_variance_against_their_mean() -> None:
    start, node, weight, y, _ = network(5)
    inverse = fit(start, node, weight, y, n=N, ground=2).inverse
    contrast = np.eye(N) - (1.0 - np.eye(N)) / (N - 1)
    assert to_others(inverse) == pytest.approx(np.diag(contrast @ inverse @ contrast.T), abs=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_what_the_robust_steps_took_from_the_network_still_speaks_directly(seed: int) -> None:
    """Weights of the fit and of the direct estimate differ; the split is that of both linear estimators written out."""
    start, node, base, y, groupings = network(seed)
    draw = np.random.default_rng(seed + 100)
    block = np.repeat(np.arange(len(start) - 1), np.diff(start))
    out = np.isin(block, draw.choice(len(start) - 1, 6, replace=False))
    weight = np.where(out, 0.0, base * draw.uniform(0.2, 1.0, len(base)))
    kept = np.flatnonzero(weight > 0)
    inside = np.append(np.flatnonzero(np.diff(block[kept], prepend=-1)), len(kept))
    own = [Grouping(one.matrix[kept], one.owner) for one in groupings]
    pairs = np.array([two for two in itertools.combinations(range(N), 2) if len(together(start, node, *two))])
    seen = Seen(block, node, y, weight, base, np.full(len(node), 1e9), groupings)
    found = split(fit(inside, node[kept], weight[kept], y[kept], n=N), own, seen, pairs[:, 0], pairs[:, 1])
    for p, (i, j) in enumerate(pairs):
        if alone(found)[p] or not len(together(inside, node[kept], i, j)):
            continue
        of_two = coefficients(start, node, base, i, j)[0]
        without = np.zeros(len(node))
        without[kept] = coefficients(inside, node[kept], weight[kept], i, j)[1]
        for part, row in ((direct(found), of_two), (indirect(found), without), (inconsistency(found), of_two - without)):
            assert part.estimate[p] == pytest.approx(row @ y, abs=1e-8)
            felt = [float(((row @ one.matrix.toarray()) ** 2).sum()) for one in groupings]
            assert part.variance[p] == pytest.approx(felt, abs=1e-8)


def test_one_gross_error_does_not_move_a_pair_of_many_blocks() -> None:
    start, node, y = np.arange(0, 42, 2), np.tile([0, 1], 20), np.tile([1.0, 0.0], 20)
    y[10] = 50.0
    whole, errors = np.ones(40), [Grouping(incidence(np.arange(40), n=40), node)]
    seen = Seen(np.repeat(np.arange(20), 2), node, y, whole, whole, whole, errors)
    found = split(fit(start, node, whole, y, n=2), errors, seen, np.array([0]), np.array([1]))
    assert found.direct[0] == pytest.approx(1.0)
    assert found.n_blocks[0] == 19


def test_a_pair_whose_differences_all_contradict_each_other_keeps_them_all() -> None:
    """Four differences of two clusters: the median lies between them, far from each; none can be called the gross error."""
    start, node, y = np.arange(0, 10, 2), np.tile([0, 1], 4), np.array([9.0, 0.0, 9.0, 0.0, -9.0, 0.0, -9.0, 0.0])
    whole, errors = np.ones(8), [Grouping(incidence(np.arange(8), n=8), node)]
    seen = Seen(np.repeat(np.arange(4), 2), node, y, whole, whole, np.full(8, 0.5), errors)
    found = split(fit(start, node, whole, y, n=2), errors, seen, np.array([0]), np.array([1]))
    assert found.direct[0] == pytest.approx(0.0) and found.n_blocks[0] == 4
