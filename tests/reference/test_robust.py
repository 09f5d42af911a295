"""Robust estimators against R (metRology, MASS, robustbase) and the printed ISO 13528 examples."""

import numpy as np
import pytest
from reference_cases import HERE, case, column, rmstudy_lab_means

from labqa.stats.robust import algorithm_a, location_scale, m_estimators

ANALYTES = ["Arsenic", "Cadmium", "Chromium", "Copper", "Lead", "Manganese", "Nickel", "Zinc"]
IDS = ["robust_E3", "robust_abbey", *(f"robust_rmstudy_{name}" for name in ANALYTES)]


def values(case_id: str) -> np.ndarray:
    if case_id.startswith("robust_rmstudy_"):
        return rmstudy_lab_means(case_id.removeprefix("robust_rmstudy_"))
    return column(HERE / "data" / case(case_id)["dataset"], "value")


@pytest.mark.parametrize("case_id", IDS)
def test_median_made_and_algorithm_a(case_id: str) -> None:
    x, expected, rel = values(case_id), case(case_id)["expected"], case(case_id)["tolerance"]["rel"]
    assert len(x) == expected["n"]
    assert location_scale.median(x) == pytest.approx(expected["median"], rel=rel)
    assert location_scale.made(x) == pytest.approx(expected["MADe_1p4826"], rel=rel)
    assert location_scale.made(x, factor=location_scale.MADE_FACTOR_ISO) == pytest.approx(expected["MADe_1p483"], rel=rel)
    centre, scale = algorithm_a.algorithm_a(x)
    assert centre == pytest.approx(expected["algA_mu_exact_factor"], rel=1e-9)
    assert scale == pytest.approx(expected["algA_s_exact_factor"], rel=1e-9)
    # robustbase stops at 1e-6 of the scale, so its location is known to that only
    location = m_estimators.huber_location(x, scale=location_scale.made(x))
    assert location == pytest.approx(expected["huberM_mu_k1.5_mad"], abs=2e-6 * location_scale.made(x) + rel * abs(location))


@pytest.mark.parametrize("case_id", ["robust_E3", "robust_abbey"])
def test_algorithm_a_with_the_factor_that_iso_prints(case_id: str) -> None:
    expected = case(case_id)["expected"]
    centre, scale = algorithm_a.algorithm_a(values(case_id), factor=algorithm_a.HUBER_FACTOR_ISO)
    assert centre == pytest.approx(expected["algA_mu_iso_factor_1p134"], rel=1e-9)
    assert scale == pytest.approx(expected["algA_s_iso_factor_1p134"], rel=1e-9)


def test_the_printed_example_of_iso_13528() -> None:
    expected, tolerance = case("iso13528_E3_printed")["expected"], case("iso13528_E3_printed")["tolerance"]["abs"]
    x = values("robust_E3")
    centre, scale = algorithm_a.algorithm_a(x, factor=algorithm_a.HUBER_FACTOR_ISO)
    # x* is printed to three decimals, the rest to four
    assert centre == pytest.approx(expected["algA_x"], abs=5e-4)
    assert scale == pytest.approx(expected["algA_s"], abs=tolerance)
    assert location_scale.made(x, factor=location_scale.MADE_FACTOR_ISO) == pytest.approx(expected["MADe"], abs=tolerance)
    assert 1.25 * scale / np.sqrt(len(x)) == pytest.approx(expected["algA_u"], abs=tolerance)
