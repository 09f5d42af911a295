"""The drawn effects have the standard deviations of the card, within Monte Carlo error."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from labqa.simulate import card as cards
from labqa.simulate import catalogue, design, measurement, population
from labqa.simulate.network import simulate
from labqa.simulate.randomness import heavy_tailed

CARD = replace(cards.load("calibration"), faults=replace(cards.load("calibration").faults, gross=0.0))
EFFECTS = CARD.effects


@pytest.fixture(scope="module")
def drawn() -> tuple[measurement.World, design.TestSet, measurement.Rows, np.ndarray]:
    """Originals of a world with 200 laboratories, and the within-laboratory part of each result in σR."""
    items = catalogue.build(CARD, seed=11)
    people = population.populate(CARD, items, seed=11)
    samples, tests, _ = design.originals(CARD, items, people, seed=11)
    world = measurement.world(CARD, items, people, samples, seed=11)
    rows = measurement.measure(world, tests, seed=11, part="originals measured")
    within = (rows.y - world.level[rows.sample, rows.slot]) / rows.sigma - people.bias[rows.lab, rows.item]
    return world, tests, rows, within


def test_the_variances_sum_to_one() -> None:
    parts = (EFFECTS.lab_mean, EFFECTS.lab_item, EFFECTS.sample_lab, EFFECTS.lab_run, EFFECTS.heterogeneity, EFFECTS.error)
    assert sum(sd**2 for sd in parts) == pytest.approx(1.0, abs=1e-12)
    assert 0.5 < EFFECTS.error < 0.7  # σr / σR of ordinary methods


def test_biases(drawn) -> None:  # type: ignore[no-untyped-def]
    people = drawn[0].people
    n = len(people.codes)
    assert people.mean_bias.std() == pytest.approx(EFFECTS.lab_mean, abs=4 * EFFECTS.lab_mean / (2 * n) ** 0.5)
    own = people.bias - people.mean_bias[:, None]
    assert own.std() == pytest.approx(EFFECTS.lab_item, abs=4 * EFFECTS.lab_item / (2 * own.size) ** 0.5)
    assert (EFFECTS.lab_mean**2 + EFFECTS.lab_item**2) ** 0.5 == pytest.approx(0.7, abs=0.005)
    assert np.mean(people.ratio**2) == pytest.approx(1.0, abs=4 * 2 * EFFECTS.precision_spread / n**0.5)


def test_effects_shared_by_sample_and_by_run(drawn) -> None:  # type: ignore[no-untyped-def]
    _, tests, rows, within = drawn
    n_tests = len(tests.sample)
    n_items = np.bincount(rows.test, minlength=n_tests)
    sums = np.bincount(rows.test, weights=within, minlength=n_tests)
    squares = np.bincount(rows.test, weights=within**2, minlength=n_tests)
    # mean product of two items of one test = sample×lab² + run²; its error from the spread over tests
    product = (sums**2 - squares) / (n_items * (n_items - 1))
    shared = EFFECTS.sample_lab**2 + EFFECTS.lab_run**2
    assert product.mean() == pytest.approx(shared, abs=4 * product.std() / n_tests**0.5)

    # mean product of two tests of one laboratory and run = run²
    run = tests.lab * 10_000 + tests.day // CARD.run_days
    means = (
        pl.DataFrame({"run": run, "mean": sums / n_items})
        .group_by("run")
        .agg(pl.col("mean"), pl.len())
        .filter(pl.col("len") > 1)
    )
    crossed = means.select(
        ((pl.col("mean").list.sum() ** 2 - pl.col("mean").list.eval(pl.element() ** 2).list.sum()) / 2).alias("sum")
    )
    pairs = (means["len"].cast(pl.Float64) * (means["len"].cast(pl.Float64) - 1) / 2).to_numpy()
    total = crossed["sum"].to_numpy()
    error = np.sqrt(np.sum((total - pairs * EFFECTS.lab_run**2) ** 2)) / pairs.sum()
    assert total.sum() / pairs.sum() == pytest.approx(EFFECTS.lab_run**2, abs=4 * error)
    assert error < EFFECTS.lab_run**2 / 3  # the check can see a missing run effect

    # what is left within a test is item error and portion heterogeneity
    left = (squares - sums**2 / n_items) / (n_items - 1)
    assert left.mean() == pytest.approx(EFFECTS.error**2 + EFFECTS.heterogeneity**2, abs=4 * left.std() / n_tests**0.5)


def test_pairs_of_the_delivered_frames() -> None:
    """Δ / σR less the true difference of biases has variance 2 (1 − σ²_lab), from the published frames alone."""
    made = simulate(CARD, seed=12)
    items = made.items.filter(pl.col("reproducibility_slope") == 0).select(
        "item", sigma=pl.col("reproducibility_constant") / 2.8
    )
    truth = made.truth_items
    kept = made.results.join(items, on="item").join(truth, on=["lab", "item"])
    first, second = kept.filter(pl.col("role") == "original"), kept.filter(pl.col("trigger") == "planned")
    pairs = first.join(second, on=["sample", "item"], suffix="_2").select(
        "sample", d=(pl.col("value") - pl.col("value_2")) / pl.col("sigma") - pl.col("bias") + pl.col("bias_2")
    )
    per_sample = pairs.group_by("sample").agg(square=pl.col("d").pow(2).mean(), mean=pl.col("d").mean())
    expected = 2 * (1 - EFFECTS.lab_mean**2 - EFFECTS.lab_item**2)
    error = per_sample["square"].std() / per_sample.height**0.5  # type: ignore[operator]
    assert per_sample["square"].mean() == pytest.approx(expected, abs=4 * error)
    assert abs(per_sample["mean"].mean()) < 4 * per_sample["mean"].std() / per_sample.height**0.5  # type: ignore[arg-type,operator]


def test_errors_have_heavy_tails() -> None:
    """Student t with 5 df scaled to SD 1: beyond 3 lie P(|t5| > 3 √(5/3)) = 1.2 %, of a normal 0.27 %."""
    from scipy import stats

    drawn = heavy_tailed(np.random.default_rng(1), 400_000, 5)
    assert drawn.std() == pytest.approx(1.0, abs=0.01)
    expected = 2 * stats.t.sf(3 * (5 / 3) ** 0.5, 5)
    assert np.mean(np.abs(drawn) > 3) == pytest.approx(expected, abs=4 * (expected / 400_000) ** 0.5)
    assert np.mean(np.abs(heavy_tailed(np.random.default_rng(1), 400_000, 0)) > 3) < 0.0035


def test_gross_errors_are_symmetric() -> None:
    card = replace(CARD, faults=replace(CARD.faults, gross=1.0, gross_size=(6.0, 6.0)))
    items = catalogue.build(card, seed=13)
    people = population.populate(card, items, seed=13)
    samples, tests, _ = design.originals(card, items, people, seed=13)
    world = measurement.world(card, items, people, samples, seed=13)
    rows = measurement.measure(world, tests, seed=13, part="originals measured")
    same = measurement.measure(replace(world, card=CARD), tests, seed=13, part="originals measured")
    shift = (rows.y - same.y) / rows.sigma
    assert np.allclose(np.abs(shift), 6.0)
    assert np.mean(shift > 0) == pytest.approx(0.5, abs=4 * 0.5 / len(shift) ** 0.5)


def test_unit_slips_are_powers_of_ten() -> None:
    card = replace(CARD, faults=replace(CARD.faults, unit_slip=0.5))
    slipped, clean = simulate(card, seed=14), simulate(CARD, seed=14)
    ratios = clean.items.filter(pl.col("scale") == "ratio").select("item")
    first = clean.results.filter(pl.col("role") == "pt", pl.col("value") > 0).join(ratios, on="item", how="semi")
    power = first.join(slipped.results, on="result", suffix="_slipped").select(
        (pl.col("value_slipped") / pl.col("value")).log10().round(1)
    )
    found = power.to_series()
    assert set(found.unique()) == {0.0, 3.0, -3.0, 1.0, -1.0}
    assert found.ne(0.0).mean() == pytest.approx(0.5, abs=4 * 0.5 / len(found) ** 0.5)


@pytest.mark.parametrize(("truths", "skewness"), [("normal", 0.0), ("skewed", 2.0 / 1.5**0.5), ("bimodal", float("nan"))])
def test_true_values_have_the_shape_of_the_card(truths: str, skewness: float) -> None:
    """Mean 0 and SD 1 whatever the shape; skewness 2/√1.5 of the gamma, that of the mixture from its parts."""
    rng = np.random.default_rng(1)
    drawn = measurement._shaped(truths, (400_000,), rng)
    assert drawn.mean() == pytest.approx(0.0, abs=0.01)
    assert drawn.std() == pytest.approx(1.0, abs=0.01)
    if truths == "bimodal":
        means, shares = np.array([-0.6, 1.4]), np.array([0.7, 0.3])
        skewness = float((shares * (means**3 + 3.0 * means * 0.16)).sum())
        assert (shares * (means**2 + 0.16)).sum() == pytest.approx(1.0, abs=1e-12)
    assert ((drawn / drawn.std()) ** 3).mean() == pytest.approx(skewness, abs=0.05)


def test_an_unknown_shape_of_true_values_is_refused() -> None:
    text = (cards.CARDS / "objection.toml").read_text("utf-8").replace('truths = "normal"', 'truths = "flat"')
    with pytest.raises(ValueError, match="truths"):
        cards._checked(cards.from_table(tomllib.loads(text)))
