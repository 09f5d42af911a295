"""The error of one result, from differences of two results on the same sample that no result selected."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
SHARES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
RATIOS = (1.5, 2.0, 2.5, 3.0, 4.0, 6.0)
PRIOR = 30.0
"""Differences by whose weight the SD of an item is drawn to that of all."""
BINS, STEPS = 400, 40


class Error(NamedTuple):
    """(1 − share) N(0, sd²) + share N(0, (ratio · sd)²): an ordinary error, and one in some of `ratio` times its size."""

    sd: float
    share: float
    ratio: float

    @property
    def variance(self) -> float:
        """Variance of the error."""
        return float(self.sd**2 * (1.0 - self.share + self.share * self.ratio**2))


def _parts(share: float, ratio: float) -> tuple[Floats, Floats]:
    """Weights and variances (in sd²) of the three normal parts of a difference of two such errors."""
    weight = np.array([(1.0 - share) ** 2, 2.0 * share * (1.0 - share), share**2])
    return weight, np.array([2.0, 1.0 + ratio**2, 2.0 * ratio**2])


def _shares_of(squared: Floats, sd2: Floats, weight: Floats, size: Floats) -> tuple[Floats, Floats]:
    """Chance of each part given each squared difference, and the density of the difference (up to one factor)."""
    variance = sd2[:, None] * size
    with np.errstate(under="ignore"):
        density = weight * np.exp(-0.5 * squared[:, None] / variance) / np.sqrt(variance)
    total = np.maximum(density.sum(axis=1), 1e-300)
    return density / total[:, None], total


def _binned(difference: Floats) -> tuple[Floats, Floats]:
    """Mean square and number of the differences in bins of like size, on a logarithmic scale."""
    size = np.maximum(np.abs(difference), 1e-3)
    place = np.clip(((np.log10(size) + 3.0) / 5.0 * BINS).astype(np.int64), 0, BINS - 1)
    count = np.bincount(place, minlength=BINS).astype(np.float64)
    square = np.bincount(place, weights=difference**2, minlength=BINS)
    kept = count > 0
    return square[kept] / count[kept], count[kept]


def error_of(difference: Floats) -> Error:
    """Error of one result by maximum likelihood from differences second − first, both with errors of that kind.

    Contamination is chosen from `SHARES` × `RATIOS`, sd by EM. Unit of the differences (σR); differences of 100 and more count
    as 100. ValueError without any. Source: Tukey 1960, contaminated normal; EM: Dempster, Laird & Rubin 1977.
    """
    if not len(difference):
        raise ValueError("error_of: no differences")
    squared, count = _binned(np.clip(difference, -100.0, 100.0))
    start = max(float(np.sqrt(squared[np.searchsorted(np.cumsum(count), 0.5 * count.sum())])) / 0.954, 1e-3)
    best, most = Error(start, 0.0, 1.5), -np.inf
    for share in SHARES:
        for ratio in RATIOS if share > 0 else RATIOS[:1]:
            weight, size = _parts(share, ratio)
            sd2 = start**2
            for _ in range(STEPS):
                chance, _ = _shares_of(squared, np.full(len(squared), sd2), weight, size)
                sd2 = float((count * squared * (chance / size).sum(axis=1)).sum() / count.sum())
            _, density = _shares_of(squared, np.full(len(squared), sd2), weight, size)
            likelihood = float((count * np.log(density)).sum())
            if likelihood > most:
                best, most = Error(float(np.sqrt(sd2)), share, ratio), likelihood
    return best


def item_sds(difference: Floats, item: Ints, pooled: Error, *, n: int) -> Floats:
    """SD of the ordinary error of each of n items, with the contamination of all and `PRIOR` differences at the pooled SD."""
    weight, size = _parts(pooled.share, pooled.ratio)
    squared = np.clip(difference, -100.0, 100.0) ** 2
    sd2, count = np.full(n, pooled.sd**2), np.bincount(item, minlength=n)
    for _ in range(STEPS):
        chance, _ = _shares_of(squared, sd2[item], weight, size)
        total = np.bincount(item, weights=squared * (chance / size).sum(axis=1), minlength=n)
        sd2 = (total + PRIOR * pooled.sd**2) / (count + PRIOR)
    return np.asarray(np.sqrt(sd2))
