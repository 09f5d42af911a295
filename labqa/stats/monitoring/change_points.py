"""Did the level of a sequence change, and where? One change by ranks with a p value, several by optimal partitioning.

Values lie in time order within each sequence (group, see `labqa.stats.groups`). Position t is the first value after a change,
counted from the start of its sequence. A change of level has no blame in it: partner, method and material change too.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from labqa.stats.groups import Floats, Integers, in_groups, per_group
from labqa.stats.kernels import kernel
from labqa.stats.ranking import average_ranks


class Change(NamedTuple):
    """Most likely single change of each sequence: position, Pettitt's K, its p value, shift of the median at it."""

    position: Integers
    statistic: Floats
    p: Floats
    shift: Floats


class Segments(NamedTuple):
    """Positions of the changes of all sequences one behind the other, their offsets, and the level of each value's segment."""

    position: Integers
    offsets: Integers
    level: Floats


@kernel
def _random(state):  # type: ignore[no-untyped-def]  # pragma: no cover
    """One step of SplitMix64: next state and 64 bits."""
    state = state + np.uint64(0x9E3779B97F4A7C15)
    z = state
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state, z ^ (z >> np.uint64(31))


@kernel
def _largest(ranks):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Largest |U_t| = |2 Σ_{i<t} R − t(n+1)| and the first t that has it."""
    n = len(ranks)
    total, best, at = 0.0, -1.0, 0
    for i in range(n - 1):
        total += 2.0 * ranks[i] - (n + 1)
        if abs(total) > best:
            best, at = abs(total), i + 1
    return best, at


@kernel
def _pettitt(values, ranks, offsets, permutations, seed):  # type: ignore[no-untyped-def]  # pragma: no cover
    groups = len(offsets) - 1
    position, statistic = np.zeros(groups, np.int64), np.full(groups, np.nan)
    p, shift = np.full(groups, np.nan), np.full(groups, np.nan)
    for g in range(groups):
        begin, end = offsets[g], offsets[g + 1]
        n = end - begin
        if n < 2:
            continue
        statistic[g], position[g] = _largest(ranks[begin:end])
        cut = begin + position[g]
        shift[g] = np.median(values[cut:end]) - np.median(values[begin:cut])
        if permutations == 0:
            p[g] = min(1.0, 2.0 * np.exp(-6.0 * statistic[g] ** 2 / (float(n) ** 3 + float(n) ** 2)))
            continue
        state, reached = np.uint64(seed), 1
        drawn = ranks[begin:end].copy()
        for _ in range(permutations):
            for i in range(n - 1, 0, -1):
                state, bits = _random(state)
                j = int(((bits >> np.uint64(32)) * np.uint64(i + 1)) >> np.uint64(32))
                drawn[i], drawn[j] = drawn[j], drawn[i]
            reached += _largest(drawn)[0] >= statistic[g]
        p[g] = reached / (permutations + 1.0)
    return position, statistic, p, shift


def single_change(values: ArrayLike, offsets: Integers | None = None, *, permutations: int = 1999, seed: int = 1) -> Change:
    """Pettitt's test: where the ranks before and after differ most, and how often chance does as well.

    U_t = 2 Σ_{i<t} R_i − t(n + 1) with average ranks, K = max |U_t|; the position is the first t that reaches it. p is the
    share of random orders with K as large, (1 + count)/(1 + `permutations`), valid with ties and any distribution as
    long as the values are exchangeable without a change; the orders come from SplitMix64 with `seed`, anew for each
    sequence, so that each has the same p alone and in a column. `permutations=0` takes Pettitt's approximation
    2 exp(−6K²/(n³ + n²)), conservative at small n. Autocorrelated values and trends also give small p. Fewer than two
    values: position 0, the rest NaN. Equal values: K = 0, p = 1. Source: Pettitt 1979, doi:10.2307/2346729.
    """
    column, where = in_groups(values, offsets)
    ranks = average_ranks(column, where)
    return Change(*_pettitt(column, ranks, where, int(permutations), int(seed)))


@kernel
def _partition(values, offsets, penalty, shortest):  # type: ignore[no-untyped-def]  # pragma: no cover
    level, found = np.empty(len(values)), np.zeros(len(values), np.bool_)
    for g in range(len(offsets) - 1):
        x = values[offsets[g] : offsets[g + 1]]
        n = len(x)
        if n == 0:
            continue
        x = x - np.median(x)
        first, second = np.zeros(n + 1), np.zeros(n + 1)
        for i in range(n):
            first[i + 1] = first[i] + x[i]
            second[i + 1] = second[i] + x[i] ** 2
        best, last = np.full(n + 1, np.inf), np.zeros(n + 1, np.int64)
        best[0] = -penalty[g]
        candidates, kept = np.zeros(n + 1, np.int64), 1
        for t in range(shortest, n + 1):
            for c in range(kept):
                s = candidates[c]
                cost = second[t] - second[s] - (first[t] - first[s]) ** 2 / (t - s)
                if best[s] + max(cost, 0.0) + penalty[g] < best[t]:
                    best[t], last[t] = best[s] + max(cost, 0.0) + penalty[g], s
            settled = t - shortest + 1  # a later segment that starts here is long enough from the next t on
            still = 0
            for c in range(kept):
                s = candidates[c]
                if settled - s >= shortest:
                    cost = second[settled] - second[s] - (first[settled] - first[s]) ** 2 / (settled - s)
                    if best[s] + max(cost, 0.0) > best[settled]:
                        continue
                candidates[still] = s
                still += 1
            kept = still
            if settled >= shortest:
                candidates[kept] = settled
                kept += 1
        end = n
        while end > 0:
            begin = last[end]
            mean = 0.0
            for i in range(begin, end):
                mean += values[offsets[g] + i]
            mean /= end - begin
            for i in range(begin, end):
                level[offsets[g] + i] = mean
            found[offsets[g] + begin] = begin > 0
            end = begin
    return level, found


@kernel
def _successive(values, offsets):  # type: ignore[no-untyped-def]  # pragma: no cover
    """σ of each sequence from the median size of successive differences: median|x_{i+1} − x_i| / (√2 Φ⁻¹(¾))."""
    sigma = np.full(len(offsets) - 1, np.nan)
    for g in range(len(offsets) - 1):
        x = values[offsets[g] : offsets[g + 1]]
        if len(x) > 1:
            sigma[g] = np.median(np.abs(x[1:] - x[:-1])) / 0.953872552417219
    return sigma


def several_changes(
    values: ArrayLike,
    offsets: Integers | None = None,
    *,
    sigma: ArrayLike | None = None,
    penalty: float | None = None,
    shortest: int = 1,
) -> Segments:
    """The segmentation of each sequence that minimises Σ (x − segment mean)²/σ² + penalty · changes, found exactly.

    Optimal partitioning with pruning (PELT). `penalty` in units of σ²: 2 ln n if not given (BIC; a new level and its
    place); `shortest`: values a segment has at least. Without `sigma` σ is median|x_{i+1} − x_i|/(√2 · 0.6745), which changes
    of level hardly move. Where that is 0 (most successive values equal) every difference counts as real, and any change of
    value is a change of level: give `sigma`, at the least the rounding step/√12. A single blunder is a segment of its own:
    `shortest` 2 or more, or a cut beforehand, keeps it out. Fewer values than 2 · `shortest`: no change. There is no p value
    in it; see `single_change`. Source: Jackson et al. 2005, doi:10.1109/LSP.2001.838216; Killick, Fearnhead & Eckley 2012,
    doi:10.1080/01621459.2012.737745.
    """
    if shortest < 1 or (penalty is not None and not penalty > 0.0):
        raise ValueError(f"shortest ≥ 1 and penalty > 0 are needed, found {shortest}, {penalty}")
    column, where = in_groups(values, offsets)
    sd = _successive(column, where) if sigma is None else per_group(sigma, where, "sigma", positive=True)
    n = np.diff(where)
    each = 2.0 * np.log(np.maximum(n, 2)) if penalty is None else np.full(len(n), float(penalty))
    level, found = _partition(column, where, np.nan_to_num(each * sd**2), int(shortest))
    at = np.flatnonzero(found)
    counted = np.concatenate(([0], np.cumsum(np.bincount(_group_of(at, where), minlength=len(n))))).astype(np.int64)
    return Segments((at - where[_group_of(at, where)]).astype(np.int64), counted, level)


def _group_of(at: Integers, offsets: Integers) -> Integers:
    return np.searchsorted(offsets, at, side="right").astype(np.int64) - 1
