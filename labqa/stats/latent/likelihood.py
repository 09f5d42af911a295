"""The likelihood of blocks whose results are numbers or intervals on a latent scale, with the block's level integrated out."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labqa.stats.kernels import kernel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
NORMAL, LOGISTIC = 0, 1
"""Distributions of the error of a result: normal (cumulative probit), or logistic, whose tails let no single result decide."""
LEAST = 1e-300
"""Least probability of an interval, so that its logarithm stays finite."""
NEGLIGIBLE = 1e-7
"""Posterior weight of a node below which it moves no second derivative."""


class Evaluated(NamedTuple):
    """Log likelihood (blocks), its gradient and Hessian in (biases, levels, thresholds, log spread of the nodes), the sum over
    blocks of the outer products of their scores, d/d log scale (blocks), and the score of each result in its bias."""

    loglik: Floats
    gradient: Floats
    hessian: Floats
    meat: Floats
    of_scale: Floats
    score: Floats


@kernel
def _distribution(link, x):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Lower and upper tail, density and its derivative at x, in units of the scale."""
    if link == LOGISTIC:
        if x == -np.inf or x == np.inf:
            return (0.0, 1.0, 0.0, 0.0) if x < 0 else (1.0, 0.0, 0.0, 0.0)
        e = math.exp(-abs(x))
        small, large = e / (1.0 + e), 1.0 / (1.0 + e)
        lower, upper = (large, small) if x > 0 else (small, large)
        return lower, upper, lower * upper, lower * upper * (upper - lower)
    density = 0.3989422804014327 * math.exp(-0.5 * x * x)
    slope = -x * density if density > 0.0 else 0.0
    return 0.5 * math.erfc(-x / 1.4142135623730951), 0.5 * math.erfc(x / 1.4142135623730951), density, slope


@kernel
def _parts(link, low, high, scale):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Log likelihood of one result given its block's level, and its derivatives by the upper and the lower end."""
    if low == high:
        r = low / scale
        if link == LOGISTIC:
            e = math.exp(-abs(r))
            density = e / (1.0 + e) ** 2
            score = -math.tanh(0.5 * r) / scale
            return -abs(r) - 2.0 * math.log1p(e) - math.log(scale), score, 0.0, -2.0 * density / scale**2, 0.0, 0.0
        return -0.5 * r * r - 0.9189385332046727 - math.log(scale), -r / scale, 0.0, -1.0 / scale**2, 0.0, 0.0
    lower_a, upper_a, density_a, slope_a = _distribution(link, low / scale)
    lower_b, upper_b, density_b, slope_b = _distribution(link, high / scale)
    inside = max(upper_a - upper_b if low > 0.0 else lower_b - lower_a, LEAST)
    up, down = density_b / (scale * inside), -density_a / (scale * inside)
    return (
        math.log(inside),
        up,
        down,
        slope_b / (scale * scale * inside) - up * up,
        -up * down,
        -slope_a / (scale * scale * inside) - down * down,
    )


@kernel
def _evaluated(  # type: ignore[no-untyped-def]  # pragma: no cover
    start, lab, low, high, low_at, high_at, bias, level, threshold, node, log_weight, scale, link, second
):
    n, n_thresholds, n_nodes = len(bias), len(threshold), node.shape[1]
    size = 2 * n + n_thresholds + 1
    n_blocks = len(start) - 1
    loglik, of_scale = np.zeros(n_blocks), np.zeros(n_blocks)
    score, gradient = np.zeros(len(lab)), np.zeros(size)
    hessian, meat = np.zeros((size, size)), np.zeros((size, size))
    most = 0
    for block in range(n_blocks):
        most = max(most, start[block + 1] - start[block])
    part = np.empty((most, n_nodes, 5))
    local = np.zeros((most + 2 + n_thresholds, most + 2 + n_thresholds))
    mean, one = np.zeros(most + 2 + n_thresholds), np.zeros(most + 2 + n_thresholds)
    posterior, scaled = np.empty(n_nodes), np.empty(n_nodes)
    for block in range(n_blocks):
        first, k = start[block], start[block + 1] - start[block]
        shift = 0.0
        for j in range(k):
            shift += level[lab[first + j]] / k
        for q in range(n_nodes):
            total, by_scale = log_weight[block, q], 0.0
            if total > -1e290:
                for j in range(k):
                    o = first + j
                    centre = node[block, q] + shift + bias[lab[o]]
                    lo = (threshold[low_at[o]] if low_at[o] >= 0 else low[o]) - centre
                    hi = (threshold[high_at[o]] if high_at[o] >= 0 else high[o]) - centre
                    value, up, down, part[j, q, 2], part[j, q, 3], part[j, q, 4] = _parts(link, lo, hi, scale)
                    part[j, q, 0], part[j, q, 1] = up, down
                    total += value
                    if lo == hi:
                        by_scale += -1.0 - hi * up
                    else:
                        by_scale -= (hi * up if hi < np.inf else 0.0) + (lo * down if lo > -np.inf else 0.0)
            posterior[q], scaled[q] = total, by_scale
        top = posterior.max()
        whole = 0.0
        for q in range(n_nodes):
            posterior[q] = math.exp(posterior[q] - top)
            whole += posterior[q]
        loglik[block] = top + math.log(whole)
        # the local parameters: the bias of each result's laboratory, the level that the block's laboratories share, thresholds
        m = k + 2 + n_thresholds
        last = m - 1
        mean[:m] = 0.0
        local[:m, :m] = 0.0
        for q in range(n_nodes):
            p = posterior[q] / whole
            posterior[q] = p
            if p <= 0.0:
                continue
            of_scale[block] += p * scaled[q]
            for j in range(k):
                o = first + j
                e = -(part[j, q, 0] + part[j, q, 1])
                mean[j] += p * e
                mean[k] += p * e / k
                mean[last] += p * e * node[block, q]
                if high_at[o] >= 0:
                    mean[k + 1 + high_at[o]] += p * part[j, q, 0]
                if low_at[o] >= 0:
                    mean[k + 1 + low_at[o]] += p * part[j, q, 1]
        for j in range(k):
            score[first + j] = mean[j]
            gradient[lab[first + j]] += mean[j]
            gradient[n + lab[first + j]] += mean[k]
        for t in range(n_thresholds + 1):
            gradient[2 * n + t] += mean[k + 1 + t]
        if not second:
            continue
        for q in range(n_nodes):
            p = posterior[q]
            if p < NEGLIGIBLE:
                continue
            one[:m] = -mean[:m]
            at = node[block, q]
            for j in range(k):
                o = first + j
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
                high_t, low_t = k + 1 + high_at[o], k + 1 + low_at[o]
                if high_at[o] >= 0:
                    one[high_t] += up
                    local[high_t, high_t] += p * hh
                    for x, factor in ((j, 1.0), (k, 1.0 / k), (last, at)):
                        local[high_t, x] -= p * (hh + hl) * factor
                        local[x, high_t] -= p * (hh + hl) * factor
                if low_at[o] >= 0:
                    one[low_t] += down
                    local[low_t, low_t] += p * ll
                    for x, factor in ((j, 1.0), (k, 1.0 / k), (last, at)):
                        local[low_t, x] -= p * (hl + ll) * factor
                        local[x, low_t] -= p * (hl + ll) * factor
                if high_at[o] >= 0 and low_at[o] >= 0:
                    local[high_t, low_t] += p * hl
                    local[low_t, high_t] += p * hl
            for x in range(m):
                if one[x] != 0.0:
                    for y in range(m):
                        local[x, y] += p * one[x] * one[y]
        for x in range(m):
            for y in range(m):
                curved, outer = local[x, y], mean[x] * mean[y]
                for s in range(k if x == k else 1):
                    row = n + lab[first + s] if x == k else lab[first + x] if x < k else 2 * n + x - k - 1
                    for t in range(k if y == k else 1):
                        column = n + lab[first + t] if y == k else lab[first + y] if y < k else 2 * n + y - k - 1
                        hessian[row, column] += curved
                        meat[row, column] += outer
    return loglik, gradient, hessian, meat, of_scale, score


def evaluate(
    start: Ints, lab: Ints, low: Floats, high: Floats, low_at: Ints, high_at: Ints, bias: Floats, level: Floats,
    threshold: Floats, node: Floats, log_weight: Floats, *, scale: float, link: int, second: bool = True,
) -> Evaluated:  # fmt: skip
    """log Σ_q w_q Π_j P(result j | node q) of each block, with derivatives by Louis's identity.

    Result j of laboratory l in block i lies between `low` and `high` (equal: a number; ±inf: open; where `low_at` or `high_at`
    is ≥ 0 the end is that threshold), around node + mean of `level` over the block's laboratories + bias_l, with an error of
    `scale`. `node` and `log_weight` (blocks × Q) carry the distribution of levels and the spacing of the nodes.
    `level` (n) lets the samples of a laboratory be higher or lower than others' (Mundlak 1978, doi:10.2307/1913646), so that
    its bias rests on comparisons within blocks. Second derivatives: Louis 1982, doi:10.1111/j.2517-6161.1982.tb01203.x.
    """
    return Evaluated(
        *_evaluated(
            start, lab, low, high, low_at, high_at, bias, level, threshold, node, log_weight, scale, link, second
        )
    )  # fmt: skip
