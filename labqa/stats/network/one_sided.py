"""Gross errors that lean to one side: how many there are, whether they lean, and how far they may have carried an estimate."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from labqa.stats.network.redescending import redescending_weight

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
LEAST_RESULTS = 30
"""Results of a component from which a share of gross errors is estimated."""


def gross_share(start: Ints, outlying: Flags, component: Ints, *, n: int) -> Floats:
    """Share of results with a gross error in each of n components, from which of them are `outlying` in their block.

    Both results of a pair lie equally far from its middle, so that a share q of outlying pairs stands for 1 − √(1 − q) of the
    results; in larger blocks the erroneous result alone is outlying. 0 for fewer than `LEAST_RESULTS` results.
    """
    size = np.repeat(np.diff(start), np.diff(start))
    counts = [np.bincount(component[part], minlength=n) for part in (size == 2, size > 2)]
    found = [np.bincount(component[part & outlying], minlength=n) for part in (size == 2, size > 2)]
    pairs = 1.0 - np.sqrt(1.0 - found[0] / np.maximum(counts[0], 1))
    total = counts[0] + counts[1]
    share = (counts[0] * pairs + found[1]) / np.maximum(total, 1)
    return np.where(total >= LEAST_RESULTS, share, 0.0)


class Lean(NamedTuple):
    """Positive less negative outlying results of each laboratory, as a share of all of its results, and its standard error
    if both signs are as likely (n)."""

    share: Floats
    se: Floats


def lean(lab: Ints, sample: Ints, sign: Ints, *, n: int) -> Lean:
    """How outlying results lean, laboratory by laboratory; `sign` is +1 or −1 for a result beyond its limit, 0 for another.

    Results of one sample depend on each other: the error is √Σ(sum of the sample's signs)² over the number of results.
    """
    count = np.maximum(np.bincount(lab, minlength=n), 1)
    names, cluster = np.unique(np.stack([lab, sample]), axis=1, return_inverse=True)
    summed = np.bincount(cluster.ravel(), weights=sign, minlength=names.shape[1])
    total = np.bincount(names[0], weights=summed, minlength=n)
    return Lean(total / count, np.sqrt(np.bincount(names[0], weights=summed**2, minlength=n)) / count)


@cache
def _core(corner: float, end: float) -> tuple[Floats, Floats]:
    """Shifts from 0 to 3 SD, and for each the pull of a standard normal core back to its place, E ψ(Z + shift)."""
    z, weight = special.roots_hermitenorm(200)
    weight = weight / np.sqrt(2.0 * np.pi)
    shift = np.linspace(0.0, 3.0, 3001)
    at = z[None, :] + shift[:, None]
    return shift, (redescending_weight(at, corner=corner, end=end) * at) @ weight


def worst_bias(share: Floats, *, corner: float, end: float) -> Floats:
    """Largest bias, in SDs, of a redescending location when a share ε of the observations is gross, all on one side.

    Solves (1 − ε) E ψ(Z + b) = ε sup ψ for the least b ≥ 0, ψ that of `redescending_weight`, Z standard normal: the gross
    errors lie where they pull most. Infinite where the core cannot hold the estimate. Source: maximum asymptotic bias,
    Huber 1964, doi:10.1214/aoms/1177703732.
    """
    share = np.clip(np.asarray(share, dtype=np.float64), 0.0, 1.0)
    t = np.linspace(corner, end, 2001)
    most = float((redescending_weight(t, corner=corner, end=end) * t).max())
    shift, pull = _core(corner, end)
    top = int(np.argmax(pull))
    needed = share / np.maximum(1.0 - share, 1e-300) * most
    found = np.interp(needed, pull[: top + 1], shift[: top + 1])
    return np.where(needed > pull[top], np.inf, found)
