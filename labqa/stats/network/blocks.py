"""Weighted least squares on a network of laboratories: each block (sample × item) has its level, each laboratory its bias."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from labqa.stats.kernels import kernel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@kernel
def _profiled(start, weight, y):  # type: ignore[no-untyped-def]  # pragma: no cover
    out = np.zeros(len(y))
    for block in range(len(start) - 1):
        total, summed = 0.0, 0.0
        for o in range(start[block], start[block + 1]):
            total += weight[o]
            summed += weight[o] * y[o]
        if total > 0:
            for o in range(start[block], start[block + 1]):
                out[o] = weight[o] * (y[o] - summed / total)
    return out


def profiled(start: Ints, weight: Floats, y: Floats) -> Floats:
    """P y with P = W − W B (B'WB)⁻¹ B'W: weighted deviations from the weighted mean of each block.

    `start` (blocks + 1) delimits the observations of each block. A block whose weights are all 0 gives 0.
    """
    return np.asarray(_profiled(start, weight, y), dtype=np.float64)


def block_roots(start: Ints, weight: Floats) -> sparse.csr_array:
    """R (observations × blocks) with w/√Σw of its block at each observation, so that P = W − R R'."""
    n = len(weight)
    block = np.repeat(np.arange(len(start) - 1), np.diff(start))
    total = np.bincount(block, weights=weight, minlength=len(start) - 1)
    root = weight / np.sqrt(np.where(total > 0, total, 1.0))[block]
    return sparse.csr_array((root, (np.arange(n), block)), shape=(n, len(start) - 1))


def incidence(group: Ints, *, n: int, scale: Floats | None = None) -> sparse.csr_array:
    """Z (observations × n groups) with `scale` (1 by default) at the group of each observation; group −1 is none."""
    member = np.flatnonzero(group >= 0)
    value = np.ones(len(member)) if scale is None else scale[member]
    return sparse.csr_array((value, (member, group[member])), shape=(len(group), n))


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


@kernel
def _inverse(matrix):  # type: ignore[no-untyped-def]  # pragma: no cover
    n = len(matrix)
    lower = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            left = matrix[i, j]
            for k in range(j):
                left -= lower[i, k] * lower[j, k]
            lower[i, j] = np.sqrt(left) if i == j else left / lower[j, j]
    root = np.zeros((n, n))  # root = lower⁻¹, row by row
    for i in range(n):
        root[i, i] = 1.0
        for k in range(i):
            factor = lower[i, k]
            for j in range(k + 1):
                root[i, j] -= factor * root[k, j]
        for j in range(i + 1):
            root[i, j] /= lower[i, i]
    out = np.zeros((n, n))
    for k in range(n):
        for i in range(k + 1):
            factor = root[k, i]
            for j in range(k + 1):
                out[i, j] += factor * root[k, j]
    return out


def grounded_inverse(laplacian: Floats, *, ground: int) -> Floats:
    """Reflexive generalised inverse of the Laplacian (p × p) of one connected component, with node `ground` held at 0.

    Cholesky in a fixed order of summation. Contrasts between nodes do not depend on the node chosen.
    """
    rest = np.delete(np.arange(len(laplacian)), ground)
    out = np.zeros_like(laplacian)
    out[np.ix_(rest, rest)] = _inverse(np.ascontiguousarray(laplacian[np.ix_(rest, rest)]))
    return out


@dataclass(frozen=True)
class Fit:
    """Fit of one connected component: node effects, the inverse of the Laplacian, X, and P = W − R R' in its parts."""

    effect: Floats
    inverse: Floats
    nodes: sparse.csr_array
    node: Ints
    weight: Floats
    roots: sparse.csr_array
    score: Floats

    @property
    def profile(self) -> sparse.csr_array:
        """P (observations × observations); its size is the sum of the squared sizes of the blocks."""
        return sparse.csr_array(sparse.diags_array(self.weight, format="csr") - self.roots @ self.roots.T)


def fit(start: Ints, node: Ints, weight: Floats, y: Floats, *, n: int, ground: int = 0) -> Fit:
    """Minimises Σ w (y − block − effect of node)² over one connected component of n nodes.

    effect = A⁻ X'P y, A = X'PX, A⁻ grounded at `ground`; `score` = P (y − X effect), the weighted residuals.
    """
    nodes, roots = incidence(node, n=n), block_roots(start, weight)
    across = nodes.T @ roots
    laplacian = np.diag(np.bincount(node, weights=weight, minlength=n)) - (across @ across.T).toarray()
    inverse = grounded_inverse(laplacian, ground=ground)
    seen = np.asarray(np.bincount(node, weights=profiled(start, weight, y), minlength=n), dtype=np.float64)
    effect = product(inverse, seen[:, None])[:, 0]
    return Fit(effect, inverse, nodes, node, weight, roots, profiled(start, weight, y - effect[node]))


def felt_variance(fitted: Fit, group: sparse.csr_array) -> Floats:
    """X'P Z Z' P X (nodes × nodes): variance that groups of variance 1 bring into the normal equations, without forming P."""
    direct = fitted.nodes.T @ sparse.csr_array(sparse.diags_array(fitted.weight, format="csr") @ group)
    across, grouped = fitted.nodes.T @ fitted.roots, group.T @ fitted.roots
    crossed = ((direct @ grouped) @ across.T).toarray()
    shared = ((across @ (grouped.T @ grouped)) @ across.T).toarray()
    return np.asarray((direct @ direct.T).toarray() - crossed - crossed.T + shared)
