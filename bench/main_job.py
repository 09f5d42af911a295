"""Times the main job as a user runs it, one process a command: `python -m bench.main_job [laboratories or card]`.

A number stands for the card `national` with so many laboratories (see `bench.national`), by default 1,000; `national` is the
card as it stands, any other card is simulated as it is; seed 1. Of each command seconds of wall time, of CPU and the peak
memory. Start-up (`labqa --help`) and compilation (`labqa warm` with an empty folder of kernels) come first and apart; all else
uses the kernels compiled then. After it `bench.in_memory` and `bench.pages` on the same home.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench import national
from labqa.cli.deliveries import REFUSED

LABQA = (sys.executable, "-m", "labqa.cli")
LABS = "1000"
REGISTERS = ("labs", "items", "products", "class")


@dataclass(frozen=True)
class Timed:
    """What one command took, children included."""

    wall: float
    cpu: float
    peak_mb: float


def run(*command: str, ends: tuple[int, ...] = (0,)) -> Timed:
    """Runs one command and measures it; its output is shown, an end with another code ends the benchmark."""
    began = time.perf_counter()
    child = os.spawnv(os.P_NOWAIT, command[0], command)
    _, status, used = os.wait4(child, 0)
    if os.waitstatus_to_exitcode(status) not in ends:
        raise SystemExit(f"{' '.join(command)} failed")
    return Timed(time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def simulated(card: str, folder: Path) -> Timed:
    """Writes the deliveries of a card, or of the national one with so many laboratories."""
    if card.isdecimal() or card == "national":
        labs = card if card.isdecimal() else str(national.LABS)
        return run(sys.executable, "-m", "bench.national", str(folder), labs)
    return run(*LABQA, "simulate", str(folder), "--card", card)


def job(card: str, place: Path) -> dict[str, Timed]:
    """Each command of the main job on a card, in a home below `place`."""
    deliveries, home = place / "deliveries", ("--home", str(place / "home"))
    programme = ("--programme", "national")
    figures = {
        "start-up (labqa --help)": run(*LABQA, "--help"),
        "compile all kernels (labqa warm)": run(*LABQA, "warm"),
        "simulate": simulated(card, deliveries),
    }
    for kind in REGISTERS:
        run(*LABQA, "register", kind, str(deliveries / "registers" / f"{kind}.csv"), *home, *programme)
    files = sorted(str(file) for file in deliveries.iterdir() if file.suffix in {".csv", ".parquet", ".xlsx"})
    figures["ingest"] = run(*LABQA, "ingest", *files, *home, *programme, ends=(0, REFUSED))
    figures["evaluate, all years"] = run(*LABQA, "evaluate", "--period", "all", *home, *programme)
    figures["verify stored bytes"] = run(*LABQA, "verify", *home)
    made = next((place / "home" / "runs").iterdir()).name
    figures["report, zh and en, HTML and PDF"] = run(*LABQA, "report", made, str(place / "report"), *home)
    return figures


def main(card: str) -> None:
    """Runs the job in a temporary folder, prints a table, then times evaluation and pages on its home."""
    with tempfile.TemporaryDirectory() as name:
        os.environ["NUMBA_CACHE_DIR"] = str(Path(name) / "kernels")
        figures = job(card, Path(name))
        print(f"\ncard {card}, {os.cpu_count()} cores, Python {platform.python_version()}, {platform.machine()}")
        print(f"{'':34}{'wall':>10}{'CPU':>10}{'peak':>11}")
        for step, timed in figures.items():
            print(f"{step:34}{timed.wall:8.1f} s{timed.cpu:8.1f} s{timed.peak_mb:8.0f} MB", flush=True)
        home = str(Path(name) / "home")
        run(sys.executable, "-m", "bench.in_memory", home)
        run(sys.executable, "-m", "bench.pages", home)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else LABS)
