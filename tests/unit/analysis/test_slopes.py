"""Proportional bias: who reads higher at higher levels is found, whom it met is not, and nothing is told without evidence."""

import numpy as np
import polars as pl
import pytest
from bias_networks import CODES, REGISTER
from facts import PRODUCTS, results
from polars.testing import assert_frame_equal

from labqa.analysis import pairing, yardsticks
from labqa.analysis.bias import fitted
from labqa.analysis.bias_settings import BiasSettings
from labqa.analysis.slopes import lab_slopes
from labqa.core import tables as t

LABS = [f"L{k}" for k in range(8)]


def told(facts: pl.DataFrame, register: pl.DataFrame = REGISTER) -> pl.DataFrame:
    samples = pairing.samples(facts, PRODUCTS)
    blocks = pairing.blocks(facts, samples)
    scale = yardsticks.yardsticks(register, blocks, pairing.pairs(facts, samples), facts)
    bias, _, network = fitted(facts, samples, blocks, register, scale, BiasSettings())
    found = lab_slopes(network, register, bias, BiasSettings())
    t.LabSlopes.validate(found)
    return found


def rows(seed: int, *, slope: dict[str, float], n_samples: int = 160, spread: float = 3.0) -> pl.DataFrame:
    """Planned retests between any two laboratories; σR is 1, levels have SD `spread`, a slope is σR per SD of the level."""
    draw = np.random.default_rng(seed)
    made = []
    for k in range(n_samples):
        two = draw.permutation(LABS)[:2]
        for item in CODES:
            z = draw.normal()
            for lab, role in zip(two, ("original", "retest"), strict=True):
                value = 50 + spread * z + slope.get(lab, 0.0) * z + draw.normal(0, 0.5)
                given = {"lab": str(lab), "role": role, "value": float(value), "u": None}
                made.append({"sample": f"S{k:04d}", "item": item, "trigger": "planned" if role == "retest" else None, **given})
    return results(made)


def whole(found: pl.DataFrame) -> dict[str, dict[str, object]]:
    return {row["lab"]: row for row in found.filter(pl.col("scope") == "lab").iter_rows(named=True)}


def test_a_laboratory_that_reads_high_at_high_levels_is_found_and_its_partners_are_not():
    found = whole(told(rows(1, slope={"L3": 0.8})))
    high = found["L3"]
    assert high["status"] == "assessed" and high["q_value"] < 0.001
    assert high["lower"] < 0.8 < high["upper"] and high["lower"] > 0.3
    assert all(one["q_value"] > 0.05 for lab, one in found.items() if lab != "L3")


def test_levels_and_slopes_of_items_are_told():
    items = told(rows(2, slope={"L3": 0.8})).filter(pl.col("scope") == "item")
    assert items.height == len(LABS) * len(CODES)
    mine = items.filter(pl.col("lab") == "L3")
    assert (mine["slope"] > 0.3).all() and (mine["q_value"] < 0.05).all()
    assert (mine["level_low"] < 47).all() and (mine["level_high"] > 53).all()


def test_the_order_of_rows_changes_nothing():
    made = rows(3, slope={"L1": 0.5})
    assert told(made).equals(told(made.reverse()))


def test_a_level_of_which_a_laboratory_read_exactly_zero_counts_like_any_other():
    """On an interval scale the zero is a convention: all values 64 higher are the same evidence."""
    register = REGISTER.with_columns(scale=pl.lit("interval"), lower_limit=None, upper_limit=None)
    made = rows(6, slope={"L3": 0.8}).with_columns((pl.col("value") - 50).round(0))
    assert (made["value"] == 0).mean() > 0.05
    near, far = (told(made.with_columns(pl.col("value") + shift), register) for shift in (0.0, 64.0))
    assert_frame_equal(near.drop("level_low", "level_high"), far.drop("level_low", "level_high"), rel_tol=1e-6)


def test_levels_beyond_the_digits_of_a_float_show_the_slope_that_they_have():
    made = rows(7, slope={"L3": 0.8}).with_columns(pl.col("value").round(6))
    far = made.with_columns(pl.col("value") + 2.0**50, rest=pl.col("value") - ((pl.col("value") + 2.0**50) - 2.0**50))
    register = REGISTER.with_columns(scale=pl.lit("interval"), lower_limit=None, upper_limit=None)
    near, beyond = told(made.with_columns(rest=pl.lit(0.0)), register), told(far, register)
    assert (beyond["slope"].is_not_null() == near["slope"].is_not_null()).all()
    assert beyond["slope"].to_numpy() == pytest.approx(near["slope"].to_numpy(), abs=0.05, nan_ok=True)


def test_levels_that_do_not_vary_show_no_slope():
    found = told(rows(4, slope={}, n_samples=160, spread=0.0).with_columns(value=pl.lit(50.0)))
    assert found["slope"].is_null().all() and (found["status"] != "assessed").all()


def test_a_laboratory_without_enough_evidence_is_told_nothing():
    found = told(rows(5, slope={"L3": 2.0}, n_samples=20))
    assert set(found.filter(pl.col("scope") == "lab")["status"]) == {"not_assessed"}
    found = found.filter(pl.col("scope") == "lab")
    assert found.select(pl.col("slope", "lower", "p_value", "q_value").is_null().all()).row(0) == (True,) * 4
    assert found["reason"].is_not_null().all()


@pytest.mark.parametrize("spread", [0.5, 3.0])
def test_blameless_laboratories_are_flagged_at_the_nominal_rate(spread):
    """Also where the true levels vary no more than the errors: a level that holds a laboratory's own error must not help."""
    p = pl.concat([told(rows(seed, slope={}, spread=spread)).filter(pl.col("scope") == "lab") for seed in range(10, 25)])
    known = p.filter(pl.col("status") == "assessed")["p_value"]
    # 120 laboratories: standard error 2 points
    assert len(known) == 120 and float((known < 0.05).mean()) <= 0.11
