"""Times an evaluation from facts to tables beside reading what it uses: `python -m bench.in_memory home [repetitions]`.

All in one warm process, on the facts of the newest run of a home. In turn, as often as asked: polars' `read_parquet` of exactly
the columns that an evaluation uses, of results and registers; `pipeline.run_tables`; the check of its tables against their
contracts; sorting by key and hashing; writing the files. Medians of seconds of CPU (all threads) and of wall time. A column
is used if a small network without it cannot be evaluated, or is evaluated to something else.
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")

from labqa.core.memory import given_back  # noqa: E402

given_back()

import statistics  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from dataclasses import fields, replace  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import polars as pl  # noqa: E402

from bench.evaluation import facts, memory  # noqa: E402
from labqa.core.tables import RUN_TABLES  # noqa: E402
from labqa.rating import rulesets  # noqa: E402
from labqa.service import evaluations, pipeline, wiring  # noqa: E402
from labqa.service.period import window  # noqa: E402
from labqa.service.pipeline import Facts  # noqa: E402
from labqa.store import durable  # noqa: E402
from labqa.store.contract import checked  # noqa: E402
from labqa.store.fingerprint import content_hash_of_sorted, in_key_order  # noqa: E402

SMALL = 30
"""Laboratories of the network on which is tried which columns are used; its evaluation also compiles the kernels."""


def evaluated(given: Facts) -> dict[str, pl.DataFrame]:
    """Every table of a small network, all years."""
    there = given.results["period"].unique().to_list()
    return pipeline.run_tables(
        given, rulesets.load("cn-2012-26"), window("all", there, evidence_years=3, veto_years=3, trend_years=5)
    )


def columns_used() -> dict[str, list[str]]:
    """The columns of results and of each register without which an evaluation fails or differs."""
    given = facts(SMALL)
    whole = evaluated(given)
    return {
        one.name: [column for column in getattr(given, one.name).columns if _matters(given, one.name, column, whole)]
        for one in fields(Facts)
    }


def _matters(given: Facts, table: str, column: str, whole: dict[str, pl.DataFrame]) -> bool:
    without: Any = {table: getattr(given, table).drop(column)}
    try:
        found = evaluated(replace(given, **without))
    except (pl.exceptions.PolarsError, KeyError):
        return True
    return any(not found[name].equals(frame) for name, frame in whole.items())


def timed(work: Callable[[], Any]) -> tuple[tuple[float, float], Any]:
    """Seconds of CPU and of wall time, and the answer."""
    cpu, wall = time.process_time(), time.perf_counter()
    answer = work()
    return (time.process_time() - cpu, time.perf_counter() - wall), answer


def hashed(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The tables in key order, each with its content hash made on the way."""
    ordered = {name: in_key_order(frame, RUN_TABLES[name]) for name, frame in tables.items()}
    for name, frame in ordered.items():
        content_hash_of_sorted(frame, RUN_TABLES[name])
    return ordered


def written(tables: dict[str, pl.DataFrame], folder: Path) -> None:
    """The tables as files, as a run is written."""
    for name, frame in tables.items():
        durable.write_parquet(frame, folder / f"{name}.parquet")


def main(home: Path, repetitions: int) -> None:
    """Prints a line for each step, and the ratio of the evaluation to the reading."""
    used = columns_used()
    platform = wiring.open_platform(home)
    given, edition, seen = evaluations.inputs(platform, platform.manifests()[-1])
    taken: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = {table: folder / f"{table}.parquet" for table in used}
        for table, file in files.items():
            durable.write_parquet(getattr(given, table), file)
        held = memory("VmRSS")
        for _ in range(repetitions):
            kept: dict[str, tuple[float, float]] = {}
            kept["read the columns used"], _ = timed(
                lambda: [pl.read_parquet(file, columns=used[table]) for table, file in files.items()]
            )
            kept["facts to tables"], tables = timed(lambda: pipeline.run_tables(given, edition, seen))
            kept["contracts"], tables = timed(lambda tables=tables: checked(tables, RUN_TABLES))
            kept["sort and hash"], tables = timed(lambda tables=tables: hashed(tables))
            kept["write"], _ = timed(lambda tables=tables: written(tables, folder))
            for step, seconds in kept.items():
                taken.setdefault(step, []).append(seconds)
            del tables  # the next evaluation begins without those of the last
    counted = {table: len(columns) for table, columns in used.items()}
    print(f"{given.results.height} results, {given.labs['lab'].n_unique()} laboratories; columns used {counted}")
    print(f"medians of {repetitions}{'':24}{'CPU s':>10}{'wall s':>10}")
    middle = {step: tuple(map(statistics.median, zip(*some, strict=True))) for step, some in taken.items()}
    for step, (cpu, wall) in middle.items():
        print(f"  {step:34}{cpu:10.2f}{wall:10.2f}")
    read, made, contracts = (middle[step] for step in ("read the columns used", "facts to tables", "contracts"))
    ratios = [(made[k] + contracts[k]) / read[k] for k in (0, 1)]
    print(f"facts to tables with contracts / reading: {ratios[0]:.0f} x CPU, {ratios[1]:.0f} x wall (aim: 25)")
    print(f"memory: {held:.0f} MB with the facts held, peak {memory('VmHWM'):.0f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 5)
