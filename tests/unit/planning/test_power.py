"""The power of planned networks: against the textbook, against figures simulated before, and against trials of our own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from planned_networks import Trial, relative, shown, within_monte_carlo
from scipy import stats

from labqa.planning.designs import DESIGNS, Plan, followed_up, network
from labqa.planning.evidence import RUNS_A_YEAR, Effects, Minimum, evidence
from labqa.planning.power import Aim, needed, outlook, stages
from labqa.stats.bounds import power_after_screening, power_of_bias, smallest_shown
from labqa.stats.network.blocks import fit, incidence
from labqa.stats.network.felt import Grouping
from labqa.stats.network.foreseen import foreseen_spread
from labqa.stats.network.variance import moments, solve_components, spread

SMALL = Plan(labs=40, samples=2_000, retest_share=0.2, items=8, families=2, hubs=4, third_tests=0.05)
EFFECTS, LEAST = Effects(), Minimum()


def test_power_is_the_textbook_one() -> None:
    bias, se, df = np.array([1.0, 0.7, 2.0]), np.array([0.15, 0.2, 0.4]), np.array([12.0, 60.0, 25.0])
    expected = stats.nct.sf(stats.t.isf(0.001, df), df, (bias - 0.5) / se)
    np.testing.assert_allclose(power_of_bias(bias, se, df, bound=0.5, alpha=0.001), expected, rtol=1e-4)
    known = stats.norm.sf(stats.norm.isf(0.001) - 2.5)
    assert power_of_bias(1.0, 0.2, np.inf, bound=0.5, alpha=0.001) == pytest.approx(known)
    assert power_of_bias(-0.5, 0.2, 20, bound=0.5, alpha=0.001) == pytest.approx(0.001)


def test_power_at_the_edges() -> None:
    assert power_of_bias([1.0, 0.4], 0.0, 5, bound=0.5, alpha=0.01).tolist() == [1.0, 0.0]
    assert np.isnan(power_of_bias(np.nan, 0.1, 5, bound=0.5, alpha=0.01))


def test_the_smallest_bias_shown_has_the_target_power() -> None:
    se, df = np.array([0.1, 0.3, 0.5]), np.array([200.0, 20.0, 6.0])
    least = smallest_shown(se, df, bound=0.5, alpha=0.001, power=0.8)
    np.testing.assert_allclose(power_of_bias(least, se, df, bound=0.5, alpha=0.001), 0.8, atol=1e-4)


def test_a_screen_that_stops_nobody_costs_no_power() -> None:
    bias, df = np.array([0.5, 1.0, 1.4]), np.array([30.0, 200.0, 15.0])
    plain = power_of_bias(bias, 0.2, df, bound=0.5, alpha=0.01)
    np.testing.assert_allclose(power_after_screening(bias, 0.3, 0.2, df, screen=-50.0, bound=0.5, alpha=0.01), plain, atol=1e-3)
    at_the_bound = power_after_screening(0.5, 0.3, 0.2, 30, screen=0.6, bound=0.5, alpha=0.01)
    assert at_the_bound < 0.01
    assert power_after_screening(2.0, np.inf, 0.2, 30, screen=np.inf, bound=0.5, alpha=0.01) == 0.0


def test_power_after_screening_is_how_often_both_steps_pass() -> None:
    rng, n = np.random.default_rng(3), 400_000
    bias, first_se, se, df, screen = 1.0, 0.35, 0.2, 14, 0.9
    first = rng.normal(bias, first_se, n)
    second_se = 1.0 / np.sqrt(1.0 / se**2 - 1.0 / first_se**2)
    final = se**2 * (first / first_se**2 + rng.normal(bias, second_se, n) / second_se**2)
    judged = shown(final, se * np.sqrt(rng.chisquare(df, n) / df), df, Aim(error_rate=0.01))
    found = power_after_screening(bias, first_se, se, df, screen=screen, bound=0.5, alpha=0.01)
    assert found == pytest.approx(float(np.mean((first > screen) & judged)), abs=0.004)  # 5 binomial standard deviations


@pytest.mark.parametrize("design", ["random", "hub", "triangles"])
def test_the_fit_of_means_is_the_fit_of_sample_by_item_blocks(design: str) -> None:
    plan = replace(SMALL, labs=12, samples=200, items=3)
    rng = np.random.default_rng(1)
    seen = network(design, plan, rng)
    found = evidence(seen, plan, EFFECTS, LEAST, np.random.default_rng(7))
    run = np.random.default_rng(7).integers(0, RUNS_A_YEAR, len(seen.lab))
    start, node, groupings = _expanded(seen, plan, run)
    fitted = fit(start, node, np.ones(len(node)), np.zeros(len(node)), n=plan.labs)
    contrasts = np.eye(plan.labs) - (1.0 - np.eye(plan.labs)) / (plan.labs - 1)
    whole = spread(fitted, groupings, contrasts, lab=np.arange(plan.labs), needed=np.ones(4, dtype=bool))
    variances = np.array([EFFECTS.error**2 + EFFECTS.heterogeneity**2, EFFECTS.sample_lab**2, EFFECTS.lab_run**2, 0.25])
    np.testing.assert_allclose(found.se, np.sqrt(whole.total @ variances), rtol=1e-10)
    np.testing.assert_allclose(found.own_se, np.sqrt(whole.own @ variances), rtol=1e-10)
    foreseen = foreseen_spread(start, node, groupings)
    np.testing.assert_allclose(foreseen.total, whole.total, rtol=1e-9)
    np.testing.assert_allclose(foreseen.own, whole.own, rtol=1e-9)


def _expanded(seen, plan, run):
    """Start of each sample × item block, laboratory of each observation, and the random effects, item by item."""
    block = (seen.sample[:, None] * plan.items + np.arange(plan.items)).ravel()
    order = np.argsort(block, kind="stable")
    test = np.repeat(np.arange(len(seen.lab)), plan.items)[order]
    item = (seen.family[seen.sample][:, None] * plan.items + np.arange(plan.items)).ravel()[order]
    node, start = seen.lab[test], np.searchsorted(block[order], np.arange(block.max() + 2))
    groupings = []
    for effect in (np.arange(len(node)), test, run[test], item):
        names, group = np.unique(effect * plan.labs + node, return_inverse=True)
        groupings.append(Grouping(incidence(group, n=len(names)), names % plan.labs))
    return start.astype(np.int64), node, groupings


@pytest.mark.parametrize("design", ["random", "hub", "triangles"])
def test_standard_errors_are_those_of_simulated_networks(design: str) -> None:
    seen = stages(design, SMALL, EFFECTS, LEAST)
    judged = slice(SMALL.hubs, None) if design == "hub" else slice(None)
    trial = Trial(seen.network, SMALL, EFFECTS, np.random.default_rng(5))
    bias = np.where(np.arange(SMALL.labs) % 4 == 0, 1.0, 0.0)
    estimate, n = trial.fitter(), 200
    error = np.array([estimate(trial.results(bias)) - relative(bias) for _ in range(n)])[:, judged]
    ratio = np.sqrt((error**2).mean(axis=0)) / seen.final.se
    assert np.sqrt(np.mean(ratio**2)) == pytest.approx(1.0, abs=0.05)
    assert np.mean(np.abs(ratio - 1.0) < 0.1) > 0.85  # an SD from 200 trials is itself known to 5 % only
    known = power_of_bias(relative(bias)[judged], seen.final.se, np.inf, bound=0.5, alpha=0.01)
    hits = np.abs(error + relative(bias)[judged]) > 0.5 + stats.norm.isf(0.01) * seen.final.se
    biased = bias[judged] > 0
    assert within_monte_carlo(hits[:, biased].sum(), hits[:, biased].size, known[biased].mean())


@pytest.mark.long
@pytest.mark.parametrize("design", ["random", "hub", "triangles"])
def test_power_is_that_of_the_test_with_estimated_components(design: str) -> None:
    aim, n = Aim(error_rate=0.01), 150
    seen = stages(design, SMALL, EFFECTS, LEAST)
    judged = slice(SMALL.hubs, None) if design == "hub" else slice(None)
    bias = np.where(np.arange(SMALL.labs) % 4 == 0, 1.2, 0.0)
    trial = Trial(seen.network, SMALL, EFFECTS, np.random.default_rng(5))
    hits = np.array([_judged(trial, trial.results(bias), seen.final.df, judged, aim) for _ in range(n)])
    biased = bias[judged] > 0
    expected = power_of_bias(relative(bias)[judged], seen.final.se, seen.final.df, bound=0.5, alpha=0.01)
    assert within_monte_carlo(hits[:, biased].sum(), hits[:, biased].size, expected[biased].mean(), least=0.03)
    assert hits[:, ~biased].mean() <= 0.01


def _judged(trial, y, df, judged, aim):
    """Which biases a plain fit shows, with the variance components that it estimates."""
    plan, order = trial.plan, np.argsort(trial.block, kind="stable")
    start = np.searchsorted(trial.block[order], np.arange(trial.block.max() + 2)).astype(np.int64)
    node, groupings = trial.lab[order], []
    for effect in (np.arange(len(order)), trial.test[order], trial.run[order], trial.item[order]):
        names, group = np.unique(effect * plan.labs + node, return_inverse=True)
        groupings.append(Grouping(incidence(group, n=len(names)), names % plan.labs))
    fitted = fit(start, node, np.ones(len(node)), y[order], n=plan.labs)
    variance = solve_components(moments(fitted, groupings, n_labs=plan.labs), known=np.full(4, np.nan)).variance
    se = np.sqrt(foreseen_spread(start, node, groupings).total @ variance)
    return shown(relative(fitted.effect)[judged], se[judged], df, aim)


def test_the_first_stage_follows_up_the_share_that_is_planned() -> None:
    seen = stages("two-stage", SMALL, EFFECTS, LEAST)
    rng = np.random.default_rng(2)
    trial = Trial(network("two-stage", SMALL, np.random.default_rng(SMALL.seed)), SMALL, EFFECTS, rng)
    estimate = trial.fitter()
    first = np.array([estimate(trial.results(rng.normal(0.0, EFFECTS.lab, SMALL.labs))) for _ in range(100)])
    assert seen.screen is not None
    assert np.mean(np.abs(first) > np.median(seen.screen)) == pytest.approx(SMALL.followed, abs=0.02)


@pytest.mark.long
def test_two_stages_find_as_often_as_stated() -> None:
    plan, aim = replace(SMALL, labs=50, samples=3_000, first_stage=0.5, followed=0.2), Aim(error_rate=0.01)
    seen = stages("two-stage", plan, EFFECTS, LEAST)
    rng, rounds = np.random.default_rng(8), 400
    hits, expected = [], []
    for _ in range(rounds):
        bias = rng.normal(0.0, EFFECTS.lab, plan.labs)
        bias[0] = 1.4
        first = network("two-stage", plan, rng)
        trial = Trial(first, plan, EFFECTS, rng)
        effect = EffectsKept(trial, bias)
        score = np.abs(trial.fitter()(effect.results(trial)))
        followed = np.sort(np.argsort(-score)[: round(plan.followed * plan.labs)])
        found = False
        if 0 in followed:
            end = followed_up(first, plan, followed, rng)
            whole = Trial(end, plan, EFFECTS, rng)
            got = evidence(end, plan, EFFECTS, LEAST, rng)
            estimate = whole.fitter()(effect.results(whole))
            found = bool(shown(estimate[0], got.se[0], got.df[0], aim)) and bool(got.assessed[0])
        hits.append(found)
        expected.append(float(seen.power(float(abs(relative(bias)[0])), aim).mean()))
    assert within_monte_carlo(sum(hits), rounds, float(np.mean(expected)), sds=3.0, least=0.03)


class EffectsKept:
    """Effects that a first stage and its continuation share: the second network begins with the tests of the first."""

    def __init__(self, trial: Trial, bias) -> None:
        self.bias, self.seed = bias, int(trial.rng.integers(0, 2**62))

    def results(self, trial: Trial):
        """Results whose effects are drawn one test after the other, so that the tests of the first stage are the same."""
        plan, effects, rng = trial.plan, trial.effects, np.random.default_rng(self.seed)
        cell = rng.normal(0.0, effects.lab_item, (plan.labs, plan.families * plan.items))
        run = rng.normal(0.0, effects.lab_run, (plan.labs, RUNS_A_YEAR))
        tests = int(trial.test.max()) + 1
        single = np.random.default_rng([self.seed, 1]).normal(0.0, 1.0, (tests, plan.items + 1))
        fortnight = np.random.default_rng([self.seed, 2]).integers(0, RUNS_A_YEAR, tests)
        error = np.hypot(effects.error, effects.heterogeneity) * single[:, 1:].ravel()
        within = effects.sample_lab * single[trial.test, 0] + run[trial.lab, fortnight[trial.test]] + error
        return self.bias[trial.lab] + cell[trial.lab, trial.item] + within


@pytest.mark.parametrize(("samples", "low", "high"), [(12, 0.05, 0.18), (20, 0.15, 0.51), (40, 0.51, 0.95)])
def test_power_lies_where_it_was_simulated_before(samples: int, low: float, high: float) -> None:
    """Figures of the planning of the project: |b| ≤ 0.5 σR, true bias 1 σR, one-sided 0.1 %, about 10 items a sample."""
    plan = Plan(labs=200, samples=20_000, retest_share=100 * samples / 20_000)
    rng = np.random.default_rng(1)
    found = evidence(network("random", plan, rng), plan, EFFECTS, LEAST, rng)
    here = found.n_samples == samples
    power = power_of_bias(1.0, found.se[here], found.df[here], bound=0.5, alpha=0.001)
    assert low <= power.mean() <= high


def test_the_share_that_is_named_is_enough_and_not_much_more_than_enough() -> None:
    plan, aim = replace(SMALL, samples=4_000), Aim(bias=1.5, error_rate=0.01)

    def showing(share: float) -> float:
        power = stages("random", replace(plan, retest_share=share), EFFECTS, LEAST).power(1.5, aim)
        return float(np.mean(power >= 0.8))

    found = needed("random", plan, aim, EFFECTS, LEAST)
    assert found.reached and found.retests == round(4_000 * found.share)
    assert found.power >= 0.8
    assert showing(found.share) >= 0.5
    assert showing(found.share / 1.1) < 0.5


def test_what_no_share_reaches_is_called_so() -> None:
    found = needed("random", SMALL, Aim(bias=0.6), EFFECTS, LEAST)
    assert not found.reached and found.share == 1.0 and 0.0 < found.power < 0.8
    two_partners = needed("hub", replace(SMALL, hubs=2), Aim(bias=3.0), EFFECTS, LEAST)
    assert not two_partners.reached and two_partners.power == 0.0


@pytest.mark.parametrize("design", DESIGNS)
def test_an_outlook_is_whole_and_repeats(design: str) -> None:
    ends: list[float] = []
    found = outlook(design, SMALL, Aim(), progress=ends.append)
    assert found == outlook(design, SMALL, Aim())
    assert ends == sorted(ends) and ends[-1] == pytest.approx(1.0)
    assert found.retests == SMALL.retests
    medians = [median for _, median, _ in found.power]
    assert medians == sorted(medians)
    assert all(low <= median for _, median, low in found.power)


def test_a_thin_plan_assesses_nobody_and_says_so() -> None:
    found = outlook("random", replace(SMALL, retest_share=0.02), Aim())
    assert found.assessed == 0.0 and found.power == () and found.shown == ()


def test_pooled_years_assess_more() -> None:
    one, three = (stages("random", replace(SMALL, retest_share=0.1, years=years), EFFECTS, LEAST) for years in (1, 3))
    assert one.assessed < 0.5 < three.assessed
    assert np.median(three.final.se) < np.median(one.final.se)
