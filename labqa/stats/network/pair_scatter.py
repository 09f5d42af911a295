"""How far the differences of two laboratories scatter: the sum of their variances, which any network shows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from labqa.stats.kernels import kernel
from labqa.stats.network.laboratories import CONSISTENCY, CORNER, MEDIAN_CHI_SQUARE

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Scatter(NamedTuple):
    """SD of the differences of each pair of laboratories with its interval, and how many differences it rests on."""

    sd: Floats
    lower: Floats
    upper: Floats
    n: Ints


@kernel
def _differences(start, lab, residual, left, key, n_labs, pair, squared):  # type: ignore[no-untyped-def]  # pragma: no cover
    count = 0
    for block in range(len(start) - 1):
        for o in range(start[block], start[block + 1]):
            for other in range(o + 1, start[block + 1]):
                low, high = min(lab[o], lab[other]), max(lab[o], lab[other])
                wanted = low * n_labs + high
                at = np.searchsorted(key, wanted)
                if at < len(key) and key[at] == wanted:
                    gap = residual[o] - residual[other]
                    pair[count] = at
                    squared[count] = gap * gap / (0.5 * (left[o] + left[other]))
                    count += 1
    return count


def pair_scatter(
    start: Ints, lab: Ints, residual: Floats, left: Floats, first: Ints, second: Ints, df: Floats, *, level: float = 0.95
) -> Scatter:
    """SD of residual differences of the pairs first < second (sorted): √(σ_i² + σ_j²), portion heterogeneity contained.

    Identified in every network, also where it is bipartite and σ_i² alone is not. Mean of the squared differences of the
    blocks (`start`) in which both sit, each over the share `left` of the variance that the fitted effects leave it, cut at 3²
    of the mean (E min(Z², 9) = 0.995), so that gross errors do not make a pair imprecise. The interval is that of χ² with
    `df` (pairs) degrees of freedom. `residual` are results less the predicted effects of their laboratories. NaN for a
    pair without a common block.
    """
    n_labs = int(lab.max(initial=-1)) + 1
    key = first * n_labs + second
    size = np.diff(start)
    total = int((size * (size - 1) // 2).sum())
    pair, squared = np.zeros(total, dtype=np.int64), np.zeros(total)
    kept = int(_differences(start, lab, residual, left, key, n_labs, pair, squared))
    pair, squared = pair[:kept], squared[:kept]
    n = np.bincount(pair, minlength=len(key))
    variance = np.full(len(key), float(np.median(squared)) / MEDIAN_CHI_SQUARE if kept else np.nan)
    for _ in range(50):
        felt = np.minimum(squared, CORNER**2 * variance[pair]) / CONSISTENCY
        new = np.bincount(pair, weights=felt, minlength=len(key)) / np.where(n > 0, n, np.nan)
        settled = bool(np.nanmax(np.abs(new - variance), initial=0.0) <= 1e-12 * np.nanmax(new, initial=1.0))
        variance = new
        if settled:
            break
    sd = np.sqrt(variance)
    tail = 0.5 - 0.5 * level
    freedom = np.where(df > 0, df, np.nan)
    reach = [np.sqrt(freedom / special.chdtri(freedom, share)) for share in (tail, 1.0 - tail)]
    return Scatter(sd, sd * reach[0], sd * reach[1], n)
