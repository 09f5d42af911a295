"""The demo, run once by its own command and shared by every test that looks at what came out of it."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.postgres import Server, server


@dataclass(frozen=True)
class Demo:
    """A finished demo: its home, and what the command printed."""

    home: Path
    printed: str

    def run_of(self, programme: str) -> str:
        """Id of the run of a programme, as printed."""
        return next(line.split()[1] for line in self.printed.splitlines() if f"of programme {programme}," in line)


class ByFile(LoadScopeScheduling):
    """Tests of one file share a worker and what they prepared; so do those of all reference data, which make one page."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return "tests/reference" if file.startswith("tests/reference/") else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Tells the workers of a test run what to share."""
    return ByFile(config, log)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server, started for the tests that ask for it."""
    with server() as started:
        yield started


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """`labqa demo --no-serve` in a new home, in a process of its own; one for all the workers of a test run."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    home, printed = shared / "demo" / "home", shared / "demo" / "printed.txt"
    home.parent.mkdir(exist_ok=True)
    with (shared / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not printed.exists():
            command = [sys.executable, "-m", "labqa.cli", "demo", "--no-serve", "--home", str(home)]
            environment = {**os.environ, "LABQA_LANG": "en"}
            ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            assert ran.returncode == 0, ran.stdout + ran.stderr
            printed.write_text(ran.stdout, encoding="utf-8")
    return Demo(home, printed.read_text(encoding="utf-8"))
