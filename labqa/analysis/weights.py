"""Robust weights of the observations of the network: one set, which every scope uses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from labqa.analysis.observations import Observations, starts
from labqa.analysis.scopes import PRIOR_RESULTS, UNKNOWN_U, variance_components, within_scope
from labqa.stats.network.beginning import shortest_half_effects
from labqa.stats.network.laboratories import leverage, shrunken_variances
from labqa.stats.network.redescending import Weights, robust_weights

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
ITEMS_TO_JUDGE_A_SAMPLE = 4
RESULTS_TO_JUDGE_A_RUN = 8
MOST_FITTED = 0.8
"""Share of a deviation that fitted effects may take before it says nothing of precision."""


@dataclass(frozen=True)
class Weighted:
    """Weights after and before the robust steps, the predicted effect and the item's scale of each observation, κ, and
    the ratio of the variance within laboratories to that of lab × item.

    `sign` is ±1 for an observation that lies beyond the corner of the weights, else 0; `outlying` those that did so where the
    fit began; `left` the share of the variance of each deviation from its block that fitted lab × item effects leave.
    """

    weight: Floats
    base: Floats
    effect: Floats
    scale: Floats
    slope: float
    ratio: float
    sign: Ints
    outlying: NDArray[np.bool_]
    left: Floats

    @cached_property
    def precision(self) -> Floats:
        """Inverse of the error variance of each observation, up to one factor for all: where a yardstick does not fit its
        item, the item's errors are larger or smaller than those of the median observation."""
        return self.base * (np.median(self.scale) / self.scale) ** 2 if len(self.scale) else self.base


def weighted(seen: Observations, *, robust: bool, corner: float, end: float) -> Weighted:
    """Robust weights, refitted once with what the first fit shows: the ratio of the variances within laboratories to that of
    lab × item, and how the laboratories differ in theirs."""
    base, n_labs = _base(seen), len(seen.labs)
    if not robust:
        nothing = np.zeros(len(base), dtype=np.int64)
        left = _left(seen, 1.0)
        return Weighted(base, base, np.zeros(len(base)), np.ones(len(base)), 1.0, 1.0, nothing, nothing > 0, left)
    item = np.where(seen.is_anchor, len(seen.items), seen.item)
    names, node = np.unique(item * (n_labs + 1) + seen.lab, return_inverse=True)  # what is compared lies side by side
    tests = np.unique(seen.sample * (n_labs + 1) + seen.lab, return_inverse=True)[1]
    groups = [(tests, ITEMS_TO_JUDGE_A_SAMPLE), (seen.run, RESULTS_TO_JUDGE_A_RUN)]
    lab_of = names % (n_labs + 1)
    begun = shortest_half_effects(starts(seen.block), lab_of[node], seen.y, n=n_labs + 1)

    def at(ratio: float) -> Weights:
        return robust_weights(
            starts(seen.block),
            node,
            lab_of,
            seen.item,
            groups,
            base,
            seen.y,
            begun=begun,
            ratio=ratio,
            corner=corner,
            end=end,
        )

    found = at(1.0)
    outlying = found.outlying
    ratio = _ratio(seen, found.weight, base)
    left = _left(seen, ratio)
    base = base / np.append(_variance_factors(seen, (seen.y - found.effect[node]) / found.scale, left), 1.0)[seen.lab]
    found = at(ratio)
    sign = np.where(np.abs(found.deviation) > corner, np.sign(found.deviation), 0.0).astype(np.int64)
    return Weighted(found.weight, base, found.effect[node], found.scale, found.slope, ratio, sign, outlying, left)


def compared(seen: Observations) -> Ints:
    """Observations of laboratories in blocks with two of them or more."""
    kept = np.flatnonzero(~seen.is_anchor)
    return np.asarray(kept[np.bincount(seen.block[kept], minlength=len(seen.block_ids))[seen.block[kept]] >= 2])


def _variance_factors(seen: Observations, residual: Floats, left: Floats) -> Floats:
    """Variance within each laboratory over that of the median one, shrunken."""
    kept = compared(seen)
    return shrunken_variances(
        starts(seen.block[kept]), seen.lab[kept], residual[kept], left[kept], n=len(seen.labs), prior=PRIOR_RESULTS
    )


def _left(seen: Observations, ratio: float) -> Floats:
    """`unfitted` of the observations that are compared, 1 for all others."""
    left, kept = np.ones(len(seen.y)), compared(seen)
    left[kept] = unfitted(seen, kept, ratio)
    return left


def unfitted(seen: Observations, kept: Ints, ratio: float) -> Floats:
    """Share of the variance of each deviation from its block that the fitted lab × item effects leave, item by item."""
    left = np.ones(len(kept))
    for item in range(len(seen.items)):
        here = np.flatnonzero(seen.item[kept] == item)
        node = np.unique(seen.lab[kept[here]], return_inverse=True)[1]
        left[here] = 1.0 - leverage(starts(seen.block[kept[here]]), node, ratio=ratio)
    return np.maximum(left, 1.0 - MOST_FITTED)


def _ratio(seen: Observations, weight: Floats, base: Floats) -> float:
    """Variance within laboratories (error, sample and run) over that of lab × item."""
    parts = list(within_scope(seen, weight, base, seen.y, np.ones(len(base), dtype=bool), iterated=True))
    variance = variance_components(parts, n_labs=len(seen.labs), corrected=False).variance
    return float(np.clip(variance[:3].sum() / max(variance[3], 1e-6), 0.1, 100.0))


def _base(seen: Observations) -> Floats:
    """Weights before the robust steps: 1 for a laboratory, for an assigned value what its u earns, 10 at most."""
    u = np.where(np.isnan(seen.u), UNKNOWN_U, seen.u)
    return np.where(seen.is_anchor, np.minimum(0.5 / np.maximum(u * u, 0.05), 10.0), 1.0)
