"""Robust fits of the SD against the level: against SciPy's own likelihood on real data, and on data of known SD."""

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy import optimize, special, stats

from labqa.stats.precision.deviation_levels import (
    NORMAL,
    Intervals,
    choose_deviations,
    fit_deviations,
    intervals_of,
    mean_square,
)
from labqa.stats.precision.levels import sd_at
from labqa.stats.precision.reproducibility import Deviations, deviations

FILE = Path(__file__).parents[3] / "data" / "usgs" / "usgs_inl_original_retest_sitesA.csv"


def pairs_of(analyte: str) -> tuple[np.ndarray, np.ndarray]:
    """Original and first retest, both quantified."""
    found: dict[str, dict[str, float]] = {}
    with FILE.open(encoding="utf-8") as opened:
        for row in csv.DictReader(opened):
            if row["analyte"] == analyte and row["qualifier"] in ("", "E"):
                found.setdefault(row["pair_id"], {})[row["role"]] = float(row["value"])
    both = [(one["original"], one["retest1"]) for one in found.values() if {"original", "retest1"} <= set(one)]
    x, y = np.array(both).T
    return x, y


def of_pairs(x: np.ndarray, y: np.ndarray) -> Deviations:
    return deviations(np.stack([x, y], axis=1).ravel(), np.arange(0, 2 * len(x) + 1, 2))


@pytest.mark.parametrize("model", ["constant", "proportional", "two_component"])
def test_the_likelihood_is_that_of_scipys_student_t(model: str) -> None:
    """Differences of sodium, one interval among them, by scipy.stats and the simplex method."""
    x, y = pairs_of("Sodium, wf")
    x, y = x[x + y > 0], y[x + y > 0]
    known = Intervals(np.array([0.5]), np.array([6.0]), np.array([9.0]))
    d, m = (y - x) / np.sqrt(2.0), (x + y) / 2.0

    def sd(at: np.ndarray, level: np.ndarray) -> np.ndarray:
        first, last = np.exp(at[0]), np.exp(at[-1])
        return {"constant": first, "proportional": first * level, "two_component": np.hypot(first, last * level)}[model]

    def cost(at: np.ndarray) -> float:
        s = sd(at, known.level)
        inside = stats.t.cdf(known.high / s, 3) - stats.t.cdf(known.low / s, 3)
        return -float(np.sum(stats.t.logpdf(d, 3, scale=sd(at, m))) + 0.5 * np.log(inside).sum())

    start = np.log([0.1, 0.01] if model == "two_component" else [0.02])
    best = optimize.minimize(cost, start, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-10, "maxiter": 4000})
    found = fit_deviations(of_pairs(x, y), known, model=model)
    at_one = stats.t.logpdf(0.0, 3)  # the constant of the density, which the cost leaves out
    assert found.deviance == pytest.approx(2.0 * (best.fun + len(x) * at_one), abs=1e-5)
    parameters = np.exp(best.x[: len(found.parameters)]) / NORMAL
    assert found.parameters == pytest.approx(parameters, rel=1e-4)


def drawn(seed: int, n: int, a: float, b: float) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    level = np.exp(draw.uniform(0.0, np.log(1000.0), n))
    return tuple(level + np.hypot(a, b * level) * draw.normal(size=n) for _ in range(2))


@pytest.mark.parametrize(
    ("a", "b", "model"), [(2.0, 0.0, "constant"), (0.0, 0.05, "proportional"), (2.0, 0.05, "two_component")]
)
def test_the_model_of_the_data_is_chosen_in_spite_of_gross_errors(a: float, b: float, model: str) -> None:
    x, y = drawn(1, 2000, a, b)
    y[:20] *= 3.0
    chosen, *_ = choose_deviations(of_pairs(x, y))
    assert chosen.model == model
    level = np.array([1.0, 30.0, 1000.0])
    assert sd_at(model, chosen.parameters, level) == pytest.approx(np.hypot(a, b * level), rel=0.1)
    assert mean_square(of_pairs(x, y), chosen) > 1.5


def test_pairs_near_a_limit_count_as_intervals_and_undo_the_selection() -> None:
    """Results below 3 are told as [0, 3], true SD 1. Without the mixed pairs, near the limit only those are left that agree."""
    draw = np.random.default_rng(3)
    level = draw.uniform(0.0, 8.0, 20_000)
    x, y = (level + draw.normal(size=len(level)) for _ in range(2))
    seen, first, second = (x >= 3) & (y >= 3), (x >= 3) & (y < 3), (x < 3) & (y >= 3)
    value = np.concatenate([x[first], y[second]])
    known = intervals_of(value, np.zeros(len(value)), np.full(len(value), 3.0))
    alone = fit_deviations(of_pairs(x[seen], y[seen]), model="constant").parameters[0]
    together = fit_deviations(of_pairs(x[seen], y[seen]), known, model="constant").parameters[0]
    assert alone < 0.97 and together == pytest.approx(1.0, abs=0.02)


def test_the_scale_is_that_of_a_normal_sd() -> None:
    z = special.ndtri((np.arange(200_000) + 0.5) / 200_000)
    assert np.mean(4.0 * z**2 / (3.0 * NORMAL**2 + z**2)) == pytest.approx(1.0, abs=1e-5)


def test_an_interval_is_that_of_the_difference() -> None:
    found = intervals_of(np.array([5.0, 2.0]), np.array([0.0, -np.inf]), np.array([3.0, 3.0]))
    assert found.low * np.sqrt(2.0) == pytest.approx([2.0, -1.0])
    assert found.high[0] * np.sqrt(2.0) == pytest.approx(5.0) and np.isposinf(found.high[1])
    assert found.level == pytest.approx([4.0, 2.0])


def test_levels_that_are_alike_tell_no_model_from_another() -> None:
    draw = np.random.default_rng(5)
    x, y = (10.0 + draw.normal(size=50) for _ in range(2))
    assert [one.model for one in choose_deviations(of_pairs(x, y))] == ["constant"]


def test_what_cannot_be_fitted_is_refused() -> None:
    same = of_pairs(np.ones(5), np.ones(5))
    with pytest.raises(ValueError, match="equal"):
        fit_deviations(same, model="constant")
    some = of_pairs(np.array([0.0, 1.0]), np.array([0.0, 2.0]))
    with pytest.raises(ValueError, match="above 0"):
        fit_deviations(some, model="proportional")
    with pytest.raises(ValueError, match="no model"):
        fit_deviations(some, model="power")
