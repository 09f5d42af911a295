"""Where a yardstick comes from, and what the network estimates."""

import numpy as np
import pytest
from facts import PRODUCTS, items, pair, results

from labqa.analysis import pairing, yardsticks
from labqa.core import tables as t
from labqa.stats.precision import reproducibility


def estimated(rows: list[dict], register) -> dict:  # type: ignore[no-untyped-def,type-arg]
    facts = results(rows)
    samples = pairing.samples(facts, PRODUCTS)
    blocks, pairs = pairing.blocks(facts, samples), pairing.pairs(facts, samples)
    found = yardsticks.yardsticks(register, blocks, pairs, facts)
    t.Yardsticks.validate(found)
    return found.row(0, named=True)


def between(n: int, *, constant: float = 0.0, slope: float = 0.0, seed: int = 1, **extra: object) -> list[dict]:
    """Pairs of changing laboratories with σR = constant + slope × level."""
    rng = np.random.default_rng(seed)
    level = rng.uniform(1, 100, n)
    sigma = constant + slope * level
    first, second = level + sigma * rng.normal(size=n), level + sigma * rng.normal(size=n)
    rows = []
    for k in range(n):
        labs = (f"L{rng.integers(0, 20)}", f"M{rng.integers(0, 20)}")
        rows += pair(f"S{k}", float(first[k]), float(second[k]), labs=labs, **extra)
    return rows


def test_what_two_laboratories_say_of_each_other_informs_no_class() -> None:
    rows = [row | {"lab": row["lab"][0]} for row in between(100, constant=1.0)]
    network = estimated(rows, items({"item": "I1", "unit": "mg/kg"}))
    assert (network["source"], network["informs_class"]) == ("network", False)


def test_order_of_preference() -> None:
    rows = between(100, constant=1.0)
    method = estimated(
        rows, items({"item": "I1", "reproducibility_constant": 0.28, "reproducibility_slope": 0.056, "rule_tolerance": 1.0})
    )
    assert (method["source"], method["u_relative"], method["informs_class"]) == ("method", 0.0, True)
    assert (method["sigma_R_constant"], method["sigma_R_slope"]) == pytest.approx((0.1, 0.02))
    rule = estimated(rows, items({"item": "I1", "rule_tolerance": 1.4}))
    assert (rule["source"], rule["sigma_R_constant"]) == ("product_rule", pytest.approx(0.5))
    network = estimated(rows, items({"item": "I1", "unit": "mg/kg"}))
    assert (network["source"], network["informs_class"]) == ("network", True)
    horwitz = estimated(rows[:10], items({"item": "I1", "unit": "mg/kg"}))
    assert (horwitz["source"], horwitz["informs_class"]) == ("horwitz", False)
    none = estimated(rows[:10], items({"item": "I1", "unit": "%"}))
    assert (none["source"], none["sigma_R_constant"], none["informs_class"]) == ("none", None, False)
    ordinal = estimated(rows, items({"item": "I1", "scale": "ordinal"}))
    assert ordinal["source"] == "none"


@pytest.mark.parametrize(("constant", "slope"), [(2.0, 0.0), (0.0, 0.08)])
def test_the_network_finds_sigma_and_its_model(constant: float, slope: float) -> None:
    rows = between(2000, constant=constant, slope=slope)
    rows[1]["value"] *= 1000.0  # one unit slip moves nothing
    found = estimated(rows, items({"item": "I1"}))
    assert found["sigma_R_constant"] == pytest.approx(constant, rel=0.05)
    assert found["sigma_R_slope"] == pytest.approx(slope, rel=0.05)
    assert found["dispersion"] == pytest.approx(1.0, abs=0.02)


def test_rounds_of_many_laboratories_estimate_it_too() -> None:
    rng = np.random.default_rng(2)
    rows = [
        {"sample": f"R{k}", "lab": f"L{j}", "role": "pt", "value": float(50 + 3 * rng.normal())}
        for k in range(40)
        for j in range(25)
    ]
    found = estimated(rows, items({"item": "I1"}))
    assert (found["source"], found["n_blocks"]) == ("network", 40)
    assert found["sigma_R_constant"] == pytest.approx(3.0, rel=0.05)


def test_objection_retests_are_left_out() -> None:
    rows = [{**row, "trigger": "objection"} if row["role"] == "retest" else row for row in between(200, constant=1.0)]
    assert estimated(rows, items({"item": "I1"}))["source"] == "none"


def test_duplicates_give_repeatability_without_a_method_figure() -> None:
    rows = [{**row, "lab": "A"} for row in between(500, constant=0.5)]
    found = estimated(rows, items({"item": "I1"}))
    assert (found["source"], found["sigma_r_constant"]) == ("none", pytest.approx(0.5, rel=0.08))


def test_a_tolerance_that_is_too_tight_shows_in_the_dispersion() -> None:
    found = estimated(between(1000, constant=2.0), items({"item": "I1", "rule_tolerance": 2.8}))
    assert found["dispersion"] == pytest.approx(4.0, rel=0.12)


def test_ties_do_not_make_the_scale_vanish() -> None:
    rows = [row for k in range(60) for row in pair(f"S{k}", 7.0, 7.0 + (0.1 if k < 3 else 0.0))]
    found = estimated(rows, items({"item": "I1", "scale": "interval"}))
    assert found["sigma_R_constant"] == pytest.approx(0.05)


def test_uncertainty_follows_laboratories_and_contrasts() -> None:
    assert reproducibility.relative_uncertainty(1e9, 20) == pytest.approx(0.5 * np.sqrt(2 * 0.625**2 / 19))
    assert reproducibility.relative_uncertainty(100, 20) > reproducibility.relative_uncertainty(1000, 20)
    assert np.isnan(reproducibility.relative_uncertainty(100, 1))
