"""The statistics give the same bits whatever number of threads the machine offers."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import hashlib
import numpy as np
from labqa.stats import multiplicity, resampling
from labqa.stats.precision import experiment
from labqa.stats.robust import algorithm_a, location_scale, q_method, qn

draw = np.random.default_rng(7)
values = draw.standard_t(3, 6000)
offsets = np.arange(0, 6001, 20)
found = [
    *algorithm_a.algorithm_a_by_group(values, offsets)[:2],
    *location_scale.median_made_by_group(values, offsets)[:2],
    qn.qn_by_group(values, offsets),
    q_method.q_method_by_group(values, offsets),
    *experiment.experiment_by_set(values, np.arange(0, 6001, 3), np.arange(0, 2001, 10)),
    multiplicity.adjusted(draw.uniform(size=500), method="by"),
    resampling.poisson_weights(resampling.keys_of([f"S{k}" for k in range(300)]), seed=3, replicates=40),
]
print(hashlib.sha256(b"".join(np.ascontiguousarray(column).tobytes() for column in found)).hexdigest())
"""
THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@pytest.fixture(scope="module")
def bits() -> dict[int, str]:
    """Hash of the results of many kernels, by the number of threads allowed."""
    found = {}
    for threads in (1, 2, 8):
        environment = {**os.environ, **dict.fromkeys(THREADS, str(threads))}
        ran = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        found[threads] = ran.stdout.strip()
    return found


def test_one_two_and_eight_threads_give_the_same_bits(bits: dict[int, str]) -> None:
    assert len(bits[1]) == 64
    assert bits[1] == bits[2] == bits[8]
