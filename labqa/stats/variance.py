"""Variance components of a network fit, by moments from cross-products of its residuals; and what they make of a contrast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from labqa.stats.network import Fit, between, product

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Grouping:
    """Random effects of one kind: Z (observations × groups) and the laboratory to which each group belongs (−1: none)."""

    matrix: sparse.csr_array
    owner: Ints


class Moments(NamedTuple):
    """Squared group sums of weighted residuals by kind and laboratory (K × labs), and what each variance adds to them (K × K × labs)."""

    observed: Floats
    expected: Floats


class Components(NamedTuple):
    """Variances by kind (K), their covariance (K × K) and which could be told apart (K)."""

    variance: Floats
    covariance: Floats
    identified: NDArray[np.bool_]


def moments(fitted: Fit, groupings: list[Grouping], *, n_labs: int) -> Moments:
    """Group sums of the residual scores of one connected component, squared, and their expectation per unit of each variance.

    With ρ = Q y, Q = P − P X A⁻ X'P: observed_k = ‖Z_k'ρ‖², expected_kj = ‖Z_k'QZ_j‖²_F, so that E observed = expected σ²
    exactly for fixed weights (Henderson's method 3 in spirit; MINQUE(0) for unit weights; Rao 1972, doi:10.2307/2284451).
    Both are split by the laboratory of the group in k, the expectation in proportion to ‖Z_k'PZ_j‖². Groups without an owner
    are counted under the last column (n_labs).
    """
    kinds = len(groupings)
    links = [between(fitted, one.matrix) for one in groupings]
    owners = [np.where(one.owner >= 0, one.owner, n_labs) for one in groupings]
    inner = [product(fitted.inverse, (link @ link.T).toarray()) for link in links]
    observed = np.zeros((kinds, n_labs + 1))
    expected = np.zeros((kinds, kinds, n_labs + 1))
    for k, one in enumerate(groupings):
        sums = one.matrix.T @ fitted.score
        observed[k] = np.bincount(owners[k], weights=sums * sums, minlength=n_labs + 1)
        projected = sparse.csr_array(one.matrix.T @ fitted.profile)
        for j in range(k, kinds):
            shared = sparse.csr_array(projected @ groupings[j].matrix)
            squares = sparse.csr_array((shared.data**2, shared.indices, shared.indptr), shape=shared.shape)
            total = float(squares.data.sum())
            crossed = (links[k] @ shared @ links[j].T).toarray()
            exact = total - 2 * float((crossed * fitted.inverse).sum()) + float((inner[j] * inner[k].T).sum())
            factor = max(exact, 0.0) / total if total > 0 else 0.0
            expected[k, j] = factor * np.bincount(owners[k], weights=squares.sum(axis=1), minlength=n_labs + 1)
            expected[j, k] = factor * np.bincount(owners[j], weights=squares.sum(axis=0), minlength=n_labs + 1)
    return Moments(observed, expected)


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
    return system[k, k] - explained > 1e-4 * system[k, k]


class Spread(NamedTuple):
    """Variance of contrasts by kind (contrasts × K), in all and from groups of each contrast's own laboratory."""

    total: Floats
    own: Floats


def spread(fitted: Fit, groupings: list[Grouping], contrasts: Floats, *, lab: Ints) -> Spread:
    """Per unit of each variance, the variance of the contrasts C effect: diag(C A⁻ X'P Z Z' P X A⁻ C') for each kind.

    `contrasts` is (m × nodes), row i about laboratory `lab[i]`; `own` counts the groups that this laboratory owns.
    """
    rows = product(contrasts, fitted.inverse)
    total, own = np.zeros((len(rows), len(groupings))), np.zeros((len(rows), len(groupings)))
    for k, one in enumerate(groupings):
        link = between(fitted, one.matrix)
        total[:, k] = np.einsum("ij,ij->i", product(rows, (link @ link.T).toarray()), rows)
        own[:, k] = _own(rows, link, one.owner, lab)
    return Spread(total, np.minimum(own, total))


def _own(rows: Floats, link: sparse.csr_array, owner: Ints, lab: Ints) -> Floats:
    """Sum over the groups of each row's laboratory of the squared effect of the group on that row's contrast."""
    by_group = sparse.csc_array(link)
    row_of = np.full(int(max(owner.max(initial=-1), lab.max(initial=-1))) + 2, -1)
    row_of[lab] = np.arange(len(lab))
    group = np.repeat(np.arange(link.shape[1]), np.diff(by_group.indptr))
    row = row_of[owner[group]]
    felt = np.where(row >= 0, by_group.data * rows[row, by_group.indices], 0.0)
    effect = np.bincount(group, weights=felt, minlength=link.shape[1])
    mine = row_of[owner]
    return np.bincount(mine[mine >= 0], weights=effect[mine >= 0] ** 2, minlength=len(lab))
