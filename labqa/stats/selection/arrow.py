"""The inverse of an information of laboratories in components and of one more parameter that all of them share: an arrow."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labqa.stats.kernels import kernel
from labqa.stats.network.inverse import symmetric_inverse
from labqa.stats.network.variance import Contrasts

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Parts(NamedTuple):
    """Laboratories, component after component (`order`, n); where each component begins among them, and where its square of
    numbers does in a row of all squares (components + 1 each); component and place in `order` of each laboratory (n)."""

    order: Ints
    first: Ints
    square: Ints
    part: Ints
    place: Ints


def parts(component: Ints) -> Parts:
    """The parts of laboratories whose `component` (n) is any number that those of one share."""
    part = np.unique(component, return_inverse=True)[1].ravel()
    order = np.argsort(part, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    size = np.bincount(part)
    return Parts(order, np.append(0, np.cumsum(size)), np.append(0, np.cumsum(size**2)), part, place)


def entries(at: Parts, one: Ints, other: Ints) -> Ints:
    """Where the squares hold what two laboratories of the same component have in common."""
    begin, size = at.first[at.part[one]], np.diff(at.first)[at.part[one]]
    return np.asarray(at.square[at.part[one]] + (at.place[one] - begin) * size + at.place[other] - begin)


@kernel
def _centre(first, square, matrix):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Takes the mean out of every column of every square, then out of every row."""
    for c in range(len(first) - 1):
        m, begin = first[c + 1] - first[c], square[c]
        for along, across in ((m, 1), (1, m)):
            for i in range(m):
                mean = 0.0
                for j in range(m):
                    mean += matrix[begin + i * across + j * along]
                mean /= m
                for j in range(m):
                    matrix[begin + i * across + j * along] -= mean


def centred(at: Parts, squares: Floats) -> Floats:
    """The squares less the mean of each of their columns, then of each of their rows."""
    out = squares.copy()
    _centre(at.first, at.square, out)
    return out


def level(at: Parts, value: Floats) -> Floats:
    """The mean over its component of a value of each laboratory (n), for each laboratory."""
    size = np.diff(at.first)
    return np.asarray((np.bincount(at.part, weights=value, minlength=len(size)) / size)[at.part])


@kernel
def _times(order, first, square, inverse, left, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Rows of `left` (k × n) times the squares."""
    for r in range(len(left)):
        for c in range(len(first) - 1):
            begin, m = first[c], first[c + 1] - first[c]
            for i in range(m):
                factor = left[r, order[begin + i]]
                if factor != 0.0:
                    for j in range(m):
                        out[r, order[begin + j]] += factor * inverse[square[c] + i * m + j]


@kernel
def _add_nodes(at, inverse, border, corner, node, factor, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Adds to each row of `out` the factor times the whole row of the inverse at its node."""
    order, first, square, part, place = at
    n = len(order)
    for r in range(len(node)):
        if factor[r] == 0.0:
            continue
        c = part[node[r]]
        begin, m, share = first[c], first[c + 1] - first[c], factor[r] * border[node[r]] / corner
        row = square[c] + (place[node[r]] - begin) * m
        for i in range(n):
            out[r, i] += share * border[i]
        out[r, n] -= share
        for j in range(m):
            out[r, order[begin + j]] += factor[r] * inverse[row + j]


class Arrow(NamedTuple):
    """The inverse of [[K, u], [u', s]], K a square for each component: the squares of K⁻¹, t = K⁻¹u (n) and s − u't.

    It is [[K⁻¹ + t t'/corner, −t/corner], [−t'/corner, 1/corner]].
    """

    at: Parts
    squares: Floats
    border: Floats
    corner: float

    def times(self, right: Floats) -> Floats:
        """The inverse times a vector (n + 1)."""
        last = (right[-1] - (self.border * right[:-1]).sum()) / self.corner
        return np.append(self._squared(right[None, :-1])[0] - self.border * last, last)

    def rows(self, left: Floats) -> Floats:
        """k vectors (k × n) times the first n rows of the inverse: k × (n + 1)."""
        last = (left * self.border).sum(axis=1)[:, None] / self.corner
        return np.concatenate([self._squared(left) + last * self.border, -last], axis=1)

    def of_contrasts(self, contrasts: Contrasts, first: int, last: int, of_bases: Floats) -> Floats:
        """`rows` of contrasts first … last − 1, where `of_bases` are those of their bases."""
        out = -of_bases[contrasts.base[first:last]]
        _add_nodes(
            self.at, self.squares, self.border, self.corner, contrasts.node[first:last], contrasts.factor[first:last], out
        )
        return out

    def between(self, one: Ints, other: Ints) -> Floats:
        """Entries of the inverse at pairs of laboratories of the same component."""
        return np.asarray(self.squares[entries(self.at, one, other)] + self.border[one] * self.border[other] / self.corner)

    def without_level(self) -> Arrow:
        """The inverse less, in its rows and columns, the means over each component of laboratories."""
        return self._replace(squares=centred(self.at, self.squares), border=self.border - level(self.at, self.border))

    def _squared(self, left: Floats) -> Floats:
        out = np.zeros(left.shape)
        _times(self.at.order, self.at.first, self.at.square, self.squares, left, out)
        return out


def arrow(at: Parts, squares: Floats, beside: Floats, last: float) -> Arrow:
    """The inverse of the squares K, positive definite, with `beside` (n) and `last` as their last row and column.

    Source: inverse of a partitioned matrix by its Schur complement (Horn & Johnson, Matrix Analysis, 0.7.3).
    """
    inverse = np.empty(len(squares))
    for begin, end, size in zip(at.square[:-1], at.square[1:], np.diff(at.first), strict=True):
        inverse[begin:end] = symmetric_inverse(squares[begin:end].reshape(size, size)).ravel()
    found = Arrow(at, inverse, beside, 1.0)
    border = found._squared(beside[None, :])[0]
    return Arrow(at, inverse, border, last - float((beside * border).sum()))
