"""Weighted least squares on a network of laboratories: each block (sample × item) has its level, each laboratory its bias."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from labqa.stats.kernels import kernel
from labqa.stats.network.columns import MOST, solved_columns
from labqa.stats.network.grounded import grounded

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
SMALL = 4
"""Blocks of more observations have the mean of a column taken once for all of them."""
ITERATED = 1e-12
"""Relative residual that conjugate gradients must reach for effects."""


@kernel
def _profiled(start, weight, y):  # type: ignore[no-untyped-def]  # pragma: no cover
    out = np.zeros(len(y))
    for block in range(len(start) - 1):
        total, summed, first = 0.0, 0.0, start[block]
        for o in range(first, start[block + 1]):
            total += weight[o]
            summed += weight[o] * (y[o] - y[first])  # a high level would cost digits
        if total > 0:
            for o in range(first, start[block + 1]):
                out[o] = weight[o] * ((y[o] - y[first]) - summed / total)
    return out


def profiled(start: Ints, weight: Floats, y: Floats) -> Floats:
    """P y with P = W − W B (B'WB)⁻¹ B'W: weighted deviations from the weighted mean of each block.

    `start` (blocks + 1) delimits the observations of each block. A block whose weights are all 0 gives 0.
    """
    return np.asarray(_profiled(start, weight, y), dtype=np.float64)


@kernel
def _profiled_columns(start, node, weight, columns, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    mean = np.empty(columns.shape[1])
    for block in range(len(start) - 1):
        total = 0.0
        mean[:] = 0.0
        for o in range(start[block], start[block + 1]):
            factor, row = weight[o], columns[node[o]]
            total += factor
            for c in range(len(mean)):
                mean[c] += factor * row[c]
        share = 1.0 / total if total > 0 else 0.0
        for c in range(len(mean)):
            mean[c] *= share
        for o in range(start[block], start[block + 1]):
            factor, row, new = weight[o], columns[node[o]], out[o]
            for c in range(len(mean)):
                new[c] = factor * (row[c] - mean[c])


def profiled_columns(start: Ints, node: Ints, weight: Floats, columns: Floats) -> Floats:
    """`profiled` of each column of node values (nodes × m): observations × m."""
    out = np.empty((len(node), columns.shape[1]))
    _profiled_columns(start, node, weight, np.ascontiguousarray(columns), out)
    return out


def block_roots(start: Ints, weight: Floats) -> sparse.csr_array:
    """R (observations × blocks) with w/√Σw of its block at each observation, so that P = W − R R'."""
    n = len(weight)
    block = np.repeat(np.arange(len(start) - 1), np.diff(start))
    total = np.bincount(block, weights=weight, minlength=len(start) - 1)
    root = weight / np.sqrt(np.where(total > 0, total, 1.0))[block]
    return sparse.csr_array((root, block, np.arange(n + 1)), shape=(n, len(start) - 1))


def incidence(group: Ints, *, n: int, scale: Floats | None = None) -> sparse.csr_array:
    """Z (observations × n groups) with `scale` (1 by default) at the group of each observation; group −1 is none."""
    member = np.flatnonzero(group >= 0)
    value = np.ones(len(member)) if scale is None else scale[member]
    pointer = np.append(0, np.cumsum(group >= 0))
    return sparse.csr_array((value, group[member], pointer), shape=(len(group), n))


@kernel
def _product(a, b):  # type: ignore[no-untyped-def]  # pragma: no cover
    out = np.zeros((a.shape[0], b.shape[1]))
    for i in range(a.shape[0]):
        for k in range(a.shape[1]):
            factor = a[i, k]
            if factor != 0.0:
                for j in range(b.shape[1]):
                    out[i, j] += factor * b[k, j]
    return out


def product(a: Floats, b: Floats) -> Floats:
    """Matrix product in a fixed order of summation: same bits on any number of threads, unlike BLAS."""
    return np.asarray(_product(np.ascontiguousarray(a), np.ascontiguousarray(b)), dtype=np.float64)


@dataclass(frozen=True)
class Fit:
    """Fit of one connected component of n nodes: X, P = W − R R' in its parts, the Laplacian A = X'PX, and what follows from
    them when it is asked for."""

    n: int
    laplacian: sparse.csr_array
    ground: int
    nodes: sparse.csr_array
    node: Ints
    start: Ints
    weight: Floats
    roots: sparse.csr_array
    y: Floats
    iterated: bool

    @property
    def profile(self) -> sparse.csr_array:
        """P (observations × observations); its size is the sum of the squared sizes of the blocks."""
        return sparse.csr_array(sparse.diags_array(self.weight, format="csr") - self.roots @ self.roots.T)

    @cached_property
    def across(self) -> sparse.csr_array:
        """X'R (nodes × blocks)."""
        return sparse.csr_array(self.nodes.T @ self.roots)

    @cached_property
    def large(self) -> Ints:
        """Number of each block of more than `SMALL` observations among these (blocks; −1: small, or without weight)."""
        total = np.add.reduceat(self.weight, self.start[:-1]) if len(self.start) > 1 else np.zeros(0)
        many = (np.diff(self.start) > SMALL) & (total > 0)
        return np.where(many, np.cumsum(many) - 1, -1)

    @cached_property
    def means(self) -> sparse.csr_array:
        """Weighted mean over each large block of what its nodes have (large blocks × nodes)."""
        of = np.repeat(self.large, np.diff(self.start))
        here = np.flatnonzero(of >= 0)
        shape = (int(self.large.max(initial=-1)) + 1, self.n)
        total = np.bincount(of[here], weights=self.weight[here], minlength=shape[0])
        return sparse.csr_array((self.weight[here] / total[of[here]], (of[here], self.node[here])), shape=shape)

    def widened(self, columns: Floats) -> Floats:
        """Columns (nodes × m) with their means over the large blocks below (nodes and large blocks × m)."""
        out = np.empty((self.n + self.means.shape[0], columns.shape[1]))
        out[: self.n] = columns
        out[self.n :] = self.means @ out[: self.n]
        return out

    def folded(self, columns: Floats) -> Floats:
        """The transpose of `widened`: what is said of a mean is said of its nodes (nodes × m)."""
        return np.asarray(columns[: self.n] + self.means.T @ columns[self.n :])

    def projected(self, columns: Floats) -> Floats:
        """P times each column (observations × m)."""
        return profiled_columns(self.start, np.arange(len(self.node)), self.weight, columns)

    def profiled(self, columns: Floats) -> Floats:
        """P X times each column (nodes × m): by how much the observations then deviate from their block, weighted."""
        return profiled_columns(self.start, self.node, self.weight, columns)

    @cached_property
    def effect(self) -> Floats:
        """Effects of the nodes (n), A⁻ X'P y; 0 at `ground`."""
        sums = np.bincount(self.node, weights=profiled(self.start, self.weight, self.y), minlength=self.n)
        right = np.asarray(sums, dtype=np.float64)[:, None]
        found = solved_columns(self.laplacian, right, tolerance=ITERATED, most=MOST) if self.iterated else None
        effect = (self.solved(right) if found is None else found)[:, 0]
        return np.asarray(effect - effect[self.ground])

    @cached_property
    def score(self) -> Floats:
        """P (y − X effect), the weighted residuals (observations)."""
        return profiled(self.start, self.weight, self.y - self.effect[self.node])

    @cached_property
    def inverse(self) -> Floats:
        """A⁻ (nodes × nodes), the inverse of the Laplacian with node `ground` held at 0; contrasts do not depend on which."""
        return grounded(-self.laplacian, np.zeros(self.n), held=self.ground)

    def forget(self) -> None:
        """Gives back the memory of `inverse`; asked for again, it is computed again."""
        vars(self).pop("inverse", None)

    def solved(self, right: Floats) -> Floats:
        """A⁻ times each column of `right` (nodes × m), whose sums must be 0, up to a constant a column."""
        return product(self.inverse, right)


def laplacian(across: sparse.csr_array) -> sparse.csr_array:
    """A = X'PX from X'R (nodes × blocks): −w_i w_j/Σw beside the diagonal, on it what makes the rows sum to 0.

    Summed so and not as Σ w (1 − w/Σw), a node keeps its digits whose partners have next to no weight.
    """
    beside = sparse.csr_array(across @ across.T)
    beside.setdiag(0.0)
    beside.sort_indices()
    row = np.repeat(np.arange(beside.shape[0]), np.diff(beside.indptr))
    return sparse.csr_array(
        sparse.diags_array(np.bincount(row, weights=beside.data, minlength=beside.shape[0]), format="csr") - beside
    )


def fit(start: Ints, node: Ints, weight: Floats, y: Floats, *, n: int, ground: int = 0, iterated: bool = False) -> Fit:
    """Minimises Σ w (y − block − effect of node)² over one connected component of n nodes.

    `iterated`: effects by conjugate gradients, for who asks for residuals alone and can do without the inverse; by the inverse
    where they do not reach `ITERATED`.
    """
    nodes, roots = incidence(node, n=n), block_roots(start, weight)
    matrix = laplacian(sparse.csr_array(nodes.T @ roots))
    return Fit(n, matrix, ground, nodes, node, start, weight, roots, y, iterated)
