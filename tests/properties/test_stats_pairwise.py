"""What estimators from pairs promise: exactness, equivariance, breakdown, and one answer for one set and for groups."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labqa.stats.robust import biweight, hampel, hodges_lehmann, pairwise, q_method, q_replicates, qn, sn, tau

Floats = np.ndarray
SCALES: dict[str, tuple[Callable[[Floats], float], Callable[[Floats, Floats], Floats]]] = {
    "Qn": (qn.qn, qn.qn_by_group),
    "Sn": (sn.sn, sn.sn_by_group),
    "Q": (q_method.q_method, q_method.q_method_by_group),
    "biweight scale": (biweight.biweight_scale, biweight.biweight_scale_by_group),
    "tau scale": (lambda x: tau.tau(x)[1], lambda v, o: tau.tau_by_group(v, o).scale),
}
LOCATIONS: dict[str, tuple[Callable[[Floats], float], Callable[[Floats, Floats], Floats]]] = {
    "Hodges-Lehmann": (hodges_lehmann.hodges_lehmann, hodges_lehmann.hodges_lehmann_by_group),
    "Hodges-Lehmann, distinct": (
        lambda x: hodges_lehmann.hodges_lehmann(x, pairs="distinct"),
        lambda v, o: hodges_lehmann.hodges_lehmann_by_group(v, o, pairs="distinct"),
    ),
    "Hampel": (lambda x: q_method.q_hampel(x)[0], lambda v, o: q_method.q_hampel_by_group(v, o).location),
    "biweight location": (biweight.biweight_location, biweight.biweight_location_by_group),
    "iterated biweight": (
        lambda x: biweight.biweight_location(x, iterated=True),
        lambda v, o: biweight.biweight_location_by_group(v, o, iterated=True),
    ),
    "tau location": (lambda x: tau.tau(x)[0], lambda v, o: tau.tau_by_group(v, o).location),
}
ALL = {**SCALES, **LOCATIONS}


def a_set(rng: np.random.Generator, n: int) -> Floats:
    """n values of one of many kinds: smooth, rounded, tied, gross, tiny, far from 0, over many decades."""
    x = rng.standard_normal(n)
    kinds: list[Floats] = [
        x,
        np.round(x, 1),
        rng.integers(0, 3, n) * 0.1 + rng.integers(0, 4, n) * 0.3,
        rng.standard_cauchy(n) * 10.0 ** rng.integers(-200, 200, n),
        np.where(rng.random(n) < 0.6, 1.7, x),
        x * 1e-310,
        1e6 + np.round(x, 2),
        np.where(rng.random(n) < 0.3, 1e300, x),
        np.exp(20 * x),
    ]
    return np.sort(kinds[rng.integers(len(kinds))])


def test_selection_among_pairs_is_that_of_sorting_them_all() -> None:
    rng = np.random.default_rng(1)
    for _ in range(3000):
        n = int(rng.integers(2, 90))
        y = a_set(rng, n)
        first, second = np.triu_indices(n, 1)
        one, other = np.triu_indices(n)
        everything = {
            pairwise.DIFFERENCES: y[second] - y[first],
            pairwise.SUMS: y[first] + y[second],
            pairwise.SUMS_AND_DOUBLES: y[one] + y[other],
        }
        for kind, formed in everything.items():
            k = int(rng.integers(1, len(formed) + 1))
            guess = y[n // 2] if kind else 0.7 * (y[5 * n // 8] - y[3 * n // 8])
            found = pairwise.select_pair(y, k, kind, guess, 0.0, np.empty(rng.integers(1, n + 3)))
            assert found == np.sort(formed)[k - 1]
        h = n // 2 + 1
        assert qn.qn(y, finite="none", factor=1.0) == np.sort(y[second] - y[first])[h * (h - 1) // 2 - 1]
        near = np.sort(np.abs(y[:, None] - y[None, :]), axis=1)[:, n // 2]
        assert sn.sn(y, finite="none", factor=1.0) == np.sort(near)[(n + 1) // 2 - 1]


def test_selection_in_larger_sets() -> None:
    rng = np.random.default_rng(2)
    n = 2500
    first, second = np.triu_indices(n, 1)
    for x in (
        rng.standard_normal(n),
        np.round(rng.standard_normal(n), 1),
        0.1 * rng.integers(0, 50, n),
        rng.standard_cauchy(n),
    ):
        y = np.sort(x)
        h = n // 2 + 1
        k = h * (h - 1) // 2
        assert qn.qn(y, finite="none", factor=1.0) == np.partition(y[second] - y[first], k - 1)[k - 1]
        half = 0.5 * y
        k = len(first) // 2
        middle = np.partition(half[first] + half[second], (k - 1, k))[k - 1 : k + 1]
        assert hodges_lehmann.hodges_lehmann(y, pairs="distinct") == np.sum(0.5 * middle)


@pytest.mark.parametrize("name", ALL)
def test_groups_give_the_bits_of_single_sets(name: str) -> None:
    single, grouped = ALL[name]
    rng = np.random.default_rng(3)
    sets = [np.sort(np.round(rng.standard_normal(n), int(rng.integers(1, 9)))) for n in (0, 1, 2, 3, 5, 20, 39, 40, 41, 200)]
    offsets = np.cumsum([0, *(len(one) for one in sets)])
    found = grouped(np.concatenate(sets), offsets)
    np.testing.assert_array_equal(found, [single(one) for one in sets])
    shuffled = [rng.permutation(one) for one in sets]
    np.testing.assert_array_equal(found, [single(one) for one in shuffled])


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 60), factor=st.floats(0.01, 100.0), shift=st.floats(-100.0, 100.0))
def test_equivariance(name: str, seed: int, n: int, factor: float, shift: float) -> None:
    single, _ = ALL[name]
    x = np.random.default_rng(seed).standard_t(3, n)
    for sign in (1.0, -1.0):
        moved = sign * factor * x + shift
        expected = factor * single(x) if name in SCALES else sign * factor * single(x) + shift
        # rounding of the moved values, relative to their size
        assert single(moved) == pytest.approx(expected, rel=1e-9, abs=1e-10 * (abs(shift) + factor))


@pytest.mark.parametrize("name", ALL)
def test_equal_and_few_values(name: str) -> None:
    single, _ = ALL[name]
    assert np.isnan(single(np.array([])))
    assert single(np.full(9, 0.3)) == (0.0 if name in SCALES else 0.3)
    # MAD = 0 although values differ
    some = single(np.array([5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 7.0, 9.0]))
    assert 0.0 <= some < 2.0 if name in SCALES else 5.0 <= some < 6.0
    one, two = single(np.array([3.0])), single(np.array([3.0, 4.0]))
    assert (np.isnan(one) and 0.3 < two < 2.5) if name in SCALES else (one == 3.0 and two == pytest.approx(3.5, abs=1e-15))


@pytest.mark.parametrize("name", ALL)
def test_a_nan_or_an_infinity_is_refused(name: str) -> None:
    single, grouped = ALL[name]
    for wrong in (np.nan, np.inf, -np.inf):
        with pytest.raises(ValueError, match=r"values\[[0-3]\]"):
            single(np.array([1.0, wrong, 2.0, 3.0]))
        with pytest.raises(ValueError, match=r"values\[1\]"):
            grouped(np.array([1.0, wrong, 2.0, 1.0, 2.0, 4.0]), np.array([0, 3, 6]))


@pytest.mark.parametrize("name", ALL)
def test_groups_may_come_in_any_order_of_values(name: str) -> None:
    """Unsorted values once sent the two pointers round without end."""
    _, grouped = ALL[name]
    draw, offsets = np.random.default_rng(5), np.array([0, 2, 9, 60, 300])
    values = draw.standard_t(2, 300).round(1)
    by_size = np.concatenate([np.sort(values[a:b]) for a, b in np.stack([offsets[:-1], offsets[1:]], axis=1)])
    np.testing.assert_array_equal(grouped(values, offsets), grouped(by_size, offsets))


@pytest.mark.parametrize(("name", "share"), [("Qn", 0.5), ("Sn", 0.5), ("biweight scale", 0.5), ("tau scale", 0.5)])
def test_breakdown_of_scales(name: str, share: float) -> None:
    single, _ = SCALES[name]
    clean = np.random.default_rng(4).standard_normal(101)
    for wild in (1e6, 1e12):
        bad = clean.copy()
        bad[: int(share * 101) - 1] = wild * (1 + np.arange(int(share * 101) - 1))
        assert 0.3 < single(bad) < 10.0
        bad[: int(share * 101) + 2] = wild * (1 + np.arange(int(share * 101) + 2))
        assert single(bad) > 1e4


def test_gross_values_of_any_size_leave_the_q_method_its_ties() -> None:
    clean = np.round(np.random.default_rng(9).standard_normal(60), 1)
    bad = np.concatenate([clean, 1e12 * (1 + np.arange(40.0))])
    whole = np.concatenate([np.round(10 * clean), 1e13 * (1 + np.arange(40.0))])
    # 0.1 apart or whole numbers apart: the same jumps, so the same s* but for the unit
    assert q_method.q_method(bad) == pytest.approx(q_method.q_method(whole) / 10, rel=1e-9)
    assert q_method.q_method(bad) < 10.0
    assert np.isfinite(q_method.q_method(clean * 1e-310))


def test_breakdown_of_locations() -> None:
    clean = np.random.default_rng(5).standard_normal(200)
    for share, holds in ((0.28, True), (0.31, False)):  # 1 − 1/√2 = 0.293
        bad = clean.copy()
        bad[: int(share * 200)] = 1e9
        assert (abs(hodges_lehmann.hodges_lehmann(bad)) < 5.0) is holds
    bad = clean.copy()
    bad[:98] = 1e9
    assert all(abs(LOCATIONS[name][0](bad)) < 5.0 for name in ("biweight location", "iterated biweight", "tau location"))
    assert abs(hampel.hampel(bad, scale=1.0)) < 5.0


def test_replicates_one_each_are_no_replicates() -> None:
    rng = np.random.default_rng(6)
    for n in (2, 3, 10, 41, 200):
        x = np.round(rng.standard_normal(n), 2)
        # another order of sums and steps, so equal to rounding only
        assert q_replicates.q_method_with_replicates(list(x)) == pytest.approx(q_method.q_method(x), rel=1e-12)
        location, scale = q_replicates.q_hampel_with_replicates(list(x))
        assert (location, scale) == pytest.approx(q_method.q_hampel(x), rel=1e-11, abs=1e-12)
        twice = q_replicates.q_method_with_replicates([np.array([v, v]) for v in x])
        assert twice == pytest.approx(q_method.q_method(x), rel=1e-12)


def test_groups_with_replicates_give_the_bits_of_single_sets() -> None:
    rng = np.random.default_rng(7)
    rounds = [[np.round(rng.standard_normal(rng.integers(0, 4)), 1) for _ in range(p)] for p in (0, 1, 2, 5, 30)]
    every = [lab for one in rounds for lab in one]
    labs, offsets = np.cumsum([0, *(len(lab) for lab in every)]), np.cumsum([0, *(len(one) for one in rounds)])
    found = q_replicates.q_hampel_with_replicates_by_group(np.concatenate(every), labs, offsets)
    np.testing.assert_array_equal(found.scale, [q_replicates.q_method_with_replicates(one) for one in rounds])
    np.testing.assert_array_equal(found.location, [q_replicates.q_hampel_with_replicates(one)[0] for one in rounds])
    reversed_labs = [q_replicates.q_method_with_replicates(one[::-1]) for one in rounds]
    np.testing.assert_allclose(found.scale, reversed_labs, rtol=1e-12)
    with pytest.raises(ValueError, match="1 of 3 results"):
        q_replicates.q_method_with_replicates([np.array([1.0, np.nan]), np.array([2.0])])
