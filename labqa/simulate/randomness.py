"""Random numbers: one independent stream for each part of a simulation, so that a change in one part leaves the others."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

PARTS: tuple[str, ...] = (
    *("labs", "biases", "products", "originals", "rounds", "levels", "runs", "retests", "referees", "assigned", "register"),
    *("originals measured", "retests measured", "referees measured", "rounds measured", "statements"),
    *("originals reported", "retests reported", "referees reported", "rounds reported"),
    *("originals fabricated", "retests fabricated", "copied", "echoed", "uncertainties"),
    *("careless", "circles"),
)
"""Parts of a simulation, each with its own stream; new ones go last, so that the others keep theirs."""


def stream(seed: int, part: str) -> np.random.Generator:
    """The generator of that part; streams of two parts or two seeds are independent (NumPy SeedSequence, spawn key)."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(PARTS.index(part),)))


def heavy_tailed(rng: np.random.Generator, n: int, df: int) -> Array:
    """`n` draws with mean 0 and SD 1: Student t with `df` > 2 degrees of freedom scaled to its SD √(df/(df−2)); 0 = normal."""
    drawn: Array = rng.standard_normal(n) if df == 0 else rng.standard_t(df, n) / np.sqrt(df / (df - 2))
    return drawn


def truncated_normal(rng: np.random.Generator, sd: float, low: Array, high: Array) -> Array:
    """Normal draws with mean 0 and SD `sd`, each within its `low` and `high`, by the inverse distribution function."""
    from scipy.special import ndtr, ndtri

    below, above = ndtr(low / sd), ndtr(high / sd)
    drawn: Array = ndtri(below + rng.random(low.shape) * (above - below)) * sd
    return np.clip(drawn, low, high)
