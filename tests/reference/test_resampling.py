"""Poisson weights and their bootstrap against SciPy, published random bits and the formula of a standard error."""

import numpy as np
import pytest
from scipy import stats
from validation import agrees

from labqa.stats import resampling

MASK = 2**64 - 1


def unmixed(mixed: int) -> int:
    """The 64 bits that SplitMix64 mixes into these."""
    for shift, factor in ((31, 0x94D049BB133111EB), (27, 0xBF58476D1CE4E5B9), (30, 1)):
        back = mixed
        for _ in range(3):
            back = mixed ^ (back >> shift)
        mixed = back * pow(factor, -1, 2**64) & MASK
    return mixed


def test_random_bits_are_the_published_stream_of_splitmix64() -> None:
    # with seed 0 the state of a key is mix(key); outputs for the state 1234567 are those of Rosetta Code, "Splitmix64"
    told = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]
    assert resampling.random_bits([unmixed(1234567)], seed=0, replicates=5)[0].tolist() == told
    assert resampling.random_bits([unmixed(1234567)], seed=0, replicates=2, first=3)[0].tolist() == told[3:]


def test_thresholds_are_the_poisson_distribution() -> None:
    found = resampling.POISSON_THRESHOLDS.astype(np.float64) / 2.0**64
    agrees(
        found,
        stats.poisson.cdf(np.arange(len(found)), 1.0),
        method="resampling/poisson_weights",
        data="k = 0 to 19",
        quantity="P(weight ≤ k)",
        expected_by="SciPy, poisson.cdf",
        rel=1e-15,
    )
    bits = resampling.random_bits(np.arange(500), seed=7, replicates=200)
    weights = resampling.poisson_weights(np.arange(500), seed=7, replicates=200)
    assert np.array_equal(weights, np.searchsorted(resampling.POISSON_THRESHOLDS, bits, side="right"))
    # in float64 the draw u = bits / 2⁶⁴ has the quantile that SciPy gives it
    assert np.array_equal(weights, stats.poisson.ppf((bits + 0.5) / 2.0**64, 1.0).astype(np.int64))


def test_standard_error_of_a_mean() -> None:
    rng = np.random.default_rng(2)
    n, replicates = 400, 20_000
    value = rng.normal(size=n)
    offsets = np.array([0, n])
    entries = resampling.Entries(np.arange(n), value, np.ones(n), offsets)
    weights = resampling.poisson_weights(resampling.keys_of(f"sample {i}" for i in range(n)), seed=1, replicates=replicates)
    found = float(resampling.weighted_ratios(weights, entries)[0].std())
    # the SD of 20,000 replicates has a relative standard error of 1/√40,000 = 0.5 %; the ratio adds a term of 1/n = 0.25 %
    agrees(
        found,
        float(value.std() / np.sqrt(n)),
        method="resampling/weighted_ratios",
        data="400 normal values, 20,000 replicates",
        quantity="standard error of the mean",
        expected_by="formula s/√n",
        rel=0.018,
    )


def test_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        resampling.poisson_weights([1], seed=-1, replicates=3)
    with pytest.raises(ValueError, match="out of range"):
        one = np.array([0])
        resampling.sums_by_lab_and_sample(one, one + 1, one * 1.0, one * 1.0, labs=1, samples=1)
