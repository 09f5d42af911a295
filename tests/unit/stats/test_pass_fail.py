"""Agreement and conditional odds on yes or no against other ways to compute them."""

import numpy as np
import pytest
from scipy import stats

from labqa.stats.agreement.conditional import conditional_logit
from labqa.stats.agreement.shares import agreement


def pairs(seed, *, n=8, blocks=300, odds=None, size=2):
    draw = np.random.default_rng(seed)
    lab = np.concatenate([np.sort(draw.permutation(n)[:size]) for _ in range(blocks)]).astype(np.int64)
    start = np.arange(0, size * blocks + 1, size, dtype=np.int64)
    level = np.repeat(draw.normal(1.0, 2.0, blocks), size)
    bias = np.zeros(n) if odds is None else np.asarray(odds)
    return start, lab, draw.random(len(lab)) < 1 / (1 + np.exp(-level - bias[lab]))


def of(start, lab, yes, **given):
    blocks = len(start) - 1
    return agreement(start, lab, yes, np.arange(blocks), np.zeros(blocks, np.int64), n=8, **given)


def test_of_pairs_the_test_is_mcnemars():
    start, lab, yes = pairs(1, odds=[2.0, 0, 0, 0, 0, 0, 0, -1])
    found = of(start, lab, yes)
    split = np.repeat(yes[::2] != yes[1::2], 2)
    for one in range(8):
        mine = split & (lab == one)
        assert (found.n_discordant[one], found.yes[one]) == (mine.sum(), yes[mine].sum())
        expected = stats.binomtest(int(yes[mine].sum()), int(mine.sum()), 0.5).pvalue
        assert found.p_value[one] == pytest.approx(expected, rel=1e-10)


def test_full_agreement_has_the_exact_interval():
    start, lab, _ = pairs(2)
    found = of(start, lab, np.ones(len(lab), dtype=bool))
    n = np.bincount(lab)
    lower = [stats.binomtest(int(k), int(k)).proportion_ci(0.95).low for k in n]
    np.testing.assert_allclose(found.lower, lower, rtol=1e-9)
    assert (found.share == 1).all() and (found.upper == 1).all() and (found.p_value == 1).all()


def test_the_agreement_of_the_others_is_that_of_their_blocks():
    start, lab, yes = pairs(3)
    found = of(start, lab, yes)
    alike = yes[::2] == yes[1::2]
    for one in range(8):
        without = ~((lab[::2] == one) | (lab[1::2] == one))
        assert found.expected[one] == pytest.approx(alike[without].mean(), rel=1e-12)


def test_intervals_of_agreement_cover_what_is_shared_by_sample():
    covered = []
    for seed in range(60):
        draw = np.random.default_rng(seed)
        # ten samples' items move together: agreement 0.9 in the mean, 1 or 0.75 by sample
        chance = np.repeat(np.where(draw.random(30) < 0.6, 1.0, 0.75), 5)
        yes = np.stack([np.ones(150, bool), draw.random(150) < chance], axis=1).ravel()
        found = agreement(
            np.arange(0, 301, 2), np.tile([0, 1], 150), yes, np.repeat(np.arange(30), 5), np.zeros(150, np.int64), n=2
        )
        covered.append(found.lower[0] <= 0.9 <= found.upper[0])
    assert np.mean(covered) >= 0.9


@pytest.mark.parametrize("size", [2, 5])
def test_conditional_odds_are_those_of_statsmodels(size):
    from statsmodels.discrete.conditional_models import ConditionalLogit

    start, lab, yes = pairs(4, size=size, blocks=200, odds=np.linspace(-1, 1, 8))
    found = conditional_logit(start, lab, yes, n=8)
    assert found.converged
    dummies = np.eye(8)[lab][:, 1:]
    fitted = ConditionalLogit(yes.astype(int), dummies, groups=np.repeat(np.arange(200), size)).fit(disp=False)
    ours = found.state.bias[1:] - found.state.bias[0]
    np.testing.assert_allclose(ours, fitted.params, atol=0.02)  # the weak penalty draws ours together by less than that
    contrast = np.hstack([-np.ones((7, 1)), np.eye(7)])
    np.testing.assert_allclose(
        np.sqrt(np.diag(contrast @ np.linalg.inv(found.information.toarray()) @ contrast.T)), fitted.bse, rtol=0.02
    )


def test_the_exact_test_keeps_its_level_in_rounds():
    small = [of(*pairs(seed, size=6, blocks=60)).p_value for seed in range(60)]
    assert np.mean(np.concatenate(small) < 0.05) <= 0.05
