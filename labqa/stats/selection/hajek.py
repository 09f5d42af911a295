"""Weights of planned retests that were drawn with unequal, recorded probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def hajek_weights(probability: Floats, *, cap: float) -> Floats:
    """Inverse selection probabilities, none above `cap` times their median, divided by their mean.

    The weighted mean Σ w y / Σ w with these weights is Hájek's, consistent for the mean over all samples that could have been
    drawn where no weight is capped; the cap trades that for less variance. Unit 1; ValueError unless 0 < probability ≤ 1.
    Source: Hájek 1971, comment in Godambe & Sprott, Foundations of Statistical Inference; cap: Potter 1990, Proc. ASA Survey
    Research Methods 225–230.
    """
    if not np.all((probability > 0) & (probability <= 1)):
        raise ValueError("hajek_weights: a selection probability is not in (0, 1]")
    if not len(probability):
        return np.zeros(0)
    weight = 1.0 / probability
    weight = np.minimum(weight, cap * np.median(weight))
    return np.asarray(weight / weight.mean())
