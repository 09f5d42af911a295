"""Variance components of nested designs against R (VCA, lme4), matrix algebra and statsmodels."""

from itertools import pairwise

import numpy as np
import pytest
from precision_data import design
from reference_cases import case
from validation import agrees

from labqa.stats.precision.nested import nested
from labqa.stats.precision.nesting import nesting
from labqa.stats.precision.reml import nested_reml, one_way_reml

SAMPLES = ["P1", "P2", "Q3", "Q4", "P5", "Q6"]


def sources(expected: dict[str, dict[str, float]]) -> list[str]:
    return [name for name in expected if name != "total"]


def check_anova(expected: dict[str, dict[str, float]], found, data: str, rel: float) -> None:
    about = {"method": "precision/nested", "data": data, "expected_by": "R VCA", "rel": rel}
    names = sources(expected)
    columns = {"DF": (found.df, found.total_df), "VC": (found.variance, found.total), "SD": (found.sd, found.total_sd)}
    if "CV" in expected["total"]:
        columns["CV"] = (found.cv, found.total_cv)
    for key, (parts, total) in columns.items():
        agrees(parts[0], [expected[name][key] for name in names], quantity=key, **about)
        agrees(total, expected["total"][key], quantity=f"total {key}", **about)


@pytest.mark.parametrize(("case_id", "value"), [("clsi_ep05a2_1", "y"), ("clsi_ep05_glucose", "result")])
def test_days_and_runs_of_clsi_ep05(case_id: str, value: str) -> None:
    known = case(case_id)
    data = design(known["dataset"], value, "day", "run")
    check_anova(known["expected"], nested(data.values, data.levels), known["dataset"], known["tolerance"]["rel"])


@pytest.mark.parametrize("sample", SAMPLES)
def test_sites_and_days(sample: str) -> None:
    known = case(f"ca19_9_{sample}")
    tolerance = known["tolerance"]
    data = design(known["dataset"], "result", "site", "day", keep=lambda row: row["sample"] == sample)
    name = f"{known['dataset']}, {sample}"
    check_anova(known["expected"]["anova"], nested(data.values, data.levels), name, tolerance["rel_anova"])
    fitted, expected = nested_reml(data.values, data.levels), known["expected"]["reml"]
    about = {"method": "precision/nested_reml", "data": name, "expected_by": "R lme4", "rel": tolerance["rel_reml"]}
    variances = [expected[f"var_{part}"] for part in ("site", "site_day", "residual")]
    agrees(fitted.variance, variances, quantity="variances", abs=tolerance["abs_reml_boundary"], **about)
    agrees(fitted.criterion, expected["reml_criterion"], quantity="criterion", **about)


def test_casks_in_batches_of_paste() -> None:
    known = case("pastes_reml")
    expected, tolerance = known["expected"], known["tolerance"]
    data = design(known["dataset"], "strength", "batch", "cask")
    found = nested_reml(data.values, data.levels)
    about = {"method": "precision/nested_reml", "data": known["dataset"], "expected_by": "R lme4"}
    sds = [expected[f"sd_{part}"] for part in ("batch", "cask_in_batch", "residual")]
    agrees(np.sqrt(found.variance), sds, quantity="SDs", rel=tolerance["rel_sd"], **about)
    agrees(found.criterion, expected["reml_criterion"], quantity="criterion", rel=tolerance["rel_reml"], **about)
    # the intercept is exact; its standard error follows the SDs
    agrees(found.mean, expected["intercept"], quantity="mean", rel=1e-10, **about)
    agrees(found.se_mean, expected["se_intercept"], quantity="SE of the mean", rel=tolerance["rel_sd"], **about)


@pytest.mark.parametrize("case_id", ["dyestuff_reml", "dyestuff2_reml"])
def test_batches_of_dyestuff(case_id: str) -> None:
    known = case(case_id)
    expected, rel = known["expected"], known["tolerance"]["rel"]
    boundary = known["tolerance"].get("abs_var_batch", 0.0)
    data = design(known["dataset"], "Yield", "Batch")
    by_anova = nested(data.values, data.levels, keep_negative=True)
    about = {"data": known["dataset"], "rel": rel}
    batch = expected.get("anova_var_batch", expected.get("anova_var_batch_negative"))
    components = [batch, expected["anova_var_error"]]
    agrees(by_anova.variance[0], components, method="precision/nested", quantity="VC", expected_by="R VCA", **about)
    deep, flat = nested_reml(data.values, data.levels), one_way_reml(data.values, data.levels[0])
    variances = [expected["var_batch"], expected["var_residual"]]
    found = {
        "precision/nested_reml": (deep.variance, deep.mean, deep.se_mean, deep.criterion),
        "precision/one_way_reml": ([flat.s_L**2, flat.s_r**2], flat.mean, flat.se_mean, flat.criterion),
    }
    for method, (variance, mean, se, criterion) in found.items():
        about = {"data": known["dataset"], "method": method, "expected_by": "R lme4", "rel": rel}
        agrees(variance, variances, quantity="variances", abs=boundary, **about)
        agrees(mean, expected["intercept"], quantity="mean", **about)
        agrees(se, expected["se_intercept"], quantity="SE of the mean", **about)
        agrees(criterion, expected["reml_criterion"], quantity="criterion", **about)


def test_negative_components_become_zero_and_add_nothing() -> None:
    data = design("dyestuff2_zero_variance.csv", "Yield", "Batch")
    zeroed, kept = nested(data.values, data.levels), nested(data.values, data.levels, keep_negative=True)
    assert zeroed.variance[0, 0] == 0.0
    assert kept.variance[0, 0] == zeroed.as_estimated[0, 0] < 0.0
    assert zeroed.total[0] == pytest.approx(14.9458896)
    assert kept.total[0] == pytest.approx(14.9458896 - 1.321912768)
    # MS implied by (0, σ²) are σ² twice, and total = MS_batch/5 + 4 MS_error/5
    assert zeroed.total_df[0] == pytest.approx(1 / (0.2**2 / 5 + 0.8**2 / 24))


def unbalanced(seed: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """A ragged design of three factors: codes and values, shuffled."""
    draw = np.random.default_rng(seed)
    codes = []
    for site in range(4):
        for day in range(draw.integers(1, 5)):
            for run in range(draw.integers(1, 4)):
                codes += [(site, day, run)] * int(draw.integers(1, 5))
    table = draw.permutation(np.array(codes))
    effect = 2 * draw.normal(size=4)[table[:, 0]] + draw.normal(size=(4, 5))[table[:, 0], table[:, 1]]
    return 50 + effect + draw.normal(size=len(table)), list(table.T)


@pytest.mark.parametrize("seed", range(5))
def test_unbalanced_designs_against_projections(seed: int) -> None:
    y, codes = unbalanced(seed)
    order, levels = nesting(*codes)
    found = nested(y[order], levels, keep_negative=True)
    keys = [np.zeros(len(y), dtype=int)]
    for code in codes:
        keys.append(np.unique(np.stack([keys[-1], code]), axis=1, return_inverse=True)[1].reshape(-1))
    indicators = [np.eye(key.max() + 1)[key] for key in keys]
    projections = [z @ np.linalg.pinv(z) for z in indicators] + [np.eye(len(y))]
    steps = [after - before for before, after in pairwise(projections)]
    ss = np.array([y @ step @ y for step in steps])
    df = np.array([np.trace(step) for step in steps])
    spread = [z @ z.T for z in indicators[1:]] + [np.eye(len(y))]
    expected_ss = np.array([[np.trace(step @ v) for v in spread] for step in steps])
    components = np.linalg.solve(expected_ss, ss)
    # float64 matrix algebra on numbers around 50² · n keeps about 11 digits
    assert found.ss[0] == pytest.approx(ss, rel=1e-8)
    assert found.df[0] == pytest.approx(df, abs=1e-8)
    assert found.variance[0] == pytest.approx(components, rel=1e-7, abs=1e-8)
    weights = np.linalg.solve((expected_ss / df[:, None]).T, np.ones(len(ss)))
    parts = weights * ss / df
    assert found.total[0] == pytest.approx(components.sum(), rel=1e-8)
    assert found.total_df[0] == pytest.approx(parts.sum() ** 2 / np.sum(parts**2 / df), rel=1e-7)


def test_unbalanced_reml_against_statsmodels() -> None:
    import pandas as pd
    import statsmodels.formula.api as smf

    y, (site, day, _) = unbalanced(3)
    order, levels = nesting(site, day)
    found = nested_reml(y[order], levels)
    frame = pd.DataFrame({"y": y, "site": site, "day": day})
    model = smf.mixedlm("y ~ 1", frame, groups="site", re_formula="1", vc_formula={"day": "0 + C(day)"})
    other = model.fit(reml=True, method="bfgs")
    expected = [float(other.cov_re.iloc[0, 0]), float(other.vcomp[0]), float(other.scale)]
    # statsmodels stops at a gradient of 1e-5
    assert found.variance == pytest.approx(expected, rel=2e-3, abs=1e-3)
    assert found.criterion == pytest.approx(-2 * float(other.llf), rel=1e-6)
    assert found.mean == pytest.approx(float(other.fe_params.iloc[0]), rel=1e-4)


def test_deep_and_flat_reml_agree() -> None:
    y, (site, day, _) = unbalanced(1)
    order, levels = nesting(site * 10 + day)
    deep, flat = nested_reml(y[order], levels), one_way_reml(y[order], levels[0])
    assert np.sqrt(deep.variance) == pytest.approx([flat.s_L, flat.s_r], rel=1e-10)
    assert deep.criterion == pytest.approx(flat.criterion, rel=1e-12)
