"""Biases of laboratories on a latent scale: the likelihood of blocks maximised, with a clustered covariance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labqa.stats.latent.likelihood import Evaluated, evaluate
from labqa.stats.network.blocks import product
from labqa.stats.network.inverse import symmetric_inverse

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
WEAK = 0.01
"""Precision of the penalty that keeps the bias of a sparse laboratory finite while computing: an SD of 10 errors."""
LEAST_SCALE = 0.05
"""Error scale, in units of the results, at which the climb halts: laboratories with hardly more results than biases fit them
all, and no maximum is found."""
LEAST_SPREAD = 0.3
"""Least SD between laboratories, of biases and of the levels of their samples, that a penalty may rest on."""
MOST_STEPS, CLOSE, REST, PENALTY_REST = 80, 1e-7, 5e-3, 0.05
"""Most Newton steps; the move at which biases are found, at which the first step is, and the relative move of its penalty."""


@dataclass(frozen=True)
class Intervals:
    """Results as intervals, sorted by block: `start` (blocks + 1), laboratory, ends, and the threshold an end is (−1: none)."""

    start: Ints
    lab: Ints
    low: Floats
    high: Floats
    low_at: Ints
    high_at: Ints


class Nodes(NamedTuple):
    """Nodes of the levels (blocks × Q) and the logarithms of their weights."""

    node: Floats
    log_weight: Floats


class State(NamedTuple):
    """Parameters of a fit: biases, levels (n), thresholds, scale of the error, spread of the levels."""

    bias: Floats
    level: Floats
    threshold: Floats
    scale: float
    spread: float


class Penalty(NamedTuple):
    """Precision of the normal penalty on biases and on levels."""

    bias: float
    level: float


class Freed(NamedTuple):
    """What a fit may move besides biases and levels: thresholds and the spread of the levels, or the scale of the error."""

    thresholds: bool
    scale: bool


@dataclass(frozen=True)
class LatentFit:
    """A maximum: parameters, the inverse information (2n + thresholds), the outer products of the blocks' scores, the score of
    each result, and whether the steps came to rest."""

    state: State
    inverse: Floats
    meat: Floats
    score: Floats
    loglik: float
    converged: bool
    penalty: Penalty


def fit(
    seen: Intervals, begin: State, nodes_at: Callable[[State], Nodes], *, link: int, freed: Freed,
    penalty: Penalty | None = None,
) -> LatentFit:  # fmt: skip
    """Biases and levels at the maximum of the likelihood, in two steps.

    First with normal laboratories, whose SDs (of biases and of the levels of their samples) come from the modes and their
    curvature, unless `penalty` states them: this gives thresholds, scale and spread without the loss of degrees of
    freedom to the laboratories, which would blow all biases up. Then, those held, the biases with a weak penalty only.
    """
    found = climb(
        seen, begin, nodes_at, link=link, freed=freed, penalty=penalty or Penalty(1.0, 1.0), free_penalty=penalty is None
    )
    if freed.scale and found.state.scale == LEAST_SCALE:
        return found
    held = Freed(thresholds=False, scale=False)
    weak = found.penalty._replace(bias=WEAK)
    return climb(seen, found.state, nodes_at, link=link, freed=held, penalty=weak)


def climb(
    seen: Intervals, begin: State, nodes_at: Callable[[State], Nodes], *, link: int, freed: Freed, penalty: Penalty,
    free_penalty: bool = False,
) -> LatentFit:  # fmt: skip
    """Maximises the penalised likelihood by Newton steps, halved where it falls; scale, spread and the penalty move between."""
    n, size = len(begin.bias), 2 * len(begin.bias) + len(begin.threshold) + 1
    moving = size if freed.thresholds else 2 * n
    state, converged, damping = begin, False, 0.0
    nodes = nodes_at(state)
    found = _evaluated(seen, state, nodes, link=link)
    for _ in range(MOST_STEPS):
        held = np.concatenate([np.full(n, penalty.bias), np.full(n, penalty.level), np.zeros(size - 2 * n)])
        slope = found.gradient - held * _place(state)
        inverse = _inverse(held[:moving] + damping, found)
        step = np.zeros(size)
        step[:moving] = product(inverse, slope[:moving, None])[:, 0]
        state, found, moved = _climbed(seen, state, nodes, found, step, held, link=link)
        # a step halved twice or more trusts a curvature that does not hold: damp the next (Levenberg 1944)
        halved = moved < 0.3 * min(float(np.abs(step).max(initial=0.0)), 3.0)
        damping = max(4.0 * damping, 0.1) if halved else damping / 4.0 if damping > 1e-3 else 0.0
        rate = _rate(found) if freed.scale else 0.0
        before = penalty
        if free_penalty:
            penalty = _between(state, np.diag(inverse), penalty)
        calm = np.abs(np.log(np.array(penalty) / np.array(before))).max() < PENALTY_REST and abs(rate) < REST
        if moved < (CLOSE if calm and not free_penalty else REST) and calm:
            converged = True
            break
        state = state._replace(scale=max(state.scale * float(np.exp(rate)), LEAST_SCALE))
        if freed.scale and state.scale == LEAST_SCALE:
            break
        nodes = nodes_at(state)
        if freed.scale:
            found = _evaluated(seen, state, nodes, link=link)
    held = np.concatenate([np.full(n, penalty.bias), np.full(n, penalty.level), np.zeros(size - 2 * n)])
    # thresholds and spread count as estimated even where this step held them; without thresholds there is no spread to estimate
    counted = size if len(begin.threshold) else 2 * n
    inverse = np.zeros((size, size))
    inverse[:counted, :counted] = _inverse(held[:counted], found)
    converged = converged and _curved(held[:counted], found)
    return LatentFit(state, inverse, found.meat, found.score, float(found.loglik.sum()), converged, penalty)


def _between(state: State, variance: Floats, before: Penalty) -> Penalty:
    """Precisions of biases and levels between laboratories, by MacKay's fixed point: what the data determine of them (n −
    precision × Σ variance) over the sum of their squares. Source: MacKay 1992, doi:10.1162/neco.1992.4.3.415."""
    n = len(state.bias)
    found = []
    for k, (mode, old) in enumerate(zip((state.bias, state.level), before, strict=True)):
        determined = max(n - old * float(variance[k * n : (k + 1) * n].sum()), 1e-3)
        new = min(determined / max(float(mode @ mode), 1e-12), LEAST_SPREAD**-2)
        found.append(old * float(np.exp(np.clip(np.log(new / old), -2.0, 2.0))))
    return Penalty(*found)


def _evaluated(seen: Intervals, state: State, nodes: Nodes, *, link: int) -> Evaluated:
    return evaluate(
        seen.start, seen.lab, seen.low, seen.high, seen.low_at, seen.high_at, state.bias, state.level, state.threshold,
        nodes.node, nodes.log_weight, scale=state.scale, link=link,
    )  # fmt: skip


def _climbed(
    seen: Intervals, state: State, nodes: Nodes, before: Evaluated, step: Floats, held: Floats, *, link: int
) -> tuple[State, Evaluated, float]:
    """The state after the step, halved until the penalised likelihood does not fall, and the largest move made."""
    n = len(state.bias)
    place = _place(state)
    least = before.loglik.sum() - 0.5 * np.sum(held * place**2)
    step = step * min(1.0, 3.0 / max(float(np.abs(step).max(initial=0.0)), 1e-300))
    for _ in range(30):
        new = place + step
        tried = state._replace(bias=new[:n], level=new[n : 2 * n], threshold=new[2 * n : -1], spread=float(np.exp(new[-1])))
        stretched = nodes._replace(node=nodes.node * (tried.spread / state.spread))
        found = _evaluated(seen, tried, stretched, link=link)
        if found.loglik.sum() - 0.5 * np.sum(held * new**2) >= least - 1e-9 * abs(least):
            return tried, found, float(np.abs(step).max(initial=0.0))
        step = step / 2
    return state, before, 0.0


def _curved(held: Floats, found: Evaluated) -> bool:
    """Whether the penalised information is positive definite: else there is no maximum whose errors could be told."""
    size = len(held)
    information = -found.hessian[:size, :size]
    try:
        symmetric_inverse((information + information.T) / 2 + np.diag(np.maximum(held, 1e-9)))
    except ValueError:
        return False
    return True


def _inverse(held: Floats, found: Evaluated) -> Floats:
    """Inverse of the penalised information; where it is not positive definite, of the outer products of the scores."""
    size = len(held)
    for information in (-found.hessian[:size, :size], found.meat[:size, :size]):
        try:
            return symmetric_inverse((information + information.T) / 2 + np.diag(np.maximum(held, 1e-9)))
        except ValueError:
            continue
    raise ValueError("latent fit: neither information nor score products are positive definite")


def _rate(found: Evaluated) -> float:
    """Step of log scale by its score over the sum of squared scores, at most ½."""
    squares = float(found.of_scale @ found.of_scale)
    return float(np.clip(float(found.of_scale.sum()) / squares, -0.5, 0.5)) if squares > 0 else 0.0


def _place(state: State) -> Floats:
    return np.concatenate([state.bias, state.level, state.threshold, [np.log(state.spread)]])
