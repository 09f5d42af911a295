"""Screens of samples: slopes as least squares written out, few false alarms, no test charged for what its laboratory does."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from labqa.stats.screens import samples


def pairs(seed: int, *, n_labs: int, n_samples: int, n_items: int, error: float = 1.0) -> dict[str, np.ndarray]:
    """Two laboratories a sample, each with all items, sorted by item and sample; days of the second test."""
    draw = np.random.default_rng(seed)
    two = np.array([draw.choice(n_labs, 2, replace=False) for _ in range(n_samples)])
    days = draw.uniform(10, 80, n_samples)
    item, sample, side = (one.ravel() for one in np.meshgrid(np.arange(n_items), np.arange(n_samples), [0, 1], indexing="ij"))
    lab = two[sample, side]
    return {
        "item": item,
        "sample": sample,
        "lab": lab,
        "start": np.arange(0, len(item) + 1, 2),
        "x": np.where(side == 1, days[sample], 0.0),
        "y": draw.normal(0, 0.5, n_labs)[lab] + draw.normal(0, error, len(item)) + 7.0 * sample,
    }


def nodes(m: dict[str, np.ndarray], *, by: str) -> tuple[np.ndarray, np.ndarray]:
    _, first, node = np.unique(m["lab"] * 1000 + m["item"], return_index=True, return_inverse=True)
    return node, m[by][first]


def test_slopes_are_generalised_least_squares_with_random_laboratories():
    """With errors so small that no weight leaves 1 the slope is GLS: blocks fixed, lab × item effects of variance 1/ratio."""
    m = pairs(1, n_labs=7, n_samples=40, n_items=2)
    draw = np.random.default_rng(1)
    m["y"] = 0.02 * m["x"] + draw.uniform(-1, 1, len(m["y"]))  # bounded: Huber's corner of 1.5 SD is not reached by most
    node, of_node = nodes(m, by="item")
    found = samples.drifts(m["start"], node, of_node, m["item"], m["x"], m["y"], ratio=0.5)
    effects = samples.robust_effects(m["start"], node, of_node, m["item"], m["y"] - found.slope[m["item"]] * m["x"], ratio=0.5)
    for k in range(2):
        here = m["item"] == k
        weight = _weights_of(m, node, of_node, found)[here]
        sample, lab = m["sample"][here], m["lab"][here]
        blocks = np.eye(40)[sample]
        z = np.eye(7)[lab]
        v = np.diag(1.0 / weight) + z @ z.T / 0.5
        # blocks absorb the mean of the laboratories, so that it does not matter about which mean the effects vary
        inverse = np.linalg.inv(v)
        design = np.column_stack([m["x"][here], blocks])
        expected = np.linalg.solve(design.T @ inverse @ design, design.T @ inverse @ m["y"][here])[0]
        assert found.slope[k] == pytest.approx(expected, rel=1e-6)
    assert np.all(np.abs(effects.t) < 10)


def _weights_of(m, node, of_node, found) -> np.ndarray:
    """Huber's weights at the slopes found, by the definition: deviations from fits of x and y over their robust scale."""
    from labqa.stats.network.redescending import huber_weight, item_scales, penalised_effects, scaled_deviations

    base, weight = np.ones(len(m["y"])), np.ones(len(m["y"]))
    left = m["y"] - found.slope[m["item"]] * m["x"]
    for _ in range(60):
        effect = penalised_effects(m["start"], node, of_node, weight, left, ratio=0.5, guess=np.zeros(len(of_node)))
        raw = scaled_deviations(m["start"], weight, base, left - effect[node])
        weight = huber_weight(raw / item_scales(m["item"], raw, n=2)[m["item"]], corner=samples.CORNER)
    return weight


def test_slopes_cover_and_stay_silent_on_what_does_not_change():
    slopes, ses, ps = [], [], []
    for seed in range(60):
        m = pairs(100 + seed, n_labs=15, n_samples=60, n_items=4)
        m["y"] = m["y"] + np.where(m["item"] == 0, 0.03 * m["x"], 0.0)
        node, of_node = nodes(m, by="item")
        found = samples.drifts(m["start"], node, of_node, m["item"], m["x"], m["y"])
        slopes.append(found.slope - np.array([0.03, 0, 0, 0]))
        ses.append(found.se)
        ps.append(found.p)
    z = np.array(slopes) / np.array(ses)
    assert 0.90 <= np.mean(np.abs(z) < 1.96) <= 0.99 and abs(z.mean()) < 0.25
    assert np.mean(np.array(ps)[:, 1:] < 0.01) < 0.03 and np.mean(np.array(ps)[:, 0] < 0.01) > 0.95


def test_a_laboratory_that_always_tests_late_and_reads_high_makes_no_slope():
    m = pairs(3, n_labs=10, n_samples=200, n_items=3)
    late = (m["lab"] == 0) & (m["x"] > 0)
    m["x"] = np.where(late, 60.0, np.where(m["x"] > 0, 15.0 + 5.0 * (m["sample"] % 3), 0.0))
    m["y"] = m["y"] + 2.0 * (m["lab"] == 0)
    node, of_node = nodes(m, by="item")
    found = samples.drifts(m["start"], node, of_node, m["item"], m["x"], m["y"])
    assert np.all(found.p > 0.001) and np.all(np.abs(found.slope) < 0.02)


def judged(m: dict[str, np.ndarray], n_labs: int) -> tuple[samples.Tests, np.ndarray]:
    node, of_node = nodes(m, by="lab")
    fitted = samples.robust_effects(m["start"], node, of_node, m["item"], m["y"], ratio=1.0)
    names, test = np.unique(m["sample"] * n_labs + m["lab"], return_inverse=True)
    return samples.differing_tests(m["start"], m["lab"], test, fitted.t, n_labs=n_labs, n_tests=len(names)), names


def test_a_swapped_sample_stands_apart_and_a_bias_or_imprecision_does_not():
    m = pairs(4, n_labs=12, n_samples=150, n_items=8)
    draw = np.random.default_rng(4)
    m["y"] = m["y"] + 3.0 * (m["lab"] == 2) + np.where(m["lab"] == 5, draw.normal(0, 3, len(m["y"])), 0.0)
    innocent, _ = judged(m, 12)
    assert np.nanmin(innocent.p) > 1e-5
    apart = (m["sample"] == 20) & (np.arange(len(m["y"])) % 2 == 1)
    m["y"] = m["y"] + np.where(apart, draw.choice([-6.0, 6.0], len(m["y"])), 0.0)
    found, names = judged(m, 12)
    assert set(names[found.p < 1e-4] // 12) == {20} and np.sum(found.p < 1e-4) == 2


def test_one_gross_error_or_two_items_are_not_a_sample():
    m = pairs(5, n_labs=12, n_samples=150, n_items=5)
    m["y"] = m["y"] + np.where((m["sample"] == 3) & (m["item"] == 0) & (np.arange(len(m["y"])) % 2 == 1), 40.0, 0.0)
    assert np.nanmin(judged(m, 12)[0].p) > 1e-4
    few = pairs(6, n_labs=12, n_samples=150, n_items=2)
    assert np.isnan(judged(few, 12)[0].p).all()


def test_the_chance_of_a_test_is_a_chi_square_of_its_median():
    """Three results of one laboratory pair, all deviating by 3: q = (1.4826·3)², ν = 0.37·3/1.2."""
    lab, test = np.array([0, 1] * 3), np.array([0, 1] * 3)
    t = np.array([3.0, 3.0, -3.0, -3.0, 3.0, 3.0])
    found = samples.differing_tests(np.array([0, 2, 4, 6]), lab, test, t, n_labs=2, n_tests=2)
    q, df = (samples.MAD_TO_SD * 3.0) ** 2, 0.37 * 3 / 1.2
    assert found.q == pytest.approx([q, q]) and found.p == pytest.approx([special.gammaincc(df / 2, df * q / 2)] * 2)


def test_a_round_does_not_excuse_a_laboratory_of_which_nothing_else_is_known():
    """Six laboratories on four samples of three items, one off by ten on two of them: whether by its portions is not known."""
    lab, item, sample = (one.ravel() for one in np.meshgrid(range(6), range(3), range(4), indexing="xy"))
    order = np.lexsort((lab, item, sample))
    lab, sample = lab[order], sample[order]
    t = np.where((lab == 5) & (sample < 2), 10.0, 0.5)
    start = np.arange(0, 73, 6)
    found = samples.differing_tests(start, lab, sample * 6 + lab, t, n_labs=6, n_tests=24)
    assert np.isnan(found.p).all()


def test_medians_leave_the_own_value_out():
    draw = np.random.default_rng(8)
    group, value = draw.integers(0, 6, 50), draw.normal(size=50)
    found = samples._median_of_others(group, value, 6)
    for k in range(50):
        others = np.delete(value, k)[np.delete(group, k) == group[k]]
        assert found[k] == pytest.approx(np.median(others) if len(others) >= samples.FEWEST_TESTS else np.nan, nan_ok=True)
