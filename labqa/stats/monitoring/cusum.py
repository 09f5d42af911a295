"""Did small differences in one direction, or too much scatter, add up? Tabular cumulative sums (CUSUM).

Values lie in time order within each sequence (group, see `labqa.stats.groups`). All sums are in units of σ; a signal is a
sum above h, not on it. A signal says that a sequence left its target, not whose fault that is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from labqa.stats.groups import Floats, Integers, in_groups, per_group
from labqa.stats.kernels import kernel

_ROOT_MEAN = float(2.0**0.25 * special.gamma(0.75) / np.sqrt(np.pi))
_ROOT_SD = float(np.sqrt(np.sqrt(2.0 / np.pi) - _ROOT_MEAN**2))


class Cusum(NamedTuple):
    """Upper and lower sum after each value (both ≥ 0), and which exceeds h (−1, 0, +1; 2 if both).

    `since`: how many values the sum that exceeds h has been above 0, which dates the change; 0 without a signal.
    """

    upper: Floats
    lower: Floats
    signal: NDArray[np.int8]
    since: Integers


class Scatter(NamedTuple):
    """Sum after each value (≥ 0) and whether it exceeds h."""

    total: Floats
    signal: NDArray[np.bool_]


@kernel
def _mean(values, offsets, target, sigma, k, h, headstart, clip, restart):  # type: ignore[no-untyped-def]  # pragma: no cover
    n = len(values)
    upper, lower = np.empty(n), np.empty(n)
    signal, since = np.zeros(n, np.int8), np.zeros(n, np.int64)
    for g in range(len(offsets) - 1):
        up, down, up_n, down_n = headstart, headstart, 0, 0
        for i in range(offsets[g], offsets[g + 1]):
            z = (values[i] - target[g]) / sigma[g]
            up = max(0.0, up + min(max(z - k, -clip), clip))
            down = max(0.0, down + min(max(-z - k, -clip), clip))
            up_n, down_n = up_n + 1 if up > 0.0 else 0, down_n + 1 if down > 0.0 else 0
            upper[i], lower[i] = up, down
            if up > h:
                signal[i], since[i] = 1, up_n
            if down > h:
                signal[i], since[i] = 2 if up > h else -1, max(down_n, since[i])
            if restart and up > h:
                up, up_n = headstart, 0
            if restart and down > h:
                down, down_n = headstart, 0
    return upper, lower, signal, since


def cusum(
    values: ArrayLike,
    offsets: Integers | None = None,
    *,
    target: ArrayLike = 0.0,
    sigma: ArrayLike = 1.0,
    k: float,
    h: float,
    headstart: float = 0.0,
    clip: float = np.inf,
    after_signal: str = "go on",
) -> Cusum:
    """Two-sided tabular CUSUM of the mean of each sequence.

    With z = (x − target)/σ: C⁺ = max(0, C⁺ + z − k), C⁻ = max(0, C⁻ − z − k), from `headstart` (h/2 is the fast initial
    response); each increment ±z − k is cut to ±`clip` first, so that one blunder cannot make a signal. `after_signal`
    "restart" sets the side that signalled back to the headstart. The FSIS-like scheme on standardized differences (P and N) is
    k = 0.4, clip = 2, h = 5.2. Source: Page 1954, doi:10.1093/biomet/41.1-2.100; ISO 7870-4:2021; headstart: Lucas & Crosier
    1982, doi:10.1080/00401706.1982.10487759; clip: 9 CFR 439.20.
    """
    if not (k >= 0.0 and h > 0.0 and 0.0 <= headstart <= h and clip > 0.0):
        raise ValueError(f"k ≥ 0, h > 0, 0 ≤ headstart ≤ h and clip > 0 are needed, found {k}, {h}, {headstart}, {clip}")
    if after_signal not in ("go on", "restart"):
        raise ValueError(f"after_signal must be 'go on' or 'restart', found {after_signal!r}")
    column, where = in_groups(values, offsets)
    centre, sd = per_group(target, where, "target"), per_group(sigma, where, "sigma", positive=True)
    restart = after_signal == "restart"
    return Cusum(*_mean(column, where, centre, sd, float(k), float(h), float(headstart), float(clip), restart))


@kernel
def _scatter(values, offsets, k, h, low, high):  # type: ignore[no-untyped-def]  # pragma: no cover
    total, signal = np.empty(len(values)), np.zeros(len(values), np.bool_)
    for g in range(len(offsets) - 1):
        summed = 0.0
        for i in range(offsets[g], offsets[g + 1]):
            summed = max(0.0, summed + min(max(abs(values[i]) - k, low), high))
            total[i], signal[i] = summed, summed > h
    return total, signal


def cusum_of_scatter(
    z: ArrayLike, offsets: Integers | None = None, *, k: float, h: float, low: float = -np.inf, high: float = np.inf
) -> Scatter:
    """One-sided CUSUM of the size of standardized differences: V = max(0, V + cut(|z| − k)), cut to [low, high].

    The FSIS-like CUSUM-V, scatter and bias together, is k = 0.9, low = −0.4, high = 1.6, h = 4.3; CUSUM-D, large single
    differences, is k = 2.4, h = 1.6. E|Z| of a standard normal score is 0.798. Source: 9 CFR 439.20 (accredited
    laboratories); increments as in `cusum`.
    """
    if not (h > 0.0 and low < high):
        raise ValueError(f"h > 0 and low < high are needed, found {h}, {low}, {high}")
    column, where = in_groups(z, offsets)
    return Scatter(*_scatter(column, where, float(k), float(h), float(low), float(high)))


def scale_score(z: ArrayLike) -> Floats:
    """(√|z| − 0.8222) / 0.3493: nearly standard normal while Var z = 1, so that `cusum` of it is a CUSUM of the variance.

    The constants are E√|Z| = 2^¼ Γ(¾)/√π and SD √|Z| = √(√(2/π) − (E√|Z|)²) of a standard normal Z, exact here. NaN gives
    NaN. Source: Hawkins 1981, J. Quality Technology 13, 228–231.
    """
    return (np.sqrt(np.abs(np.asarray(z, dtype=np.float64))) - _ROOT_MEAN) / _ROOT_SD
