"""Robust fits of repeatability against the level, beside the SDs that the standards print level by level.

A robust fit is no analysis of variance: what is asked is the relation, and its size within what a few laboratories with large
ranges (Cochran's stragglers of the standards themselves) make of the printed SDs.
"""

import csv

import numpy as np
import pytest
from reference_cases import HERE, case

from labqa.stats.precision.deviation_levels import choose_deviations
from labqa.stats.precision.levels import LevelFit, sd_at
from labqa.stats.precision.nesting import nesting
from labqa.stats.precision.reproducibility import deviations


def chosen(file: str, level: str) -> LevelFit:
    """The model of the replicates of all laboratories and levels."""
    with (HERE / "data" / file).open(encoding="utf-8") as opened:
        rows = list(csv.DictReader(opened))
    design = nesting([row[level] for row in rows], [row["lab"] for row in rows])
    values = np.array([float(row["value"]) for row in rows])[design.order]
    return choose_deviations(deviations(values, design.levels[-1]))[0]


def printed(*case_ids: str, mean: str = "m") -> tuple[np.ndarray, np.ndarray]:
    known = [case(one)["expected"] for one in case_ids]
    return np.array([one[mean] for one in known]), np.array([one["s_r"] for one in known])


def test_sulfur_in_coal_does_not_depend_on_the_level() -> None:
    _, s = printed(*(f"iso5725_sulfur_coal_L{level}_printed" for level in range(1, 5)))
    found = chosen("iso5725_2_sulfur_coal.csv", "level")
    assert found.model == "constant"
    assert found.parameters[0] == pytest.approx(np.sqrt(np.mean(s**2)), rel=0.15)


def test_creosote_oil_goes_in_proportion() -> None:
    m, s = printed(*(f"iso5725_creosote_L{level}_printed" for level in range(1, 6)))
    found = chosen("iso5725_2_creosote.csv", "level")
    assert found.model == "proportional"
    assert found.parameters[0] == pytest.approx(np.sqrt(np.mean((s / m) ** 2)), rel=0.15)


def test_glucose_in_serum_has_two_components() -> None:
    m, s = printed(*(f"e691_glucose_{material}_computed" for material in "ABCDE"), mean="mean")
    found = chosen("astm_e691_glucose.csv", "material")
    assert found.model == "two_component"
    assert sd_at(found.model, found.parameters, m) == pytest.approx(s, rel=1 / 3)
