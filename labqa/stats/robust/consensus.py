"""Whether the results of a comparison round have one trustworthy centre."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labqa.stats.kernels import kernel
from labqa.stats.robust.algorithm_a import HUBER_FACTOR, algorithm_a_without_self

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MIN_OTHERS = 5
"""Other laboratories needed for a consensus."""
WIDEST = 2.0
"""Robust SD of the others over σ_pt above which their centre is not trusted."""
NEGLIGIBLE_U = 0.3
"""u(x_pt) / σ_pt from which it enters the score (ISO 13528:2022, 9.2.1)."""


class Others(NamedTuple):
    """Consensus of the other results of each result's group: their number, x*, s* and u(x*)."""

    n: Integers
    centre: Floats
    scale: Floats
    u: Floats


class AgainstReference(NamedTuple):
    """A consensus against a reference value: x_diff = x_ref − x*, its standard uncertainty, and x_diff / u_diff."""

    difference: Floats
    u: Floats
    ratio: Floats


def consensus_of_others(values: Floats, offsets: Integers, *, factor: float = HUBER_FACTOR) -> Others:
    """Algorithm A of the *other* results of the group, for every result, and its standard uncertainty 1.25 s*/√n.

    `values` sorted within groups (`offsets`: groups + 1), units kept; all four in the order of `values`. A laboratory is
    never part of its own consensus. No others, or one: NaN but for n.
    """
    n = np.repeat(np.diff(offsets) - 1, np.diff(offsets))
    centre, scale = algorithm_a_without_self(values, offsets, factor=factor)
    return Others(n, centre, scale, u_of_consensus(scale, np.maximum(n, 1)))


def consensus_against_reference(
    consensus: ArrayLike, u: ArrayLike, reference: ArrayLike, u_reference: ArrayLike
) -> AgainstReference:
    """Difference of a consensus from an independent reference value (ISO 13528:2022, 7.8).

    x_diff = x_ref − x*, u_diff = √(u²(x_ref) + u²(x*)); |x_diff| > 2 u_diff asks for an explanation before the consensus
    serves. Arrays broadcast; units of the values; u_diff = 0 gives an infinite ratio, or NaN if the two are equal.
    """
    difference = np.asarray(reference, dtype=np.float64) - np.asarray(consensus, dtype=np.float64)
    u_difference = np.hypot(np.asarray(u, dtype=np.float64), np.asarray(u_reference, dtype=np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        return AgainstReference(difference, u_difference, difference / u_difference)


def u_of_consensus(scale: ArrayLike, n: ArrayLike) -> Floats:
    """Standard uncertainty of a robust mean of n results: 1.25 s*/√n (ISO 13528:2022, 7.7.3).

    1.25 is √(π/2), the price of a median; for Algorithm A's mean it overstates a little. It presumes results that scatter
    independently about one centre, and n of ten or so: with fewer s* itself is poorly known.
    """
    return np.asarray(1.25 * np.asarray(scale, dtype=np.float64) / np.sqrt(np.asarray(n, dtype=np.float64)))


def trusted(n_others: ArrayLike, scale: ArrayLike, sigma_pt: ArrayLike, modes: ArrayLike) -> NDArray[np.bool_]:
    """A consensus serves: 5 other labs or more, their s* at most 2 σ_pt, and a single mode."""
    with np.errstate(invalid="ignore"):
        narrow = np.asarray(scale) <= WIDEST * np.asarray(sigma_pt)
    return np.asarray((np.asarray(n_others) >= MIN_OTHERS) & narrow & (np.asarray(modes) <= 1))


@kernel
def modes_by_group(values: Floats, offsets: Integers, sigma: Floats) -> Integers:
    """Number of modes of each group (values sorted) that hold a fifth of its values, and three of them, at least.

    Normal kernel density, bandwidth 0.75 σ_pt (ISO 13528:2022, 10.3), on a grid of steps 0.25 σ_pt; values further than
    10 σ_pt from the median are left out, and a dip counts only below 80 % of the lower of the two peaks. `sigma` is one a
    group; groups without σ, or of fewer than 8 values, count as one mode: a second one cannot be told there.
    """
    found = np.ones(len(offsets) - 1, np.int64)
    for g in range(len(offsets) - 1):
        x, s = values[offsets[g] : offsets[g + 1]], sigma[g]
        n = len(x)
        if n < 8 or not s > 0.0:
            continue
        middle = np.median(x)
        low, high = max(x[0], middle - 10 * s) - s, min(x[-1], middle + 10 * s) + s
        points = int(np.ceil((high - low) / (0.25 * s))) + 1
        density = np.zeros(points)
        for i in range(points):
            at = low + 0.25 * s * i
            for k in range(n):
                density[i] += np.exp(-0.5 * ((at - x[k]) / (0.75 * s)) ** 2)
        modes, begin, peak, valley = 0, low, 0.0, 0.0
        dip_at, falling = low, False
        for i in range(points):
            if not falling:
                if density[i] > peak:
                    peak, valley, dip_at = density[i], density[i], low + 0.25 * s * i
                elif density[i] < 0.8 * peak:
                    falling, valley, dip_at = True, density[i], low + 0.25 * s * i
            elif density[i] < valley:
                valley, dip_at = density[i], low + 0.25 * s * i
            elif valley < 0.8 * density[i]:
                held = np.searchsorted(x, dip_at) - np.searchsorted(x, begin)
                modes += int(held >= 3 and 5 * held >= n)
                begin, peak, falling = dip_at, density[i], False
        held = np.searchsorted(x, high, side="right") - np.searchsorted(x, begin)
        modes += int(held >= 3 and 5 * held >= n)
        found[g] = max(modes, 1)
    return found
