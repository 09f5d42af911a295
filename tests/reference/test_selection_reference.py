"""What chosen retests say, on real data and closed forms: statsmodels, and the conjugate normal posterior."""

import csv

import numpy as np
import pytest
import statsmodels.api as sm
from reference_cases import SHIPPED
from validation import agrees

from labqa.stats.selection.error import Error
from labqa.stats.selection.hajek import hajek_weights
from labqa.stats.selection.means import clustered_mean
from labqa.stats.selection.truths import Fitted, Grid, posterior_of

METALS = "lgc_rmstudy_metals.csv, ln results, clustered by laboratory"


@pytest.fixture(scope="module")
def metals() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """ln results above 0, their laboratory, and a probability that rises with the replicate's number."""
    with (SHIPPED / "rmstudy" / "lgc_rmstudy_metals.csv").open(encoding="utf-8") as opened:
        rows = [row for row in csv.DictReader(opened) if float(row["value"]) > 0]
    labs = sorted({row["lab"] for row in rows})
    value = np.log([float(row["value"]) for row in rows])
    return value, np.array([labs.index(row["lab"]) for row in rows]), np.array([int(row["replicate"]) / 10 for row in rows])


def test_weighted_mean_and_its_clustered_error(metals: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    value, lab, probability = metals
    weight = hajek_weights(probability, cap=100.0)
    found = clustered_mean(value, weight, lab)
    fit = sm.WLS(value, np.ones(len(value)), weights=1.0 / probability).fit()
    robust = fit.get_robustcov_results("cluster", groups=lab, use_correction=True)
    n, groups = len(value), len(set(lab.tolist()))
    told = {"data": METALS, "expected_by": "statsmodels WLS, cluster"}
    agrees(found.mean, fit.params[0], method="selection/clustered_mean", quantity="mean", rel=1e-12, **told)
    # statsmodels multiplies by (n − 1)/(n − k) too, which is 1 for one parameter
    agrees(found.se, robust.bse[0], method="selection/clustered_mean", quantity="standard error", rel=1e-10, **told)
    assert found.df == groups - 1
    assert n > groups


def test_weights_by_hand() -> None:
    agrees(
        hajek_weights(np.array([0.5, 0.5, 0.25, 0.01]), cap=5.0),
        np.array([2.0, 2.0, 4.0, 15.0]) / 5.75,
        method="selection/hajek_weights",
        data="probabilities 1/2, 1/2, 1/4, 1/100, cap 5 medians",
        quantity="weights",
        expected_by="by hand",
        rel=1e-14,
    )


def test_normal_posterior() -> None:
    point = np.arange(-30.0, 30.0, 0.05)
    chance = np.exp(-0.5 * ((point - 3.0) / 2.0) ** 2)
    found = posterior_of(Grid(point, np.zeros(len(point))), Fitted(chance / chance.sum(), 0.0), Error(1.5))
    share = 4.0 / (4.0 + 2.25)
    at = np.searchsorted(point, [-2.0, 0.0, 3.0, 6.0, 8.0])
    told = {"data": "truths N(3, 2²), error N(0, 1.5²)", "expected_by": "closed form", "method": "selection/posterior"}
    # the error is cut at five of its SDs and the grid is not endless
    agrees(found.mean[at], 3.0 + share * (point[at] - 3.0), quantity="mean", abs=1e-4, **told)
    agrees(found.variance[at], np.full(5, share * 2.25), quantity="variance", rel=1e-3, **told)
    agrees(found.slope[at], np.full(5, share), quantity="slope", rel=1e-3, **told)
