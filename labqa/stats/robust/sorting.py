"""Sorts many sets of values that lie one behind the other in a column, each set by itself.

`np.sort` along an axis is as fast but wants sets of one size, and a call for each set costs more than its sort.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labqa.stats.kernels import kernel

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LANES = 8
"""Groups that go through one sorting network side by side."""
LARGEST_SQUARED = 1e150
"""`largest` for statistics that add up squares."""
NETWORK = 128
"""Longer groups go to NumPy one by one: a call for so many values costs less than a twentieth of its sort."""


def sorted_within_groups(values: Floats, offsets: Integers, *, largest: float = np.inf) -> Floats:
    """Values in ascending order within each group; the array itself, not a copy, where they are so already.

    `values` any number array (n), `offsets` (groups + 1): group g is `values[offsets[g]:offsets[g + 1]]`; values outside
    all groups come back as they are. Short groups: Batcher's odd-even merge network (doi:10.1145/1468075.1468121), several
    groups of about one size at once. ValueError: a NaN, an |x| above `largest`, or offsets that are no offsets into `values`.
    """
    values, offsets = np.ascontiguousarray(values, dtype=np.float64), np.ascontiguousarray(offsets, dtype=np.int64)
    if values.ndim != 1 or offsets.ndim != 1:
        raise ValueError(f"values and offsets are columns; found {values.ndim} and {offsets.ndim} dimensions")
    if not len(offsets) or offsets[0] < 0 or offsets[-1] > len(values) or np.any(offsets[1:] < offsets[:-1]):
        raise ValueError(f"offsets must rise from 0 or more to {len(values)}, the number of values, or less")
    wrong = int(_first_wrong(values, offsets[0], offsets[-1], largest))
    if wrong >= 0 and np.isnan(values[wrong]):
        raise ValueError(f"values[{wrong}] is NaN; leave missing results out before their statistics are computed")
    if wrong >= 0:
        raise ValueError(f"values[{wrong}] is {values[wrong]:g}; expected are values between ±{largest:g}")
    if _ascending(values, offsets):
        return values
    sizes = np.diff(offsets)
    # a size as one byte: NumPy then sorts them by counting, and those of one size stay in their order in memory
    by_size = np.argsort(np.minimum(sizes, NETWORK + 1).astype(np.uint8), kind="stable")
    short = int(np.count_nonzero(sizes <= NETWORK))
    found = values.copy()
    _sort_short(values, offsets, by_size[:short], found)
    for g in by_size[short:]:
        found[offsets[g] : offsets[g + 1]].sort()
    return found


@kernel
def _first_wrong(values: Floats, begin: int, end: int, largest: float) -> int:
    """Where the first NaN or |x| > largest of values[begin:end] is; −1 if there is none."""
    wrong = 0
    for i in range(begin, end):
        wrong += int(not abs(values[i]) <= largest)
    for i in range(begin, end if wrong else begin):
        if not abs(values[i]) <= largest:
            return i
    return -1


@kernel
def _ascending(values: Floats, offsets: Integers) -> bool:
    """Whether the values of every group are in ascending order."""
    for g in range(len(offsets) - 1):
        falls = 0
        for i in range(offsets[g], offsets[g + 1] - 1):
            falls += int(values[i] > values[i + 1])
        if falls:
            return False
    return True


@kernel
def _network(columns: Floats, n: int) -> None:
    """Sorts `LANES` interleaved columns of n values (value i of lane l at i·LANES + l): Knuth vol. 3, 5.2.2, Algorithm M."""
    half = 1
    while 2 * half < n:
        half *= 2
    width = half
    while width > 0:
        reach, bit, apart = half, 0, width
        while True:
            for i in range(n - apart):
                if (i & width) == bit:
                    for lane in range(LANES):
                        a, b = columns[i * LANES + lane], columns[(i + apart) * LANES + lane]
                        columns[i * LANES + lane] = a if a < b else b
                        columns[(i + apart) * LANES + lane] = b if a < b else a
            if reach == width:
                break
            apart, reach, bit = reach - width, reach // 2, width
        width //= 2


@kernel
def _sort_short(values: Floats, offsets: Integers, groups: Integers, found: Floats) -> None:
    """Writes the groups listed, sorted, into `found`: `LANES` at a time, filled up with ∞ to the longest of them."""
    columns = np.empty(LANES * NETWORK)
    for first in range(0, len(groups), LANES):
        lanes, longest = min(LANES, len(groups) - first), 0
        for lane in range(lanes):
            g = groups[first + lane]
            longest = max(longest, offsets[g + 1] - offsets[g])
        for lane in range(lanes):
            g = groups[first + lane]
            n = offsets[g + 1] - offsets[g]
            for i in range(n):
                columns[i * LANES + lane] = values[offsets[g] + i]
            for i in range(n, longest):
                columns[i * LANES + lane] = np.inf
        _network(columns, longest)
        for lane in range(lanes):
            g = groups[first + lane]
            for i in range(offsets[g + 1] - offsets[g]):
                found[offsets[g] + i] = columns[i * LANES + lane]
