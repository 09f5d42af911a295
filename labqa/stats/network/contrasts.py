"""How two laboratories compare: by the blocks in which both sit, by all others, and whether the two agree (node splitting)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from labqa.stats.kernels import kernel
from labqa.stats.network.blocks import SMALL, Fit
from labqa.stats.network.felt import Grouping, felt, through
from labqa.stats.network.variance import Components

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
NO_OTHER_WAY = 1e-9
"""Share of its information below which a contrast rests on its own blocks alone, but for rounding."""
LEAST_TO_JUDGE = 3
"""Blocks of a pair from which on one of them can be told to be a gross error."""


class Seen(NamedTuple):
    """Observations of a component, sorted by block: what the fit made of them, and what they were before it.

    `weight` is that of the fit (0: it left the observation out), `base` the one before its robust steps, `sd` the SD of an
    observation of base weight 1, `groupings` their groups of each kind of variance.
    """

    block: Ints
    node: Ints
    y: Floats
    weight: Floats
    base: Floats
    sd: Floats
    groupings: list[Grouping]


class Split(NamedTuple):
    """Contrasts first − second of m pairs, split by where their evidence comes from.

    `leverage` h = ΩR (0 … 1) is the part of the network's estimate that the pair's own blocks give, Ω their weight in the fit,
    R the `resistance` (variance of the network's contrast for errors of variance 1/weight); `rest` is network − h · direct (as
    the fit weighs it), (1 − h) times the indirect contrast. `own` (m × 2 × K × 4) holds, for each kind of variance and the
    groups of each of the two laboratories, what one unit of it adds to Var direct, Cov(direct, rest), Var rest, Var network;
    `others` (m × K) what the groups of all other laboratories add to Var rest and Var network alike.
    """

    n_blocks: Ints
    n_clusters: Ints
    resistance: Floats
    leverage: Floats
    direct: Floats
    rest: Floats
    network: Floats
    own: Floats
    others: Floats


class Contrast(NamedTuple):
    """Estimates with what one unit of each variance adds to theirs (m × K), and how much of that comes from the groups of
    each of the two laboratories (m × 2 × K)."""

    estimate: Floats
    variance: Floats
    own: Floats


class Judged(NamedTuple):
    """Estimates with their standard errors and degrees of freedom."""

    estimate: Floats
    se: Floats
    df: Floats


@kernel
def _quadratic(rows, inverse, first, second):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Σ (row i − row j) × (column i − column j) of each pair, in four sums side by side, none of which waits for the others."""
    out, fours = np.empty(len(first)), len(inverse) // 4 * 4
    for p in range(len(first)):
        one, other, there, beyond = rows[first[p]], rows[second[p]], inverse[first[p]], inverse[second[p]]
        a, b, c, d = 0.0, 0.0, 0.0, 0.0
        for k in range(0, fours, 4):
            a += (one[k] - other[k]) * (there[k] - beyond[k])
            b += (one[k + 1] - other[k + 1]) * (there[k + 1] - beyond[k + 1])
            c += (one[k + 2] - other[k + 2]) * (there[k + 2] - beyond[k + 2])
            d += (one[k + 3] - other[k + 3]) * (there[k + 3] - beyond[k + 3])
        for k in range(fours, len(one)):
            a += (one[k] - other[k]) * (there[k] - beyond[k])
        out[p] = (a + b) + (c + d)
    return out


@kernel
def _bisquare(t, corner, end):  # type: ignore[no-untyped-def]  # pragma: no cover
    x = 0.0 if t <= corner else min((t - corner) / (end - corner), 1.0)
    return (1.0 - x * x) ** 2


@kernel
def _common(i, j, begin, at, block, y, weight, base, sd, corner, end, one, other, gap, free, fitted):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Fills, for the blocks in which i and j sit: their observations, the difference, its weight here and in the fit.

    Where every difference is far from the pair's median, none can be told to be the gross error: all keep their weight.
    """
    a, b, n = begin[i], begin[j], 0
    while a < begin[i + 1] and b < begin[j + 1]:
        o, q = at[a], at[b]
        if block[o] == block[q]:
            one[n], other[n], gap[n] = o, q, y[o] - y[q]
            free[n] = base[o] * base[q] / (base[o] + base[q])
            both = weight[o] + weight[q]
            fitted[n] = weight[o] * weight[q] / both if both > 0.0 else 0.0
            n += 1
        if block[o] <= block[q]:
            a += 1
        if block[q] <= block[o]:
            b += 1
    if n >= LEAST_TO_JUDGE:
        middle, left = np.median(gap[:n]), 0.0
        for c in range(n):
            left += free[c] * _bisquare(abs(gap[c] - middle) * np.sqrt(free[c]) / sd[one[c]], corner, end)
        if left > 0.0:
            for c in range(n):
                free[c] *= _bisquare(abs(gap[c] - middle) * np.sqrt(free[c]) / sd[one[c]], corner, end)
    return n


@kernel
def _split(lists, seen, averages, inverse, resistance, groups, first, second, counted, corner, end):  # type: ignore[no-untyped-def]  # pragma: no cover
    begin, at, start = lists
    block, node, y, weight, base, sd = seen
    big, means = averages
    group, scale, room = groups
    m, most = len(first), 0
    for lab in range(len(begin) - 1):
        most = max(most, begin[lab + 1] - begin[lab])
    one, other = np.zeros(most, np.int64), np.zeros(most, np.int64)
    gap, free, fitted = np.zeros(most), np.zeros(most), np.zeros(most)
    blocks, clusters = np.zeros(m, np.int64), np.zeros(m, np.int64)
    estimate, of_fit, part = np.zeros(m), np.zeros(m), np.zeros(m)
    own = np.zeros((m, 2, len(group), 4))
    direct, rest, network = np.zeros(room), np.zeros(room), np.zeros(room)
    for p in range(m):
        i, j = first[p], second[p]
        n = _common(i, j, begin, at, block, y, weight, base, sd, corner, end, one, other, gap, free, fitted)
        total = 0.0
        for c in range(n):
            total += free[c]
            estimate[p] += free[c] * gap[c]
            of_fit[p] += fitted[c]
            part[p] += resistance[p] * fitted[c] * gap[c]
            blocks[p] += free[c] > 0.0
        estimate[p] = estimate[p] / total if total > 0.0 else np.nan
        for side in range(2):
            lab, sign, mine = (i, 1.0, one) if side == 0 else (j, -1.0, other)
            c = 0
            for a in range(begin[lab], begin[lab + 1]):
                o = at[a]
                while c < n and block[mine[c]] < block[o]:
                    c += 1
                by_direct = by_rest = by_network = 0.0
                if weight[o] > 0.0:
                    mean = 0.0
                    if big[block[o]] >= 0:
                        mean = means[i, big[block[o]]] - means[j, big[block[o]]]
                    else:
                        every = 0.0
                        for q in range(start[block[o]], start[block[o] + 1]):
                            mean += weight[q] * (inverse[i, node[q]] - inverse[j, node[q]])
                            every += weight[q]
                        mean /= every
                    by_network = by_rest = weight[o] * (inverse[i, node[o]] - inverse[j, node[o]] - mean)
                if c < n and mine[c] == o:
                    by_direct = sign * free[c] / total
                    by_rest -= sign * resistance[p] * fitted[c]
                for k in range(len(group)):
                    g = group[k, o]
                    if g >= 0:
                        direct[g] += scale[k, o] * by_direct
                        rest[g] += scale[k, o] * by_rest
                        network[g] += scale[k, o] * by_network
            for a in range(begin[lab], begin[lab + 1]):
                for k in range(len(group)):
                    g = group[k, at[a]]
                    if g >= 0:
                        clusters[p] += k == counted and side == 0 and direct[g] != 0.0
                        own[p, side, k, 0] += direct[g] * direct[g]
                        own[p, side, k, 1] += direct[g] * rest[g]
                        own[p, side, k, 2] += rest[g] * rest[g]
                        own[p, side, k, 3] += network[g] * network[g]
                        direct[g] = rest[g] = network[g] = 0.0
    return blocks, clusters, estimate, of_fit, part, own


def split(
    fitted: Fit,
    groupings: list[Grouping],
    seen: Seen,
    first: Ints,
    second: Ints,
    *,
    counted: int = 0,
    needed: NDArray[np.bool_] | None = None,
    corner: float = 3.0,
    end: float = 6.0,
) -> Split:
    """Direct, indirect and network contrasts of the pairs (first, second) of nodes of a fitted component.

    A block in which both sit gives y_i − y_j. A block of many gives that and no more: its other laboratories stay in the
    indirect evidence together with the weighted mean of the two, which says nothing of their difference. So with Ω = Σω, ω =
    w_i w_j/(w_i + w_j), the network's contrast is h · direct + (1 − h) · indirect, h = ΩR, as if the fit had one parameter more
    (z of a block: w_j/(w_i + w_j) for i, −w_i/(w_i + w_j) for j); with blocks of two that is node splitting as published.

    The robust steps of the fit take the weight from what disagrees with the network, so they would hide an inconsistency:
    the direct estimate reported weighs by `base` instead, with bisquare weights (`corner`, `end`) around the median difference
    of the pair itself where it has three blocks or more, not all of them far from it. Without robust steps both are the same.
    `groupings` are those of the fit's own observations, `seen.groupings` the same kinds on all observations; a group holds
    observations of one laboratory,
    a kind without owner counts in `others` alone. `counted` is the kind whose groups `n_clusters` counts. Kinds that are not
    `needed` (K; their variance is 0) stay incomplete. Memory: n × n three times and what the
    pairs hold. ValueError for pairs that share no block. Sources: Dias et al. 2010, doi:10.1002/sim.3767;
    König, Krahn & Binder 2013, doi:10.1002/sim.6001.
    """
    inverse = np.ascontiguousarray(fitted.inverse)
    block = np.unique(seen.block, return_inverse=True)[1].astype(np.int64)
    start = np.append(np.flatnonzero(np.diff(block, prepend=-1)), len(block)).astype(np.int64)
    at = np.argsort(seen.node, kind="stable").astype(np.int64)
    begin = np.searchsorted(seen.node[at], np.arange(len(inverse) + 1)).astype(np.int64)
    resistance = inverse[first, first] + inverse[second, second] - 2.0 * inverse[first, second]
    blocks, clusters, direct, of_fit, part, own = _split(
        (begin, at, start), (block, *seen[1:6]), _block_means(seen, block, start, inverse), inverse, resistance,
        _groups(seen.groupings, len(block)), first, second, counted, corner, end,
    )  # fmt: skip
    if np.isnan(direct).any():
        raise ValueError(f"pair {int(np.argmax(np.isnan(direct)))}: shares no block; expected pairs with direct evidence")
    network = fitted.effect[first] - fitted.effect[second]
    others = np.zeros((len(first), len(groupings)))
    for k, one in enumerate(groupings):
        if needed is None or needed[k]:
            rows = through(fitted, felt(fitted, one, int(one.owner.max(initial=-1)) + 1))
            others[:, k] = np.maximum(_quadratic(rows, inverse, first, second) - own[:, :, k, 3].sum(axis=1), 0.0)
    leverage = np.clip(of_fit * resistance, 0.0, 1.0)
    return Split(blocks, clusters, resistance, leverage, direct, network - part, network, own, others)


def _groups(groupings: list[Grouping], n: int) -> tuple[Ints, Floats, int]:
    """Group of each observation in each kind (K × n; −1: none, or not a laboratory's), its scale, and how many groups."""
    group, scale, so_far = np.full((len(groupings), n), -1), np.zeros((len(groupings), n)), 0
    for k, one in enumerate(groupings):
        entries = one.matrix.tocoo()
        owned = one.owner[entries.col] >= 0
        group[k, entries.row[owned]] = so_far + entries.col[owned]
        scale[k, entries.row] = entries.data
        so_far += one.matrix.shape[1]
    return group, scale, so_far


def _block_means(seen: Seen, block: Ints, start: Ints, inverse: Floats) -> tuple[Ints, Floats]:
    """Number of each large block (−1: small), and the weighted mean over it of each row of the inverse (nodes × large)."""
    total = np.bincount(block, weights=seen.weight, minlength=len(start) - 1)
    large = np.flatnonzero((np.diff(start) > SMALL) & (total > 0))
    big = np.full(len(start) - 1, -1)
    big[large] = np.arange(len(large))
    of = np.flatnonzero(big[block] >= 0)
    share = seen.weight[of] / total[block[of]]
    mean = sparse.csr_array((share, (big[block[of]], seen.node[of])), shape=(len(large), len(inverse)))
    return big, np.ascontiguousarray((mean @ inverse.T).T)


def direct(found: Split) -> Contrast:
    """The difference in the blocks in which both sit."""
    own = found.own[..., 0]
    return Contrast(found.direct, own.sum(axis=1), own)


def network(found: Split) -> Contrast:
    """The difference by all evidence together."""
    own = found.own[..., 3]
    return Contrast(found.network, own.sum(axis=1) + found.others, own)


def indirect(found: Split) -> Contrast:
    """The difference without the blocks in which both sit, rest / (1 − h); meaningless where `alone`."""
    left = _left(found)
    own = found.own[..., 2] / left[:, None, None] ** 2
    return Contrast(found.rest / left, own.sum(axis=1) + found.others / left[:, None] ** 2, own)


def inconsistency(found: Split) -> Contrast:
    """Direct − indirect; meaningless where `alone`.

    Lab × item effects that both kinds of evidence carry alike cancel; those of items that only one of them has stay in the
    variance, so that different items (heterogeneity) are not taken for inconsistency.
    """
    left = _left(found)
    scale = left[:, None, None]
    own = np.maximum(found.own[..., 0] - 2.0 * found.own[..., 1] / scale + found.own[..., 2] / scale**2, 0.0)
    return Contrast(found.direct - found.rest / left, own.sum(axis=1) + found.others / left[:, None] ** 2, own)


def _left(found: Split) -> Floats:
    """1 − h, the part of the network's estimate that is indirect; 1 where there is none."""
    return np.where(alone(found), 1.0, 1.0 - found.leverage)


def alone(found: Split) -> NDArray[np.bool_]:
    """Pairs whose contrast rests on their own blocks alone: there is no indirect evidence."""
    return np.asarray(1.0 - found.leverage < NO_OTHER_WAY)


class OwnVariance(NamedTuple):
    """Variance of one kind in each of the two laboratories (m × 2), where theirs is not that of all, and its degrees of
    freedom."""

    kind: int
    variance: Floats
    df: Floats


def judged(
    found: Contrast,
    components: Components,
    *,
    within: NDArray[np.bool_],
    lab_df: Floats,
    slope: float = 1.0,
    items: OwnVariance | None = None,
) -> Judged:
    """Standard error √Σσ²v / κ and Satterthwaite's degrees of freedom 2V²/Var(V) of each estimate.

    Var(V) holds the covariance of the variance components, and for each of the two laboratories what is uncertain of its own
    variance (`lab_df`, m × 2, on the kinds `within` laboratories). With `items` the groups of that kind have the variance of
    their own laboratory, those of all others the common one. `slope` κ is what redescending weights lose against least
    squares. Infinite where V is certain. Source: Satterthwaite 1946, doi:10.2307/3002019.
    """
    common, of_items = found.variance.copy(), np.zeros_like(lab_df)
    if items is not None:
        common[:, items.kind] = np.maximum(common[:, items.kind] - found.own[..., items.kind].sum(axis=1), 0.0)
        of_items = found.own[..., items.kind] * items.variance
    variance = common @ components.variance + of_items.sum(axis=1)
    uncertain = np.einsum("ij,jk,ik->i", common, components.covariance, common)
    own = found.own[..., within] @ components.variance[within]
    uncertain = uncertain + (2.0 * own**2 / lab_df).sum(axis=1)
    if items is not None:
        uncertain = uncertain + (2.0 * of_items**2 / items.df).sum(axis=1)
    some = uncertain > 0
    df = np.where(some, 2.0 * variance**2 / np.where(some, uncertain, 1.0), np.inf)
    return Judged(found.estimate, np.sqrt(variance) / slope, df)


def to_others(inverse: Floats) -> Floats:
    """Effective resistance c' A⁻ c of each of n nodes to the mean of the others, c = e_i − Σ_j e_j/(n − 1); ∞ if n = 1."""
    n = len(inverse)
    if n < 2:
        return np.full(n, np.inf)
    centred = np.diag(inverse) - 2.0 * inverse.mean(axis=1) + inverse.mean()
    return np.asarray(np.maximum(centred, 0.0) * (n / (n - 1)) ** 2)
