"""Times the ingest of a delivery beside polars or fastexcel merely reading the file, contestants in turn, a process each.

`python -m bench.ingest [csv rows] [xlsx rows]` prints seconds of CPU and by the clock, children included, and peak memory, for
1,000,000 rows of csv and 100,000 of xlsx unless told otherwise; `python -m bench.ingest memory rows …` the peak memory of the
ingest of csv by rows. Ingest is all of it: reading, typing, checks between rows, ids, hashes, facts on disk and the ledger
entry, into an empty home with the registers in it. Aims: csv at most 6 ×, xlsx at most 3 × of the reading alone.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from labqa.core import memory
from labqa.service import intake
from labqa.service.wiring import open_platform

Work = Callable[[], int]
"""What is timed; the rows that it read."""
LABS, ITEMS, ROUNDS = 300, 10, 3
RETESTED = 20
"""One sample in so many."""
AIMS = {"csv": 6, "xlsx": 3}


def delivery(rows: int) -> pl.DataFrame:
    """Results of samples with ten items each, one sample in twenty retested; numbers, limits and non-detects as text."""
    random = np.random.default_rng(1)
    samples = rows * RETESTED // (ITEMS * (RETESTED + 1)) + 1
    every = pl.DataFrame({"sample": np.arange(samples), "lab": random.integers(LABS, size=samples)})
    every = every.with_columns(
        day=pl.date(2018, 1, 1) + pl.duration(days=pl.Series(random.integers(300, size=samples))), role=pl.lit("初检")
    )
    again = every.filter(pl.col("sample") % RETESTED == 0)
    again = again.with_columns((pl.col("lab") + 1) % LABS, pl.col("day") + pl.duration(days=40), role=pl.lit("复检"))
    found = pl.concat([every, again]).join(pl.DataFrame({"item": np.arange(ITEMS)}), how="cross")
    value = pl.Series(np.round(random.lognormal(2.0, 1.0, found.height), 3)).cast(pl.String)
    kind = pl.Series(random.random(found.height))
    text = pl.when(kind < 0.05).then(pl.lit("<0.05")).when(kind < 0.08).then(pl.lit("未检出")).otherwise(value)
    retest = pl.col("role") == "复检"
    return found.select(
        批次=pl.lit("2018-1"),
        样品编号=pl.format("S{}", pl.col("sample").cast(pl.String).str.zfill(7)),
        产品代码=pl.when(~retest).then(pl.lit("01.02.03.04")),
        抽样日期=pl.when(~retest).then(pl.lit("2018-01-01")),
        项目代码=pl.format("I{}", "item"),
        实验室代码=pl.format("L{}", "lab"),
        角色=pl.col("role"),
        复检来源=pl.when(retest).then(pl.lit("监督复验")),
        结果=text,
        单位=pl.lit("mg/kg"),
        检测日期=pl.col("day").cast(pl.String),
        报告编号=pl.format("R-{}-{}", "sample", "role"),
    ).head(rows)


def registers(folder: Path) -> None:
    """Laboratories, items and products of the delivery."""
    (folder / "labs.csv").write_text("lab\n" + "".join(f"L{number}\n" for number in range(LABS)))
    (folder / "items.csv").write_text("item,scale,unit\n" + "".join(f"I{number},ratio,mg/kg\n" for number in range(ITEMS)))
    (folder / "products.csv").write_text("product\n01.02.03.04\n")


def ingest(file: Path) -> Work:
    """Into an empty home with the registers in it."""
    home = tempfile.TemporaryDirectory()
    platform = open_platform(Path(home.name))
    for kind in ("labs", "items", "products"):
        intake.register(platform, kind, file.parent / f"{kind}.csv", programme="national")

    def ingested() -> int:
        receipt = intake.ingest(platform, file, profile="template")
        assert receipt.refused == 0
        home.cleanup()
        return receipt.accepted

    return ingested


def read_csv(file: Path) -> Work:
    return lambda: pl.read_csv(file, infer_schema=False).height


def read_xlsx(file: Path) -> Work:
    import fastexcel

    return lambda: fastexcel.read_excel(file).load_sheet(0, dtypes="string").to_polars().height


CONTESTANTS = {"csv": (read_csv, ingest), "xlsx": (read_xlsx, ingest)}
NAMES = {read_csv: "polars, read_csv as text", read_xlsx: "fastexcel, read as text", ingest: "LabQA, ingest"}


def own_process(*words: object) -> dict[str, float]:
    """`python -m bench.ingest` with these words, in a process of its own, whose peak memory is no other's, and which gives
    memory back as the command line does; what it says."""
    command = [sys.executable, "-m", "bench.ingest", *map(str, words)]
    setting = {memory.VARIABLE: memory.SOON}
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, env=setting | os.environ).stdout)


def make(kind: str, rows: int, file: Path) -> None:
    frame = delivery(rows)
    frame.write_csv(file) if kind == "csv" else frame.write_excel(file)
    print(json.dumps({"rows": frame.height}))


def alone(kind: str, place: int, file: Path) -> None:
    """One contestant: rows, CPU seconds and seconds of the call, children included, and peak memory of the largest process."""
    work = CONTESTANTS[kind][place](file)
    began, cpu = time.perf_counter(), _cpu()
    rows = work()
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    print(json.dumps({"rows": rows, "cpu": _cpu() - cpu, "wall": time.perf_counter() - began, "mb": peak}))


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def compare(kind: str, rows: int, file: Path) -> None:
    """All contestants in turn, several rounds, and their table."""
    own_process("make", kind, rows, file)
    found = [[own_process("alone", kind, place, file) for place in (0, 1)] for _ in range(ROUNDS)]
    print(f"\n{rows:,} rows of {kind}, {file.stat().st_size / 1e6:.0f} MB; median of {ROUNDS}")
    print(f"{'':28}{'CPU s':>8}{'wall s':>8}{'MB':>8}")
    told = [{key: statistics.median(one[key] for one in some) for key in some[0]} for some in zip(*found, strict=True)]
    for contestant, one in zip(CONTESTANTS[kind], told, strict=True):
        assert one["rows"] == rows
        print(f"{NAMES[contestant]:28}{one['cpu']:8.2f}{one['wall']:8.2f}{one['mb']:8.0f}")
    ratios = [told[1][key] / told[0][key] for key in ("cpu", "wall")]
    print(f"{'ratio':28}{ratios[0]:7.1f}×{ratios[1]:7.1f}×  aim: at most {AIMS[kind]} ×")


def main(rows: dict[str, int]) -> None:
    print(f"{os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as name:
        registers(Path(name))
        for kind, wanted in rows.items():
            compare(kind, wanted, Path(name) / f"delivery.{kind}")


def peaks(numbers: list[int]) -> None:
    """Peak memory of the ingest of csv, by rows."""
    with tempfile.TemporaryDirectory() as name:
        registers(Path(name))
        for rows in numbers:
            file = Path(name) / "delivery.csv"
            own_process("make", "csv", rows, file)
            found = own_process("alone", "csv", 1, file)
            print(f"{rows:>12,} rows{file.stat().st_size / 1e6:8.0f} MB of csv{found['mb']:8.0f} MB{found['cpu']:8.1f} CPU s")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["memory", *words]:
            peaks([int(word) for word in words])
        case ["make", kind, rows, file]:
            make(kind, int(rows), Path(file))
        case ["alone", kind, place, file]:
            alone(kind, int(place), Path(file))
        case words:
            numbers = [int(word) for word in words] + [1_000_000, 100_000][len(words) :]
            main(dict(zip(("csv", "xlsx"), numbers, strict=True)))
