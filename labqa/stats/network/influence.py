"""What each block, sample and partner does to the bias of a laboratory: contributions, and the estimate without them.

Weights are held, and so are the weights of the zero; a laboratory that a deletion cuts off leaves the zero of the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labqa.stats.kernels import kernel
from labqa.stats.network.blocks import Fit, product, profiled
from labqa.stats.network.components import components
from labqa.stats.network.variance import Contrasts, against_node, against_others
from labqa.stats.network.zero import leave_one_out_centres

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
SINGULAR = 1e-8
"""Pivot of I − L A⁻ below which what is left no longer ties the laboratories together."""
LARGEST = 50
"""Observations of a block up to which a partner is taken out of it; in a larger one no partner holds more than 2 %."""
HELD = 0.5
"""Share of the weight of the zero that must still be connected."""


@dataclass(frozen=True)
class Stated:
    """Biases C effect − `offset` of n laboratories, C their `contrasts`: 1 at the laboratory less the weights of its zero.

    `inverse` is A⁻, `bases` what laboratories share of C A⁻ (bases × nodes). `offset` is what laboratories beyond the cut of a
    robust zero add to it, held.
    """

    contrasts: Contrasts
    inverse: Floats
    bases: Floats
    estimate: Floats
    offset: Floats

    @property
    def zero(self) -> Floats:
        """Weights of the zero of each laboratory, written out (n × nodes)."""
        n = len(self.estimate)
        return np.asarray(np.eye(n, self.inverse.shape[0]) - self.contrasts.columns(0, n).T)

    @property
    def felt(self) -> Floats:
        """C A⁻, written out (n × nodes)."""
        rows = self.inverse[: len(self.estimate)] * self.contrasts.factor[:, None]
        return np.asarray(rows - self.bases[self.contrasts.base])

    @property
    def parts(self) -> tuple[Floats, Ints, Floats, Floats]:
        """What `_felt` reads C A⁻ from."""
        return self.contrasts.factor, self.contrasts.base, self.bases, self.inverse


class Without(NamedTuple):
    """Change of the bias of `lab` when `other` (a group of blocks, or a partner) is left out; NaN: it cannot be said then."""

    lab: Ints
    other: Ints
    shift: Floats


@kernel
def _felt(said, i, j):  # type: ignore[no-untyped-def]  # pragma: no cover
    """C A⁻ at laboratory i and node j."""
    factor, base, bases, inverse = said
    return factor[i] * inverse[i, j] - bases[base[i], j]


def stated(fitted: Fit, *, n: int, anchored: bool) -> Stated:
    """The biases of the first n nodes against the last node (the anchor), or against the robust centre of the other n − 1."""
    effect, size = fitted.effect, len(fitted.effect)
    if anchored:
        contrasts = against_node(size - 1, n=n, nodes=size)
        centre, offset = np.full(n, effect[size - 1]), np.zeros(n)
    else:
        found = leave_one_out_centres(effect[:n])
        contrasts = against_others(found, nodes=size)
        centre, own = found.centre, (contrasts.factor - 1.0) * effect[:n]
        offset = centre - (product(contrasts.bases, effect[:, None])[contrasts.base, 0] - own)
    bases = product(contrasts.bases, fitted.inverse)
    return Stated(contrasts, fitted.inverse, bases, effect[:n] - centre, offset)


@kernel
def _contributions(start, node, profile, said, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    for block in range(len(start) - 1):
        for o in range(start[block], start[block + 1]):
            if node[o] < len(said[0]):
                for other in range(start[block], start[block + 1]):
                    out[o] += _felt(said, node[o], node[other]) * profile[other]


def contributions(fitted: Fit, start: Ints, y: Floats, said: Stated) -> Floats:
    """What the block of each observation gives to the bias of its own laboratory: c'A⁻X'P y over the observations of the block.

    Over all blocks of the network, those without the laboratory too, they sum to C effect. NaN for observations of the anchor.
    """
    n = len(said.estimate)
    out = np.where(fitted.node < n, 0.0, np.nan)
    _contributions(start, fitted.node, profiled(start, fitted.weight, y), said.parts, out)
    return out


@kernel
def _solved(matrix, right, least):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Solves in place by elimination with row pivots; false where a pivot is below `least`."""
    n = len(right)
    for k in range(n):
        at = k
        for i in range(k + 1, n):
            if abs(matrix[i, k]) > abs(matrix[at, k]):
                at = i
        if not abs(matrix[at, k]) > least:
            return False
        if at != k:
            for j in range(k, n):
                matrix[k, j], matrix[at, j] = matrix[at, j], matrix[k, j]
            right[k], right[at] = right[at], right[k]
        for i in range(k + 1, n):
            factor = matrix[i, k] / matrix[k, k]
            if factor != 0.0:
                for j in range(k + 1, n):
                    matrix[i, j] -= factor * matrix[k, j]
                right[i] -= factor * right[k]
    for k in range(n - 1, -1, -1):
        for j in range(k + 1, n):
            right[k] -= matrix[k, j] * right[j]
        right[k] /= matrix[k, k]
    return True


@kernel
def _members(start, node, order, first, last, at, nodes):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Numbers the nodes of a group of blocks in the order in which they come; their count. `at` is −1 on entry."""
    count = 0
    for b in range(first, last):
        for o in range(start[order[b]], start[order[b] + 1]):
            if at[node[o]] < 0:
                at[node[o]] = count
                nodes[count] = node[o]
                count += 1
    return count


@kernel
def _system(start, node, weight, score, order, first, last, at, nodes, inverse, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    """I − L A⁻ on the nodes of a group of blocks, L their Laplacian, and the sums of their residual scores."""
    laplacian, right = np.zeros((count, count)), np.zeros(count)
    for b in range(first, last):
        begin, end = start[order[b]], start[order[b] + 1]
        total = 0.0
        for o in range(begin, end):
            total += weight[o]
        for o in range(begin, end):
            i = at[node[o]]
            right[i] += score[o]
            laplacian[i, i] += weight[o]
            for other in range(begin, end):
                laplacian[i, at[node[other]]] -= weight[o] * weight[other] / total
    matrix = np.eye(count)
    for i in range(count):
        for k in range(count):
            factor = laplacian[i, k]
            if factor != 0.0:
                for j in range(count):
                    matrix[i, j] -= factor * inverse[nodes[k], nodes[j]]
    return matrix, right


@kernel
def _left_out(start, node, weight, score, said, order, offsets, least, lab, other, shift):  # type: ignore[no-untyped-def]  # pragma: no cover
    inverse = said[3]
    at, nodes = np.full(len(inverse), -1), np.zeros(len(inverse), np.int64)
    written = 0
    for g in range(len(offsets) - 1):
        count = _members(start, node, order, offsets[g], offsets[g + 1], at, nodes)
        matrix, x = _system(start, node, weight, score, order, offsets[g], offsets[g + 1], at, nodes, inverse, count)
        told = _solved(matrix, x, least)
        for i in range(count):
            if nodes[i] < len(said[0]):
                moved = 0.0
                for j in range(count):
                    moved -= _felt(said, nodes[i], nodes[j]) * x[j]
                lab[written], other[written], shift[written] = nodes[i], g, moved if told else np.nan
                written += 1
        for i in range(count):
            at[nodes[i]] = -1
    return written


def left_out(fitted: Fit, start: Ints, group: Ints, said: Stated, *, n_groups: int) -> Without:
    """Change of the bias of each laboratory of a group of blocks when the group is left out, weights held.

    With S the nodes of the group, L its Laplacian and ρ the sums of its residual scores: effect without it − effect =
    −A⁻[:, S] (I − L A⁻_SS)⁻¹ ρ, exactly; k³ for the k laboratories of a group, memory linear in the observations.
    `group` (blocks) numbers them from 0 to `n_groups` − 1. Where the rest falls apart the bias is that in the part that
    still holds half of its zero's weight (the zero is that of the laboratories left there), else NaN.
    """
    order = np.argsort(group, kind="stable")
    offsets = np.searchsorted(group[order], np.arange(n_groups + 1)).astype(np.int64)
    most = len(fitted.node)
    lab, other, shift = np.zeros(most, np.int64), np.zeros(most, np.int64), np.zeros(most)
    system = (start, fitted.node, fitted.weight, fitted.score)
    n = _left_out(*system, said.parts, order, offsets, SINGULAR, lab, other, shift)
    lab, other, shift = lab[:n], other[:n], shift[:n]
    block = np.repeat(np.arange(len(start) - 1), np.diff(start))
    at, nodes = np.full(len(fitted.inverse), -1), np.zeros(len(fitted.inverse), np.int64)
    for g in np.unique(other[np.isnan(shift)]):
        here = np.flatnonzero(other == g)
        count = _members(start, fitted.node, order, offsets[g], offsets[g + 1], at, nodes)
        matrix, right = _system(*system, order, offsets[g], offsets[g + 1], at, nodes, fitted.inverse, count)
        at[nodes[:count]] = -1
        moved = np.linalg.lstsq(matrix, right, rcond=SINGULAR)[0]
        root = _parts(fitted, block, group[block] == g)
        shift[here] = [_restated(fitted, said, root, int(one), nodes[:count], moved) for one in lab[here]]
    return Without(lab, other, shift)


def _restated(fitted: Fit, said: Stated, root: Ints, lab: int, nodes: Ints, moved: Floats) -> float:
    parts = (fitted.effect, fitted.inverse, said.contrasts.base, said.contrasts.bases, said.offset, said.estimate)
    return float(_fallen_apart(*parts, root, lab, nodes, moved, HELD))


def _parts(fitted: Fit, block: Ints, gone: NDArray[np.bool_]) -> Ints:
    """Name of the component of each node once the observations `gone` are left out."""
    kept = np.flatnonzero(~gone)
    begins = np.append(np.flatnonzero(np.diff(block[kept], prepend=-1)), len(kept)).astype(np.int64)
    return components(begins, fitted.node[kept], n=len(fitted.effect))


@kernel
def _fallen_apart(effect, inverse, base, zero, offset, estimate, root, lab, nodes, moved, least):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Change of the bias of `lab` where effects change by −A⁻[:, nodes] `moved` and the nodes fall into parts `root`."""
    held, centre, own = 0.0, 0.0, 0.0
    for i in range(len(effect)):
        if i == lab or (root[i] == root[lab] and zero[base[lab], i] > 0.0):
            new = effect[i]
            for k in range(len(nodes)):
                new -= inverse[i, nodes[k]] * moved[k]
            if i == lab:
                own = new
            else:
                held += zero[base[lab], i]
                centre += zero[base[lab], i] * new
    return own - centre / held - offset[lab] - estimate[lab] if held >= least else np.nan


@kernel
def _crossed(start, node, weight, inverse, multi, place, near, t, q):  # type: ignore[no-untyped-def]  # pragma: no cover
    """t = A⁻ s of each block in `multi` at the nodes `near`, q = s'A⁻ s of each two; s holds the weights of the block."""
    for k in range(len(multi)):
        for o in range(start[multi[k]], start[multi[k] + 1]):
            for r in range(len(near)):
                t[k, r] += weight[o] * inverse[near[r], node[o]]
        for other in range(k + 1):
            total = 0.0
            for o in range(start[multi[other]], start[multi[other] + 1]):
                total += weight[o] * t[k, place[node[o]]]
            q[k, other] = q[other, k] = total


@kernel
def _rivals(start, block, node, mine, largest):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Observations of others in the blocks of `mine`, sorted by their node."""
    count = 0
    for o in mine:
        if start[block[o] + 1] - start[block[o]] <= largest:
            count += start[block[o] + 1] - start[block[o]] - 1
    found = np.empty(count, np.int64)
    count = 0
    for o in mine:
        if start[block[o] + 1] - start[block[o]] <= largest:
            for other in range(start[block[o]], start[block[o] + 1]):
                if other != o:
                    found[count] = other
                    count += 1
    return found[np.argsort(node[found], kind="mergesort")]


@kernel
def _partners(start, block, node, weight, residual, said, order, offsets, largest, least, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    lab, other, shift, written = out[0], out[1], out[2], 0
    inverse = said[3]
    size, n = len(inverse), len(said[0])
    place, number = np.full(size, -1), np.full(len(start) - 1, -1)
    for i in range(n):
        mine = order[offsets[i] : offsets[i + 1]]
        rivals = _rivals(start, block, node, mine, largest)
        multi, near = np.empty(len(mine), np.int64), np.empty(len(rivals) + 1, np.int64)
        m, r = 0, 0
        for o in mine:
            width = start[block[o] + 1] - start[block[o]]
            if 2 < width <= largest:
                number[block[o]] = m
                multi[m] = block[o]
                m += 1
                for a in range(start[block[o]], start[block[o] + 1]):
                    if place[node[a]] < 0:
                        place[node[a]] = r
                        near[r] = node[a]
                        r += 1
        t, q = np.zeros((m, r)), np.zeros((m, m))
        _crossed(start, node, weight, inverse, multi[:m], place, near[:r], t, q)
        total, gap, own = np.zeros(m), np.zeros(m), np.zeros(m)
        for k in range(m):
            for a in range(start[multi[k]], start[multi[k] + 1]):
                total[k] += weight[a]
                gap[k] += weight[a] * residual[a]
                own[k] += weight[a] * _felt(said, i, node[a])
        first = 0
        while first < len(rivals):
            j, last = node[rivals[first]], first
            while last < len(rivals) and node[rivals[last]] == j:
                last += 1
            if j < n:
                lab[written], other[written] = i, j
                shift[written] = _without(
                    start,
                    block,
                    node,
                    weight,
                    residual,
                    said,
                    rivals[first:last],
                    i,
                    j,
                    number,
                    place,
                    t,
                    q,
                    total,
                    gap,
                    own,
                    least,
                )
                written += 1
            first = last
        for k in range(m):
            number[multi[k]] = -1
        for k in range(r):
            place[near[k]] = -1
    return written


@kernel
def _without(start, block, node, weight, residual, said, theirs, i, j, number, place, t, q, total, gap, own, least):  # type: ignore[no-untyped-def]  # pragma: no cover
    inverse = said[3]
    d, pairs, paired, apart = 0, 0.0, 0.0, 0.0
    which, w = np.empty(len(theirs) + 1, np.int64), np.empty(len(theirs) + 1)
    for o in theirs:
        if number[block[o]] >= 0:
            which[d], w[d] = number[block[o]], weight[o]
            d += 1
        else:
            mate = start[block[o]] + start[block[o] + 1] - 1 - o
            pairs += 1.0
            joint = weight[o] * weight[mate] / (weight[o] + weight[mate])
            paired += joint
            apart += joint * (residual[o] - residual[mate])
    width = d + (1 if pairs > 0.0 else 0)
    scale, right, f = np.empty(width), np.empty(width), np.empty(width)
    matrix = np.eye(width)
    for k in range(d):
        b, rest = which[k], total[which[k]] - w[k]
        scale[k] = np.sqrt(w[k] * rest / total[b])
        gapped = 0.0
        for o in theirs:
            if number[block[o]] == b:
                gapped = residual[o]
        right[k] = scale[k] * (total[b] * gapped - gap[b]) / rest
        f[k] = scale[k] * (total[b] * _felt(said, i, j) - own[b]) / rest
        for other in range(k + 1):
            c, left = which[other], total[which[other]] - w[other]
            shared = total[b] * total[c] * inverse[j, j] - total[b] * t[c, place[j]] - total[c] * t[b, place[j]] + q[b, c]
            matrix[k, other] -= scale[k] * scale[other] * shared / (rest * left)
            if other != k:
                matrix[other, k] = matrix[k, other]
    if pairs > 0.0:
        scale[d] = np.sqrt(paired)
        right[d] = apart / scale[d]
        f[d] = scale[d] * (_felt(said, i, j) - _felt(said, i, i))
        matrix[d, d] -= paired * (inverse[j, j] + inverse[i, i] - 2.0 * inverse[i, j])
        for k in range(d):
            b, rest = which[k], total[which[k]] - w[k]
            shared = total[b] * (inverse[j, j] - inverse[i, j]) - (t[b, place[j]] - t[b, place[i]])
            matrix[d, k] -= scale[d] * scale[k] * shared / rest
            matrix[k, d] = matrix[d, k]
    if not _solved(matrix, right, least):
        return np.nan
    moved = 0.0
    for k in range(width):
        moved -= f[k] * right[k]
    return moved


def without_partners(fitted: Fit, start: Ints, y: Floats, said: Stated) -> Without:
    """Change of the bias of each laboratory when the results of one partner are left out of every block that both tested.

    Taking partner j out of a block B is a downdate of rank one, A − q u u' with u = e_j − Σ w e/Σ w over the rest of B and
    q = w_j (W − w_j)/W; blocks of two of the same partners are one of rank one together. With U the pieces of a partner, E
    their residuals: effect without them − effect = −A⁻U (Q⁻¹ − U'A⁻U)⁻¹ E, exactly, weights held. Blocks of more than
    `LARGEST` observations are left whole. A bias that falls apart from half of its zero's weight is NaN.
    """
    n = len(said.estimate)
    block = np.repeat(np.arange(len(start) - 1), np.diff(start))
    order = np.argsort(fitted.node, kind="stable")
    offsets = np.searchsorted(fitted.node[order], np.arange(len(fitted.effect) + 1)).astype(np.int64)
    width = np.diff(start)
    most = int(np.minimum((np.where(width <= LARGEST, width * (width - 1), 0)).sum(), n * n))
    lab, other, shift = np.zeros(most, np.int64), np.zeros(most, np.int64), np.zeros(most)
    out = (lab, other, shift)
    residual = y - fitted.effect[fitted.node]
    written = _partners(start, block, fitted.node, fitted.weight, residual, said.parts, order, offsets, LARGEST, SINGULAR, out)
    lab, other, shift = lab[:written], other[:written], shift[:written]
    stated = (fitted.effect, fitted.inverse, said.contrasts.base, said.contrasts.bases, said.offset, said.estimate)
    _apart(start, block, fitted.node, fitted.weight, residual, order, offsets, stated, lab, other, shift)
    return Without(lab, other, shift)


@kernel
def _shared(start, block, theirs, marked, gone):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Observations `theirs` in blocks that are `marked`; their number."""
    count = 0
    for o in theirs:
        if marked[block[o]]:
            gone[count] = o
            count += 1
    return count


@kernel
def _next(start, block, node, order, offsets, gone, side, mine, seen, queue, done, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Goes on from the node at `done` of a search to those that its blocks tie to it; how many were found so far, −1 where
    the search meets another."""
    for o in order[offsets[queue[done]] : offsets[queue[done] + 1]]:
        b = block[o]
        if gone[o] or seen[b] == mine:
            continue
        seen[b] = mine
        for other in range(start[b], start[b + 1]):
            v = node[other]
            if gone[other] or side[v] == mine:
                continue
            if side[v] >= 0:
                return -1
            side[v], queue[count] = mine, v
            count += 1
    return count


@kernel
def _root(start, block, node, order, offsets, lab, other, gone, root, queue, seen):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Sets `root` to 0 for the nodes that blocks still tie to `lab` once `gone` observations, of `other`, are left out, else
    to 1.

    All others are tied to `other` then: of two searches, step by step from either side, the one that ends first tells both.
    """
    root[:] = -1
    seen[:] = -1
    root[lab], root[other] = 0, 1
    queue[0, 0], queue[1, 0] = lab, other
    done, count = np.zeros(2, np.int64), np.ones(2, np.int64)
    found = 0
    while True:
        for mine in range(2):
            if done[mine] == count[mine]:
                for i in range(len(root)):
                    if root[i] != mine:
                        root[i] = 1 - mine
                return
            found = _next(start, block, node, order, offsets, gone, root, mine, seen, queue[mine], done[mine], count[mine])
            if found < 0:
                root[:] = 0
                return
            done[mine], count[mine] = done[mine] + 1, found


@kernel
def _moved(start, block, node, weight, residual, inverse, gone, place, nodes):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Nodes of the pieces that leave with the observations `gone`, and U (Q⁻¹ − U'A⁻U)⁻¹ E at them by least squares."""
    count = 0
    for o in gone:
        for other in range(start[block[o]], start[block[o] + 1]):
            if place[node[other]] < 0:
                place[node[other]] = count
                nodes[count] = node[other]
                count += 1
    pieces, right = np.zeros((len(gone), count)), np.zeros(len(gone))
    for k in range(len(gone)):
        o, total, mean = gone[k], 0.0, 0.0
        for other in range(start[block[o]], start[block[o] + 1]):
            if other != o:
                total += weight[other]
                mean += weight[other] * residual[other]
        root = np.sqrt(weight[o] * total / (weight[o] + total))
        for other in range(start[block[o]], start[block[o] + 1]):
            if other != o:
                pieces[k, place[node[other]]] = -root * weight[other] / total
        pieces[k, place[node[o]]] = root
        right[k] = root * (residual[o] - mean / total)
    across = np.zeros((len(gone), count))
    for k in range(len(gone)):
        for i in range(count):
            if pieces[k, i] != 0.0:
                for j in range(count):
                    across[k, j] += pieces[k, i] * inverse[nodes[i], nodes[j]]
    matrix = np.eye(len(gone))
    for k in range(len(gone)):
        for other in range(len(gone)):
            for i in range(count):
                matrix[k, other] -= across[k, i] * pieces[other, i]
    x = np.linalg.lstsq(matrix, right, SINGULAR)[0]
    out = np.zeros(count)
    for k in range(len(gone)):
        for i in range(count):
            out[i] += pieces[k, i] * x[k]
    for i in range(count):
        place[nodes[i]] = -1
    return nodes[:count], out


@kernel
def _apart(start, block, node, weight, residual, order, offsets, stated, lab, other, shift):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Fills `shift` where it is NaN, where what is left falls apart; one laboratory's come one after the other."""
    effect, inverse, base, zero, offset, estimate = stated
    size, width = len(effect), start[1:] - start[:-1]
    marked, seen = np.zeros(len(width), np.bool_), np.empty(len(width), np.int8)
    out, gone = np.zeros(len(node), np.bool_), np.empty(len(node), np.int64)
    root, queue = np.ones(size, np.int64), np.empty((2, size), np.int64)
    place, nodes = np.full(size, -1), np.empty(size, np.int64)
    for p in range(len(lab)):
        if not np.isnan(shift[p]):
            continue
        mine = order[offsets[lab[p]] : offsets[lab[p] + 1]]
        theirs = order[offsets[other[p]] : offsets[other[p] + 1]]
        for o in mine:
            marked[block[o]] = width[block[o]] <= LARGEST
        count = _shared(start, block, theirs, marked, gone)
        for o in gone[:count]:
            out[o] = True
        _root(start, block, node, order, offsets, lab[p], other[p], out, root, queue, seen)
        held = 0.0
        for i in range(size):
            if root[i] == 0 and i != lab[p]:
                held += zero[base[lab[p]], i]
        if held >= HELD:
            at, moved = _moved(start, block, node, weight, residual, inverse, gone[:count], place, nodes)
            shift[p] = _fallen_apart(effect, inverse, base, zero, offset, estimate, root, lab[p], at, moved, HELD)
        for o in gone[:count]:
            out[o] = False
        for o in mine:
            marked[block[o]] = False
