"""Reads the reference cases: expected numbers with their source and tolerance."""

from __future__ import annotations

import csv
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
SHIPPED = HERE.parents[1] / "data"


USED: set[str] = set()
"""Ids of the cases that tests of this session asked for."""


@cache
def cases() -> dict[str, dict[str, Any]]:
    """All cases of the file by their id."""
    return {one["id"]: one for one in json.loads((HERE / "expected.json").read_text("utf-8"))["cases"]}


def case(case_id: str) -> dict[str, Any]:
    USED.add(case_id)
    return cases()[case_id]


def column(file: Path, name: str) -> np.ndarray:
    with file.open(encoding="utf-8") as opened:
        return np.array([float(row[name]) for row in csv.DictReader(opened)])


def rmstudy_lab_means(analyte: str) -> np.ndarray:
    """Mean of each laboratory's replicates of one analyte, in order of first appearance."""
    values: dict[str, list[float]] = {}
    with (SHIPPED / "rmstudy" / "lgc_rmstudy_metals.csv").open(encoding="utf-8") as opened:
        for row in csv.DictReader(opened):
            if row["analyte"] == analyte:
                values.setdefault(row["lab"], []).append(float(row["value"]))
    return np.array([np.mean(some) for some in values.values()])
