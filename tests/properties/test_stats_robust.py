"""What always holds of median, MADe, nIQR, Algorithm A and Algorithm S, and what others' implementations say."""

from itertools import pairwise

import numpy as np
import pytest
from astropy.stats import mad_std
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2
from statsmodels.robust.scale import Huber

from labqa.stats.robust import algorithm_a, algorithm_s, consensus, location_scale
from labqa.stats.robust.algorithm_a import HUBER_FACTOR
from labqa.stats.robust.sorting import sorted_within_groups

SOME = settings(max_examples=30, deadline=None)
SEEDS = st.integers(0, 2**32 - 1)


def ends(sizes: np.ndarray) -> np.ndarray:
    return np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)


def parts(values: np.ndarray, offsets: np.ndarray) -> list[np.ndarray]:
    return [values[a:b] for a, b in pairwise(offsets)]


def drawn(rng: np.random.Generator, n: int) -> np.ndarray:
    """n values: normal, few different integers, Cauchy, rounded far from 0, or a heap at 0 with gross errors."""
    kind = rng.integers(0, 5)
    if kind == 0:
        return rng.normal(size=n)
    if kind == 1:
        return rng.integers(0, rng.choice([2, 3, 6, 20]), n).astype(float)
    if kind == 2:
        return rng.standard_cauchy(n)
    if kind == 3:
        return np.round(rng.normal(size=n), 1) + 100.0
    return np.where(rng.random(n) < 0.55, 0.0, rng.normal(size=n) * 10.0 ** rng.integers(0, 5, n))


def groups(seed: int, *, largest: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(0, rng.choice([4, 12, largest]) + 1, rng.integers(1, 30))
    return np.concatenate([drawn(rng, int(n)) for n in sizes]), ends(sizes)


def same(a: object, b: object) -> None:
    np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


@SOME
@given(SEEDS)
def test_groups_are_sorted_each_by_itself(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(0, rng.choice([5, 70, 300, 2000]), rng.integers(1, 12))
    offsets = ends(sizes) + int(rng.integers(0, 3))
    values = rng.choice([rng.normal(size=offsets[-1] + 2), rng.integers(0, 9, offsets[-1] + 2).astype(float)])
    values[rng.integers(0, len(values))] = rng.choice([-np.inf, np.inf])
    expected = values.copy()
    for a, b in pairwise(offsets):
        expected[a:b] = np.sort(values[a:b])
    found = sorted_within_groups(values, offsets)
    same(found, expected)
    assert sorted_within_groups(found, offsets) is found


def test_missing_values_and_wrong_offsets_are_refused() -> None:
    values = np.array([1.0, 2.0, np.nan, 0.0])
    for f in (
        location_scale.median,
        location_scale.made,
        location_scale.niqr,
        algorithm_a.algorithm_a,
        lambda x: algorithm_s.algorithm_s(x, degrees_of_freedom=1),
        lambda x: algorithm_a.algorithm_a_without_self(x, np.array([0, 4])),
    ):
        with pytest.raises(ValueError, match=r"values\[2\] is NaN"):
            f(values)
    for gross in (np.inf, -1e200):
        with pytest.raises(ValueError, match=r"values\[1\] is .*±1e\+150"):
            algorithm_a.algorithm_a(np.array([1.0, gross, 2.0, 3.0]))
    with pytest.raises(ValueError, match=r"values\[0\] is inf"):
        algorithm_s.algorithm_s(np.array([np.inf, 2.0]), degrees_of_freedom=1)
    assert location_scale.median(np.array([np.inf, 1.0, 2.0])) == 2.0
    for offsets in ([0, 5], [2, 1], [-1, 2], []):
        with pytest.raises(ValueError, match="offsets"):
            location_scale.median_by_group(values, np.array(offsets, dtype=np.int64))
    same(location_scale.median_by_group(values, np.array([0, 2])), [1.5])


@SOME
@given(SEEDS)
def test_median_and_made_have_the_bits_of_numpy(seed: int) -> None:
    values, offsets = groups(seed, largest=200)
    found = location_scale.median_made_by_group(values, offsets)
    same(found.median, location_scale.median_by_group(values, offsets))
    for g, x in enumerate(parts(values, offsets)):
        if len(x):
            middle = np.median(x)
            same((found.median[g], found.made[g]), (middle, 1.4826 * np.median(np.abs(x - middle))))
            same((location_scale.median(x), location_scale.made(x)), (found.median[g], found.made[g]))
        else:
            assert np.isnan(found.median[g])
            assert np.isnan(found.made[g])


@SOME
@given(SEEDS, st.sampled_from([("inclusive", "linear"), ("exclusive", "weibull")]))
def test_niqr_has_numpys_quartiles(seed: int, names: tuple[str, str]) -> None:
    values, offsets = groups(seed)
    found = location_scale.niqr_by_group(values, offsets, quartiles=names[0])
    for g, x in enumerate(parts(values, offsets)):
        same(location_scale.niqr(x, quartiles=names[0]), found[g])
        if len(x):
            low, high = np.quantile(x, [0.25, 0.75], method=names[1])
            # numpy interpolates in another order: rounding at the size of the values
            assert found[g] == pytest.approx(0.7413 * (high - low), abs=1e-14 * np.abs(x).max())


def test_unknown_options_are_refused() -> None:
    with pytest.raises(ValueError, match="inclusive, exclusive"):
        location_scale.niqr(np.ones(3), quartiles="hinges")
    with pytest.raises(ValueError, match="three figures"):
        algorithm_a.algorithm_a(np.ones(3), stop="soon")
    with pytest.raises(ValueError, match="below 0"):
        algorithm_s.algorithm_s(np.array([1.0, -1.0]), degrees_of_freedom=1)
    with pytest.raises(ValueError, match="ascending"):
        algorithm_a.algorithm_a_without_self(np.array([2.0, 1.0, 3.0]), np.array([0, 3]))


@SOME
@given(SEEDS)
def test_grouped_is_single_and_order_is_nothing_to_the_last_bit(seed: int) -> None:
    values, offsets = groups(seed)
    rng = np.random.default_rng(seed)
    shuffled = np.concatenate([rng.permutation(x) for x in parts(values, offsets)])
    for stop in algorithm_a.STOPS:
        found = algorithm_a.algorithm_a_by_group(values, offsets, stop=stop)
        for one, two in zip(found, algorithm_a.algorithm_a_by_group(shuffled, offsets, stop=stop), strict=True):
            same(one, two)
        for g, x in enumerate(parts(values, offsets)):
            same(algorithm_a.algorithm_a(x, stop=stop)[:3], (found.centre[g], found.scale[g], found.steps[g]))
    df = rng.integers(1, 6, len(offsets) - 1)
    pooled = algorithm_s.algorithm_s_by_group(np.abs(values), offsets, degrees_of_freedom=df)
    for one, two in zip(
        pooled, algorithm_s.algorithm_s_by_group(np.abs(shuffled), offsets, degrees_of_freedom=df), strict=True
    ):
        same(one, two)
    for g, x in enumerate(parts(np.abs(values), offsets)):
        same(algorithm_s.algorithm_s(x, degrees_of_freedom=df[g]), (pooled.pooled[g], pooled.clipped[g], pooled.limit[g]))


@SOME
@given(SEEDS, st.sampled_from([1.0, -1.0]), st.floats(0.01, 100.0), st.floats(-100.0, 100.0))
def test_equivariance(seed: int, sign: float, factor: float, shift: float) -> None:
    values, offsets = groups(seed)
    moved = sign * factor * values + shift
    # rounding of the shifted values themselves, and its amplification where few values carry the scale
    near = {"rtol": 1e-9, "atol": 1e-11 * (1.0 + float(np.abs(moved).max(initial=0.0)))}
    before, after = (location_scale.median_made_by_group(x, offsets) for x in (values, moved))
    np.testing.assert_allclose(after.median, sign * factor * before.median + shift, **near)
    np.testing.assert_allclose(after.made, factor * before.made, **near)
    np.testing.assert_allclose(
        location_scale.niqr_by_group(moved, offsets), factor * location_scale.niqr_by_group(values, offsets), **near
    )
    a, b = (algorithm_a.algorithm_a_by_group(x, offsets) for x in (values, moved))
    np.testing.assert_allclose(b.centre, sign * factor * a.centre + shift, **near)
    np.testing.assert_allclose(b.scale, factor * a.scale, **near)
    s, t = (
        algorithm_s.algorithm_s_by_group(x, offsets, degrees_of_freedom=2).pooled
        for x in (np.abs(values), factor * np.abs(values))
    )
    np.testing.assert_allclose(t, factor * s, rtol=1e-13)


def plain(x: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Algorithm A as the standard writes it, in numpy, for each row, from the median and the scale given, until it stands."""
    centre, scale, wide = np.median(x, axis=1), scale.copy(), np.ptp(x, axis=1)
    moving = np.arange(len(x))
    for _ in range(40_000):
        c, s = centre[moving], scale[moving]
        w = np.clip(x[moving], (c - 1.5 * s)[:, None], (c + 1.5 * s)[:, None])
        centre[moving], scale[moving] = w.mean(axis=1), HUBER_FACTOR * w.std(axis=1, ddof=1)
        change = np.abs(centre[moving] - c) + np.abs(scale[moving] - s)
        moving = moving[(change > 1e-16 * s) & (scale[moving] > 1e-18 * wide[moving])]
        if not len(moving):
            break
    return centre, scale


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6, 7, 8, 9, 11, 14, 20, 30])
def test_the_fixed_point_is_that_of_the_plain_iteration_from_any_start(n: int) -> None:
    rng = np.random.default_rng(n)
    x = np.array([drawn(rng, n) for _ in range(400)])
    found = algorithm_a.algorithm_a_by_group(x.ravel(), np.arange(0, x.size + 1, n))
    wide = np.ptp(x, axis=1)
    made = location_scale.median_made_by_group(x.ravel(), np.arange(0, x.size + 1, n)).made
    centre, scale = plain(x, np.where((made > 0.0) & (np.arange(len(x)) % 2 == 0), made, wide))
    # slow iterations (a contraction of 0.999) end with 1000 roundings of the size of the values left
    size = np.where(found.scale > 0.0, 1e-12 * scale + 1e-15 * np.abs(x).max(axis=1), 1e-12 * wide)
    assert np.all(np.abs(found.centre - centre) <= size)
    assert np.all(np.abs(found.scale - scale) <= size)
    w = np.clip(x, (found.centre - 1.5 * found.scale)[:, None], (found.centre + 1.5 * found.scale)[:, None])
    assert np.all(np.abs(w.mean(axis=1) - found.centre) <= size)
    assert np.all(np.abs(HUBER_FACTOR * w.std(axis=1, ddof=1) - found.scale) <= size)
    assert np.sum((found.scale == 0.0) & (wide > 0.0)) >= (5 if n > 5 else 0)
    assert found.steps.max() < 100


def test_many_equal_values_need_few_steps_in_large_groups_too() -> None:
    rng, longest = np.random.default_rng(6), 0
    for share in (0.5, 0.62, 0.65, 0.653, 0.655):
        for n in (50, 500, 5000):
            gross = np.abs(rng.normal(size=n - int(share * n))) * 10.0 ** rng.integers(0, 8, n - int(share * n))
            x = np.concatenate([np.zeros(int(share * n)), gross])
            found = algorithm_a.algorithm_a(x)
            assert found.steps < 100
            longest = max(longest, found.steps)
            w = np.clip(x, found.centre - 1.5 * found.scale, found.centre + 1.5 * found.scale)
            assert w.mean() == pytest.approx(found.centre, abs=1e-12 * found.scale)
            assert HUBER_FACTOR * w.std(ddof=1) == pytest.approx(found.scale, rel=1e-12)
    assert longest > algorithm_a.JUMPS


def test_no_one_two_or_equal_values() -> None:
    empty, one = np.array([]), np.array([3.0])
    assert np.isnan(algorithm_a.algorithm_a(empty)[:2]).all()
    assert algorithm_a.algorithm_a(one).centre == 3.0
    assert np.isnan(algorithm_a.algorithm_a(one).scale)
    for stop in algorithm_a.STOPS:
        two = algorithm_a.algorithm_a(np.array([3.0, 5.0]), stop=stop)
        assert two[:2] == pytest.approx((4.0, HUBER_FACTOR * np.sqrt(2.0)), rel=1e-12)
        assert algorithm_a.algorithm_a(np.full(9, 0.1), stop=stop) == (0.1, 0.0, 0, stop)
    assert np.isnan(algorithm_s.algorithm_s(empty, degrees_of_freedom=1).pooled)
    assert np.isnan(algorithm_s.algorithm_s(one, degrees_of_freedom=0).pooled)
    assert algorithm_s.algorithm_s(one, degrees_of_freedom=1).pooled == pytest.approx(3.0 * 1.0968049)
    assert algorithm_s.algorithm_s(np.zeros(4), degrees_of_freedom=1)[:2] == (0.0, 0)
    assert (location_scale.made(one), location_scale.niqr(one)) == (0.0, 0.0)
    assert np.isnan([location_scale.median(empty), location_scale.made(empty), location_scale.niqr(empty)]).all()


@pytest.mark.parametrize("n", [3, 4, 10, 21, 50, 200])
def test_breakdown(n: int) -> None:
    """Median and MADe bear fewer than half of the values at infinity, Algorithm A about a quarter on one side.

    s* of Algorithm A stays bounded while 2.25 (m + m²/(n − m)) < (n − 1)/factor², m values far off on one side, and is
    above 0 while so few values differ from the others.
    """
    good = np.random.default_rng(n).normal(size=n)
    for bad in range(1, n):
        far = np.concatenate([good[bad:], np.full(bad, 1e9)])
        assert (abs(location_scale.median(far)) < 10.0) == (2 * bad < n)
        assert (location_scale.made(far) < 10.0) == (2 * bad < n) or 2 * bad > n
        bounded = 2.25 * (bad + bad**2 / (n - bad)) < (n - 1) / HUBER_FACTOR**2
        found = algorithm_a.algorithm_a(far)
        assert (found.scale < 1e6) == bounded or 2 * bad > n
        heaped = np.concatenate([np.zeros(n - bad), 1.0 + np.arange(bad)])
        assert (algorithm_a.algorithm_a(heaped).scale == 0.0) == bounded
    if n >= 200:
        share = next(m for m in range(n) if 2.25 * (m + m**2 / (n - m)) >= (n - 1) / HUBER_FACTOR**2) / n
        assert 0.25 < share < 0.27


@SOME
@given(SEEDS)
def test_the_others_are_the_group_without_the_value(seed: int) -> None:
    values, offsets = groups(seed, largest=12)
    values = sorted_within_groups(values, offsets)
    found = consensus.consensus_of_others(values, offsets)
    for g, x in enumerate(parts(values, offsets)):
        for i in range(len(x)):
            at = offsets[g] + i
            assert found.n[at] == len(x) - 1
            if len(x) < 3:
                assert np.isnan([found.centre[at], found.scale[at], found.u[at]]).all()
                continue
            direct = algorithm_a.algorithm_a(np.delete(x, i))
            # sums about another middle: rounding at the size of the spread
            size = 1e-12 * float(np.ptp(x)) if direct.scale < 1e-6 * np.ptp(x) else 1e-11 * direct.scale
            assert (found.centre[at], found.scale[at]) == pytest.approx(direct[:2], abs=size)
            assert found.u[at] == 1.25 * found.scale[at] / np.sqrt(len(x) - 1)


def test_huber_of_statsmodels() -> None:
    """It takes n for n − 1 nowhere: the same equations, ended at a change of 1e-12, hence 1e-10."""
    rng = np.random.default_rng(4)
    values = rng.standard_t(3, (40, 20)) + 7.0
    centre, scale = Huber(c=1.5, tol=1e-12, maxiter=500)(values, axis=1)
    found = algorithm_a.algorithm_a_by_group(values.ravel(), np.arange(0, 801, 20))
    np.testing.assert_allclose(found.centre, centre, rtol=1e-10)
    np.testing.assert_allclose(found.scale, scale, rtol=1e-10)


def test_mad_of_astropy() -> None:
    values = np.random.default_rng(5).normal(size=(40, 20))
    found = location_scale.median_made_by_group(values.ravel(), np.arange(0, 801, 20), factor=1.482602218505602)
    # the factor is applied in another order: one rounding
    np.testing.assert_allclose(found.made, mad_std(values, axis=1), rtol=1e-15)


def test_the_standard_ends_where_the_third_figure_stands() -> None:
    x = np.random.default_rng(8).standard_t(2, 25) + 50.0
    found = algorithm_a.algorithm_a(x, stop="three figures")
    centre, scale = float(np.median(x)), 1.483 * float(np.median(np.abs(x - np.median(x))))
    seen = [(f"{centre:.3g}", f"{scale:.3g}")]
    while len(seen) < 2 or seen[-1] != seen[-2]:
        w = np.clip(x, centre - 1.5 * scale, centre + 1.5 * scale)
        centre, scale = float(w.mean()), HUBER_FACTOR * float(w.std(ddof=1))
        seen.append((f"{centre:.3g}", f"{scale:.3g}"))
    assert found[:2] == pytest.approx((centre, scale), rel=1e-12)
    assert (found.steps, found.stop) == (len(seen) - 1, "three figures")


@SOME
@given(SEEDS)
def test_algorithm_s_is_the_limit_of_its_iteration(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p, nu = int(rng.integers(1, 25)), int(rng.integers(1, 9))
    w = np.sqrt(rng.chisquare(nu, p) / nu)
    w = np.round(w) if seed % 3 == 0 else w
    w[0] *= rng.choice([1.0, 1e4])
    eta, xi = algorithm_s.factors(nu)
    pooled = float(np.max(w))
    for _ in range(20_000):
        moved = xi * np.sqrt(np.mean(np.minimum(w, eta * pooled) ** 2))
        pooled, change = moved, abs(moved - pooled)
        if change <= 1e-16 * pooled:
            break
    found = algorithm_s.algorithm_s(w, degrees_of_freedom=nu)
    # a pooled value of 0 is approached only geometrically
    assert found.pooled == pytest.approx(pooled, rel=1e-11, abs=1e-100)
    assert found.limit == eta * found.pooled
    assert found.clipped == np.sum(w > found.limit * (1 + 1e-12))


def test_factors_of_algorithm_s_from_their_definition() -> None:
    for nu in (1, 2, 3, 7.5, 30, 400):
        eta, xi = algorithm_s.factors(nu)
        assert chi2.sf(nu * eta**2, nu) == pytest.approx(0.1, rel=1e-9)
        # expectation of the clipped square by numerical integration; the grid resolves it to 1e-5
        p = (np.arange(200_000) + 0.5) / 200_000
        assert np.mean(np.minimum(chi2.ppf(p, nu) / nu, eta**2)) * xi**2 == pytest.approx(1.0, rel=1e-5)
    assert np.isnan(algorithm_s.factors(np.array([0.0, -1.0])).limit).all()


def test_algorithm_s_bears_gross_sds() -> None:
    w = np.sqrt(np.random.default_rng(9).chisquare(2, 40) / 2)
    clean = algorithm_s.algorithm_s(w, degrees_of_freedom=2).pooled
    w[:8] = 1e6
    assert algorithm_s.algorithm_s(w, degrees_of_freedom=2).pooled < 2.0 * clean
    w[:20] = 1e6
    assert algorithm_s.algorithm_s(w, degrees_of_freedom=2).pooled > 1e4
