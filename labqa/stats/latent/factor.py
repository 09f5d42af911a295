"""Exact solves with the information of a network, and the diagonal of its inverse and of the sandwich made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from labqa.stats.kernels import kernel
from labqa.stats.network.blocks import product
from labqa.stats.network.inverse import symmetric_inverse

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Order(NamedTuple):
    """In which order parameters are eliminated: `place` of each (n). The first `first` one by one, each leaving entries in the
    rows (places, ascending) of row[begin[v]] … row[begin[v + 1] − 1]; the others are left as a dense core."""

    place: Ints
    begin: Ints
    row: Ints

    @property
    def first(self) -> int:
        """How many are eliminated one by one."""
        return len(self.begin) - 1


@kernel
def _ordered(pointer, index):  # type: ignore[no-untyped-def]  # pragma: no cover
    n = len(pointer) - 1
    joined, degree, left = np.zeros((n, n), np.bool_), np.zeros(n, np.int64), np.ones(n, np.bool_)
    for i in range(n):
        for e in range(pointer[i], pointer[i + 1]):
            joined[i, index[e]] = joined[index[e], i] = index[e] != i
    for i in range(n):
        degree[i] = joined[i].sum()
    place, begin, row = np.empty(n, np.int64), np.zeros(n + 1, np.int64), np.empty(16 * n + 16, np.int64)
    used, done = 0, 0
    beside = np.empty(n, np.int64)
    while done < n:
        v = -1
        for i in range(n):
            if left[i] and (v < 0 or degree[i] < degree[v]):
                v = i
        if degree[v] > 2 and 2 * degree[v] >= n - done - 1:
            break
        left[v] = False
        place[v] = done
        done += 1
        d = 0
        for s in range(n):
            if left[s] and joined[v, s]:
                beside[d] = s
                d += 1
        if used + d > len(row):
            longer = np.empty(2 * len(row) + d, np.int64)
            longer[:used] = row[:used]
            row = longer
        row[used : used + d] = beside[:d]
        used += d
        begin[done] = used
        for p in range(d):
            s = beside[p]
            degree[s] -= 1
            for q in range(d):
                t = beside[q]
                if s != t and not joined[s, t]:
                    joined[s, t] = True
                    degree[s] += 1
    first = done
    for i in range(n):
        if left[i]:
            place[i] = done
            done += 1
    for p in range(used):
        row[p] = place[row[p]]
    for v in range(first):
        row[begin[v] : begin[v + 1]].sort()
    return place, begin[: first + 1].copy(), row[:used].copy()


def ordered(pattern: sparse.csr_array) -> Order:
    """The order of least degree for symmetric matrices with entries where `pattern` (n × n) has them, until half of those left
    would be joined: dense arithmetic is faster from there on. Source: George & Liu 1989, doi:10.1137/1031001."""
    return Order(*_ordered(pattern.indptr, pattern.indices))


@kernel
def _left_core(  # type: ignore[no-untyped-def]  # pragma: no cover
    pointer, index, value, other, at, place, begin, row, lower, pivot, core, lower_1, pivot_1, core_1
):
    """Fills what the parameters that were eliminated leave of the core, and its derivative where there is an `other` matrix;
    `at` is the parameter at each place."""
    n, first, both = len(place), len(begin) - 1, len(other) > 0
    for i in range(first, n):
        for e in range(pointer[at[i]], pointer[at[i] + 1]):
            j = place[index[e]]
            if j >= first:
                core[i - first, j - first] = value[e]
                if both:
                    core_1[i - first, j - first] = other[e]
    for v in range(first):
        p = begin[v]
        while p < begin[v + 1] and row[p] < first:
            p += 1
        for q in range(p, begin[v + 1]):
            factor, here = lower[q] * pivot[v], core[row[q] - first]
            for r in range(p, begin[v + 1]):
                here[row[r] - first] -= factor * lower[r]
            if both:
                factor_1, here_1 = lower_1[q] * pivot[v] + lower[q] * pivot_1[v], core_1[row[q] - first]
                for r in range(p, begin[v + 1]):
                    here_1[row[r] - first] -= factor_1 * lower[r] + factor * lower_1[r]


@kernel
def _factored(  # type: ignore[no-untyped-def]  # pragma: no cover
    pointer, index, value, other, place, begin, row, lower, pivot, core, lower_1, pivot_1, core_1
):
    """Fills L and D of the matrix and what is left of the core, and, where there is an `other` matrix, their derivatives in
    its direction. The place of the pivot that is not positive, else −1."""
    n, first, both = len(place), len(begin) - 1, len(other) > 0
    at = np.empty(n, np.int64)
    for i in range(n):
        at[place[i]] = i
    follow, head, now = np.full(first, -1), np.full(first, -1), begin[:-1].copy()
    work, work_1 = np.zeros(n), np.zeros(n)
    for v in range(first):
        for e in range(pointer[at[v]], pointer[at[v] + 1]):
            work[place[index[e]]] = value[e]
            if both:
                work_1[place[index[e]]] = other[e]
        d, d_1, k = work[v], work_1[v], head[v]
        while k >= 0:
            after, p = follow[k], now[k]
            factor, factor_1 = lower[p] * pivot[k], 0.0
            d -= lower[p] * factor
            for q in range(p + 1, begin[k + 1]):
                work[row[q]] -= lower[q] * factor
            if both:
                factor_1 = lower_1[p] * pivot[k] + lower[p] * pivot_1[k]
                d_1 -= lower_1[p] * factor + lower[p] * factor_1
                for q in range(p + 1, begin[k + 1]):
                    work_1[row[q]] -= lower_1[q] * factor + lower[q] * factor_1
            now[k] = p + 1
            if p + 1 < begin[k + 1] and row[p + 1] < first:
                follow[k] = head[row[p + 1]]
                head[row[p + 1]] = k
            k = after
        if not d > 0.0:
            return v
        pivot[v] = d
        for q in range(begin[v], begin[v + 1]):
            lower[q] = work[row[q]] / d
        if both:
            pivot_1[v] = d_1
            for q in range(begin[v], begin[v + 1]):
                lower_1[q] = (work_1[row[q]] - lower[q] * d_1) / d
        for e in range(pointer[at[v]], pointer[at[v] + 1]):
            work[place[index[e]]] = work_1[place[index[e]]] = 0.0
        for q in range(begin[v], begin[v + 1]):
            work[row[q]] = work_1[row[q]] = 0.0
        if begin[v] < begin[v + 1] and row[begin[v]] < first:
            follow[v] = head[row[begin[v]]]
            head[row[begin[v]]] = v
    _left_core(pointer, index, value, other, at, place, begin, row, lower, pivot, core, lower_1, pivot_1, core_1)
    return -1


@kernel
def _solved(place, begin, row, lower, pivot, core, right):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Solves for every column of `right` (n × m), in place."""
    n, m, first = right.shape[0], right.shape[1], len(begin) - 1
    x = np.empty((n, m))
    for i in range(n):
        x[place[i]] = right[i]
    for v in range(first):
        for q in range(begin[v], begin[v + 1]):
            for c in range(m):
                x[row[q], c] -= lower[q] * x[v, c]
    if m == 1:
        tail = np.zeros(n - first)
        for j in range(n - first):
            factor, beside = x[first + j, 0], core[j]
            for i in range(n - first):
                tail[i] += factor * beside[i]
        x[first:, 0] = tail
    else:
        tails = np.zeros((n - first, m))
        for i in range(n - first):
            for j in range(n - first):
                factor = core[i, j]
                for c in range(m):
                    tails[i, c] += factor * x[first + j, c]
        x[first:] = tails
    for v in range(first - 1, -1, -1):
        for c in range(m):
            x[v, c] /= pivot[v]
        for q in range(begin[v], begin[v + 1]):
            for c in range(m):
                x[v, c] -= lower[q] * x[row[q], c]
    for i in range(n):
        right[i] = x[place[i]]


@kernel
def _selected(begin, row, lower, pivot, core, lower_1, pivot_1, core_1):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Diagonal of the inverse and of its derivative, by the places of the order; those of the core are given."""
    first, n = len(begin) - 1, len(begin) - 1 + len(core)
    diagonal, diagonal_1 = np.empty(n), np.empty(n)
    beside, beside_1, mark = np.zeros(len(lower)), np.zeros(len(lower)), np.full(n, -1)
    for i in range(first, n):
        diagonal[i], diagonal_1[i] = core[i - first, i - first], core_1[i - first, i - first]
    for v in range(first - 1, -1, -1):
        low, high = begin[v], begin[v + 1]
        for p in range(low, high):
            mark[row[p]] = p
        for p in range(low, high):
            s = row[p]
            beside[p] -= diagonal[s] * lower[p]
            beside_1[p] -= diagonal_1[s] * lower[p] + diagonal[s] * lower_1[p]
            if s < first:
                for e in range(begin[s], begin[s + 1]):
                    q = mark[row[e]]
                    if q >= 0:
                        beside[p] -= beside[e] * lower[q]
                        beside[q] -= beside[e] * lower[p]
                        beside_1[p] -= beside_1[e] * lower[q] + beside[e] * lower_1[q]
                        beside_1[q] -= beside_1[e] * lower[p] + beside[e] * lower_1[p]
            else:
                here, here_1 = core[s - first], core_1[s - first]
                for q in range(p + 1, high):
                    z, z_1 = here[row[q] - first], here_1[row[q] - first]
                    beside[p] -= z * lower[q]
                    beside[q] -= z * lower[p]
                    beside_1[p] -= z_1 * lower[q] + z * lower_1[q]
                    beside_1[q] -= z_1 * lower[p] + z * lower_1[p]
        own, own_1 = 1.0 / pivot[v], -pivot_1[v] / (pivot[v] * pivot[v])
        for p in range(low, high):
            own -= lower[p] * beside[p]
            own_1 -= lower_1[p] * beside[p] + lower[p] * beside_1[p]
            mark[row[p]] = -1
        diagonal[v], diagonal_1[v] = own, own_1
    return diagonal, diagonal_1


@dataclass(frozen=True)
class Factor:
    """L and D of a positive definite matrix by the order of its parameters, and the inverse of the core."""

    order: Order
    lower: Floats
    pivot: Floats
    core: Floats

    def solved(self, right: Floats) -> Floats:
        """X with matrix X = right (n × m)."""
        out = np.array(right, dtype=np.float64, order="C")
        _solved(*self.order, self.lower, self.pivot, self.core, out)
        return out


def factored(order: Order, matrix: sparse.csr_array) -> Factor | None:
    """The factor of a symmetric matrix within the pattern of the order; None where it is not positive definite."""
    found = _both(order, matrix, np.zeros(0))
    return None if found is None else found[0]


class Sandwich(NamedTuple):
    """The factor of J, and the diagonals of J⁻¹ and of J⁻¹ M J⁻¹ (n each)."""

    factor: Factor
    bread: Floats
    whole: Floats


def sandwich(matrix: sparse.csr_array, meat: sparse.csr_array) -> Sandwich | None:
    """J⁻¹ and J⁻¹ M J⁻¹ on their diagonals, for J and M of like pattern; None where J is not positive definite.

    The entries of J⁻¹ that belong to entries of L follow from those eliminated later (Takahashi, Fagan & Chin 1973; Erisman &
    Tinney 1975, doi:10.1145/360680.360704); and J⁻¹ M J⁻¹ is −d/dε (J + ε M)⁻¹ at 0, so that the same steps, derived, give it
    at a few times their cost, without a column of either inverse.
    """
    size = matrix.shape[0]
    pattern = sparse.csr_array(abs(matrix) + abs(meat))
    pattern.sort_indices()
    place = np.repeat(np.arange(size), np.diff(pattern.indptr)) * size + pattern.indices
    data = np.zeros((2, pattern.nnz))
    for values, one in zip(data, (matrix, meat), strict=True):
        row = np.repeat(np.arange(size), np.diff(one.indptr))
        np.add.at(values, np.searchsorted(place, row * size + one.indices), one.data)
    whole = sparse.csr_array((data[0], pattern.indices, pattern.indptr), shape=pattern.shape)
    order = ordered(whole)
    found = _both(order, whole, data[1])
    if found is None:
        return None
    factor, lower_1, pivot_1, core_1 = found
    changed = -product(product(factor.core, core_1), factor.core)
    bread, turned = _selected(order.begin, order.row, factor.lower, factor.pivot, factor.core, lower_1, pivot_1, changed)
    return Sandwich(factor, bread[order.place], -turned[order.place])


def _both(order: Order, matrix: sparse.csr_array, other: Floats) -> tuple[Factor, Floats, Floats, Floats] | None:
    """The factor, and the derivatives of L, D and what is left of the core in the direction of `other` (values of the entries;
    none: no derivatives)."""
    core = len(order.place) - order.first
    parts = [(np.zeros(len(order.row)), np.zeros(order.first), np.zeros((core, core))) for _ in range(2)]
    fault = _factored(matrix.indptr, matrix.indices, matrix.data, other, *order, *parts[0], *parts[1])
    if fault >= 0:
        return None
    try:
        inverse = symmetric_inverse(parts[0][2])
    except ValueError:
        return None
    return Factor(order, parts[0][0], parts[0][1], inverse), *parts[1]


FEW, TOLERANCE = 15, 1e-7
"""Conjugate gradients up to which the factor of an earlier matrix serves, and the relative residual they must reach."""


class Steps:
    """Solves with matrices of one pattern, each little different from the one before: with the factor of an earlier one as
    preconditioner of conjugate gradients as long as that serves, else with its own."""

    def __init__(self, pattern: sparse.csr_array) -> None:
        self._order = ordered(pattern)
        self._factor: Factor | None = None

    def diagonal(self, matrix: sparse.csr_array) -> Floats | None:
        """The diagonal of the inverse (n), as `sandwich` has it; None where the matrix is not positive definite."""
        found = _both(self._order, matrix, np.zeros(0))
        if found is None:
            return None
        order, own = self._order, found[0]
        return np.asarray(_selected(order.begin, order.row, own.lower, own.pivot, own.core, *found[1:])[0][order.place])

    def solved(self, matrix: sparse.csr_array, right: Floats) -> Floats | None:
        """x with matrix x = right (n); None where the matrix proves not to be positive definite."""
        if self._factor is not None:
            x = _approached(matrix, self._factor, right)
            if x is not None:
                return x
        self._factor = factored(self._order, matrix)
        return None if self._factor is None else self._factor.solved(right[:, None])[:, 0]


def _approached(matrix: sparse.csr_array, factor: Factor, right: Floats) -> Floats | None:
    """x with matrix x = right by conjugate gradients with the factor of another matrix; None if a few do not reach it."""
    x, residual = np.zeros(len(right)), right.copy()
    direction, size, first = np.zeros(len(right)), 0.0, 0.0
    for step in range(FEW + 1):
        ahead = factor.solved(residual[:, None])[:, 0]
        before, size = size, float((residual * ahead).sum())
        first = size if step == 0 else first
        if size <= TOLERANCE**2 * first:
            return x
        direction = ahead + (size / before if step else 0.0) * direction
        out = matrix @ direction
        curved = float((direction * out).sum())
        if step == FEW or not curved > 0.0:
            return None
        x, residual = x + size / curved * direction, residual - size / curved * out
    return None
