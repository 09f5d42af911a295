"""What random effects that observations share do to the normal equations of a network fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from labqa.core.threads import in_order
from labqa.stats.kernels import kernel
from labqa.stats.network.blocks import Fit
from labqa.stats.network.columns import WIDE, squares

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Grouping:
    """Random effects of one kind: Z (observations × groups) and the laboratory to which each group belongs (−1: none)."""

    matrix: sparse.csr_array
    owner: Ints


class Felt(NamedTuple):
    """What groups of one kind do to the normal equations: H' = Z'P X by rows, the groups of each laboratory, and M = H H' above
    the diagonal where it has fewer entries; groups of variance 1 bring the variance M into them.

    A large block enters H' as the mean of its nodes, after the nodes (groups × nodes and large blocks): it takes columns that
    `Fit.widened` has made.
    """

    effects: sparse.csr_array
    first: Ints
    group: Ints
    joint: sparse.csr_array | None

    def total(self, columns: Floats) -> Floats:
        """‖H' x‖² of each widened column; since M 1 = 0 also −Σ_{i<j} M_ij (x_i − x_j)²."""
        if self.joint is None:
            return squares(self.effects, columns)
        out = np.zeros(columns.shape[1])
        _energy(self.joint.indptr, self.joint.indices, self.joint.data, columns, out)
        return out

    def applied(self, columns: Floats) -> Floats:
        """M x of each widened column, to be folded; its rows sum to 0."""
        out = np.zeros(columns.shape)
        one = self.effects if self.joint is None else self.joint
        (_returned if self.joint is None else _exchanged)(one.indptr, one.indices, one.data, columns, out)
        return out

    def own(self, columns: Floats, lab: Ints) -> Floats:
        """`total` of the groups of each widened column's laboratory."""
        one = self.effects
        return np.asarray(_own(one.indptr, one.indices, one.data, self.first, self.group, columns, lab))


def through(fitted: Fit, one: Felt) -> Floats:
    """A⁻ M (nodes × nodes), some columns at a time."""
    inverse = fitted.inverse
    out = np.empty_like(inverse)
    strips = range(0, len(inverse), WIDE)
    made = in_order(lambda first: applied(fitted, [one], first)[0], strips)
    for first, columns in zip(strips, made, strict=True):
        out[first : first + WIDE] = columns.T
    return out


def applied(fitted: Fit, kinds: list[Felt], first: int) -> list[Floats]:
    """(A⁻ M)' of `WIDE` rows from `first` on, for each kind (nodes × strip)."""
    columns = fitted.widened(fitted.inverse[:, first : first + WIDE])
    return [fitted.folded(one.applied(columns)) for one in kinds]


def felt(fitted: Fit, one: Grouping, n_labs: int) -> Felt:
    """What the groups of one kind do to the normal equations of a fit; their owners are laboratories 0 … n_labs − 1."""
    z, n = one.matrix, fitted.n
    shape = (z.shape[1], n + fitted.means.shape[0])
    block = np.repeat(np.arange(len(fitted.start) - 1), np.diff(fitted.start))
    order, scale, first = _by_group(z.indptr, z.indices, z.data, z.shape[1])
    most = np.where(fitted.large >= 0, 2, np.diff(fitted.start))
    room = int((most[block] * np.diff(z.indptr)).sum())
    value, index, pointer = np.empty(room), np.empty(room, np.int32), np.zeros(shape[0] + 1, np.int32)
    given = (fitted.start, block, fitted.node, fitted.weight, fitted.large, n, order, scale, first, shape[1])
    used = _effects(*given, value, index, pointer)
    effects = sparse.csr_array((value[:used].copy(), index[:used].copy(), pointer), shape=shape)
    return Felt(effects, *_by_owner(one.owner, n_labs), _joint(spelt_out(fitted, effects), used))


def spelt_out(fitted: Fit, effects: sparse.csr_array) -> sparse.csr_array:
    """H' with each mean as that of its nodes (groups × nodes)."""
    return sparse.csr_array(effects[:, : fitted.n] + effects[:, fitted.n :] @ fitted.means)


def _joint(effects: sparse.csr_array, most: int) -> sparse.csr_array | None:
    """H H' above the diagonal, from H' (groups × nodes); None as soon as it has more than `most` entries."""
    turned, n = effects.tocsc(), effects.shape[1]
    value, index, pointer = np.empty(most), np.empty(most, np.int32), np.zeros(n + 1, np.int32)
    given = (turned.indptr, turned.indices, turned.data, effects.indptr, effects.indices, effects.data)
    used = _above(*given, value, index, pointer)
    if used < 0:
        return None
    return sparse.csr_array((value[:used].copy(), index[:used].copy(), pointer), shape=(n, n))


def _by_owner(owner: Ints, n: int) -> tuple[Ints, Ints]:
    """Groups of each laboratory 0 … n − 1: where they begin, and which they are."""
    order = np.argsort(owner, kind="stable")
    return np.searchsorted(owner[order], np.arange(n + 1)).astype(np.int64), order


@kernel
def _by_group(pointer, group, value, n):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Observations of each of n groups with their values in Z, and where each group begins."""
    first = np.zeros(n + 1, np.int64)
    for g in group:
        first[g + 1] += 1
    for g in range(n):
        first[g + 1] += first[g]
    at, order, scale = first[:-1].copy(), np.empty(len(group), np.int64), np.empty(len(group))
    for o in range(len(pointer) - 1):
        for e in range(pointer[o], pointer[o + 1]):
            order[at[group[e]]], scale[at[group[e]]] = o, value[e]
            at[group[e]] += 1
    return order, scale, first


@kernel
def _effects(start, block, node, weight, large, nodes, order, scale, first, n, value, index, pointer):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Writes Z'P X group by group, a large block as the place of its mean; the number of its entries."""
    place, used = np.full(n, -1), 0
    for g in range(len(first) - 1):
        begin = used
        for a in range(first[g], first[g + 1]):
            o = order[a]
            total, factor = 0.0, weight[o] * scale[a]
            if large[block[o]] >= 0:
                for at, moved in ((node[o], factor), (nodes + large[block[o]], -factor)):
                    if place[at] < begin:
                        place[at], index[used], value[used] = used, at, 0.0
                        used += 1
                    value[place[at]] += moved
                continue
            for other in range(start[block[o]], start[block[o] + 1]):
                total += weight[other]
            for other in range(start[block[o]], start[block[o] + 1]):
                moved = -factor * weight[other] / total if total > 0.0 else 0.0
                if other == o:
                    moved += factor
                if place[node[other]] < begin:
                    place[node[other]], index[used], value[used] = used, node[other], 0.0
                    used += 1
                value[place[node[other]]] += moved
        pointer[g + 1] = used
    return used


@kernel
def _above(first, group, felt, begin, node, effect, value, index, pointer):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Writes H H' above its diagonal, from H by nodes and by groups; the number of its entries, −1 as soon as there is no
    room for them."""
    n, used = len(first) - 1, 0
    place = np.full(n, -1)
    for i in range(n):
        start = used
        for a in range(first[i], first[i + 1]):
            g = group[a]
            for e in range(begin[g], begin[g + 1]):
                j = node[e]
                if j > i:
                    if place[j] < start:
                        if used == len(value):
                            return -1
                        place[j], index[used], value[used] = used, j, 0.0
                        used += 1
                    value[place[j]] += felt[a] * effect[e]
        pointer[i + 1] = used
    return used


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
def _returned(pointer, index, value, columns, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    effect = np.empty(columns.shape[1])
    for g in range(len(pointer) - 1):
        effect[:] = 0.0
        for e in range(pointer[g], pointer[g + 1]):
            factor, row = value[e], columns[index[e]]
            for c in range(len(effect)):
                effect[c] += factor * row[c]
        for e in range(pointer[g], pointer[g + 1]):
            factor, row = value[e], out[index[e]]
            for c in range(len(effect)):
                row[c] += factor * effect[c]


@kernel
def _exchanged(pointer, index, value, columns, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    for i in range(len(pointer) - 1):
        here, mine = columns[i], out[i]
        for e in range(pointer[i], pointer[i + 1]):
            factor, there, theirs = value[e], columns[index[e]], out[index[e]]
            for c in range(len(here)):
                moved = factor * (there[c] - here[c])
                mine[c] += moved
                theirs[c] -= moved


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
