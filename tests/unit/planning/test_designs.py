"""Designs: who retests whom, and what that does to precision."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from labqa.planning.designs import DESIGNS, Plan, followed_up, network, with_third_tests
from labqa.planning.evidence import Effects
from labqa.planning.separation import separation
from labqa.stats.network.foreseen import odd_cycles, precision_df
from labqa.stats.network.laboratories import separability

PLAN = Plan(labs=30, samples=1_000, retest_share=0.3, items=6)


def drawn(design: str, plan: Plan = PLAN):
    return network(design, plan, np.random.default_rng(4))


@pytest.mark.parametrize("design", DESIGNS)
def test_no_laboratory_retests_its_own_sample(design: str) -> None:
    seen = drawn(design)
    for first, last in zip(seen.start[:-1], seen.start[1:], strict=True):
        assert len(set(seen.lab[first:last])) == last - first >= 2


@pytest.mark.parametrize("design", ["random", "hub", "triangles"])
def test_every_design_costs_the_same_retests(design: str) -> None:
    seen = drawn(design)
    assert len(seen.lab) - (len(seen.start) - 1) == PLAN.retests == 300


def test_hubs_retest_in_rotation_and_test_no_originals() -> None:
    seen = drawn("hub")
    original, retest = seen.lab[seen.start[:-1]], seen.lab[seen.start[:-1] + 1]
    assert original.min() == PLAN.hubs and retest.max() == PLAN.hubs - 1
    met = {lab: set(retest[original == lab]) for lab in range(PLAN.hubs, PLAN.labs)}
    assert all(len(hubs) == PLAN.hubs for hubs in met.values())


def test_the_second_stage_falls_on_those_followed_up_and_ends_with_their_samples() -> None:
    first, followed = drawn("two-stage"), np.array([3, 8, 21])
    end = followed_up(first, PLAN, followed, np.random.default_rng(1))
    added = end.lab[end.start[:-1]][len(first.start) - 1 :]
    assert set(added) == set(followed)
    assert (end.lab[: len(first.lab)] == first.lab).all()
    originals = end.lab[end.start[:-1]]
    assert np.isin(originals, followed).sum() == 3 * 1_000 // 30 < PLAN.retests


def test_the_mandates_own_design_separates_no_precision_until_a_third_test() -> None:
    seen = drawn("hub")
    assert not odd_cycles(seen.start, seen.lab, n=PLAN.labs).any()
    told = separation(seen, PLAN, Effects())
    assert (told.separable, told.df, told.third_tests) == (0.0, 0.0, 1)
    few = with_third_tests(seen, round(0.03 * 300), np.random.default_rng(2))
    assert odd_cycles(few.start, few.lab, n=PLAN.labs).all()
    assert separation(drawn("random"), PLAN, Effects()).third_tests == 0


def test_more_third_tests_are_worth_more_degrees_of_freedom() -> None:
    plan = replace(PLAN, retest_share=1.0)
    told = separation(drawn("hub", plan), plan, Effects())
    assert told.third_tests_for_df is not None and 1 < told.third_tests_for_df < plan.retests
    one_hub = replace(PLAN, hubs=1)
    assert separation(drawn("hub", one_hub), one_hub, Effects()).third_tests is None  # a star has no referee left


def test_odd_cycles_are_where_the_eigenvalue_is_positive() -> None:
    rng = np.random.default_rng(6)
    outcomes = set()
    for _ in range(60):
        n = int(rng.integers(3, 9))
        tree = [(int(rng.integers(0, k)), k) for k in range(1, n)]
        more = [tuple(rng.choice(n, int(rng.integers(2, 4)), replace=False)) for _ in range(int(rng.integers(0, 3)))]
        blocks = tree + more
        start, node = np.cumsum([0, *map(len, blocks)]), np.concatenate([np.array(b) for b in blocks])
        block = np.repeat(np.arange(len(blocks)), np.diff(start))
        expected = separability(node, block, n=n, n_blocks=len(blocks)) > 1e-9
        assert (odd_cycles(start, node, n=n) == expected).all()
        outcomes.add(expected)
    assert outcomes == {True, False}


def test_degrees_of_freedom_of_three_instruments_are_those_of_grubbs() -> None:
    """Grubbs 1948, doi:10.1080/01621459.1948.10483261: Var(σ̂₁²) = 2σ₁⁴/(k−1) + Σ σᵢ²σⱼ²/(k−1) = 5σ⁴/k in the limit."""
    k = 50
    found = precision_df(np.arange(0, 3 * k + 1, 3), np.tile(np.arange(3), k), per_block=1.0)
    np.testing.assert_allclose(found, 2 * k / 5)


def test_degrees_of_freedom_of_all_pairs_are_those_of_the_inverted_matrix() -> None:
    n, k = 6, 4
    a, b = np.triu_indices(n, 1)
    node = np.tile(np.stack([a, b], axis=1).ravel(), k)
    found = precision_df(np.arange(0, len(node) + 1, 2), node, per_block=3.0)
    diagonal = 8 / (3 * k) * (1 / (n - 2) - 1 / ((n - 2) * (2 * n - 2)))  # of ((n − 2) I + J) · 3k/8, inverted by hand
    np.testing.assert_allclose(found, 2 / diagonal)
