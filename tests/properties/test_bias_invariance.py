"""Order of rows, names of laboratories and units change nothing of a bias but order, names and units."""

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "analysis"))

from bias_networks import REGISTER, fitted, network
from facts import results

LABS = [f"L{k}" for k in range(6)]
FEW = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def rows(seed: int) -> list[dict[str, object]]:
    draw = np.random.default_rng(seed)
    return network(seed, biases={lab: float(draw.normal(0, 0.7)) for lab in LABS}, n_samples=90)


@FEW
@given(seed=st.integers(0, 999), order=st.randoms(use_true_random=False))
def test_shuffled_rows_give_the_same_bits(seed, order):
    facts = results(rows(seed))
    where = list(range(facts.height))
    order.shuffle(where)
    one, other = fitted(facts), fitted(facts[where])
    assert_frame_equal(one[0], other[0], check_exact=True)
    assert_frame_equal(one[1], other[1], check_exact=True)


@FEW
@given(seed=st.integers(0, 999), names=st.permutations(LABS))
def test_renamed_laboratories_have_the_same_biases(seed, names):
    to = dict(zip(LABS, names, strict=True))
    found = fitted(rows(seed))[0].with_columns(pl.col("lab").replace(to)).sort("lab", "scope", "scope_id")
    renamed = fitted([one | {"lab": to[one["lab"]]} for one in rows(seed)])[0]
    assert_frame_equal(found.drop("component"), renamed.drop("component"), rel_tol=1e-6, abs_tol=1e-8)


@FEW
@given(seed=st.integers(0, 999), factor=st.sampled_from([1e-3, 0.2, 25.4, 1000.0]))
def test_rescaled_units_give_the_same_biases(seed, factor):
    limits = ("reproducibility_constant", "upper_limit", "lower_limit")
    register = REGISTER.with_columns(pl.col(name) * factor for name in limits)
    scaled = fitted([one | {"value": one["value"] * factor} for one in rows(seed)], register)[0]
    assert_frame_equal(fitted(rows(seed))[0], scaled, rel_tol=1e-6, abs_tol=1e-8)


@pytest.mark.parametrize("seed", [1, 2])
def test_split_deliveries_give_the_same_bits(seed):
    facts = results(rows(seed))
    halves = pl.concat([facts[facts.height // 2 :], facts[: facts.height // 2]])
    assert_frame_equal(fitted(facts)[0], fitted(halves)[0], check_exact=True)


def test_long_numbers_give_the_biases_of_the_short_ones():
    """A constant of 1e12, which leaves a float three digits behind the point, added to all values and limits."""
    given, constant = rows(3), Fraction(10**12)
    moved = [one | {"value": float(constant + Fraction(one["value"]))} for one in given]
    for long, short in zip(moved, given, strict=True):
        long["rest"] = float(constant + Fraction(short["value"]) - Fraction(long["value"]))
    register = REGISTER.with_columns(pl.col("upper_limit", "lower_limit") + float(constant))
    found, expected = fitted(moved, register)[0], fitted(given)[0]
    assert_frame_equal(found, expected, rel_tol=1e-9, abs_tol=1e-10)
