"""Reads data sets of the precision tests as sorted values with nested offsets."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from reference_cases import HERE, SHIPPED

from labqa.stats.precision.nesting import nesting

RMSTUDY = SHIPPED / "rmstudy" / "lgc_rmstudy_metals.csv"


class Design(NamedTuple):
    """Values sorted by the factors, offsets of each factor, name of each innermost group."""

    values: np.ndarray
    levels: tuple[np.ndarray, ...]
    names: list[str]


def rows(file: str | Path) -> list[dict[str, str]]:
    with (HERE / "data" / file).open(encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


def design(file: str | Path, value: str, *factors: str, keep: Callable[[dict[str, str]], bool] = lambda row: True) -> Design:
    """The rows that `keep` takes, by the factors, outermost first."""
    kept = [row for row in rows(file) if keep(row)]
    found = nesting(*([row[factor] for row in kept] for factor in factors))
    names = [kept[i][factors[-1]] for i in found.order[found.levels[-1][:-1]]]
    return Design(np.array([float(row[value]) for row in kept])[found.order], found.levels, names)
