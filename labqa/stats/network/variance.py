"""Variance components of a network fit, by moments from cross-products of its residuals; and what they make of a contrast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from labqa.stats.kernels import kernel
from labqa.stats.network.blocks import Fit, felt_variance, product

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Grouping:
    """Random effects of one kind: Z (observations × groups) and the laboratory to which each group belongs (−1: none)."""

    matrix: sparse.csr_array
    owner: Ints


class Moments(NamedTuple):
    """Squared group sums of weighted residuals by kind and laboratory (K × labs), and what each variance adds to them (K
    × K × labs)."""

    observed: Floats
    expected: Floats


class Components(NamedTuple):
    """Variances by kind (K), their covariance (K × K) and which could be told apart (K)."""

    variance: Floats
    covariance: Floats
    identified: NDArray[np.bool_]


@kernel
def _sparse_column(pointer, index, value, column, inverse, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    out[:] = 0.0
    for a in range(pointer[column], pointer[column + 1]):
        for i in range(len(out)):
            out[i] += value[a] * inverse[index[a], i]


@kernel
def _shared(sp, si, sv, up, ui, uv, first, kind, owner, now, inverse, squares, crossed, corrected):  # type: ignore[no-untyped-def]  # pragma: no cover
    felt = np.zeros(len(inverse))
    for column in range(len(sp) - 1):
        h = first + column
        if corrected:
            _sparse_column(up, ui, uv, h, inverse, felt)
        for a in range(sp[column], sp[column + 1]):
            g, s = si[a], sv[a]
            squares[kind[g], now, owner[g]] += s * s
            if kind[g] != now:
                squares[now, kind[g], owner[h]] += s * s
            if corrected:
                dot = 0.0
                for b in range(up[g], up[g + 1]):
                    dot += uv[b] * felt[ui[b]]
                crossed[kind[g], now] += s * dot


def moments(fitted: Fit, groupings: list[Grouping], *, n_labs: int, corrected: bool = True) -> Moments:
    """Group sums of the residual scores of one connected component, squared, and their expectation per unit of each variance.

    With ρ = Q y, Q = P − P X A⁻ X'P: observed_k = ‖Z_k'ρ‖², expected_kj = ‖Z_k'QZ_j‖²_F, so that E observed = expected σ²
    exactly for fixed weights (the normal equations of MINQUE; Rao 1972, doi:10.2307/2284451). Both are split by the laboratory
    of the group in k, the expectation in proportion to ‖Z_k'PZ_j‖². Groups without an owner are counted under the last column
    (n_labs). `corrected=False` leaves out what the fitted laboratories take (P for Q): a start, cheaper.
    """
    kinds = len(groupings)
    every = sparse.csc_array(sparse.hstack([one.matrix for one in groupings]))
    width = [one.matrix.shape[1] for one in groupings]
    ends = np.cumsum([0, *width])
    kind = np.repeat(np.arange(kinds), width)
    owner = np.concatenate([one.owner for one in groupings])
    owner = np.where(owner >= 0, owner, n_labs)
    profile = fitted.profile
    link = (
        sparse.csc_array(fitted.nodes.T @ (profile @ every)) if corrected else sparse.csc_array((len(fitted.effect), len(kind)))
    )
    squares, crossed = np.zeros((kinds, kinds, n_labs + 1)), np.zeros((kinds, kinds))
    for j in range(kinds):
        seen = sparse.csc_array(every[:, : ends[j + 1]].T @ (profile @ every[:, ends[j] : ends[j + 1]]))
        _shared(
            seen.indptr, seen.indices, seen.data, link.indptr, link.indices, link.data,
            ends[j], kind, owner, j, fitted.inverse, squares, crossed, corrected,
        )  # fmt: skip
    crossed = np.triu(crossed) + np.triu(crossed, 1).T
    total = squares.sum(axis=2)
    exact = total.copy()
    if corrected:
        inner = [product(fitted.inverse, felt_variance(fitted, one.matrix)) for one in groupings]
        exact = total - 2 * crossed + np.array([[float((a * b.T).sum()) for b in inner] for a in inner])
    factor = np.where(total > 0, np.maximum(exact, 0.0) / np.where(total > 0, total, 1.0), 0.0)
    sums = (every.T @ fitted.score) ** 2
    by_lab = np.bincount(kind * (n_labs + 1) + owner, weights=sums, minlength=kinds * (n_labs + 1))
    observed = np.asarray(by_lab, dtype=np.float64).reshape(kinds, n_labs + 1)
    return Moments(observed, squares * factor[:, :, None])


def solve_components(found: Moments, *, known: Floats) -> Components:
    """Non-negative variances that solve the moments, in the order in which the kinds are given; NaN in `known` (K) is unknown.

    A kind that the earlier ones already explain (its column of the moments is a combination of theirs) is not identified
    and set to 0: put first what a variance must be charged to in doubt. Negative solutions are set to 0, the most negative
    first. The covariance treats laboratories as clusters, doubled since each residual belongs to two laboratories.
    """
    kinds = len(known)
    system, right = found.expected.sum(axis=2), found.observed.sum(axis=1)
    variance = np.where(np.isnan(known), 0.0, known)
    right = right - system @ variance
    free = [k for k in range(kinds) if np.isnan(known[k]) and system[k, k] > 0]
    kept: list[int] = []
    for k in free:
        if _adds(system, kept, k):
            kept.append(k)
    identified = np.array([not np.isnan(known[k]) or k in kept for k in range(kinds)])
    active = list(kept)
    while active:
        solved = np.linalg.solve(system[np.ix_(active, active)], right[active])
        if solved.min() >= 0:
            variance[active] = solved
            break
        del active[int(np.argmin(solved / np.sqrt(np.diag(np.linalg.inv(system[np.ix_(active, active)])))))]
    gap = found.observed - np.einsum("kjl,j->kl", found.expected, variance)
    covariance = np.zeros((kinds, kinds))
    if active:
        inverse = np.linalg.inv(system[np.ix_(active, active)])
        meat = 2.0 * product(gap[active], gap[active].T)
        covariance[np.ix_(active, active)] = product(product(inverse, meat), inverse)
    return Components(variance, covariance, identified)


def _adds(system: Floats, kept: list[int], k: int) -> bool:
    """Whether kind k is more than a combination of those kept: squared distance to their span above 1e-4 of its length."""
    if not kept:
        return True
    among = system[np.ix_(kept, kept)]
    explained = float(system[k, kept] @ np.linalg.solve(among, system[kept, k]))
    return bool(system[k, k] - explained > 1e-4 * system[k, k])


class Spread(NamedTuple):
    """Variance of contrasts by kind (contrasts × K), in all and from groups of each contrast's own laboratory."""

    total: Floats
    own: Floats


def spread(fitted: Fit, groupings: list[Grouping], contrasts: Floats, *, lab: Ints, needed: NDArray[np.bool_]) -> Spread:
    """Per unit of each variance, the variance of the contrasts C effect: diag(C A⁻ X'P Z Z' P X A⁻ C') for each kind.

    `contrasts` is (m × nodes), row i about laboratory `lab[i]`; `own` counts the groups that this laboratory owns.
    Kinds that are not `needed` (K) stay 0.
    """
    rows = product(contrasts, fitted.inverse)
    total, own = np.zeros((len(rows), len(groupings))), np.zeros((len(rows), len(groupings)))
    for k in np.flatnonzero(needed):
        one = groupings[k]
        total[:, k] = np.einsum("ij,ij->i", product(rows, felt_variance(fitted, one.matrix)), rows)
        own[:, k] = _own(fitted, rows, one, lab)
    return Spread(total, np.minimum(own, total))


def _own(fitted: Fit, rows: Floats, one: Grouping, lab: Ints) -> Floats:
    """Sum over the groups of each row's laboratory of the squared effect of the group on that row's contrast."""
    row_of = np.full(int(max(one.owner.max(initial=-1), lab.max(initial=-1))) + 2, -1)
    row_of[lab] = np.arange(len(lab))
    entries = one.matrix.tocoo()
    row = row_of[one.owner[entries.col]]
    block = fitted.roots.indices[entries.row]
    over_blocks = np.asarray((fitted.roots.T @ (fitted.nodes @ rows.T)).T)
    direct = fitted.weight[entries.row] * rows[row, fitted.node[entries.row]]
    felt = entries.data * (direct - fitted.roots.data[entries.row] * over_blocks[row, block])
    effect = np.bincount(entries.col, weights=np.where(row >= 0, felt, 0.0), minlength=one.matrix.shape[1])
    mine = row_of[one.owner]
    return np.asarray(np.bincount(mine[mine >= 0], weights=effect[mine >= 0] ** 2, minlength=len(lab)), dtype=np.float64)
