"""The robust fit to pairs against statsmodels' RLM, a plain minimiser, and its own estimating equations."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import optimize

from bench.network_kinds import KINDS, simulated
from labqa.stats.network.huber import EFFICIENT, huber_pairs, pair_scores
from labqa.stats.network.laplacian import fit_pairs


def small(seed, *, n=8, m=60, bad=0.1):
    draw = np.random.default_rng(seed)
    a, b = draw.integers(0, n, m), draw.integers(0, n - 1, m)
    b += b >= a
    bias = draw.normal(size=n)
    delta = bias[a] - bias[b] + 0.3 * draw.normal(size=m) + np.where(draw.random(m) < bad, 10.0, 0.0)
    return a, b, delta, draw.uniform(0.5, 2.0, m)


def design(a, b, n):
    return (np.eye(n)[a] - np.eye(n)[b])[:, 1:]


def steepest(a, b, delta, weight, found, *, n, corner=EFFICIENT):
    """Σ ±√w ψ(t) of each laboratory, over Σ w, times √(mean w)."""
    root = np.sqrt(weight)
    psi = root * np.clip(root * (delta - found.effect[a] + found.effect[b]) / found.scale, -corner, corner)
    total = np.bincount(a, psi, n) - np.bincount(b, psi, n)
    return np.max(np.abs(total) / (np.bincount(a, weight, n) + np.bincount(b, weight, n))) * np.sqrt(weight.mean())


# RLM reweights until effects move by less than 1e-12; its error is then about 1e-10, ours below 1e-9 by the gradient.
@pytest.mark.parametrize("seed", range(5))
def test_same_as_rlm_with_its_scale_held(seed):
    n = 8
    a, b, delta, _ = small(seed)
    model = sm.RLM(delta, design(a, b, n), M=sm.robust.norms.HuberT(EFFICIENT))
    expected = model.fit(update_scale=False, tol=1e-13, maxiter=5000)
    found = huber_pairs(a, b, delta, np.ones(len(a)), n=n, scale=float(expected.scale))
    assert found.effect[1:] - found.effect[0] == pytest.approx(expected.params, abs=1e-8)


@pytest.mark.parametrize("seed", range(5))
def test_same_as_rlm_with_the_scale_estimated(seed):
    n = 8
    a, b, delta, _ = small(seed)
    model = sm.RLM(delta, design(a, b, n), M=sm.robust.norms.HuberT(EFFICIENT))
    expected = model.fit(tol=1e-13, maxiter=5000)
    found = huber_pairs(a, b, delta, np.ones(len(a)), n=n)
    assert found.scale == pytest.approx(float(expected.scale), rel=1e-7)
    assert found.effect[1:] - found.effect[0] == pytest.approx(expected.params, abs=1e-7)


@pytest.mark.parametrize("seed", range(5))
def test_minimises_the_weighted_loss(seed):
    n = 8
    a, b, delta, weight = small(seed)
    found = huber_pairs(a, b, delta, weight, n=n, scale=0.4)

    def loss(x):
        t = np.sqrt(weight) * (delta - design(a, b, n) @ x) / 0.4
        return np.where(np.abs(t) <= EFFICIENT, t * t / 2, EFFICIENT * np.abs(t) - EFFICIENT**2 / 2).sum()

    best = optimize.minimize(loss, np.zeros(n - 1), method="BFGS", options={"gtol": 1e-9})
    ours = found.effect[1:] - found.effect[0]
    assert loss(ours) <= best.fun + 1e-12
    assert ours == pytest.approx(best.x, abs=1e-6)  # differences of the loss cannot place the minimum better


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_on_5000_laboratories_in_few_iterations(kind):
    n = 5000
    a, b, delta, weight = simulated(kind, labs=n, pairs_=200_000)
    found = huber_pairs(a, b, delta, weight, n=n, scale=1.0)
    assert found.gradient <= 1e-8 and found.iterations <= 50
    assert steepest(a, b, delta, weight, found, n=n) <= 2e-8  # summed in another order
    free = huber_pairs(a, b, delta, weight, n=n)
    assert free.gradient <= 1e-8
    root = np.sqrt(weight)
    middle = np.median(np.abs(root * (delta - free.effect[a] + free.effect[b])))
    assert free.scale == pytest.approx(1.4826022185056018 * middle, rel=1e-6)  # the last fit moved after the scale was taken


def test_the_start_does_not_matter():
    a, b, delta, weight = small(1)
    plain = huber_pairs(a, b, delta, weight, n=8, scale=0.3)
    for start in (fit_pairs(a, b, delta, weight, n=8).effect, 1e3 * np.arange(8.0)):
        other = huber_pairs(a, b, delta, weight, n=8, scale=0.3, start=start)
        assert other.effect == pytest.approx(plain.effect, abs=1e-7)


def test_a_few_unit_slips_do_not_carry_the_scale_away():
    a, b, delta, weight = small(2, n=20, m=3000, bad=0.0)
    clean = huber_pairs(a, b, delta, weight, n=20)
    slipped = delta.copy()
    slipped[::400] *= 1000.0
    slipped[::400] += 1000.0
    found = huber_pairs(a, b, slipped, weight, n=20)
    assert found.scale == pytest.approx(clean.scale, rel=0.02)
    assert found.effect == pytest.approx(clean.effect, abs=0.02)
    assert np.abs(fit_pairs(a, b, slipped, weight, n=20).effect - clean.effect).max() > 1.0


def test_a_wide_corner_is_least_squares():
    a, b, delta, weight = small(3)
    plain = fit_pairs(a, b, delta, weight, n=8, tolerance=1e-12)
    assert huber_pairs(a, b, delta, weight, n=8, scale=1.0, corner=1e6).effect == pytest.approx(plain.effect, abs=1e-9)


def test_components_are_fitted_apart():
    a, b, delta, weight = small(4)
    both = huber_pairs(np.r_[a, a + 9], np.r_[b, b + 9], np.r_[delta, 5 - delta], np.r_[weight, weight], n=18, scale=0.3)
    one, two = (huber_pairs(a, b, some, weight, n=8, scale=0.3) for some in (delta, 5 - delta))
    assert both.effect[:8] == pytest.approx(one.effect, abs=1e-8) and both.effect[9:17] == pytest.approx(two.effect, abs=1e-8)
    assert both.effect[[8, 17]].tolist() == [0.0, 0.0] and both.component[[0, 8, 9, 17]].tolist() == [0, 8, 9, 17]


def test_half_of_the_pairs_at_zero_and_a_perfect_fit():
    a, b = np.array([0, 1, 2, 0, 1]), np.array([1, 2, 0, 1, 2])
    perfect = huber_pairs(a, b, np.array([1.0, 1.0, -2.0, 1.0, 1.0]), np.ones(5), n=3)
    assert perfect.effect == pytest.approx([1.0, 0.0, -1.0], abs=1e-7) and perfect.scale == pytest.approx(0.0, abs=1e-7)
    zeros = huber_pairs(a, b, np.zeros(5), np.ones(5), n=3)
    assert zeros.scale == 0.0 and zeros.effect.tolist() == [0.0] * 3 and zeros.steps == 0
    none = huber_pairs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0), n=2)
    assert none.effect.tolist() == [0.0, 0.0] and none.scale == 0.0
    mostly = np.zeros(40)
    mostly[:5] = [3.0, -2.0, 1.0, 4.0, -5.0]
    found = huber_pairs(np.arange(40) % 4, (np.arange(40) + 1) % 4, mostly, np.ones(40), n=4)
    assert found.scale > 0 and found.gradient <= 1e-8


@pytest.mark.parametrize("change", [{"scale": 0.0}, {"scale": np.nan}, {"corner": -1.0}, {"corner": np.inf}])
def test_scale_and_corner_must_be_positive(change):
    with pytest.raises(ValueError, match="scale"):
        huber_pairs(np.array([0]), np.array([1]), np.array([1.0]), np.array([1.0]), n=2, **change)


def test_a_start_must_fit():
    with pytest.raises(ValueError, match="start"):
        huber_pairs(np.array([0]), np.array([1]), np.array([1.0]), np.array([1.0]), n=2, start=np.zeros(3))


def test_pair_scores_add_up_to_nothing_at_the_solution():
    a, b, delta, weight = small(5)
    weight[::7] = 0.0
    found = huber_pairs(a, b, delta, weight, n=8)
    score, slope = pair_scores(a, b, delta, weight, effect=found.effect, scale=found.scale)
    assert np.bincount(a, score, 8) - np.bincount(b, score, 8) == pytest.approx(np.zeros(8), abs=1e-7)
    assert set(np.unique(slope[weight > 0] / weight[weight > 0]).round(12)) == {0.0, 1.0} and np.all(slope[::7] == 0)
