"""Were results entered in the wrong place: rows displaced, digits transposed, two samples interchanged?

Each screen compares what was delivered with what it would be after one honest slip. That the slip explains the results better
is no proof that it happened: a change of order or an even trend can look the same. The laboratory is asked to check its
records.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from labqa.stats.groups import Floats, Integers, in_groups
from labqa.stats.kernels import kernel
from labqa.stats.ranking import pearson, spearman
from labqa.stats.robust.location_scale import MADE_FACTOR, median_by_group


class RowShift(NamedTuple):
    """Best displacement of each sequence, rows that agree without and with it (of those that both have), and p."""

    shift: Integers
    in_place: Integers
    displaced: Integers
    p: Floats


class Transposed(NamedTuple):
    """Place of the two digits whose interchange turns one result into the other (0: the last two; −1: none); its chance."""

    place: Integers
    chance: Floats


class Interchange(NamedTuple):
    """Youden pairs: robust distance of each laboratory as reported and with its two results interchanged, and p.

    `suspected`: far from the others as reported, among them once interchanged. `pearson`, `spearman`: of each group.
    """

    distance: Floats
    interchanged: Floats
    suspected: NDArray[np.bool_]
    p: Floats
    pearson: Floats
    spearman: Floats


@kernel
def _discordant(own, partner, limit, offsets, most):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Rows that agree only in place, only displaced, and in both, for each group and shift (−most … −1, 1 … most)."""
    found = np.zeros((len(offsets) - 1, 2 * most, 3), np.int64)
    for g in range(len(offsets) - 1):
        begin, end = offsets[g], offsets[g + 1]
        for column in range(2 * most):
            shift = column - most if column < most else column - most + 1
            first, last = max(begin, begin - shift), min(end, end - shift)
            if last <= first:
                continue
            here = (own[first:last] - partner[first:last]) / limit[first:last]
            there = (own[first + shift : last + shift] - partner[first:last]) / limit[first:last]
            in_place = np.abs(here - np.median(here)) <= 1.0
            displaced = np.abs(there - np.median(there)) <= 1.0
            found[g, column, 0] = np.sum(in_place & ~displaced)
            found[g, column, 1] = np.sum(displaced & ~in_place)
            found[g, column, 2] = np.sum(displaced & in_place)
    return found


def row_shift(
    own: ArrayLike, partner: ArrayLike, limit: ArrayLike, offsets: Integers | None = None, *, most: int = 3
) -> RowShift:
    """Whether the results of a sequence fit those of the partners better when displaced by up to `most` rows.

    Rows in the order of the laboratory's sheet, one group a sheet; row i agrees if own − partner, in units of `limit` (R > 0
    at its level), is within 1 of the median of these differences: a bias of the whole sheet is no displacement. For each
    shift s the rows that agree only as displaced (own[i + s] with partner[i]) are set against those that agree only in place:
    a row in its right place agrees at least as often there, so their number is at most Bin(both, ½); p is that upper tail
    (McNemar's exact test), times the number of shifts tried. shift = 0 and p = 1 where no displacement does better. A bias
    that changes from row to row can agree better displaced without any slip. Source of the test: McNemar 1947,
    doi:10.1007/BF02295996.
    """
    if most < 1:
        raise ValueError(f"most must be 1 or more, found {most}")
    x, where = in_groups(own, offsets)
    y, _ = in_groups(partner, where)
    r, _ = in_groups(np.broadcast_to(np.asarray(limit, dtype=np.float64), x.shape), where)
    if not (r > 0.0).all():
        raise ValueError("limit must be above 0")
    counted = np.asarray(_discordant(x, y, r, where, int(most)))
    here, there, both = counted[:, :, 0], counted[:, :, 1], counted[:, :, 2]
    tail = np.where(there > here, special.betainc(np.maximum(there, 1), here + 1, 0.5), 1.0)
    shifts = np.concatenate((np.arange(-most, 0), np.arange(1, most + 1)))
    order = np.argsort(np.abs(shifts), kind="stable")
    best = order[np.argmin(tail[:, order], axis=1)]
    row = np.arange(len(where) - 1)
    p = np.minimum(2 * most * tail[row, best], 1.0)
    moved = there[row, best] > here[row, best]
    return RowShift(np.where(moved, shifts[best], 0), (here + both)[row, best], (there + both)[row, best], p)


@kernel
def _transposed(first, second):  # type: ignore[no-untyped-def]  # pragma: no cover
    place, chance = np.full(len(first), -1), np.zeros(len(first))
    for i in range(len(first)):
        x, gap = first[i], abs(second[i] - first[i])
        near, power = 0, 1
        for at in range(18):
            if x // power < 10 or x < 0 or second[i] < 0:
                break
            low, high = (x // power) % 10, (x // (10 * power)) % 10
            moved = x + 9 * power * (low - high)
            if low != high and abs(moved - x) <= gap:
                near += 1
            if low != high and moved == second[i]:
                place[i] = at
            power *= 10
        if gap > 0:
            chance[i] = min(1.0, near / (2.0 * gap))
    return place, chance


def transposed_digits(first: ArrayLike, second: ArrayLike, *, step: ArrayLike) -> Transposed:
    """Whether the second result is the first with two neighbouring digits interchanged, both written in reporting steps.

    41.7 and 47.1 at step 0.1: place 0. `chance`: that of such a pair if every difference up to the size of this one, in both
    directions and in whole steps, were equally likely: transpositions of the first no further away, over 2 |difference|
    in steps. Equal results: −1 and 0. Results that are no whole number of steps (within 1e-6) or negative: −1, chance 0.
    Use it on discrepant pairs: near pairs are 9 steps apart by scatter alone.
    """
    x, y, size = np.broadcast_arrays(*(np.asarray(a, dtype=np.float64) for a in (first, second, step)))
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.atleast_1d(np.stack((x / size, y / size)))
        whole = np.rint(steps)
        known = ((np.abs(steps - whole) <= 1e-6) & (np.abs(steps) < 2.0**53) & (steps >= 0)).all(axis=0)
    a, b = np.where(known, whole, -1.0).astype(np.int64)
    place, chance = _transposed(np.atleast_1d(a), np.atleast_1d(b))
    return Transposed(place, chance)


@kernel
def _deleted(d, offsets):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Mean of the other differences of the group, and how far each lies from it in units of its prediction SD."""
    mean, t = np.full(len(d), np.nan), np.full(len(d), np.nan)
    for g in range(len(offsets) - 1):
        begin, end = offsets[g], offsets[g + 1]
        n = end - begin
        for i in range(begin, end if n >= 4 else begin):
            total, squares = 0.0, 0.0
            for j in range(begin, end):
                total += d[j] if j != i else 0.0
            centre = total / (n - 1)
            for j in range(begin, end):
                squares += (d[j] - centre) ** 2 if j != i else 0.0
            mean[i] = centre
            if squares > 0.0:
                t[i] = (d[i] - centre) / np.sqrt(squares / (n - 2) * (1.0 + 1.0 / (n - 1)))
    return mean, t


def _made(values: Floats, offsets: Integers) -> Floats:
    centred = np.abs(values - np.repeat(median_by_group(values, offsets), np.diff(offsets)))
    return np.asarray(MADE_FACTOR * median_by_group(centred, offsets))


def interchanged_pair(
    first: ArrayLike, second: ArrayLike, offsets: Integers | None = None, *, limit: float = 0.975
) -> Interchange:
    """Which laboratory seems to have interchanged the two materials of a Youden pair.

    `first`, `second`: result of each laboratory on either material, one group a round and item. Distances are Mahalanobis's
    with medians, MADe and the correlation (S₊² − S₋²)/(S₊² + S₋²) from MADe of the sum and difference of the standardized
    results. `suspected`: the distance is above √χ²₂(`limit`) as reported, below it once interchanged. p: the difference first
    − second against those of the others, one-sided in the direction in which an interchange moves it (Student's t, n − 2
    degrees of freedom), times n laboratories (Bonferroni); 1 where an interchange would bring it no nearer, NaN for fewer
    than four laboratories or where the others' differences are all equal. A second interchange hides in the SD of the others
    (masking): look at the distances too. Two materials of like level show no interchange. Distances are NaN, and nothing is
    suspected, where a MADe is 0. Source: Youden 1959; Gnanadesikan & Kettenring 1972, doi:10.2307/2528963.
    """
    a, where = in_groups(first, offsets)
    b, _ = in_groups(second, where)
    n = np.diff(where)
    middle_a, middle_b = (np.repeat(median_by_group(x, where), n) for x in (a, b))
    scale_a, scale_b = (np.repeat(np.where(s > 0, s, np.nan), n) for s in (_made(a, where), _made(b, where)))
    u, v = (a - middle_a) / scale_a, (b - middle_b) / scale_b
    plus, minus = (np.repeat(_made(np.nan_to_num(one), where), n) ** 2 for one in (u + v, u - v))
    with np.errstate(divide="ignore", invalid="ignore"):
        r = np.clip((plus - minus) / (plus + minus), -1.0 + 1e-12, 1.0 - 1e-12)
        swapped_u, swapped_v = (b - middle_a) / scale_a, (a - middle_b) / scale_b
        distance, interchanged = (
            np.sqrt(0.5 * ((p + q) ** 2 / (1.0 + r) + (p - q) ** 2 / (1.0 - r))) for p, q in ((u, v), (swapped_u, swapped_v))
        )
        edge = np.sqrt(-2.0 * np.log1p(-limit))
        suspected = (distance > edge) & (interchanged <= edge)
        mean, t = _deleted(a - b, where)
        helps = np.abs(b - a - mean) < np.abs(a - b - mean)
        size = np.repeat(n, n).astype(np.float64)
        p = np.where(helps, np.minimum(size * special.stdtr(np.maximum(size - 2.0, 1.0), -np.abs(t)), 1.0), 1.0)
    p = np.where(np.isnan(t), np.nan, p)
    return Interchange(distance, interchanged, suspected, p, pearson(a, b, where), spearman(a, b, where))
