"""What always holds of the weights of a Poisson bootstrap: they belong to the sample and are independent Poisson draws."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy import stats

from labqa.stats import resampling

SAMPLES, REPLICATES = 4000, 250
KEYS = resampling.keys_of(f"2018-{i:05}" for i in range(SAMPLES))


@pytest.fixture(scope="module")
def weights() -> np.ndarray:
    return resampling.poisson_weights(KEYS, seed=3, replicates=REPLICATES)


def test_weights_belong_to_the_sample(weights: np.ndarray) -> None:
    order = np.random.default_rng(1).permutation(SAMPLES)
    assert np.array_equal(resampling.poisson_weights(KEYS[order], seed=3, replicates=REPLICATES), weights[order])
    some = KEYS[17:19]
    assert np.array_equal(resampling.poisson_weights(some, seed=3, replicates=REPLICATES), weights[17:19])
    assert resampling.keys_of(["2018-00017"])[0] == KEYS[17]
    assert resampling.keys_of([]).shape == (0,)


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_any_division_of_the_work_gives_the_same_bits(weights: np.ndarray, threads: int) -> None:
    edges = np.linspace(0, REPLICATES, 4 * threads + 1).astype(int)
    with ThreadPoolExecutor(threads) as pool:
        parts = pool.map(
            lambda a, b: resampling.poisson_weights(KEYS, seed=3, replicates=int(b - a), first=int(a)), edges[:-1], edges[1:]
        )
    assert np.array_equal(np.concatenate(list(parts), axis=1), weights)


def test_weights_are_independent_poisson_draws(weights: np.ndarray) -> None:
    n = weights.size  # 1,000,000: mean ± 0.001, variance ± √3/1000, counts by χ²; seeds are fixed, bounds are 4 standard errors
    assert weights.mean() == pytest.approx(1.0, abs=0.004)
    assert weights.var() == pytest.approx(1.0, abs=0.007)
    observed = np.bincount(np.minimum(weights.ravel(), 6), minlength=7)
    expected = n * np.append(stats.poisson.pmf(np.arange(6), 1.0), stats.poisson.sf(5, 1.0))
    assert stats.chisquare(observed, expected).pvalue > 1e-4
    centred = weights.astype(np.float64) - 1.0
    for lagged in (centred[1:] * centred[:-1], centred[:, 1:] * centred[:, :-1], centred[7:, 3:] * centred[:-7, :-3]):
        assert lagged.mean() == pytest.approx(0.0, abs=4 / np.sqrt(lagged.size))  # neighbours among samples, among replicates
    # row and column sums scatter as sums of independent draws do: their variance is their number of terms
    assert centred.sum(axis=0).var() == pytest.approx(SAMPLES, rel=4 * np.sqrt(2 / REPLICATES))
    assert centred.sum(axis=1).var() == pytest.approx(REPLICATES, rel=4 * np.sqrt(2 / SAMPLES))


def test_consecutive_keys_and_seeds_are_as_good_as_hashed_ones() -> None:
    by_key = resampling.poisson_weights(np.arange(1000), seed=0, replicates=500).astype(np.float64) - 1.0
    by_seed = np.concatenate([resampling.poisson_weights([5], seed=s, replicates=500) for s in range(1000)]).astype(float) - 1.0
    for found in (by_key, by_seed):
        assert found.mean() == pytest.approx(0.0, abs=4 / np.sqrt(found.size))
        assert (found[1:] * found[:-1]).mean() == pytest.approx(0.0, abs=4 / np.sqrt(found.size))
    # the seed is no shift of the key: neither sum nor exclusive or of the two decides
    assert not np.array_equal(by_key[6], by_seed[1])
    assert not np.array_equal(by_key[4], by_seed[1])


def rows() -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(4)
    n = 5000
    lab, sample, item = rng.integers(0, 40, n), rng.integers(0, 300, n), np.arange(n)
    weight = rng.uniform(0.5, 2.0, n)
    return lab, sample, item, weight * rng.normal(size=n), weight


def test_shuffled_rows_sorted_by_key_give_the_same_bits() -> None:
    lab, sample, item, over, under = rows()
    keys = resampling.keys_of(f"s{i:04}" for i in range(300))
    weights = resampling.poisson_weights(keys, seed=9, replicates=64)

    def replicates(order: np.ndarray) -> np.ndarray:
        order = order[np.lexsort((item[order], sample[order]))]
        entries = resampling.sums_by_lab_and_sample(lab[order], sample[order], over[order], under[order], labs=41, samples=300)
        return resampling.weighted_ratios(weights, entries)

    found = replicates(np.arange(len(lab)))
    for seed in range(3):
        assert np.array_equal(replicates(np.random.default_rng(seed).permutation(len(lab))), found, equal_nan=True)
    assert np.isnan(found[40]).all()  # a laboratory without results


def test_sums_and_ratios_are_those_of_numpy() -> None:
    lab, sample, _, over, under = rows()
    entries = resampling.sums_by_lab_and_sample(lab, sample, over, under, labs=40, samples=300)
    cells, back = np.unique(lab * 300 + sample, return_inverse=True)
    assert np.array_equal(entries.sample, cells % 300)
    assert np.array_equal(entries.offsets, np.searchsorted(cells // 300, np.arange(41)))
    assert np.array_equal(entries.numerator, np.bincount(back, over))  # bincount adds in the order of the rows as well
    assert np.array_equal(entries.denominator, np.bincount(back, under))
    weights = resampling.poisson_weights(np.arange(300), seed=1, replicates=30)
    found = resampling.weighted_ratios(weights, entries)
    for r in range(30):
        drawn = weights[sample, r]
        expected = np.bincount(lab, drawn * over) / np.bincount(lab, drawn * under)
        assert found[:, r] == pytest.approx(expected, rel=1e-9, abs=1e-12)  # sums in another order
    one_by_one = np.concatenate([resampling.weighted_ratios(weights[:, r : r + 1], entries) for r in range(30)], axis=1)
    assert np.array_equal(found, one_by_one)
