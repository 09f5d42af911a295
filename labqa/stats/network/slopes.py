"""Does the bias of a laboratory change with the level: slopes of its differences from the others, clustered."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labqa.stats.network.bias_reduced import parts_of, slope_errors

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class BlockContrasts(NamedTuple):
    """For each observation: level of its block, difference from the others of the block, and the inverse variance of that."""

    level: Floats
    difference: Floats
    weight: Floats


class Slopes(NamedTuple):
    """Slope of each group with its clustered standard error and degrees of freedom; NaN where it is not identified."""

    slope: Floats
    se: Floats
    df: Floats


def block_contrasts(block: Ints, y: Floats, precision: Floats, *, n_blocks: int) -> BlockContrasts:
    """Precision-weighted level of each block, and each observation's difference from the weighted mean of the others.

    With Var(y) = 1/precision, t = Σ p y / Σ p and d = y − Σ' p y / Σ' p (Σ' without the observation) have Cov(d, t) = 0: the
    level holds the laboratory's own error, and still a slope of d on t is not moved by it, however the precisions differ.
    The plain mean (Bland & Altman) is uncorrelated with d for equal precisions only; the others' value alone never is.
    Var(d) = 1/p + 1/Σ' p. A block of one observation, or one that holds all the precision, has weight 0 and difference 0.
    """
    total = np.bincount(block, weights=precision, minlength=n_blocks)[block]
    summed = np.bincount(block, weights=precision * y, minlength=n_blocks)[block]
    others = total - precision
    seen = (others > 1e-9 * total) & (precision > 0)
    level = summed / np.where(total > 0, total, 1.0)
    safe = np.where(seen, others, 1.0)
    difference = np.where(seen, y - (summed - precision * y) / safe, 0.0)
    weight = np.where(seen, precision * safe / (precision + safe), 0.0)
    return BlockContrasts(level, difference, weight)


def within_cells(cell: Ints, weight: Floats, values: Floats, *, n: int) -> Floats:
    """Deviations from the weighted mean of each of n cells."""
    total = np.bincount(cell, weights=weight, minlength=n)
    mean = np.bincount(cell, weights=weight * values, minlength=n) / np.where(total > 0, total, 1.0)
    return np.asarray(values - mean[cell])


def clustered_slopes(
    group: Ints, cluster: Ints, cell: Ints, x: Floats, d: Floats, weight: Floats, *, n: int, n_cells: int
) -> Slopes:
    """Weighted slope of d on x in each of n groups, with an intercept for each cell and errors clustered.

    With x and d less their cell's weighted mean, slope = Σ w x d / Σ w x²; its standard error and df are those of CR2 of the
    whole regression, intercepts too, in √w-scaled terms (`bias_reduced.slope_errors`). A cell lies in one group, a cluster
    too; a cluster may span cells, and a cell clusters. Slope in units of d per unit of x. NaN: x does not vary within cells,
    or without one of the clusters it would not.
    """
    x, d = within_cells(cell, weight, x, n=n_cells), within_cells(cell, weight, d, n=n_cells)
    size = np.bincount(group, weights=weight * x * x, minlength=n)
    varies = size > 0
    slope = np.bincount(group, weights=weight * x * d, minlength=n) / np.where(varies, size, 1.0)
    errors = slope_errors(
        parts_of(group, cluster, cell, x, d - slope[group] * x, weight, n_cells=n_cells),
        np.where(varies, size, np.nan),
        n_cells=n_cells,
    )
    return Slopes(np.where(np.isnan(errors.se), np.nan, slope), errors.se, errors.df)
