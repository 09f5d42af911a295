"""Algorithm A of ISO 13528: robust mean and robust SD, of one set, of many, and of the others of each value.

With w = x clipped to x* ± 1.5 s*, the algorithm replaces x* by the mean of w and s* by factor × SD of w until nothing
changes. Each such step minimises Σ[(w − x*)²/(2 s*) + 1.5 |x − w|] + (n − 1) s*/(2 factor²) over w and then over (x*, s*). That
function is convex in all of them together, so the steps lead from any start to the one fixed point, which is Huber's
Proposal 2 (Huber 1964, doi:10.1214/aoms/1177703732), and a faster way to it may be taken.

Grouped functions take `values` (float64) and `offsets` (int64, length groups + 1): group g is
`values[offsets[g]:offsets[g + 1]]`. Units follow the values. An empty group gives NaN: callers turn it into null.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labqa.stats.kernels import kernel
from labqa.stats.robust.location_scale import MADE_FACTOR, MADE_FACTOR_ISO, middle_deviation, middle_value
from labqa.stats.robust.sorting import LARGEST_SQUARED, sorted_within_groups

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

HUBER_LIMIT = 1.5
"""Winsorizing limit of Algorithm A, in units of s* (ISO 13528:2022, C.3.1)."""
HUBER_FACTOR = 1.1333926554624871
"""1/√E[min(Z², 1.5²)]: the consistency factor of Algorithm A, exact."""
HUBER_FACTOR_ISO = 1.134
"""The same as printed in ISO 13528:2022, C.3.1."""
STOPS = {"exact": 0, "three figures": 1, "scale change": 2, "thirty steps": 3}
"""Rules by which the iteration ends; see `algorithm_a_by_group`."""
JUMPS = 12
"""Closed-form steps before the bracketed search; two or three are the rule."""
FEW = 64
"""Group size up to which the limits are looked for from the ends, few values being beyond them, and not by bisection."""
MOST_STEPS = 10_000
"""Steps of the rules other than "exact", which end long before."""
SCALE_CHANGE = float(np.finfo(np.float64).eps ** 0.25)
"""Relative change of s* (1.2e-4) at which R's metRology::algA ends."""


class AlgorithmA(NamedTuple):
    """Robust mean x* and robust SD s* of one set, the steps taken and the rule that ended them."""

    centre: float
    scale: float
    steps: int
    stop: str


class AlgorithmAByGroup(NamedTuple):
    """Robust mean x* and robust SD s* of each group, the steps taken and the rule that ended them."""

    centre: Floats
    scale: Floats
    steps: Integers
    stop: str


def algorithm_a(values: Floats, *, factor: float = HUBER_FACTOR, stop: str = "exact") -> AlgorithmA:
    """Algorithm A of one set: robust mean x* and SD s* (ISO 13528:2022, C.3.1), as `algorithm_a_by_group`."""
    found = algorithm_a_by_group(values, np.array([0, len(values)], dtype=np.int64), factor=factor, stop=stop)
    return AlgorithmA(float(found.centre[0]), float(found.scale[0]), int(found.steps[0]), stop)


def algorithm_a_by_group(
    values: Floats, offsets: Integers, *, factor: float = HUBER_FACTOR, stop: str = "exact"
) -> AlgorithmAByGroup:
    """Algorithm A of each group, values in any order: robust mean x* and robust SD s* (ISO 13528:2022, C.3.1).

    x* = Σ w/n and s* = factor √(Σ(w − x*)²/(n − 1)), w = x clipped to x* ± 1.5 s*; start: median and MADe, the SD where
    MADe is 0. `stop`:

    - "exact": the fixed point itself, to rounding; the start does not matter. Found in two or three steps.
    - "three figures": the standard's rule, C.3.1 f: the third significant figure of x* and of s* is the same as one step
      before. Starts from 1.483 MAD. x* then depends on the zero of the scale (20.1 and 0.1 have not the same third figure).
    - "scale change": |change of s*| ≤ 1.2e-4 s*, from 1.4826 MAD: what R's metRology::algA does.
    - "thirty steps": no more than that, from 1.4826 MAD: where R's MASS::hubers gives up, up to 5e-6 of s* short.

    One value: s* is NaN. Two: x* their mean, s* = factor × their SD. s* is 0 if, and only if, so many values are equal that
    0 is the fixed point: 2.25 (others + (others above − below)²/equal) < (n − 1)/factor², which takes 65 % of equal values,
    74 % if the others lie on one side; MADe = 0 alone does not do it. Breakdown: 26 % of the values far off on one side,
    35 % on both, fewer where n is small. Differences below 1e-150 count as 0.
    ValueError: a NaN, a value beyond ±1e150, an unknown rule.
    statsmodels' Huber finds the same, 100 to 1000 times slower, and fails where it has not converged in 30 steps.
    """
    if stop not in STOPS:
        raise ValueError(f"stop: found {stop!r}, expected one of {', '.join(STOPS)}")
    start = MADE_FACTOR_ISO if stop == "three figures" else MADE_FACTOR
    ordered = sorted_within_groups(values, offsets, largest=LARGEST_SQUARED)
    centre, scale, steps = _of_groups(ordered, offsets, factor, start, STOPS[stop])
    return AlgorithmAByGroup(centre, scale, steps, stop)


def algorithm_a_without_self(values: Floats, offsets: Integers, *, factor: float = HUBER_FACTOR) -> tuple[Floats, Floats]:
    """Algorithm A of the *other* values of the group, for every value: x* and s* in the shape and order of `values`.

    A laboratory is never part of its own consensus. Exact fixed point as in `algorithm_a_by_group`, the values sorted
    within groups (ValueError if not, or if one is NaN or beyond ±1e150). Groups of fewer than three give NaN. Starts from
    the fixed point of the whole group; costs O(p log p) for a group of p.
    """
    if sorted_within_groups(values, offsets, largest=LARGEST_SQUARED) is not values:
        raise ValueError("values must be one contiguous float64 column in ascending order within each group")
    centre, scale = _of_others(values, offsets, factor)
    return centre, scale


@kernel
def _centred(y: Floats, begin: int, n: int, middle: float, x: Floats, first: Floats, second: Floats) -> None:
    """x = y − middle and its running sums of x and x², 0 at the middle.

    Σ over [low, high) is P[high] − P[low], free of what lies outside it however large that is.
    """
    for i in range(n):
        x[i] = y[begin + i] - middle
    half = n // 2
    first[half], second[half] = 0.0, 0.0
    for i in range(half, n):
        first[i + 1] = first[i] + x[i]
        second[i + 1] = second[i] + x[i] * x[i]
    for i in range(half - 1, -1, -1):
        first[i] = first[i + 1] - x[i]
        second[i] = second[i + 1] - x[i] * x[i]


@kernel
def _within(x: Floats, n: int, low: float, high: float) -> tuple[int, int]:
    """How many of the ascending x[:n] are below `low`, and how many are not above `high`."""
    begin, end = 0, n
    if n <= FEW:
        while begin < n and x[begin] < low:
            begin += 1
        while end > begin and x[end - 1] > high:
            end -= 1
        return begin, end
    while begin < end:
        at = (begin + end) // 2
        if x[at] < low:
            begin = at + 1
        else:
            end = at
    first, end = begin, n
    while begin < end:
        at = (begin + end) // 2
        if x[at] <= high:
            begin = at + 1
        else:
            end = at
    return first, begin


@kernel
def _part(
    x: Floats, n: int, first: Floats, second: Floats, skip: int, centre: float, scale: float
) -> tuple[int, int, int, int, float, float]:
    """The part of x[:n], element `skip` left out (−1: none), within centre ± 1.5 scale.

    Its begin and end, how many values are below and above it, and its sums of x and x².
    """
    low, high = _within(x, n, centre - 1.5 * scale, centre + 1.5 * scale)
    below, above = low, n - high
    sum1, sum2 = first[high] - first[low], second[high] - second[low]
    if skip >= 0:
        if skip < low:
            below -= 1
        elif skip >= high:
            above -= 1
        else:
            sum1, sum2 = sum1 - x[skip], sum2 - x[skip] * x[skip]
    return low, high, below, above, sum1, sum2


@kernel
def _solution(n: int, needed: float, below: int, above: int, sum1: float, sum2: float) -> tuple[bool, float, float]:
    """Whether the two equations have a solution with this part within the limits, and its x* and s*.

    With l values below, h above, m within, their mean μ and sum of squares SS about it:
    s²[(n − 1)/f² − k²(l + h) − k²(h − l)²/m] = SS and x = μ + (h − l) k s/m.
    """
    m = n - below - above
    if m <= 0:
        return False, 0.0, 0.0
    unbalance = float(above - below)
    divisor = needed - 2.25 * (below + above) - 2.25 * unbalance * unbalance / m
    if not divisor > 0.0:
        return False, 0.0, 0.0
    mean = sum1 / m
    scale = np.sqrt(max(sum2 - sum1 * mean, 0.0) / divisor)
    return True, mean + 1.5 * unbalance * scale / m, scale


@kernel
def _step(
    n: int, factor: float, below: int, above: int, sum1: float, sum2: float, centre: float, scale: float
) -> tuple[float, float]:
    """x* and s* after one step of the algorithm as the standard writes it (ISO 13528:2022, C.3.1 c to e)."""
    m, delta = n - below - above, 1.5 * scale
    moved = (sum1 + below * (centre - delta) + above * (centre + delta)) / n
    squares = below * (centre - delta - moved) ** 2 + above * (centre + delta - moved) ** 2
    if m > 0:
        mean = sum1 / m
        squares += max(sum2 - sum1 * mean, 0.0) + m * (mean - moved) ** 2
    return moved, factor * np.sqrt(squares / (n - 1))


@kernel
def _fixed_point(
    x: Floats, total: int, first: Floats, second: Floats, skip: int, centre: float, scale: float, factor: float
) -> tuple[float, float, int]:
    """x* and s*, exact, from a start with scale > 0, and the steps taken.

    Solves the equations for the part within the present limits; if the solution has the same part within its limits, it
    is the fixed point. Jumping so from part to part can go round in a circle where many values are equal or few are left.
    """
    n = total - int(skip >= 0)
    needed = (n - 1) / factor**2
    low, high, below, above, sum1, sum2 = _part(x, total, first, second, skip, centre, scale)
    for steps in range(1, JUMPS):
        old_low, old_high = low, high
        solved, jumped, spread = _solution(n, needed, below, above, sum1, sum2)
        if solved:
            centre, scale = jumped, spread
        else:
            centre, scale = _step(n, factor, below, above, sum1, sum2, centre, scale)
        low, high, below, above, sum1, sum2 = _part(x, total, first, second, skip, centre, scale)
        if solved and low == old_low and high == old_high:
            return centre, scale, steps
    centre, scale, steps = _bracketed(x, total, first, second, skip, centre, max(scale, x[total - 1] - x[0]), factor)
    return centre, scale, steps + JUMPS


@kernel
def _centre_of(
    x: Floats, total: int, first: Floats, second: Floats, skip: int, centre: float, scale: float
) -> tuple[float, int, int, int, int, float, float]:
    """The centre whose clipped deviations at this scale add up to 0, and its part: Newton's steps between two bounds."""
    n = total - int(skip >= 0)
    left, right = x[0], x[total - 1]
    old_low, old_high = -1, -1
    while True:
        low, high, below, above, sum1, sum2 = _part(x, total, first, second, skip, centre, scale)
        m = n - below - above
        pull = sum1 - m * centre + 1.5 * scale * (above - below)
        if pull > 0.0:
            left = centre
        else:
            right = centre
        moved = centre + pull / m if m > 0 else left
        settled = pull == 0.0 or (low == old_low and high == old_high)
        old_low, old_high = low, high
        if not left < moved < right:
            moved = 0.5 * (left + right)
            old_low, old_high = -1, -1
        if settled or not left < moved < right:
            return centre, low, high, below, above, sum1, sum2
        centre = moved


@kernel
def _bracketed(
    x: Floats, total: int, first: Floats, second: Floats, skip: int, centre: float, scale: float, factor: float
) -> tuple[float, float, int]:
    """The fixed point from bounds on s*: at the best centre, the clipped squares over s² fall as s grows.

    Every other step halves the ratio of the bounds, so it cannot fail; it ends when the solution for a part holds.
    """
    n = total - int(skip >= 0)
    needed = (n - 1) / factor**2
    smallest, largest, steps = 0.0, np.inf, 0
    while True:
        steps += 1
        centre, low, high, below, above, sum1, sum2 = _centre_of(x, total, first, second, skip, centre, scale)
        solved, jumped, spread = _solution(n, needed, below, above, sum1, sum2)
        if solved:
            own_low, own_high, _, _, _, _ = _part(x, total, first, second, skip, jumped, spread)
            if low == own_low and high == own_high:
                return jumped, spread, steps
        m = n - below - above
        squares = sum2 - centre * (2.0 * sum1 - m * centre)
        if squares > (needed - 2.25 * (below + above)) * scale * scale:
            smallest = scale
        else:
            largest = scale
        if solved and steps % 2 == 1 and smallest < spread < largest:
            scale = spread
        elif smallest == 0.0:
            scale = 0.5 * largest
        elif largest == np.inf:
            scale = 2.0 * smallest
        else:
            scale = np.sqrt(smallest) * np.sqrt(largest)
        if not smallest < scale < largest:
            return centre, scale, steps


@kernel
def _third_figure(value: float) -> tuple[float, float]:
    """The value rounded to three significant figures, and half a unit of the third."""
    if value == 0.0:
        return 0.0, 0.0
    unit = 10.0 ** (np.floor(np.log10(abs(value))) - 2.0)
    return np.round(value / unit) * unit, 0.5 * unit


@kernel
def _iterated(
    x: Floats, n: int, first: Floats, second: Floats, middle: float, centre: float, scale: float, factor: float, stop: int
) -> tuple[float, float, int]:
    """x* and s* by the algorithm's own steps until one of the rules that are not "exact" ends it."""
    for steps in range(1, MOST_STEPS):
        _, _, below, above, sum1, sum2 = _part(x, n, first, second, -1, centre, scale)
        moved, widened = _step(n, factor, below, above, sum1, sum2, centre, scale)
        if stop == 3:
            settled = steps == 30 or (moved == centre and widened == scale)
        elif stop == 2:
            settled = abs(widened - scale) <= SCALE_CHANGE * widened
        else:
            (a, half_a), (b, _) = _third_figure(moved + middle), _third_figure(centre + middle)
            (c, half_c), (d, _) = _third_figure(widened), _third_figure(scale)
            settled = abs(a - b) <= half_a and abs(c - d) <= half_c
        centre, scale = moved, widened
        if settled:
            return centre, scale, steps
    return centre, scale, MOST_STEPS


@kernel
def _start(x: Floats, n: int, centre: float, start: float, factor: float) -> float:
    """start × MAD; where it is 0 the SD; 0 where so many values are equal that the fixed point has s* = 0."""
    deviation = float(start * middle_deviation(x, 0, n, centre))
    if deviation > 0.0:
        return deviation
    low, high = _within(x, n, centre, centre)
    if _solution(n, (n - 1) / factor**2, low, n - high, 0.0, 0.0)[0]:
        return 0.0
    return float(np.std(x[:n]))


@kernel
def _of_groups(y: Floats, offsets: Integers, factor: float, start: float, stop: int) -> tuple[Floats, Floats, Integers]:
    """Algorithm A of each group of ascending values."""
    groups = len(offsets) - 1
    longest = 0
    for g in range(groups):
        longest = max(longest, offsets[g + 1] - offsets[g])
    x, first, second = np.empty(longest), np.empty(longest + 1), np.empty(longest + 1)
    centres, scales, steps = np.full(groups, np.nan), np.full(groups, np.nan), np.zeros(groups, np.int64)
    for g in range(groups):
        begin, n = offsets[g], offsets[g + 1] - offsets[g]
        if n == 0:
            continue
        middle = middle_value(y, begin, begin + n)
        centres[g] = middle
        if n == 1:
            continue
        _centred(y, begin, n, middle, x, first, second)
        centre = middle_value(x, 0, n)
        scale = _start(x, n, centre, start, factor)
        if scale > 0.0:
            if stop == 0:
                centre, scale, steps[g] = _fixed_point(x, n, first, second, -1, centre, scale, factor)
            else:
                centre, scale, steps[g] = _iterated(x, n, first, second, middle, centre, scale, factor, stop)
        centres[g], scales[g] = centre + middle, scale
    return centres, scales, steps


@kernel
def _of_others(y: Floats, offsets: Integers, factor: float) -> tuple[Floats, Floats]:
    """Algorithm A of the others of each value of each group of ascending values."""
    groups = len(offsets) - 1
    longest = 0
    for g in range(groups):
        longest = max(longest, offsets[g + 1] - offsets[g])
    x, first, second = np.empty(longest), np.empty(longest + 1), np.empty(longest + 1)
    centres, scales = np.full(len(y), np.nan), np.full(len(y), np.nan)
    for g in range(groups):
        begin, n = offsets[g], offsets[g + 1] - offsets[g]
        if n < 3:
            continue
        middle = middle_value(y, begin, begin + n)
        _centred(y, begin, n, middle, x, first, second)
        centre = middle_value(x, 0, n)
        scale = _start(x, n, centre, 1.0, factor)
        if scale > 0.0:
            centre, scale, _ = _fixed_point(x, n, first, second, -1, centre, scale, factor)
        else:
            scale = np.std(x[:n])
        for i in range(n):
            others, spread = centre, scale
            if scale > 0.0:
                others, spread, _ = _fixed_point(x, n, first, second, i, centre, scale, factor)
            centres[begin + i], scales[begin + i] = others + middle, spread
    return centres, scales
