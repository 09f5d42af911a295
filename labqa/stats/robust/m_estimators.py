"""M-estimators of location and scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labqa.stats.robust.algorithm_a import HUBER_LIMIT
from labqa.stats.robust.location_scale import median

Floats = NDArray[np.float64]
MAX_STEPS = 5000


def huber_location(values: Floats, *, scale: float, limit: float = HUBER_LIMIT) -> float:
    """Huber M-estimate of location with a known scale: Σ ψ((x − m)/scale) = 0, ψ clipped at ±limit (Huber 1964).

    Solved by the winsorized-mean iteration from the median; scale 0 gives the median.
    """
    centre = median(values)
    if not scale > 0:
        return centre
    for _ in range(MAX_STEPS):
        moved = float(np.mean(np.clip(values, centre - limit * scale, centre + limit * scale)))
        if abs(moved - centre) <= 1e-14 * max(abs(centre), scale):
            return moved
        centre = moved
    return centre
