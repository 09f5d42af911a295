"""A weighted mean over pairs whose samples are the independent units."""

from __future__ import annotations

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


def clustered_mean(value: Floats, weight: Floats, cluster: Ints) -> Mean:
    """Σ w y / Σ w with the linearised variance G/(G − 1) Σ_g (Σ_{i in g} w (y − mean))² / (Σ w)² over G clusters, df G − 1.

    Source: Hájek's ratio mean and its with-replacement variance, Särndal, Swensson & Wretman 1992, 5.7 and 5.6.
    """
    group = np.unique(cluster, return_inverse=True)[1]
    n = int(group.max(initial=-1)) + 1
    if n < 2:
        return Mean(float("nan"), float("nan"), float("nan"))
    total = float(weight.sum())
    mean = float((weight * value).sum()) / total
    by_cluster = np.bincount(group, weights=weight * (value - mean), minlength=n)
    return Mean(mean, float(np.sqrt(n / (n - 1) * float((by_cluster**2).sum())) / total), n - 1.0)
