"""The likelihood of blocks whose results are numbers or intervals on a latent scale, with the block's level integrated out."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from labqa.stats.kernels import kernel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
NORMAL, LOGISTIC = 0, 1
"""Distributions of the error of a result: normal (cumulative probit), or logistic, whose tails let no single result decide."""
LEAST = 1e-300
"""Least probability of an interval, so that its logarithm stays finite."""
TINY = 1e-150
"""Factors of a likelihood beyond which their product might be no float."""
NEGLIGIBLE = 1e-7
"""Posterior weight of a node below which it moves no second derivative."""


class Evaluated(NamedTuple):
    """Log likelihood (blocks), its gradient and Hessian in the parameters (biases, levels, thresholds, log spread of the
    nodes), the score of each block in them (parameters × blocks), d/d log scale (blocks), and the score of each result in its
    bias."""

    loglik: Floats
    gradient: Floats
    hessian: sparse.csr_array
    block_score: sparse.csr_array
    of_scale: Floats
    score: Floats


@kernel
def _distribution(link, x):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Lower and upper tail, density and its derivative at x, in units of the scale."""
    if x == -np.inf or x == np.inf:
        return (0.0, 1.0, 0.0, 0.0) if x < 0 else (1.0, 0.0, 0.0, 0.0)
    if link == LOGISTIC:
        e = math.exp(-abs(x))
        small, large = e / (1.0 + e), 1.0 / (1.0 + e)
        lower, upper = (large, small) if x > 0 else (small, large)
        return lower, upper, lower * upper, lower * upper * (upper - lower)
    density = 0.3989422804014327 * math.exp(-0.5 * x * x)
    small = 0.5 * math.erfc(abs(x) / 1.4142135623730951)
    lower, upper = (1.0 - small, small) if x > 0 else (small, 1.0 - small)
    return lower, upper, density, -x * density


@kernel
def _parts(link, low, high, rate):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Of one result given its block's level: x and f, its likelihood being exp(x) f; and the derivatives of its logarithm by
    the upper and the lower end; `rate` is 1 over the scale, since a division takes the time of several products."""
    if low == high:
        r = low * rate
        if link == LOGISTIC:
            e = math.exp(-abs(r))
            inverse = 1.0 / (1.0 + e)
            score = (e - 1.0) * inverse * rate
            squared = inverse * inverse * rate
            return -abs(r), squared, score if r > 0.0 else -score, 0.0, -2.0 * e * squared * rate, 0.0, 0.0
        return -0.5 * r * r, 0.3989422804014327 * rate, -r * rate, 0.0, -rate * rate, 0.0, 0.0
    lower_a, upper_a, density_a, slope_a = _distribution(link, low * rate)
    lower_b, upper_b, density_b, slope_b = _distribution(link, high * rate)
    inside = max(upper_a - upper_b if low > 0.0 else lower_b - lower_a, LEAST)
    share = rate / inside
    up, down = density_b * share, -density_a * share
    return (
        0.0,
        inside,
        up,
        down,
        slope_b * rate * share - up * up,
        -up * down,
        -slope_a * rate * share - down * down,
    )


@kernel
def _curved(k, high_at, low_at, node, posterior, part, mean, one, local):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Adds to `local` the second derivatives of one block of k results by its local parameters, by Louis's identity."""
    m = len(mean)
    last = m - 1
    for q in range(len(node)):
        p = posterior[q]
        if p < NEGLIGIBLE:
            continue
        one[:m] = -mean
        at = node[q]
        for j in range(k):
            up, down = part[j, q, 0], part[j, q, 1]
            hh, hl, ll = part[j, q, 2], part[j, q, 3], part[j, q, 4]
            one[j] -= up + down
            one[k] -= (up + down) / k
            one[last] -= (up + down) * at
            ee = p * (hh + 2.0 * hl + ll)
            local[j, j] += ee
            local[j, k] += ee / k
            local[k, j] += ee / k
            local[k, k] += ee / (k * k)
            local[last, last] += ee * at * at - p * (up + down) * at
            for x, factor in ((j, at), (k, at / k)):
                local[last, x] += ee * factor
                local[x, last] += ee * factor
            high_t, low_t = k + 1 + high_at[j], k + 1 + low_at[j]
            if high_at[j] >= 0:
                one[high_t] += up
                local[high_t, high_t] += p * hh
                for x, factor in ((j, 1.0), (k, 1.0 / k), (last, at)):
                    local[high_t, x] -= p * (hh + hl) * factor
                    local[x, high_t] -= p * (hh + hl) * factor
            if low_at[j] >= 0:
                one[low_t] += down
                local[low_t, low_t] += p * ll
                for x, factor in ((j, 1.0), (k, 1.0 / k), (last, at)):
                    local[low_t, x] -= p * (hl + ll) * factor
                    local[x, low_t] -= p * (hl + ll) * factor
            if high_at[j] >= 0 and low_at[j] >= 0:
                local[high_t, low_t] += p * hl
                local[low_t, high_t] += p * hl
        for x in range(m):
            if one[x] != 0.0:
                for y in range(m):
                    local[x, y] += p * one[x] * one[y]


@kernel
def _weighed(  # type: ignore[no-untyped-def]  # pragma: no cover
    lab, low, high, low_at, high_at, bias, shift, threshold, node, log_weight, rate, link, part, posterior, scaled
):
    """Log likelihood of one block and d/d log scale; `part` and `posterior` become what its results and its nodes say."""
    for q in range(len(node)):
        total, factor, by_scale = log_weight[q], 1.0, 0.0  # one logarithm for many factors
        if total > -1e290:
            for j in range(len(lab)):
                centre = node[q] + shift + bias[lab[j]]
                lo = (threshold[low_at[j]] if low_at[j] >= 0 else low[j]) - centre
                hi = (threshold[high_at[j]] if high_at[j] >= 0 else high[j]) - centre
                x, f, up, down, part[j, q, 2], part[j, q, 3], part[j, q, 4] = _parts(link, lo, hi, rate)
                part[j, q, 0], part[j, q, 1] = up, down
                total += x
                if f < TINY or not TINY < factor < 1.0 / TINY:
                    total += math.log(factor)
                    factor = 1.0
                factor *= f
                if lo == hi:
                    by_scale += -1.0 - hi * up
                else:
                    by_scale -= (hi * up if hi < np.inf else 0.0) + (lo * down if lo > -np.inf else 0.0)
        posterior[q], scaled[q] = total + math.log(factor), by_scale
    top, whole, of_scale = posterior.max(), 0.0, 0.0
    for q in range(len(node)):
        posterior[q] = math.exp(posterior[q] - top)
        whole += posterior[q]
    for q in range(len(node)):
        posterior[q] /= whole
        if posterior[q] > 0.0:
            of_scale += posterior[q] * scaled[q]
    return top + math.log(whole), of_scale


@kernel
def _sloped(k, high_at, low_at, node, posterior, part, mean):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Adds to `mean` the gradient of one block of k results by its local parameters."""
    for q in range(len(node)):
        p = posterior[q]
        if p <= 0.0:
            continue
        for j in range(k):
            e = -(part[j, q, 0] + part[j, q, 1])
            mean[j] += p * e
            mean[k] += p * e / k
            mean[-1] += p * e * node[q]
            if high_at[j] >= 0:
                mean[k + 1 + high_at[j]] += p * part[j, q, 0]
            if low_at[j] >= 0:
                mean[k + 1 + low_at[j]] += p * part[j, q, 1]


@kernel
def _evaluated(  # type: ignore[no-untyped-def]  # pragma: no cover
    start, lab, low, high, low_at, high_at, bias, level, threshold, node, log_weight, scale, link, derived
):
    """Log likelihood and d/d log scale of each block; where `derived`, too, its gradient and curvature."""
    n_thresholds, n_nodes, n_blocks = len(threshold), node.shape[1], len(start) - 1
    loglik, of_scale = np.zeros(n_blocks), np.zeros(n_blocks)
    most, n_means, n_locals = 0, 0, 0
    for block in range(n_blocks):
        m = start[block + 1] - start[block] + 2 + n_thresholds
        most, n_means, n_locals = max(most, m), n_means + m, n_locals + m * m
    part, one = np.empty((most, n_nodes, 5)), np.zeros(most)
    means, curvatures = np.zeros(n_means if derived else 0), np.zeros(n_locals if derived else 0)
    posterior, scaled, rate = np.empty(n_nodes), np.empty(n_nodes), 1.0 / scale
    mean_at, local_at = 0, 0
    for block in range(n_blocks):
        first, end = start[block], start[block + 1]
        k, labs, highs, lows = end - first, lab[first:end], high_at[first:end], low_at[first:end]
        shift = 0.0
        for j in range(k):
            shift += level[labs[j]] / k
        loglik[block], of_scale[block] = _weighed(
            labs, low[first:end], high[first:end], lows, highs, bias, shift, threshold,
            node[block], log_weight[block], rate, link, part, posterior, scaled,
        )  # fmt: skip
        if derived:
            m = k + 2 + n_thresholds
            mean = means[mean_at : mean_at + m]
            local = curvatures[local_at : local_at + m * m].reshape(m, m)
            mean_at, local_at = mean_at + m, local_at + m * m
            _sloped(k, highs, lows, node[block], posterior, part, mean)
            _curved(k, highs, lows, node[block], posterior, part, mean, one, local)
    return loglik, means, curvatures, of_scale


class Layout(NamedTuple):
    """Where what each block says of its own parameters (the bias of each result's laboratory, the level its laboratories
    share, thresholds, log spread) goes among all parameters, of which there are `size`; it serves all evaluations of a fit.

    `own`: place of each result's bias among the blocks' own parameters; `told` of these are added to the entries `score` of
    `scores` (parameters × blocks), `curved` of the blocks' own curvatures to the entries `entry` of `information` (size × size,
    with its whole diagonal, at the entries `diagonal`). The data of both matrices are their pattern only.
    """

    size: int
    own: Ints
    told: Ints
    score: Ints
    scores: sparse.csr_array
    curved: Ints
    entry: Ints
    information: sparse.csr_array
    diagonal: Ints


def layout(start: Ints, lab: Ints, *, n: int, n_thresholds: int) -> Layout:
    """The layout of blocks with these laboratories, of n in all; parameters are biases, levels, thresholds, log spread."""
    width, size = np.diff(start), 2 * n + n_thresholds + 1
    of_block = width + 2 + n_thresholds
    begin = np.concatenate([[0], np.cumsum(of_block)])
    block = np.repeat(np.arange(len(width)), width)
    own = np.arange(len(lab)) + (begin[:-1] - start[:-1])[block]
    others = np.arange(n_thresholds + 1)
    local = np.concatenate([own, (begin[:-1] + width)[block], ((begin[:-1] + width + 1)[:, None] + others).ravel()])
    everywhere = np.concatenate([lab, n + lab, np.tile(2 * n + others, len(width))])
    owner = np.concatenate([block, block, np.repeat(np.arange(len(width)), n_thresholds + 1)])
    order = np.argsort(owner, kind="stable")
    local, everywhere, owner = local[order], everywhere[order], owner[order]
    score, scores = _pattern(everywhere, owner, (size, len(width)))
    # every parameter of a block with every other: rows of its curvature are of_block long
    count = np.bincount(owner, minlength=len(width))
    one = np.repeat(np.arange(len(owner)), count[owner])
    ahead = np.repeat(np.cumsum(count) - count, count**2)
    other = ahead + np.arange(len(one)) - np.repeat(np.cumsum(count[owner]) - count[owner], count[owner])
    curvature = np.cumsum(of_block**2) - of_block**2
    of = owner[one]
    curved = curvature[of] + (local[one] - begin[of]) * of_block[of] + local[other] - begin[of]
    corner = np.arange(size)
    places = np.concatenate([everywhere[one], corner]), np.concatenate([everywhere[other], corner])
    entry, information = _pattern(*places, (size, size))
    return Layout(size, own, local, score, scores, curved, entry[: len(one)], information, entry[len(one) :])


def _pattern(row: Ints, column: Ints, shape: tuple[int, int]) -> tuple[Ints, sparse.csr_array]:
    """The matrix that has entries at these places, and which of its entries each is."""
    places, entry = np.unique(row * shape[1] + column, return_inverse=True)
    pointer = np.searchsorted(places, np.arange(shape[0] + 1) * shape[1])
    return entry.ravel(), sparse.csr_array((np.ones(len(places)), places % shape[1], pointer), shape=shape)


def _filled(pattern: sparse.csr_array, entry: Ints, value: Floats) -> sparse.csr_array:
    """The matrix of that pattern with the values added up at their entries, in their order."""
    data = np.bincount(entry, weights=value, minlength=pattern.nnz)
    return sparse.csr_array((data, pattern.indices, pattern.indptr), shape=pattern.shape)


class Height(NamedTuple):
    """Log likelihood and d/d log scale (blocks each)."""

    loglik: Floats
    of_scale: Floats


def height(
    start: Ints, lab: Ints, low: Floats, high: Floats, low_at: Ints, high_at: Ints, bias: Floats, level: Floats,
    threshold: Floats, node: Floats, log_weight: Floats, *, scale: float, link: int,
) -> Height:  # fmt: skip
    """The likelihood alone of `evaluate`, in a fraction of its time."""
    loglik, _, _, of_scale = _evaluated(
        start, lab, low, high, low_at, high_at, bias, level, threshold, node, log_weight, scale, link, False
    )
    return Height(loglik, of_scale)


def evaluate(
    start: Ints, lab: Ints, low: Floats, high: Floats, low_at: Ints, high_at: Ints, bias: Floats, level: Floats,
    threshold: Floats, node: Floats, log_weight: Floats, *, scale: float, link: int, at: Layout,
) -> Evaluated:  # fmt: skip
    """log Σ_q w_q Π_j P(result j | node q) of each block, with derivatives by Louis's identity.

    Result j of laboratory l in block i lies between `low` and `high` (equal: a number; ±inf: open; where `low_at` or `high_at`
    is ≥ 0 the end is that threshold), around node + mean of `level` over the block's laboratories + bias_l, with an error of
    `scale`. `node` and `log_weight` (blocks × Q) carry the distribution of levels and the spacing of the nodes; `at` is the
    `layout` of the blocks.
    `level` (n) lets the samples of a laboratory be higher or lower than others' (Mundlak 1978, doi:10.2307/1913646), so that
    its bias rests on comparisons within blocks. Second derivatives: Louis 1982, doi:10.1111/j.2517-6161.1982.tb01203.x.
    """
    loglik, means, curvatures, of_scale = _evaluated(
        start, lab, low, high, low_at, high_at, bias, level, threshold, node, log_weight, scale, link, True
    )
    told = means[at.told]
    scores = _filled(at.scores, at.score, told)
    return Evaluated(
        loglik, scores.sum(axis=1), _filled(at.information, at.entry, curvatures[at.curved]), scores, of_scale, means[at.own]
    )
