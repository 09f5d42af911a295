"""How two laboratories compare: by the blocks in which both sit, by all others, and whether the two agree (node splitting)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from labqa.stats.kernels import kernel
from labqa.stats.network.blocks import Fit, felt_variance, product
from labqa.stats.network.variance import Components, Grouping

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
SMALL_BLOCK = 4
"""Blocks of more laboratories have their means taken once, not for each pair."""
NO_OTHER_WAY = 1e-9
"""Share of its information below which a contrast rests on its own blocks alone, but for rounding."""


class Split(NamedTuple):
    """Contrasts first − second of m pairs, split by where their evidence comes from.

    `weight` Ω is the information of the direct evidence, `resistance` R the variance of the network's contrast for errors of
    variance 1/weight, `leverage` h = ΩR (0 … 1) the part of the network's estimate that is direct. `within` (m × 2 × K × 3)
    holds, for each kind of variance and the groups of each of the two laboratories, what one unit of it adds to Var direct,
    Cov(direct, network), Var network; `total` (m × K) what it adds to Var network from the groups of all laboratories.
    """

    n_blocks: Ints
    n_clusters: Ints
    weight: Floats
    resistance: Floats
    leverage: Floats
    direct: Floats
    network: Floats
    within: Floats
    total: Floats


class Combined(NamedTuple):
    """a · direct + b · network of each pair: the estimate, its variance by kind (m × K), and what of that is each of the two
    laboratories' own (m × 2 × K)."""

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
    out = np.zeros(len(first))
    for p in range(len(first)):
        i, j = first[p], second[p]
        for k in range(inverse.shape[1]):
            out[p] += (rows[i, k] - rows[j, k]) * (inverse[i, k] - inverse[j, k])
    return out


@kernel
def _met(begin, at, block, weight, gap, first, second):  # type: ignore[no-untyped-def]  # pragma: no cover
    count, total, summed = np.zeros(len(first), np.int64), np.zeros(len(first)), np.zeros(len(first))
    for p in range(len(first)):
        a, b = begin[first[p]], begin[second[p]]
        while a < begin[first[p] + 1] and b < begin[second[p] + 1]:
            one, other = at[a], at[b]
            if block[one] == block[other]:
                both = weight[one] * weight[other] / (weight[one] + weight[other])
                count[p] += 1
                total[p] += both
                summed[p] += both * (gap[one] - gap[other])
            if block[one] <= block[other]:
                a += 1
            if block[other] <= block[one]:
                b += 1
    return count, total, summed


@kernel
def _felt(begin, at, start, block, node, weight, big, means, inverse, group, scale, direct, network, first, second, total, counted, clusters, within):  # type: ignore[no-untyped-def]  # pragma: no cover  # fmt: skip
    for p in range(len(first)):
        i, j = first[p], second[p]
        for side in range(2):
            lab, other, sign = (i, j, 1.0) if side == 0 else (j, i, -1.0)
            b = begin[other]
            for a in range(begin[lab], begin[lab + 1]):
                o = at[a]
                while b < begin[other + 1] and block[at[b]] < block[o]:
                    b += 1
                by_direct = 0.0
                if b < begin[other + 1] and block[at[b]] == block[o]:
                    by_direct = sign * weight[o] * weight[at[b]] / (weight[o] + weight[at[b]]) / total[p]
                mean = 0.0
                if big[block[o]] >= 0:
                    mean = means[i, big[block[o]]] - means[j, big[block[o]]]
                else:
                    every = 0.0
                    for c in range(start[block[o]], start[block[o] + 1]):
                        mean += weight[c] * (inverse[i, node[c]] - inverse[j, node[c]])
                        every += weight[c]
                    mean /= every
                by_network = weight[o] * (inverse[i, node[o]] - inverse[j, node[o]] - mean)
                for k in range(len(group)):
                    if group[k, o] >= 0:
                        direct[group[k, o]] += scale[k, o] * by_direct
                        network[group[k, o]] += scale[k, o] * by_network
            for a in range(begin[lab], begin[lab + 1]):
                for k in range(len(group)):
                    g = group[k, at[a]]
                    if g >= 0:
                        if k == counted and side == 0 and direct[g] != 0.0:
                            clusters[p] += 1
                        within[p, side, k, 0] += direct[g] * direct[g]
                        within[p, side, k, 1] += direct[g] * network[g]
                        within[p, side, k, 2] += network[g] * network[g]
                        direct[g] = network[g] = 0.0


def split(fitted: Fit, start: Ints, groupings: list[Grouping], first: Ints, second: Ints, *, counted: int = 0) -> Split:
    """Direct, network and (through `combined`) indirect contrasts of the pairs (first, second) of a fitted component.

    A block in which both sit gives y_i − y_j with the weight ω = w_i w_j/(w_i + w_j); direct = Σωd/Σω. A block of many gives
    that and no more: its other laboratories stay in the indirect evidence together with the weighted mean of the two, which
    says nothing of their difference. So the network's contrast is h · direct + (1 − h) · indirect with h = ΩR, as if one
    parameter were added for the pair (z of a block: w_j/(w_i + w_j) for i, −w_i/(w_i + w_j) for j); blocks of two give node
    splitting as published. Every group of `groupings` holds observations of one laboratory (kinds without an owner touch no
    direct evidence and count in the network's variance only); `counted` is the kind whose groups are counted in the direct
    evidence. Pairs must share a block. Memory: the fit's n × n twice and what the pairs hold. Sources: Dias et al. 2010,
    doi:10.1002/sim.3767; König, Krahn & Binder 2013, doi:10.1002/sim.6001.
    """
    node, weight, inverse = fitted.node, fitted.weight, np.ascontiguousarray(fitted.inverse)
    block = np.repeat(np.arange(len(start) - 1), np.diff(start)).astype(np.int64)
    at = np.argsort(node, kind="stable").astype(np.int64)
    begin = np.searchsorted(node[at], np.arange(len(inverse) + 1)).astype(np.int64)
    gap = fitted.score / weight + fitted.effect[node]
    n_blocks, total, summed = _met(begin, at, block, weight, gap, first, second)
    if not (total > 0).all():
        raise ValueError(f"pair {int(np.argmin(total > 0))}: shares no block; expected pairs with direct evidence")
    network = fitted.effect[first] - fitted.effect[second]
    resistance = inverse[first, first] + inverse[second, second] - 2.0 * inverse[first, second]
    group, scale, n_groups = _groups(groupings, len(node))
    big, means = _block_means(fitted, start, inverse)
    within, clusters = np.zeros((len(first), 2, len(groupings), 3)), np.zeros(len(first), np.int64)
    _felt(
        begin, at, start, block, node, weight, big, means, inverse, group, scale, np.zeros(n_groups), np.zeros(n_groups),
        first, second, total, counted, clusters, within,
    )  # fmt: skip
    by_kind = [_quadratic(product(inverse, felt_variance(fitted, one.matrix)), inverse, first, second) for one in groupings]
    leverage = np.clip(total * resistance, 0.0, 1.0)
    return Split(n_blocks, clusters, total, resistance, leverage, summed / total, network, within, np.stack(by_kind, axis=1))


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


def _block_means(fitted: Fit, start: Ints, inverse: Floats) -> tuple[Ints, Floats]:
    """Number of each large block (−1: small), and the weighted mean over it of each row of the inverse (nodes × large)."""
    large = np.flatnonzero(np.diff(start) > SMALL_BLOCK)
    big = np.full(len(start) - 1, -1)
    big[large] = np.arange(len(large))
    total = np.bincount(np.repeat(np.arange(len(start) - 1), np.diff(start)), weights=fitted.weight, minlength=len(start) - 1)
    share = sparse.csr_array((fitted.nodes.T @ fitted.roots[:, large]).multiply(1.0 / np.sqrt(total[large])[None, :]))
    return big, np.ascontiguousarray((share.T @ inverse.T).T)


def combined(found: Split, *, direct: Floats, network: Floats) -> Combined:
    """a · direct + b · network for coefficients a, b (m each), with the variance that they share counted once."""
    a, b = direct[:, None, None], network[:, None, None]
    own = a * a * found.within[..., 0] + 2.0 * a * b * found.within[..., 1] + b * b * found.within[..., 2]
    others = found.total - found.within[..., 2].sum(axis=1)
    estimate = direct * found.direct + network * found.network
    return Combined(estimate, np.maximum(own.sum(axis=1) + (network**2)[:, None] * others, 0.0), own)


def indirect(found: Split) -> Combined:
    """(network − h direct) / (1 − h): the contrast without the blocks in which both sit; meaningless where `alone`."""
    rest = np.where(alone(found), 1.0, 1.0 - found.leverage)
    return combined(found, direct=-found.leverage / rest, network=1.0 / rest)


def inconsistency(found: Split) -> Combined:
    """Direct − indirect = (direct − network) / (1 − h); meaningless where `alone`.

    Lab × item effects that both kinds of evidence carry alike cancel; those of items that only one of them has stay in the
    variance, so that different items (heterogeneity) are not taken for inconsistency.
    """
    rest = np.where(alone(found), 1.0, 1.0 - found.leverage)
    return combined(found, direct=1.0 / rest, network=-1.0 / rest)


def alone(found: Split) -> NDArray[np.bool_]:
    """Pairs whose contrast rests on their own blocks alone: there is no indirect evidence."""
    return np.asarray(1.0 - found.leverage < NO_OTHER_WAY)


def judged(found: Combined, components: Components, *, within: NDArray[np.bool_], lab_df: Floats, slope: float = 1.0) -> Judged:
    """Standard error √Σσ²v / κ and Satterthwaite's degrees of freedom 2V²/Var(V) of each estimate.

    Var(V) holds the covariance of the variance components, and for each of the two laboratories what is uncertain of its own
    variance (`lab_df`, m × 2, on the kinds `within` laboratories). `slope` κ is what redescending weights lose against least
    squares. Infinite where V is certain. Source: Satterthwaite 1946, doi:10.2307/3002019.
    """
    v = found.variance
    variance = v @ components.variance
    uncertain = np.einsum("ij,jk,ik->i", v, components.covariance, v)
    own = found.own[..., within] @ components.variance[within]
    uncertain = uncertain + (2.0 * own**2 / lab_df).sum(axis=1)
    some = uncertain > 0
    df = np.where(some, 2.0 * variance**2 / np.where(some, uncertain, 1.0), np.inf)
    return Judged(found.estimate, np.sqrt(variance) / slope, df)


def to_others(inverse: Floats) -> Floats:
    """Effective resistance of each of n nodes to the mean of all others: c' A⁻ c, c = e_i − (mean of the others); ∞ if n = 1."""
    n = len(inverse)
    if n < 2:
        return np.full(n, np.inf)
    centred = np.diag(inverse) - 2.0 * inverse.mean(axis=1) + inverse.mean()
    return np.asarray(np.maximum(centred, 0.0) * (n / (n - 1)) ** 2)
