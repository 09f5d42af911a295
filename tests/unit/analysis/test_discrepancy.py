"""Scores, categories and verdicts of pairs, by hand."""

from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from facts import PRODUCTS, items, pair, results

from labqa.analysis import discrepancy, pairing, verdicts, yardsticks
from labqa.core import tables as t

REGISTER = items(
    {
        "item": "I1",
        "reproducibility_constant": 2.8,
        "repeatability_constant": 1.4,
        "upper_limit": 100.0,
        "upper_inclusive": True,
    }
)


def scored(rows: list[dict], register: pl.DataFrame = REGISTER) -> pl.DataFrame:
    facts = results(rows)
    samples = pairing.samples(facts, PRODUCTS)
    blocks, pairs = pairing.blocks(facts, samples), pairing.pairs(facts, samples)
    found = discrepancy.discrepancies(pairs, register, yardsticks.yardsticks(register, blocks, pairs, facts), facts)
    t.Discrepancies.validate(found)
    return found


def only(rows: list[dict], register: pl.DataFrame = REGISTER) -> dict:
    return scored(rows, register).row(0, named=True)


@pytest.mark.parametrize(
    ("second", "category"),
    [
        (50.0, "agree"),
        (51.4, "agree"),
        (51.5, "within_limits"),
        (52.8, "within_limits"),
        (52.9, "discrepant"),
        (65.0, "blunder_suspected"),
        (500.5, "blunder_suspected"),
    ],
)
def test_categories_on_a_known_limit(second: float, category: str) -> None:
    assert only(pair("S", 50.0, second))["category"] == category


def test_scores_of_a_pair() -> None:
    found = only(pair("S", 99.0, 102.0, u=0.5))
    assert found["delta"] == 3.0
    assert found["d"] == pytest.approx(3 / np.sqrt(2))
    assert found["r_ratio"] == pytest.approx(3 / 2.8)
    assert found["delta_relative"] == pytest.approx(3 / 100.5)
    assert found["zeta"] == pytest.approx(3 / np.sqrt(0.5))
    assert found["en"] == pytest.approx(3 / (2 * np.sqrt(0.5)))
    assert (found["original_verdict"], found["retest_verdict"], found["flipped"]) == ("conforming", "nonconforming", True)
    assert (found["margin"], found["flip_probability"]) == (pytest.approx(1.0), pytest.approx(0.2398, abs=1e-4))


def test_a_duplicate_is_judged_by_repeatability() -> None:
    found = only(pair("S", 50.0, 51.0, labs=("A", "A")))
    assert (found["sigma_R"], found["r_ratio"]) == (pytest.approx(0.5), pytest.approx(1 / 1.4))


def test_means_of_replicates_are_judged_by_the_critical_difference() -> None:
    rows = [dict(row, replicate=k, value=row["value"]) for row in pair("S", 50.0, 51.0) for k in (1, 2)]
    found = only(rows)
    assert found["r_ratio"] == pytest.approx(1.0 / np.sqrt(2.8**2 - 1.4**2 / 2))


def test_rounding_alone_can_turn_a_verdict() -> None:
    rounded = REGISTER.with_columns(rounding_interval=pl.lit(1.0), compare_method=pl.lit("rounded"))
    rows = pair("S", 100.4, 100.6)
    full, by_rule = only(rows), only(rows, rounded)
    assert (full["original_verdict"], full["flipped"]) == ("nonconforming", False)
    assert (by_rule["original_verdict"], by_rule["original_verdict_full"], by_rule["flipped"]) == (
        "conforming",
        "nonconforming",
        True,
    )


def test_without_a_yardstick_or_limits_nothing_is_said() -> None:
    found = only(pair("S", 50.0, 60.0), items({"item": "I1"}))
    assert (found["category"], found["flipped"], found["d"], found["original_verdict"]) == (
        "not_assessed",
        None,
        None,
        "not_assessed",
    )


def censored(value: float) -> dict:
    return {"value": None, "qualifier": "below", "lower": 0.0, "upper": value}


@pytest.mark.parametrize(
    ("limit", "category"), [(49.0, "agree"), (48.5, "within_limits"), (40.0, "discrepant"), (51.0, "agree")]
)
def test_censored_results_are_intervals(limit: float, category: str) -> None:
    original, retest = pair("S", 50.0, 0.0)
    assert only([original, {**retest, **censored(limit)}])["category"] == category


def test_a_censored_result_below_the_limit_conforms() -> None:
    original, retest = pair("S", 50.0, 0.0)
    found = only([original, {**retest, **censored(60.0)}])
    assert (found["retest_verdict"], found["delta"]) == ("conforming", None)


@pytest.mark.parametrize(
    ("scale", "second", "category"),
    [("ordinal", 3.5, "agree"), ("ordinal", 3.0, "discrepant"), ("binary", 1.0, "agree"), ("binary", 0.0, "discrepant")],
)
def test_grades_and_binary_results(scale: str, second: float, category: str) -> None:
    first = 4.0 if scale == "ordinal" else 1.0
    assert only(pair("S", first, second), items({"item": "I1", "scale": scale}))["category"] == category


def test_a_sample_that_differs_on_most_items_is_suspected() -> None:
    register = pl.concat([REGISTER.with_columns(item=pl.lit(f"I{k}")) for k in range(1, 5)])
    different = [row for k in range(1, 5) for row in pair("S", 50.0, 54.0 if k < 4 else 50.0, item=f"I{k}")]
    alike = [row for k in range(1, 5) for row in pair("T", 50.0, 54.0 if k < 3 else 50.0, item=f"I{k}")]
    assert scored(different, register)["sample_suspected"].all()
    assert not scored(alike, register)["sample_suspected"].any()


def test_a_lab_that_triples_its_uncertainty_gains_little() -> None:
    rows = [row for k, lab in enumerate("BCDE") for row in pair(f"S{k}", 50.0, 53.0, labs=("A", lab), u=0.7)]
    honest = scored(rows)["en"][0]
    rows[1]["u"] = 7.0
    assert scored(rows)["en"][0] == pytest.approx(3 / (2 * np.hypot(0.7, 1.5 * 0.7)), rel=1e-9)
    assert honest > scored(rows)["en"][0]


def test_flips_of_blameless_laboratories_are_as_expected() -> None:
    rng = np.random.default_rng(5)
    rows = []
    for k in range(3000):
        truth = rng.uniform(95, 105)
        labs = (f"L{rng.integers(5)}", f"M{rng.integers(5)}")
        rows += pair(f"S{k}", float(truth + rng.normal()), float(truth + rng.normal()), labs=labs)
    facts = results(rows)
    samples = pairing.samples(facts, PRODUCTS)
    pairs = pairing.pairs(facts, samples)
    found = verdicts.flips_by_lab(pairs, scored(rows))
    assert found["n"].sum() == 6000
    assert found["observed"].sum() == pytest.approx(found["expected"].sum(), rel=0.1)
    assert ((found["lower"] < 0) & (found["upper"] > 0)).mean() >= 0.8


def test_a_difference_of_long_numbers_keeps_the_digits_that_were_delivered() -> None:
    rows = pair("S", 1000000000000.4, 1000000000000.3)
    for row, text in zip(rows, ("1000000000000.4", "1000000000000.3"), strict=True):
        row["rest"] = float(Fraction(text) - Fraction(row["value"]))
    register = items({"item": "I1", "reproducibility_constant": 2.8, "repeatability_constant": 1.4})
    assert only(rows, register)["delta"] == pytest.approx(-0.1, rel=1e-13)
