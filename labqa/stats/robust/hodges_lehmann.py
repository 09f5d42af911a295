"""The Hodges–Lehmann location: the median of the means of all pairs; 29 % of the values may be wrong.

Neither SciPy nor statsmodels offers it by itself. Units follow the values.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from labqa.stats.kernels import kernel
from labqa.stats.robust.pairwise import count_around, ordered, select_pair, sorted_set

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Pairs = Literal["walsh", "distinct"]


@kernel
def _hodges_lehmann(values: Floats, offsets: Integers, kind: int) -> Floats:
    groups = len(offsets) - 1
    centres = np.full(groups, np.nan)
    found = np.empty(max(64, np.max(np.diff(offsets)))) if groups else np.empty(0)
    for g in range(groups):
        y = values[offsets[g] : offsets[g + 1]]
        n = len(y)
        if n == 0 or not (np.isfinite(y[0]) and np.isfinite(y[n - 1])):
            continue
        if n == 1:
            centres[g] = y[0]
            continue
        half = 0.5 * y  # exact, and sums of two halves cannot overflow
        pairs = n * (n - 1) // 2 if kind == 1 else n * (n + 1) // 2
        k = (pairs + 1) // 2
        width = y[(3 * n) // 4] - y[n // 4]
        slope = 0.76 * pairs / width if width > 0.0 else 0.0
        low = select_pair(half, k, kind, half[(n - 1) // 2] + half[n // 2], slope, found[: max(n, 16)])
        high = low
        if pairs % 2 == 0:
            count, _, above = count_around(half, low, kind)
            high = low if count > k else above
        centres[g] = low if high == low else 0.5 * low + 0.5 * high
    return centres


def hodges_lehmann_by_group(values: Floats, offsets: Integers, *, pairs: Pairs = "walsh") -> Floats:
    """Hodges–Lehmann location of each group (values in any order): median of (x_i + x_j)/2.

    `pairs` "walsh": i ≤ j, the Walsh averages of the signed-rank test; "distinct": i < j. Both conventions are in use. Hodges
    and Lehmann 1963, doi:10.1214/aoms/1177704172. Exact on ties. One value is its own centre; NaN for an empty group;
    errors as `pairwise.ordered`.
    """
    if pairs not in ("walsh", "distinct"):
        raise ValueError(f"pairs is walsh or distinct; found {pairs!r}")
    kind = 2 if pairs == "walsh" else 1
    return np.asarray(_hodges_lehmann(*ordered(values, offsets), kind))


def hodges_lehmann(values: Floats, *, pairs: Pairs = "walsh") -> float:
    """Hodges–Lehmann location of one set, as `hodges_lehmann_by_group`."""
    return float(hodges_lehmann_by_group(*sorted_set(values), pairs=pairs)[0])
