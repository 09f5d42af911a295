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
"""Runs that go through one sorting network side by side."""
LONGEST_RUN = 64
"""Longer groups are sorted in runs of at most this many values, which are then merged."""


def sorted_within_groups(values: Floats, offsets: Integers) -> Floats:
    """Values in ascending order within each group; the array itself, not a copy, where they are so already.

    `values` any number array (n), `offsets` (groups + 1): group g is `values[offsets[g]:offsets[g + 1]]`; values outside
    all groups come back as they are. Batcher's odd-even merge network (doi:10.1145/1468075.1468121) on several groups at
    once, then merging. ValueError: a NaN, or offsets that are no offsets into `values`.
    """
    values, offsets = np.ascontiguousarray(values, dtype=np.float64), np.ascontiguousarray(offsets, dtype=np.int64)
    if values.ndim != 1 or offsets.ndim != 1:
        raise ValueError(f"values and offsets are columns; found {values.ndim} and {offsets.ndim} dimensions")
    if not len(offsets) or offsets[0] < 0 or offsets[-1] > len(values) or np.any(offsets[1:] < offsets[:-1]):
        raise ValueError(f"offsets must rise from 0 or more to {len(values)}, the number of values, or less")
    missing = int(_first_nan(values, offsets[0], offsets[-1]))
    if missing >= 0:
        raise ValueError(f"values[{missing}] is NaN; leave missing results out before their statistics are computed")
    return values if _ascending(values, offsets) else np.asarray(_sorted(values, offsets), dtype=np.float64)


@kernel
def _first_nan(values: Floats, begin: int, end: int) -> int:
    """Where the first NaN of values[begin:end] is; −1 if there is none."""
    missing = 0
    for i in range(begin, end):
        missing += int(values[i] != values[i])
    for i in range(begin, end if missing else begin):
        if values[i] != values[i]:
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
def _merge(source: Floats, begin: int, middle: int, end: int, into: Floats, at: int) -> None:
    """Merges source[begin:middle] and source[middle:end] into into[at:…], from both ends, without branches.

    Unsigned positions spare the look at negative indices, which halves the time. Neither end can run out of its part
    before as many steps are done as the shorter part has values.
    """
    one = np.uint64(1)
    i, j, k = np.uint64(begin), np.uint64(middle), np.uint64(at)
    p, q, r = np.uint64(middle - 1), np.uint64(end - 1), np.uint64(at + end - begin - 1)
    for _ in range(min(middle - begin, end - middle)):
        a, b, c, d = source[i], source[j], source[p], source[q]
        into[k] = a if a < b else b
        into[r] = c if c > d else d
        first, last = np.uint64(a < b), np.uint64(c > d)
        i, j, k = i + first, j + (one - first), k + one
        p, q, r = p - last, q - (one - last), r - one
    while np.int64(k) <= np.int64(r):
        if np.int64(j) > np.int64(q) or (np.int64(i) <= np.int64(p) and source[i] <= source[j]):
            into[k] = source[i]
            i += one
        else:
            into[k] = source[j]
            j += one
        k += one


@kernel
def _sorted(values: Floats, offsets: Integers) -> Floats:
    """The values, sorted within groups: all runs through the network, `LANES` at a time, then long groups merged."""
    groups, runs, longest = len(offsets) - 1, 0, 0
    halvings = np.zeros(groups, np.int64)
    for g in range(groups):
        n = offsets[g + 1] - offsets[g]
        while n > LONGEST_RUN << halvings[g]:
            halvings[g] += 1
        runs += 1 << halvings[g]
        if halvings[g]:
            longest = max(longest, n)
    cuts = np.empty(runs + 1, np.int64)
    run = 0
    for g in range(groups):
        n = offsets[g + 1] - offsets[g]
        for part in range(1 << halvings[g]):
            cuts[run] = offsets[g] + ((n * part) >> halvings[g])
            run += 1
    cuts[runs] = offsets[groups]

    found = np.empty(len(values))
    found[: offsets[0]], found[offsets[groups] :] = values[: offsets[0]], values[offsets[groups] :]
    columns = np.empty(LANES * LONGEST_RUN)
    for first in range(0, runs, LANES):
        lanes, n = min(LANES, runs - first), 0
        for lane in range(lanes):
            n = max(n, cuts[first + lane + 1] - cuts[first + lane])
        for lane in range(lanes):
            begin, size = cuts[first + lane], cuts[first + lane + 1] - cuts[first + lane]
            for i in range(size):
                columns[i * LANES + lane] = values[begin + i]
            for i in range(size, n):
                columns[i * LANES + lane] = np.inf
        _network(columns, n)
        for lane in range(lanes):
            begin = cuts[first + lane]
            for i in range(cuts[first + lane + 1] - begin):
                found[begin + i] = columns[i * LANES + lane]

    spare = np.empty(longest)
    run = 0
    for g in range(groups):
        begin, parts = offsets[g], 1 << halvings[g]
        for level in range(halvings[g]):
            step = 1 << level
            for part in range(run, run + parts, 2 * step):
                low, middle, high = cuts[part], cuts[part + step], cuts[part + 2 * step]
                if level % 2 == 0:
                    _merge(found, low, middle, high, spare, low - begin)
                else:
                    _merge(spare, low - begin, middle - begin, high - begin, found, low)
        if halvings[g] % 2 == 1:
            for i in range(offsets[g + 1] - begin):
                found[begin + i] = spare[i]
        run += parts
    return found
