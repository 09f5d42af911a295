"""Times the main job as a user runs it: simulate, register, ingest, evaluate, verify, report; one process a command.

`python -m bench.main_job [card]` prints seconds and peak memory of each command. The kernels' compilation is done before
(`labqa warm`), so that the figures are those of a second run; the network is the same for everyone (seed 1).
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

LABQA = Path(sys.executable).with_name("labqa")


@dataclass(frozen=True)
class Timed:
    """What one command took, children included."""

    seconds: float
    peak_mb: float


def run(*command: str) -> Timed:
    """Runs one command of the command line and measures it; its output is shown, its failure ends the benchmark."""
    began = time.perf_counter()
    child = os.spawnv(os.P_NOWAIT, LABQA, ["labqa", *command])
    _, status, used = os.wait4(child, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"labqa {' '.join(command)} failed")
    return Timed(time.perf_counter() - began, used.ru_maxrss / 1024)


def main(card: str) -> None:
    """Runs the job in a temporary folder and prints a table."""
    with tempfile.TemporaryDirectory() as name:
        folder, home = Path(name) / "deliveries", str(Path(name) / "home")
        figures = {"compile kernels (warm)": run("warm"), "simulate": run("simulate", str(folder), "--card", card)}
        for kind in ("labs", "items", "products", "class"):
            run("register", kind, str(folder / "registers" / f"{kind}.csv"), "--home", home)
        files = sorted(str(file) for file in folder.iterdir() if file.suffix in {".csv", ".parquet", ".xlsx"})
        figures["ingest"] = run("ingest", *files, "--home", home)
        figures["evaluate, last year"] = run("evaluate", "--period", "2018", "--home", home)
        figures["evaluate, all years"] = run("evaluate", "--period", "all", "--home", home)
        figures["verify stored bytes"] = run("verify", "--home", home)
        made = next((Path(home) / "runs").iterdir()).name
        figures["report, zh and en, HTML and PDF"] = run("report", made, str(Path(name) / "report"), "--home", home)
    print(f"\ncard {card}, {os.cpu_count()} cores, Python {platform.python_version()}, {platform.machine()}")
    for step, timed in figures.items():
        print(f"{step:34}{timed.seconds:8.1f} s{timed.peak_mb:8.0f} MB")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "demo")
