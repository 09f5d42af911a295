"""Biases of laboratories on a latent scale: the likelihood of blocks maximised, with a clustered covariance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from labqa.stats.latent.factor import Steps, factored, ordered
from labqa.stats.latent.likelihood import Evaluated, Height, evaluate, height, layout

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
    """A maximum: parameters, the penalised information of those that count as estimated, the first of them the biases, the
    scores of the blocks in them (parameters × blocks), the score of each result, and whether the steps came to rest."""

    state: State
    information: sparse.csr_array
    block_score: sparse.csr_array
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
    if not freed.scale or found.state.scale > LEAST_SCALE:
        held, weak = Freed(thresholds=False, scale=False), found.penalty._replace(bias=WEAK)
        found = climb(seen, found.state, nodes_at, link=link, freed=held, penalty=weak)
    return _proved(found)


def _proved(found: LatentFit) -> LatentFit:
    """The fit as converged only where its information is positive definite: a maximum, not a saddle."""
    if found.converged and factored(ordered(found.information), found.information) is None:
        return replace(found, converged=False)
    return found


def climb(
    seen: Intervals, begin: State, nodes_at: Callable[[State], Nodes], *, link: int, freed: Freed, penalty: Penalty,
    free_penalty: bool = False,
) -> LatentFit:  # fmt: skip
    """Maximises the penalised likelihood by Newton steps, halved where it falls; scale, spread and the penalty move between."""
    n, size = len(begin.bias), 2 * len(begin.bias) + len(begin.threshold) + 1
    moving = size if freed.thresholds else 2 * n
    at = layout(seen.start, seen.lab, n=n, n_thresholds=len(begin.threshold))
    steps = Steps(sparse.csr_array(at.information[:moving, :moving]))
    state, nodes, converged, damping = begin, nodes_at(begin), False, 0.0
    earlier = Rate(np.nan, np.nan)
    found = evaluate(*_arguments(seen, state, nodes), scale=state.scale, link=link, at=at)
    for _ in range(MOST_STEPS):
        held = np.concatenate([np.full(n, penalty.bias), np.full(n, penalty.level), np.zeros(size - 2 * n)])
        slope = found.gradient - held * _place(state)
        information, found_step = _newton(held[:moving] + damping, found, slope[:moving], steps)
        step = np.concatenate([found_step, np.zeros(size - moving)])
        state, nodes, reached, moved = _climbed(seen, state, nodes_at, found, step, held, link=link)
        # a step halved twice or more trusts a curvature that does not hold: damp the next (Levenberg 1944)
        halved = moved < 0.3 * min(float(np.abs(step).max(initial=0.0)), 3.0)
        damping = max(4.0 * damping, 0.1) if halved else damping / 4.0 if damping > 1e-3 else 0.0
        rate = _rate(reached) if freed.scale else 0.0
        pace, earlier = _pace(state.scale, rate, earlier), Rate(np.log(state.scale), rate)
        before = penalty
        if free_penalty:
            penalty = _between(state, steps.diagonal(information), penalty)
        calm = np.abs(np.log(np.array(penalty) / np.array(before))).max() < PENALTY_REST and abs(rate) < REST
        converged = bool(moved < (CLOSE if calm and not free_penalty else REST) and calm)
        scale = max(state.scale * float(np.exp(pace)), LEAST_SCALE)
        ended = converged or (freed.scale and scale == LEAST_SCALE)
        if freed.scale and not ended:
            state = state._replace(scale=scale)
            nodes = nodes_at(state)
        found = evaluate(*_arguments(seen, state, nodes), scale=state.scale, link=link, at=at)
        if ended:
            state = state if converged else state._replace(scale=scale)
            break
    held = np.concatenate([np.full(n, penalty.bias), np.full(n, penalty.level), np.zeros(size - 2 * n)])
    # thresholds and spread count as estimated even where this step held them; without thresholds there is no spread to estimate
    counted = size if len(begin.threshold) else 2 * n
    information, scores = _penalised(-found.hessian, held[:counted]), sparse.csr_array(found.block_score[:counted])
    return LatentFit(state, information, scores, found.score, float(found.loglik.sum()), converged, penalty)


def _between(state: State, variance: Floats | None, before: Penalty) -> Penalty:
    """Precisions of biases and levels between laboratories, by MacKay's fixed point: what the data determine of them (n −
    precision × Σ variance) over the sum of their squares. Source: MacKay 1992, doi:10.1162/neco.1992.4.3.415."""
    if variance is None:  # pragma: no cover - the step was found with the matrix whose inverse it would be of
        return before
    n, found = len(state.bias), []
    for k, (mode, old) in enumerate(zip((state.bias, state.level), before, strict=True)):
        determined = max(n - old * float(variance[k * n : (k + 1) * n].sum()), 1e-3)
        new = min(determined / max(float(mode @ mode), 1e-12), LEAST_SPREAD**-2)
        found.append(old * float(np.exp(np.clip(np.log(new / old), -2.0, 2.0))))
    return Penalty(*found)


def _arguments(seen: Intervals, state: State, nodes: Nodes) -> tuple[NDArray[Any], ...]:
    return (
        seen.start, seen.lab, seen.low, seen.high, seen.low_at, seen.high_at, state.bias, state.level, state.threshold,
        nodes.node, nodes.log_weight,
    )  # fmt: skip


def _climbed(
    seen: Intervals, state: State, nodes_at: Callable[[State], Nodes], before: Evaluated, step: Floats, held: Floats, *,
    link: int,
) -> tuple[State, Nodes, Height, float]:  # fmt: skip
    """The state after the step, halved until the penalised likelihood does not fall, its nodes, and the largest move made."""
    n = len(state.bias)
    place = _place(state)
    least = before.loglik.sum() - 0.5 * np.sum(held * place**2)
    step = step * min(1.0, 3.0 / max(float(np.abs(step).max(initial=0.0)), 1e-300))
    for _ in range(30):
        new = place + step
        tried = state._replace(bias=new[:n], level=new[n : 2 * n], threshold=new[2 * n : -1], spread=float(np.exp(new[-1])))
        nodes = nodes_at(tried)
        found = height(*_arguments(seen, tried, nodes), scale=tried.scale, link=link)
        if found.loglik.sum() - 0.5 * np.sum(held * new**2) >= least - 1e-9 * abs(least):
            return tried, nodes, found, float(np.abs(step).max(initial=0.0))
        step = step / 2
    return state, nodes_at(state), Height(before.loglik, before.of_scale), 0.0


def _newton(held: Floats, found: Evaluated, slope: Floats, steps: Steps) -> tuple[sparse.csr_array, Floats]:
    """The penalised information and the step it leads to; where it is not positive definite, that of the outer products of
    the scores."""
    matrix = _penalised(-found.hessian, held)
    step = steps.solved(matrix, slope)
    if step is None:
        matrix = _penalised(sparse.csr_array(found.block_score @ found.block_score.T), held)
        step = steps.solved(matrix, slope)
    return matrix, np.zeros(len(slope)) if step is None else step


def _penalised(information: sparse.csr_array, held: Floats) -> sparse.csr_array:
    """Information of the first parameters, as many as `held` tells the precision of, with their penalty."""
    size = len(held)
    return sparse.csr_array(information[:size, :size] + sparse.diags_array(np.maximum(held, 1e-9), format="csr"))


def _rate(found: Height) -> float:
    """Step of log scale by its score over the sum of squared scores, at most ½."""
    squares = float(found.of_scale @ found.of_scale)
    return float(np.clip(float(found.of_scale.sum()) / squares, -0.5, 0.5)) if squares > 0 else 0.0


class Rate(NamedTuple):
    """Where (log scale) the step of log scale was what (NaN: nowhere yet)."""

    at: float
    rate: float


def _pace(scale: float, rate: float, before: Rate) -> float:
    """By how much log scale moves, at most ½: to where its step would be 0 by this one and the one before (secant), but for a
    first step and where the two do not point there. The step alone leaves out that biases follow, and creeps."""
    moved = float(np.log(scale)) - before.at
    slope = (rate - before.rate) / moved if moved else np.nan
    return float(np.clip(-rate / slope, -0.5, 0.5)) if slope < 0 else rate


def _place(state: State) -> Floats:
    return np.concatenate([state.bias, state.level, state.threshold, [np.log(state.spread)]])
