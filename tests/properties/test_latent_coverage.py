"""Intervals from results below a limit and from grades cover what they claim, and better than what is usually done."""

import latent_networks as sim
import numpy as np
import pytest

CUTS = 1.67 * np.array([-6.0, -5.0, -4.0, -3.0, -2.0, -1.0, 0.0, 2.0])
"""Upper ends of the lower eight of nine grades, in SDs of the error: the best are the widest, as where most samples pass."""
SEEDS, LONG = range(12), range(60)


def ways(seeds, *, limit, half, **card):
    rows = {}
    for seed in seeds:
        made = sim.network(seed, **card)
        for name, found in sim.all_ways(made, limit, half).items():
            rows.setdefault(name, []).append((found, made.truth))
    return {name: sim.told(found) for name, found in rows.items()}


@pytest.fixture(scope="module")
def half_censored():
    """Levels of SD 3 σR, half of the results below the limit."""
    return ways(SEEDS, limit=0.0, half=-4.0, pairs=1200, rounds=0, spread=3.0, bias=1.0)


@pytest.fixture(scope="module")
def quarter_censored():
    """Levels of SD 6 σR, a quarter of the results below the limit, comparison rounds among the blocks."""
    return ways(SEEDS, limit=-4.0, half=-8.0, pairs=450)


def test_dropping_censored_blocks_draws_biases_together(half_censored):
    assert half_censored["dropped"].slope < 0.95
    assert half_censored["dropped"].most_biased(1.3).coverage < half_censored["interval"].most_biased(1.3).coverage


def test_a_margin_to_the_limit_or_the_interval_likelihood_does_not(half_censored):
    assert half_censored["margin"].slope == pytest.approx(1.0, abs=0.04)
    assert half_censored["interval"].slope == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("network", ["half_censored", "quarter_censored"])
def test_the_interval_likelihood_beats_every_rival(network, request):
    found = request.getfixturevalue(network)
    assert 0.93 <= found["interval"].coverage <= 0.97
    assert found["interval"].rmse < 0.9 * found["margin"].rmse
    assert found["interval"].rmse < found["dropped"].rmse
    assert found["interval"].rmse < 0.8 * found["substituted"].rmse


def test_samples_of_other_levels_are_no_bias():
    rows = []
    for seed in SEEDS:
        made = sim.network(seed, pairs=450, spread=6.0, unequal=3.0)
        rows.append((sim.by_intervals(made, -4.0), made.truth))
    found = sim.told(rows)
    assert 0.93 <= found.coverage <= 0.97
    assert found.slope == pytest.approx(1.0, abs=0.03)


def graded(seeds, **card):
    """Our model, and the grades as numbers (in SDs of the error, a grade being 1.67 of them), on the same networks."""
    ours, numbers = [], []
    for seed in seeds:
        made = sim.network(seed, pairs=500, rounds=6, size=20, spread=2.0, bias=1.0, error=1.0, heavy=False, **card)
        ours.append((sim.by_grades(made, CUTS), made.truth))
        grade = 1.67 * np.searchsorted(CUTS, made.value)
        numbers.append((sim.of_blocks(made, np.ones(len(made.start) - 1, dtype=bool), grade), made.truth))
    return sim.told(ours), sim.told(numbers)


@pytest.mark.parametrize("unequal", [0.0, 1.0])
def test_biases_on_grades_are_covered_where_grades_as_numbers_saturate(unequal):
    ours, numbers = graded(SEEDS, unequal=unequal)
    assert 0.93 <= ours.coverage <= 0.97
    assert ours.slope == pytest.approx(1.0, abs=0.08)
    assert numbers.slope < 0.85
    assert numbers.most_biased(1.3).coverage < 0.9 < ours.most_biased(1.3).coverage


@pytest.mark.long
def test_biases_on_grades_are_covered_among_the_most_biased_too():
    ours, numbers = graded(LONG)
    assert 0.94 <= ours.coverage <= 0.96
    assert 0.93 <= ours.most_biased(1.3).coverage <= 0.97
    assert numbers.most_biased(1.3).coverage < 0.85


@pytest.mark.long
@pytest.mark.parametrize(
    ("limit", "card"),
    [
        (-4.0, {"pairs": 450}),
        (-4.0, {"pairs": 450, "unequal": 3.0}),
        (-8.0, {"pairs": 450, "spread": 12.0}),
        (0.0, {"pairs": 1200, "rounds": 0, "spread": 3.0}),
    ],
)
def test_the_interval_likelihood_covers_and_wins_over_many_networks(limit, card):
    found = ways(LONG, limit=limit, half=limit - 4.0, **card)
    assert 0.94 <= found["interval"].coverage <= 0.96
    assert 0.93 <= found["interval"].most_biased(1.0).coverage <= 0.97
    assert found["interval"].rmse < found["margin"].rmse
    assert found["interval"].rmse < found["dropped"].rmse
