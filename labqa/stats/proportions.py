"""Intervals of a share."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_TWO_SIDED_95 = 1.959963984540054


def wilson(hits: ArrayLike, n: ArrayLike, *, quantile: float = _TWO_SIDED_95) -> tuple[Floats, Floats]:
    """Wilson's score interval of a binomial share: lower and upper end, 95 % by default; NaN where n = 0.

    With p = hits/n and q the normal quantile: (p + q²/2n ± q √(p(1−p)/n + q²/4n²)) / (1 + q²/n), inside [0, 1] for every
    count, 0 and n included. Trials count as independent. Source: Wilson 1927, doi:10.1080/01621459.1927.10502953, in the
    form of Brown, Cai & DasGupta 2001, doi:10.1214/ss/1009213286.
    """
    trials = np.asarray(n, dtype=np.float64)
    known = np.where(trials > 0, trials, np.nan)
    share = np.asarray(hits, dtype=np.float64) / known
    squared = quantile * quantile / known
    centre = (share + squared / 2) / (1 + squared)
    half = quantile * np.sqrt(share * (1 - share) / known + squared / (4 * known)) / (1 + squared)
    return np.clip(centre - half, 0.0, 1.0), np.clip(centre + half, 0.0, 1.0)
