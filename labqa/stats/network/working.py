"""Weights for a mean over results that share effects: many results of one item or sample are no more than one, at the limit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def working_weights(weight: Floats, precision: Floats, groups: list[Ints], shared: list[float], *, error: float) -> Floats:
    """`weight` over (error + Σ_k n_k shared_k), n_k the weighted number of results of the group of kind k that holds a result.

    A group of n results whose effect has variance v and whose errors have variance e knows its mean with v + e/n: each of its
    results is worth 1/(e + n v). `precision` scales the weights to a median result, `groups` give the group of each result by
    kind (−1: none), `shared` the variance of each kind. The mean factor is 1. Least squares with these weights stays
    unbiased; the variance of its estimates is that of `variance.spread`, whatever the weights.
    """
    size = weight / np.median(precision)
    within = np.full(len(weight), max(error, 1e-6))
    for group, variance in zip(groups, shared, strict=True):
        known = group >= 0
        number = np.bincount(group[known], weights=size[known], minlength=1)
        within[known] += variance * number[group[known]]
    factor = 1.0 / within
    return np.asarray(weight * factor / factor.mean())
