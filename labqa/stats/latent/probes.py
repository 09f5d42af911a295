"""Vectors of ±1 by which a trace is estimated."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labqa.stats.kernels import kernel

Floats = NDArray[np.float64]


@kernel
def _signs(out):  # type: ignore[no-untyped-def]  # pragma: no cover
    for i in range(out.shape[0]):
        for c in range(out.shape[1]):
            mixed = np.uint64(i * out.shape[1] + c + 1) * np.uint64(0x9E3779B97F4A7C15)
            mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            out[i, c] = 1.0 if mixed >> np.uint64(63) else -1.0


def signs(n: int, width: int) -> Floats:
    """n × width numbers ±1 that look random and are always the same (SplitMix64 of their place, its top bit)."""
    out = np.empty((n, width))
    _signs(out)
    return out
