"""Everything that is to be done in a home, as a process that tests interrupt: `python -m tests.interrupted HOME REGISTERS
FILE…` says `ready`, and works once a line is sent to it.

It is begun again and again, and imports nothing that the work does not need.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from labqa.core.provenance import Manifest
from labqa.core.tables import Flags, Summary, empty
from labqa.ingest import delimited, ranges
from labqa.service import intake
from labqa.service.wiring import Platform, now, open_platform
from tests.parcels import REGISTERS, Parcels

RUN = Manifest("national", "2014", 7, "cn-2012-26", "e", ("2014",))


def work(home: Path, sent: Parcels) -> Platform:
    """Everything that is to be done: four registers, the deliveries, a run."""
    platform = open_platform(home)
    for kind in REGISTERS:
        intake.register(platform, kind, sent.registers / f"{kind}.csv", programme="national")
    for file in sent.files:
        intake.ingest(platform, file, profile="template")
    platform.runs.write(RUN, {"summary": empty(Summary), "flags": empty(Flags)}, now())
    return platform


def in_pieces(change: Callable[[object, str, int], None]) -> None:
    """Let even small files be read in pieces and settled in ranges, so that rows are put into temporary files."""
    change(delimited, "PIECE", 4_000)
    change(ranges, "ROWS", 60)


if __name__ == "__main__":
    home, registers, *files = map(Path, sys.argv[1:])
    in_pieces(setattr)
    print("ready", flush=True)
    sys.stdin.readline()
    work(home, Parcels(registers, tuple(files)))
