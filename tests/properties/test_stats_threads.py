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
TABLES = """
import hashlib
from dataclasses import replace
from labqa.core.tables import RUN_TABLES
from labqa.rating import rulesets
from labqa.service import pipeline
from labqa.service.period import window
from labqa.simulate import card, network
from labqa.store.fingerprint import content_hash

demo = card.load("demo")
small = replace(demo, n_years=1, planted=(), labs=replace(demo.labs, n=40, blameless=10, new=2, small=4, group_size=3))
made = network.simulate(small, seed=11)
names = ("results", "labs", "capabilities", "items", "products", "class_in_force")
facts = pipeline.Facts(*(getattr(made, name) for name in names))
seen = window("all", made.results["period"].unique().to_list(), evidence_years=3, veto_years=3, trend_years=5)
run = pipeline.run_tables(facts, rulesets.load("cn-2012-26"), seen)
bits = b"".join(run["lab_bias"][name].to_numpy().tobytes() for name in ("estimate", "se", "df"))
said = "".join(content_hash(frame, RUN_TABLES[name]) for name, frame in run.items())
print(hashlib.sha256(bits + said.encode()).hexdigest())
"""
THREADS = ("LABQA_THREADS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@pytest.fixture(scope="module", params=[SCRIPT, TABLES], ids=["kernels", "evaluation"])
def bits(request: pytest.FixtureRequest) -> dict[int, str]:
    """Hash of the results of many kernels, or of the tables of an evaluation, by the number of threads allowed."""
    found = {}
    for threads in (1, 2, 8):
        environment = {**os.environ, **dict.fromkeys((*THREADS, "POLARS_MAX_THREADS"), str(threads))}
        ran = subprocess.run(
            [sys.executable, "-c", request.param], env=environment, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr
        found[threads] = ran.stdout.strip()
    return found


def test_one_two_and_eight_threads_give_the_same_bits(bits: dict[int, str]) -> None:
    assert len(bits[1]) == 64
    assert bits[1] == bits[2] == bits[8]
