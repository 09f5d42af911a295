"""Scores against ISO 13528 examples, printed and at full precision, pairs of studies, Horwitz, and printed factors."""

import csv

import numpy as np
import pytest
from reference_cases import HERE, case, column
from scipy import integrate, special
from validation import agrees

from labqa.stats.precision import horwitz
from labqa.stats.scores import conformity, differences, reference

MERCURY = "iso13528_E4_mercury_scores.csv"


def mercury() -> dict[str, np.ndarray]:
    value, expanded, k = (column(HERE / "data" / MERCURY, name) for name in ("value", "U", "k"))
    x_pt, u_pt, sigma = 0.044, 0.0041, 0.0066
    return {
        "D_percent": reference.d_percent(value, x_pt),
        "PA": reference.p_a(value, x_pt, 3 * sigma),
        "z": reference.z_score(value, x_pt, sigma),
        "zprime": reference.z_prime(value, x_pt, sigma, u_pt),
        "zeta": reference.zeta(value, x_pt, expanded / k, u_pt),
        "En": reference.en(value, x_pt, expanded, 2 * u_pt),
    }


KEYS = {"D_percent": "d_percent", "PA": "p_a", "z": "z_score", "zprime": "z_prime", "zeta": "zeta", "En": "en"}


@pytest.mark.parametrize("name", ["D_percent", "z", "zprime", "zeta", "En"])
def test_scores_of_the_mercury_example_at_full_precision(name: str) -> None:
    agrees(
        mercury()[name],
        case("iso13528_E4_exact")["expected"][name],
        method=f"scores/{KEYS[name]}",
        data=MERCURY,
        quantity=name,
        expected_by="ISO 13528:2022 example E.4, computed in R",
        rel=1e-12,
        abs=1e-12,
        scale=1.0,
    )


@pytest.mark.parametrize("name", list(KEYS))
def test_scores_of_the_mercury_example_as_printed(name: str) -> None:
    asked = case("iso13528_E4_printed")["tolerance"]
    printed = column(HERE / "data" / MERCURY, f"printed_{name}")
    agrees(
        mercury()[name],
        printed,
        method=f"scores/{KEYS[name]}",
        data=MERCURY,
        quantity=name,
        expected_by="ISO 13528:2022 tables E.6 and E.7, printed",
        abs=asked.get(f"abs_{name}", asked["abs_others"]),
        scale=float(np.max(np.abs(printed))),  # all are printed to the same decimal, those near 0 as well
    )


def test_pairs_of_original_and_repeated_studies() -> None:
    found = case("replication_projects_pairs")
    expected, file = found["expected"], HERE / "data" / found["dataset"]
    x, y, u, v = (column(file, name) for name in ("fiso", "fisr", "se_fiso", "se_fisr"))
    common = {"data": found["dataset"], "expected_by": "R"}
    zeta = reference.zeta(x, y, u, v)
    agrees(zeta, expected["zeta"], method="scores/zeta", quantity="zeta", rel=1e-8, **common)
    counts = [np.sum(np.abs(zeta) > 2), np.sum(np.abs(zeta) > 3)]
    told = [expected["n_abs_zeta_gt_2"], expected["n_abs_zeta_gt_3"]]
    agrees(counts, told, method="scores/zeta", quantity="how many |zeta| > 2, > 3", **common)


def test_verdicts_of_original_and_repeated_studies() -> None:
    found = case("replication_projects_pairs")
    with (HERE / "data" / found["dataset"]).open(encoding="utf-8") as opened:
        rows = list(csv.DictReader(opened))
    verdicts = []
    for name in ("po", "pr"):
        p = np.array([float(row[name]) for row in rows])
        verdicts.append(conformity.verdict(p, p, np.nan, 0.05, lower_inclusive=True, upper_inclusive=False) == 1)
    first, second = verdicts
    table = {
        "both": np.sum(first & second),
        "orig_only": np.sum(first & ~second),
        "repeat_only": np.sum(~first & second),
        "neither": np.sum(~first & ~second),
    }
    agrees(
        list(table.values()),
        [found["expected"]["table_sig"][name] for name in table],
        method="scores/verdict",
        data=found["dataset"],
        quantity="table of verdicts at p < 0.05",
        expected_by="R",
    )


def test_horwitz_of_the_printed_example() -> None:
    expected = case("iso13528_E9_horwitz")["expected"]
    levels = ("1.195", "2.565")
    fraction = np.array([float(level) for level in levels]) * 1e-6
    common = {"method": "precision/horwitz_sd", "data": "1.195 and 2.565 mg/kg", "expected_by": "ISO 13528:2022 E.9, printed"}
    sd = horwitz.horwitz_sd(fraction)
    agrees(sd * 1e6, [expected[f"sigma_{level}_mg_per_kg"] for level in levels], quantity="sigma_pt", abs=0.0005, **common)
    agrees(sd / fraction * 100, [expected[f"rsd_percent_{level}"] for level in levels], quantity="RSD", abs=0.05, **common)


def test_horwitz_line_is_the_tangent() -> None:
    for c in (1e-9, 1e-6, 1e-3, 0.3):
        constant, slope = horwitz.horwitz_line(c)
        assert constant + slope * c == pytest.approx(float(horwitz.horwitz_sd(c)), rel=1e-12)
        numeric = (horwitz.horwitz_sd(c * 1.0001) - horwitz.horwitz_sd(c * 0.9999)) / (0.0002 * c)
        assert slope == pytest.approx(float(numeric), rel=1e-6)
        near = np.array([0.5, 2.0]) * c
        assert np.all(np.abs((constant + slope * near) / horwitz.horwitz_sd(near) - 1) < (0.04 if c < 0.1 else 0.07))


def test_critical_range_factors_are_those_printed_and_quantiles_of_the_range() -> None:
    n = np.arange(2, 11)
    found = differences.critical_range_factor(n)
    agrees(
        found,
        [2.8, 3.3, 3.6, 3.9, 4.0, 4.2, 4.3, 4.4, 4.5],
        method="scores/critical_range_factor",
        data="n = 2 to 10",
        quantity="f(n)",
        expected_by="ISO 5725-6:1994 table 1, printed, recalled",
        abs=0.05,
    )

    def beyond(size: int, width: float) -> float:
        density = lambda x: np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)  # noqa: E731
        inside = lambda x: density(x) * (special.ndtr(x + width) - special.ndtr(x)) ** (size - 1)  # noqa: E731
        return 1 - size * integrate.quad(inside, -9, 9, epsabs=1e-13)[0]

    # SciPy's quantile is found by a root search in its own integral: 1e-7 of the probability is what it promises
    assert [beyond(int(size), width) for size, width in zip(n, found, strict=True)] == pytest.approx([0.05] * 9, abs=1e-7)
    assert float(found[0]) == pytest.approx(special.ndtri(0.975) * np.sqrt(2), rel=1e-7)
    assert np.isnan(differences.critical_range_factor([0, 1])).all()
    assert differences.critical_range(0.5, 3) == pytest.approx(0.5 * float(found[1]))


def test_critical_differences_of_iso_5725_6() -> None:
    assert differences.critical_difference(5.0, 3.0, 1, 1) == pytest.approx(5.0)
    # R = 5, r = 3, means of two: √(25 − 9/2); mean of two against a reference: √(25 − 9/2)/√2
    assert differences.critical_difference(5.0, 3.0, 2, 2) == pytest.approx(np.sqrt(20.5))
    assert differences.critical_difference_to_reference(5.0, 3.0, 2) == pytest.approx(np.sqrt(20.5 / 2))
    assert np.isnan(differences.critical_difference(1.0, 3.0, 9, 9))
    # one laboratory twice: r for single results, r/√n for means of n
    assert differences.critical_difference_within(3.0, 1, 1) == pytest.approx(3.0)
    assert differences.critical_difference_within(3.0, 4, 4) == pytest.approx(1.5)
    # p laboratories against a reference: one is the case above, four alike have half of it, none has none
    assert differences.critical_difference_of_labs(5.0, 3.0, [2]) == pytest.approx(np.sqrt(20.5 / 2))
    assert differences.critical_difference_of_labs(5.0, 3.0, [2] * 4) == pytest.approx(np.sqrt(20.5 / 2) / 2)
    assert np.isnan(differences.critical_difference_of_labs(5.0, 3.0, []))


def test_critical_difference_is_exceeded_by_one_in_twenty() -> None:
    # a simulation of the model behind the formulas: σL² = 1, σr² = 1, unequal numbers of results
    rng = np.random.default_rng(1)
    counts, runs = np.array([1, 2, 5]), 200_000
    means = rng.normal(size=(runs, 3)) + rng.normal(size=(runs, 3)) / np.sqrt(counts)
    large, small = 1.96 * np.sqrt(2) * np.sqrt(2.0), 1.96 * np.sqrt(2)
    pair = np.mean(np.abs(means[:, 1] - means[:, 2]) > differences.critical_difference(large, small, 2, 5))
    one = np.mean(np.abs(means[:, 1]) > differences.critical_difference_to_reference(large, small, 2))
    all_three = np.mean(np.abs(means.mean(axis=1)) > differences.critical_difference_of_labs(large, small, counts))
    assert [pair, one, all_three] == pytest.approx([0.05] * 3, abs=0.002)  # 4 standard errors of 200,000 runs


def test_d_and_limit_ratio() -> None:
    # Δ = R = 2.8 σR is D = 1.98 and a ratio of 1
    assert differences.limit_ratio(-2.8, 1.0) == pytest.approx(1.0)
    assert differences.d_score(2.8, 1.0) == pytest.approx(1.9799, abs=1e-4)
    assert np.isnan(differences.d_score(1.0, 0.0))
    assert differences.relative_difference([9.0, -9.0], [11.0, -11.0]) == pytest.approx([0.2, -0.2])
    assert np.isnan(differences.relative_difference(-1.0, 1.0))
