"""Do results heap just inside a limit, and are they missing just outside it?

Blameless results near a limit are as smooth as the true values and the scatter of the method make them. Heaping may come from
producers who steer to the limit (before the sample is drawn: all laboratories then see it), from rounding in favour of the
limit, from repeats until it passes, or from a limit that is itself a round number. The screen says that the density has a
step there; it says nothing of who made it. Compare with the other laboratories, and with limits that are none.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from labqa.stats.groups import Floats, Integers, in_groups, per_group
from labqa.stats.kernels import kernel

ROUND = 10
"""Steps of which every bin over several items holds a multiple: a habit of 0 and 5 then fills all bins alike."""
BIN_SHARE = 0.3
"""Width of a bin over several items in σR, where the step of reporting allows."""
WIDEST_BIN = 2.0
"""σR that a bin may be wide: beyond, the density bends within it."""


class Heaping(NamedTuple):
    """Counts in four bins (far inside, near inside, near outside, far outside) of each group, log ratio, and p.

    `statistic`: log(near inside/near outside) − ⅓ log(far inside/far outside), ½ added to each count. `attainable`: the
    smallest p that these counts could have given; nothing may be said where it is above the level asked for. `p_flat`: the
    same if the density were level near the limit.
    """

    counts: NDArray[np.int64]
    statistic: Floats
    p: Floats
    attainable: Floats
    p_flat: Floats


@kernel
def _bins(values, offsets, limit, step, width, inclusive):  # type: ignore[no-untyped-def]  # pragma: no cover
    counts = np.zeros((len(offsets) - 1, 4), np.int64)
    for g in range(len(offsets) - 1):
        for i in range(offsets[g], offsets[g + 1]):
            beyond = (values[i] - limit[g]) / step[g]
            if abs(beyond) > 4.0 * width:
                continue
            steps = np.ceil(beyond - 1e-6) if inclusive else np.floor(beyond + 1e-6) + 1.0
            place = int(np.floor((steps - 1.0) / width)) + 2
            if 0 <= place < 4:
                counts[g, place] += 1
    return counts


@kernel
def _conditional(counts, log_factorial):  # type: ignore[no-untyped-def]  # pragma: no cover
    p, attainable = np.ones(len(counts)), np.ones(len(counts))
    for g in range(len(counts)):
        far, near = counts[g, 0] + counts[g, 3], counts[g, 1] + counts[g, 2]
        least, most = -min(counts[g, 1] // 3, counts[g, 3]), min(counts[g, 2] // 3, counts[g, 0])
        weights = np.empty(most - least + 1)
        for t in range(least, most + 1):
            j, i = counts[g, 1] + 3 * t, counts[g, 0] - t
            weights[t - least] = -(log_factorial[j] + log_factorial[near - j] + log_factorial[i] + log_factorial[far - i])
        weights = np.exp(weights - np.max(weights))
        total = np.sum(weights)
        p[g] = min(1.0, np.sum(weights[-least:]) / total)
        attainable[g] = weights[-1] / total
    return p, attainable


def heaping(
    values: ArrayLike,
    offsets: Integers | None = None,
    *,
    limit: ArrayLike,
    step: ArrayLike,
    width: int = 1,
    side: str = "upper",
    inclusive: bool = True,
) -> Heaping:
    """Test of each group of results for a step in their density at a limit, upwards on the conforming side.

    `limit` and reporting `step`: one number or one a group (laboratory × item); `width`: steps a bin holds, so that every bin
    holds equally many reportable values. Two bins lie on each side; `inclusive`: a result equal to the limit conforms.
    `side`: "upper" (conforming below) or "lower". If the logarithm of the density is any quadratic across the four bins,
    their counts a2, a1 | b1, b2 given a1 + b1, a2 + b2 and Σ position · count follow weights C(a1+b1, a1) C(a2+b2, a2)
    whatever that quadratic: p = P(A1 ≥ a1 | these) is exact, conservative by discreteness, and free of the slope that makes a
    plain binomial of a1 against b1 (`p_flat`) fire on any sloping density. Results must lie on the step: a laboratory that
    prefers 0 and 5 needs `width` a multiple of 5 or 10 steps. Independent results are assumed. Idea of a density test at a
    threshold: McCrary 2008, doi:10.1016/j.jeconom.2007.05.005; made exact for counts by conditioning as in Fisher's test.
    """
    if width < 1 or side not in ("upper", "lower"):
        raise ValueError(f"width ≥ 1 and side upper or lower are needed, found {width}, {side}")
    column, where = in_groups(values, offsets)
    at, size = per_group(limit, where, "limit"), per_group(step, where, "step", positive=True)
    sign = 1.0 if side == "upper" else -1.0
    counts = np.asarray(_bins(sign * column, where, sign * at, size, int(width), bool(inclusive)))
    p, attainable = _conditional(counts, special.gammaln(np.arange(counts.sum(axis=1).max(initial=0) + 1) + 1.0))
    a2, a1, b1, b2 = counts.T + 0.5
    inside, near = counts[:, 1], counts[:, 1] + counts[:, 2]
    some = np.maximum(inside, 1)
    flat = np.where(inside > 0, special.betainc(some, np.maximum(near - some + 1, 1), 0.5), 1.0)
    return Heaping(counts, np.log(a1 / b1) - np.log(a2 / b2) / 3.0, p, attainable, flat)


def bins_beyond(
    values: ArrayLike,
    *,
    limit: ArrayLike,
    step: ArrayLike,
    sigma: ArrayLike,
    side: str = "upper",
    inclusive: ArrayLike = True,
    floor: ArrayLike = -np.inf,
) -> Floats:
    """How many bins each result lies beyond its limit (≤ 0: conforming), so that items of any unit can be pooled.

    All arguments one number or one a value. Give the answer to `heaping` with limit 0 and step 1; (−1, 0] is just inside,
    (0, 1] just outside. A bin is ROUND steps wide, or as many times that as fit into BIN_SHARE · σR (`sigma`): a laboratory
    that prefers 0 and 5, or reports one digit less, fills all bins alike. Against an exclusive limit a result equal to it
    counts as one step beyond. NaN where a bin would be wider than WIDEST_BIN · σR, where the bins would come within two of
    `floor` (0 or LOQ: below it nothing is reported), or where anything needed is unknown.
    """
    if side not in ("upper", "lower"):
        raise ValueError(f"side upper or lower is needed, found {side}")
    x, at, size, sd, low = (np.asarray(one, dtype=np.float64) for one in (values, limit, step, sigma, floor))
    sign = 1.0 if side == "upper" else -1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        bin_width = ROUND * size * np.maximum(np.floor(BIN_SHARE * sd / (ROUND * size) + 1e-9), 1.0)
        beyond = (sign * (x - at) + np.where(np.asarray(inclusive, dtype=np.bool_), 0.0, size)) / bin_width
        fits = (size > 0) & (bin_width <= WIDEST_BIN * sd) & (at - 4.0 * bin_width >= low)
    return np.asarray(np.where(fits, np.where(np.abs(beyond - np.rint(beyond)) < 1e-7, np.rint(beyond), beyond), np.nan))
