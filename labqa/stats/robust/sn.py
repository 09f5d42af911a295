"""Sn: the typical distance of a value from the others, a scale without a centre; half of the values may be wrong.

Neither SciPy nor statsmodels has it. Units follow the values.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from labqa.stats.kernels import kernel
from labqa.stats.robust.pairwise import ordered, smallest, sorted_set

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Finite = Literal["1992", "none"]

SN_FACTOR = 1.1926
"""Makes Sn consistent for the SD of a normal distribution (Rousseeuw and Croux 1993)."""
SMALL = (0.743, 1.851, 0.954, 1.351, 0.993, 1.198, 1.005, 1.131)
"""Finite-sample factors of n = 2 … 9 (Croux and Rousseeuw 1992; R robustbase)."""


def sn_finite_factor(n: Integers, *, finite: Finite = "1992") -> Floats:
    """Finite-sample factor of Sn for sets of n values: table to n = 9, then n/(n − 0.9) for odd n and 1 for even n.

    Croux and Rousseeuw 1992, as R's robustbase applies it; "none": 1.
    """
    n = np.asarray(n, dtype=np.int64)
    if finite == "none":
        return np.ones(n.shape)
    if finite != "1992":
        raise ValueError(f"finite is 1992 or none; found {finite!r}")
    large = np.where(n % 2 == 1, n / (np.maximum(n, 2) - 0.9), 1.0)
    return np.where(n < 10, np.array(SMALL)[np.clip(n - 2, 0, 7)], large)


@kernel
def _sn_raw(values: Floats, offsets: Integers) -> Floats:
    groups = len(offsets) - 1
    raw = np.full(groups, np.nan)
    distance = np.empty(np.max(np.diff(offsets))) if groups else np.empty(0)
    for g in range(groups):
        y = values[offsets[g] : offsets[g + 1]]
        n = len(y)
        if n < 2 or not (np.isfinite(y[0]) and np.isfinite(y[n - 1])):
            continue
        # the nearest n//2 + 1 values of y[i], itself among them, are a window that moves right with i
        span, left = n // 2, 0
        for i in range(n):
            while left + span + 1 < n and y[left + span + 1] - y[i] < y[i] - y[left]:
                left += 1
            distance[i] = max(y[i] - y[left], y[left + span] - y[i])
        raw[g] = smallest(distance[:n], (n + 1) // 2)
    return raw


def sn_by_group(values: Floats, offsets: Integers, *, finite: Finite = "1992", factor: float = SN_FACTOR) -> Floats:
    """Sn of each group (values in any order): finite factor × factor × lomed_i himed_j |x_i − x_j|.

    himed has rank ⌊n/2⌋ + 1 (j = i counts), lomed rank ⌊(n + 1)/2⌋. Rousseeuw and Croux 1993,
    doi:10.1080/01621459.1993.10476408. O(n) on sorted values; 0 if more than about half of the values are equal; NaN for fewer
    than two values; errors as `pairwise.ordered`.
    """
    values, offsets = ordered(values, offsets)
    raw = _sn_raw(values, offsets)
    return np.asarray(factor * raw * sn_finite_factor(np.diff(offsets), finite=finite))


def sn(values: Floats, *, finite: Finite = "1992", factor: float = SN_FACTOR) -> float:
    """Sn of one set, as `sn_by_group`."""
    return float(sn_by_group(*sorted_set(values), finite=finite, factor=factor)[0])
