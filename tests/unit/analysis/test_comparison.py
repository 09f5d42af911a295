"""Scores of comparison rounds, and rounds without a trustworthy consensus."""

import numpy as np
import polars as pl
import pytest
from facts import PRODUCTS, items, results

from labqa.analysis import discrepancy, pairing, yardsticks
from labqa.core import tables as t
from labqa.stats.robust import algorithm_a

REGISTER = items({"item": "I1", "reproducibility_constant": 2.8})


def scored(values: np.ndarray, *extra: dict) -> pl.DataFrame:
    rows = [{"sample": "R", "lab": f"L{k:02d}", "role": "pt", "value": float(x)} for k, x in enumerate(values)]
    facts = results([*rows, *extra])
    samples = pairing.samples(facts, PRODUCTS)
    blocks, pairs = pairing.blocks(facts, samples), pairing.pairs(facts, samples)
    found = discrepancy.pt_scores(facts, samples, yardsticks.yardsticks(REGISTER, blocks, pairs, facts))
    t.PtScores.validate(found)
    return found


def test_a_laboratory_is_never_part_of_its_own_consensus() -> None:
    values = np.random.default_rng(1).normal(20, 1, 30)
    found = scored(values)
    centre, scale = algorithm_a.algorithm_a(np.delete(values, 4))[:2]
    u = 1.25 * scale / np.sqrt(29)
    assert found["x_pt"][4] == pytest.approx(centre)
    assert u < 0.3
    assert found["z"][4] == pytest.approx(values[4] - centre)
    far = values.copy()
    far[4] = 1e6
    assert scored(far)["x_pt"][4] == pytest.approx(centre)


def test_an_uncertain_consensus_widens_the_score() -> None:
    values = np.random.default_rng(2).normal(20, 1, 8)
    found = scored(values)
    scale = algorithm_a.algorithm_a(np.delete(values, 0)).scale
    assert found["sigma_pt"][0] == pytest.approx(np.hypot(1.0, 1.25 * scale / np.sqrt(7)))


@pytest.mark.parametrize(
    "values", [np.arange(5.0), np.linspace(0, 20, 20), np.r_[np.linspace(9, 11, 12), np.linspace(15, 17, 10)]]
)
def test_no_consensus_no_score(values: np.ndarray) -> None:
    assert scored(values)["z"].is_null().all()


def test_an_assigned_value_needs_no_consensus() -> None:
    found = scored(np.array([19.0, 25.0]), {"sample": "R", "lab": None, "role": "assigned", "value": 20.0, "u": 0.1})
    assert found["anchored"].all()
    assert found["z"].to_list() == pytest.approx([-1.0, 5.0])


def test_censored_results_are_listed_without_a_score() -> None:
    lost = {"sample": "R", "lab": "X", "role": "pt", "value": None, "qualifier": "below", "upper": 1.0}
    found = scored(np.random.default_rng(1).normal(20, 1, 20), lost)
    assert found.filter(pl.col("lab") == "X")["z"].to_list() == [None]
    assert found.height == 21
