"""σR for judging a laboratory is estimated without it."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from labqa.analysis import pairing
from labqa.analysis.bias import lab_bias
from labqa.analysis.bias_settings import BiasSettings
from labqa.analysis.yardsticks import without_own, yardsticks
from labqa.simulate import card, network


@pytest.fixture(scope="module")
def made():
    """A small network whose yardsticks are its own, and one laboratory that is far off on all items."""
    base = card.load("coverage")
    few = replace(base, labs=replace(base.labs, n=14, families=(2, 2)), samples_per_lab_year=(60, 90))
    found = network.simulate(replace(few, planted=(card.Planted(kind="bias_mean", sizes=(3.0,)),)), seed=3)
    stated = ["reproducibility_constant", "reproducibility_slope", "rule_tolerance"]
    return replace(found, items=found.items.with_columns(pl.lit(None, dtype=pl.Float64).alias(name) for name in stated))


def test_the_ratio_is_that_of_yardsticks_estimated_from_the_others_alone(made):
    samples = pairing.samples(made.results, made.products)
    pairs = pairing.pairs(made.results, samples)
    scale = yardsticks(made.items, pairing.blocks(made.results, samples), pairs, made.results)
    found = without_own(scale, pairs, made.results)
    assert found.height > 50 and (found["share"] >= 0.03).all()
    checked = 0
    for item, lab, ratio, _ in found.sample(20, seed=1).iter_rows():
        others = made.results.filter(pl.col("lab").ne_missing(pl.lit(lab)))
        left = pairing.samples(others, made.products)
        fresh = yardsticks(made.items, pairing.blocks(others, left), pairing.pairs(others, left), others)
        columns = ["sigma_R_constant", "sigma_R_slope"]
        before, after = (frame.filter(pl.col("item") == item).select(columns).row(0) for frame in (scale, fresh))
        if (before[1] > 0) != (after[1] > 0):
            continue  # without it another model describes the item
        assert ratio == pytest.approx((after[0] or after[1]) / (before[0] or before[1]), rel=1e-9)
        checked += 1
    assert checked >= 10


def test_a_laboratory_far_off_is_stated_in_units_that_it_did_not_widen(made):
    samples = pairing.samples(made.results, made.products)
    blocks, pairs = pairing.blocks(made.results, samples), pairing.pairs(made.results, samples)
    scale = yardsticks(made.items, blocks, pairs, made.results)
    found = without_own(scale, pairs, made.results)
    culprit = made.truth_labs.sort("mean_bias")["lab"][-1]
    assert found.filter(pl.col("lab") == culprit)["ratio"].mean() < 0.95
    plain, _ = lab_bias(made.results, samples, blocks, made.items, scale, BiasSettings())
    fair, _ = lab_bias(made.results, samples, blocks, made.items, scale, BiasSettings(), without=found)
    rows = [frame.filter((pl.col("lab") == culprit) & (pl.col("scope") == "lab")) for frame in (plain, fair)]
    assert rows[1]["estimate"][0] > 1.03 * rows[0]["estimate"][0] > 0
    ratio = np.array([row["se"][0] / row["estimate"][0] for row in rows])
    assert ratio[0] == pytest.approx(ratio[1], rel=0.03)  # the spread between its items, in these units too
