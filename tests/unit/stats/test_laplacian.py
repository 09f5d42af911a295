"""Pairs, components, Laplacian solves, resistance and standard errors against dense linear algebra and SciPy's graphs."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import coo_array, csgraph

from bench.network_kinds import KINDS, pairs, simulated
from labqa.stats.network.components import paired
from labqa.stats.network.edges import edge_sums, edges, oriented
from labqa.stats.network.effect_errors import effect_errors
from labqa.stats.network.inverse import laplacian_inverse, symmetric_inverse
from labqa.stats.network.laplacian import fit_pairs, solve_laplacian
from labqa.stats.network.resistance import effective_resistance


def laplacian(a, b, weight, n):
    adjacency = coo_array((weight, (a, b)), shape=(n, n)).toarray()
    return csgraph.laplacian(adjacency + adjacency.T)


def drawn(seed, *, n, m):
    draw = np.random.default_rng(seed)
    a, b = draw.integers(0, n, m), draw.integers(0, n - 1, m)
    return a, b + (b >= a), draw.normal(size=m), draw.uniform(0.1, 3.0, m) * (draw.random(m) < 0.8)


def test_edges_gather_the_pairs_of_two_laboratories():
    a, b = np.array([3, 0, 1, 3, 1, 2]), np.array([1, 1, 3, 0, 0, 1])
    weight, delta = np.array([1.0, 2.0, 4.0, 0.0, 8.0, 16.0]), np.arange(6.0)
    found = edges(a, b, weight, n=5)
    assert list(zip(found.low, found.high, strict=True)) == [(0, 1), (1, 2), (1, 3)]
    assert edge_sums(found, weight).tolist() == [10.0, 16.0, 5.0]
    assert found.start.tolist() == [0, 1, 3, 3, 3, 3] and found.first.tolist() == [0, 2, 3, 5]
    assert found.order.tolist() == [1, 4, 5, 0, 2]
    difference, of_pair = oriented(found, delta, weight)
    assert difference.tolist() == [1.0, -4.0, -5.0, -0.0, 2.0] and of_pair.tolist() == [2.0, 8.0, 16.0, 1.0, 4.0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"a": [0, 2, 1]}, "pair 1: laboratory 2 is paired with itself"),
        ({"b": [1, 3, 2]}, "pair 1: laboratory outside 0 … 2: 1, 3"),
        ({"a": [0, -1, 1]}, "pair 1: laboratory outside"),
        ({"weight": [1.0, 1.0, np.nan]}, "pair 2: weight nan"),
        ({"weight": [-1.0, 1.0, 1.0]}, "pair 0: weight -1.0"),
        ({"weight": [np.inf, 1.0, 1.0]}, "pair 0: weight inf"),
        ({"weight": [1.0, 1.0]}, "2 weights"),
        ({"delta": [0.0, np.nan, 0.0]}, "pair 1: difference nan"),
        ({"delta": [0.0, 0.0, -np.inf]}, "pair 2: difference -inf"),
        ({"delta": [0.0]}, "1 differences"),
    ],
)
def test_what_is_no_pair_is_an_error(change, said):
    given = {"a": [0, 1, 1], "b": [1, 2, 2], "delta": [0.0, 1.0, 2.0], "weight": [1.0, 1.0, 1.0]} | change
    with pytest.raises(ValueError, match=said):
        fit_pairs(**{key: np.array(value) for key, value in given.items()}, n=3)


def test_a_difference_without_weight_may_be_missing():
    a, b, delta = np.array([0, 0, 1]), np.array([1, 1, 2]), np.array([1.0, np.nan, 2.0])
    found = fit_pairs(a, b, delta, np.array([1.0, 0.0, 1.0]), n=3)
    assert found.effect == pytest.approx([4 / 3, 1 / 3, -5 / 3], abs=1e-14)


@pytest.mark.parametrize("seed", range(20))
def test_components_are_those_of_scipy_and_bipartite_as_the_signless_laplacian_says(seed):
    n = 12
    a, b, *_ = drawn(seed, n=n, m=3 + seed // 2)
    found = paired(a, b, n=n)
    _, label = csgraph.connected_components(coo_array((np.ones(len(a)), (a, b)), shape=(n, n)), directed=False)
    assert np.array_equal(found.component[:, None] == found.component[None, :], label[:, None] == label[None, :])
    assert all(found.component[i] == np.flatnonzero(label == label[i])[0] for i in range(n))
    signless = np.abs(laplacian(a, b, np.ones(len(a)), n))
    for name in set(label):
        least = np.linalg.eigvalsh(signless[np.ix_(label == name, label == name)])[0]
        assert np.all(found.bipartite[label == name] == (least < 1e-9))


def test_rings_are_bipartite_if_even_and_nodes_without_edges_are():
    for n in (3, 4, 5, 8):
        assert paired(np.arange(n), (np.arange(n) + 1) % n, n=n + 1).bipartite.tolist() == [n % 2 == 0] * n + [True]
    assert paired(np.zeros(0, np.int64), np.zeros(0, np.int64), n=0).component.tolist() == []


# Both solve the normal equations in float64; condition numbers here stay below 1e4, residuals below 1e-10 are asked for.
@pytest.mark.parametrize("seed", range(20))
def test_effects_are_least_squares_of_smallest_norm_on_disconnected_networks(seed):
    n = 15
    a, b, delta, weight = drawn(seed, n=n, m=4 + 2 * seed)
    found = fit_pairs(a, b, delta, weight, n=n)
    root = np.sqrt(weight)
    design = root[:, None] * (np.eye(n)[a] - np.eye(n)[b])
    assert found.effect == pytest.approx(np.linalg.lstsq(design, root * delta, rcond=1e-12)[0], abs=1e-9)
    alone = np.bincount(np.concatenate([a, b]), weights=np.tile(weight, 2), minlength=n) == 0
    assert np.all(found.effect[alone] == 0.0)
    right = np.random.default_rng(seed).normal(size=n)
    expected = np.linalg.pinv(laplacian(a, b, weight, n), rcond=1e-12) @ right
    assert solve_laplacian(a, b, weight, right, n=n).x == pytest.approx(expected, abs=1e-8)


def test_nothing_to_fit():
    none, empty = np.zeros(0, np.int64), np.zeros(0)
    assert fit_pairs(none, none, empty, empty, n=0).effect.tolist() == []
    assert fit_pairs(none, none, empty, empty, n=2).effect.tolist() == [0.0, 0.0]
    assert fit_pairs(np.array([1]), np.array([0]), np.array([3.0]), np.array([2.0]), n=2).effect.tolist() == [-1.5, 1.5]


def test_a_right_hand_side_must_fit():
    with pytest.raises(ValueError, match="right-hand side"):
        solve_laplacian(np.array([0]), np.array([1]), np.array([1.0]), np.array([np.nan, 1.0]), n=2)


@pytest.mark.parametrize("pairs_", [10_000, 25_000, 200_000])
@pytest.mark.parametrize("kind", KINDS)
def test_at_most_50_iterations_on_5000_laboratories(kind, pairs_):
    labs = 5000
    a, b, delta, weight = simulated(kind, labs=labs, pairs_=pairs_)
    found = fit_pairs(a, b, delta, weight, n=labs, tolerance=1e-8)
    assert found.iterations <= 50 and found.residual <= 1e-8
    right = np.bincount(a, weights=weight * delta, minlength=labs) - np.bincount(b, weights=weight * delta, minlength=labs)
    flow = weight * (found.effect[a] - found.effect[b])
    left = np.bincount(a, weights=flow, minlength=labs) - np.bincount(b, weights=flow, minlength=labs)
    assert np.linalg.norm(left - right) <= 1e-7 * np.linalg.norm(right)  # the residual, in another norm


def test_a_lattice_and_dense_regions_without_a_shortcut():
    side = 60
    place = np.arange(side * side).reshape(side, side)
    lattice = (
        np.concatenate([place[:, :-1].ravel(), place[:-1].ravel()]),
        np.concatenate([place[:, 1:].ravel(), place[1:].ravel()]),
    )
    regions = [np.triu_indices(100, 1)] * 12
    dense = [
        np.concatenate([100 * r + one[end] for r, one in enumerate(regions)] + [100 * np.arange(12) + 40 * end])
        for end in (0, 1)
    ]
    dense[1][-12:] = (dense[1][-12:] + 100) % 1200
    for a, b in (lattice, dense):
        n = int(max(a.max(), b.max())) + 1
        found = fit_pairs(a, b, np.sin(np.arange(len(a))), np.ones(len(a)), n=n, tolerance=1e-8)
        assert found.iterations <= 50 and found.residual <= 1e-8


# The elements of the inverse are sums without cancellation; pinv loses about the condition number (1e6 on the path).
@pytest.mark.parametrize("kind", KINDS)
def test_standard_errors_are_exact_below_2000_laboratories(kind):
    n = 600
    a, b = pairs(kind, labs=n, pairs=12_000 if kind == "ring" else 4_000)
    weight = np.random.default_rng(1).uniform(0.5, 2.0, len(a))
    found = effect_errors(a, b, weight, n=n)
    inverse = np.linalg.pinv(laplacian(a, b, weight, n), hermitian=True, rcond=1e-12)
    assert found.error == pytest.approx(np.sqrt(np.diag(inverse)), rel=1e-8) and np.all(found.bound == 0.0)
    zero = np.random.default_rng(2).random(n)
    contrast = np.eye(n) - zero / zero.sum()
    expected = np.sqrt(np.einsum("ij,jk,ik->i", contrast, inverse, contrast, optimize=True))
    assert effect_errors(a, b, weight, n=n, zero=zero).error == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_standard_errors_are_within_a_percent_on_2500_laboratories(kind):
    n = 2500
    a, b = pairs(kind, labs=n, pairs=125_000)
    weight = np.random.default_rng(1).uniform(0.5, 2.0, len(a))
    found = effect_errors(a, b, weight, n=n)
    component = paired(a, b, n=n).component
    assert np.all(component == 0)
    grounded = laplacian(a, b, weight, n)[1:, 1:]
    inverse = np.zeros((n, n))
    inverse[1:, 1:] = np.linalg.inv(grounded)
    expected = np.sqrt(np.diag(inverse) - 2 * inverse.mean(axis=0) + inverse.mean())
    assert np.max(np.abs(found.error / expected - 1)) <= 0.01
    assert np.all(np.abs(found.error / expected - 1) <= found.bound + 1e-7) and np.all(found.bound <= 0.01)


def test_the_series_gives_way_where_its_bounds_are_wide():
    n = 300
    a, b = pairs("random", labs=n, pairs=900)
    weight = np.ones(len(a))
    found = effect_errors(a, b, weight, n=n, exact_below=20)
    inverse = np.linalg.pinv(laplacian(a, b, weight, n), hermitian=True, rcond=1e-12)
    assert found.error == pytest.approx(np.sqrt(np.diag(inverse)), rel=1e-9, nan_ok=True)
    assert np.nanmax(found.bound) == 0.0


def test_standard_errors_per_component_and_none_for_who_is_alone():
    a, b, weight = np.array([0, 1, 3]), np.array([1, 2, 4]), np.array([1.0, 1.0, 4.0])
    found = effect_errors(a, b, weight, n=6)
    assert found.error**2 == pytest.approx([5 / 9, 2 / 9, 5 / 9, 1 / 16, 1 / 16, np.nan], nan_ok=True, abs=1e-15)
    with pytest.raises(ValueError, match="laboratory 3 has no weight"):
        effect_errors(a, b, weight, n=6, zero=np.array([1.0, 0.0, 0.0, 0.0, 0.0, 1.0]))


@pytest.mark.parametrize("kind", KINDS)
def test_resistance_is_that_of_the_pseudo_inverse(kind):
    n = 400
    a, b = pairs(kind, labs=n, pairs=4_000)
    weight = np.random.default_rng(1).uniform(0.5, 2.0, len(a))
    draw = np.random.default_rng(2)
    i, j = draw.integers(0, n, 60), draw.integers(0, n, 60)
    found = effective_resistance(a, b, weight, i, j, n=n)
    inverse = np.linalg.pinv(laplacian(a, b, weight, n), hermitian=True, rcond=1e-12)
    component = paired(a, b, n=n).component
    expected = np.diag(inverse)[i] + np.diag(inverse)[j] - 2 * inverse[i, j]
    expected = np.where(component[i] == component[j], expected, np.inf)
    assert found.resistance == pytest.approx(expected, rel=1e-7, abs=1e-12)
    if kind in ("star", "path"):
        assert found.on_bridges[i != j] == pytest.approx(1.0, abs=1e-9)


def test_bridges_carry_their_part_of_a_contrast():
    # two triangles of weight 1 (2/3 between two corners) joined by a bridge with two pairs of weight 1 and 3; a lab alone
    a, b = np.array([0, 1, 2, 2, 3, 3, 4, 5]), np.array([1, 2, 0, 3, 2, 4, 5, 3])
    weight = np.array([1.0, 1.0, 1.0, 1.0, 3.0, 1.0, 1.0, 1.0])
    found = effective_resistance(a, b, weight, np.array([0, 0, 2, 0, 1]), np.array([1, 4, 3, 6, 1]), n=7)
    assert found.resistance == pytest.approx([2 / 3, 2 / 3 + 1 / 4 + 2 / 3, 1 / 4, np.inf, 0.0], rel=1e-14)
    assert found.on_bridges == pytest.approx([0.0, 3 / 19, 1.0, 0.0, 0.0], abs=1e-14)
    assert found.weakest_bridge == pytest.approx([0.0, 3 / 19, 1.0, 0.0, 0.0], abs=1e-14)
    with pytest.raises(ValueError, match="contrasts"):
        effective_resistance(a, b, weight, np.array([7]), np.array([0]), n=7)


@pytest.mark.parametrize("n", [0, 1, 2, 63, 64, 65, 150])
def test_symmetric_inverse_is_lapacks(n):
    root = np.random.default_rng(n).normal(size=(n, n))
    matrix = root @ root.T + np.eye(n)
    assert symmetric_inverse(matrix) == pytest.approx(np.linalg.inv(matrix), abs=1e-12)  # condition below 1e3


def test_an_indefinite_matrix_has_no_inverse_here():
    with pytest.raises(ValueError, match="pivot 1 of 2"):
        symmetric_inverse(np.array([[1.0, 2.0], [2.0, 1.0]]))
    with pytest.raises(ValueError, match="square"):
        symmetric_inverse(np.ones((2, 3)))


def test_pseudo_inverse_by_component():
    a, b, _, weight = drawn(3, n=14, m=11)
    found = edges(a, b, weight, n=14)
    component = paired(found.low, found.high, n=14).component
    inverse = laplacian_inverse(found.low, found.high, edge_sums(found, weight), component)
    assert inverse == pytest.approx(np.linalg.pinv(laplacian(a, b, weight, 14), rcond=1e-12), abs=1e-10)


SAME = """
import hashlib
from bench.network_kinds import simulated
from labqa.stats.network.effect_errors import effect_errors
from labqa.stats.network.huber import huber_pairs
from labqa.stats.network.laplacian import fit_pairs
found = hashlib.sha256()
for kind in ("random", "hub", "ring"):
    a, b, delta, weight = simulated(kind, labs=1200, pairs_=30_000)
    found.update(fit_pairs(a, b, delta, weight, n=1200).effect.tobytes())
    found.update(huber_pairs(a, b, delta, weight, n=1200).effect.tobytes())
    found.update(effect_errors(a, b, weight, n=1200, exact_below=400).error.tobytes())
print(found.hexdigest())
"""


def test_same_bits_on_any_number_of_threads():
    names = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    found = {
        subprocess.run(
            [sys.executable, "-c", SAME],
            env=os.environ | {"PYTHONPATH": str(Path.cwd())} | dict.fromkeys(names, threads),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "2", "8")
    }
    assert len(found) == 1
