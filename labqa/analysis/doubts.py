"""What gross errors may have done to the biases: their share in each component, and the worst case where they lean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labqa.analysis.observations import Observations, starts
from labqa.analysis.weights import Weighted
from labqa.stats.network.components import components
from labqa.stats.network.one_sided import gross_share, lean, worst_bias

Floats = NDArray[np.float64]
LEANS = 2.0
"""Standard errors by which outlying results must lean to one side before the worst case is counted."""
MOST_SCALE = 1.5
"""Scatter within laboratories, in σR, above which no consensus is trusted: σR contains it, and more."""


@dataclass(frozen=True)
class Doubt:
    """One entry a laboratory: share of gross errors in its component (1 where scatter alone exceeds the yardsticks), by how
    much its own lean to one side (0 where chance explains it), and the bias in σR that this may have made."""

    gross: Floats
    lean: Floats
    worst: Floats


def doubts(seen: Observations, weights: Weighted, *, corner: float, end: float) -> Doubt:
    """Shares from where the fit began, the lean from where it ended; the worst case is that of the redescending weights."""
    n = len(seen.labs)
    start = starts(seen.block)
    root = components(start, seen.lab, n=n + 1)
    gross = gross_share(start, weights.outlying, root[seen.lab], n=n + 1)[root]
    scale = float(np.median(weights.scale)) if len(weights.scale) else 0.0
    gross = np.where(scale > MOST_SCALE, 1.0, gross)
    of_labs = ~seen.is_anchor
    found = lean(seen.lab[of_labs], seen.sample[of_labs], weights.sign[of_labs], n=n)
    leaning = np.where(np.abs(found.share) > LEANS * found.se, found.share, 0.0)
    worst = np.sqrt(2.0) * scale * worst_bias(np.abs(leaning), corner=corner, end=end)
    return Doubt(gross[:n], leaning, worst)
