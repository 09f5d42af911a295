"""Bias-reduced clustered variance (CR2) of one slope beside many intercepts, of thousands of regressions at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labqa.stats.kernels import kernel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
LEAST_LEFT = 1e-6
"""Share of the information on an intercept, or on the slope, below which one cluster holds all of it."""
NODES = 8.0
"""Nodes of the quadrature per √(1/smallest eigenvalue): its error is e^(−4·8)."""


class Parts(NamedTuple):
    """A cluster's observations in one cell, and after them its remainder, in order of group, cluster and cell.

    `cell` is n_cells for a remainder; `held`: share of the cell's weight; `regressor` and `residual` along the part's unit
    vector, in √weight-scaled terms.
    """

    group: Ints
    cluster: Ints
    cell: Ints
    held: Floats
    regressor: Floats
    residual: Floats


class SlopeErrors(NamedTuple):
    """Standard error and Satterthwaite df of the slope of each group; NaN where it rests on one cluster alone."""

    se: Floats
    df: Floats


def parts_of(group: Ints, cluster: Ints, cell: Ints, a: Floats, e: Floats, weight: Floats, *, n_cells: int) -> Parts:
    """The parts of n observations with regressor `a` and residual `e`, both with weighted mean 0 in each cell.

    In √weight-scaled terms the intercepts' columns and the regressor meet a cluster only along the unit vectors √w/√Σw of its
    parts and, of the remainder, along what the parts leave of the regressor: with them nothing of CR2 is lost.
    """
    wide = n_cells + 1
    remainders = np.flatnonzero(np.bincount(cluster)) * wide + n_cells
    keys, at = np.unique(np.concatenate([cluster * wide + cell, remainders]), return_inverse=True)
    at, of_cluster, of_cell = at[: len(cell)], keys // wide, keys % wide
    rest = of_cell == n_cells
    total = np.bincount(at, weights=weight, minlength=len(keys))
    cells = np.bincount(cell, weights=weight, minlength=wide)[of_cell]
    held = np.where(cells > 0, total / np.where(cells > 0, cells, 1.0), 0.0)
    seen = (total > 0) & (1.0 - held > LEAST_LEFT)
    root = np.sqrt(np.where(seen, total, np.inf))
    alpha = np.bincount(at, weights=weight * a, minlength=len(keys)) / root
    epsilon = np.bincount(at, weights=weight * e, minlength=len(keys)) / root
    whole = np.bincount(cluster, weights=weight * a * a)
    left = whole - np.bincount(of_cluster, weights=alpha * alpha)
    along = np.bincount(cluster, weights=weight * a * e) - np.bincount(of_cluster, weights=alpha * epsilon)
    length = np.sqrt(np.where(left > 1e-12 * whole, left, 0.0))
    of_rest = of_cluster[rest]
    alpha[rest] = length[of_rest]
    epsilon[rest] = np.where(length > 0, along / np.where(length > 0, length, 1.0), 0.0)[of_rest]
    held[rest] = 0.0
    group_of = np.zeros(len(whole), dtype=np.int64)
    group_of[cluster] = group
    of_group = group_of[of_cluster]
    by = np.argsort(of_group, kind="stable")
    return Parts(of_group[by], of_cluster[by], of_cell[by], held[by], alpha[by], epsilon[by])


@kernel
def _adjusted(start, group, held, regressor, size, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """(I − H)^−½ a of each cluster into `out`; false for a group one of whose clusters holds all of its slope.

    M^−½ = 2/π ∫ (M cos²θ + I sin²θ)⁻¹ dθ over (0, π/2) by the midpoint rule; I − H is diagonal less aa'/size.
    """
    known = np.ones(len(size), dtype=np.bool_)
    for cluster in range(len(start) - 1):
        low, high = start[cluster], start[cluster + 1]
        of_group = group[low]
        s, used, least = size[of_group], 0.0, 1.0
        for p in range(low, high):
            if regressor[p] != 0.0:
                used += regressor[p] ** 2 / (1.0 - held[p]) / s
                least = min(least, 1.0 - held[p])
        if not used < 1.0 - LEAST_LEFT:
            known[of_group] = False
            continue
        nodes = int(np.ceil(NODES / np.sqrt(least * (1.0 - used))))
        for node in range(nodes):
            cos2 = np.cos(0.5 * np.pi * (node + 0.5) / nodes) ** 2
            share = 0.0
            for p in range(low, high):
                share += regressor[p] ** 2 * cos2 / (1.0 - held[p] * cos2) / s
            for p in range(low, high):
                out[p] += regressor[p] / (1.0 - held[p] * cos2) / (1.0 - share) / nodes
    return known


@kernel
def _joint_squares(start, group, cell, common, n, n_cells):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Σ over pairs of different clusters of a group of (Σ over their common cells of the product of `common`)²."""
    out = np.zeros(n)
    column = np.zeros(n_cells + 1, dtype=np.int64)
    first = 0
    while first < len(start) - 1:
        last, of_group, columns = first, group[start[first]], 1  # column 0: the remainders
        while last < len(start) - 1 and group[start[last]] == of_group:
            for p in range(start[last], start[last + 1]):
                if cell[p] < n_cells and column[cell[p]] == 0:
                    column[cell[p]] = columns
                    columns += 1
            last += 1
        crossed = np.zeros((columns, columns))
        for cluster in range(first, last):
            own = 0.0
            for p in range(start[cluster], start[cluster + 1]):
                own += common[p] ** 2
                for q in range(start[cluster], start[cluster + 1]):
                    crossed[column[cell[p]], column[cell[q]]] += common[p] * common[q]
            out[of_group] -= own**2
        for row in range(columns):
            for other in range(columns):
                out[of_group] += crossed[row, other] ** 2
        first = last
    return out


def slope_errors(parts: Parts, size: Floats, *, n_cells: int) -> SlopeErrors:
    """CR2 standard error and Satterthwaite df, under independent errors of variance 1/weight, of the slope of each group.

    `size` (groups): S = a'a, NaN where it is 0. With H the hat matrix of the whole regression and g_j = (I − H_jj)^−½ a_j:
    variance Σ_clusters (g_j'e_j)²/S²; df = (Σ G_jj)²/Σ G_jk², G_jj = a_j'a_j, G_jk = −g_j'H_jk g_k. A cell that one cluster
    holds alone says nothing (Moore–Penrose inverse). Source: Bell & McCaffrey 2002, Survey Methodology 28, 169–181;
    Pustejovsky & Tipton 2018, doi:10.1080/07350015.2016.1247004.
    """
    n = len(size)
    start = np.append(np.flatnonzero(np.diff(parts.cluster, prepend=-1)), len(parts.cluster)).astype(np.int64)
    adjusted = np.zeros(len(parts.cell))
    known = _adjusted(start, parts.group, parts.held, parts.regressor, size, adjusted)
    score, through, own = (
        np.add.reduceat(product, start[:-1]) if len(product) else product
        for product in (adjusted * parts.residual, adjusted * parts.regressor, parts.regressor**2)
    )
    of_cluster = parts.group[start[:-1]]
    common = np.sqrt(parts.held) * adjusted
    common[start[1:] - 1] = through / np.sqrt(size[of_cluster])
    squares = _joint_squares(start, parts.group, parts.cell, common, n, n_cells)
    squares += np.bincount(of_cluster, weights=own**2, minlength=n)
    trace = np.bincount(of_cluster, weights=own, minlength=n)
    se = np.sqrt(np.bincount(of_cluster, weights=score**2, minlength=n)) / np.where(size > 0, size, 1.0)
    known &= squares > 0
    df = trace**2 / np.where(known, squares, 1.0)
    return SlopeErrors(np.where(known, se, np.nan), np.where(known, df, np.nan))
