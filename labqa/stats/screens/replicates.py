"""Are a laboratory's replicates too alike: tied too often, too narrow for the method, one the mean of the others?

All three judge against a stated repeatability SD. A laboratory may be better than the method asks for, or may report the mean
of several readings as one; replicates that agree too well are a reason to see the raw data, never a finding.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from labqa.stats.counting import chance_of_count_unequal
from labqa.stats.groups import Floats, Integers, in_groups, offsets_of, per_group
from labqa.stats.kernels import kernel


class Alike(NamedTuple):
    """Pairs or triples judged in each group, how many show the pattern, how many chance gives, P(as many or more)."""

    n: Integers
    seen: Integers
    expected: Floats
    p: Floats


class Spread(NamedTuple):
    """Sum of squares within sets over σ² (as large as rounding allows), its degrees of freedom and lower-tail p."""

    statistic: Floats
    df: Integers
    p: Floats


def tie_chance(sigma: ArrayLike, step: ArrayLike) -> Floats:
    """Chance that two results of one sample are equal once rounded: E max(0, 1 − |D|/step), D ~ N(0, 2σ²).

    With h = step/(√2 σ): 2Φ(h) − 1 − (2/h)(φ(0) − φ(h)), near h/√(2π) for small steps, 1 for σ = 0: the true value lies
    anywhere between two reportable ones. `sigma`: repeatability SD, `step`: reporting step, in one unit. NaN in gives NaN.
    """
    sd, size = np.asarray(sigma, dtype=np.float64), np.asarray(step, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        h = size / (np.sqrt(2.0) * sd)
        chance = special.erf(h / np.sqrt(2.0)) + np.sqrt(2.0 / np.pi) / h * np.expm1(-0.5 * h * h)
    return np.asarray(np.where(sd == 0.0, np.where(size > 0.0, 1.0, np.nan), np.clip(chance, 0.0, 1.0)))


def _alike(found: Floats, chance: Floats, judged: Floats, where: Integers) -> Alike:
    group = np.repeat(np.arange(len(where) - 1), np.diff(where))
    n, seen, expected = (np.bincount(group, weights=w, minlength=len(where) - 1) for w in (judged, found, chance))
    p = chance_of_count_unequal(chance, seen.astype(np.int64), where)
    return Alike(n.astype(np.int64), seen.astype(np.int64), np.asarray(expected, dtype=np.float64), p)


def tied_pairs(
    first: ArrayLike, second: ArrayLike, offsets: Integers | None = None, *, sigma: ArrayLike, step: ArrayLike
) -> Alike:
    """Whether replicate pairs of each group (laboratory) are equal more often than rounding explains.

    `sigma` (repeatability SD) and `step`: one number or one a pair. p = P(N ≥ seen) for independent pairs that tie with
    `tie_chance` each (exact, Poisson binomial), conservative for a σ that is at least as large as stated. Results are equal
    if they differ by less than half a step.
    """
    x, where = in_groups(first, offsets)
    y, _ = in_groups(second, where)
    sd, size = (np.broadcast_to(np.asarray(a, dtype=np.float64), x.shape) for a in (sigma, step))
    if not ((sd >= 0.0) & (size > 0.0)).all():
        raise ValueError("sigma must be 0 or more and step above 0")
    equal = (np.abs(x - y) < 0.5 * size).astype(np.float64)
    return _alike(equal, tie_chance(sd, size), np.ones(len(x)), where)


@kernel
def _within(values, sets, groups, sigma, step):  # type: ignore[no-untyped-def]  # pragma: no cover
    squares, rounding = np.zeros(len(groups) - 1), np.zeros(len(groups) - 1)
    free = np.zeros(len(groups) - 1, np.int64)
    for g in range(len(groups) - 1):
        for s in range(groups[g], groups[g + 1]):
            begin, n = sets[s], sets[s + 1] - sets[s]
            if n < 2:
                continue
            mean = np.mean(values[begin : begin + n])
            for i in range(begin, begin + n):
                squares[g] += ((values[i] - mean) / sigma[s]) ** 2
            rounding[g] += n * (0.5 * step[s] / sigma[s]) ** 2
            free[g] += n - 1
    return squares, rounding, free


def spread_too_small(
    values: ArrayLike, sets: Integers, groups: Integers | None = None, *, sigma: ArrayLike, step: ArrayLike = 0.0
) -> Spread:
    """Whether the replicates of each group (laboratory) scatter less than the repeatability of the method allows.

    `sets` delimits the replicates of one sample in `values`, `groups` the sets of one laboratory; `sigma` and reporting
    `step`: one number or one a set. The sum of squares within sets over σ² is χ² with Σ(n − 1) degrees of freedom; rounding
    moves the square root of it by at most √(Σ n step²/4σ²), which is added first, so that no rounding, however coarse, makes
    replicates look narrow; p = P(χ² ≤ statistic). Sets of one add nothing; without degrees of freedom p is NaN. Source: ISO
    5725-4, GB/T 6379.4 (test of an SD), lower tail.
    """
    column, delimited = in_groups(values, sets)
    where = offsets_of(len(delimited) - 1, groups)
    sd, size = per_group(sigma, delimited, "sigma", positive=True), per_group(step, delimited, "step")
    squares, rounding, df = _within(column, delimited, where, sd, size)
    statistic = (np.sqrt(squares) + np.sqrt(rounding)) ** 2
    return Spread(statistic, df, np.where(df > 0, special.chdtr(np.maximum(df, 1), statistic), np.nan))


@kernel
def _cell(at: float, sigma: float) -> float:
    """Normal probability of the reporting step at `at` steps from the centre."""
    return 0.5 * (math.erf((at + 0.5) / (sigma * math.sqrt(2.0))) - math.erf((at - 0.5) / (sigma * math.sqrt(2.0))))


@kernel
def _triples(values, sigma, step):  # type: ignore[no-untyped-def]  # pragma: no cover
    n = len(sigma)
    found, chance, judged = np.zeros(n), np.zeros(n), np.zeros(n)
    for i in range(n):
        ordered = np.sort(values[3 * i : 3 * i + 3])
        gap = int(np.rint((ordered[2] - ordered[0]) / step[i]))
        middle = int(np.rint((ordered[1] - ordered[0]) / step[i]))
        if gap < 2 or gap > 100_000:
            continue
        sd = sigma[i] / step[i]
        total, target = 0.0, 0.0
        for place in range(gap + 1):
            weight = _cell(place - 0.5 * gap, sd) * (1.0 if place == 0 or place == gap else 2.0)
            total += weight
            target += weight if abs(2 * place - gap) <= 1 else 0.0
        if total > 0.0:
            judged[i], chance[i] = 1.0, min(target / total, 1.0)
            found[i] = abs(2 * middle - gap) <= 1
    return found, chance, judged


def mean_containing_triples(values: ArrayLike, offsets: Integers | None = None, *, sigma: ArrayLike, step: ArrayLike) -> Alike:
    """Whether one of three replicates is the rounded mean of the other two more often than chance gives.

    `values`: (triples, 3), in any order within a triple; `sigma` (SD of a replicate) and `step`: one number or one a triple.
    Given the smallest and the largest of a triple, the third falls on a cell of the step with the normal weights of that
    cell; the chance of the middle cell (either of two if the gap is odd: 1 step between) is taken with the true value
    halfway, where it is largest. Triples less than 2 or more than 100,000 steps wide are not judged. p: exact
    Poisson-binomial upper tail. Conservative for a σ at least as large as stated. Source: Pitt & Hill 2016, ScienceOpen
    Research.
    """
    table = np.asarray(values, dtype=np.float64).reshape(-1, 3)
    if not np.isfinite(table).all():
        raise ValueError("values must be finite")
    where = offsets_of(len(table), offsets)
    sd, size = (np.ascontiguousarray(np.broadcast_to(np.asarray(a, dtype=np.float64), (len(table),))) for a in (sigma, step))
    if not ((sd > 0.0) & (size > 0.0)).all():
        raise ValueError("sigma and step must be above 0")
    found, chance, judged = _triples(table.ravel(), sd, size)
    return _alike(found, chance, judged, where)
