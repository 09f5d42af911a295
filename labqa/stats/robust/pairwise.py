"""Order statistics of all pairs of a sorted set, exact and without forming them: differences and sums.

A set of n values has n(n − 1)/2 pairs; here the k-th smallest of their differences or sums costs O(n log n) time and O(n)
memory, and is the very float64 that sorting all pairs would give, ties included. Counts are int64: enough for n = 10⁹.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labqa.stats.kernels import kernel
from labqa.stats.robust.sorting import sorted_within_groups

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

DIFFERENCES = 0
"""x_j − x_i of pairs i < j."""
SUMS = 1
"""x_i + x_j of pairs i < j."""
SUMS_AND_DOUBLES = 2
"""x_i + x_j of pairs i ≤ j."""

LARGEST = float(np.finfo(np.float64).max)
"""Every finite value is one that has an order."""
FEW = 40
"""Up to so many values all pairs are compared: without branches that is faster than two pointers that guess wrong at
every other step."""


def ordered(values: ArrayLike, offsets: ArrayLike) -> tuple[Floats, Integers]:
    """Values in ascending order within each group, and the offsets; a NaN or an infinity is a ValueError.

    Counting pairs by two pointers never ends on values that are out of order, so no kernel is given any.
    """
    at = np.asarray(offsets, dtype=np.int64)
    return sorted_within_groups(np.asarray(values, dtype=np.float64), at, largest=LARGEST), at


def sorted_set(values: ArrayLike) -> tuple[Floats, Integers]:
    """One set as the grouped functions take it: its values sorted, and the offsets [0, n]; errors as `ordered`."""
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1:
        raise ValueError(f"expected one set of values (one dimension), found {x.ndim} dimensions")
    return ordered(x, [0, len(x)])


@kernel
def _in_row(y: Floats, j: int, t: float, kind: int) -> int:
    """Number of partners i < j (≤ j for kind 2) of y[j] whose difference or sum is at most t, counted without branches."""
    count = 0
    if kind == 0:
        for i in range(j):
            count += int(y[j] - y[i] <= t)
    else:
        for i in range(j + kind - 1):
            count += int(y[j] + y[i] <= t)
    return count


@kernel
def _count(y: Floats, t: float, kind: int) -> int:
    """Number of pairs of sorted `y` whose difference or sum, as rounded to float64, is at most t (t ≥ 0 for differences).

    Two pointers suffice: rounding is monotone, so the rounded differences and sums are sorted along both indices.
    """
    n = len(y)
    count = 0
    if n <= FEW:
        for j in range(n):
            count += _in_row(y, j, t, kind)
        return count
    if kind == 0:
        i = 0
        for j in range(n):
            while y[j] - y[i] > t:
                i += 1
            count += j - i
        return count
    apart = 2 - kind
    i, j = 0, n - 1
    while i + apart <= j:
        if y[i] + y[j] <= t:
            count += j - i + 1 - apart
            i += 1
        else:
            j -= 1
    return count


@kernel
def count_around(y: Floats, t: float, kind: int) -> tuple[int, float, float]:
    """As `_count`, with the largest attained difference or sum ≤ t (−inf: none) and the smallest one > t (inf: none)."""
    n = len(y)
    count, below, above = 0, -np.inf, np.inf
    if kind == 0:
        i = 0
        for j in range(1, n):
            if n <= FEW:
                i = j - _in_row(y, j, t, kind)
            else:
                while y[j] - y[i] > t:
                    i += 1
            count += j - i
            if i < j:
                below = max(below, y[j] - y[i])
            if i > 0:
                above = min(above, y[j] - y[i - 1])
        return count, below, above
    apart = 2 - kind
    i, j = 0, n - 1
    while i + apart <= j:
        s = y[i] + y[j]
        if s <= t:
            count += j - i + 1 - apart
            below = max(below, s)
            i += 1
        else:
            above = min(above, s)
            j -= 1
    return count, below, above


@kernel
def _collect(y: Floats, low: float, high: float, kind: int, found: Floats) -> int:
    """Writes all differences or sums in (low, high] into `found` and returns their number."""
    n, m = len(y), 0
    if n <= FEW:
        for j in range(n):
            for at in range(_in_row(y, j, low, kind), _in_row(y, j, high, kind)):
                found[m] = y[j] - y[j - 1 - at] if kind == 0 else y[j] + y[at]
                m += 1
        return m
    if kind == 0:
        i = 0
        for j in range(1, n):
            while y[j] - y[i] > high:
                i += 1
            at = i
            while at < j and y[j] - y[at] > low:
                found[m] = y[j] - y[at]
                m, at = m + 1, at + 1
        return m
    apart = 2 - kind
    i, j = 0, n - 1
    while i + apart <= j:
        if y[i] + y[j] > high:
            j -= 1
            continue
        at = j
        while at >= i + apart and y[i] + y[at] > low:
            found[m] = y[i] + y[at]
            m, at = m + 1, at - 1
        i += 1
    return m


@kernel
def smallest(x: Floats, k: int) -> float:
    """k-th smallest (from 1) of `x`, which is reordered: quickselect with the median of three as pivot.

    Among few values the one of rank k is found by counting, again without branches.
    """
    if len(x) <= 16:
        for at in range(len(x)):
            below, through = 0, 0
            for other in range(len(x)):
                below += int(x[other] < x[at])
                through += int(x[other] <= x[at])
            if below < k <= through:
                return float(x[at])
    left, right, k = 0, len(x) - 1, k - 1
    while left < right:
        middle = (left + right) // 2
        a, b, c = x[left], x[middle], x[right]
        pivot = max(min(a, b), min(max(a, b), c))
        i, j = left, right
        while i <= j:
            while x[i] < pivot:
                i += 1
            while x[j] > pivot:
                j -= 1
            if i <= j:
                x[i], x[j] = x[j], x[i]
                i, j = i + 1, j - 1
        if k <= j:
            right = j
        elif k >= i:
            left = i
        else:
            break
    return float(x[k])


@kernel
def between(low: float, high: float) -> float:
    """The float64 half way from low to high in the order of all float64: 64 such steps isolate any number."""
    a, b = np.float64(low).view(np.int64), np.float64(high).view(np.int64)
    a = a if a >= 0 else -(a & np.int64(0x7FFFFFFFFFFFFFFF))
    b = b if b >= 0 else -(b & np.int64(0x7FFFFFFFFFFFFFFF))
    middle = (a >> 1) + (b >> 1) + (a & b & 1)
    if middle >= 0:
        return float(np.int64(middle).view(np.float64))
    return -float(np.int64(-middle).view(np.float64))


@kernel
def select_pair(y: Floats, k: int, kind: int, guess: float, slope: float, found: Floats) -> float:
    """k-th smallest (from 1) difference or sum over the pairs of sorted, finite `y`: the exact float64.

    Secant steps in the count from `guess` (with `slope` = d count/d value; 0: the line through the origin) until the bracket
    holds no more pairs than `found` has room for; these are formed and the answer picked among them. The secant aims
    a little to the side not yet bounded. A step that would leave the bracket halves it instead, and so does every second
    one after the sixth; from then on the bracket ends on attained values, so that a bracket full of ties closes too.
    """
    n = len(y)
    room = len(found)
    c_low, c_high = 0, n * (n - 1) // 2
    if kind == 0:
        floor, high = 0.0, y[n - 1] - y[0]
    elif kind == 1:
        floor, high = y[0] + y[1], y[n - 2] + y[n - 1]
    else:
        floor, high, c_high = y[0] + y[0], y[n - 1] + y[n - 1], c_high + n
    low = np.nextafter(floor, -np.inf)  # counts: pairs ≤ low, pairs ≤ high; no pair lies in (low, floor)
    last_t, last_c = 0.0, -1.0
    t, step = guess, 0
    while c_high - c_low > room:
        step += 1
        if (step > 6 and step % 2 == 0) or not (floor <= t < high):
            t = 0.5 * floor + 0.5 * high
            if not (floor <= t < high) or step > 60 or not np.isfinite(t):
                t = between(floor, high)
            if not (floor <= t < high):
                t = floor
        if step <= 6:
            count, below, above = _count(y, t, kind), t, t
        else:
            count, below, above = count_around(y, t, kind)
        aim = float(k)
        if count < k:
            low, c_low, floor = t, count, max(above, np.nextafter(t, np.inf))
            aim += 0.25 * room
        else:
            high, c_high = below, count
            aim -= 0.25 * room
        if floor >= high:
            return float(high)
        if last_c >= 0.0 and count != last_c:
            slope = (count - last_c) / (t - last_t)
        elif slope == 0.0 and t > 0.0:
            slope = count / t
        last_t, last_c = t, float(count)
        t = t + (aim - count) / slope if slope > 0.0 else np.inf
    m = _collect(y, low, high, kind, found)
    return float(smallest(found[:m], k - c_low))
