"""Variance components of a network fit, by moments from cross-products of its residuals; and what they make of a contrast."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from labqa.core.threads import in_order
from labqa.stats.kernels import kernel
from labqa.stats.network.blocks import Fit, product
from labqa.stats.network.columns import WIDE
from labqa.stats.network.felt import Felt, Grouping, applied, felt, spelt_out
from labqa.stats.network.zero import Centres

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
NEGLIGIBLE = 1e-9
"""Share of a moment below which what the fitted laboratories leave of it is rounding: the kind shows nothing."""
ROOM = 0.25
"""Share of the memory of A⁻ that may hold the means of its rows over large blocks."""


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
def _squared(pointer, index, value, owner, of_column, by_row, by_column, alike):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Adds the square of each entry to that of the owner of its row and, unless both kinds are `alike`, of its column."""
    for h in range(len(pointer) - 1):
        for e in range(pointer[h], pointer[h + 1]):
            square = value[e] * value[e]
            by_row[owner[index[e]]] += square
            if not alike:
                by_column[of_column[h]] += square


def moments(fitted: Fit, groupings: list[Grouping], *, n_labs: int, corrected: bool = True) -> Moments:
    """Group sums of the residual scores of one connected component, squared, and their expectation per unit of each variance.

    With ρ = Q y, Q = P − P X A⁻ X'P: observed_k = ‖Z_k'ρ‖², expected_kj = ‖Z_k'QZ_j‖²_F, so that E observed = expected σ²
    exactly for fixed weights (the normal equations of MINQUE; Rao 1972, doi:10.2307/2284451). Both are split by the laboratory
    of the group in k, the expectation in proportion to ‖Z_k'PZ_j‖². Groups without an owner are counted under the last column
    (n_labs). `corrected=False` leaves out what the fitted laboratories take (P for Q): a start, cheaper. They take
    ‖Z_a'PZ_b‖² − ‖Z_a'QZ_b‖² = 2 tr(A⁻ X'P Z_a Z_a'P Z_b Z_b'P X) − tr(A⁻ M_a A⁻ M_b), M = X'P Z Z'P X: exactly, in as many
    operations for each node as laboratories share groups, and with a quarter of nodes × nodes numbers of each kind beside A⁻.
    """
    kinds, profile = len(groupings), fitted.profile
    owner = [np.where(one.owner >= 0, one.owner, n_labs) for one in groupings]
    squares, taken = np.zeros((kinds, kinds, n_labs + 1)), np.zeros((kinds, kinds))
    kept = [felt(fitted, one, n_labs) for one in groupings] if corrected else []
    by_node = [spelt_out(fitted, one.effects).tocsc() for one in kept]
    rows = _Rows(fitted) if corrected else None
    for j in range(kinds):
        columns = sparse.csc_array(profile @ groupings[j].matrix)
        for a in range(j + 1):
            seen = sparse.csc_array(groupings[a].matrix.T @ columns)
            _squared(seen.indptr, seen.indices, seen.data, owner[a], owner[j], squares[a, j], squares[j, a], a == j)
            if rows is not None:
                taken[a, j] = taken[j, a] = _passed_on(by_node[a], seen.tocsr(), kept[j].effects, rows)
    del by_node, rows
    if corrected:
        taken = 2.0 * taken - _sent_back(kept, fitted)
    total = squares.sum(axis=2)
    left = total - taken
    shows = left > NEGLIGIBLE * total
    factor = np.where(shows, left / np.where(shows, total, 1.0), 0.0)
    sums = [(one.matrix.T @ fitted.score) ** 2 for one in groupings]
    observed = [np.bincount(of, weights=sum_, minlength=n_labs + 1) for of, sum_ in zip(owner, sums, strict=True)]
    return Moments(np.array(observed, dtype=np.float64).reshape(kinds, n_labs + 1), squares * factor[:, :, None])


def _passed_on(by_node: sparse.csc_array, seen: sparse.csr_array, others: sparse.csr_array, rows: _Rows) -> float:
    """tr(A⁻ X'P Z_a Z_a'P Z_b Z_b'P X) of two kinds: from Z'P X of the one by nodes, Z_a'P Z_b, and Z'P X of the other with
    large blocks as their means."""
    given = [part for one in (by_node, seen, others) for part in (one.indptr, one.indices, one.data)]
    strips = range(0, len(rows.inverse), rows.step)
    return sum(float(_trace(*given, rows.inverse, first, rows.means(first))) for first in strips)


class _Rows:
    """Rows of A⁻ (nodes × nodes), and `step` of them at a time with their means over the large blocks."""

    def __init__(self, fitted: Fit) -> None:
        self.inverse, self._means = fitted.inverse, fitted.means
        self.step = max(int(ROOM * fitted.n**2 / max(self._means.shape[0], 1)), WIDE)
        self._made: tuple[int, Floats] | None = None

    def means(self, first: int) -> Floats:
        """Means of the rows from `first` on (`step` × large blocks); kept until others are asked for."""
        if self._made is None or self._made[0] != first:
            self._made = first, np.ascontiguousarray((self._means @ self.inverse[:, first : first + self.step]).T)
        return self._made[1]


@kernel
def _sum(begin, end, value, index, row):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Σ value × the entry of the row at its index, in four sums side by side, none of which waits for the others."""
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    fours = begin + (end - begin) // 4 * 4
    for e in range(begin, fours, 4):
        a += value[e] * row[index[e]]
        b += value[e + 1] * row[index[e + 1]]
        c += value[e + 2] * row[index[e + 2]]
        d += value[e + 3] * row[index[e + 3]]
    for e in range(fours, end):
        a += value[e] * row[index[e]]
    return (a + b) + (c + d)


@kernel
def _trace(first, group, felt, pointer, other, shared, begin, index, value, inverse, top, means):  # type: ignore[no-untyped-def]  # pragma: no cover
    """tr(A⁻ H_a S H_b') from the row `top` on: H_a by nodes (nodes × groups), S (groups × groups of the other kind) and H_b' by
    its groups; `means` belong to the rows of A⁻."""
    total, size, n = 0.0, len(begin) - 1, len(inverse)
    row = np.empty(n + means.shape[1])
    passed, place, met = np.zeros(size), np.empty(size, np.int64), np.zeros(size, np.bool_)
    for i in range(top, top + len(means)):
        count, row[:n], row[n:] = 0, inverse[i], means[i - top]
        for a in range(first[i], first[i + 1]):
            for e in range(pointer[group[a]], pointer[group[a] + 1]):
                h = other[e]
                if not met[h]:
                    met[h], passed[h], place[count] = True, 0.0, h
                    count += 1
                passed[h] += felt[a] * shared[e]
        for k in range(count):
            h = place[k]
            total += passed[h] * _sum(begin[h], begin[h + 1], value, index, row)
            met[h] = False
    return total


def _sent_back(kept: list[Felt], fitted: Fit) -> Floats:
    """tr(A⁻ M_a A⁻ M_b) for each pair of kinds (K × K).

    Σ X_a[i, j] X_b[j, i] with X = A⁻ M, strip of rows by strip: what a strip has beside the later ones waits until these come,
    so that each row is made once and no more than a quarter of each X is held.
    """
    n, kinds = fitted.n, len(kept)
    out = np.zeros((kinds, kinds))
    waiting = {first: np.empty((kinds, first, min(WIDE, n - first))) for first in range(0, n, WIDE)}

    made = in_order(lambda first: applied(fitted, kept, first), [*waiting])
    for first, strip in zip([*waiting], made, strict=True):
        before, last = waiting.pop(first), min(first + WIDE, n)
        for a in range(kinds):
            for b in range(kinds):
                out[a, b] += _beside(before[a], strip[b])
                out[b, a] += _beside(before[a], strip[b])
                out[a, b] += _crossed(strip[a][first:last], strip[b][first:last])
        for later, room in waiting.items():
            for a in range(kinds):
                room[a, first:last] = strip[a][later : later + room.shape[2]].T
    return out


@kernel
def _crossed(a, b):  # type: ignore[no-untyped-def]  # pragma: no cover
    """tr(A B), tile by tile."""
    total, n = 0.0, len(a)
    for top in range(0, n, 32):
        for left in range(0, n, 32):
            for i in range(top, min(top + 32, n)):
                for j in range(left, min(left + 32, n)):
                    total += a[i, j] * b[j, i]
    return total


@kernel
def _beside(rows, columns):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Σ of the products of rows with the first of some columns, as many as there are rows."""
    sums = np.zeros(rows.shape[1])
    for i in range(len(rows)):
        row, beside = rows[i], columns[i]
        for c in range(len(sums)):
            sums[c] += row[c] * beside[c]
    return sums.sum()


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
    Kinds that are not `needed` (K) stay 0. `WIDE` contrasts at a time, each in as many operations as laboratories share a
    group; nothing of nodes × groups is held.
    """
    contrasts = contrasts if isinstance(contrasts, Contrasts) else written_out(contrasts)
    m, kinds = len(contrasts.node), np.flatnonzero(needed)
    total, own = np.zeros((m, len(groupings))), np.zeros((m, len(groupings)))
    inverse, bases = fitted.inverse, product(contrasts.bases, fitted.inverse)
    kept = [felt(fitted, groupings[k], int(lab.max(initial=-1)) + 1) for k in kinds]

    def told(first: int) -> None:
        last = min(first + WIDE, m)
        own_rows = inverse[contrasts.node[first:last]] * contrasts.factor[first:last, None]
        rows = fitted.widened((own_rows - bases[contrasts.base[first:last]]).T)
        for k, one in zip(kinds, kept, strict=True):
            total[first:last, k] = one.total(rows)
            own[first:last, k] = one.own(rows, lab[first:last])

    deque(in_order(told, range(0, m, WIDE)), maxlen=0)
    return Spread(total, np.minimum(own, total))


def spread_of_one(fitted: Fit, groupings: list[Grouping], contrast: Floats) -> Floats:
    """`spread` of one contrast (nodes; it sums to 0) from all groups of each kind (K): ‖Z'P X A⁻ c‖²."""
    moved = fitted.profiled(fitted.solved(contrast[:, None]))[:, 0]
    return np.array([float(np.square(one.matrix.T @ moved).sum()) for one in groupings])
