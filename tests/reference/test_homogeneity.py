"""Homogeneity and stability against the example and the table of ISO 13528, Annex B."""

import numpy as np
import pytest
from precision_data import design
from reference_cases import HERE, case, column
from validation import agrees

from labqa.stats.precision.homogeneity import expanded_factors, homogeneity, homogeneity_by_set, stability


def test_example_e2() -> None:
    known = case("iso13528_E2")
    expected, allowed = known["expected"], known["tolerance"]["abs"]
    first = design(known["dataset"], "value", "item", keep=lambda row: row["stage"] == "homogeneity")
    later = design(known["dataset"], "value", "item", keep=lambda row: row["stage"] == "stability")
    sigma_pt = 0.15 * float(np.mean(first.values))
    found = homogeneity(first.values, first.levels[0], sigma_pt)
    about = {"data": known["dataset"], "expected_by": "ISO 13528:2022 example E.2, printed", "abs": allowed}
    # s_s is printed to four decimals, as what is left of rounded s_x and s_w; the others to five
    of_samples = {"mean": found.mean, "s_x": found.s_x, "s_w": found.s_w, "criterion_0_3_sigma": found.limit}
    for name, value in of_samples.items():
        agrees(value, expected[name], method="precision/homogeneity", quantity=name, **about)
    agrees(found.s_s, expected["s_s"], method="precision/homogeneity", quantity="s_s", **{**about, "abs": 5e-5})
    agrees(sigma_pt, expected["sigma_pt"], method="precision/homogeneity", quantity="sigma_pt", **about)
    assert found.homogeneous
    assert found.homogeneous_expanded
    drift = stability(found.mean, float(np.mean(later.values)), sigma_pt)
    agrees(np.mean(later.values), expected["stability_mean"], method="precision/stability", quantity="mean", **about)
    agrees(drift.difference, expected["stability_difference"], method="precision/stability", quantity="difference", **about)
    assert drift.stable
    assert (found.homogeneous, drift.stable) == (expected["sufficiently_homogeneous"], expected["stable"])


def test_table_b1() -> None:
    known = case("iso13528_table_B1")
    file = HERE / "data" / known["dataset"]
    g = column(file, "g")
    f1, f2 = expanded_factors(g)
    about = {"method": "precision/expanded_factors", "data": known["dataset"]}
    for name, found in (("F1", f1), ("F2", f2)):
        computed = [known["expected"][name][f"{int(one)}"] for one in g]
        agrees(found, computed, quantity=name, expected_by="R", rel=known["tolerance"]["rel"], **about)
        printed = column(file, name)
        agrees(found, printed, quantity=name, expected_by="ISO 13528:2022 table B.1, printed", abs=0.005, **about)


@pytest.mark.parametrize(("within", "highest"), [(0.01, 0.956), (1.5, 0.98), (100.0, 0.956)])
def test_factors_of_triplicates_by_simulation(within: float, highest: float) -> None:
    """With s_s = σ_allow exactly, c is passed in 95 % of studies where one of σ_allow and s_w is all there is, and in more
    between: the sum of the two bounds is a cautious bound of the sum. Four Monte Carlo SEs are 0.006."""
    g, m, allow = 10, 3, 1.0
    draw = np.random.default_rng(7)
    studies = 20_000
    values = draw.normal(0, allow, (studies, g, 1)) + draw.normal(0, within, (studies, g, m))
    samples = np.arange(0, studies * g * m + 1, m)
    found = homogeneity_by_set(values.ravel(), samples, np.arange(0, studies * g + 1, g), np.full(studies, allow / 0.3))
    assert 0.944 <= np.mean(found.homogeneous_expanded) <= highest


def test_a_slip_among_the_replicates_is_seen_before_homogeneity_is_judged() -> None:
    draw = np.random.default_rng(1)
    values = np.repeat(draw.normal(10, 0.1, 12), 2) + draw.normal(0, 0.1, 24)
    values[7] += 3.0
    found = homogeneity(values, np.arange(0, 25, 2), 1.0)
    assert found.cochran_p < 1e-6
    assert found.cochran_cell == 3


def test_stability_by_a_less_precise_check() -> None:
    found = stability([10.0, 10.0, np.nan], [10.4, 10.4, 10.0], 1.0, u_earlier=0.0, u_later=[0.04, 0.06, 0.1])
    assert found.stable.tolist() == [False, False, False]
    assert found.stable_expanded.tolist() == [False, True, False]
