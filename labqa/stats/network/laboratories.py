"""Precision of each laboratory from blocks that several tested: variances that a network tells apart, or cannot."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import linalg

from labqa.core.threads import in_order
from labqa.stats.kernels import kernel
from labqa.stats.network.columns import MOST, WIDE, approached, squares
from labqa.stats.network.components import paired
from labqa.stats.network.grounded import grounded
from labqa.stats.network.inverse import invert

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
WHOLE = 2000
"""Nodes up to which the eigenvalues of the whole matrix are taken; of them only matters whether the least is positive."""


class Precisions(NamedTuple):
    """Variance of each node, and the variance of its logarithm: by the model of independent blocks, and clustered."""

    variance: Floats
    log_model: Floats
    log_clustered: Floats


def separability(node: Ints, block: Ints, *, n: int, n_blocks: int) -> float:
    """Smallest eigenvalue of the normalised signless Laplacian of the graph of laboratories that share a block; 0 if bipartite.

    I + D^{-1/2} A D^{-1/2} with A the number of shared blocks, of one connected component (n ≥ 2). Var(Δij) = σi² + σj²:
    the σi² can be told apart only if this is positive, that is, if the graph has an odd cycle (Desai & Rao 1994). One
    node gives 0. Beyond `WHOLE` nodes by Lanczos' method on the sparse matrix, by the whole one where that does not converge.
    """
    if n < 2:
        return 0.0
    seen = sparse.csr_array((np.ones(len(node)), (node, block)), shape=(n, n_blocks))
    joint = sparse.csr_array(seen @ seen.T)
    joint.setdiag(0.0)
    joint.eliminate_zeros()
    row = np.repeat(np.arange(n), np.diff(joint.indptr))
    if paired(row, joint.indices.astype(np.int64), n=n).bipartite.all():
        return 0.0
    root = 1.0 / np.sqrt(np.maximum(np.bincount(row, weights=joint.data, minlength=n), 1e-300))
    joint.data *= root[row] * root[joint.indices]
    if n > WHOLE:
        try:
            start = np.modf(0.6180339887498949 * np.arange(1, n + 1))[0]
            least = linalg.eigsh(joint, k=1, which="SA", v0=start, tol=1e-8, return_eigenvectors=False)[0]
            return float(max(1.0 + least, 0.0))
        except linalg.ArpackNoConvergence:
            pass
    return float(max(1.0 + np.linalg.eigvalsh(joint.toarray())[0], 0.0))


@kernel
def _leverage(start, node, inverse):  # type: ignore[no-untyped-def]  # pragma: no cover
    out = np.zeros(len(node))
    for block in range(len(start) - 1):
        first, last = start[block], start[block + 1]
        size = last - first
        whole = 0.0
        for o in range(first, last):
            for other in range(first, last):
                out[o] += inverse[node[o], node[other]]
            whole += out[o]
        for o in range(first, last):
            own = inverse[node[o], node[o]] - 2.0 * out[o] / size + whole / size**2
            out[o] = own / (1.0 - 1.0 / size)
    return out


def leverage(start: Ints, node: Ints, *, ratio: float) -> Floats:
    """Share of the error variance of each deviation from its block's mean that fitted random node effects take up.

    Prediction error variance (L + ratio I)⁻¹ of the effects, L the Laplacian of unit weights, `ratio` = error variance /
    variance of the effects; both in units of the error variance. Blocks have two observations or more, of different nodes.
    """
    n = int(node.max(initial=-1)) + 1
    block = np.repeat(np.arange(len(start) - 1), np.diff(start))
    size = np.diff(start).astype(np.float64)
    seen = sparse.csr_array((1.0 / np.sqrt(size[block]), (node, block)), shape=(n, len(start) - 1))
    inverse = grounded(sparse.csr_array(seen @ seen.T), np.full(n, ratio))
    return np.asarray(_leverage(start, node, inverse), dtype=np.float64)


@kernel
def _scores(start, node, squared, variance, bound, consistency, score, own):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Scores of the variances, what each observation tells of its own node's, and 1/Σ(1/v) of its block."""
    left_of = np.empty(len(node))
    for block in range(len(start) - 1):
        first, last = start[block], start[block + 1]
        total = 0.0
        for o in range(first, last):
            total += 1.0 / variance[node[o]]
        for o in range(first, last):
            v, others = variance[node[o]], 0.0  # summed, for 1 − 1/(v total) has no digits where v is next to nothing
            for other in range(first, last):
                if other != o:
                    others += 1.0 / variance[node[other]]
            left = v * (others / total)
            felt = min(squared[o], bound * left) / consistency
            score[o] = 0.5 * (felt - left) / (v * v)
            own[o] = 0.5 * (others / total / v) ** 2
            left_of[o] = 1.0 / total
    return left_of


@kernel
def _squares(start, node, y, variance, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    for block in range(len(start) - 1):
        first, last = start[block], start[block + 1]
        total, summed = 0.0, 0.0
        for o in range(first, last):
            total += 1.0 / variance[node[o]]
            summed += y[o] / variance[node[o]]
        for o in range(first, last):
            out[o] = (y[o] - summed / total) ** 2


MEDIAN_CHI_SQUARE = 0.454936423119572
CORNER = 3.0
CONSISTENCY = 0.9950072780344534
"""E min(Z², 3²) of a standard normal Z, so that ordinary errors are not called precise for being cut."""


def node_variances(start: Ints, node: Ints, y: Floats, clusters: list[Ints], *, n: int, steps: int = 60) -> Precisions:
    """Variance of each of n nodes from the deviations of its observations in their blocks, each block with a free level.

    Residual maximum likelihood by Fisher scoring on log variances, with squared deviations cut at 3² of their variance
    (a bounded influence; heavy tails and gross errors would otherwise make a laboratory imprecise). The clustered covariance is
    H⁻¹ (Σ s s') H⁻¹ over clusters of scores, H the information, added over the ways of clustering (samples, lab × items), less
    the single observations that they share: observations of one sample, and of one laboratory on one item, depend on
    each other. Variances are in units of y². The component must not be bipartite (`separability` > 0).
    """
    squared, score, own = np.zeros(len(y)), np.zeros(len(y)), np.zeros(len(y))
    _squares(start, node, y, np.ones(n), squared)
    variance = np.full(n, max(2.0 * float(np.median(squared)) / MEDIAN_CHI_SQUARE, 1e-12))
    block = np.repeat(np.arange(len(start) - 1), np.diff(start))
    information = sparse.csr_array(sparse.eye_array(n))
    for _ in range(steps):
        _squares(start, node, y, variance, squared)
        shared = _scores(start, node, squared, variance, CORNER**2, CONSISTENCY, score, own)
        information = _information(node, block, variance, shared, own, n)
        scale = sparse.diags_array(variance, format="csr")
        scaled = sparse.csr_array(scale @ information @ scale) + sparse.diags_array(1e-9 * information.diagonal() * variance**2)
        gradient = np.bincount(node, weights=score, minlength=n) * variance
        step = approached(sparse.csr_array(scaled), gradient[:, None], tolerance=1e-10, most=MOST)[0][:, 0]
        variance = variance * np.exp(np.clip(step, -0.7, 0.7))
        if np.abs(step).max(initial=0.0) < 1e-10:
            break
    sums, inverse = [_summed(score, node, cluster, n) for cluster in clusters], _inverse(information)
    grown = len(node) / max(len(node) - 1, 1)
    alone = (1.0 - len(clusters)) * grown * np.bincount(node, weights=score**2, minlength=n)

    def told(first: int) -> Floats:
        columns = np.ascontiguousarray(inverse[:, first : first + WIDE])
        shared = sum(squares(one, columns) for one in sums)
        return np.asarray(shared + (alone[:, None] * columns**2).sum(axis=0))

    clustered = np.concatenate([*in_order(told, range(0, n, WIDE))])
    model = np.diag(inverse)
    return Precisions(variance, model / variance**2, clustered / variance**2)


def _information(node: Ints, block: Ints, variance: Floats, shared: Floats, own: Floats, n: int) -> sparse.csr_array:
    """Information on the variances (nodes × nodes): ½ (1/(v v' Σ(1/v)))² of every two observations of a block beside the
    diagonal, `own` on it."""
    seen = sparse.csr_array((np.sqrt(0.5) * shared / variance[node] ** 2, (node, block)), shape=(n, int(block.max()) + 1))
    beside = sparse.csr_array(seen @ seen.T)
    beside.setdiag(0.0)
    return sparse.csr_array(beside + sparse.diags_array(np.bincount(node, weights=own, minlength=n)))


def _inverse(information: sparse.csr_array) -> Floats:
    """Inverse of the information with the share of its diagonal added, 1e-12 at first, that lets it have one."""
    for ridge in (1e-12, 1e-10, 1e-8):
        try:
            out = np.asarray((information + sparse.diags_array(ridge * information.diagonal())).toarray())
            invert(out)
            return out
        except ValueError:
            continue
    raise ValueError("precision: the information on the variances has no inverse; expected a network that is not bipartite")


def _summed(score: Floats, node: Ints, cluster: Ints, n: int) -> sparse.csr_array:
    """Scores summed by cluster and node (clusters × nodes), times √(C/(C − 1)) of the number of clusters."""
    names, of = np.unique(cluster, return_inverse=True)
    grown = np.sqrt(len(names) / max(len(names) - 1, 1))
    return sparse.csr_array((score * grown, (of, node)), shape=(len(names), n))


@kernel
def _expected(start, node, y, left, variance, bound, consistency, summed):  # type: ignore[no-untyped-def]  # pragma: no cover
    summed[:] = 0.0
    for block in range(len(start) - 1):
        first, last = start[block], start[block + 1]
        total, weighted = 0.0, 0.0
        for o in range(first, last):
            total += 1.0 / variance[node[o]]
            weighted += y[o] / variance[node[o]]
        for o in range(first, last):
            own = variance[node[o]] - 1.0 / total
            squared = (y[o] - weighted / total) ** 2 / left[o]
            summed[node[o]] += min(squared, bound * own) / consistency + 1.0 / total


def shrunken_variances(start: Ints, node: Ints, y: Floats, left: Floats, *, n: int, prior: float, steps: int = 100) -> Floats:
    """Variance of each node over that of all, drawn to 1 with the weight of `prior` observations: usable in every network.

    Expectation–maximisation with a scaled inverse-χ² prior: E[e² | block] = (deviation from the precision-weighted mean)² +
    1/Σ(1/v), squared deviations cut at 3² of their variance and divided by `left`, the share that the fitted effects leave.
    Without odd cycles the prior alone separates partners, half and half. Nodes without observations get 1. Source of the prior:
    Smyth 2004, doi:10.2202/1544-6115.1027.
    """
    variance, summed = np.ones(n), np.zeros(n)
    count = np.bincount(node, minlength=n)
    for _ in range(steps):
        _expected(start, node, y, left, variance, CORNER**2, CONSISTENCY, summed)
        middle = float(summed.sum() / max(count.sum(), 1))
        new = (prior * middle + summed) / (prior + count)
        settled = float(np.abs(new / variance - 1.0).max(initial=0.0)) < 1e-8
        variance = new
        if settled:
            break
    return np.asarray(variance / np.median(variance[count > 0]))


class Evidence(NamedTuple):
    """Degrees of freedom that the clustered residuals hold, and those, fewer, of the interval and the test."""

    held: Floats
    cautious: Floats


def effective_df(found: Precisions) -> Evidence:
    """Degrees of freedom of a χ² whose logarithm varies as that of each estimated variance: 2 / Var(log).

    `held`: Var(log) is the model's times what clustering adds in the median laboratory. `cautious`: the largest of that, the
    laboratory's own clustered variance, and the model's times the robust spread of all laboratories around their median in its
    units. The last holds real differences of precision too, so it bounds the error from above: on simulated networks the
    clustered variance alone is half of what it should be (heavy tails, fitted lab × item effects).
    """
    model = np.maximum(found.log_model, 1e-300)
    gap = np.log(found.variance) - np.median(np.log(found.variance))
    clustered = model * max(float(np.median(found.log_clustered / model)), 1.0)
    spread = model * (float(np.median(gap**2 / model)) / MEDIAN_CHI_SQUARE)
    return Evidence(2.0 / clustered, 2.0 / np.maximum(np.maximum(found.log_clustered, clustered), spread))
