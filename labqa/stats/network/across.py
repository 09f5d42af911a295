"""Contrasts between the effects of several fits, whose observations share random effects."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labqa.core.threads import in_order
from labqa.stats.network.blocks import Fit, fit
from labqa.stats.network.columns import MOST, WIDE, solved_columns, squares
from labqa.stats.network.felt import Grouping, felt
from labqa.stats.network.variance import Contrasts, Spread

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
ENOUGH = 1e-6
"""Relative residual of conjugate gradients that a standard error needs."""


class Side(NamedTuple):
    """A fit of one connected component, the places of its observations among all, and what its effects give to each of m
    contrasts (their coefficients sum to 0)."""

    fitted: Fit
    kept: Ints
    contrasts: Contrasts


def spread_across(sides: list[Side], groupings: list[Grouping], *, lab: Ints) -> Spread:
    """Per unit of each variance, the variance of m contrasts Σ_s C_s effect_s: ‖Z' Σ_s P X A⁻ C_s'‖² for each kind (m × K).

    `groupings` hold the groups on all observations, so that what two fits share (a laboratory's effect on an item, say) cancels
    where the contrast takes their difference. Contrast i is about laboratory `lab[i]`; `own` counts the groups that this
    laboratory owns. With one side it is `variance.spread`. `WIDE` contrasts at a time; of fits made `iterated` no inverse is
    needed, A⁻ C' is found by conjugate gradients.
    """
    fits = list({id(side.fitted): side for side in sides}.values())
    end = np.cumsum([0, *(side.fitted.n for side in fits)])
    kept, joint = np.concatenate([side.kept for side in fits]), _joined([side.fitted for side in fits])
    n_labs = int(lab.max(initial=-1)) + 1
    shared = [felt(joint, Grouping(one.matrix[kept], one.owner), n_labs) for one in groupings]
    total, own = (np.zeros((len(lab), len(groupings))) for _ in range(2))

    def told(first: int) -> None:
        last = min(first + WIDE, len(lab))
        moved = np.zeros((int(end[-1]), last - first))
        for begin, one in zip(end, fits, strict=False):
            right = sum(side.contrasts.columns(first, last) for side in sides if side.fitted is one.fitted)
            moved[begin : begin + one.fitted.n] = _solved(one.fitted, np.asarray(right))
        moved = joint.widened(moved)
        for kind, effects in enumerate(shared):
            total[first:last, kind] = squares(effects.effects, moved)
            own[first:last, kind] = effects.own(moved, lab[first:last])

    deque(in_order(told, range(0, len(lab), WIDE)), maxlen=0)
    return Spread(total, own)


def _solved(fitted: Fit, right: Floats) -> Floats:
    """A⁻ times each column (nodes × m), up to a constant a column."""
    found = solved_columns(fitted.laplacian, right, tolerance=ENOUGH, most=MOST) if fitted.iterated else None
    return fitted.solved(right) if found is None else found


def _joined(fits: list[Fit]) -> Fit:
    """One network of several that share no block, the nodes of each after those of the one before."""
    blocks = np.cumsum([0, *(len(one.node) for one in fits)])
    nodes = np.cumsum([0, *(one.n for one in fits)])
    start = [one.start[:-1] + first for one, first in zip(fits, blocks, strict=False)]
    node = [one.node + first for one, first in zip(fits, nodes, strict=False)]
    weight, y = (np.concatenate([getattr(one, name) for one in fits]) for name in ("weight", "y"))
    return fit(np.concatenate([*start, blocks[-1:]]), np.concatenate(node), weight, y, n=int(nodes[-1]))
