"""Order statistics of all pairs of a sorted set, exact and without forming them: differences and sums.

A set of n values has n(n − 1)/2 pairs; here the k-th smallest of their differences or sums costs O(n log n) time and O(n)
memory, and is the very float64 that sorting all pairs would give, ties included. Counts are int64: enough for n = 10⁹.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labqa.stats.kernels import kernel

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

DIFFERENCES = 0
"""x_j − x_i of pairs i < j."""
SUMS = 1
"""x_i + x_j of pairs i < j."""
SUMS_AND_DOUBLES = 2
"""x_i + x_j of pairs i ≤ j."""

FEW = 40
"""Sets of up to so many values have their pairs written out: a loop without branches passes 780 of them in the time in
which two pointers, guessing wrong at every other step, pass 40 values."""
FEW_PAIRS = FEW * (FEW + 1) // 2


def sorted_set(values: Floats) -> tuple[Floats, Integers]:
    """One set as the grouped kernels take it: its values sorted, and the offsets [0, n].

    A NaN or an infinity is a ValueError: the pairs of such a value have no order.
    """
    x = np.sort(np.asarray(values, dtype=np.float64))
    if x.ndim != 1:
        raise ValueError(f"expected one set of values (one dimension), found {x.ndim} dimensions")
    if not np.all(np.isfinite(x)):
        raise ValueError(f"{int(np.sum(~np.isfinite(x)))} of {len(x)} values are NaN or infinite: leave them out first")
    return x, np.array([0, len(x)], dtype=np.int64)


@kernel
def room(offsets: Integers) -> Floats:
    """A place for the pairs that `select_pair` picks from, for the largest group."""
    largest = 16
    for g in range(len(offsets) - 1):
        largest = max(largest, offsets[g + 1] - offsets[g])
    return np.empty(largest + 1)


@kernel
def few_pairs(y: Floats, kind: int, place: Floats) -> Floats:
    """All differences or sums of sorted `y`, written into `place` (FEW_PAIRS long); none if `y` has more than FEW values."""
    n, m = len(y), 0
    if n > FEW:
        return place[:0]
    for j in range(n):
        if kind == 0:
            for i in range(j):
                place[m + i] = y[j] - y[i]
            m += j
        else:
            last = j if kind == 1 else j + 1
            for i in range(last):
                place[m + i] = y[j] + y[i]
            m += last
    return place[:m]


@kernel
def _count(y: Floats, few: Floats, t: float, kind: int) -> int:
    """Number of pairs of sorted `y` whose difference or sum, as rounded to float64, is at most t (t ≥ 0 for differences).

    Two pointers suffice: rounding is monotone, so the rounded differences and sums are sorted along both indices.
    """
    n = len(y)
    count = 0
    if len(few) > 0:
        for pair in few:
            count += int(pair <= t)
        return count
    if kind == 0:
        i = 0
        for j in range(n):
            while y[j] - y[i] > t:  # ends at i = j: t ≥ 0
                i += 1
            count += j - i
        return count
    apart = 1 if kind == 1 else 0
    i, j = 0, n - 1
    while i + apart <= j:
        if y[i] + y[j] <= t:
            count += j - i + 1 - apart
            i += 1
        else:
            j -= 1
    return count


@kernel
def count_around(y: Floats, few: Floats, t: float, kind: int) -> tuple[int, float, float]:
    """As `_count`, with the largest attained difference or sum ≤ t (−inf: none) and the smallest one > t (inf: none)."""
    n = len(y)
    count, below, above = 0, -np.inf, np.inf
    if len(few) > 0:
        for pair in few:
            inside = pair <= t
            count += int(inside)
            below = pair if inside and pair > below else below
            above = above if inside or pair > above else pair
        return count, below, above
    if kind == 0:
        i = 0
        for j in range(1, n):
            while y[j] - y[i] > t:
                i += 1
            count += j - i
            if i < j:
                below = max(below, y[j] - y[i])
            if i > 0:
                above = min(above, y[j] - y[i - 1])
        return count, below, above
    apart = 1 if kind == 1 else 0
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
def _collect(y: Floats, few: Floats, low: float, high: float, kind: int, found: Floats) -> int:
    """Writes all differences or sums in (low, high] into `found`, which has a place to spare, and returns their number."""
    n, m = len(y), 0
    if len(few) > 0:
        for pair in few:
            found[m] = pair
            m += int(low < pair) & int(pair <= high)
        return m
    if kind == 0:
        i = 0
        for j in range(1, n):
            while i < j and y[j] - y[i] > high:
                i += 1
            at = i
            while at < j and y[j] - y[at] > low:
                found[m] = y[j] - y[at]
                m, at = m + 1, at + 1
        return m
    apart = 1 if kind == 1 else 0
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
    """k-th smallest (from 1) of `x`, which is reordered: quickselect with the median of three as pivot."""
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
def select_pair(y: Floats, few: Floats, k: int, kind: int, guess: float, slope: float, found: Floats) -> float:
    """k-th smallest (from 1) difference or sum over the pairs of sorted, finite `y`: the exact float64. `few`: `few_pairs`.

    Secant steps in the count from `guess` (with `slope` = d count/d value; 0: the line through the origin) until the bracket
    holds fewer pairs than `found` has places; these are formed and the answer picked among them. The secant aims
    a little to the side not yet bounded. A step that would leave the bracket halves it instead, and so does every second
    one after the sixth; from then on the bracket ends on attained values, so that a bracket full of ties closes too.
    """
    n = len(y)
    room = len(found) - 1
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
            count, below, above = _count(y, few, t, kind), t, t
        else:
            count, below, above = count_around(y, few, t, kind)
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
    m = _collect(y, few, low, high, kind, found)
    return float(smallest(found[:m], k - c_low))
