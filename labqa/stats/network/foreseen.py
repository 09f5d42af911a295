"""What a network of unit weights will tell before any result is there: errors of contrasts, information on precision."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labqa.stats.network.blocks import block_roots, incidence
from labqa.stats.network.components import paired
from labqa.stats.network.felt import Grouping
from labqa.stats.network.variance import Spread

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def foreseen_spread(start: Ints, node: Ints, groupings: list[Grouping]) -> Spread:
    """Variance, by kind, of each node's effect less the mean effect of the others, in the plain fit of one component.

    C A⁺ H_k H_k' A⁺ C', H_k = X'P Z_k, A = X'PX, for n ≥ 2 nodes; `own` is the part of groups that the node owns. What
    `variance.spread` gives for a fit, here by BLAS and column by column of H: 20 times as fast on hubs, whose groups span
    thousands of blocks, but not the same bits on any machine, which a plan need not be.
    """
    n, weight = int(node.max()) + 1, np.ones(len(node))
    nodes, roots = incidence(node, n=n), block_roots(start, weight)
    across = nodes.T @ roots
    laplacian = np.diag(np.bincount(node, minlength=n).astype(np.float64)) - (across @ across.T).toarray()
    inverse = np.linalg.inv(laplacian + 1.0 / n)
    rows = (np.eye(n) - (1.0 - np.eye(n)) / (n - 1)) @ inverse
    total, own = np.zeros((n, len(groupings))), np.zeros((n, len(groupings)))
    for k, one in enumerate(groupings):
        felt = (nodes.T @ one.matrix - across @ (roots.T @ one.matrix)).tocoo()
        total[:, k] = np.einsum("ij,ij->i", rows @ (felt @ felt.T).toarray(), rows)
        effect = np.bincount(felt.col, weights=rows[one.owner[felt.col], felt.row] * felt.data, minlength=len(one.owner))
        own[:, k] = np.bincount(one.owner, weights=effect**2, minlength=n)
    return Spread(total, own)


def precision_df(start: Ints, node: Ints, *, per_block: float) -> Floats:
    """Degrees of freedom, 2 / Var(log σ̂²), that blocks of equal precision hold of each node's variance.

    Inverse of the information of residual maximum likelihood on log variances at equal variances: a block of m adds
    (1 − 1/m)²/2 to each of its nodes and 1/(2m²) to each of their pairs, `per_block` times. For one component of n ≥ 2 nodes
    that is not bipartite (`odd_cycles`); others separate nothing.
    """
    n, size = int(node.max()) + 1, np.diff(start).astype(np.float64)
    block = np.repeat(np.arange(len(size)), np.diff(start))
    share = incidence(block, n=len(size), scale=1.0 / size[block]).T @ incidence(node, n=n)
    information = 0.5 * (share.T @ share).toarray()
    np.fill_diagonal(information, np.bincount(node, weights=0.5 * (1.0 - 1.0 / size[block]) ** 2, minlength=n))
    return np.asarray(2.0 * per_block / np.diag(np.linalg.inv(information)))


def odd_cycles(start: Ints, node: Ints, *, n: int) -> NDArray[np.bool_]:
    """Whether the connected component of each of n nodes has an odd cycle, that is, is not bipartite.

    Each block is entered by the pairs of its first node, and the pair of its second and third: a block of three is itself an
    odd cycle. No block is empty.
    """
    others = np.setdiff1d(np.arange(len(node)), start[:-1])
    three = start[:-1][np.diff(start) > 2]
    a = np.concatenate([np.repeat(node[start[:-1]], np.diff(start) - 1), node[three + 1]])
    b = np.concatenate([node[others], node[three + 2]])
    return np.asarray(~paired(a, b, n=n).bipartite)
