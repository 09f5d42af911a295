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
LEFT = 40.0
"""MB, of 160 that were freed."""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="tells memory by /proc")
def test_freed_frames_leave_the_process():
    code = "from labqa.core.memory import given_back\ngiven_back()\n" + HELD
    outer = {name: value for name, value in os.environ.items() if name != VARIABLE}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=outer)
    assert float(ran.stdout) < LEFT


def test_what_is_asked_for_stays(monkeypatch):
    from labqa.core.memory import given_back

    monkeypatch.setenv(VARIABLE, "dirty_decay_ms:1000")
    given_back()
    assert os.environ[VARIABLE] == "dirty_decay_ms:1000"
