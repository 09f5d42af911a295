"""What always holds of scores and roundings: the same bits on arrays and expressions, shift and scale, decimal truth."""

from decimal import ROUND_HALF_EVEN, Context, Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from labqa.stats.robust import location_scale
from labqa.stats.scores import conformity, decision_rules, differences, reference, schemes
from labqa.stats.scores.rounding import rounded

FORMULAS = {
    "z_score": (reference.z_score, "x y s"),
    "z_prime": (reference.z_prime, "x y s u"),
    "zeta": (reference.zeta, "x y s u"),
    "en": (reference.en, "x y s u"),
    "d_percent": (reference.d_percent, "x y"),
    "p_a": (reference.p_a, "x y s"),
    "attainable_z": (reference.attainable_z, "s"),
    "d_score": (differences.d_score, "x s"),
    "limit_ratio": (differences.limit_ratio, "x s"),
    "relative_difference": (differences.relative_difference, "x y"),
    "critical_difference_within": (differences.critical_difference_within, "s n m"),
    "critical_difference": (differences.critical_difference, "s u n m"),
    "critical_difference_to_reference": (differences.critical_difference_to_reference, "s u n"),
}


def columns(seed: int, rows: int = 2000) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    scale = 10.0 ** rng.integers(-9, 9)
    found = {"x": scale * rng.normal(size=rows), "y": scale * rng.normal(size=rows)}
    found["s"], found["u"] = (scale * np.exp(3 * rng.normal(size=rows)) for _ in range(2))
    for name in found:
        found[name][rng.integers(0, rows, 20)] = 0.0
        found[name][rng.integers(0, rows, 20)] = np.nan
    found["s"][rng.integers(0, rows, 20)] *= -1
    found["n"], found["m"] = (rng.integers(1, 9, rows).astype(np.float64) for _ in range(2))
    return found


ROOT = (pl.col("s") * pl.col("s") + pl.col("u") * pl.col("u")).sqrt()
DELTA = pl.col("x") - pl.col("y")
WRITTEN = {  # the same operations in the same order, as an analyst writes them on a frame
    "z_score": DELTA / pl.col("s"),
    "z_prime": DELTA / ROOT,
    "zeta": DELTA / ROOT,
    "en": DELTA / ROOT,
    "d_percent": 100.0 * (DELTA / pl.col("y")),
    "d_score": pl.col("x") / (pl.lit(2.0).sqrt() * pl.col("s")),
    "limit_ratio": pl.col("x").abs() / (2.8 * pl.col("s")),
    "critical_difference": (
        pl.col("s") * pl.col("s") - pl.col("u") * pl.col("u") * (1.0 - 0.5 / pl.col("n") - 0.5 / pl.col("m"))
    ).sqrt(),
}


@pytest.mark.parametrize("name", list(WRITTEN))
def test_expressions_written_by_hand_give_the_same_bits(name: str) -> None:
    formula, takes = FORMULAS[name]
    for seed in range(5):
        given_columns = columns(seed)
        array = np.asarray(formula(*(given_columns[one] for one in takes.split())))
        column = pl.DataFrame(given_columns).select(found=WRITTEN[name])["found"].to_numpy()
        there = ~np.isnan(array)
        assert there.any()
        assert np.array_equal(array[there].view(np.int64), column[there].view(np.int64))


@pytest.mark.filterwarnings("ignore:invalid value encountered in sqrt")
@pytest.mark.parametrize("name", list(FORMULAS))
def test_arrays_and_expressions_give_the_same_bits(name: str) -> None:
    formula, takes = FORMULAS[name]
    for seed in range(5):
        given_columns = columns(seed)
        array = np.asarray(formula(*(given_columns[one] for one in takes.split())))
        expression = formula(*(pl.col(one) for one in takes.split()))
        frame = pl.DataFrame(given_columns)
        for column in (
            frame.select(found=expression)["found"].to_numpy(),
            frame.lazy().select(found=expression).collect(engine="streaming")["found"].to_numpy(),
        ):
            assert np.array_equal(np.isnan(array), np.isnan(column))
            there = ~np.isnan(array)
            assert there.any()
            assert np.array_equal(array[there].view(np.int64), column[there].view(np.int64))


def test_no_score_of_nothing_and_no_infinity() -> None:
    for formula, takes in FORMULAS.values():
        if formula in (differences.critical_difference_within, differences.critical_difference):
            continue
        if "s" in takes.split() and "u" not in takes.split():
            given_columns = columns(0)
            found = formula(*(given_columns[one] for one in takes.split()))
            assert np.isnan(found[~(given_columns["s"] > 0)]).all()
            assert not np.isinf(found).any()
    assert np.isnan(reference.zeta(1.0, 1.0, 0.0, 0.0))


powers = st.integers(-30, 30).map(lambda k: 2.0**k)
values = st.floats(-1e6, 1e6).filter(lambda x: x == 0 or abs(x) > 1e-6)
spreads = st.floats(1e-3, 1e3)


@settings(max_examples=50)
@given(values, values, spreads, spreads, powers)
def test_scores_have_no_unit_and_change_sign_with_the_difference(x: float, y: float, s: float, u: float, factor: float) -> None:
    # a power of two scales every step without rounding: equal to the bit
    for formula in (reference.z_prime, reference.zeta, reference.en):
        found = formula(x, y, s, u)
        assert formula(factor * x, factor * y, factor * s, factor * u) == found
        assert formula(-x, -y, s, u) == -found == formula(y, x, s, u)
    assert differences.d_score(factor * x, factor * s) == differences.d_score(x, s)
    assert differences.relative_difference(factor * x, factor * y) == pytest.approx(
        differences.relative_difference(x, y), nan_ok=True, rel=1e-15
    )


@settings(max_examples=50)
@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=40))
def test_no_z_exceeds_what_is_attainable(x: list[float]) -> None:
    found = np.array(x)
    assume(np.std(found) > 1e-6)
    z = (found - found.mean()) / found.std(ddof=1)
    assert np.max(np.abs(z)) <= reference.attainable_z(len(x)) * (1 + 1e-9)


def test_the_attainable_z_is_attained_by_mean_and_sd_and_passed_by_robust_scores() -> None:
    for n in range(2, 30):
        x = np.append(np.zeros(n - 1), 1e6)
        z = reference.z_score(x, x.mean(), x.std(ddof=1))
        assert np.max(np.abs(z)) == pytest.approx(float(reference.attainable_z(n)), rel=1e-12)
    assert reference.attainable_z(10) < 3 < reference.attainable_z(11)
    x = np.append(np.arange(9.0), 1e6)
    assert reference.z_score(x, location_scale.median(x), location_scale.made(x))[-1] > 1e5
    assert np.isnan(reference.attainable_z([0, 1])).all()


# Rounding -----------------------------------------------------------------------------------------------------------------

intervals = st.sampled_from(
    ["1", "0.1", "0.01", "0.001", "10", "100", "0.5", "0.05", "5", "0.2", "0.02", "20", "0.25", "1e-9", "3"]
)
decimals = st.builds(
    lambda digits, exponent: Decimal(digits).scaleb(exponent), st.integers(-(10**15) + 1, 10**15 - 1), st.integers(-25, 8)
)
ties = st.builds(lambda k, step: (Decimal(2 * k + 1) * Decimal(step) / 2, step), st.integers(-(10**8), 10**8), intervals)


def in_decimal(value: Decimal, step: str) -> float:
    exact = Context(prec=700)
    multiple = exact.divide(value, Decimal(step)).to_integral_value(rounding=ROUND_HALF_EVEN, context=exact)
    return float(exact.multiply(multiple, Decimal(step)))


@settings(max_examples=300)
@given(decimals, intervals)
@example(Decimal("0.15"), "0.1")
@example(Decimal("0.500000000000001"), "1")
@example(Decimal("-2.50000000000001"), "1")
@example(Decimal("123456789012345e8"), "0.1")
@example(Decimal("9e-320"), "1e-9")
@example(Decimal("1e300"), "0.1")
def test_rounding_is_that_of_decimal_numbers(value: Decimal, step: str) -> None:
    assert float(rounded(float(value), float(step))) == in_decimal(value, step)


@settings(max_examples=300)
@given(st.floats(allow_nan=False, allow_infinity=False), intervals)
@example(12345678901234.65, "0.1")  # the float of a tie of 16 digits is read as another number of 15
@example(5e-324, "1e-9")
@example(-1.7e308, "3")
def test_any_float_is_read_to_15_digits(value: float, step: str) -> None:
    assert float(rounded(value, float(step))) == in_decimal(Decimal(f"{value:.15g}"), step)


@settings(max_examples=200)
@given(ties)
def test_ties_go_to_the_even_multiple(tie: tuple[Decimal, str]) -> None:
    value, step = tie
    assert float(rounded(float(value), float(step))) == in_decimal(value, step)
    # and what lies on either side of the tie in the 15th digit does not
    near = value + Decimal(1).scaleb(value.adjusted() - 14)
    assert float(rounded(float(near), float(step))) == in_decimal(near, step)


@settings(max_examples=50)
@given(st.lists(st.tuples(decimals, intervals), min_size=1, max_size=20))
def test_columns_are_rounded_value_by_value(rows: list[tuple[Decimal, str]]) -> None:
    x, step = np.array([float(value) for value, _ in rows]), np.array([float(one) for _, one in rows])
    one_by_one = [float(rounded(a, b)) for a, b in zip(x, step, strict=True)]
    assert rounded(x, step).tolist() == one_by_one
    again = rounded(rounded(x, step), step)
    assert np.array_equal(again, rounded(x, step))
    assert np.array_equal(rounded(-x, step), -rounded(x, step))


def test_ends_of_intervals_stay_open() -> None:
    assert rounded([np.inf, -np.inf], 0.1).tolist() == [np.inf, -np.inf]
    assert str(rounded(-0.04, 0.1)) == "0.0"
    with pytest.raises(ValueError, match="finite"):
        rounded(1.0, np.inf)


# Verdicts and their risk --------------------------------------------------------------------------------------------------


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.integers(940, 1060) | st.integers(-1060, -940), st.sampled_from([0.1, 1.0, np.nan])),
        min_size=1,
        max_size=20,
    ),
    st.booleans(),
)
def test_both_verdicts_are_those_on_the_value_and_on_the_rounded_value(rows: list[tuple[int, float]], inclusive: bool) -> None:
    x, interval = np.array([k / 100 for k, _ in rows]), np.array([step for _, step in rows])
    options = {"lower_inclusive": inclusive, "upper_inclusive": inclusive}
    both = conformity.verdicts_both_ways(x, x, -10.0, 10.0, interval=interval, **options)
    assert np.array_equal(both.full, conformity.verdict(x, x, -10.0, 10.0, **options))
    for i, step in enumerate(interval):
        after = x[i] if np.isnan(step) else rounded(x[i], step)
        assert both.rounded[i] == conformity.verdict(after, after, -10.0, 10.0, **options)


@settings(max_examples=50)
@given(st.floats(-5, 15), st.floats(0.01, 5))
def test_probabilities_of_both_sides_add_up(x: float, u: float) -> None:
    inside = decision_rules.conformance_probability(x, u, 0.0, 10.0)
    outside = decision_rules.nonconformance_probability(x, u, 0.0, 10.0)
    assert inside + outside == pytest.approx(1.0, abs=1e-14)
    assert decision_rules.conformance_probability(10 - x, u, 0.0, 10.0) == pytest.approx(float(inside), rel=1e-9, abs=1e-300)


def test_guard_bands_keep_the_risk_that_they_promise() -> None:
    for factor, promised in ((1.0, 0.025), (0.83, 0.05), (0.0, 0.5)):
        at_limit = decision_rules.acceptance_limits(np.nan, 10.0, 2.0, guard_factor=factor).upper
        risk = decision_rules.specific_risk(at_limit, 2.0, np.nan, 10.0, guard_factor=factor)
        assert risk == pytest.approx(promised, rel=0.1)
        assert risk <= promised + 1e-12
        assert decision_rules.specific_risk(at_limit + 1e-6, 2.0, np.nan, 10.0, guard_factor=factor) == pytest.approx(
            1 - float(risk), abs=1e-5
        )
    # small risks keep their digits: 10 u below the limit
    assert decision_rules.nonconformance_probability(0.0, 1.0, np.nan, 10.0) == pytest.approx(7.619853024160527e-24, rel=1e-12)
    assert np.isnan(decision_rules.specific_risk(1.0, 0.0, np.nan, 2.0))


def test_the_four_statements_of_a_guard_band() -> None:
    x = [8.9, 9.0, 9.1, 10.0, 10.1, 11.0, 11.1, np.nan]
    found = decision_rules.guarded_verdict(x, 1.0, np.nan, 10.0)
    assert found.tolist() == [0, 0, 1, 1, 2, 2, 3, 4]
    assert decision_rules.guarded_verdict(x, 0.0, np.nan, 10.0).tolist() == [0, 0, 0, 0, 3, 3, 3, 4]
    assert decision_rules.guarded_verdict(5.0, 1.0, np.nan, np.nan) == decision_rules.UNKNOWN
    assert decision_rules.guarded_verdict(0.3, 0.1, 0.1 + 0.1, np.nan) == decision_rules.PASS  # 0.30000000000000004
    with pytest.raises(ValueError, match="negative"):
        decision_rules.guarded_verdict(5.0, 1.0, np.nan, 9.0, guard_factor=-1)


# Schemes ------------------------------------------------------------------------------------------------------------------

groups = st.lists(st.lists(st.floats(-20, 20), max_size=8), min_size=1, max_size=6)


@settings(max_examples=50, deadline=None)  # compiles on the first example
@given(groups)
def test_laboratories_at_once_are_laboratories_one_by_one(scores: list[list[float]]) -> None:
    z, offsets = np.array([one for some in scores for one in some]), np.cumsum([0] + [len(some) for some in scores])
    for grouped, single in (
        (schemes.az2_by_group, schemes.az2),
        (schemes.rsz_by_group, schemes.rsz),
        (schemes.ssz_by_group, schemes.ssz),
    ):
        assert np.array_equal(grouped(z, offsets), [single(some) for some in scores], equal_nan=True)
    for some, az2, rsz, ssz in zip(
        scores,
        schemes.az2_by_group(z, offsets),
        schemes.rsz_by_group(z, offsets),
        schemes.ssz_by_group(z, offsets),
        strict=True,
    ):
        if some:
            # numpy sums pairwise: 8 terms of at most 400 differ by less than 1e-11
            assert az2 == pytest.approx(np.mean(np.clip(some, -5, 5) ** 2), abs=1e-12)
            assert rsz == pytest.approx(np.sum(some) / np.sqrt(len(some)), abs=1e-11)
            assert ssz == pytest.approx(np.sum(np.square(some)), abs=1e-11)
