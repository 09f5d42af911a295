"""The demo, run once by its own command and shared by every test that looks at what came out of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.postgres import Server, server


@dataclass(frozen=True)
class Demo:
    """A finished demo: its home, and what the command printed."""

    home: Path
    printed: str

    def run_of(self, programme: str) -> str:
        """Id of the run of a programme, as printed."""
        return next(line.split()[1] for line in self.printed.splitlines() if f"of programme {programme}," in line)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server, started for the tests that ask for it."""
    with server() as started:
        yield started


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """`labqa demo --no-serve` in a new home, in a process of its own."""
    home = tmp_path_factory.mktemp("demo") / "home"
    command = [sys.executable, "-m", "labqa.cli", "demo", "--no-serve", "--home", str(home)]
    ran = subprocess.run(command, env={**os.environ, "LABQA_LANG": "en"}, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return Demo(home, ran.stdout)
