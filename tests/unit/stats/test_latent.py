"""The likelihood of blocks on a latent scale against brute force."""

import numpy as np
import pytest
from scipy import integrate, stats

from labqa.stats.latent import likelihood
from labqa.stats.latent.likelihood import LOGISTIC, NORMAL
from labqa.stats.latent.numbers import SPACING, fit_numbers, levels, stabilised

START = np.array([0, 3, 5], dtype=np.int64)
LAB = np.array([0, 1, 2, 0, 2], dtype=np.int64)
UNIT = np.linspace(-7, 7, 401)


def evaluated(place, *, link, scale=0.8, numbers=True):
    """Blocks of numbers and open ends, or of grades between thresholds; `place`: biases, levels, thresholds, log spread."""
    none = np.full(5, -1)
    low = np.array([0.4, -np.inf, 1.2, -np.inf, 0.7]) if numbers else np.full(5, -np.inf)
    high = np.array([0.4, -0.5, np.inf, -0.5, 0.7]) if numbers else np.full(5, np.inf)
    low_at, high_at = (none, none) if numbers else (np.array([-1, 0, 1, 0, -1]), np.array([0, 1, -1, 1, 0]))
    node = np.tile(np.exp(place[-1]) * UNIT, (2, 1))
    weight = np.tile(stats.norm.logpdf(UNIT) + np.log(UNIT[1] - UNIT[0]), (2, 1))
    at = likelihood.layout(START, LAB, n=3, n_thresholds=len(place) - 7)
    return likelihood.evaluate(
        START, LAB, low, high, low_at, high_at, place[:3], place[3:6], place[6:-1], node, weight, scale=scale, link=link, at=at
    )


PLACE = np.array([0.3, -0.4, 0.9, 0.2, -0.1, 0.5, -0.6, 0.8, 0.4])


@pytest.mark.parametrize(("link", "error"), [(NORMAL, stats.norm), (LOGISTIC, stats.logistic)])
def test_the_likelihood_is_the_integral_over_the_level(link, error):
    place = np.delete(PLACE, [6, 7])
    found = evaluated(place, link=link).loglik
    shift = place[3:6].mean()

    def first(u):
        eta = np.exp(place[-1]) * u + shift
        number = error.pdf((0.4 - eta - place[0]) / 0.8) / 0.8
        rest = error.cdf((-0.5 - eta - place[1]) / 0.8) * error.sf((1.2 - eta - place[2]) / 0.8)
        return number * rest * stats.norm.pdf(u)

    assert found[0] == pytest.approx(np.log(integrate.quad(first, -12, 12, epsabs=1e-13)[0]), abs=1e-9)


@pytest.mark.parametrize("numbers", [True, False])
@pytest.mark.parametrize("link", [NORMAL, LOGISTIC])
def test_derivatives_are_those_of_the_likelihood(link, numbers):
    def total(place, scale=0.8):
        return evaluated(place, link=link, scale=scale, numbers=numbers).loglik.sum()

    def slopes(place):
        return evaluated(place, link=link, numbers=numbers).gradient

    found, step = evaluated(PLACE, link=link, numbers=numbers), 1e-5
    around = step * np.eye(len(PLACE))
    slope = [(total(PLACE + one) - total(PLACE - one)) / (2 * step) for one in around]
    np.testing.assert_allclose(found.gradient, slope, atol=1e-7)
    curved = [(slopes(PLACE + one) - slopes(PLACE - one)) / (2 * step) for one in around]
    np.testing.assert_allclose(found.hessian.toarray(), curved, rtol=1e-3, atol=1e-4)  # nodes of negligible weight are left out
    by_scale = (total(PLACE, 0.8 * np.exp(step)) - total(PLACE, 0.8 * np.exp(-step))) / (2 * step)
    assert found.of_scale.sum() == pytest.approx(by_scale, abs=1e-7)


@pytest.mark.parametrize(("constant", "slope"), [(2.0, 0.0), (0.5, 0.1), (0.0, 0.1)])
def test_a_bias_of_one_sigma_is_one_on_the_stabilised_scale(constant, slope):
    x = np.array([1.0, 10.0, 100.0])
    step = 1e-4 * (constant + slope * x)
    moved = stabilised(x + step, constant=constant, slope=slope) - stabilised(x, constant=constant, slope=slope)
    np.testing.assert_allclose(moved, 1e-4, rtol=1e-4)


def test_levels_are_found_below_the_limit_too():
    draw = np.random.default_rng(5)
    values = draw.normal(0.0, 6.0, 4000) + draw.normal(0.0, 1.0, 4000)
    found = levels(np.where(values < -3, -np.inf, values), np.where(values < -3, -3.0, values))
    at = np.linspace(-2.0, 14.0, 9)
    np.testing.assert_allclose(np.exp(found.log_density(at)), stats.norm.pdf(at, 0, 6), atol=0.012)
    below = np.sum(found.weight * stats.norm.cdf((-3 - found.centre) / SPACING))
    assert below == pytest.approx(stats.norm.cdf(-3, 0, 6), abs=0.02)


def test_laboratories_with_one_result_each_are_told_as_not_found_and_no_scale_collapses():
    draw = np.random.default_rng(6)
    first = draw.normal(0.0, 4.0, 60)
    low = np.stack([first, first + draw.normal(0.0, 0.7, 60)], axis=1).ravel()
    found = fit_numbers(np.arange(0, 121, 2), np.arange(120), low, low, levels(low, low), n=120)
    assert not found.converged
    assert found.state.scale > 0.0 and np.isfinite(found.state.bias).all()
