"""The cumulative model of grades against R's ordinal, on a small network with comparison rounds."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from validation import agrees

from labqa.stats.latent.grades import fit_grades
from labqa.stats.latent.likelihood import NORMAL
from labqa.stats.latent.network import Freed, Intervals, Nodes, Penalty, State, climb

FILE = Path(__file__).parent / "data" / "grades_six_labs.csv"
# clmm(grade ~ lab + (1 | block), link = "probit", nAGQ = 31) of ordinal 2022.11-16, digits = 10
LABS = (-5.087386212, -1.006396669, -2.906170199, -2.152852971, -2.710810933)
THRESHOLDS = (-7.758449226, -4.571279382, -2.038837788, 0.340460274)
SD, LOGLIK = 1.757262348, -141.042442705


def network() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Starts of the blocks, laboratory and grade of each result."""
    with FILE.open(encoding="utf-8") as opened:
        block, lab, grade = np.array([[int(x) for x in row.values()] for row in csv.DictReader(opened)]).T
    return np.append(np.flatnonzero(np.diff(block, prepend=-1)), len(block)).astype(np.int64), lab, grade


def test_thresholds_biases_and_spread_are_those_of_clmm() -> None:
    start, lab, grade = network()
    low_at, high_at = np.where(grade > 0, grade - 1, -1), np.where(grade < 4, grade, -1)
    seen = Intervals(start, lab, np.full(len(lab), -np.inf), np.full(len(lab), np.inf), low_at, high_at)
    unit = np.linspace(-6, 6, 241)
    weight = -0.5 * unit**2 - np.log(np.exp(-0.5 * unit**2).sum())

    def nodes_at(state: State) -> Nodes:
        return Nodes(np.tile(state.spread * unit, (len(start) - 1, 1)), np.tile(weight, (len(start) - 1, 1)))

    begin = State(np.zeros(6), np.zeros(6), np.array([-3.0, -1.0, 1.0, 3.0]), 1.0, 1.5)
    # laboratories fixed and levels equal, as clmm has them: next to no penalty on the one, all on the other
    fitted = climb(seen, begin, nodes_at, link=NORMAL, freed=Freed(thresholds=True, scale=False), penalty=Penalty(1e-7, 1e8))
    found = fitted.state
    told = {"data": "grades_six_labs.csv", "expected_by": "R ordinal, clmm, nAGQ = 31", "method": "latent/fit_grades"}
    agrees(fitted.loglik, LOGLIK, quantity="log likelihood", rel=1e-8, **told)
    # clmm stops at a relative gradient of 1e-6, which leaves five to six digits
    agrees(found.bias[1:] - found.bias[0], LABS, quantity="effects of laboratories", rel=2e-5, **told)
    agrees(found.threshold - found.bias[0], THRESHOLDS, quantity="thresholds", rel=2e-5, **told)
    agrees(found.spread, SD, quantity="SD of the blocks' levels", rel=2e-5, **told)


def test_with_few_laboratories_the_two_steps_stay_a_tenth_below_fixed_laboratories_and_no_more() -> None:
    """As the docstring of `fit_grades` says."""
    start, lab, grade = network()
    found = fit_grades(start, lab, grade, grade, n=6, n_grades=5).state.bias
    fixed = np.array([0.0, *LABS])
    found, fixed = found - found.mean(), fixed - fixed.mean()
    assert 0.9 < found @ fixed / (fixed @ fixed) < 1.0
