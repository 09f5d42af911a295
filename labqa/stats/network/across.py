"""Contrasts between the effects of several fits, whose observations share random effects."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labqa.stats.network.blocks import Fit
from labqa.stats.network.columns import WIDTH
from labqa.stats.network.felt import Grouping
from labqa.stats.network.variance import Spread

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Side(NamedTuple):
    """A fit of one connected component, the places of its observations among all, and what its effects give to each of m
    contrasts (`rows`, m × nodes; each sums to 0)."""

    fitted: Fit
    kept: Ints
    rows: Floats


def spread_across(sides: list[Side], groupings: list[Grouping], *, lab: Ints, n_observations: int) -> Spread:
    """Per unit of each variance, the variance of m contrasts Σ_s C_s effect_s: ‖Z' Σ_s P X A⁻ C_s'‖² for each kind (m × K).

    `groupings` hold the groups on all observations, so that what two fits share (a laboratory's effect on an item, say) cancels
    where the contrast takes their difference. Contrast i is about laboratory `lab[i]`; `own` counts the groups that this
    laboratory owns. With one side it is `variance.spread`. `WIDTH` contrasts at a time, each with all observations.
    """
    total, own = (np.zeros((len(lab), len(groupings))) for _ in range(2))
    for first in range(0, len(lab), WIDTH):
        here = slice(first, first + WIDTH)
        moved = np.zeros((n_observations, len(lab[here])))
        for side in sides:
            moved[side.kept] += side.fitted.profiled(side.fitted.solved(np.ascontiguousarray(side.rows[here].T)))
        for kind, one in enumerate(groupings):
            squares = np.square(one.matrix.T @ moved)
            total[here, kind] = squares.sum(axis=0)
            own[here, kind] = (squares * (one.owner[:, None] == lab[here])).sum(axis=0)
    return Spread(total, own)
