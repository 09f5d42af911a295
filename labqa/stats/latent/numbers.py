"""Numbers and results below a limit on one item: an interval likelihood in units of σR, true levels from all first results."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from labqa.stats.kernels import kernel
from labqa.stats.latent.likelihood import LOGISTIC
from labqa.stats.latent.network import Freed, Intervals, LatentFit, Nodes, Penalty, State, fit

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
SPACING = 1.5
"""Distance of the centres that the distribution of levels mixes, and the SD of each, in σR: finer is not to be seen."""
EM_STEPS = 200
N_NODES, REACH, FEW = 41, 8.0, 3
"""Nodes of a block's level, how many standard errors of it they reach to either side, and up to how many numbers also as far as
these lie apart: of two that contradict each other either may be right."""
AS_USUAL = Penalty(1.0, 1.0)
"""Laboratories' biases and the levels of their samples have an SD of one σR while the scale of the error is estimated; levels
spread so much wider than errors that neither figure moves a bias."""
FAR, NEAR, PLAIN = 39, 11, 1e-6
"""Spacings from which on a centre has no density that a float could hold, and from which on what it has is lost in the rounding
of a sum above `PLAIN`."""
MOST_BELOW = 12.0
"""How far below the lowest limit levels are sought, in σR."""


def stabilised(value: Floats, *, constant: float, slope: float) -> Floats:
    """g(x) with g' = 1/σR(x), σR = constant + slope × x: ln(1 + slope x/constant)/slope, x/constant, or ln(x)/slope.

    On this scale a bias of one σR is 1 at every level. Values below what the scale reaches are set to its lower end.
    """
    if slope <= 0.0:
        return np.asarray(value / constant, dtype=np.float64)
    if constant <= 0.0:
        return np.asarray(np.log(np.maximum(value, 1e-12)) / slope, dtype=np.float64)
    return np.asarray(np.log(np.maximum(1.0 + slope * value / constant, 1e-6)) / slope, dtype=np.float64)


@dataclass(frozen=True)
class Levels:
    """Distribution of true levels: a mixture of normals of SD `SPACING` with these centres and weights."""

    centre: Floats
    weight: Floats

    def log_density(self, at: Floats) -> Floats:
        """Logarithm of the density at these levels."""
        found = _mixed(at.ravel(), self.centre[0], self.weight) / (SPACING * np.sqrt(2 * np.pi))
        return np.asarray(np.log(np.maximum(found, 1e-290)).reshape(at.shape), dtype=np.float64)


@kernel
def _mixed(at, first, weight):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Σ_k weight_k exp(−½ (x − k)²), x the distance from `first` in spacings: about the nearest k, with y = x − k, its
    neighbours at k ± i have exp(−½ y²) exp(−½ i²) exp(± y i), which takes two exponentials instead of one a neighbour."""
    beside = np.exp(-0.5 * np.arange(FAR) ** 2)
    out = np.zeros(len(at))
    for p in range(len(at)):
        x = (at[p] - first) / SPACING
        k = int(min(max(np.floor(x + 0.5), 0.0), len(weight) - 1.0))
        if abs(x - k) >= FAR:
            continue
        rate = np.exp(x - k)
        total, up, down = weight[k], 1.0, 1.0
        for i in range(1, FAR):
            if i == NEAR and total > PLAIN:
                break
            up *= rate
            down /= rate
            if k + i < len(weight):
                total += weight[k + i] * beside[i] * up
            if k >= i:
                total += weight[k - i] * beside[i] * down
        out[p] = np.exp(-0.5 * (x - k) ** 2) * total
    return out


@kernel
def _weights(chance, count, steps):  # type: ignore[no-untyped-def]  # pragma: no cover
    n, k = chance.shape
    weight = np.full(k, 1.0 / k)
    for _ in range(steps):
        new = np.zeros(k)
        for i in range(n):
            total = 0.0
            for j in range(k):
                total += chance[i, j] * weight[j]
            if total > 0.0:
                for j in range(k):
                    new[j] += count[i] * chance[i, j] * weight[j] / total
        weight = new / new.sum()
    return weight


def levels(low: Floats, high: Floats, *, error: float = 1.0) -> Levels:
    """Distribution of the levels of which the results are: mixing weights by EM, results with an error SD of `error` (σR).

    `low` = `high` is a number; `low` = −inf lies below `high`. All results count, retested or not: what was retested or
    quantified is a selection. Source: Laird 1978, doi:10.1080/01621459.1978.10480103.
    """
    number = low == high
    bottom = min(np.min(high, initial=np.inf), np.min(low[np.isfinite(low)], initial=np.inf)) - MOST_BELOW
    if number.all():
        bottom += MOST_BELOW - 2 * SPACING
    top = np.max(high[np.isfinite(high)], initial=bottom) + 2 * SPACING
    centre = np.arange(bottom, top + SPACING, SPACING)
    sd = np.hypot(SPACING, error)
    pairs, count = np.unique(np.round(np.stack([low, high]), 1), axis=1, return_counts=True)
    lo, hi = pairs[0][:, None], pairs[1][:, None]
    with np.errstate(invalid="ignore"):
        point = np.exp(-0.5 * ((lo - centre) / sd) ** 2) / (sd * np.sqrt(2 * np.pi))
    inside = special.ndtr((hi - centre) / sd) - special.ndtr((lo - centre) / sd)
    chance = np.where(lo == hi, point, inside)
    return Levels(centre, np.asarray(_weights(np.ascontiguousarray(chance), count.astype(np.float64), EM_STEPS)))


def fit_numbers(start: Ints, lab: Ints, low: Floats, high: Floats, of_levels: Levels, *, n: int) -> LatentFit:
    """Biases in σR from blocks of numbers (`low` = `high`) and results below (`low` = −inf) or above (`high` = inf) a limit.

    A result is level + bias + logistic error, whose scale is estimated; the block's level is drawn from `of_levels`, shifted by
    the mean level of the samples of its laboratories, and integrated out. A block with a free level instead would be
    inconsistent: whether a result is a number depends on the level.
    """
    seen = Intervals(start, lab, low, high, np.full(len(lab), -1), np.full(len(lab), -1))
    block = np.repeat(np.arange(len(start) - 1), np.diff(start))
    begin = State(np.zeros(n), np.zeros(n), np.zeros(0), 0.4, 1.0)

    def nodes_at(state: State) -> Nodes:
        return _nodes(seen, block, of_levels, state)

    return fit(seen, begin, nodes_at, link=LOGISTIC, freed=Freed(thresholds=False, scale=True), penalty=AS_USUAL)


def _nodes(seen: Intervals, block: Ints, of_levels: Levels, state: State) -> Nodes:
    """Nodes about the mean of each block's numbers, as wide as they leave its level open; over all levels where none is."""
    n_blocks = len(seen.start) - 1
    number = seen.low == seen.high
    size = np.diff(seen.start)
    shift = np.bincount(block, weights=state.level[seen.lab], minlength=n_blocks) / size
    n_numbers = np.bincount(block, weights=number, minlength=n_blocks)
    middle, reach = _numbers(block[number], (seen.low - state.bias[seen.lab])[number], n_blocks)
    centre = middle - shift
    error = 1.814 * state.scale
    half = np.where(n_numbers <= FEW, reach + REACH * error / np.sqrt(np.maximum(n_numbers, 1)),
                    1.25 * REACH * error / np.sqrt(np.maximum(n_numbers, 1)))  # fmt: skip
    ends = np.where(np.isfinite(seen.high), seen.high, seen.low)
    lowest, highest = of_levels.centre[0] - 2 * SPACING, of_levels.centre[-1] + 2 * SPACING
    limit = np.bincount(block, weights=ends, minlength=n_blocks) / size
    below = np.bincount(block, weights=np.isneginf(seen.low), minlength=n_blocks) > 0
    none = n_numbers == 0
    left = np.where(none, np.where(below, lowest, limit - 8.0), centre - half)
    right = np.where(none, np.where(below, limit + 8.0, highest), centre + half)
    node = left[:, None] + (right - left)[:, None] * np.linspace(0.0, 1.0, N_NODES)
    return Nodes(node, of_levels.log_density(node) + np.log((right - left) / N_NODES)[:, None])


def _numbers(block: Ints, value: Floats, n_blocks: int) -> tuple[Floats, Floats]:
    """Median of the numbers of each block, and how far they reach from it; 0 where there is none.

    The median, since one gross error among many would move the mean beyond where the level can be.
    """
    order = np.lexsort((value, block))
    sorted_block, sorted_value = block[order], value[order]
    first = np.searchsorted(sorted_block, np.arange(n_blocks))
    size = np.bincount(sorted_block, minlength=n_blocks)
    some = size > 0
    last = np.maximum(first + size - 1, 0)
    at = [np.minimum(first + half, max(len(order) - 1, 0)) for half in ((np.maximum(size, 1) - 1) // 2, size // 2)]
    if not len(order):
        return np.zeros(n_blocks), np.zeros(n_blocks)
    middle = np.where(some, (sorted_value[at[0]] + sorted_value[at[1]]) / 2, 0.0)
    lowest, highest = sorted_value[np.minimum(first, len(order) - 1)], sorted_value[last]
    return middle, np.where(some, np.maximum(highest - middle, middle - lowest), 0.0)
