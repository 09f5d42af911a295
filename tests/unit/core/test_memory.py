"""Memory that data frames give back leaves the process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from labqa.core.memory import VARIABLE

HELD = """
import time
import polars as pl
def held():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS")) / 1024
pl.DataFrame({"a": [1]}).sort("a")
before = held()
frames = [pl.DataFrame({"a": pl.int_range(100_000, eager=True)}) for _ in range(200)]
del frames
for _ in range(15):
    time.sleep(0.1)
    for _ in range(50):
        pl.DataFrame({"a": pl.int_range(1000, eager=True)}).sort("a")
print(held() - before)
"""
HOLES = """
import numpy as np
from labqa.core.memory import given_back, trimmed
given_back()
def held():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS")) / 1024
before = held()
arrays = [np.ones(12_000) for _ in range(1_600)]
kept = arrays[::16]
del arrays
full = held()
trimmed()
print(full - before, held() - before)
"""
LEFT = 40.0
"""MB, of 160 that were freed."""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="tells memory by /proc")
def test_freed_frames_leave_the_process():
    code = "from labqa.core.memory import given_back\ngiven_back()\n" + HELD
    outer = {name: value for name, value in os.environ.items() if name != VARIABLE}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=outer)
    assert float(ran.stdout) < LEFT


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="tells memory by /proc")
def test_what_smaller_arrays_left_free_between_those_in_use_leaves_the_process():
    ran = subprocess.run([sys.executable, "-c", HOLES], capture_output=True, text=True, check=True)
    full, left = (float(one) for one in ran.stdout.split())
    assert full > 3 * LEFT  # glibc keeps the holes; another C library may give them back by itself
    assert left < LEFT


def test_what_is_asked_for_stays(monkeypatch):
    from labqa.core.memory import given_back

    monkeypatch.setenv(VARIABLE, "dirty_decay_ms:1000")
    given_back()
    assert os.environ[VARIABLE] == "dirty_decay_ms:1000"
