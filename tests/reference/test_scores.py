"""Scores against ISO 13528 examples at full precision, and Horwitz against its printed example."""

import numpy as np
import pytest
from reference_cases import HERE, case, column
from validation import agrees

from labqa.stats.precision import horwitz
from labqa.stats.scores import differences, reference


def test_z_zprime_zeta_en_of_the_mercury_example() -> None:
    found = case("iso13528_E4_exact")
    file = HERE / "data" / found["dataset"]
    value, expanded, k = (column(file, name) for name in ("value", "U", "k"))
    x_pt, u_pt, sigma = 0.044, 0.0041, 0.0066
    computed = {
        "z": reference.z_score(value, x_pt, sigma),
        "zprime": reference.z_prime(value, x_pt, sigma, u_pt),
        "zeta": reference.zeta(value, x_pt, expanded / k, u_pt),
        "En": reference.en(value, x_pt, expanded, 2 * u_pt),
    }
    keys = {"z": "z_score", "zprime": "z_prime", "zeta": "zeta", "En": "en"}
    for name, values in computed.items():
        agrees(
            values,
            found["expected"][name],
            method=f"scores/{keys[name]}",
            data="iso13528_E4_mercury_scores.csv",
            quantity=name,
            expected_by="ISO 13528:2022 example E.4, computed in R",
            rel=1e-12,
            abs=1e-12,
            scale=1.0,
        )


def test_horwitz_of_the_printed_example() -> None:
    expected = case("iso13528_E9_horwitz")["expected"]
    for level in ("1.195", "2.565"):
        fraction = float(level) * 1e-6
        assert horwitz.horwitz_sd(fraction) * 1e6 == pytest.approx(expected[f"sigma_{level}_mg_per_kg"], abs=0.0005)
        assert horwitz.horwitz_sd(fraction) / fraction * 100 == pytest.approx(expected[f"rsd_percent_{level}"], abs=0.05)


def test_horwitz_line_is_the_tangent() -> None:
    for c in (1e-9, 1e-6, 1e-3, 0.3):
        constant, slope = horwitz.horwitz_line(c)
        assert constant + slope * c == pytest.approx(float(horwitz.horwitz_sd(c)), rel=1e-12)
        numeric = (horwitz.horwitz_sd(c * 1.0001) - horwitz.horwitz_sd(c * 0.9999)) / (0.0002 * c)
        assert slope == pytest.approx(float(numeric), rel=1e-6)
        near = np.array([0.5, 2.0]) * c
        assert np.all(np.abs((constant + slope * near) / horwitz.horwitz_sd(near) - 1) < (0.04 if c < 0.1 else 0.07))


def test_critical_differences_of_iso_5725_6() -> None:
    assert differences.critical_difference(5.0, 3.0, 1, 1) == pytest.approx(5.0)
    # R = 5, r = 3, means of two: √(25 − 9/2); mean of two against a reference: √(25 − 9/2)/√2
    assert differences.critical_difference(5.0, 3.0, 2, 2) == pytest.approx(np.sqrt(20.5))
    assert differences.critical_difference_to_reference(5.0, 3.0, 2) == pytest.approx(np.sqrt(20.5 / 2))
    assert np.isnan(differences.critical_difference(1.0, 3.0, 9, 9))


def test_d_and_limit_ratio() -> None:
    # Δ = R = 2.8 σR is D = 1.98 and a ratio of 1
    assert differences.limit_ratio(-2.8, 1.0) == pytest.approx(1.0)
    assert differences.d_score(2.8, 1.0) == pytest.approx(1.9799, abs=1e-4)
    assert np.isnan(differences.d_score(1.0, 0.0))
