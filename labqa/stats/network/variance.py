"""Variance components of a network fit, by moments from cross-products of its residuals; and what they make of a contrast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from labqa.stats.kernels import kernel
from labqa.stats.network.blocks import DENSE, Fit, product
from labqa.stats.network.columns import WIDTH
from labqa.stats.network.zero import Centres

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
ROWS = 256
"""Rows of a product that are formed at a time, so that one that is not wanted takes no room."""
PROBES = 64
"""Random vectors by which traces are estimated where a network is too large to be inverted."""


NEGLIGIBLE = 1e-9
"""Share of a moment below which what the fitted laboratories leave of it is rounding: the kind shows nothing."""


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
def _shared(pointer, index, value, first, kind, owner, now, squares):  # type: ignore[no-untyped-def]  # pragma: no cover
    for column in range(len(pointer) - 1):
        h = first + column
        for a in range(pointer[column], pointer[column + 1]):
            g, s = index[a], value[a]
            squares[kind[g], now, owner[g]] += s * s
            if kind[g] != now:
                squares[now, kind[g], owner[h]] += s * s


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
    squares = np.zeros((kinds, kinds, n_labs + 1))
    for j in range(kinds):
        seen = sparse.csc_array(every[:, : ends[j + 1]].T @ (profile @ every[:, ends[j] : ends[j + 1]]))
        _shared(seen.indptr, seen.indices, seen.data, ends[j], kind, owner, j, squares)
    total = squares.sum(axis=2)
    exact = total - _taken(fitted, groupings) if corrected else total
    seen = exact > NEGLIGIBLE * total
    factor = np.where(seen, exact / np.where(seen, total, 1.0), 0.0)
    sums = (every.T @ fitted.score) ** 2
    by_lab = np.bincount(kind * (n_labs + 1) + owner, weights=sums, minlength=kinds * (n_labs + 1))
    observed = np.asarray(by_lab, dtype=np.float64).reshape(kinds, n_labs + 1)
    return Moments(observed, squares * factor[:, :, None])


def _taken(fitted: Fit, groupings: list[Grouping]) -> Floats:
    """‖Z_a'PZ_b‖² − ‖Z_a'QZ_b‖² for each pair of kinds (K × K): what the fitted laboratories take.

    2 tr(A⁻ X'P Z_a Z_a'P Z_b Z_b'P X) − tr(A⁻ M_a A⁻ M_b), M = X'P Z Z'P X: column by column of A⁻, or, beyond `DENSE`
    nodes, by `PROBES` random vectors of ±1 (Hutchinson 1989, doi:10.1080/03610918908812806), whose error there is below 1 %
    of a term that is itself a share of the whole.
    """
    n = len(fitted.effect)
    probes = np.eye(n) if n <= DENSE else signs(n, PROBES)
    share = 1.0 if n <= DENSE else 1.0 / PROBES
    taken, kept = np.zeros((len(groupings), len(groupings))), []
    for first in range(0, probes.shape[1], WIDTH):
        probe = probes[:, first : first + WIDTH]
        solved = fitted.inverse[:, first : first + WIDTH] if n <= DENSE else fitted.solved(probe - probe.mean(axis=0))
        felt, seen = fitted.profiled(solved), fitted.profiled(probe)
        left = [one.matrix @ (one.matrix.T @ felt) for one in groupings]
        right = [fitted.projected(one.matrix @ (one.matrix.T @ seen)) for one in groupings]
        taken += 2.0 * share * np.array([[float((a * b).sum()) for b in right] for a in left])
        back = [fitted.nodes.T @ fitted.projected(one) for one in left]
        if n <= DENSE:
            kept.append(back)
        else:
            ahead = [fitted.solved(np.asarray(fitted.nodes.T @ one)) for one in right]
            taken -= share * np.array([[float((a * b).sum()) for b in ahead] for a in back])
    if n <= DENSE:
        whole = [np.hstack([back[k] for back in kept]) for k in range(len(groupings))]
        taken -= np.array([[float((a * b.T).sum()) for b in whole] for a in whole])
    return np.asarray(0.5 * (taken + taken.T))


@kernel
def _signs(out):  # type: ignore[no-untyped-def]  # pragma: no cover
    for i in range(out.shape[0]):
        for c in range(out.shape[1]):
            mixed = np.uint64(i * out.shape[1] + c + 1) * np.uint64(0x9E3779B97F4A7C15)
            mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            out[i, c] = 1.0 if mixed >> np.uint64(63) else -1.0


def signs(n: int, width: int) -> Floats:
    """n × width numbers ±1 that look random and are always the same (SplitMix64 of their place, its top bit)."""
    out = np.empty((n, width))
    _signs(out)
    return out


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


class Contrasts(NamedTuple):
    """Contrasts c_i = factor_i × (its node) − (its base): a laboratory against what few or many have in common.

    `node`, `factor`, `base` (m); `bases` (bases × nodes), one row for each zero that several contrasts share.
    """

    node: Ints
    factor: Floats
    base: Ints
    bases: Floats

    def columns(self, first: int, last: int) -> Floats:
        """Contrasts first … last − 1 as columns (nodes × contrasts)."""
        out = -self.bases[self.base[first:last]].T
        out[self.node[first:last], np.arange(out.shape[1])] += self.factor[first:last]
        return np.ascontiguousarray(out)


def against_node(node: int, *, n: int, nodes: int) -> Contrasts:
    """Each of the first n of `nodes` nodes less that one."""
    bases = np.zeros((1, nodes))
    bases[0, node] = 1.0
    return Contrasts(np.arange(n), np.ones(n), np.zeros(n, np.int64), bases)


def against_others(centres: Centres, *, nodes: int) -> Contrasts:
    """Each of the first n of `nodes` nodes less the centre of the others, by its weights."""
    n = len(centres.centre)
    inside = centres.inside
    count = np.maximum(centres.last - centres.first - inside, 1)
    names, base = np.unique(np.stack([centres.first, centres.last, count]), axis=1, return_inverse=True)
    bases = np.zeros((names.shape[1], nodes))
    for row, (first, last, shared) in enumerate(names.T):
        bases[row, centres.order[first:last]] = 1.0 / shared
    return Contrasts(np.arange(n), 1.0 + inside / count, base.ravel(), bases)


def written_out(rows: Floats) -> Contrasts:
    """Contrasts given by their coefficients (m × nodes)."""
    return Contrasts(np.zeros(len(rows), np.int64), np.zeros(len(rows)), np.arange(len(rows)), -rows)


def spread(
    fitted: Fit, groupings: list[Grouping], contrasts: Contrasts | Floats, *, lab: Ints, needed: NDArray[np.bool_]
) -> Spread:
    """Per unit of each variance, the variance of the contrasts C effect: diag(C A⁻ X'P Z Z' P X A⁻ C') for each kind.

    Contrast i (rows of C sum to 0) is about laboratory `lab[i]`; `own` counts the groups that this laboratory owns.
    Kinds that are not `needed` (K) stay 0. `WIDTH` contrasts at a time, each in as many operations as laboratories share a
    group, and nothing of nodes × nodes or nodes × groups is held.
    """
    contrasts = contrasts if isinstance(contrasts, Contrasts) else written_out(contrasts)
    m, kinds = len(contrasts.node), np.flatnonzero(needed)
    total, own = np.zeros((m, len(groupings))), np.zeros((m, len(groupings)))
    inverse = fitted.inverse if len(fitted.effect) <= DENSE else None
    bases = product(contrasts.bases, inverse) if inverse is not None else None
    kept = [felt(fitted, groupings[k], int(lab.max(initial=-1)) + 1) for k in kinds]
    for first in range(0, m, WIDTH):
        last = min(first + WIDTH, m)
        if inverse is None or bases is None:
            rows = fitted.solved(contrasts.columns(first, last))
        else:
            rows = inverse[:, contrasts.node[first:last]] * contrasts.factor[first:last] - bases[contrasts.base[first:last]].T
        rows = np.ascontiguousarray(rows)
        for k, one in zip(kinds, kept, strict=True):
            total[first:last, k] = one.total(rows)
            own[first:last, k] = one.own(rows, lab[first:last])
    return Spread(total, np.minimum(own, total))


class Felt(NamedTuple):
    """What groups of one kind do to the normal equations: H' = Z'P X by rows (groups × nodes), the groups of each laboratory,
    and M = H H' above the diagonal where it has fewer entries; groups of variance 1 bring the variance M into them."""

    effects: sparse.csr_array
    first: Ints
    group: Ints
    joint: sparse.csr_array | None

    def total(self, columns: Floats) -> Floats:
        """‖H' x‖² of each column (nodes × m); since M 1 = 0 also −Σ_{i<j} M_ij (x_i − x_j)²."""
        out = np.zeros(columns.shape[1])
        one = self.effects if self.joint is None else self.joint
        (_squares if self.joint is None else _energy)(one.indptr, one.indices, one.data, columns, out)
        return out

    def applied(self, columns: Floats) -> Floats:
        """M x of each column (nodes × m); its rows sum to 0."""
        if self.joint is None:
            return np.asarray(self.effects.T @ (self.effects @ columns))
        beside = sparse.csr_array(self.joint + self.joint.T)
        return np.asarray(beside @ columns - np.asarray(beside.sum(axis=1))[:, None] * columns)

    def own(self, columns: Floats, lab: Ints) -> Floats:
        """That of the groups of each column's laboratory."""
        one = self.effects
        return np.asarray(_own(one.indptr, one.indices, one.data, self.first, self.group, columns, lab))


def felt(fitted: Fit, one: Grouping, n_labs: int) -> Felt:
    """What the groups of one kind do to the normal equations of a fit; their owners are laboratories 0 … n_labs − 1."""
    direct = fitted.nodes.T @ sparse.csr_array(sparse.diags_array(fitted.weight, format="csr") @ one.matrix)
    effects = sparse.csr_array(sparse.csr_array(direct - fitted.across @ (fitted.roots.T @ one.matrix)).T)
    first, group = _by_owner(one.owner, n_labs)
    return Felt(effects, first, group, _joint(effects))


def _joint(effects: sparse.csr_array) -> sparse.csr_array | None:
    """H H' above the diagonal, from H' (groups × nodes); None as soon as it has more entries than H."""
    turned, rows, entries = sparse.csr_array(effects.T), [], 0
    for first in range(0, turned.shape[0], ROWS):
        rows.append(sparse.triu(turned[first : first + ROWS] @ effects, k=first + 1, format="csr"))
        entries += rows[-1].nnz
        if entries > effects.nnz:
            return None
    return sparse.csr_array(sparse.vstack(rows, format="csr"))


def _by_owner(owner: Ints, n: int) -> tuple[Ints, Ints]:
    """Groups of each laboratory 0 … n − 1: where they begin, and which they are."""
    order = np.argsort(owner, kind="stable")
    return np.searchsorted(owner[order], np.arange(n + 1)).astype(np.int64), order


@kernel
def _squares(pointer, index, value, columns, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    effect = np.empty(len(out))
    for g in range(len(pointer) - 1):
        effect[:] = 0.0
        for e in range(pointer[g], pointer[g + 1]):
            factor, row = value[e], columns[index[e]]
            for c in range(len(effect)):
                effect[c] += factor * row[c]
        for c in range(len(effect)):
            out[c] += effect[c] * effect[c]


@kernel
def _energy(pointer, index, value, columns, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    for i in range(len(pointer) - 1):
        here = columns[i]
        for e in range(pointer[i], pointer[i + 1]):
            factor, there = value[e], columns[index[e]]
            for c in range(len(out)):
                gap = here[c] - there[c]
                out[c] -= factor * gap * gap


@kernel
def _own(pointer, index, value, first, group, columns, lab):  # type: ignore[no-untyped-def]  # pragma: no cover
    out = np.zeros(len(lab))
    for c in range(len(lab)):
        for a in range(first[lab[c]], first[lab[c] + 1]):
            effect = 0.0
            for e in range(pointer[group[a]], pointer[group[a] + 1]):
                effect += value[e] * columns[index[e], c]
            out[c] += effect * effect
    return out
