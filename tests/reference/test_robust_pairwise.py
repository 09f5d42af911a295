"""Estimators from pairs, biweight and tau against R, astropy, statsmodels and the printed ISO 13528 example."""

from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pytest
from astropy import stats
from reference_cases import HERE, case, column, rmstudy_lab_means
from scipy.special import ndtri
from statsmodels.robust.scale import qn_scale
from validation import agrees

from labqa.stats.robust import biweight, consensus, hampel, hodges_lehmann, q_method, q_replicates, qn, sn, tau

ANALYTES = ["Arsenic", "Cadmium", "Chromium", "Copper", "Lead", "Manganese", "Nickel", "Zinc"]
IDS = ["robust_E3", "robust_abbey", *(f"robust_rmstudy_{name}" for name in ANALYTES)]


def values(case_id: str) -> np.ndarray:
    if case_id.startswith("robust_rmstudy_"):
        return rmstudy_lab_means(case_id.removeprefix("robust_rmstudy_"))
    return column(HERE / "data" / case(case_id)["dataset"], "value")


@pytest.mark.parametrize("case_id", IDS)
def test_estimators_against_r(case_id: str) -> None:
    x, expected, tolerance = values(case_id), case(case_id)["expected"], case(case_id)["tolerance"]
    part = case_id.removeprefix("robust_rmstudy_") if "rmstudy" in case_id else ""
    assert len(x) == expected["n"]
    location, scale = q_method.q_hampel(x)
    tau_location, tau_scale = tau.tau(x)
    found = [
        ("qn", "Qn_robustbase", qn.qn(x), "R robustbase 0.95", "rel"),
        ("qn", "Qn_no_correction", qn.qn(x, finite="none"), "R robustbase 0.95", "rel"),
        ("sn", "Sn_robustbase", sn.sn(x), "R robustbase 0.95", "rel"),
        ("sn", "Sn_no_correction", sn.sn(x, finite="none"), "R robustbase 0.95", "rel"),
        ("hodges_lehmann", "HL_walsh_i_le_j", hodges_lehmann.hodges_lehmann(x), "R, median of Walsh averages", "rel"),
        ("hodges_lehmann", "HL_pairs_i_lt_j", hodges_lehmann.hodges_lehmann(x, pairs="distinct"), "R, pairs i < j", "rel"),
        ("tau", "tau_loc", tau_location, "R robustbase 0.95, scaleTau2", "rel"),
        ("tau", "tau_scale", tau_scale, "R robustbase 0.95, scaleTau2", "rel"),
        ("q_method", "Q_s_star", scale, "R script, exact interpolation", "rel_Q"),
        ("q_hampel", "QHampel_x_star", location, "R script, exact interpolation", "rel_Q"),
    ]
    for method, key, value, by, allowed in found:
        agrees(
            value,
            expected[key],
            method=f"robust/{method}",
            data=f"{case(case_id)['dataset']} {part}".strip(),
            quantity=key,
            expected_by=by,
            rel=tolerance[allowed],
        )


def test_the_printed_example_of_iso_13528() -> None:
    found, x = case("iso13528_E3_printed"), values("robust_E3")
    location, scale = q_method.q_hampel(x)
    computed = {"QHampel_x": location, "QHampel_s": scale, "QHampel_u": float(consensus.u_of_consensus(scale, len(x)))}
    for key, value in computed.items():
        agrees(
            value,
            found["expected"][key],
            method="robust/q_hampel",
            data=found["dataset"],
            quantity=key,
            expected_by="ISO 13528:2022, table E.5, printed",
            abs=found["tolerance"]["abs"],
        )


@pytest.mark.parametrize("case_id", ["biweight_E3", "biweight_abbey"])
def test_biweight_against_astropy(case_id: str) -> None:
    found = case(case_id)
    x, expected = column(HERE / "data" / found["dataset"], found["params"]["column"]), found["expected"]
    computed = [
        ("biweight_location", "biweight_location_c6", biweight.biweight_location(x)),
        ("biweight_scale", "biweight_scale_c9", biweight.biweight_scale(x)),
        ("biweight_scale", "biweight_midvariance_c9", biweight.biweight_midvariance(x)),
        ("biweight_scale", "biweight_scale_c9_modified", biweight.biweight_scale(x, count_inside=True)),
    ]
    for method, key, value in computed:
        agrees(
            value,
            expected[key],
            method=f"robust/{method}",
            data=found["dataset"],
            quantity=key,
            expected_by="astropy 8.0",
            rel=found["tolerance"]["rel"],
        )


def test_biweight_equals_astropy_on_random_sets() -> None:
    rng = np.random.default_rng(5)
    for n in (2, 3, 4, 7, 20, 101):
        x = 10 + rng.standard_t(2, n)
        # both add the same terms in other orders: a few rounding errors
        assert biweight.biweight_location(x) == pytest.approx(stats.biweight_location(x), rel=1e-12)
        assert biweight.biweight_scale(x) == pytest.approx(stats.biweight_scale(x), rel=1e-12)
        modified = stats.biweight_midvariance(x, modify_sample_size=True)
        assert biweight.biweight_midvariance(x, count_inside=True) == pytest.approx(modified, rel=1e-12)


def test_qn_equals_statsmodels_up_to_its_constant() -> None:
    rng = np.random.default_rng(6)
    for n in (2, 3, 4, 5, 20, 21, 300):
        x = rng.standard_normal(n)
        # the same order statistic; statsmodels multiplies by 1/(√2 Φ⁻¹(5/8)) and has no finite-sample factor
        factor = 1.0 / (np.sqrt(2.0) * ndtri(0.625))
        assert qn.qn(x, finite="none", factor=factor) == pytest.approx(float(qn_scale(x)), rel=1e-12)


def test_conventions_of_the_finite_sample_factor_of_qn() -> None:
    n = np.arange(2, 200)
    exact, iso, old = (qn.qn_finite_factor(n, finite=kind) for kind in ("robustbase", "iso13528", "1992"))
    # ISO prints the table to 4 decimals and the formula to 5 digits
    np.testing.assert_allclose(iso, exact, rtol=1.5e-4)
    # the 1992 factors go with the constant 2.2219; they were simulated to three digits
    np.testing.assert_allclose(old[:8] * 2.2219 / 2.21914, exact[:8], rtol=5e-3)
    np.testing.assert_allclose(old[8:], exact[8:], rtol=1.5e-2)
    # E|X − Y| = 2/√π: at n = 2 the factor makes Qn unbiased
    assert exact[0] * qn.QN_FACTOR * 2 / np.sqrt(np.pi) == pytest.approx(1.0, rel=1e-5)


def test_qn_as_iso_13528_2022_first_printed_it() -> None:
    x = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
    # differences 1 2 3 4 6 7 8 …; p = 6: h = 3, k = 3 as printed in 2022, h = 4, k = 6 by the definition
    printed = qn.qn(x, order="iso13528-2022", factor=qn.QN_FACTOR_1993, finite="iso13528")
    assert printed == pytest.approx(2.2219 * 3.0 * 0.6122)
    assert qn.qn(x, finite="none", factor=1.0) == 7.0
    assert np.isnan(qn.qn(x[:3], order="iso13528-2022"))


def q_exactly(results: list[list[int]]) -> float:
    """s* of results in whole steps, by the definition, in fractions: every pair, every jump."""
    p = len(results)
    jumps: dict[int, Fraction] = {}
    for one, other in combinations(results, 2):
        for a, b in product(one, other):
            jumps[abs(a - b)] = jumps.get(abs(a - b), Fraction(0)) + Fraction(2, p * (p - 1) * len(one) * len(other))
    h = h0 = jumps.pop(0, Fraction(0))
    if h0 == 1:
        return 0.0
    level = Fraction(1, 4) + Fraction(3, 4) * h0
    x_low, g_low = Fraction(0), Fraction(0)
    for x in sorted(jumps):
        g = h + jumps[x] / 2
        h += jumps[x]
        if g >= level:
            numerator = x_low + (x - x_low) * (level - g_low) / (g - g_low)
            return float(numerator) / float(np.sqrt(2.0) * ndtri(0.625 + 0.375 * float(h0)))
        x_low, g_low = Fraction(x), g
    raise AssertionError("G1 reaches its level at the last jump")


@pytest.mark.parametrize("replicates", [1, 3])
def test_q_method_equals_exact_fractions(replicates: int) -> None:
    rng = np.random.default_rng(7)
    for _ in range(100):
        steps = 10 ** int(rng.integers(0, 4))
        p, centre, width = rng.integers(2, 14), int(rng.choice([0, 7 * steps, -300 * steps])), rng.choice([0.5, 2.0, 40.0])
        whole = [
            [centre + round(float(v)) for v in width * rng.standard_normal(rng.integers(1, replicates + 1))] for _ in range(p)
        ]
        expected = q_exactly(whole)
        # decimals as a person types them: differences equal in decimal are not all equal in float64
        typed = [np.array([float(f"{v / steps:.3f}") for v in one]) for one in whole]
        allowed = max(1e-11 * expected, 2e-15 * abs(centre))
        assert q_replicates.q_method_with_replicates(typed) * steps == pytest.approx(expected, abs=allowed)
        assert q_replicates.q_method_with_replicates(typed, step=1 / steps) * steps == pytest.approx(expected, abs=allowed)
        if replicates == 1:
            assert q_method.q_method(np.concatenate(typed)) * steps == pytest.approx(expected, abs=allowed)
            assert q_method.q_method(np.concatenate(typed), step=1 / steps) * steps == pytest.approx(expected, abs=allowed)


def test_differences_equal_in_decimal_are_one_jump() -> None:
    assert 0.3 - 0.2 != 0.2 - 0.1
    x = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.1])
    assert q_method.q_method(x) == pytest.approx(q_exactly([[1], [2], [3], [4], [5], [7], [11]]) / 10, rel=1e-13)


def hampel_by_all_nodes(y: np.ndarray, s: float) -> float:
    """The finite-step algorithm as ISO 13528:2022, C.5.3.3, words it: all nodes, all solutions."""
    nodes = np.unique(np.concatenate([y + c * s for c in (-4.5, -3, -1.5, 1.5, 3, 4.5)]))
    q = (y - nodes[:, None]) / s
    p = np.sum(np.sign(q) * np.minimum(np.minimum(np.abs(q), 1.5), np.maximum(4.5 - np.abs(q), 0.0)), axis=1)
    p[np.abs(p) < 1e-12] = 0.0
    solutions = list(nodes[p == 0])
    for m in np.flatnonzero(p[:-1] * p[1:] < 0):
        solutions.append(nodes[m] - p[m] * (nodes[m + 1] - nodes[m]) / (p[m + 1] - p[m]))
    away = np.array(solutions) - np.median(y)
    nearest = away[np.abs(np.abs(away) - np.min(np.abs(away))) < 1e-10 * s]
    return float(np.median(y) + (0.0 if np.min(nearest) < 0 < np.max(nearest) else nearest[0]))


def test_hampel_equals_the_search_over_all_nodes() -> None:
    rng = np.random.default_rng(8)
    for _ in range(400):
        y = np.round(rng.standard_normal(rng.integers(3, 30)), int(rng.integers(0, 4)))
        y = y + np.where(rng.random(len(y)) < 0.3, rng.choice([0.0, 4.0, 20.0]), 0.0)
        s = float(rng.choice([0.2, 0.7, 1.0, 3.0]))
        # solutions of a straight line: a few rounding errors, larger where the line is flat
        assert hampel.hampel(y, scale=s) == pytest.approx(hampel_by_all_nodes(y, s), abs=1e-9 * s)
