"""Robust estimators against R (metRology, MASS, robustbase) and the printed examples of ISO 13528.

Pairwise, biweight and tau estimators of the same data sets are in files of their own.
"""

import csv
from functools import cache
from typing import Any

import numpy as np
import pytest
from reference_cases import HERE, case, column, rmstudy_lab_means
from validation import agrees

from labqa.stats.robust import algorithm_a, algorithm_s, consensus, location_scale, m_estimators
from labqa.stats.robust.algorithm_a import HUBER_FACTOR_ISO
from labqa.stats.robust.location_scale import MADE_FACTOR_ISO

ANALYTES = ["Arsenic", "Cadmium", "Chromium", "Copper", "Lead", "Manganese", "Nickel", "Zinc"]
IDS = ["robust_E3", "robust_abbey", *(f"robust_rmstudy_{name}" for name in ANALYTES)]


@cache
def values(case_id: str) -> np.ndarray:
    if case_id.startswith("robust_rmstudy_"):
        return rmstudy_lab_means(case_id.removeprefix("robust_rmstudy_"))
    return column(HERE / "data" / case(case_id)["dataset"], "value")


def rows(file: str, **chosen: str) -> list[dict[str, str]]:
    with (HERE / "data" / file).open(encoding="utf-8") as opened:
        return [row for row in csv.DictReader(opened) if all(row[key] == value for key, value in chosen.items())]


def of(case_id: str, by: str) -> dict[str, Any]:
    """Data set and author of a case as the validation page names them."""
    analyte = case_id.removeprefix("robust_rmstudy_") if "rmstudy" in case_id else ""
    return {"data": f"{case(case_id)['dataset']} {analyte}".strip(), "expected_by": by}


@pytest.mark.parametrize("case_id", IDS)
def test_centre_and_scale(case_id: str) -> None:
    x, expected, rel = values(case_id), case(case_id)["expected"], case(case_id)["tolerance"]["rel"]
    assert len(x) == expected["n"]
    by, ends = of(case_id, "R base"), np.array([0, len(x)])
    for quantity, found, method in (
        ("mean", location_scale.mean_by_group(x, ends)[0], "mean"),
        ("sd", location_scale.sd_by_group(x, ends)[0], "sd"),
        ("median", location_scale.median(x), "median"),
        ("MADe_1p4826", location_scale.made(x), "made"),
        ("MADe_1p483", location_scale.made(x, factor=MADE_FACTOR_ISO), "made"),
        ("nIQR_R_type7", location_scale.niqr(x), "niqr"),
        ("nIQR_R_type6", location_scale.niqr(x, quartiles="exclusive"), "niqr"),
    ):
        agrees(found, expected[quantity], method=f"robust/{method}", quantity=quantity, rel=rel, **by)


@pytest.mark.parametrize("case_id", IDS)
def test_algorithm_a(case_id: str) -> None:
    x, expected, tolerance = values(case_id), case(case_id)["expected"], case(case_id)["tolerance"]
    by, method = of(case_id, "R metRology"), "robust/algorithm_a"
    found = algorithm_a.algorithm_a(x)
    agrees(found.centre, expected["algA_mu_exact_factor"], method=method, quantity="x*", rel=tolerance["rel"], **by)
    agrees(found.scale, expected["algA_s_exact_factor"], method=method, quantity="s*", rel=tolerance["rel"], **by)
    if "algA_s_iso_factor_1p134" in expected:
        found = algorithm_a.algorithm_a(x, factor=HUBER_FACTOR_ISO)
        agrees(
            found.centre, expected["algA_mu_iso_factor_1p134"], method=method, quantity="x* (1.134)", rel=tolerance["rel"], **by
        )
        agrees(
            found.scale, expected["algA_s_iso_factor_1p134"], method=method, quantity="s* (1.134)", rel=tolerance["rel"], **by
        )
    found = algorithm_a.algorithm_a(x, stop="scale change")
    for quantity, value, key in (("x* (its stop)", found.centre, "mu"), ("s* (its stop)", found.scale, "s")):
        agrees(
            value,
            expected[f"algA_{key}_metRology_default_stop"],
            method="robust/algorithm_a_stop",
            quantity=quantity,
            rel=tolerance["rel_algA_default_stop"],
            **by,
        )


@pytest.mark.parametrize("case_id", IDS)
def test_huber(case_id: str) -> None:
    """MASS ends after 30 steps, where up to 5e-6 of s* is left (cadmium, lead); robustbase ends at 1e-6 of the scale."""
    x, expected = values(case_id), case(case_id)["expected"]
    found = algorithm_a.algorithm_a(x, stop="thirty steps")
    by = of(case_id, "R MASS::hubers") | {"method": "robust/algorithm_a_stop", "rel": case(case_id)["tolerance"]["rel"]}
    agrees(found.centre, expected["MASS_hubers_mu"], quantity="x*", **by)
    agrees(found.scale, expected["MASS_hubers_s"], quantity="s*", **by)
    made = location_scale.made(x)
    agrees(
        m_estimators.huber_location(x, scale=made),
        expected["huberM_mu_k1.5_mad"],
        method="robust/huber_location",
        quantity="location",
        abs=2e-6 * made + 1e-7 * abs(expected["huberM_mu_k1.5_mad"]),
        **of(case_id, "R robustbase::huberM"),
    )


def test_the_printed_example_of_iso_13528_e3() -> None:
    expected, tolerance = case("iso13528_E3_printed")["expected"], case("iso13528_E3_printed")["tolerance"]["abs"]
    x = values("robust_E3")
    n = len(x)
    found, niqr = algorithm_a.algorithm_a(x, factor=HUBER_FACTOR_ISO), location_scale.niqr(x)
    outliers = case("iso13528_E3_printed")["params"]["outliers_removed"]
    kept = np.array([value for value in x if value not in outliers])
    ends, fewer = np.array([0, n]), np.array([0, len(kept)])
    sd, sd_kept = location_scale.sd_by_group(x, ends)[0], location_scale.sd_by_group(kept, fewer)[0]
    assert (n, len(kept)) == (34, 31)
    for quantity, value, method in (
        ("median", location_scale.median(x), "median"),
        ("nIQR", niqr, "niqr"),
        ("MADe", location_scale.made(x, factor=MADE_FACTOR_ISO), "made"),
        ("u_median_from_nIQR", consensus.u_of_consensus(niqr, n), "u_of_consensus"),
        ("algA_x", found.centre, "algorithm_a"),
        ("algA_s", found.scale, "algorithm_a"),
        ("algA_u", consensus.u_of_consensus(found.scale, n), "u_of_consensus"),
        ("mean", location_scale.mean_by_group(x, ends)[0], "mean"),
        ("sd", sd, "sd"),
        ("mean_without_3_outliers", location_scale.mean_by_group(kept, fewer)[0], "mean"),
        ("sd_without_3_outliers", sd_kept, "sd"),
        ("u_mean", sd / np.sqrt(n), "sd"),
        ("u_without_3_outliers", sd_kept / np.sqrt(len(kept)), "sd"),
    ):
        agrees(
            float(value),
            expected[quantity],
            method=f"robust/{method}",
            data="iso13528_E3_atrazine.csv",
            expected_by="ISO 13528:2022 example E.3, printed",
            quantity=quantity,
            abs=tolerance,
        )


@pytest.mark.parametrize("treatment", ["ignored", "deleted", "half"])
def test_the_printed_treatments_of_censored_results(treatment: str) -> None:
    """The standard's own factor and stop; the pair printed for "half" is reproduced by no stop, hence its tolerance."""
    found = case(f"iso13528_E1_{treatment}")
    x = np.array([float(row["value"]) for row in rows(found["dataset"], treatment=treatment)])
    for stop in ("three figures", "exact"):
        computed = algorithm_a.algorithm_a(x, factor=HUBER_FACTOR_ISO, stop=stop)
        assert computed.stop == stop
        for quantity, value in (("x_star", computed.centre), ("s_star", computed.scale)):
            agrees(
                value,
                found["expected"][quantity],
                method="robust/algorithm_a" if stop == "exact" else "robust/algorithm_a_stop",
                data=f"{found['dataset']} {treatment}",
                expected_by="ISO 13528:2022 table E.1, printed",
                quantity=quantity,
                abs=found["tolerance"]["abs"],
            )


def test_the_printed_consensus_against_a_reference() -> None:
    found = case("iso13528_E7")
    expected, tolerance = found["expected"], found["tolerance"]
    x = column(HERE / "data" / found["dataset"], "value")
    robust = algorithm_a.algorithm_a(x, factor=HUBER_FACTOR_ISO)
    u = float(consensus.u_of_consensus(robust.scale, len(x)))
    against = consensus.consensus_against_reference(robust.centre, u, found["params"]["x_ref"], found["params"]["u_ref"])
    for quantity, value, method, key in (
        ("x_star", robust.centre, "algorithm_a", "abs_x_star"),
        ("s_star", robust.scale, "algorithm_a", "abs_s"),
        ("u_x_star", u, "u_of_consensus", "abs_u"),
        ("u_diff", float(against.u), "consensus_against_reference", "abs_u"),
        ("x_diff", float(against.difference), "consensus_against_reference", "abs_x_diff"),
        ("ratio", float(against.ratio), "consensus_against_reference", "abs_ratio"),
    ):
        agrees(
            value,
            expected[quantity],
            method=f"robust/{method}",
            data=found["dataset"],
            expected_by="ISO 13528:2022 example E.7, printed",
            quantity=quantity,
            abs=tolerance[key],
        )


@pytest.mark.parametrize("material", ["A", "B", "C", "D", "E"])
def test_algorithm_s(material: str) -> None:
    found = case(f"algS_glucose_{material}")
    by_lab: dict[str, list[float]] = {}
    for row in rows(found["dataset"], material=material):
        by_lab.setdefault(row["lab"], []).append(float(row["value"]))
    sd = np.array([np.std(some, ddof=1) for some in by_lab.values()])
    agrees(
        algorithm_s.algorithm_s(sd, degrees_of_freedom=found["params"]["df"]).pooled,
        found["expected"]["w_star"],
        method="robust/algorithm_s",
        data=f"{found['dataset']} {material}",
        expected_by="R metRology",
        quantity="w*",
        rel=found["tolerance"]["rel"],
    )


@pytest.mark.parametrize(("nu", "limit", "adjustment"), [(1, 1.645, 1.097), (2, 1.517, 1.054)])
def test_factors_of_algorithm_s_as_printed(nu: int, limit: float, adjustment: float) -> None:
    found = algorithm_s.factors(nu)
    for quantity, value, expected in (("η", found.limit, limit), ("ξ", found.adjustment, adjustment)):
        agrees(
            float(value),
            expected,
            method="robust/algorithm_s_factors",
            data=f"ν = {nu}",
            expected_by="ISO 13528:2022 table of C.4, printed",
            quantity=quantity,
            abs=5e-4,
        )
