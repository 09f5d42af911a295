"""Does the sample differ rather than a laboratory: portions that change with the days, tests of a sample that nothing else of
its laboratories explains.

Both start from a robust fit of the lab × item effects (Huber's weights), so that a laboratory's own bias is taken out first:
what a laboratory does on all of its samples is never charged to a sample.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from labqa.stats.network.blocks import profiled
from labqa.stats.network.redescending import (
    MAD_TO_SD,
    group_medians,
    huber_weight,
    item_scales,
    penalised_effects,
    scaled_deviations,
)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
CORNER = 1.5
EFFICIENCY = 0.37
"""Efficiency of the median of absolute deviations as an estimate of σ, normal errors (Rousseeuw & Croux 1993)."""
SHARED = 0.1
"""Squared correlation of the results of one test: what sample × laboratory and run have in common (0.3²)."""
FEWEST_TESTS = 5
"""Other tests of a laboratory from which its own scatter is known."""


class Effects(NamedTuple):
    """Robust lab × item effects (nodes), weights and scaled deviations t of the observations from their blocks."""

    effect: Floats
    weight: Floats
    t: Floats


class Drifts(NamedTuple):
    """Slope of each item per unit of x, its standard error, blocks that tell of it, and two-sided p; NaN: nothing tells."""

    slope: Floats
    se: Floats
    n: Ints
    p: Floats


def robust_effects(start: Ints, node: Ints, of_node: Ints, item: Ints, y: Floats, *, ratio: float, steps: int = 8) -> Effects:
    """Lab × item effects by Huber's weights from the raw blocks; penalised within the groups `of_node`, see
    `penalised_effects`."""
    base = np.ones(len(y))
    weight, effect, t = base, np.zeros(len(of_node)), np.zeros(len(y))
    for _ in range(steps):
        effect = penalised_effects(start, node, of_node, weight, y, ratio=ratio, guess=effect)
        raw = scaled_deviations(start, weight, base, y - effect[node])
        t = raw / item_scales(item, raw, n=int(item.max(initial=0)) + 1)[item]
        weight = huber_weight(t, corner=CORNER)
    return Effects(effect, weight, t)


def drifts(start: Ints, node: Ints, item_of_node: Ints, item: Ints, x: Floats, y: Floats, *, ratio: float = 0.5) -> Drifts:
    """How y of each item changes with x (days since the first test of the sample) within blocks, laboratories taken out.

    slope = x'My / x'Mx, M = W-weighted blocks and lab × item effects removed (variance of an effect = error variance /
    `ratio`), W Huber's weights of the residuals, 8 rounds. SE: the larger of the one clustered by block (one sample a block
    and item) and that of independent errors with the residuals' robust SD; t with half as many df as blocks in which x
    differs. A laboratory that always tests late keeps its own level: only days that differ within its blocks tell.
    """
    n_items = int(item.max(initial=-1)) + 1
    block = np.repeat(np.arange(len(start) - 1), np.diff(start))
    slope, base = np.zeros(n_items), np.ones(len(y))
    weight, b_y, b_x = base, np.zeros(len(item_of_node)), np.zeros(len(item_of_node))
    size, moved, scale = np.zeros(n_items), np.zeros(len(y)), np.ones(n_items)
    for _ in range(8):
        b_x = penalised_effects(start, node, item_of_node, weight, x, ratio=ratio, guess=b_x)
        b_y = penalised_effects(start, node, item_of_node, weight, y, ratio=ratio, guess=b_y)
        moved = profiled(start, weight, x - b_x[node])
        size = np.asarray(np.bincount(item, weights=moved * x, minlength=n_items), dtype=np.float64)
        told = np.bincount(item, weights=moved * y, minlength=n_items)
        slope = np.where(size > 1e-9, told / np.where(size > 1e-9, size, 1.0), 0.0)
        left = y - b_y[node] - slope[item] * (x - b_x[node])
        raw = scaled_deviations(start, weight, base, left)
        scale = item_scales(item, raw, n=n_items)
        weight = huber_weight(raw / scale[item], corner=CORNER)
    left = y - b_y[node] - slope[item] * (x - b_x[node])
    score = np.bincount(block, weights=moved * left, minlength=len(start) - 1)
    of_block = item[start[:-1]]
    differs = np.bincount(block, weights=np.abs(moved), minlength=len(start) - 1) > 1e-9
    n = np.bincount(of_block[differs], minlength=n_items)
    known = (size > 1e-9) & (n >= 3)
    clustered = np.bincount(of_block, weights=score**2, minlength=n_items) * n / np.maximum(n - 1, 1)
    alike = scale**2 * size
    se = np.sqrt(np.maximum(clustered, alike)) / np.where(known, size, 1.0)
    p = 2.0 * special.stdtr(np.maximum(n / 2.0, 1.0), -np.abs(slope / np.where(known, se, 1.0)))
    slope, se, p = (np.where(known, one, np.nan) for one in (slope, se, p))
    return Drifts(slope, se, n, p)


class Tests(NamedTuple):
    """Tests (one laboratory's results on one sample): results, mean square q of their deviations over that of their
    laboratories' other tests, and the chance of as much."""

    n: Ints
    q: Floats
    p: Floats


def differing_tests(start: Ints, lab: Ints, test: Ints, t: Floats, *, n_labs: int, n_tests: int) -> Tests:
    """Tests whose results stand apart as nothing else of their laboratories does: "this sample differs" against "this
    laboratory does".

    q = (1.4826 median |t|)² over the results of the test: large only if most of them deviate, in whatever directions; one
    gross error does not do it, nor a bias, which the effects behind t hold. It is divided by the median of q over the other
    tests of the laboratory (1 at least; 1 where fewer than five are known), in blocks of two by the larger of both
    laboratories': where a laboratory scatters on all of its samples, the laboratory explains it. p: χ² with
    ν = 0.37 n/(1 + (n − 1) 0.1) degrees of freedom, the robust variance of n results that share an effect. NaN for tests of
    fewer than three results; and in larger blocks, where the others have the same sample, for those of laboratories with
    fewer than five others: nothing says that their other samples are not like that.
    """
    n = np.bincount(test, minlength=n_tests)
    q = (MAD_TO_SD * group_medians(test, np.abs(t), n=n_tests)) ** 2
    lab_of = np.zeros(n_tests, dtype=np.int64)
    lab_of[test] = lab
    judged = n >= 3
    others = np.full(n_tests, np.nan)
    others[judged] = _median_of_others(lab_of[judged], q[judged], n_labs)
    own = np.fmax(others, 1.0)
    width = np.diff(start)
    of_block = np.repeat(np.arange(len(start) - 1), width)
    among_many = np.zeros(n_tests, dtype=bool)
    among_many[test[width[of_block] > 2]] = True
    judged &= ~(among_many & np.isnan(others))
    mate = np.where(width[of_block] == 2, start[of_block] + start[of_block + 1] - 1 - np.arange(len(t)), np.arange(len(t)))
    usual = own.copy()
    np.maximum.at(usual, test, own[test[mate]])
    ratio = q / usual
    df = EFFICIENCY * n / (1.0 + (n - 1.0) * SHARED)
    p = np.where(judged, special.chdtrc(np.maximum(df, 1e-3), df * ratio), np.nan)
    return Tests(n, np.where(judged, ratio, np.nan), p)


def _median_of_others(group: Ints, value: Floats, n: int) -> Floats:
    """Median of the other values of the group for each value; NaN where there are fewer than `FEWEST_TESTS`."""
    order = np.lexsort((value, group))
    ordered = value[order]
    first = np.searchsorted(group[order], np.arange(n + 1))
    begin, count = first[group[order]], np.diff(first)[group[order]] - 1
    rank = np.arange(len(value)) - begin
    low, high = np.maximum(count - 1, 0) // 2, np.maximum(count, 0) // 2
    pick = [ordered[np.minimum(begin + at + (at >= rank), len(value) - 1)] for at in (low, high)]
    out = np.zeros(len(value))
    out[order] = np.where(count >= FEWEST_TESTS, 0.5 * (pick[0] + pick[1]), np.nan)
    return out
