"""Charts and changes of level: what holds for every sequence, and independent ways to the same numbers."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labqa.stats.monitoring import change_points, charts, cusum, run_length, westgard

sequences = st.lists(st.lists(st.integers(-40, 40).map(lambda i: i / 10.0), max_size=20), min_size=1, max_size=4)


def laid_out(some: list[list[float]]) -> tuple[np.ndarray, np.ndarray]:
    offsets = np.concatenate(([0], np.cumsum([len(one) for one in some]))).astype(np.int64)
    return np.array([x for one in some for x in one], dtype=np.float64), offsets


@given(sequences)
@settings(max_examples=40, deadline=None)
def test_grouped_charts_are_the_single_ones_to_the_bit(some: list[list[float]]) -> None:
    values, where = laid_out(some)
    calls = {
        "individuals": lambda x, o: charts.individuals(x, o)[2:],
        "estimates": lambda x, o: charts.individuals(x, o)[:2],
        "ewma": lambda x, o: charts.ewma(x, o, weight=0.2, target=0.1, sigma=0.7),
        "cusum": lambda x, o: cusum.cusum(x, o, k=0.4, h=2.0, clip=2.0, headstart=1.0, after_signal="restart"),
        "scatter": lambda x, o: cusum.cusum_of_scatter(x, o, k=0.9, h=4.3, low=-0.4, high=1.6),
        "single": lambda x, o: change_points.single_change(x, o, permutations=99),
        "level": lambda x, o: change_points.several_changes(x, o, sigma=0.8, shortest=2)[2:],
        "ranges": lambda x, o: change_points.several_changes(x, o)[2:],
    }
    for name, call in calls.items():
        whole = call(values, where)
        for g, (begin, end) in enumerate(pairwise(where)):
            for one, many in zip(call(values[begin:end], None), whole, strict=True):
                part = many[g : g + 1] if name in ("estimates", "single") else many[begin:end]
                np.testing.assert_array_equal(one, part, err_msg=name)


@given(sequences)
@settings(max_examples=40, deadline=None)
def test_rules_and_changes_of_a_group_stay_in_it(some: list[list[float]]) -> None:
    values, where = laid_out(some)
    rules, changes = westgard.westgard(values, where), change_points.several_changes(values, where, sigma=0.5)
    for g, (begin, end) in enumerate(pairwise(where)):
        alone = westgard.westgard(values[begin:end])
        for one, many in zip(alone, rules, strict=True):
            assert np.array_equal(one, many[(many >= begin) & (many < end)] - begin)
        position = changes.position[changes.offsets[g] : changes.offsets[g + 1]]
        assert np.array_equal(change_points.several_changes(values[begin:end], sigma=0.5).position, position)


def plain_rules(z: list[float]) -> list[list[int]]:
    """Westgard's rules written down window by window."""

    def ends(n: int, holds) -> list[int]:  # type: ignore[no-untyped-def]
        return [i for i in range(n - 1, len(z)) if holds(z[i - n + 1 : i + 1])]

    return [
        ends(1, lambda w: abs(w[0]) > 2),
        ends(1, lambda w: abs(w[0]) > 3),
        ends(2, lambda w: min(w) > 2 or max(w) < -2),
        ends(2, lambda w: max(w) > 2 and min(w) < -2),
        ends(4, lambda w: min(w) > 1 or max(w) < -1),
        ends(10, lambda w: min(w) > 0 or max(w) < 0),
    ]


@given(st.lists(st.integers(-5, 12).map(lambda i: i / 3.0), max_size=40))
@settings(max_examples=50, deadline=None)
def test_westgard_rules_as_written(z: list[float]) -> None:
    assert [one.tolist() for one in westgard.westgard(np.array(z))] == plain_rules(z)


def test_westgard_counts_of_independent_scores() -> None:
    found = westgard.westgard(np.random.default_rng(1).normal(size=400_000))
    shares = np.array([len(one) for one in found]) / 400_000
    assert shares == pytest.approx([0.0455, 0.0027, 0.00104, 0.00104, 0.00127, 0.00195], rel=0.15)


@pytest.mark.parametrize("shortest", [1, 2, 3])
def test_several_changes_are_the_cheapest_of_all(shortest: int) -> None:
    random = np.random.default_rng(shortest)
    for _ in range(600):
        n, penalty = int(random.integers(1, 15)), float(random.uniform(0.5, 6.0))
        x = np.round(random.normal(size=n) + (np.arange(n) > n / 2) * random.integers(0, 4), 1)
        best = {0: -penalty}
        for t in range(1, n + 1):
            ways = [best[s] + np.sum((x[s:t] - x[s:t].mean()) ** 2) + penalty for s in best if t - s >= shortest]
            if ways:
                best[t] = min(ways)
        found = change_points.several_changes(x, sigma=1.0, penalty=penalty, shortest=shortest)
        if n in best:
            cost = np.sum((x - found.level) ** 2) + penalty * len(found.position)
            assert cost == pytest.approx(best[n], abs=1e-9)
        assert (np.diff(np.concatenate(([0], found.position, [n]))) >= min(shortest, n)).all()


@given(st.lists(st.integers(-30, 30).map(float), min_size=2, max_size=30), st.integers(-9, 9), st.sampled_from([0.5, 2.0, 8.0]))
@settings(max_examples=50, deadline=None)
def test_charts_move_with_their_values(x: list[float], by: int, scale: float) -> None:
    values = np.array(x)
    moved = scale * values + by
    assert np.array_equal(charts.individuals(values).signal, charts.individuals(moved).signal)
    one, two = change_points.single_change(values), change_points.single_change(moved)
    assert one[:3] == two[:3] and two.shift[0] == scale * one.shift[0]
    mirrored = change_points.single_change(-values)
    assert mirrored.statistic[0] == one.statistic[0] and mirrored.p[0] == one.p[0]
    up, down = (cusum.cusum(sign * values, sigma=3.0, k=0.5, h=4.0) for sign in (1.0, -1.0))
    assert np.array_equal(up.upper, down.lower) and np.array_equal(up.since, down.since)


@given(st.lists(st.floats(-6.0, 6.0), max_size=30))
@settings(max_examples=50, deadline=None)
def test_cusum_is_the_largest_sum_of_latest_increments(z: list[float]) -> None:
    # Without a headstart C_t = max(0, max over s of Σ_{s..t} (z − k)), written without the recursion.
    for clip in (np.inf, 2.0):
        steps = np.clip(np.array(z) - 0.4, -clip, clip)
        chart = cusum.cusum(np.array(z), k=0.4, h=5.2, clip=clip)
        for t in range(len(z)):
            assert chart.upper[t] == pytest.approx(max(0.0, max(steps[s : t + 1].sum() for s in range(t + 1))), abs=1e-9)
    scatter = cusum.cusum_of_scatter(np.array(z), k=0.9, h=4.3, low=-0.4, high=1.6)
    assert (scatter.signal == (scatter.total > 4.3)).all()


def test_run_lengths_are_those_of_the_charts_themselves() -> None:
    z = np.random.default_rng(3).normal(0.75, 1.0, size=(4000, 200))
    where = np.arange(0, z.size + 1, 200)
    for headstart in (0.0, 2.0):
        chart = cusum.cusum(z.ravel(), where, k=0.5, h=4.0, headstart=headstart)
        first = np.argmax(chart.signal.reshape(z.shape) != 0, axis=1) + 1.0
        expected = run_length.cusum(k=0.5, h=4.0, shift=0.75, headstart=headstart)
        assert first.mean() == pytest.approx(expected, abs=4.0 * first.std() / np.sqrt(len(first)))
    chart = charts.ewma(z.ravel(), where, weight=0.2, target=0.0, sigma=1.0, multiple=2.962, limits="asymptotic")
    first = np.argmax(chart.signal.reshape(z.shape) != 0, axis=1) + 1.0
    expected = run_length.ewma(weight=0.2, multiple=2.962, shift=0.75)
    assert first.mean() == pytest.approx(expected, abs=4.0 * first.std() / np.sqrt(len(first)))


@pytest.mark.parametrize(("size", "digits"), [(6, 0), (20, 0), (20, 2)])
def test_a_change_is_seldom_seen_where_none_is(size: int, digits: int) -> None:
    x = np.round(np.random.default_rng(size).standard_t(3, size=2000 * size), digits)
    where = np.arange(0, len(x) + 1, size)
    for permutations in (0, 199):
        p = change_points.single_change(x, where, permutations=permutations).p
        for level in (0.05, 0.01):
            assert np.mean(p <= level) <= level + 3.0 * np.sqrt(level * (1.0 - level) / len(p))


def test_hawkins_score_is_nearly_standard_normal() -> None:
    score = cusum.scale_score(np.random.default_rng(5).normal(size=200_000))
    assert [score.mean(), score.std()] == pytest.approx([0.0, 1.0], abs=0.01)
    assert np.isnan(cusum.scale_score(np.nan))


def test_means_chart_weighs_unequal_subgroups() -> None:
    random = np.random.default_rng(6)
    sizes = random.integers(1, 9, size=4000)
    groups = [random.normal(3.0, 2.0, size=n) for n in sizes]
    sds = [one.std(ddof=1) if len(one) > 1 else np.nan for one in groups]
    chart = charts.means([one.mean() for one in groups], sds, sizes)
    assert [chart.centre[0], chart.sigma[0]] == pytest.approx([3.0, 2.0], rel=0.02)
    assert np.mean(chart.signal != 0) == pytest.approx(0.0027, abs=0.0025)


def test_edge_cases_are_said() -> None:
    for x in ([], [1.0], [2.0, 2.0, 2.0]):
        assert not charts.individuals(x).signal.any()
        assert len(change_points.several_changes(x).position) == 0
        assert not any(len(one) for one in westgard.westgard(x, length=4)[1:2])
    assert np.isnan(charts.individuals([1.0]).sigma[0]) and np.isnan(charts.individuals([]).centre[0])
    assert np.isnan(change_points.single_change([1.0]).p[0])
    equal = change_points.single_change([2.0, 2.0, 2.0])
    assert equal.statistic[0] == 0.0 and equal.p[0] == 1.0
    alone = charts.means([1.0, 2.0], [np.nan, np.nan], [1, 1])
    assert np.isnan(alone.sigma[0]) and not alone.signal.any()
    assert np.isnan(charts.c4(1)) and np.isnan(charts.d2(1))
    for call in (
        lambda: charts.ewma([1.0], weight=0.0, target=0.0, sigma=1.0),
        lambda: charts.ewma([1.0], weight=0.1, target=0.0, sigma=0.0),
        lambda: charts.ewma([1.0], weight=0.1, target=0.0, sigma=1.0, limits="narrow"),
        lambda: cusum.cusum([np.nan], k=0.5, h=4.0),
        lambda: cusum.cusum([1.0], k=0.5, h=4.0, headstart=5.0),
        lambda: cusum.cusum([1.0], k=0.5, h=4.0, target=[0.0, 1.0]),
        lambda: charts.means([1.0], [1.0], [0]),
        lambda: change_points.several_changes([1.0], shortest=0),
        lambda: run_length.cusum_one_sided(k=0.5, h=0.0),
        lambda: run_length.ewma(weight=2.0, multiple=3.0),
        lambda: westgard.westgard([1.0], length=1),
    ):
        with pytest.raises(ValueError):
            call()


@given(st.lists(st.floats(-5.0, 5.0), min_size=1, max_size=15), st.floats(0.05, 1.0))
@settings(max_examples=50, deadline=None)
def test_ewma_is_a_weighted_mean_and_its_limits_its_sd(x: list[float], weight: float) -> None:
    # w_t = Σ λ(1−λ)^{t−s} x_s + (1−λ)^t target, so that Var w_t = σ² Σ weights², without the recursion or the closed form.
    exact = charts.ewma(x, weight=weight, target=0.3, sigma=2.0, multiple=2.5)
    for t in range(1, len(x) + 1):
        shares = weight * (1.0 - weight) ** np.arange(t - 1, -1, -1)
        assert exact.level[t - 1] == pytest.approx(shares @ x[:t] + (1.0 - weight) ** t * 0.3, abs=1e-12)
        assert exact.upper[t - 1] - 0.3 == pytest.approx(2.5 * 2.0 * np.sqrt(shares @ shares), rel=1e-9)
    assert np.array_equal(exact.signal == 1, exact.level > exact.upper)
