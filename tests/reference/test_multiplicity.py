"""Adjusted p values against R's on the example of Benjamini & Hochberg, and against SciPy and statsmodels elsewhere."""

from itertools import pairwise

import numpy as np
import pytest
from reference_cases import HERE, case, column
from scipy import special, stats
from statsmodels.stats.multitest import multipletests
from validation import agrees

from labqa.stats.multiplicity import METHODS, Method, adjusted, adjusted_by_group
from labqa.stats.scores import reference

NAMES = {"bh": "BH", "by": "BY", "holm": "holm", "hochberg": "hochberg", "bonferroni": "bonferroni"}
ELSEWHERE = {"bh": "fdr_bh", "by": "fdr_by", "holm": "holm", "hochberg": "simes-hochberg", "bonferroni": "bonferroni"}


@pytest.mark.parametrize("method", METHODS)
def test_benjamini_and_hochberg_1995(method: Method) -> None:
    found = case("bh1995")
    agrees(
        adjusted(column(HERE / "data" / found["dataset"], "p"), method=method),
        found["expected"][NAMES[method]],
        method=f"multiplicity/{method}",
        data=found["dataset"],
        quantity="adjusted p",
        expected_by="R, p.adjust",
        rel=1e-12,
    )


@pytest.mark.parametrize("method", ["bh", "bonferroni"])
def test_rejections_that_benjamini_and_hochberg_print(method: Method) -> None:
    found = case("bh1995")
    p = column(HERE / "data" / found["dataset"], "p")
    agrees(
        np.sum(adjusted(p, method=method) <= 0.05),
        found["expected"][f"n_reject_{NAMES[method]}_0.05"],
        method=f"multiplicity/{method}",
        data=found["dataset"],
        quantity="rejected at 0.05",
        expected_by="Benjamini & Hochberg 1995, printed",
    )


def test_false_discoveries_among_pairs_of_studies() -> None:
    found = case("replication_projects_pairs")
    file = HERE / "data" / found["dataset"]
    zeta = reference.zeta(*(column(file, name) for name in ("fiso", "fisr", "se_fiso", "se_fisr")))
    agrees(
        np.sum(adjusted(2 * special.ndtr(-np.abs(zeta)), method="bh") <= 0.05),
        found["expected"]["n_reject_BH_0.05"],
        method="multiplicity/bh",
        data=found["dataset"],
        quantity="rejected at 0.05",
        expected_by="R",
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [1, 2, 7, 200])
def test_statsmodels_and_scipy_say_the_same(method: Method, n: int) -> None:
    p = np.round(np.random.default_rng(n).uniform(size=n) ** 3, 3)  # with ties and zeros
    found = adjusted(p, method=method)
    # a few multiplications and divisions in another order: 1e-14
    assert found == pytest.approx(multipletests(p, method=ELSEWHERE[method])[1], rel=1e-14, abs=1e-300)
    if method in ("bh", "by"):
        assert found == pytest.approx(stats.false_discovery_control(p, method=method), rel=1e-14, abs=1e-300)


@pytest.mark.parametrize("method", METHODS)
def test_families_at_once_are_families_one_by_one_and_nan_is_not_counted(method: Method) -> None:
    rng = np.random.default_rng(5)
    offsets = np.array([0, 0, 1, 4, 4, 60, 61])
    p = rng.uniform(size=61) ** 4
    p[[2, 10, 60]] = np.nan
    found = adjusted_by_group(p, offsets, method=method)
    for low, high in pairwise(offsets):
        family = p[low:high]
        assert np.array_equal(found[low:high], adjusted(family, method=method), equal_nan=True)
        tested = ~np.isnan(family)
        assert np.array_equal(found[low:high][tested], adjusted(family[tested], method=method))
        assert np.isnan(found[low:high][~tested]).all()
    shuffled = rng.permutation(56)
    assert np.array_equal(adjusted(p[4:60][shuffled], method=method), found[4:60][shuffled], equal_nan=True)


def test_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        adjusted([0.5, 1.5], method="bh")
    with pytest.raises(ValueError, match="none of"):
        adjusted([0.5], method="sidak")  # type: ignore[arg-type]
    assert len(adjusted([], method="bh")) == 0
