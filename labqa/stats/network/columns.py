"""Solves with the sparse symmetric matrix of a network for many right-hand sides at once, in O(edges) of memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from labqa.stats.kernels import kernel

Floats = NDArray[np.float64]
WIDTH = 16
"""Columns that a kernel carries along: each entry of the matrix is read once for all of them."""
WIDE = 128
"""The same where nothing but the columns is carried along."""
TOLERANCE = 1e-10
MOST = 400


@kernel
def _times(pointer, index, value, x, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    for i in range(len(pointer) - 1):
        row = out[i]
        row[:] = 0.0
        for e in range(pointer[i], pointer[i + 1]):
            factor, other = value[e], x[index[e]]
            for c in range(len(row)):
                row[c] += factor * other[c]


@kernel
def _solved(pointer, index, value, inverse, right, x, tolerance, most):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Conjugate gradients on every column, preconditioned by the diagonal; the largest relative residual left, infinite where
    the matrix proves not to be positive definite."""
    n, width = right.shape
    residual, direction, out = right.copy(), np.empty((n, width)), np.empty((n, width))
    size, rz, step = np.zeros(width), np.zeros(width), np.zeros(width)
    x[:] = 0.0
    for i in range(n):
        for c in range(width):
            direction[i, c] = residual[i, c] * inverse[i]
            size[c] += residual[i, c] * direction[i, c]
    rz[:] = size
    for _ in range(most):
        left = 0.0
        for c in range(width):
            if size[c] > 0.0:
                left = max(left, rz[c] / size[c])
        if left <= tolerance * tolerance:
            return np.sqrt(left)
        _times(pointer, index, value, direction, out)
        curved = np.zeros(width)
        for i in range(n):
            for c in range(width):
                curved[c] += direction[i, c] * out[i, c]
        for c in range(width):
            going = size[c] > 0.0 and rz[c] > tolerance * tolerance * size[c]
            if going and not curved[c] > 0.0:
                return np.inf
            step[c] = rz[c] / curved[c] if going else 0.0
        new = np.zeros(width)
        for i in range(n):
            for c in range(width):
                x[i, c] += step[c] * direction[i, c]
                residual[i, c] -= step[c] * out[i, c]
                new[c] += residual[i, c] * residual[i, c] * inverse[i]
        for c in range(width):
            step[c] = new[c] / rz[c] if step[c] > 0.0 else 0.0
            rz[c] = new[c]
        for i in range(n):
            for c in range(width):
                direction[i, c] = residual[i, c] * inverse[i] + step[c] * direction[i, c]
    left = 0.0
    for c in range(width):
        if size[c] > 0.0:
            left = max(left, rz[c] / size[c])
    return np.sqrt(left)


def solved_columns(matrix: sparse.csr_array, right: Floats, *, tolerance: float = TOLERANCE, most: int = MOST) -> Floats | None:
    """X with matrix X = right (n × m), column by column; None if `most` steps leave more than `tolerance` in one of them.

    Conjugate gradients preconditioned by the diagonal, `WIDTH` columns at a time. The residual is that of the norm of the
    inverse diagonal, relative to the right-hand side. `matrix` is symmetric positive definite, or the Laplacian of one
    connected component with right-hand sides that sum to 0, whose solutions are then those up to a constant. Each column's
    sums run in the order of the rows; columns do not influence each other. Source: Hestenes & Stiefel 1952,
    doi:10.6028/jres.049.044.
    """
    out = np.empty_like(right)
    for first in range(0, right.shape[1], WIDTH):
        out[:, first : first + WIDTH], left = approached(
            matrix, right[:, first : first + WIDTH], tolerance=tolerance, most=most
        )
        if not left <= tolerance:
            return None
    return out


def approached(matrix: sparse.csr_array, right: Floats, *, tolerance: float, most: int) -> tuple[Floats, float]:
    """What conjugate gradients reach in so many steps, and the largest relative residual left; see `solved_columns`."""
    diagonal = matrix.diagonal()
    inverse = 1.0 / np.where(diagonal > 0, diagonal, np.inf)
    panel = np.ascontiguousarray(right)
    x = np.empty_like(panel)
    left = _solved(matrix.indptr, matrix.indices, matrix.data, inverse, panel, x, tolerance, most)
    return x, float(left)


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


def squares(matrix: sparse.csr_array, columns: Floats) -> Floats:
    """‖matrix x‖² of each column x (its columns × m); nothing of its rows × m is held."""
    out = np.zeros(columns.shape[1])
    _squares(matrix.indptr, matrix.indices, matrix.data, columns, out)
    return out
