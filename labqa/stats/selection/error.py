"""The error of one result, from differences of two results on the same sample that no result selected."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
RATIOS = np.array([1.0, 2.0, 4.0, 8.0])
"""Sizes of the parts of an error, in SDs of the ordinary one: tails and gross errors whatever their shape."""
PRIOR = 30.0
"""Differences by whose weight the SD of an item is drawn to that of all."""
BINS, ROUNDS = 400, 200


class Error(NamedTuple):
    """Σ share_k N(0, (RATIOS_k · sd)²): mostly ordinary errors, some of several times their size."""

    sd: float
    shares: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0)

    @property
    def variance(self) -> float:
        """Variance of the error."""
        return float(self.sd**2 * (np.array(self.shares) * RATIOS**2).sum())


def less_between(error: Error, between: float) -> Error:
    """The error without the variance between laboratories' biases, a fifth of the whole at least."""
    left = max(1.0 - between / error.variance, 0.2)
    return error._replace(sd=float(error.sd * np.sqrt(left)))


SIZES = (RATIOS[:, None] ** 2 + RATIOS**2).ravel()
"""Variance, in sd², of a difference of errors of the kinds k and l, for all k and l."""


def _chances(squared: Floats, sd2: Floats, shares: Floats) -> Floats:
    """Chance of each pair of kinds given each squared difference."""
    variance = sd2[:, None] * SIZES
    with np.errstate(under="ignore"):
        density = np.outer(shares, shares).ravel() * np.exp(-0.5 * squared[:, None] / variance) / np.sqrt(variance)
    return np.asarray(density / np.maximum(density.sum(axis=1), 1e-300)[:, None])


def _binned(difference: Floats) -> tuple[Floats, Floats]:
    """Mean square and number of the differences in bins of like size, on a logarithmic scale."""
    size = np.maximum(np.abs(difference), 1e-3)
    place = np.clip(((np.log10(size) + 3.0) / 5.0 * BINS).astype(np.int64), 0, BINS - 1)
    count = np.bincount(place, minlength=BINS).astype(np.float64)
    square = np.bincount(place, weights=difference**2, minlength=BINS)
    kept = count > 0
    return square[kept] / count[kept], count[kept]


def error_of(difference: Floats) -> Error:
    """Error of one result by maximum likelihood from differences second − first, both with errors of that kind (EM).

    Unit of the differences (σR); differences of 100 and more count as 100, none as less than 0.001. ValueError without any.
    Source: scale mixtures, Andrews & Mallows 1974, doi:10.1111/j.2517-6161.1974.tb00989.x; EM, Dempster, Laird & Rubin 1977.
    """
    if not len(difference):
        raise ValueError("error_of: no differences")
    squared, count = _binned(np.clip(difference, -100.0, 100.0))
    total = count.sum()
    sd2 = max(float(squared[np.searchsorted(np.cumsum(count), 0.5 * total)]) / 0.91, 1e-6)
    shares = np.array([0.9, 0.07, 0.02, 0.01])
    for _ in range(ROUNDS):
        chance = _chances(squared, np.full(len(squared), sd2), shares)
        sd2 = float((count * squared * (chance / SIZES).sum(axis=1)).sum() / total)
        of_pairs = (count[:, None] * chance).sum(axis=0).reshape(len(RATIOS), len(RATIOS)) / total
        shares = 0.5 * (of_pairs.sum(axis=0) + of_pairs.sum(axis=1))
    return Error(float(np.sqrt(sd2)), tuple(float(share) for share in shares))


def item_sds(difference: Floats, item: Ints, pooled: Error, *, n: int) -> Floats:
    """SD of the ordinary error of each of n items, with the shares of all and `PRIOR` differences at the pooled SD."""
    squared = np.clip(difference, -100.0, 100.0) ** 2
    sd2, count = np.full(n, pooled.sd**2), np.bincount(item, minlength=n)
    for _ in range(30):
        chance = _chances(squared, sd2[item], np.array(pooled.shares))
        total = np.bincount(item, weights=squared * (chance / SIZES).sum(axis=1), minlength=n)
        sd2 = (total + PRIOR * pooled.sd**2) / (count + PRIOR)
    return np.asarray(np.sqrt(sd2))
