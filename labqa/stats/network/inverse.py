"""Inverses of dense symmetric matrices and of Laplacians, with the same bits on any number of threads."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labqa.stats.kernels import kernel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
BLOCK, CHUNK = 64, 512


@kernel
def _subtracted(matrix, left, right, i, begin, end):  # type: ignore[no-untyped-def]  # pragma: no cover
    """matrix[i, begin:end] −= left[:, i]' right[:, begin:end], eight rows at a time."""
    row = matrix[i, begin:end]
    for k in range(0, len(left), 8):
        a, b, c, d = left[k, i], left[k + 1, i], left[k + 2, i], left[k + 3, i]
        e, f, g, h = left[k + 4, i], left[k + 5, i], left[k + 6, i], left[k + 7, i]
        ra, rb, rc, rd = right[k, begin:end], right[k + 1, begin:end], right[k + 2, begin:end], right[k + 3, begin:end]
        re, rf, rg, rh = right[k + 4, begin:end], right[k + 5, begin:end], right[k + 6, begin:end], right[k + 7, begin:end]
        for j in range(len(row)):
            row[j] -= ((a * ra[j] + b * rb[j]) + (c * rc[j] + d * rd[j])) + ((e * re[j] + f * rf[j]) + (g * rg[j] + h * rh[j]))


@kernel
def _four_subtracted(matrix, left, right, i, begin, end):  # type: ignore[no-untyped-def]  # pragma: no cover
    """`_subtracted` for rows i … i + 3 with the same sums: what is loaded of `right` serves all four."""
    r0, r1, r2, r3 = matrix[i, begin:end], matrix[i + 1, begin:end], matrix[i + 2, begin:end], matrix[i + 3, begin:end]
    for k in range(0, len(left), 8):
        a0, b0, c0, d0 = left[k, i], left[k + 1, i], left[k + 2, i], left[k + 3, i]
        e0, f0, g0, h0 = left[k + 4, i], left[k + 5, i], left[k + 6, i], left[k + 7, i]
        a1, b1, c1, d1 = left[k, i + 1], left[k + 1, i + 1], left[k + 2, i + 1], left[k + 3, i + 1]
        e1, f1, g1, h1 = left[k + 4, i + 1], left[k + 5, i + 1], left[k + 6, i + 1], left[k + 7, i + 1]
        a2, b2, c2, d2 = left[k, i + 2], left[k + 1, i + 2], left[k + 2, i + 2], left[k + 3, i + 2]
        e2, f2, g2, h2 = left[k + 4, i + 2], left[k + 5, i + 2], left[k + 6, i + 2], left[k + 7, i + 2]
        a3, b3, c3, d3 = left[k, i + 3], left[k + 1, i + 3], left[k + 2, i + 3], left[k + 3, i + 3]
        e3, f3, g3, h3 = left[k + 4, i + 3], left[k + 5, i + 3], left[k + 6, i + 3], left[k + 7, i + 3]
        ra, rb, rc, rd = right[k, begin:end], right[k + 1, begin:end], right[k + 2, begin:end], right[k + 3, begin:end]
        re, rf, rg, rh = right[k + 4, begin:end], right[k + 5, begin:end], right[k + 6, begin:end], right[k + 7, begin:end]
        for j in range(len(r0)):
            a, b, c, d, e, f, g, h = ra[j], rb[j], rc[j], rd[j], re[j], rf[j], rg[j], rh[j]
            r0[j] -= ((a0 * a + b0 * b) + (c0 * c + d0 * d)) + ((e0 * e + f0 * f) + (g0 * g + h0 * h))
            r1[j] -= ((a1 * a + b1 * b) + (c1 * c + d1 * d)) + ((e1 * e + f1 * f) + (g1 * g + h1 * h))
            r2[j] -= ((a2 * a + b2 * b) + (c2 * c + d2 * d)) + ((e2 * e + f2 * f) + (g2 * g + h2 * h))
            r3[j] -= ((a3 * a + b3 * b) + (c3 * c + d3 * d)) + ((e3 * e + f3 * f) + (g3 * g + h3 * h))


@kernel
def _downdated(matrix, left, right, first, last, begin, end):  # type: ignore[no-untyped-def]  # pragma: no cover
    """matrix −= left' right above the diagonal, of rows first … last − 1 in the columns begin … end − 1."""
    i = first
    while i + 4 <= last:
        _four_subtracted(matrix, left, right, i, max(i, begin), end)
        i += 4
    while i < last:
        _subtracted(matrix, left, right, i, max(i, begin), end)
        i += 1


@kernel
def _swept(matrix, size):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Sweeps a small symmetric matrix in place to its inverse; the number of the pivot that is not positive, else −1."""
    for k in range(size):
        pivot = matrix[k, k]
        if not pivot > 0.0:
            return k
        for i in range(size):
            if i != k:
                factor = matrix[i, k] / pivot
                for j in range(size):
                    if j != k:
                        matrix[i, j] -= factor * matrix[k, j]
        for j in range(size):
            if j != k:
                matrix[k, j] /= pivot
                matrix[j, k] /= -pivot
        matrix[k, k] = 1.0 / pivot
    return -1


@kernel
def _inverted(matrix):  # type: ignore[no-untyped-def]  # pragma: no cover
    n = len(matrix)
    for begin in range(0, n, BLOCK):
        end = min(begin + BLOCK, n)
        size = end - begin
        old, new = np.zeros((BLOCK, n)), np.zeros((BLOCK, n))
        for k in range(size):
            for i in range(begin):
                old[k, i] = matrix[i, begin + k]
            for i in range(end, n):
                old[k, i] = matrix[begin + k, i]
        square = np.zeros((size, size))
        for i in range(size):
            for j in range(i, size):
                square[i, j] = square[j, i] = matrix[begin + i, begin + j]
        fault = _swept(square, size)
        if fault >= 0:
            return begin + fault
        for i in range(size):
            for k in range(size):
                factor, row, source = square[i, k], new[i], old[k]
                for j in range(n):
                    row[j] += factor * source[j]
        for j in range(0, n, CHUNK):
            last = min(j + CHUNK, n)
            _downdated(matrix, old, new, 0, min(begin, last), j, last)
            _downdated(matrix, old, new, end, last, j, last)
        # what was swept before carries the opposite sign; the block and its rows are set anew
        for i in range(size):
            for j in range(i, size):
                matrix[begin + i, begin + j] = -square[i, j]
            for j in range(end, n):
                matrix[begin + i, j] = new[i, j]
            for j in range(begin):
                matrix[j, begin + i] = new[i, j]
    for i in range(n):
        for j in range(i, n):
            matrix[i, j] = -matrix[i, j]
            matrix[j, i] = matrix[i, j]
    return -1


def symmetric_inverse(matrix: Floats) -> Floats:
    """Inverse of a symmetric positive definite matrix (n × n) by blocked sweeps, in n³ operations and a fixed order.

    Not LAPACK's, whose sums depend on the number of threads; one thread takes about as long. ValueError where a pivot is not
    positive (the matrix is not positive definite, or a network in it has no ground). Source: Goodnight 1979,
    doi:10.2307/2683825.
    """
    out = np.array(matrix, dtype=np.float64, order="C")
    if out.ndim != 2 or out.shape[0] != out.shape[1]:
        raise ValueError(f"inverse: shape {out.shape}; expected a square matrix")
    invert(out)
    return out


def invert(matrix: Floats) -> None:
    """`symmetric_inverse` in the place of its matrix, which takes no second one."""
    fault = _inverted(matrix)
    if fault >= 0:
        raise ValueError(f"inverse: pivot {fault} of {len(matrix)} is not positive; expected a positive definite matrix")


@kernel
def _grounded(i, j, weight, n):  # type: ignore[no-untyped-def]  # pragma: no cover
    out = np.zeros((n, n))
    for e in range(len(weight)):
        if i[e] >= 0:
            out[i[e], i[e]] += weight[e]
        if j[e] >= 0:
            out[j[e], j[e]] += weight[e]
        if i[e] >= 0 and j[e] >= 0:
            out[i[e], j[e]] -= weight[e]
            out[j[e], i[e]] -= weight[e]
    return out


def grounded_inverse(low: Ints, high: Ints, weight: Floats, ground: NDArray[np.bool_]) -> Floats:
    """Inverse (n × n) of the Laplacian of edges low–high with the laboratories in `ground` held at 0, whose rows are 0.

    Every component must have a laboratory in `ground`; contrasts within it do not depend on which, if it is one.
    """
    n, rest = len(ground), np.flatnonzero(~ground)
    at = np.full(n, -1)
    at[rest] = np.arange(len(rest))
    out = np.zeros((n, n))
    out[np.ix_(rest, rest)] = symmetric_inverse(_grounded(at[low], at[high], weight, len(rest)))
    return out


def laplacian_inverse(low: Ints, high: Ints, weight: Floats, component: Ints) -> Floats:
    """Pseudo-inverse L⁺ (n × n, n³ operations) of the Laplacian of edges low–high, whose components are named by a member."""
    n = len(component)
    out = grounded_inverse(low, high, weight, component == np.arange(n))
    members = np.bincount(component, minlength=n)[component]
    for _ in range(2):  # the mean over the component of each column, then of each row
        order = np.argsort(component, kind="stable")
        begin = np.flatnonzero(np.diff(component[order], prepend=-1))
        mean = np.add.reduceat(out[order], begin, axis=0) if n else out
        within = np.searchsorted(component[order][begin], component) if n else component
        same = component[:, None] == component[None, :]
        out = (out - np.where(same, mean[within] / members[:, None], 0.0)).T
    return np.ascontiguousarray(out)
