"""A small network's deliveries cut into many files by sample, and what they hold, counted by the csv module alone."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from labqa.service.wiring import Platform, open_platform

REGISTERS = ("labs", "items", "products", "class")
COLUMNS = ("样品编号", "项目代码", "实验室代码", "角色", "平行号", "修订号", "结果")
ROLES = {"original": "初检", "retest": "复检", "referee": "仲裁"}
IN_PART = 9
"""Exit code of `labqa ingest` where some rows are refused, as in every parcel."""


@dataclass(frozen=True)
class Parcels:
    """Deliveries in their order, and the folder of the registers that go before them."""

    registers: Path
    files: tuple[Path, ...]

    def rows(self) -> Counter[tuple[str, ...]]:
        """Every delivered row by its columns, read by the csv module."""
        return Counter(tuple(row[name] for name in COLUMNS) for file in self.files for row in _rows(file))


def made(folder: Path, *, files: int = 15, samples: int = 60) -> Parcels:
    """Write `files` deliveries of whole samples, in each a row that must be refused."""
    from labqa.simulate import deliveries, network  # by far the most to import, and for nothing but this
    from tests.evaluations import calm

    small = calm(n_years=1, n=20, blameless=5, new=1, small=2)
    whole = deliveries.deliveries(network.simulate(small, seed=11), folder / "whole", with_mistakes=False)
    rows = [row for file in whole if file.suffix == ".csv" for row in _rows(file)]
    retested = sorted({row["样品编号"] for row in rows if row["角色"] == "复检"})
    chosen = (retested + sorted({row["样品编号"] for row in rows} - set(retested)))[:samples]
    of_sample = {sample: number % files for number, sample in enumerate(chosen)}
    parcels = [[row for row in rows if of_sample.get(row["样品编号"]) == number] for number in range(files)]
    return Parcels(
        folder / "whole" / "registers", tuple(_write(folder / f"parcel-{k:02}.csv", p) for k, p in enumerate(parcels))
    )


def _rows(file: Path) -> list[dict[str, str]]:
    data = file.read_bytes()
    text = data.decode("gb18030" if "retests" in file.name else "utf-8")
    return list(csv.DictReader(text.splitlines()))


def _write(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows([*rows, {**rows[0], "结果": "about seven", "平行号": "9"}])
    return path


def kept(home: Path | Platform) -> Counter[tuple[str, ...]]:
    """Every row that a home has accepted or refused, as it was delivered."""
    platform = open_platform(home) if isinstance(home, Path) else home
    results = platform.table("national", "results")
    accepted = results.select("sample", "item", "lab", "role", "replicate", "revision", "raw").rows()
    refused = platform.table("national", "refusals").unique(["file", "row"])["delivered"]
    return Counter(_as_delivered(accepted)) + Counter(tuple(json.loads(row)[name] for name in COLUMNS) for row in refused)


def _as_delivered(rows: Iterable[tuple[object, ...]]) -> list[tuple[str, ...]]:
    return [(str(s), str(i), str(lab), ROLES[str(role)], str(k), str(v), str(raw)) for s, i, lab, role, k, v, raw in rows]
