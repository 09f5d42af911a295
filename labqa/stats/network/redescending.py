"""Robust weights on a network: gross errors of an item, swapped samples and bad runs lose their weight."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labqa.stats.kernels import kernel
from labqa.stats.network.beginning import shortest_half_effects
from labqa.stats.network.blocks import profiled

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
MAD_TO_SD = 1.4826022185056018


class Weights(NamedTuple):
    """Weights of the observations after the robust steps, the scale of their item, the fitted node effects, the loss of
    slope κ, the deviation of each observation from its block in SDs of its item, and which were outlying at the beginning."""

    weight: Floats
    scale: Floats
    effect: Floats
    slope: float
    deviation: Floats
    outlying: NDArray[np.bool_]


def huber_weight(t: Floats, *, corner: float) -> Floats:
    """ψ(t)/t of Huber: 1 up to `corner`, corner/|t| beyond."""
    return np.asarray(np.minimum(1.0, corner / np.maximum(np.abs(t), 1e-300)))


def redescending_weight(t: Floats, *, corner: float, end: float) -> Floats:
    """ψ(t)/t with a flat middle: 1 up to `corner`, then Tukey's bisquare (1 − x²)², x = (|t| − corner)/(end − corner), 0
    from `end` on.

    The flat middle keeps the fit linear for all but gross errors, so that its covariance is that of weighted least squares.
    """
    x = np.clip((np.abs(t) - corner) / (end - corner), 0.0, 1.0)
    return np.asarray((1.0 - x * x) ** 2)


def redescending_slope(t: Floats, *, corner: float, end: float) -> Floats:
    """ψ'(t) of `redescending_weight`."""
    x = np.clip((np.abs(t) - corner) / (end - corner), 0.0, 1.0)
    return np.asarray((1.0 - x * x) ** 2 - 4.0 * x * (1.0 - x * x) * np.abs(t) / (end - corner))


class _Pulls(NamedTuple):
    """P of the weights as it acts on node effects b: a pair pulls its nodes i and j together by `pull` × (b_i − b_j), w₁w₂ over
    w₁ + w₂ of its weights; larger blocks (`start`, `node`) pull each of theirs to the centre of the block, with `weight` and
    its `share` in the block."""

    i: Ints
    j: Ints
    pull: Floats
    start: Ints
    node: Ints
    weight: Floats
    share: Floats


def _pulls(start: Ints, node: Ints, weight: Floats, total: Floats) -> _Pulls:
    """From the weights and their `total` in the block of each; a block without weight pulls nothing."""
    share = weight / np.where(total > 0, total, 1.0)
    size = np.diff(start)
    first = start[:-1][size == 2]
    larger = np.repeat(size != 2, size)
    return _Pulls(
        node[first].astype(np.int32),  # half of what is read again at every step
        node[first + 1].astype(np.int32),
        weight[first] * share[first + 1],
        np.append(0, np.cumsum(size[size != 2])),
        node[larger],
        weight[larger],
        share[larger],
    )


@kernel
def _pulled(i, j, pull, start, node, weight, share, b, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    out[:] = 0.0
    for e in range(len(pull)):
        moved = pull[e] * (b[i[e]] - b[j[e]])
        out[i[e]] += moved
        out[j[e]] -= moved
    for block in range(len(start) - 1):
        first, end = start[block], start[block + 1]
        centre = 0.0
        for o in range(first, end):
            centre += share[o] * b[node[o]]
        for o in range(first, end):
            out[node[o]] += weight[o] * (b[node[o]] - centre)


@kernel
def _by_lab(lab_of, value, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Sums of a value of each node by laboratory."""
    out[:] = 0.0
    for k in range(len(value)):
        out[lab_of[k]] += value[k]


@kernel
def _conjugate(i, j, pull, start, node, weight, share, lab_of, share_of_lab, ratio, right, b, own, tolerance, most):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Conjugate gradients from b, preconditioned by what is left of the matrix where each laboratory is held apart from its
    partners: the `own` weight of its nodes, and what draws them to their mean."""
    n, labs = len(b), len(share_of_lab)
    out, scaled, z, mean = np.empty(n), np.empty(n), np.empty(n), np.empty(labs)
    inverse, drawn = 1.0 / (own + ratio), np.zeros(labs)
    _by_lab(lab_of, own * inverse, mean)
    for lab in range(labs):
        tied = mean[lab] * share_of_lab[lab]  # by nothing but rounding, where all its results have lost their weight
        if tied > 1e-9:
            drawn[lab] = ratio * share_of_lab[lab] / tied
    residual, direction = right.copy(), b.copy()
    size, rz, step = 0.0, 0.0, 1.0
    for k in range(n):
        size += right[k] * right[k] / (own[k] + ratio * (1.0 - share_of_lab[lab_of[k]]) + 1e-9)
    for count in range(most + 1):
        _pulled(i, j, pull, start, node, weight, share, direction, out)
        _by_lab(lab_of, direction, mean)
        curved = 0.0
        for k in range(n):
            out[k] += ratio * (direction[k] - mean[lab_of[k]] * share_of_lab[lab_of[k]])
            curved += direction[k] * out[k]
        if count > 0:  # before, what b leaves of the right side
            if curved <= 0.0:
                break
            step = rz / curved
        for k in range(n):
            if count > 0:
                b[k] += step * direction[k]
            residual[k] -= step * out[k]
            scaled[k] = residual[k] * inverse[k]
        _by_lab(lab_of, scaled, mean)
        new = 0.0
        for k in range(n):
            z[k] = scaled[k] + inverse[k] * drawn[lab_of[k]] * mean[lab_of[k]]
            new += residual[k] * z[k]
        if new <= tolerance * tolerance * size:
            break
        turned = new / rz if count > 0 else 0.0
        for k in range(n):
            direction[k] = z[k] + turned * direction[k]
        rz = new
    return b


def penalised_effects(
    start: Ints, node: Ints, lab_of: Ints, weight: Floats, y: Floats, *, ratio: float, guess: Floats
) -> Floats:
    """Node effects b (lab × item) that minimise Σ w (y − block − b)² + ratio Σ (b − mean of the lab's b)².

    Best linear predictions when `ratio` = error variance / variance of lab × item. Preconditioned conjugate gradients on
    the raw blocks to 1e-12, from `guess`. Effects are up to a constant per connected component.
    """
    share_of_lab = 1.0 / np.maximum(np.bincount(lab_of), 1)
    total = np.repeat(np.add.reduceat(weight, start[:-1]), np.diff(start)) if len(weight) else weight
    pulls = _pulls(start, node, weight, total)
    own = np.bincount(node, weights=weight * (1.0 - weight / np.where(total > 0, total, 1.0)), minlength=len(lab_of))
    right = np.bincount(node, weights=profiled(start, weight, y), minlength=len(lab_of))
    found = _conjugate(*pulls, lab_of, share_of_lab, ratio, right, guess.copy(), own, 1e-12, 2000)
    return np.asarray(found, dtype=np.float64)


@kernel
def _deviations(start, weight, base, residual):  # type: ignore[no-untyped-def]  # pragma: no cover
    out = np.zeros(len(residual))
    for block in range(len(start) - 1):
        total, summed, all_base, base_sum = 0.0, 0.0, 0.0, 0.0
        for o in range(start[block], start[block + 1]):
            total += weight[o]
            summed += weight[o] * residual[o]
            all_base += base[o]
            base_sum += base[o] * residual[o]
        judged = start[block + 1] - start[block] > 2 and total > 1e-6 * all_base
        centre = summed / total if judged else base_sum / all_base
        for o in range(start[block], start[block + 1]):
            out[o] = (residual[o] - centre) / np.sqrt(1.0 / base[o] - 1.0 / all_base)
    return out


def scaled_deviations(start: Ints, weight: Floats, base: Floats, residual: Floats) -> Floats:
    """Deviations from the weighted centre of the block over √(1/base − 1/Σ base), their SD for errors of variance 1/base.

    Both observations of a pair get the same magnitude, |Δ| / √(1/base₁ + 1/base₂), whatever their weights: its centre is that
    of `base`, since a pair alone cannot say which of its results is gross, and rounding must not.
    """
    return np.asarray(_deviations(start, weight, base, residual), dtype=np.float64)


@kernel
def _group_medians(group, value, n):  # type: ignore[no-untyped-def]  # pragma: no cover
    first = np.zeros(n + 1, np.int64)
    for g in group:
        if g >= 0:
            first[g + 1] += 1
    first = np.cumsum(first)
    at, ordered, out = first[:-1].copy(), np.empty(first[n]), np.full(n, np.nan)
    for o in range(len(group)):
        if group[o] >= 0:
            ordered[at[group[o]]] = value[o]
            at[group[o]] += 1
    for g in range(n):
        own = ordered[first[g] : first[g + 1]]
        if len(own) > 0:
            own.sort()
            out[g] = 0.5 * (own[(len(own) - 1) // 2] + own[len(own) // 2])
    return out


def group_medians(group: Ints, value: Floats, *, n: int) -> Floats:
    """Median of `value` in each of n groups (−1: none); NaN where a group is empty."""
    return np.asarray(_group_medians(group, np.asarray(value, dtype=np.float64), n), dtype=np.float64)


def item_scales(item: Ints, scaled: Floats, *, n: int, prior: float = 30.0, kept: NDArray[np.bool_] | None = None) -> Floats:
    """Robust SD of the scaled deviations of each item, its logarithm drawn to that of all items with the weight of
    `prior` observations.

    Only the deviations `kept` count (all by default): where those beyond 3 SD are known to be gross errors, the median of the
    others is not carried outward by their number.
    """
    size = np.abs(scaled)
    if kept is not None and kept.any():
        item, size = item[kept], size[kept]
    overall = MAD_TO_SD * float(np.median(size))
    count = np.bincount(item, minlength=n)
    each = MAD_TO_SD * group_medians(item, size, n=n)
    known = np.isfinite(each) & (each > 0)
    overall = overall if overall > 0 else 1.0
    log_each = np.log(np.where(known, each / overall, 1.0))
    return np.asarray(overall * np.exp(log_each * count / (count + prior)))


def settled_scales(item: Ints, scaled: Floats, *, n: int, corner: float, steps: int = 30) -> Floats:
    """`item_scales` of the deviations within `corner` of them, taken again until they no longer change."""
    scale = item_scales(item, scaled, n=n)
    for _ in range(steps):
        new = item_scales(item, scaled, n=n, kept=np.abs(scaled) <= corner * scale[item])
        if np.allclose(new, scale, rtol=1e-9, atol=0.0):
            break
        scale = new
    return scale


def group_weight(group: Ints, scaled: Floats, *, n: int, least: int, corner: float = 2.5, end: float = 4.0) -> Floats:
    """Weight of each observation by its group (a lab's test of one sample, a lab's run): redescending in the group's
    1.4826 median |t|.

    Groups of fewer than `least` observations, and observations without a group, keep 1.
    """
    middle = MAD_TO_SD * group_medians(group, np.abs(scaled), n=n)
    judged = np.isfinite(middle) & (np.bincount(group[group >= 0], minlength=n) >= least)
    weight = np.where(judged, redescending_weight(np.where(judged, middle, 0.0), corner=corner, end=end), 1.0)
    return np.where(group >= 0, weight[np.maximum(group, 0)], 1.0)


def robust_weights(
    start: Ints,
    node: Ints,
    lab_of: Ints,
    item: Ints,
    groups: list[tuple[Ints, int]],
    base: Floats,
    y: Floats,
    *,
    begun: Floats | None = None,
    ratio: float,
    corner: float,
    end: float,
    steps: tuple[int, int, int] = (3, 8, 60),
) -> Weights:
    """Weights from penalised fits, begun where each laboratory's shortest half lies: Huber's first, with the scales of that
    beginning, then redescending ones by item, by sample and by run, each step to its own fit; then, with scales, samples and
    runs judged for good, redescending ones by item until they no longer move.

    `groups` are (group of each observation, fewest observations for which it is judged). Weights are `base` times the robust
    factors. κ = Σψ'/Σψ(t)/t is what the derivative of the estimating equations loses against the weights. `outlying` are the
    observations beyond `corner` at the beginning, before any fit could bend towards them. `begun` are the
    `shortest_half_effects` of the laboratories, if they are at hand.
    """
    y = y - np.repeat(y[start[:-1]], np.diff(start))  # levels of 10⁹ SD would leave the equations without a solution
    if begun is None:
        begun = shortest_half_effects(start, lab_of[node], y, n=int(lab_of.max(initial=-1)) + 1)
    effect = begun[lab_of]
    n_items = int(item.max(initial=0)) + 1
    raw = scaled_deviations(start, base, base, y - effect[node])
    scale = settled_scales(item, raw, n=n_items, corner=corner)[item]
    outlying = np.asarray(np.abs(raw) > corner * scale)
    t, of_groups = raw / scale, np.ones(len(y))
    weight = base * huber_weight(t, corner=1.5)
    for step in range(sum(steps)):
        effect = penalised_effects(start, node, lab_of, weight, y, ratio=ratio, guess=effect)
        raw = scaled_deviations(start, weight, base, y - effect[node])
        settling = steps[0] <= step < steps[0] + steps[1]
        if settling:
            scale = item_scales(item, raw, n=n_items, kept=np.abs(raw) <= corner * scale)[item]
        t = raw / scale
        if step < steps[0]:
            factor = huber_weight(t, corner=1.5)
        else:
            if settling:
                of_groups = np.ones(len(y))
                for group, least in groups:
                    of_groups *= group_weight(group, t, n=int(group.max(initial=0)) + 1, least=least)
            factor = redescending_weight(t, corner=corner, end=end) * of_groups
        changed = float(np.abs(factor * base - weight).max(initial=0.0))
        weight = factor * base
        if step >= steps[0] + steps[1] and changed < 1e-9 * float(base.max(initial=1.0)):
            break
    slope = float(
        redescending_slope(t, corner=corner, end=end).sum() / max(redescending_weight(t, corner=corner, end=end).sum(), 1e-300)
    )
    return Weights(weight, scale, effect, slope, t, outlying)
