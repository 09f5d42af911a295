"""The zero of a relative bias: the robust centre of the other laboratories."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labqa.stats.kernels import kernel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
HUBER = 1.5
MAD_TO_SD = 1.4826022185056018


class Centres(NamedTuple):
    """Centre of the others for each laboratory, and which of them it follows: those at the places first … last − 1 of `order`,
    itself excepted, each with the same weight."""

    centre: Floats
    order: Ints
    first: Ints
    last: Ints

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Whether the laboratory itself lies at one of those places."""
        place = np.empty(len(self.order), np.int64)
        place[self.order] = np.arange(len(self.order))
        return np.asarray((self.first <= place) & (place < self.last))

    @property
    def weight(self) -> Floats:
        """Weight of each other laboratory in each centre, n × n; rows sum to 1."""
        out = np.zeros((len(self.order), len(self.order)))
        for lab, (first, last) in enumerate(zip(self.first, self.last, strict=True)):
            out[lab, self.order[first:last]] = 1.0
        np.fill_diagonal(out, 0.0)
        return np.asarray(out / np.maximum(out.sum(axis=1, keepdims=True), 1.0))


@kernel
def _other(ordered, place, k):  # type: ignore[no-untyped-def]  # pragma: no cover
    """The k-th of the values without that at `place`."""
    return ordered[k] if k < place else ordered[k + 1]


@kernel
def _distance(ordered, place, middle, below, above, rank):  # type: ignore[no-untyped-def]  # pragma: no cover
    """The distance of that rank (0 = least) from `middle`, of `below` values up to it and `above` beyond, in order both."""
    low, high = max(rank + 1 - above, 0), min(rank + 1, below)
    while low < high:  # how many of the rank + 1 nearest lie below
        half = (low + high) // 2
        nearer = middle - _other(ordered, place, below - 1 - half)
        if nearer <= _other(ordered, place, below + rank - half) - middle:
            low = half + 1
        else:
            high = half
    found = -np.inf
    if low > 0:
        found = middle - _other(ordered, place, below - low)
    if rank + 1 - low > 0:
        found = max(found, _other(ordered, place, below + rank - low) - middle)
    return found


@kernel
def _up_to(ordered, bound):  # type: ignore[no-untyped-def]  # pragma: no cover
    """How many values are at most `bound`."""
    low, high = 0, len(ordered)
    while low < high:
        half = (low + high) // 2
        if ordered[half] <= bound:
            low = half + 1
        else:
            high = half
    return low


@kernel
def _below(ordered, bound):  # type: ignore[no-untyped-def]  # pragma: no cover
    """How many values are less than `bound`."""
    low, high = 0, len(ordered)
    while low < high:
        half = (low + high) // 2
        if ordered[half] < bound:
            low = half + 1
        else:
            high = half
    return low


@kernel
def _centres(ordered, constant, centre, first, last):  # type: ignore[no-untyped-def]  # pragma: no cover
    n = len(ordered)
    count = n - 1
    running = np.zeros(n + 1)
    shift = ordered[n // 2]
    for i in range(n):
        running[i + 1] = running[i] + (ordered[i] - shift)
    for place in range(n):
        middle = 0.5 * (_other(ordered, place, (count - 1) // 2) + _other(ordered, place, count // 2))
        below = _up_to(ordered, middle)
        if ordered[place] <= middle:
            below -= 1
        low_rank = _distance(ordered, place, middle, below, count - below, (count - 1) // 2)
        scale = MAD_TO_SD * 0.5 * (low_rank + _distance(ordered, place, middle, below, count - below, count // 2))
        limit = constant * scale
        now, begin, end = middle, 0, 0
        for _ in range(100):
            before_begin, before_end = begin, end
            begin, end = _below(ordered, now - limit), _up_to(ordered, now + limit)
            if (begin == before_begin and end == before_end) or limit == 0.0:
                break
            own = 1 if begin <= place < end else 0
            inside = end - begin - own
            under, over = begin - (1 if place < begin else 0), n - end - (1 if place >= end else 0)
            if inside > 0:
                total = running[end] - running[begin] - own * (ordered[place] - shift)
                now = shift + (total + limit * (over - under)) / inside
            else:
                now += limit * (over - under)
        centre[place] = now
        own = 1 if begin <= place < end else 0
        if end - begin - own > 0:
            first[place], last[place] = begin, end
        else:
            first[place], last[place] = 0, n


def leave_one_out_centres(values: Floats, *, constant: float = HUBER) -> Centres:
    """Huber's location of all values but one, for each value, and the others by which it moves, in O(n log n).

    The centre solves Σ ψ((x − centre)/s) = 0, ψ cut at `constant`, s = 1.4826 MAD of the others; ∂centre_i/∂x_j with s held is
    1/number inside the cut, else 0. Values are sorted once: the median and the MAD of the others stand at known ranks, sums
    inside the cut are differences of running sums. One other value is its own centre; MAD 0 gives the median. Same unit as
    `values` (n). Source: Huber 1964, doi:10.1214/aoms/1177703732.
    """
    n = len(values)
    order = np.argsort(values, kind="stable")
    centre, first, last = np.zeros(n), np.zeros(n, np.int64), np.zeros(n, np.int64)
    if n > 1:
        found = np.zeros(n), np.zeros(n, np.int64), np.zeros(n, np.int64)
        _centres(np.ascontiguousarray(values[order], dtype=np.float64), constant, *found)
        centre[order], first[order], last[order] = found
    return Centres(centre, order, first, last)
