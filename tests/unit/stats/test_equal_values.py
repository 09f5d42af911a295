"""Equal values do not scatter, and a difference that lies on a limit is not beyond it, whatever binary fractions make of them.

The plain float64 sum of 0.1, 0.1 and 0.1 over 3 is 0.10000000000000002, and 0.8 − 0.6 is 0.20000000000000007.
"""

from decimal import Decimal

import numpy as np
import pytest

from labqa.stats import ranking
from labqa.stats.monitoring import charts
from labqa.stats.precision import reproducibility
from labqa.stats.precision.intraclass import intraclass_correlation
from labqa.stats.robust import location_scale
from labqa.stats.scores import agreement, conformity, differences

EQUAL = [(0.1, 3), (0.1, 6), (0.7, 7), (1.1, 6), (123456.7, 13), (5.1e9 + 0.3, 10), (1e-12, 6)]


@pytest.mark.parametrize(("value", "n"), EQUAL)
def test_equal_values_do_not_scatter(value: float, n: int) -> None:
    x, one, two = np.full(n, value), np.array([0, n]), np.array([0, n // 2, n])
    assert location_scale.mean_by_group(x, one)[0] == value
    assert location_scale.sd_by_group(x, one)[0] == 0.0
    assert reproducibility.pooled_sd(x, two) == 0.0
    assert not reproducibility.deviations(x[:3], np.array([0, 3])).value.any()
    assert np.isnan(intraclass_correlation(x, two))
    assert np.isnan(ranking.pearson(x, np.arange(n, dtype=np.float64))[0])
    assert np.isnan(ranking.pearson(np.arange(n, dtype=np.float64), x)[0])


@pytest.mark.parametrize(("value", "n"), EQUAL)
def test_a_chart_of_equal_values_gives_no_signal(value: float, n: int) -> None:
    single, groups = charts.individuals(np.full(n, value)), charts.means(np.full(n, value), np.zeros(n), np.full(n, 3))
    for chart in (single, groups):
        assert chart.centre[0] == value and chart.sigma[0] == 0.0
        assert not chart.signal.any()


def test_a_mean_is_that_of_the_numbers_and_keeps_infinities() -> None:
    assert location_scale.mean_by_group(np.array([0.1, 0.2, 0.3]), np.array([0, 3]))[0] == 0.2
    found = location_scale.mean_by_group(np.array([1.0, np.inf, -np.inf, 2.0, 3.0, np.nan]), np.array([0, 2, 4, 4, 6]))
    assert found[:2].tolist() == [np.inf, -np.inf] and np.isnan(found[2:]).all()


@pytest.mark.parametrize(("base", "places"), [(0, 1), (7, 1), (100, 1), (50, 2), (20000, 1)])
def test_a_difference_of_just_the_limit_does_not_exceed_it(base: int, places: int) -> None:
    unit = Decimal(1).scaleb(-places)
    first = [base + i * unit for i in range(1, 100)]
    for limit in (unit * steps for steps in range(2, 12)):
        sigma = float(limit) / 2.8
        for over, expected in (
            (limit, agreement.WITHIN),
            (limit / 2, agreement.AGREE),
            (limit + unit / 100, agreement.DISCREPANT),
        ):
            delta = np.array([float(x + over) - float(x) for x in first])
            assert (agreement.by_ratio(differences.limit_ratio(delta, sigma)) == expected).all()


def test_a_limit_of_fourteen_digits_is_told_from_the_next_number() -> None:
    for limit, x in (
        ("1000000000000.3", "1000000000000.4"),
        ("9.9999999999998", "9.9999999999999"),
        ("0.3", "0.30000000000001"),
    ):
        found = conformity.verdict(float(x), float(x), np.nan, float(limit), lower_inclusive=True, upper_inclusive=True)
        assert found == conformity.NONCONFORMING
