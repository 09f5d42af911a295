"""What always holds of the precision statistics: units, order, grouping, and what is said where there is little to say."""

import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labqa.stats.precision import critical_values, grubbs_double, horwitz, levels, outliers
from labqa.stats.precision.anova import one_way, one_way_by_set
from labqa.stats.precision.decimal_shift import digits_of_differences, restored, shifted
from labqa.stats.precision.experiment import experiment, experiment_by_set
from labqa.stats.precision.homogeneity import expanded_factors, homogeneity, homogeneity_by_set
from labqa.stats.precision.mandel import mandel, mandel_by_set
from labqa.stats.precision.nested import nested, nested_by_set
from labqa.stats.precision.nesting import nesting
from labqa.stats.precision.reml import nested_reml, one_way_reml, one_way_reml_by_set
from labqa.stats.precision.scrutiny import COCHRAN, GRUBBS, GRUBBS_DOUBLE, OUTLIER, STRAGGLER, scrutiny, scrutiny_by_set

FEW = settings(max_examples=40, deadline=None)
FEWER = settings(max_examples=12, deadline=None)
"""For fits, which take their time."""
SEEDS = st.integers(0, 10_000)
STUDIES = [one_way, experiment, one_way_reml]


def study(seed: int, *, sets: int = 1, empty: bool = True) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values, cells and sets of ragged studies: cells of 0 to 5 values, rounded to 0.01 so that ties occur."""
    draw = np.random.default_rng(seed)
    labs = draw.integers(3, 9, sets)
    sizes = draw.integers(0 if empty else 1, 6, labs.sum())
    cells = np.concatenate([[0], np.cumsum(sizes)])
    values = 10 + np.repeat(draw.normal(0, 2, len(sizes)), sizes) + draw.normal(0, 1, cells[-1])
    return np.round(values, 2), cells, np.concatenate([[0], np.cumsum(labs)])


def part(values: np.ndarray, cells: np.ndarray, sets: np.ndarray, at: int) -> tuple[np.ndarray, np.ndarray]:
    """The values and cells of one set by itself."""
    own = cells[sets[at] : sets[at + 1] + 1]
    return values[own[0] : own[-1]], own - own[0]


def same(a: Any, b: Any) -> bool:
    """The same to the last bit, NaN for NaN."""
    return np.array_equal(np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64), equal_nan=True)


@FEW
@given(seed=SEEDS)
def test_grouped_and_single_are_the_same_to_the_last_bit(seed: int) -> None:
    values, cells, sets = study(seed, sets=4)
    for single, grouped in ((one_way, one_way_by_set), (experiment, experiment_by_set), (one_way_reml, one_way_reml_by_set)):
        together: Any = grouped(values, cells, sets)
        for at in range(4):
            alone = single(*part(values, cells, sets, at))
            assert same([column[at] for column in together], alone), single.__name__
    of_cells, status = mandel_by_set(values, cells, sets), scrutiny_by_set(values, cells, sets)
    for at in range(4):
        own = slice(sets[at], sets[at + 1])
        assert same([column[own] for column in of_cells], mandel(*part(values, cells, sets, at)))
        assert same([column[own] for column in status], scrutiny(*part(values, cells, sets, at)))
    sigma = np.array([1.0, 2.0, 3.0, np.nan])
    samples = homogeneity_by_set(values, cells, sets, sigma)
    for at in range(4):
        alone = homogeneity(*part(values, cells, sets, at), sigma[at])
        found = [column[at] for column in samples]
        found[-1] -= sets[at] if found[-1] >= 0 else 0
        assert same(found, alone)
    many = nested_by_set(values, [cells], sets)
    for at in range(4):
        own_values, own_cells = part(values, cells, sets, at)
        alone = nested(own_values, [own_cells])
        assert all(same(a[at], b[0]) for a, b in zip(many, alone, strict=True))


@FEW
@given(seed=SEEDS)
def test_deep_designs_together_are_those_one_by_one(seed: int) -> None:
    draw = np.random.default_rng(seed)
    codes = draw.integers(0, [3, 3, 2, 2], (120, 4))
    y = draw.normal(size=120).round(2)
    order, (sets, *levels) = nesting(*codes.T)
    together = nested_by_set(y[order], levels, sets)
    for at, one in enumerate(np.unique(codes[:, 0])):
        own = codes[:, 0] == one
        inner = nesting(*codes[own, 1:].T)
        alone = nested(y[own][inner.order], inner.levels)
        assert all(same(a[at], b[0]) for a, b in zip(together, alone, strict=True))


def restricted_likelihood(y: np.ndarray, labs: np.ndarray, s_r: float, s_L: float) -> float:
    """−2 log REML likelihood by matrices, with X = 1."""
    indicator = (labs[:, None] == labs[None, :]).astype(float)
    v = s_r**2 * np.eye(len(y)) + s_L**2 * indicator
    inverse, ones = np.linalg.inv(v), np.ones(len(y))
    mean = ones @ inverse @ y / (ones @ inverse @ ones)
    residual = y - mean
    logs = np.linalg.slogdet(v)[1] + np.log(ones @ inverse @ ones)
    return float((len(y) - 1) * np.log(2 * np.pi) + logs + residual @ inverse @ residual)


@FEW
@given(seed=SEEDS, spread=st.sampled_from([0.0, 0.3, 30.0]))
def test_no_other_pair_of_sds_is_likelier_than_that_of_reml(seed: int, spread: float) -> None:
    draw = np.random.default_rng(seed)
    sizes = draw.integers(1, 5, 6)
    sizes[0] = 3
    labs = np.repeat(np.arange(6), sizes)
    y = spread * draw.normal(size=6)[labs] + draw.normal(size=len(labs))
    found = one_way_reml(y, np.concatenate([[0], np.cumsum(sizes)]))
    assert found.criterion == pytest.approx(restricted_likelihood(y, labs, found.s_r, found.s_L), rel=1e-8)
    for _ in range(30):
        s_r, s_L = found.s_r * np.exp(draw.normal(0, 0.3)), abs(found.s_L * np.exp(draw.normal(0, 0.3)) + draw.normal(0, 0.1))
        assert restricted_likelihood(y, labs, s_r, s_L) >= found.criterion - 1e-7


@FEW
@given(seed=SEEDS)
def test_single_and_double_outliers_are_those_of_each_set(seed: int) -> None:
    _, _, sets = study(seed, sets=5)
    draw = np.random.default_rng(seed)
    x, variances = draw.normal(size=sets[-1]).round(1), draw.chisquare(2, sets[-1]).round(1)
    together = outliers.grubbs_by_set(x, sets), outliers.cochran_by_set(variances, sets, n=3)
    two = outliers.grubbs_double_by_set(x, sets)
    for at in range(5):
        own = slice(sets[at], sets[at + 1])
        single = outliers.grubbs(x[own]), outliers.cochran(variances[own], n=3)
        for found, alone in zip(together, single, strict=True):
            assert same([found.statistic[at], found.p[at], found.p_value[at]], [alone.statistic, alone.p, alone.p_value])
            assert found.cell[at] == (alone.cell + sets[at] if alone.cell >= 0 else -1)
        alone_two = outliers.grubbs_double(x[own])
        assert same([two.low[at], two.high[at]], [alone_two.low, alone_two.high])


@FEW
@given(seed=SEEDS, shift=st.floats(-1e4, 1e4), factor=st.sampled_from([1e-3, 0.5, 2.0, 1e4]))
def test_units_and_zero_change_nothing_but_units(seed: int, shift: float, factor: float) -> None:
    values, cells, _ = study(seed)
    moved = shift + factor * values
    before, after = experiment(values, cells), experiment(moved, cells)
    close = {"rel": 1e-7, "abs": 1e-7 * factor, "nan_ok": True}
    assert after.m == pytest.approx(shift + factor * before.m, rel=1e-9, nan_ok=True)
    for name in ("s_x", "s_r", "s_L", "s_R", "s_R_unfloored", "r", "R"):
        # s_L is a root of a difference: near 0 it keeps half of the digits
        assert getattr(after, name) == pytest.approx(factor * getattr(before, name), **close | {"abs": 1e-4 * factor}), name
    assert one_way(moved, cells).f == pytest.approx(one_way(values, cells).f, **close)
    fitted, refitted = one_way_reml(values, cells), one_way_reml(moved, cells)
    assert refitted.s_r == pytest.approx(factor * fitted.s_r, rel=1e-6, nan_ok=True)
    assert refitted.mean == pytest.approx(shift + factor * fitted.mean, rel=1e-7, abs=1e-7, nan_ok=True)
    turned = mandel(-values, cells)
    assert turned.h == pytest.approx(-mandel(values, cells).h, abs=1e-12, nan_ok=True)
    assert turned.k == pytest.approx(mandel(values, cells).k, abs=1e-12, nan_ok=True)


@FEW
@given(seed=SEEDS)
def test_h_has_mean_0_and_sd_1_and_k_has_mean_square_1(seed: int) -> None:
    values, cells, _ = study(seed)
    found = mandel(values, cells)
    h, k = found.h[~np.isnan(found.h)], found.k[~np.isnan(found.k)]
    assert len(h) in (0, np.sum(np.diff(cells) > 0))
    assert len(k) in (0, np.sum(np.diff(cells) > 1))
    if len(h) > 1:
        assert [np.mean(h), np.std(h, ddof=1)] == pytest.approx([0.0, 1.0], abs=1e-12)
    if len(k):
        assert np.mean(k**2) == pytest.approx(1.0)


@FEW
@given(seed=SEEDS)
def test_order_of_labs_and_of_their_results_does_not_matter(seed: int) -> None:
    values, cells, _ = study(seed)
    draw = np.random.default_rng(seed)
    labs = [draw.permutation(values[a:b]) for a, b in pairwise(cells)]
    order = draw.permutation(len(labs))
    mixed = np.concatenate([labs[i] for i in order])
    mixed_cells = np.concatenate([[0], np.cumsum([len(labs[i]) for i in order])])
    close = {"rel": 1e-9, "abs": 1e-9, "nan_ok": True}
    assert [*experiment(mixed, mixed_cells)[:6]] == pytest.approx([*experiment(values, cells)[:6]], **close)
    assert [*one_way(mixed, mixed_cells)] == pytest.approx([*one_way(values, cells)], **close)
    assert scrutiny(mixed, mixed_cells).status.tolist() == scrutiny(values, cells).status[order].tolist()


@FEW
@given(seed=SEEDS, level=st.sampled_from([0.0, 1e3, 1e9, 1e15, -1e12]))
def test_analysis_of_variance_is_exact_at_any_level(seed: int, level: float) -> None:
    values, cells, _ = study(seed, empty=False)
    values = values + level
    exact = [Fraction(value) for value in values.tolist()]
    groups = [exact[a:b] for a, b in pairwise(cells.tolist())]
    means, grand = [sum(group) / len(group) for group in groups], sum(exact) / len(exact)
    within = sum((value - mean) ** 2 for group, mean in zip(groups, means, strict=True) for value in group)
    between = sum(len(group) * (mean - grand) ** 2 for group, mean in zip(groups, means, strict=True))
    found = one_way(values, cells)
    assert found.ss_within == pytest.approx(float(within), rel=1e-13)
    # a between-SS far below the within-SS keeps the digits that the means have
    assert found.ss_between == pytest.approx(float(between), rel=1e-12, abs=1e-28 * float(within))


@FEW
@given(
    digits=st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=12),
    level=st.integers(-(10**30), 10**30),
    places=st.integers(0, 40),
)
def test_shifted_decimals_keep_every_difference(digits: list[int], level: int, places: int) -> None:
    texts = [str(Decimal(level + digit).scaleb(-places)) for digit in digits]
    constant, values = shifted(texts)
    assert [float(Fraction(text) - Fraction(constant)) for text in texts] == values.tolist()
    assert Fraction(constant) in {Fraction(text) for text in texts}
    assert shifted(texts[::-1]).constant == constant


@FEW
@given(digits=st.lists(st.integers(-(10**15) + 1, 10**15 - 1), min_size=1, max_size=12), power=st.integers(-40, 40))
def test_fifteen_digits_are_restored_from_float64(digits: list[int], power: int) -> None:
    texts = [f"{digit}e{power}" for digit in digits]
    found, expected = restored([float(text) for text in texts]), shifted(texts)
    assert Fraction(found.constant) == Fraction(expected.constant)
    assert found.values.tolist() == expected.values.tolist()


def test_shift_refuses_what_is_no_number() -> None:
    for text in ("", "1,5", "NaN", "inf", "<0.1"):
        with pytest.raises(ValueError, match=r"texts\[1\]"):
            shifted(["1.5", text])
    with pytest.raises(ValueError, match="too far apart"):
        shifted(["1e3000", "1"])
    with pytest.raises(ValueError, match=r"texts\[0\]"):
        restored([np.nan])
    assert shifted(["1e35", "1e-35", "1"]).values.tolist() == [1e35, -1.0, 0.0]
    assert shifted([]) == (Decimal(0), pytest.approx([]))
    assert shifted(["0.1", "0.10"]).values.tolist() == [0.0, 0.0]
    assert digits_of_differences([]) == digits_of_differences([3.0, 3.0]) == math.inf


@pytest.mark.parametrize(
    "function", [*STUDIES, mandel, scrutiny, lambda v, c: nested(v, [c]), lambda v, c: homogeneity(v, c, 1.0)]
)
def test_a_missing_value_is_an_error_and_so_are_offsets_that_do_not_fit(function: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match=r"values\[1\] is nan"):
        function([1.0, np.nan, 2.0], [0, 1, 3])
    with pytest.raises(ValueError, match="offsets must rise from 0 to 3"):
        function([1.0, 2.0, 3.0], [0, 2])


def test_little_data_and_no_scatter_are_said() -> None:
    nothing = experiment([], [0])
    assert (nothing.p, nothing.n) == (0, 0)
    assert np.isnan([nothing.m, nothing.s_r, nothing.s_R, one_way([], [0]).f]).all()
    one = experiment([1.0, 3.0], [0, 2])
    assert one.s_r == pytest.approx(math.sqrt(2))
    assert np.isnan([one.s_L, one.s_R, one.s_x]).all()
    singles = experiment([1.0, 2.0, 4.0], [0, 1, 2, 3])
    assert np.isnan([singles.s_r, singles.s_L]).all()
    assert singles.s_R == pytest.approx(np.std([1, 2, 4], ddof=1))
    equal = one_way([0.1] * 6, [0, 3, 6])
    assert (equal.ss_between, equal.ss_within) == (0.0, 0.0)
    assert np.isnan(equal.f)
    assert one_way([1.0, 1.0, 2.0, 2.0], [0, 2, 4]).f == math.inf
    assert np.isnan(one_way_reml([0.1] * 6, [0, 3, 6]).s_r)
    assert np.isnan(nested_reml([1.0, 2.0, 3.0], [[0, 1, 2, 3]]).mean)
    flat = mandel([1.0, 1.0, 1.0, 1.0], [0, 2, 4])
    assert np.isnan(flat).all()
    assert outliers.grubbs([2.0] * 5).cell == outliers.cochran([0.0] * 5, n=2).cell == -1
    assert outliers.grubbs_double([1.0, 2.0, 3.0]).low_cells == (-1, -1)
    with pytest.raises(ValueError, match="not negative"):
        outliers.cochran([1.0, -1.0], n=2)
    with pytest.raises(ValueError, match="at least"):
        nested([1.0], [])
    assert np.isnan(expanded_factors(1, m=2)).all()
    assert np.isnan(critical_values.grubbs_critical(2, alpha=0.05))
    assert np.isnan(grubbs_double.grubbs_double_critical(3, alpha=0.05))
    with pytest.raises(ValueError, match="at most 200"):
        grubbs_double.grubbs_double_chance(0.5, 201)


@FEW
@given(p=st.integers(4, 60), n=st.integers(2, 12), alpha=st.sampled_from([0.1, 0.05, 0.01, 0.001]))
def test_critical_values_have_the_chance_that_they_stand_for(p: int, n: int, alpha: float) -> None:
    c = critical_values.cochran_critical(p, n, alpha=alpha)
    assert critical_values.cochran_chance(c, p, n) == pytest.approx(alpha, rel=1e-9)
    g = critical_values.grubbs_critical(p, alpha=alpha)
    assert critical_values.grubbs_chance(g, p) == pytest.approx(alpha, rel=1e-9)
    two = grubbs_double.grubbs_double_critical(p, alpha=alpha)
    assert grubbs_double.grubbs_double_chance(two, p) == pytest.approx(alpha / 2, rel=1e-6)
    assert critical_values.mandel_h_critical(p, alpha=alpha) < g <= (p - 1) / math.sqrt(p)
    assert critical_values.mandel_k_critical(p, n, alpha=alpha) < math.sqrt(p * c)


@pytest.mark.parametrize("p", [4, 8, 30])
def test_outlier_tests_keep_their_level_by_simulation(p: int) -> None:
    draw, sets = np.random.default_rng(p), 20_000
    x = draw.normal(size=(sets, p))
    at = np.arange(0, sets * p + 1, p)
    single = outliers.grubbs_by_set(x.ravel(), at)
    # Bonferroni is exact or a little cautious; four standard errors of 20,000 draws are 0.006
    assert 0.04 < np.mean(single.p_value <= 0.05) < 0.056
    scatter = outliers.cochran_by_set(draw.chisquare(2, sets * p), at, n=3)
    assert 0.04 < np.mean(scatter.p_value <= 0.05) < 0.056
    two = outliers.grubbs_double_by_set(x.ravel(), at)
    limit = grubbs_double.grubbs_double_critical(p, alpha=0.05)
    assert np.mean(two.high <= limit) == pytest.approx(0.025, abs=0.005)
    assert np.mean(two.low <= limit) == pytest.approx(0.025, abs=0.005)


def labs(means: list[float], half_ranges: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Duplicates of each lab: its mean plus and minus its half range."""
    values = np.array([[mean - half, mean + half] for mean, half in zip(means, half_ranges, strict=True)])
    return values.ravel(), np.arange(0, values.size + 1, 2)


def test_scrutiny_follows_the_steps_of_the_standard() -> None:
    means = [9.8, 9.9, 10.0, 10.05, 10.1, 10.15, 10.2, 10.3]
    calm = scrutiny(*labs(means, [0.1, 0.12, 0.09, 0.11, 0.1, 0.1, 0.08, 0.1]))
    assert not calm.status.any()
    scattered = scrutiny(*labs(means, [0.1, 0.12, 3.0, 0.11, 0.1, 0.1, 0.08, 1.0]))
    assert scattered.status.tolist() == [0, 0, OUTLIER, 0, 0, 0, 0, OUTLIER]
    assert set(scattered.test[scattered.status > 0]) == {COCHRAN}
    both_ends = scrutiny(*labs([2.0, *means[1:-1], 30.0], [0.1] * 8))
    assert both_ends.status.tolist() == [OUTLIER, 0, 0, 0, 0, 0, 0, OUTLIER]
    assert set(both_ends.test[both_ends.status > 0]) == {GRUBBS}
    pair = scrutiny(*labs([*means[:-2], 13.0, 13.1], [0.1] * 8))
    assert pair.status.tolist() == [0, 0, 0, 0, 0, 0, OUTLIER, OUTLIER]
    assert pair.test.tolist()[-2:] == [GRUBBS_DOUBLE] * 2
    # four labs of 2 and four of 3 results: n = 2 is taken, by which C = 0.67 is under the line (5 %: 0.68), by n = 3 it is not
    small, large = [5.0 - 0.3, 5.0 + 0.3], [5.0 - 0.3, 5.0, 5.0 + 0.3]
    tied = scrutiny(np.array([4.05, 5.95] + small * 3 + large * 4), np.cumsum([0, 2, 2, 2, 2, 3, 3, 3, 3]))
    assert not tied.status.any()
    straggler = scrutiny(*labs([*means[:-1], 10.75], [0.1] * 8))
    assert straggler.status.tolist()[-1] == STRAGGLER


def test_nesting_counts_a_code_within_its_outer_codes() -> None:
    found = nesting(["b", "a", "b", "a", "b"], [1, 1, 2, 1, 1])
    assert found.order.tolist() == [1, 3, 0, 4, 2]
    assert [level.tolist() for level in found.levels] == [[0, 1, 3], [0, 2, 4, 5]]
    assert [level.tolist() for level in nesting([], []).levels] == [[0], [0]]
    with pytest.raises(ValueError, match="one length"):
        nesting([1, 2], [1])
    values, codes = [1.0, 2.0, 4.0, 8.0], [1, 1, 2, 2]
    balanced = nested(values, nesting(codes).levels)
    single = one_way(values, nesting(codes).levels[0])
    assert balanced.ms[0].tolist() == [single.ms_between, single.ms_within]
    inseparable = nested([1.0, 2.0, 3.0, 5.0], nesting([1, 1, 2, 2], [1, 2, 3, 4]).levels)
    assert np.isnan(inseparable.variance).all()


LEVEL = np.array([0.5, 1.0, 3.0, 10.0, 40.0, 100.0])
TRUTH = {
    "constant": (0.7,),
    "proportional": (0.05,),
    "linear": (0.2, 0.04),
    "power": (0.15, 0.6),
    "two_component": (0.5, 0.06),
}


@pytest.mark.parametrize("model", levels.MODELS)
def test_a_model_without_noise_is_found_and_chosen(model: str) -> None:
    sd = levels.sd_at(model, TRUTH[model], LEVEL)
    fitted = levels.fit_level(LEVEL, sd, 10, model=model)
    assert fitted.parameters == pytest.approx(TRUTH[model], rel=1e-5)
    chosen = levels.choose_level(LEVEL, sd, 10)
    assert chosen.chosen.model == model
    assert [one.model for one in chosen.fitted] == list(levels.MODELS)
    if model in ("proportional", "linear", "power"):
        assert levels.iso_relation(LEVEL, sd, model=model).parameters == pytest.approx(TRUTH[model], rel=1e-9)


@FEWER
@given(seed=SEEDS, factor=st.sampled_from([1e-6, 1e3]))
def test_fits_of_precision_follow_the_unit(seed: int, factor: float) -> None:
    draw = np.random.default_rng(seed)
    sd = levels.characteristic_function(LEVEL, 0.3, 0.05) * np.sqrt(draw.chisquare(8, len(LEVEL)) / 8)
    for model in levels.MODELS:
        before = levels.fit_level(LEVEL, sd, 8, model=model)
        after = levels.fit_level(factor * LEVEL, factor * sd, 8, model=model)
        a, b = levels.sd_at(model, before.parameters, LEVEL), levels.sd_at(model, after.parameters, factor * LEVEL)
        assert b == pytest.approx(factor * a, rel=1e-4), model


@FEWER
@given(seed=SEEDS)
def test_no_neighbour_of_a_fit_is_likelier(seed: int) -> None:
    draw = np.random.default_rng(seed)
    df = draw.integers(3, 20, len(LEVEL)).astype(float)
    sd = draw.uniform(0.1, 2.0) * LEVEL ** draw.uniform(0, 1) * np.sqrt(draw.chisquare(df) / df)
    for model in levels.MODELS:
        found = levels.fit_level(LEVEL, sd, df, model=model)
        for step in draw.normal(0, 1e-3, (20, len(found.parameters))):
            variance = levels.sd_at(model, np.array(found.parameters) * (1 + step) + (step > 0) * 1e-6, LEVEL) ** 2
            assert np.sum(df * (np.log(variance) + sd**2 / variance)) >= found.deviance - 1e-7, model


def test_fits_of_precision_say_what_they_cannot_do() -> None:
    with pytest.raises(ValueError, match="levels above 0"):
        levels.fit_level([0.0, 1.0], [1.0, 1.0], 5, model="power")
    with pytest.raises(ValueError, match="no SD above 0"):
        levels.fit_level([1.0, 2.0], [0.0, 0.0], 5, model="constant")
    with pytest.raises(ValueError, match="no model"):
        levels.fit_level([1.0, 2.0], [1.0, 1.0], 5, model="cubic")
    with pytest.raises(ValueError, match="for the 2 parameters"):
        levels.fit_level([1.0], [1.0], 5, model="linear")
    with pytest.raises(ValueError, match="finite"):
        levels.fit_level([1.0, np.nan], [1.0, 1.0], 5, model="constant")
    with_blank = levels.choose_level([0.0, 1.0, 10.0, 100.0], [0.3, 0.3, 0.6, 5.0], 10)
    assert {one.model for one in with_blank.fitted} == {"constant", "linear", "two_component"}
    assert with_blank.chosen.model == "two_component"


def test_horrat() -> None:
    # Horwitz: 16 % at 1 mg/kg, 22 % by Thompson at 10 µg/kg, where the original has 32 %
    assert horwitz.horrat([0.16, 0.08], 1.0, unit=1e-6) == pytest.approx([1.0, 0.5], rel=0.003)
    assert horwitz.horrat(2.2, 10.0, unit=1e-9) == pytest.approx(1.0)
    assert horwitz.horrat(3.2, 10.0, unit=1e-9, modified=False) == pytest.approx(1.0, rel=0.003)
    assert np.isnan(horwitz.horrat(1.0, [0.0, 2.0], unit=1.0)).all()
