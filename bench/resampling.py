"""Times 1,000 bootstrap replicates of the bias of 5,000 laboratories from 1,500,000 pairs, 10 items a sample.

`python -m bench.resampling [repeats]`. Contestant: NumPy's Poisson weights and `bincount` over all results for each
replicate, as it is done without sufficient statistics; it runs 10 replicates and is scaled to 1,000 (its cost is a sum of
equal passes). Both draw a weight for each sample. Compilation is not counted. Aim: the order of one second.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

from labqa.stats import resampling

LABS, SAMPLES, ITEMS, REPLICATES, SCALED = 5_000, 150_000, 10, 1_000, 10


def network() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rows of lab, sample, weighted value, weight: two for each pair, sorted by sample and item."""
    rng = np.random.default_rng(1)
    first = rng.integers(0, LABS, SAMPLES)
    second = (first + rng.integers(1, LABS, SAMPLES)) % LABS
    lab = np.repeat(np.stack([first, second], axis=1), ITEMS, axis=0).ravel()
    weight = rng.uniform(0.5, 2.0, len(lab))
    return lab, np.repeat(np.arange(SAMPLES), 2 * ITEMS), weight * rng.normal(size=len(lab)), weight


def ours(rows: tuple[np.ndarray, ...], keys: np.ndarray, replicates: int) -> np.ndarray:
    """Sums by laboratory and sample, weights, ratios."""
    entries = resampling.sums_by_lab_and_sample(*rows, labs=LABS, samples=SAMPLES)
    return resampling.weighted_ratios(resampling.poisson_weights(keys, seed=1, replicates=replicates), entries)


def numpy_bincount(rows: tuple[np.ndarray, ...], replicates: int) -> np.ndarray:
    """A weight for each sample and two `bincount`s over all rows, replicate by replicate."""
    lab, sample, over, under = rows
    rng, found = np.random.default_rng(1), np.empty((LABS, replicates))
    for r in range(replicates):
        weight = rng.poisson(1.0, SAMPLES)[sample]
        found[:, r] = np.bincount(lab, weight * over, LABS) / np.bincount(lab, weight * under, LABS)
    return found


def seconds(run: Callable[[], object]) -> float:
    """Wall time of one call."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def main(repeats: int) -> None:
    """Contestants in turn, medians, ratio."""
    rows, keys = network(), resampling.keys_of(map(str, range(SAMPLES)))
    ours(rows, keys, 2)
    spent: dict[str, list[float]] = {"LabQA": [], "NumPy, bincount": []}
    for _ in range(repeats):
        spent["LabQA"].append(seconds(lambda: ours(rows, keys, REPLICATES)))
        spent["NumPy, bincount"].append(REPLICATES / SCALED * seconds(lambda: numpy_bincount(rows, SCALED)))
    medians = {name: statistics.median(some) for name, some in spent.items()}
    a, b = ours(rows, keys, 200).std(axis=1), numpy_bincount(rows, 200).std(axis=1)
    print(f"{REPLICATES} replicates, {LABS} labs, {SAMPLES * ITEMS} pairs; medians of {repeats}")
    for name, took in medians.items():
        print(f"{name:20}{took:9.2f} s{took / medians['LabQA']:8.2g} x")
    print(f"standard errors of the two, 200 replicates: mean ratio {np.mean(a / b):.4f}, spread {np.std(a / b):.3f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
