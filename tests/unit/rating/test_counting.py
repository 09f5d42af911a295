"""Chances of the counting rule, against SciPy's distributions, numerical integration and the figures of the law's critics."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from labqa.stats import bounds, counting


def _given(factor: float, *, rho: float, limit: float) -> float:
    """P(|Z| > limit) given the shared factor of equicorrelated normal scores."""
    own = np.sqrt(1 - rho)
    return float(stats.norm.sf((limit - np.sqrt(rho) * factor) / own) + stats.norm.cdf((-limit - np.sqrt(rho) * factor) / own))


def _integral(inner, *, rho: float, limit: float) -> float:
    value, _ = integrate.quad(
        lambda f: stats.norm.pdf(f) * inner(_given(f, rho=rho, limit=limit)), -9, 9, limit=400, epsabs=1e-13
    )
    return float(value)


def test_a_blameless_laboratory_with_100_comparisons_reaches_three() -> None:
    """0.26 % at |z| > 3 and 84 % at |z| > 2, independent: binomial tails, rounded as published."""
    at_three = counting.chance_of_count(100, at_least=3, p=counting.chance_outlying(3.0))
    at_two = counting.chance_of_count(100, at_least=3, p=counting.chance_outlying(2.0))
    assert round(100 * float(at_three), 2) == 0.26
    assert round(100 * float(at_two)) == 84


def test_correlation_of_one_half_raises_it_tenfold() -> None:
    """The published 2.6 % are equicorrelated normal scores: 2.66 % by integration over the shared factor.

    The beta-binomial with the same correlation of the events |Z| > 3 gives 3.3 %, in the laboratory's favour.
    """
    published = _integral(lambda q: stats.binom.sf(2, 100, q), rho=0.5, limit=3.0)
    assert published == pytest.approx(0.0266, abs=5e-5)
    events = counting.exceedance_correlation(0.5, limit=3.0)
    ours = counting.chance_of_count_correlated(100, at_least=3, p=counting.chance_outlying(3.0), correlation=events)
    assert published < float(ours) < published + 0.007


@pytest.mark.parametrize("limit", [2.0, 3.0])
@pytest.mark.parametrize("rho", [0.05, 0.3, 0.5, 0.9])
def test_events_are_correlated_as_the_bivariate_normal_says(rho: float, limit: float) -> None:
    p = 2 * stats.norm.sf(limit)
    both = _integral(lambda q: q * q, rho=rho, limit=limit)
    assert float(counting.exceedance_correlation(rho, limit=limit)) == pytest.approx(
        (both - p * p) / (p * (1 - p)), rel=1e-6, abs=1e-9
    )


def test_no_and_negative_correlation_are_none() -> None:
    assert np.allclose(counting.exceedance_correlation([0.0, -0.4], limit=3.0), 0.0, atol=1e-12)


@pytest.mark.parametrize("n", [0, 2, 3, 10, 100, 5000])
@pytest.mark.parametrize("p", [0.0027, 0.0455])
@pytest.mark.parametrize("correlation", [0.0, 0.01, 0.2])
def test_tails_are_those_of_scipy(n: int, p: float, correlation: float) -> None:
    independent = counting.chance_of_count(n, at_least=3, p=p)
    correlated = counting.chance_of_count_correlated(n, at_least=3, p=p, correlation=correlation)
    assert float(independent) == pytest.approx(stats.binom.sf(2, n, p), rel=1e-9, abs=1e-13)
    spread = (1 - correlation) / correlation if correlation else 0.0
    expected = stats.betabinom.sf(2, n, p * spread, (1 - p) * spread) if correlation else stats.binom.sf(2, n, p)
    assert float(correlated) == pytest.approx(expected, rel=1e-6, abs=1e-10)


def test_a_bias_is_tested_against_the_bound_and_not_against_zero() -> None:
    """|b| = 1.0 ± 0.1 with 30 df against 0.5: t = 5, p = 1.15e-5 (table of Student's t); 0.4 lies within: p > 0.5."""
    p = bounds.p_bias_above([1.0, -1.0, 0.4], [0.1, 0.1, 0.1], [30.0, 30.0, 30.0], bound=0.5)
    assert p[0] == p[1] == pytest.approx(stats.t.sf(5, 30), rel=1e-9)
    assert p[2] == pytest.approx(stats.t.sf(-1, 30), rel=1e-9)
    assert np.isnan(bounds.p_bias_above(np.nan, 0.1, 30.0, bound=0.5))


def test_a_ratio_is_tested_by_chi_squared() -> None:
    assert float(bounds.p_ratio_above(1.5, 20.0, bound=1.25)) == pytest.approx(stats.chi2.sf(20 * 1.44, 20), rel=1e-9)


@pytest.mark.parametrize("df", [3, 10, 30, 200])
def test_the_smallest_bias_shown_is_found_with_a_chance_of_80_percent(df: int) -> None:
    """Power by SciPy's noncentral t distribution at the bias that is called smallest, error rate 0.1 %."""
    smallest = float(bounds.smallest_shown(0.1, float(df), bound=0.5, alpha=0.001))
    assert stats.nct.sf(stats.t.isf(0.001, df), df, (smallest - 0.5) / 0.1) == pytest.approx(0.8, abs=1e-5)
