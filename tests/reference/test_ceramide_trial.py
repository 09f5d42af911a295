"""The ceramide ring trial: log components and robust consensus of its 39 data sets against R, and the published medians."""

import csv
from functools import cache

import numpy as np
import pytest
from reference_cases import SHIPPED, case
from validation import agrees

from labqa.stats.precision.nesting import nesting
from labqa.stats.precision.reml import nested_reml
from labqa.stats.robust import algorithm_a, location_scale, qn

FILE = SHIPPED / "ceramide" / "ceramide_ring_trial_34labs.csv"
MATERIALS = ["NIST SRM", "NIST hTAG", "NIST DB", "NIST YAA"]
CERAMIDES = ["16:0", "18:0", "24:0", "24:1"]


@cache
def results(material: str, ceramide: str) -> list[tuple[str, str, float]]:
    """Data set, sample and concentration of the results that are there, by the csv module alone."""
    with FILE.open(encoding="utf-8") as opened:
        return [
            (row["dataset_id"], row["sample"], float(row["conc_multi_point"]))
            for row in csv.DictReader(opened)
            if (row["material"], row["analyte"]) == (material, f"Cer d18:1/{ceramide}") and row["conc_multi_point"]
        ]


def means(material: str, ceramide: str) -> np.ndarray:
    """Mean over samples of the mean over injections of each data set."""
    found: dict[str, dict[str, list[float]]] = {}
    for dataset, sample, value in results(material, ceramide):
        found.setdefault(dataset, {}).setdefault(sample, []).append(value)
    return np.array([np.mean([np.mean(some) for some in samples.values()]) for samples in found.values()])


def about(case_id: str, material: str, ceramide: str, by: str) -> dict[str, str]:
    return {"data": f"{case(case_id)['dataset']} {material} {ceramide}", "expected_by": by}


@pytest.mark.parametrize("ceramide", CERAMIDES)
@pytest.mark.parametrize("material", MATERIALS)
def test_log_components_of_data_sets_samples_and_injections(material: str, ceramide: str) -> None:
    case_id = f"ceramide_{material}_{ceramide}"
    expected, tolerance = case(case_id)["expected"], case(case_id)["tolerance"]
    datasets, samples, values = zip(*results(material, ceramide), strict=True)
    assert (len(values), len(set(datasets))) == (expected["n"], expected["datasets"])
    design = nesting(datasets, samples)
    found = nested_reml(np.log(values)[design.order], design.levels)
    told = about(case_id, material, ceramide, "R lme4") | {"method": "precision/nested_reml"}
    sds = [expected[f"sd_log_{part}"] for part in ("between", "sample", "injection")]
    # an SD that lme4 leaves at 4e-8 of the boundary is 0
    least = min(sd for sd in sds if sd > 1e-6)
    agrees(
        np.sqrt(found.variance), sds, quantity="SDs of the logarithms", rel=tolerance["rel_sd"], abs=1e-6, scale=least, **told
    )
    agrees(found.criterion, expected["reml_criterion"], quantity="criterion", rel=tolerance["rel_reml"], **told)
    # the mean of lme4 follows its ratios of SDs, which it leaves at 1e-4 of themselves
    agrees(found.mean, expected["mean_log"], quantity="mean of the logarithms", rel=1e-6, **told)


@pytest.mark.parametrize("ceramide", CERAMIDES)
@pytest.mark.parametrize("material", MATERIALS)
def test_consensus_of_the_means_of_data_sets(material: str, ceramide: str) -> None:
    case_id = f"ceramide_{material}_{ceramide}"
    expected, x = case(case_id)["expected"], means(material, ceramide)
    assert len(x) == expected["datasets"]
    robust = algorithm_a.algorithm_a(x)
    for method, key, found, by in (
        ("median", "median_of_dataset_means", location_scale.median(x), "R base"),
        ("made", "MADe_of_dataset_means", location_scale.made(x), "R base"),
        ("algorithm_a", "algA_mu", robust.centre, "R metRology"),
        ("algorithm_a", "algA_s", robust.scale, "R metRology"),
        ("qn", "Qn", qn.qn(x), "R robustbase 0.95"),
    ):
        told = about(case_id, material, ceramide, by)
        agrees(found, expected[key], method=f"robust/{method}", quantity=key, rel=case(case_id)["tolerance"]["rel"], **told)


@pytest.mark.parametrize("ceramide", ["16:0", "18:0"])
def test_the_published_median(ceramide: str) -> None:
    known = case(f"ceramide_published_median_{ceramide}")
    told = {"data": f"{known['dataset']} NIST SRM {ceramide}", "expected_by": "Torta et al. 2024, published"}
    found = location_scale.median(means("NIST SRM", ceramide))
    allowed = known["tolerance"]["rel"]
    expected = known["expected"]["median_of_means"]
    agrees(found, expected, method="robust/median", quantity="median of means", rel=allowed, **told)
