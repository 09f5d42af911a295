"""Precision of each laboratory from blocks that several tested: variances that a network tells apart, or cannot."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import sparse

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Precisions(NamedTuple):
    """Variance of each node, and the variance of its logarithm: by the model of independent blocks, and clustered."""

    variance: Floats
    log_model: Floats
    log_clustered: Floats


def separability(node: Ints, block: Ints, *, n: int, n_blocks: int) -> float:
    """Smallest eigenvalue of the normalised signless Laplacian of the graph of laboratories that share a block; 0 if bipartite.

    I + D^{-1/2} A D^{-1/2} with A the number of shared blocks, of one connected component (n ≥ 2). Var(Δij) = σi² + σj²: the σi²
    can be told apart only if this is positive, that is, if the graph has an odd cycle (Desai & Rao 1994). One node gives 0.
    """
    if n < 2:
        return 0.0
    seen = sparse.csr_array((np.ones(len(node)), (node, block)), shape=(n, n_blocks))
    joint = (seen @ seen.T).toarray()
    np.fill_diagonal(joint, 0.0)
    root = 1.0 / np.sqrt(np.maximum(joint.sum(axis=1), 1e-300))
    return float(max(np.linalg.eigvalsh(np.eye(n) + root[:, None] * joint * root)[0], 0.0))


@njit(cache=True)
def _scores(start, node, squared, variance, bound, consistency, score, information):  # type: ignore[no-untyped-def]  # pragma: no cover
    for block in range(len(start) - 1):
        first, last = start[block], start[block + 1]
        total = 0.0
        for o in range(first, last):
            total += 1.0 / variance[node[o]]
        for o in range(first, last):
            v = variance[node[o]]
            left = v - 1.0 / total
            felt = min(squared[o], bound * left) / consistency
            score[o] = 0.5 * (felt - left) / (v * v)
            information[node[o], node[o]] += 0.5 * ((1.0 - 1.0 / (v * total)) / v) ** 2
            for other in range(first, o):
                shared = 0.5 / (v * variance[node[other]] * total) ** 2
                information[node[o], node[other]] += shared
                information[node[other], node[o]] += shared


@njit(cache=True)
def _squares(start, node, y, variance, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    for block in range(len(start) - 1):
        first, last = start[block], start[block + 1]
        total, summed = 0.0, 0.0
        for o in range(first, last):
            total += 1.0 / variance[node[o]]
            summed += y[o] / variance[node[o]]
        for o in range(first, last):
            out[o] = (y[o] - summed / total) ** 2


CORNER = 3.0
CONSISTENCY = 0.9950072780344534
"""E min(Z², 3²) of a standard normal Z, so that ordinary errors are not called precise for being cut."""


def node_variances(start: Ints, node: Ints, y: Floats, cluster: Ints, *, n: int, steps: int = 60) -> Precisions:
    """Variance of each of n nodes from the deviations of its observations in their blocks, each block with a free level.

    Residual maximum likelihood by Fisher scoring on log variances, with squared deviations cut at 3² of their variance
    (a bounded influence; heavy tails and gross errors would otherwise make a laboratory imprecise). The clustered covariance is
    H⁻¹ (Σ s s') H⁻¹ over clusters (samples) of scores, H the information: observations of one sample depend on each other.
    Variances are in units of y². The component must not be bipartite (`separability` > 0).
    """
    squared, score = np.zeros(len(y)), np.zeros(len(y))
    _squares(start, node, y, np.ones(n), squared)
    variance = np.full(n, max(2.0 * float(np.median(squared)) / 0.4549, 1e-12))
    information = np.eye(n)
    for _ in range(steps):
        information = np.zeros((n, n))
        _squares(start, node, y, variance, squared)
        _scores(start, node, squared, variance, CORNER**2, CONSISTENCY, score, information)
        gradient = np.bincount(node, weights=score, minlength=n) * variance
        scaled = information * variance[:, None] * variance[None, :]
        step = np.linalg.solve(scaled + 1e-9 * np.diag(np.diag(scaled)), gradient)
        variance = variance * np.exp(np.clip(step, -0.7, 0.7))
        if np.abs(step).max(initial=0.0) < 1e-10:
            break
    inverse = np.linalg.inv(information + 1e-12 * np.diag(np.diag(information)))
    names, of = np.unique(cluster, return_inverse=True)
    sums = sparse.csr_array((score, (of, node)), shape=(len(names), n))
    correction = len(names) / max(len(names) - 1, 1)
    clustered = inverse @ (sums.T @ sums).toarray() @ inverse * correction
    return Precisions(variance, np.diag(inverse) / variance**2, np.diag(clustered) / variance**2)


def effective_df(found: Precisions) -> Floats:
    """Degrees of freedom of a χ² whose logarithm varies as that of each estimated variance: 2 / Var(log).

    Var(log) is the larger of the laboratory's own clustered variance, which is itself uncertain where it has few samples, and
    the model's times what clustering adds in the median laboratory (correlated items of a sample, heavy tails).
    """
    added = float(np.median(found.log_clustered / np.maximum(found.log_model, 1e-300)))
    return np.asarray(2.0 / np.maximum(np.maximum(found.log_clustered, found.log_model * max(added, 1.0)), 1e-300))
