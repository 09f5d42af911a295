"""Screens on results without any fault, rounded and tied as real ones are: false alarms no more often than their p says.

Fixed seeds; a share may exceed its nominal level by three Monte Carlo standard errors.
"""

import csv
import math
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from labqa.stats import counting, groups, ranking
from labqa.stats.scores import agreement
from labqa.stats.screens import copies, digits, factors, heaping, replicates, shifts

LEVELS = (0.05, 0.01)


def equal_groups(n_groups: int, size: int) -> np.ndarray:
    return np.arange(0, n_groups * size + 1, size)


def assert_honest(p: np.ndarray) -> None:
    assert len(p) >= 1000 and not np.isnan(p).any()
    for level in LEVELS:
        allowed = level + 3.0 * np.sqrt(level * (1.0 - level) / len(p))
        assert np.mean(p <= level) <= allowed, (level, np.mean(p <= level))


@pytest.mark.parametrize("size", [3, 12, 45, 60, 200])
def test_uniform_digits_raise_few_alarms(size: int) -> None:
    values = np.round(np.random.default_rng(size).normal(50.0, 1.0, size=3000 * size), 3)
    counts = digits.digit_counts(digits.terminal_digits(values, step=0.001), equal_groups(3000, size))
    assert counts.sum() == len(values)
    assert_honest(digits.uniformity(counts).p)
    assert_honest(digits.preference(counts).p)


@pytest.mark.parametrize(("centre", "sd", "width", "size"), [(0.0, 3.0, 1, 60), (2.0, 2.0, 1, 200), (-4.0, 4.0, 2, 400)])
def test_sloping_densities_heap_nowhere(centre: float, sd: float, width: int, size: int) -> None:
    # Reported to 0.1 with a limit of 5.0, where the density rises or falls by a factor of up to e for each bin.
    values = 5.0 + 0.1 * np.rint(np.random.default_rng(size).normal(centre, sd, size=3000 * size))
    found = heaping.heaping(values, equal_groups(3000, size), limit=5.0, step=0.1, width=width)
    assert_honest(found.p)
    assert (found.attainable <= found.p).all()


def test_bins_of_several_items_hold_round_numbers_alike() -> None:
    steps = np.arange(-60, 61)
    beyond = heaping.bins_beyond(5.0 + 0.01 * steps, limit=5.0, step=0.01, sigma=1.0)
    assert np.bincount(np.ceil(beyond).astype(int) + 2).tolist() == [1, 30, 30, 30, 30], "0.3 σR are 30 steps"
    mirrored = heaping.bins_beyond(-5.0 - 0.01 * steps, limit=-5.0, step=0.01, sigma=1.0, side="lower")
    assert mirrored.tolist() == beyond.tolist()
    exclusive = heaping.bins_beyond([5.0, 4.99], limit=5.0, step=0.01, sigma=0.3, inclusive=False)
    assert np.allclose(exclusive, [0.1, 0.0]) and exclusive[1] == 0.0, "10 steps are the least; the limit itself lies beyond"
    unusable = heaping.bins_beyond(
        5.0, limit=5.0, step=[0.1, np.nan, 0.01, 0.01], sigma=[0.4, 1.0, np.nan, 1.0], floor=[0, 0, 0, 4]
    )
    assert np.isnan(unusable).all(), "too coarse, step unknown, σ unknown, too near the LOQ"


def test_powers_between_results() -> None:
    first = np.array([50.0, 50.0, 50.0, 2.4, 0.0, np.nan, 1.0, 1.0])
    second = np.array([50_200.0, 0.0502, 55.0, 1.13, 5.0, 5.0, 1e4, 11.3])
    assert factors.power_between(first, second).tolist() == [3, -3, 0, 0, 0, 0, 0, 0]
    assert factors.power_between(1.0, 1e6 * 10**0.04) == 6


def test_heaped_results_are_found_and_mirrored() -> None:
    random = np.random.default_rng(2)
    steps = np.rint(random.normal(0.0, 8.0, size=4000))
    heaped = np.where((steps >= 1) & (steps <= 3) & (random.random(4000) < 0.5), 0.0, steps)
    upper = heaping.heaping(10.0 + 0.1 * heaped, limit=10.0, step=0.1, width=3)
    lower = heaping.heaping(-10.0 - 0.1 * heaped, limit=-10.0, step=0.1, width=3, side="lower")
    assert upper.p[0] < 1e-6 and np.array_equal(upper.counts, lower.counts) and upper.p[0] == lower.p[0]
    assert heaping.heaping([10.0, 10.0, 10.1], limit=10.0, step=0.1).attainable[0] == 1.0
    # Excluding the limit moves results equal to it to the other side.
    assert heaping.heaping([10.0], limit=10.0, step=0.1, inclusive=False).counts.tolist() == [[0, 0, 1, 0]]


@pytest.mark.parametrize("sigma", [0.1, 0.4, 1.0, 5.0])
def test_rounded_replicates_tie_and_scatter_as_they_must(sigma: float) -> None:
    random = np.random.default_rng(int(10 * sigma))
    level = random.uniform(10.0, 60.0, size=(2000 * 15, 1))
    x = np.rint(level + random.normal(0.0, sigma, size=(2000 * 15, 3)))
    where = equal_groups(2000, 15)
    tied = replicates.tied_pairs(x[:, 0], x[:, 1], where, sigma=sigma, step=1.0)
    assert tied.seen.mean() == pytest.approx(tied.expected.mean(), abs=4.0 * np.sqrt(tied.expected.mean() / 2000) + 1e-9)
    assert_honest(tied.p)
    narrow = replicates.spread_too_small(x.ravel(), equal_groups(len(x), 3), where, sigma=sigma, step=1.0)
    assert_honest(narrow.p)
    if sigma >= 1.0:
        assert_honest(replicates.mean_containing_triples(x, where, sigma=sigma, step=1.0).p)


def test_invented_replicates_are_found() -> None:
    random = np.random.default_rng(11)
    level = random.uniform(10.0, 60.0, size=(40, 1))
    narrow = np.round(level + random.normal(0.0, 0.3, size=(40, 3)), 2)
    assert replicates.spread_too_small(narrow.ravel(), equal_groups(40, 3), sigma=1.0, step=0.01).p[0] < 1e-6
    two = np.round(level + random.normal(0.0, 1.0, size=(40, 2)), 2)
    triples = np.column_stack((two, np.round(two.mean(axis=1), 2)))
    assert replicates.mean_containing_triples(triples, sigma=1.0, step=0.01).p[0] < 1e-6
    assert replicates.tied_pairs(two[:, 0], two[:, 0], sigma=1.0, step=0.01).p[0] < 1e-6


def test_independent_vectors_are_rarely_equal() -> None:
    # 2,000 laboratories of 12 samples with 5 items, each item reported in few steps.
    random = np.random.default_rng(12)
    labs, samples, items = 2000, 12, 5
    steps = np.array([1.5, 2.0, 3.0, 5.0, 8.0])
    values = np.rint(random.normal(0.0, steps, size=(labs * samples, items)))
    index = np.tile(np.arange(items), labs * samples)
    chance = copies.tie_probability(index, values.ravel(), n_items=items)
    found = copies.copied_vectors(
        index, values.ravel(), equal_groups(labs * samples, items), groups=np.repeat(np.arange(labs), samples),
        tie_probability=chance,
    )  # fmt: skip
    by_lab = (found.equal > 1).reshape(labs, samples).any(axis=1)
    p = found.p.reshape(labs, samples)[:, 0]
    assert by_lab.mean() == pytest.approx(p.mean(), abs=4.0 * np.sqrt(p.mean() / labs))
    assert_honest(np.where(by_lab, p, 1.0))


def test_copied_vectors_are_found_in_their_laboratory_only() -> None:
    random = np.random.default_rng(13)
    values = np.round(random.normal(10.0, 1.0, size=(30, 6)), 2)
    values[7] = values[3]
    values[20] = values[3]
    index, where, labs = np.tile(np.arange(6), 30), equal_groups(30, 6), np.repeat([0, 1, 2], 10)
    chance = copies.tie_probability(index, values.ravel(), n_items=6)
    within = copies.copied_vectors(index, values.ravel(), where, groups=labs, tie_probability=chance)
    assert np.flatnonzero(within.equal > 1).tolist() == [3, 7] and within.first[7] == 3 and within.p[3] < 1e-5
    across = copies.copied_vectors(index, values.ravel(), where, groups=np.zeros(30, int), tie_probability=chance)
    assert np.flatnonzero(across.equal == 3).tolist() == [3, 7, 20] and across.first[20] == 3
    few = copies.copied_vectors(index, values.ravel(), where, groups=labs, tie_probability=chance, fewest=7)
    assert (few.equal == 1).all() and np.isnan(few.p).all()


@pytest.mark.parametrize("spread", [0.05, 0.3, 1.0])
def test_factors_explain_no_more_discrepancies_than_chance(spread: float) -> None:
    # Heavy-tailed disagreement of log results without any slip: t with 2 degrees of freedom.
    random = np.random.default_rng(int(100 * spread))
    x = random.uniform(5.0, 50.0, size=1500 * 40)
    y = x * 10.0 ** (spread * random.standard_t(2, size=len(x)).clip(-6 / spread, 6 / spread))
    x, y = np.maximum(np.round(x, 1), 0.1), np.maximum(np.round(y, 1), 0.1)
    found = factors.explained_by(x, y, 0.1 * x, 0.1 * y)
    assert_honest(factors.more_than_chance(found, equal_groups(1500, 40)).p)


def test_factors_of_units_are_named() -> None:
    x = np.array([12.3, 2.0, 3.7, 20.0, 1.5, 4.0])
    y = x * np.array([1000.0, 25.4, 1e4, 1.0, 1.0, 1.02]) + np.array([0.0, 0.0, 0.0, 48.0, 0.0, 0.0])
    found = factors.explained_by(x, y, 0.05 * x, 0.05 * y)
    names = [factors.CONVERSIONS[abs(i) - 1].name if i else None for i in found.conversion]
    assert names == ["10^3", "inch ↔ mm", "% ↔ mg/kg", "°C ↔ °F", None, None]
    back = factors.explained_by(y, x, 0.05 * y, 0.05 * x)
    assert np.array_equal(back.conversion, -found.conversion)


positive = st.floats(1e-6, 1e6)


@given(st.lists(st.tuples(positive, positive), min_size=1, max_size=20))
@settings(max_examples=50, deadline=None)
def test_powers_of_ten_are_those_of_the_slip_power(pairs: list[tuple[float, float]]) -> None:
    x, y = np.array(pairs).T
    powers = tuple(one for one in factors.CONVERSIONS if one.name.startswith("10^"))
    for second in (y, 1000.0 * x, x / 100.0):
        slip = agreement.slip_power(x, second, 0.02 * x, 0.02 * second)
        found = factors.explained_by(x, second, 0.02 * x, 0.02 * second, conversions=powers)
        named = [0 if i == 0 else int(np.sign(i)) * agreement.POWERS[abs(i) - 1] for i in found.conversion]
        assert slip.tolist() == named


@pytest.mark.parametrize(("bias", "step"), [(0.0, 0.1), (1.5, 1.0), (4.0, 1.0)])
def test_rows_in_their_place_are_not_called_displaced(bias: float, step: float) -> None:
    # Rows of 25; results and biases in σR, rounded so coarsely that neighbours tie.
    random = np.random.default_rng(int(10 * bias))
    truth = random.normal(0.0, 3.0, size=2000 * 25)
    own, partner = (np.rint((truth + b + random.normal(size=len(truth))) / step) * step for b in (bias, 0.0))
    assert_honest(shifts.row_shift(own, partner, 2.8, equal_groups(2000, 25)).p)


@pytest.mark.parametrize(("size", "step"), [(6, 0.01), (12, 0.5), (12, 1.0), (30, 0.5)])
def test_orderly_laboratories_interchange_nothing(size: int, step: float) -> None:
    random = np.random.default_rng(size)
    lab = np.repeat(random.normal(size=2000 * size), 1)
    first = np.rint((10.0 + lab + random.normal(0.0, 0.7, len(lab))) / step) * step
    second = np.rint((8.0 + lab + random.normal(0.0, 0.7, len(lab))) / step) * step
    found = shifts.interchanged_pair(first, second, equal_groups(2000, size))
    smallest = np.nan_to_num(found.p, nan=1.0).reshape(2000, size).min(axis=1)
    assert_honest(smallest)


def test_transposed_digits_come_no_more_often_than_their_chance() -> None:
    random = np.random.default_rng(15)
    x = random.integers(1000, 100_000, size=200_000)
    y = np.abs(x + random.integers(-3000, 3001, size=len(x)))
    found = shifts.transposed_digits(0.1 * x, 0.1 * y, step=0.1)
    seen, expected = np.count_nonzero(found.place >= 0), found.chance.sum()
    assert seen <= expected + 4.0 * np.sqrt(expected)
    assert shifts.transposed_digits([12.34, 12.34, 12.34], [12.43, 13.24, 21.34], step=0.01).place.tolist() == [0, 1, 2]


USGS = Path(__file__).parents[2] / "data" / "usgs" / "usgs_inl_original_retest_sitesA.csv"


def places(text: str) -> int:
    """Power of ten of the last digit that is not 0: the step a result may have been reported in."""
    whole, _, decimals = text.partition(".")
    decimals = decimals.rstrip("0")
    return -len(decimals) if decimals else len(whole) - len(whole.rstrip("0"))


@pytest.fixture(scope="module")
def usgs_pairs() -> tuple[np.ndarray, ...]:
    """Quantified replicate pairs of one named laboratory: laboratory, item, two results, step (the finer of the two)."""
    rows: dict[tuple[str, str, str], dict[str, str]] = defaultdict(dict)
    with USGS.open(encoding="utf-8") as opened:
        for row in csv.DictReader(opened):
            if row["qualifier"] not in ("<", "R", "U") and row["lab"]:
                rows[row["lab"], row["pcode"], row["pair_id"]][row["role"]] = row["value"]
    kept = sorted((*key, one["original"], one["retest1"]) for key, one in rows.items() if {"original", "retest1"} <= set(one))
    lab, item, _, first, second = (np.array(one) for one in zip(*kept, strict=True))
    step = np.array([10.0 ** min(places(a), places(b)) for a, b in zip(first, second, strict=True)])
    return lab, item, first.astype(float), second.astype(float), step


def test_real_replicates_of_one_laboratory_tie_as_often_as_rounding_explains(usgs_pairs: tuple[np.ndarray, ...]) -> None:
    """σ: robust, of all pairs on the item whichever laboratory; at the least a third of a step."""
    lab, item, x, y, step = usgs_pairs
    level = 0.5 * np.abs(x + y)
    relative = np.abs(x - y) / np.maximum(level, step)
    sigma = np.empty(len(x))
    for one in np.unique(item):
        sigma[item == one] = 1.4826 * np.median(relative[item == one]) / np.sqrt(2.0)
    key = np.char.add(np.char.add(lab, "\t"), item)
    names, begin = np.unique(key, return_index=True)
    where = np.append(begin, len(x))
    found = replicates.tied_pairs(x, y, where, sigma=np.maximum(sigma * level, step / 3.0), step=step)
    judged = found.n >= 8
    flagged = judged & (found.p <= 0.001)
    # Measured in the field once and written to both samples: conductance, oxygen, pH, alkalinity, turbidity. True copies.
    in_the_field = {"00095", "00300", "00400", "00419", "63675"}
    assert {name.partition("\t")[2] for name in names[flagged]} == in_the_field and flagged.sum() == 8
    rest = found.p[judged & ~flagged]
    assert len(rest) == 59 and np.mean(rest <= 0.05) <= 0.05 + 3.0 * np.sqrt(0.05 * 0.95 / len(rest))  # 3 of 59


def test_real_results_heap_at_limits_that_are_none_as_often_as_p_says(usgs_pairs: tuple[np.ndarray, ...]) -> None:
    """Originals of a laboratory × item whose last digits are even at the step most results have; limits at each decile."""
    lab, item, x, _, step = usgs_pairs
    tried, called = 0, 0
    for one, analyte in sorted(set(zip(lab, item, strict=True))):
        of = (lab == one) & (item == analyte)
        if of.sum() < 60:
            continue
        steps, count = np.unique(step[of], return_counts=True)
        size = steps[np.argmax(count)]
        values = size * np.rint(x[of] / size)
        if digits.uniformity(digits.digit_counts(digits.terminal_digits(values, step=size))).p[0] <= 0.01:
            continue  # reported to significant figures: several steps in one
        width = max(1, int(np.subtract(*np.percentile(values, [75, 25])) / size / 15.0))
        for limit in size * np.rint(np.percentile(values, np.arange(10, 100, 10)) / size):
            found = heaping.heaping(values, limit=limit, step=size, width=width)
            tried += found.attainable[0] <= 0.05
            called += found.p[0] <= 0.05
    assert tried >= 20 and called / tried <= 0.05 + 3.0 * np.sqrt(0.05 * 0.95 / tried)


@given(st.lists(st.lists(st.integers(0, 9), max_size=12), min_size=1, max_size=5))
@settings(max_examples=30, deadline=None)
def test_grouped_screens_are_the_single_ones_to_the_bit(some: list[list[int]]) -> None:
    where = np.concatenate(([0], np.cumsum([len(one) for one in some])))
    values = np.array([x for one in some for x in one], dtype=np.float64)
    other = values[::-1].copy()
    counts = digits.digit_counts(values.astype(np.int64), where)
    whole = {
        "digits": digits.uniformity(counts)[0::3],
        "ranks": (ranking.average_ranks(values, where),),
        "heaping": heaping.heaping(values, where, limit=5.0, step=1.0),
        "rows": shifts.row_shift(values, other, 1.0, where),
        "pair": shifts.interchanged_pair(values, other, where),
        "tied": replicates.tied_pairs(values, other, where, sigma=1.0, step=1.0),
    }
    for g, (begin, end) in enumerate(pairwise(where)):
        x, y = values[begin:end], other[begin:end]
        alone = {
            "digits": digits.uniformity(digits.digit_counts(x.astype(np.int64)))[0::3],
            "ranks": (ranking.average_ranks(x),),
            "heaping": heaping.heaping(x, limit=5.0, step=1.0),
            "rows": shifts.row_shift(x, y, 1.0),
            "pair": shifts.interchanged_pair(x, y),
            "tied": replicates.tied_pairs(x, y, sigma=1.0, step=1.0),
        }
        for name, fields in alone.items():
            a_value_each = {"ranks": 1, "pair": 4}.get(name, 0)  # so many fields have one entry a value, the others one a group
            for at, (one, many) in enumerate(zip(fields, whole[name], strict=True)):
                part = many[begin:end] if at < a_value_each else many[g : g + 1]
                np.testing.assert_array_equal(one, part, err_msg=f"{name} {at}")


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12), st.integers(0, 13))
@settings(max_examples=50, deadline=None)
def test_unequal_chances_add_up(p: list[float], least: int) -> None:
    # All 2^n outcomes, by convolution of the two-point laws.
    law = np.ones(1)
    for one in p:
        law = np.convolve(law, [1.0 - one, one])
    found = counting.chance_of_count_unequal(p, [least], [0, len(p)])[0]
    assert found == pytest.approx(law[least:].sum(), abs=1e-12)
    same = counting.chance_of_count_unequal([0.3] * len(p), [least], [0, len(p)])[0]
    if least > 0:
        assert same == pytest.approx(float(counting.chance_of_count(len(p), at_least=least, p=0.3)), rel=1e-9, abs=1e-15)


def test_what_is_not_finite_or_not_in_order_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        groups.in_groups([1.0, np.nan], None)
    with pytest.raises(ValueError, match="offsets"):
        groups.in_groups([1.0, 2.0], np.array([0, 1]))
    with pytest.raises(ValueError, match="sigma"):
        replicates.tied_pairs([1.0], [1.0], sigma=-1.0, step=1.0)
    with pytest.raises(ValueError, match="ascend"):
        copies.copied_vectors(
            np.array([1, 0]), [1.0, 2.0], np.array([0, 2]), groups=np.array([0]), tie_probability=np.array([0.1, 0.1])
        )
    assert digits.terminal_digits([1.234, np.nan, 1.2], step=0.1).tolist() == [-1, -1, 2]
    assert digits.terminal_digits_of_text(["1.20", "-0.35", "1e2"], step="0.01").tolist() == [0, 5, 0]
    assert digits.beyond_repeatability([0.001, 0.01, 0.0], [0.5, 0.5, 0.5]).tolist() == [True, False, False]


@given(st.lists(st.integers(0, 12), min_size=4, max_size=4))
@settings(max_examples=50, deadline=None)
def test_heaping_is_exact_given_what_a_smooth_density_decides(counts: list[int]) -> None:
    # All tables with the same inner and outer totals and Σ position · count, weighed by 1/Π count!.
    a2, a1, b1, b2 = counts
    near, far, moment = a1 + b1, a2 + b2, 3 * (b2 - a2) + b1 - a1
    weight = {}
    for one in range(near + 1):
        for two in range(far + 1):
            if 3 * (far - 2 * two) + near - 2 * one == moment:
                weight[one] = math.comb(near, one) * math.comb(far, two)
    values = np.repeat([-1.0, 0.0, 1.0, 2.0], counts)
    found = heaping.heaping(values, limit=0.0, step=1.0)
    assert found.counts[0].tolist() == counts
    expected = sum(w for one, w in weight.items() if one >= a1) / sum(weight.values())
    assert found.p[0] == pytest.approx(expected, rel=1e-10)
    if a1 > 0:
        assert found.p_flat[0] == pytest.approx(stats.binomtest(a1, near, 0.5, alternative="greater").pvalue, rel=1e-10)


@pytest.mark.parametrize("sigma", [0.02, 0.3, 1.0, 40.0])
def test_chance_of_a_tie_is_the_integral_it_stands_for(sigma: float) -> None:
    law = stats.norm(0.0, sigma * np.sqrt(2.0))
    expected = 2.0 * integrate.quad(lambda d: (1.0 - d) * law.pdf(d), 0.0, 1.0, points=[min(sigma, 0.5)], epsabs=1e-13)[0]
    # At σ = 40 steps half of the two terms cancels.
    assert float(replicates.tie_chance(sigma, 1.0)) == pytest.approx(expected, rel=1e-9)
    assert replicates.tie_chance(0.0, 1.0) == 1.0 and np.isnan(replicates.tie_chance(np.nan, 1.0))


def test_spread_without_rounding_is_the_chi_square_of_scipy() -> None:
    x = np.random.default_rng(20).normal(5.0, 0.8, size=(30, 4))
    found = replicates.spread_too_small(x.ravel(), equal_groups(30, 4), equal_groups(3, 10), sigma=1.0)
    expected = stats.chi2.cdf(3.0 * x.var(axis=1, ddof=1).reshape(3, 10).sum(axis=1), 30)
    np.testing.assert_allclose(found.p, expected, rtol=1e-12)
    single = replicates.spread_too_small([1.0, 2.0], np.array([0, 1, 2]), sigma=1.0)
    assert single.df[0] == 0 and np.isnan(single.p[0])


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=4, max_size=20), st.randoms())
@settings(max_examples=40, deadline=None)
def test_interchange_does_not_depend_on_unit_or_order(pairs: list[tuple[int, int]], random) -> None:  # type: ignore[no-untyped-def]
    a, b = np.array(pairs, dtype=np.float64).T
    order = list(range(len(a)))
    random.shuffle(order)
    one, two = shifts.interchanged_pair(a, b), shifts.interchanged_pair(8.0 * a[order], 8.0 * b[order])
    np.testing.assert_allclose(two.distance, one.distance[order], rtol=1e-9)
    np.testing.assert_allclose(two.p, one.p[order], rtol=1e-6)
    np.testing.assert_allclose(two.spearman, one.spearman, atol=1e-12)
    three = shifts.interchanged_pair(b, a)
    np.testing.assert_allclose(three.distance, one.distance, rtol=1e-9)
    np.testing.assert_allclose(three.p, one.p, rtol=1e-6)
