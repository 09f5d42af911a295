"""Grades: a cumulative probit model with a normal level of each block, integrated out by quadrature."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from labqa.stats.latent.likelihood import NORMAL
from labqa.stats.latent.network import Freed, Intervals, LatentFit, Nodes, Penalty, State, fit

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
REACH, N_NODES = 4.5, 61
"""Nodes of the trapezoidal rule, and how many SDs of the levels they reach to either side."""


def fit_grades(
    start: Ints, lab: Ints, lowest: Ints, highest: Ints, *, n: int, n_grades: int, penalty: Penalty | None = None
) -> LatentFit:
    """P(grade ≤ k | level θ of the block, laboratory) = Φ(c_k − θ − bias), θ ~ N(mean of the laboratories' levels, spread²).

    `lowest` and `highest` (observations) are the ends of what each result states, grades 0 … n_grades − 1, the same for one
    grade; every grade must occur. Biases are in SDs of the error of one grade, their common zero is arbitrary.

    Without `penalty` thresholds and spread are those of normal laboratories (see `network.fit`), and the biases are smaller
    than those of laboratories fixed throughout, as R's clmm has them: by 8 % for the 9 judges of 8 wines of R's `ordinal`, by
    9 % for the six laboratories of tests/reference (regression through 0 of one on the other, each about its mean). The
    weak penalty makes 0.2 and 0.1 points of it. It is the price of thresholds that many sparse laboratories do not blow up.
    Sources: McCullagh 1980, doi:10.1111/j.2517-6161.1980.tb01109.x; Hedeker & Gibbons 1994, doi:10.2307/2533433.
    """
    if n_grades < 2:
        raise ValueError(f"grades: {n_grades} grade occurs; expected two or more")
    below = np.bincount(lowest, minlength=n_grades) + np.bincount(highest, minlength=n_grades)
    share = np.cumsum(below)[:-1] / below.sum()
    spread = 1.5
    seen = Intervals(
        start,
        lab,
        np.full(len(lab), -np.inf),
        np.full(len(lab), np.inf),
        np.where(lowest > 0, lowest - 1, -1),
        np.where(highest < n_grades - 1, highest, -1),
    )
    unit = np.linspace(-REACH, REACH, N_NODES)
    weight = -0.5 * unit**2
    weight = weight - np.log(np.exp(weight).sum())
    n_blocks = len(start) - 1

    def nodes_at(state: State) -> Nodes:
        return Nodes(np.tile(state.spread * unit, (n_blocks, 1)), np.tile(weight, (n_blocks, 1)))

    begin = State(np.zeros(n), np.zeros(n), np.sqrt(1.0 + spread**2) * special.ndtri(share), 1.0, spread)
    return fit(seen, begin, nodes_at, link=NORMAL, freed=Freed(thresholds=True, scale=False), penalty=penalty)
