"""Retests chosen by their first result: errors, truths, and effects given the first result, against closed forms and loops."""

import numpy as np
import pytest

from labqa.stats.selection.conditional import Chosen, Table, conditional_effects, contrast_errors, expected_truths
from labqa.stats.selection.error import RATIOS, Error, error_of, item_sds, less_between
from labqa.stats.selection.hajek import hajek_weights
from labqa.stats.selection.means import clustered_mean
from labqa.stats.selection.scale import levelled
from labqa.stats.selection.truths import SHAPES, Fitted, band_of, best_shape, fitted_truths, grid_of, posterior_of

NORMAL = Error(1.0)


def draws(shape, n, rng):
    """Mean 0, SD 1."""
    if shape == "skewed":
        return (rng.gamma(1.5, size=n) - 1.5) / np.sqrt(1.5)
    if shape == "bimodal":
        return np.where(rng.random(n) < 0.7, -0.6, 1.4) + 0.4 * rng.standard_normal(n)
    return rng.standard_normal(n)


def test_weights_are_inverse_probabilities_with_mean_one():
    found = hajek_weights(np.array([0.5, 0.25, 0.1]), cap=5.0)
    assert found == pytest.approx(np.array([2.0, 4.0, 10.0]) / (16.0 / 3.0))


def test_no_weight_is_above_the_cap():
    found = hajek_weights(np.array([0.5, 0.5, 0.01]), cap=5.0)
    assert found == pytest.approx(np.array([2.0, 2.0, 10.0]) / (14.0 / 3.0))


@pytest.mark.parametrize("probability", [0.0, -0.1, 1.01, np.nan])
def test_a_weight_needs_a_probability(probability):
    with pytest.raises(ValueError, match="probability"):
        hajek_weights(np.array([0.5, probability]), cap=5.0)


def test_the_weighted_mean_is_that_of_all_samples():
    rng = np.random.default_rng(1)
    value = rng.standard_normal(200_000)
    probability = np.clip(0.05 + 0.2 * (value > 0.5) + 0.1 * (value > 1.5), 0.0, 1.0)
    drawn = rng.random(len(value)) < probability
    found = clustered_mean(value[drawn], hajek_weights(probability[drawn], cap=50.0), np.arange(drawn.sum()))
    assert found.mean == pytest.approx(value.mean(), abs=4 * found.se)
    assert value[drawn].mean() > value.mean() + 40 * found.se


def test_a_mean_clustered_by_two_ways_is_what_loops_give():
    rng = np.random.default_rng(2)
    value, weight = rng.standard_normal(60), rng.uniform(0.5, 2.0, 60)
    sample, lab = rng.integers(0, 20, 60), rng.integers(0, 6, 60)
    value += rng.standard_normal(6)[lab]
    mean = sum(w * y for w, y in zip(weight, value, strict=True)) / sum(weight)

    def squares(names):
        groups = {}
        for name, w, y in zip(names, weight, value, strict=True):
            groups[name] = groups.get(name, 0.0) + w * (y - mean)
        return len(groups) / (len(groups) - 1) * sum(total**2 for total in groups.values())

    both = squares(list(zip(sample.tolist(), lab.tolist(), strict=True)))
    expected = squares(sample.tolist()) + max(squares(lab.tolist()) - both, 0.0)
    found = clustered_mean(value, weight, sample, [lab])
    assert found.mean == pytest.approx(mean, rel=1e-12)
    assert found.se == pytest.approx(np.sqrt(expected) / sum(weight), rel=1e-12)
    assert found.df == 5.0


def test_one_sample_has_no_error():
    assert np.isnan(clustered_mean(np.ones(3), np.ones(3), np.zeros(3, dtype=np.int64)).se)


@pytest.mark.parametrize(("constant", "slope"), [(2.0, 0.0), (1.0, 0.05), (0.0, 0.08)])
def test_one_sigma_is_one_on_the_level_scale(constant, slope):
    x = np.array([5.0, 50.0, 500.0])
    sigma = constant + slope * x
    before, after = (levelled(v, np.full(3, constant), np.full(3, slope)) for v in (x, x + sigma))
    assert after - before == pytest.approx(np.log1p(slope) / slope if slope else 1.0)


def test_no_scale_where_sigma_is_not_positive():
    assert np.isnan(levelled(np.array([-30.0, 1.0]), np.array([1.0, 0.0]), np.array([0.05, 0.0]))).all()


def test_the_error_is_found_from_differences():
    rng = np.random.default_rng(3)
    wide = np.where(rng.random((2, 40_000)) < 0.05, 4.0, 1.0)
    first, second = 0.8 * wide * rng.standard_normal((2, 40_000))
    found = error_of(second - first)
    assert found.variance == pytest.approx(0.64 * (0.95 + 0.05 * 16.0), rel=0.04)
    assert found.sd == pytest.approx(0.8, rel=0.05)
    assert found.shares[2] + found.shares[3] == pytest.approx(0.05, abs=0.02)


def test_a_normal_error_has_no_second_kind():
    found = error_of(np.sqrt(2.0) * np.random.default_rng(4).standard_normal(50_000))
    assert found.variance == pytest.approx(1.0, rel=0.03)


def test_the_error_of_an_item_follows_its_own_differences():
    rng = np.random.default_rng(5)
    item = np.repeat([0, 1, 2], [4000, 4000, 1])
    difference = np.sqrt(2.0) * np.array([0.7, 1.4, 1.0])[item] * rng.standard_normal(len(item))
    found = item_sds(difference, item, NORMAL, n=3)
    assert found == pytest.approx([0.7, 1.4, 1.0], rel=0.05)


def test_laboratories_are_taken_out_of_the_error():
    assert less_between(Error(2.0), 1.0).variance == pytest.approx(3.0)
    assert less_between(Error(1.0), 5.0).variance == pytest.approx(0.2)


def test_the_error_band_is_a_density():
    error = Error(0.8, (0.9, 0.06, 0.03, 0.01))
    band = band_of(error, 0.1)
    assert 2.0 * band.sum() - band[0] == pytest.approx(1.0)
    at = np.arange(len(band)) * 0.1
    variance = 2.0 * (band * at**2).sum()
    assert variance == pytest.approx(error.variance, rel=2e-3)
    assert len(RATIOS) == len(error.shares)


@pytest.mark.parametrize("shape", ["normal", "skewed", "bimodal"])
def test_the_shape_that_made_the_truths_is_found(shape):
    rng = np.random.default_rng(6)
    truth = 2.5 * draws(shape, 4000, rng)
    grid = grid_of(truth + rng.standard_normal(4000), 1.0)
    fitted = [fitted_truths(grid, NORMAL, name) for name in SHAPES]
    assert SHAPES[best_shape(fitted, grid)] == shape
    chance = fitted[SHAPES.index(shape)].chance
    mean = (chance * grid.point).sum()
    assert mean == pytest.approx(truth.mean(), abs=0.1)
    assert np.sqrt((chance * (grid.point - mean) ** 2).sum()) == pytest.approx(2.5, rel=0.05)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("shape", ["normal", "skewed", "bimodal"])
def test_a_free_or_the_right_shape_tells_the_mean_truth_of_failed_results(name, shape):
    rng = np.random.default_rng(7)
    truth = 2.0 * draws(shape, 20_000, rng)
    first = truth + rng.standard_normal(20_000)
    grid = grid_of(first[:2000], 1.0)
    table = posterior_of(grid, fitted_truths(grid, NORMAL, name), NORMAL)
    failed = first > np.quantile(first, 0.93)
    told = np.interp(first[failed], grid.point, table.mean)
    error = (truth[failed] - told).mean()
    if name in (shape, "free"):
        assert abs(error) < 0.15
    elif (name, shape) == ("normal", "skewed"):
        assert error > 0.4, "a wrong shape must be seen to matter"


def test_normal_truths_and_errors_have_the_posterior_of_the_textbook():
    point = np.arange(-20.0, 20.0, 0.05)
    chance = np.exp(-0.5 * ((point - 1.0) / 2.0) ** 2)
    grid = grid_of(point, 1.0)._replace(point=point)
    found = posterior_of(grid, Fitted(chance / chance.sum(), 0.0), NORMAL)
    middle = np.abs(point) < 6
    assert found.mean[middle] == pytest.approx(1.0 + 0.8 * (point[middle] - 1.0), abs=1e-4)
    # the error is cut at five SDs, which takes 4e-4 of the variance where the first result is itself far out
    assert found.variance[middle] == pytest.approx(0.8, rel=1e-3)
    assert found.slope[middle] == pytest.approx(0.8, rel=2e-3)


# --- effects given the first result -------------------------------------------------------------------------------------


def normal_table(spread):
    point = np.arange(-8.0 * spread, 8.0 * spread, 0.05)
    chance = np.exp(-0.5 * (point / spread) ** 2)
    grid = grid_of(point, 1.0)._replace(point=point)
    return Table(grid, posterior_of(grid, Fitted(chance / chance.sum(), 0.0), NORMAL), 1.0)


def chosen_pairs(seed, *, bias, n_per_item=4000, n_items=6, spread=2.0):
    """Pairs that were retested because the first result lay above a limit, with normal truths and errors of SD 1."""
    rng, n = np.random.default_rng(seed), n_per_item * n_items
    item = np.repeat(np.arange(n_items), n_per_item)
    first = rng.integers(0, len(bias), n)
    second = (first + rng.integers(1, len(bias), n)) % len(bias)
    truth = spread * rng.standard_normal(n)
    x1, x2 = (truth + bias[lab] + rng.standard_normal(n) for lab in (first, second))
    failed = (x1 > 1.5 * spread) & (rng.random(n) < 0.8)
    pick = np.flatnonzero(failed)
    return Chosen(first[pick], second[pick], x1[pick], x2[pick], np.ones(len(pick)), item[pick], np.arange(len(pick)) // 2)


def test_without_bias_the_choice_explains_the_whole_difference():
    chosen = chosen_pairs(1, bias=np.zeros(20))
    tables = [normal_table(2.0)] * 6
    naive = (chosen.x1 - chosen.x2).mean()
    explained = (chosen.x1 - expected_truths(chosen, tables)).mean()
    assert naive > 0.7
    assert explained == pytest.approx(naive, abs=0.06)


def test_planted_biases_are_found_from_chosen_pairs_alone():
    bias = np.zeros(20)
    bias[[0, 1]] = [1.0, -1.0]
    chosen = chosen_pairs(2, bias=bias)
    found = conditional_effects(chosen, [normal_table(2.0)] * 6, np.zeros(20, dtype=np.int64))
    errors = contrast_errors(found, chosen, np.eye(20))
    t = (found.effect - (bias - bias.mean())) / np.sqrt(errors.variance)
    assert np.abs(t).max() < 3.5
    assert np.sqrt(errors.variance).max() < 0.2
    assert abs(found.remaining) < 0.1


def test_effects_solve_the_weighted_normal_equations():
    """With normal truths the mean is linear in the first result, so that least squares with the same weights must agree."""
    bias = np.array([0.3, -0.3, 0.0, 0.5, -0.5])
    chosen = chosen_pairs(3, bias=bias, n_per_item=150)
    found = conditional_effects(chosen, [normal_table(2.0)] * 6, np.zeros(5, dtype=np.int64))
    n, slope, rows = len(chosen.x1), 0.8, np.arange(len(chosen.x1))
    design = np.zeros((n, 6))
    design[rows, chosen.second] += 1.0
    design[rows, chosen.first] -= slope
    design[:, :5] -= design[:, :5].mean(axis=1, keepdims=True)
    design[:, 5] = chosen.side
    held = np.vstack(
        [np.hstack([0.1 * np.eye(5), np.zeros((5, 1))]), np.eye(6)[5:], np.hstack([np.ones((1, 5)) * 1e3, [[0.0]]])]
    )
    root = np.sqrt(found.weight)[:, None]
    right = np.append(root[:, 0] * (chosen.x2 - slope * chosen.x1), np.zeros(len(held)))
    expected = np.linalg.lstsq(np.vstack([root * design, held]), right, rcond=None)[0]
    assert found.effect == pytest.approx(expected[:5], abs=2e-3)
    assert found.remaining == pytest.approx(expected[5], abs=2e-3)


def test_the_error_of_a_contrast_is_the_clustered_sandwich_of_loops():
    chosen = chosen_pairs(4, bias=np.zeros(6), n_per_item=120)
    found = conditional_effects(chosen, [normal_table(2.0)] * 6, np.zeros(6, dtype=np.int64))
    contrast = np.array([1.0, -1.0, 0.0, 0.0, 0.0, 0.0])
    n = len(chosen.x1)
    design = np.zeros((n, 7))
    for p in range(n):
        design[p, chosen.second[p]] += 1.0
        design[p, chosen.first[p]] -= found.slope[p]
        design[p, 6] = chosen.side[p]
    influence = np.array([found.bread.rows(contrast[None, :])[0] @ design[p] * found.weight[p] for p in range(n)])
    samples, cells = {}, {}
    for p in range(n):
        score = influence[p] * found.residual[p] / np.sqrt(1.0 - found.leverage[p])
        samples[chosen.sample[p]] = samples.get(chosen.sample[p], 0.0) + score
        for part, lab, felt in ((0, chosen.second[p], 1.0), (1, chosen.first[p], found.slope[p])):
            cells.setdefault((part, lab, chosen.item[p]), []).append(influence[p] * felt)
    shared = sum(sum(one) ** 2 - sum(a * a for a in one) for one in cells.values())
    expected = sum(score**2 for score in samples.values()) + found.shared * shared
    assert contrast_errors(found, chosen, contrast[None, :]).variance[0] == pytest.approx(expected, rel=1e-9)


def test_the_order_of_the_pairs_does_not_matter():
    chosen = chosen_pairs(5, bias=np.array([0.5, 0.0, 0.0, -0.5, 0.2, 0.1]), n_per_item=120)
    order = np.random.default_rng(6).permutation(len(chosen.x1))
    tables, component = [normal_table(2.0)] * 6, np.zeros(6, dtype=np.int64)
    one = conditional_effects(chosen, tables, component)
    other = conditional_effects(Chosen(*(column[order] for column in chosen)), tables, component)
    assert other.effect == pytest.approx(one.effect, abs=1e-10)


def test_a_gross_second_result_moves_little():
    chosen = chosen_pairs(7, bias=np.zeros(6), n_per_item=300)
    tables, component = [normal_table(2.0)] * 6, np.zeros(6, dtype=np.int64)
    wild = chosen.x2.copy()
    wild[0] += 50.0
    one = conditional_effects(chosen, tables, component)
    other = conditional_effects(chosen._replace(x2=wild), tables, component)
    assert np.abs(one.effect - other.effect).max() < 0.1


def test_effects_sum_to_zero_in_each_component():
    left = chosen_pairs(8, bias=np.array([0.5, 0.0, 0.2]), n_per_item=100)
    right = left._replace(first=left.first + 3, second=left.second + 3, sample=left.sample + 10_000)
    both = Chosen(*(np.concatenate(pair) for pair in zip(left, right, strict=True)))
    found = conditional_effects(both, [normal_table(2.0)] * 6, np.array([0, 0, 0, 3, 3, 3]))
    assert found.effect[:3].sum() == pytest.approx(0.0, abs=1e-9)
    assert found.effect[:3] == pytest.approx(found.effect[3:], abs=1e-9)
