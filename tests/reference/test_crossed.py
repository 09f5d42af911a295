"""The crossed mixed model against R's lme4 on real data, and against the marginal likelihood by dense matrices."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from reference_cases import HERE, SHIPPED, case
from validation import agrees

from labqa.stats.network.crossed import crossed_reml

METHOD = "network/crossed_reml"


def rows_of(name: str) -> list[dict[str, str]]:
    shipped = {"lgc_rmstudy_metals.csv": "rmstudy", "eqa_haemolysis_index.csv": "eqa"}
    folder = SHIPPED / shipped[name] if name in shipped else HERE / "data"
    with (folder / name).open(encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


def coded(rows: list[dict[str, str]], *columns: str) -> tuple[list[str], np.ndarray]:
    names, code = np.unique(["\0".join(row[one] for one in columns) for row in rows], return_inverse=True)
    return names.tolist(), code


def treatment(*codes: np.ndarray) -> np.ndarray:
    """Intercept, main effects without their first level and, of two factors, their products."""
    x = np.ones((len(codes[0]), 1))
    mains = [np.eye(code.max() + 1)[code][:, 1:] for code in codes]
    x = np.hstack([x, *mains])
    if len(mains) == 2:
        x = np.hstack([x, (mains[0][:, :, None] * mains[1][:, None, :]).reshape(len(x), -1)])
    return x


def check(found, known, sds: list[str]) -> dict[str, object]:
    """SDs and criterion at the stated tolerances; gives what the other comparisons share."""
    expected, tolerance = known["expected"], known["tolerance"]
    about = {"method": METHOD, "data": known["dataset"], "expected_by": "R lme4"}
    # an SD that lme4 leaves at 3e-8 of the boundary is 0
    agrees(found.sd, [expected[name] for name in sds], quantity="SDs", rel=tolerance["rel_sd"], abs=1e-6, **about)
    agrees(found.criterion, expected["reml_criterion"], quantity="criterion", rel=tolerance["rel_reml"], **about)
    return about


def test_plates_and_samples_of_penicillin() -> None:
    known = case("penicillin_reml")
    rows, expected, tolerance = rows_of(known["dataset"]), known["expected"], known["tolerance"]
    y = np.array([float(row["diameter"]) for row in rows])
    (_, plate), (samples, sample) = coded(rows, "plate"), coded(rows, "sample")
    found = crossed_reml(y, np.ones((len(y), 1)), [plate, sample], predict=(0, 1))
    about = check(found, known, ["sd_plate", "sd_sample", "sd_residual"])
    agrees(found.coefficient, expected["intercept"], quantity="intercept", rel=1e-9, **about)
    # the SE of the intercept follows the SD of six samples
    agrees(found.se, expected["se_intercept"], quantity="SE of the intercept", rel=tolerance["rel_sd"], **about)
    blups = [expected["blup_sample"][name] for name in samples]
    agrees(found.effects[1].effect, blups, quantity="predictions", abs=tolerance["abs_blup"], **about)
    first = expected["blup_plate_first3"]
    agrees(found.effects[0].effect[:3], first, quantity="predictions", abs=tolerance["abs_blup"], **about)


@pytest.mark.parametrize("absorbed", [False, True])
def test_laboratories_and_analytes_of_the_metals_round(absorbed: bool) -> None:
    known = case("rmstudy_crossed_reml")
    rows = [row for row in rows_of(known["dataset"]) if float(row["value"]) > 0]
    assert len(rows) == known["expected"]["n"]
    y = np.log([float(row["value"]) for row in rows])
    (labs, lab), (_, analyte), (_, cell) = coded(rows, "lab"), coded(rows, "analyte"), coded(rows, "lab", "analyte")
    x, block = (np.zeros((len(y), 0)), analyte) if absorbed else (treatment(analyte), None)
    found = crossed_reml(y, x, [lab, cell], block=block, predict=(0,))
    about = check(found, known, ["sd_lab", "sd_lab_analyte", "sd_residual"])
    blups = [known["expected"]["blup_lab"][name] for name in labs]
    agrees(found.effects[0].effect, blups, quantity="predictions", abs=known["tolerance"]["abs_blup"], **about)


def test_assay_within_blocks() -> None:
    known = case("nlme_assay_reml")
    rows = rows_of(known["dataset"])
    y = np.array([float(row["logDens"]) for row in rows])
    factors = [coded(rows, *names)[1] for names in (("Block",), ("Block", "sample"), ("Block", "dilut"))]
    found = crossed_reml(y, treatment(coded(rows, "sample")[1], coded(rows, "dilut")[1]), factors)
    check(found, known, ["sd_Block", "sd_Block_sample", "sd_Block_dilut", "sd_residual"])


def test_analysers_of_haemolysis_rounds() -> None:
    known = case("eqa_hidx_crossed")
    rows = rows_of(known["dataset"])
    y = np.array([float(row["h_index"]) for row in rows])
    (_, sample), (analysers, analyser) = coded(rows, "sample"), coded(rows, "analyser")
    assert (len(rows), sample.max() + 1, len(analysers)) == tuple(known["expected"][k] for k in ("n", "samples", "analysers"))
    found = crossed_reml(y, np.ones((len(y), 1)), [sample, analyser], predict=(1,))
    about = check(found, known, ["sd_sample", "sd_analyser", "sd_residual"])
    blups = [known["expected"]["blup_analyser"][name] for name in analysers]
    agrees(found.effects[0].effect, blups, quantity="predictions", abs=known["tolerance"]["abs_blup"], **about)
    # the intercept of lme4 follows its ratio of SDs
    agrees(found.coefficient, known["expected"]["intercept"], quantity="intercept", rel=1e-7, **about)


def test_devices_and_types_of_hba1c() -> None:
    known = case("hba1c_mixed")
    rows, expected = rows_of(known["dataset"]), known["expected"]
    y = np.array([float(row["y"]) for row in rows])
    factors = [coded(rows, *names)[1] for names in (("item",), ("item", "dev"), ("item", "type"))]
    found = crossed_reml(y, treatment(coded(rows, "dev")[1], coded(rows, "type")[1]), factors)
    about = check(found, known, ["sd_item", "sd_item_dev", "sd_item_type", "sd_residual"])
    fixed = list(expected["fixef"].values())
    agrees(found.coefficient, fixed, quantity="coefficients", abs=known["tolerance"]["abs_fixef"], **about)


def dense(y, x, factors, sd):
    """Criterion, coefficients, predictions and their errors of the first factor from V and its inverse, by definition."""
    zs = [np.eye(code.max() + 1)[code] for code in factors]
    v = sd[-1] ** 2 * np.eye(len(y)) + sum(s**2 * z @ z.T for s, z in zip(sd, zs, strict=False))
    inverse = np.linalg.inv(v)
    information = x.T @ inverse @ x
    beta = np.linalg.solve(information, x.T @ inverse @ y)
    left = y - x @ beta
    df = len(y) - x.shape[1]
    criterion = np.linalg.slogdet(v)[1] + np.linalg.slogdet(information)[1] + left @ inverse @ left + df * np.log(2 * np.pi)
    carried = sd[0] ** 2 * zs[0].T @ inverse
    p = np.eye(len(y)) - x @ np.linalg.solve(information, x.T @ inverse)
    error = np.diag(sd[0] ** 2 * np.eye(zs[0].shape[1]) - sd[0] ** 2 * carried @ p @ zs[0])
    return criterion, beta, np.sqrt(np.diag(np.linalg.inv(information))), carried @ left, np.sqrt(error)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_likelihood_predictions_and_their_errors_by_dense_matrices(seed: int) -> None:
    draw = np.random.default_rng(seed)
    n = 120
    lab, item, block = draw.integers(0, 8, n), draw.integers(0, 4, n), np.arange(n) % 45
    cell = np.unique(lab * 4 + item, return_inverse=True)[1]
    y = draw.normal(0, 5, 45)[block] + draw.normal(0, 1, 8)[lab] + draw.normal(0, 0.7, 32)[cell] + draw.normal(0, 1, n)
    slope = draw.normal(0, 1, (n, 1))
    found = crossed_reml(y, slope, [lab, cell], block=block, predict=(0,))
    x = np.hstack([slope, np.eye(45)[block]])
    criterion, beta, se, effect, error = dense(y, x, [lab, cell], found.sd)
    assert found.criterion == pytest.approx(criterion, rel=1e-9)
    assert found.coefficient[0] == pytest.approx(beta[0], rel=1e-8)
    assert found.se[0] == pytest.approx(se[0], rel=1e-8)
    assert found.effects[0].effect == pytest.approx(effect, abs=1e-8)
    assert found.effects[0].se == pytest.approx(error, rel=1e-6, abs=1e-9)
    for k in range(3):  # no SD a little larger or smaller has a lower criterion
        for factor in (0.97, 1.03):
            other = found.sd.copy()
            other[k] *= factor
            assert dense(y, x, [lab, cell], other)[0] >= criterion - 1e-7


def test_more_fixed_effects_than_results_are_refused() -> None:
    with pytest.raises(ValueError, match="more results"):
        crossed_reml(np.arange(4.0), np.zeros((4, 0)), [np.array([0, 1, 0, 1])], block=np.arange(4))


@pytest.mark.parametrize("value", [5.0, 0.1])
def test_results_that_do_not_scatter_are_refused(value: float) -> None:
    lab = np.array([0, 1, 2, 1, 2, 0, 0, 1, 2])
    with pytest.raises(ValueError, match="results that differ"):
        crossed_reml(np.full(9, value), np.zeros((9, 0)), [lab], block=np.repeat([0, 1, 2], 3))
    with pytest.raises(ValueError, match="results that differ"):
        crossed_reml(value * (1.0 + lab), np.eye(3)[lab], [np.repeat([0, 1, 2], 3)])
