"""Blunders cut on the raw differences before any fit: wrong unit, shifted decimal, another item's value."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labqa.stats.kernels import kernel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@kernel
def _blundering(start, x, constant, slope, level_sigma, limit):  # type: ignore[no-untyped-def]  # pragma: no cover
    out = np.zeros(len(x), np.bool_)
    for block in range(len(start) - 1):
        first, last = start[block], start[block + 1]
        middle = np.median(x[first:last])
        for o in range(first, last):
            other = x[first + last - 1 - o] if last - first == 2 else middle
            low = min(abs(x[o]), abs(other))
            sigma = min(level_sigma[o], max(constant[o] + slope[o] * low, 0.2 * level_sigma[o]))
            out[o] = abs(x[o] - other) > limit * np.sqrt(2.0) * sigma
    return out


def blundering(
    start: Ints, x: Floats, constant: Floats, slope: Floats, level_sigma: Floats, *, limit: float
) -> NDArray[np.bool_]:
    """Observations that no fit should see: further than `limit` · √2 σR from the other of a pair, or from the median of
    the block.

    `start` delimits the blocks, `x` in the item's unit, `level_sigma` σR at the block's level. σR = constant + slope · level is
    taken at the lower of the two values: a ×1000 slip raises the block's level, and with it a proportional σR, so that it
    would hide itself; never below a fifth of `level_sigma`, since σR near level 0 is not known. In a pair both are cut:
    neither is known to be right. Without this step 0.2 % of unit slips wreck a start from least squares or plain Huber.
    """
    return np.asarray(_blundering(start, x, constant, slope, level_sigma, limit), dtype=np.bool_)
