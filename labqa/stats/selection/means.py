"""A weighted mean over pairs that share samples, laboratories and items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Mean(NamedTuple):
    """Mean, standard error and degrees of freedom; NaN where there are fewer than two clusters."""

    mean: float
    se: float
    df: float


def _squares(score: Floats, group: Ints) -> float:
    """G/(G − 1) Σ_g (Σ_{i in g} score)² over G groups; 0 for one."""
    number = np.unique(group, return_inverse=True)[1]
    n = int(number.max()) + 1
    return float(n / (n - 1) * (np.bincount(number, weights=score) ** 2).sum()) if n > 1 else 0.0


def clustered_mean(value: Floats, weight: Floats, sample: Ints, ways: Sequence[Ints] = ()) -> Mean:
    """Σ w y / Σ w with its linearised variance, clustered by sample and by every other way in which pairs belong together.

    Each way adds what its clusters share beyond a sample, V(way) − V(way ∩ sample), where that is positive, so that the
    variance is never below that by sample alone. df: the least number of clusters of any way, less 1. Same unit as `value`.
    Source: Särndal, Swensson & Wretman 1992, 5.7; Cameron, Gelbach & Miller 2011, doi:10.1198/jbes.2010.07136.
    """
    n = len(np.unique(sample))
    if n < 2:
        return Mean(float("nan"), float("nan"), float("nan"))
    total = float(weight.sum())
    mean = float((weight * value).sum()) / total
    score = weight * (value - mean)
    squares = _squares(score, sample)
    for way in ways:
        both = np.unique(np.stack([way, sample]), axis=1, return_inverse=True)[1].ravel()
        squares += max(_squares(score, way) - _squares(score, both), 0.0)
        n = min(n, len(np.unique(way)))
    return Mean(mean, float(np.sqrt(squares)) / total, max(n - 1.0, 1.0))
