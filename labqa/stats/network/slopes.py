"""Does the bias of a laboratory change with the level: slopes of its differences from the others, clustered."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

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
    group: Ints, cluster: Ints, cell: Ints, x: Floats, d: Floats, weight: Floats, *, n: int, n_cells: int, n_clusters: int
) -> Slopes:
    """Weighted slope of d on x in each of n groups, with an intercept for each cell and errors clustered.

    With x and d less their cell's weighted mean, S = Σ w x², h = Σ_cluster w x² / S: slope = Σ w x d / S; its variance
    Σ s² / (1 − h) / S², s the cluster's Σ w x (d − slope x): the bias-reduced CR2 for one regressor (Bell & McCaffrey 2002,
    Survey Methodology 28, 169–181). df = 1 / (Σ h² + (Σ q)² − Σ q²), q = h²/(1 − h), is its Satterthwaite df under
    independent errors of variance 1/w. A cell lies in one group, a cluster too. Slope in units of d per
    unit of x. NaN: S = 0, or fewer than two clusters.
    """
    x, d = within_cells(cell, weight, x, n=n_cells), within_cells(cell, weight, d, n=n_cells)
    size = np.bincount(group, weights=weight * x * x, minlength=n)
    safe = np.where(size > 0, size, 1.0)
    slope = np.bincount(group, weights=weight * x * d, minlength=n) / safe
    score = np.bincount(cluster, weights=weight * x * (d - slope[group] * x), minlength=n_clusters)
    of_cluster = np.zeros(n_clusters, dtype=np.int64)
    of_cluster[cluster] = group
    share = np.bincount(cluster, weights=weight * x * x, minlength=n_clusters) / safe[of_cluster]
    alone = share > 1.0 - 1e-9
    left = np.where(alone, 1.0, 1.0 - share)
    variance = np.bincount(of_cluster, weights=score**2 / left, minlength=n) / safe**2
    q = np.where(alone, 0.0, share**2 / left)
    squares, q_sum, q_squares = (np.bincount(of_cluster, weights=one, minlength=n) for one in (share**2, q, q**2))
    df = 1.0 / np.where(size > 0, squares + q_sum**2 - q_squares, 1.0)
    known = (size > 0) & (np.bincount(of_cluster, weights=alone, minlength=n) == 0)
    return Slopes(*(np.where(known, one, np.nan) for one in (slope, np.sqrt(variance), df)))
