"""Laboratory effects from retests that were chosen by their first result: the second result given the first."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from labqa.stats.network.redescending import redescending_weight
from labqa.stats.network.variance import Contrasts, written_out
from labqa.stats.selection.arrow import Arrow, Parts, arrow, centred, entries, level, parts
from labqa.stats.selection.truths import Grid, Posterior

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
CORNER, END = 3.0, 6.0
ROUNDS = 8
HELD = 0.01
"""Information, in pairs of variance 1, that holds each effect near 0, for laboratories whose pairs say nothing of them."""
CHUNK = 256
"""Contrasts whose influence is held at a time."""


class Chosen(NamedTuple):
    """Pairs of first and second results on the scale where σR is 1; `side` is +1 where failing means high, −1 where low.

    `first` and `second` number the laboratories, `item` the tables; `sample` names the cluster.
    """

    first: Ints
    second: Ints
    x1: Floats
    x2: Floats
    side: Floats
    item: Ints
    sample: Ints


class Table(NamedTuple):
    """What a first result of an item says of its truth, on a grid, and the variance of the second result's error."""

    grid: Grid
    posterior: Posterior
    error_variance: float


class Conditional(NamedTuple):
    """Effects (they sum to 0 in each component), what remains on the failing side (a nuisance), and what errors are made of.

    `leverage` and `residual` are of pairs; `slope` is how much of a first laboratory's effect the second result inherits;
    `bread` is the inverse information of the effects and of what remains; `shared` the variance of laboratory × item.
    """

    effect: Floats
    remaining: float
    residual: Floats
    slope: Floats
    weight: Floats
    variance: Floats
    leverage: Floats
    bread: Arrow
    shared: float


class Errors(NamedTuple):
    """Variance of contrasts of effects, and its degrees of freedom."""

    variance: Floats
    df: Floats


def _told(chosen: Chosen, tables: list[Table], effect: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean and slope of the truth, and variance of the second result, given the first less its laboratory's effect."""
    x = chosen.x1 - effect[chosen.first]
    mean, slope, variance = np.empty(len(x)), np.empty(len(x)), np.empty(len(x))
    for item, table in enumerate(tables):
        here = chosen.item == item
        point = table.grid.point
        mean[here] = np.interp(x[here], point, table.posterior.mean)
        slope[here] = np.interp(x[here], point, table.posterior.slope)
        variance[here] = np.interp(x[here], point, table.posterior.variance) + table.error_variance
    return mean, slope, variance


def expected_truths(chosen: Chosen, tables: list[Table]) -> Floats:
    """E[truth | x1] of each pair where no laboratory has an effect of its own: x1 less it is what the choice alone explains."""
    return _told(chosen, tables, np.zeros(max(int(chosen.first.max()), int(chosen.second.max())) + 1))[0]


def _inverse_information(chosen: Chosen, slope: Floats, weight: Floats, at: Parts) -> Arrow:
    """(X'WX)⁻¹ of the effects, centred within components, and of what remains on the failing side (last row and column).

    A pair says effect[second] − slope · effect[first] + side · remaining. The level of a component, of which pairs say little,
    is held; one pair's worth of information holds `remaining` near 0.
    """
    n = len(at.order)
    a, b, crossed = chosen.first, chosen.second, -weight * slope
    entry = np.concatenate([entries(at, b, b), entries(at, a, a), entries(at, a, b), entries(at, b, a)])
    told = np.concatenate([weight, weight * slope**2, crossed, crossed])
    squares = centred(at, np.bincount(entry, weights=told, minlength=int(at.square[-1])).astype(np.float64))
    labs = np.arange(n)
    squares[entries(at, labs, labs)] += HELD
    size = np.diff(at.first)
    squares += np.repeat(1.0 / size, size**2)
    across = np.bincount(b, weights=weight * chosen.side, minlength=n).astype(np.float64)
    across -= np.bincount(a, weights=weight * slope * chosen.side, minlength=n)
    return arrow(at, squares, across - level(at, across), float(weight.sum()) + 1.0)


def conditional_effects(chosen: Chosen, tables: list[Table], component: Ints) -> Conditional:
    """Effects of laboratories by Gauss–Newton on x2 = E[truth | x1 − effect(first)] + effect(second) + side · remaining.

    What chose a pair acted through x1 only (its margin to the limit), so that conditioning on x1 takes the choice away.
    `tables` hold the truths of all first results of the item, chosen or not. Only contrasts within a component are
    identified: the level is held at 0, since a common shift of all laboratories moves the truths with it, and `remaining`
    takes up what a wrong distribution of truths leaves on the failing side of all pairs alike. Weights are 1/variance, with a
    flat redescending factor for gross second results. Unit σR. Source: conditional likelihood, Pfeffermann 1993,
    doi:10.2307/1403631; posterior means, Efron 2011, doi:10.1198/jasa.2011.tm11181.
    """
    n, at = len(component), parts(component)
    effect, remaining = np.zeros(n), 0.0
    for _ in range(ROUNDS):
        mean, slope, variance = _told(chosen, tables, effect)
        residual = chosen.x2 - mean - effect[chosen.second] - chosen.side * remaining
        spread = residual / np.sqrt(variance)
        scale = max(1.4826 * float(np.median(np.abs(spread))), 0.3)
        variance = variance * scale**2
        weight = redescending_weight(spread / scale, corner=CORNER, end=END) / variance
        bread = _inverse_information(chosen, slope, weight, at)
        score = np.bincount(chosen.second, weights=weight * residual, minlength=n).astype(np.float64)
        score -= np.bincount(chosen.first, weights=weight * slope * residual, minlength=n)
        last = (weight * residual * chosen.side).sum() - remaining
        step = bread.times(np.append(score - level(at, score) - HELD * effect, last))
        effect, remaining = effect + step[:n], remaining + float(step[n])
    mean, slope, _ = _told(chosen, tables, effect)
    residual = chosen.x2 - mean - effect[chosen.second] - chosen.side * remaining
    bread = bread.without_level()
    leverage = np.clip(weight * _own(chosen, slope, bread), 0.0, 0.9)
    left = residual * np.sqrt(weight * variance / (1.0 - leverage))
    return Conditional(effect, remaining, residual, slope, weight, variance, leverage, bread, _shared(chosen, slope, left))


def _own(chosen: Chosen, slope: Floats, bread: Arrow) -> Floats:
    """x'Bx of each pair."""
    a, b = chosen.first, chosen.second
    quadratic = bread.between(b, b) + slope**2 * bread.between(a, a) - 2.0 * slope * bread.between(a, b)
    return np.asarray(quadratic + (1.0 - 2.0 * chosen.side * (bread.border[b] - slope * bread.border[a])) / bread.corner)


def _cells(chosen: Chosen, slope: Floats) -> list[tuple[Ints, Floats]]:
    """Groups of pairs that share a laboratory × item, in either part, with how strongly each pair feels it."""
    width = int(chosen.item.max(initial=0)) + 1
    return [(chosen.second * width + chosen.item, np.ones(len(slope))), (chosen.first * width + chosen.item, slope)]


def _shared(chosen: Chosen, slope: Floats, left: Floats) -> float:
    """Variance of laboratory × item from the products of residuals that share one, 0 at least (least squares)."""
    seen = expected = 0.0
    for name, felt in _cells(chosen, slope):
        group = np.unique(name, return_inverse=True)[1]
        one, two, four = (np.bincount(group, weights=w) for w in (felt * left, (felt * left) ** 2, felt**2))
        fourth = np.bincount(group, weights=felt**4)
        seen += float((one**2 - two).sum())
        expected += float((four**2 - fourth).sum())
    return max(seen / expected, 0.0) if expected > 0 else 0.0


def contrast_errors(found: Conditional, chosen: Chosen, contrasts: Contrasts | Floats) -> Errors:
    """Variance of contrasts (k × laboratories) of the effects and its degrees of freedom.

    Sandwich clustered by sample, residuals divided by √(1 − leverage) (HC2), to which comes what pairs of different samples
    share through a laboratory × item; df = (Σ p)² / Σ p² − 1 over the samples' shares p of the variance, 1 at least. Source:
    Bell & McCaffrey 2002; Imbens & Kolesár 2016, doi:10.1162/REST_a_00552.
    """
    contrasts = contrasts if isinstance(contrasts, Contrasts) else written_out(contrasts)
    k = len(contrasts.node)
    variance, df = np.zeros(k), np.zeros(k)
    of_bases = found.bread.rows(contrasts.bases)
    sample = _sums(chosen.sample)
    cells = [(_sums(name), felt) for name, felt in _cells(chosen, found.slope)]
    for begin in range(0, k, CHUNK):
        end = min(begin + CHUNK, k)
        reach = found.bread.of_contrasts(contrasts, begin, end, of_bases)
        variance[begin:end], df[begin:end] = _errors(found, chosen, reach, sample, cells)
    return Errors(variance, df)


def _errors(
    found: Conditional, chosen: Chosen, reach: Floats, sample: sparse.csr_array, cells: list[tuple[sparse.csr_array, Floats]]
) -> Errors:
    """`contrast_errors` of contrasts times the bread (contrasts × (laboratories + 1))."""
    felt = reach[:, chosen.second] - found.slope * reach[:, chosen.first] + chosen.side * reach[:, [-1]]
    felt = np.ascontiguousarray((felt * found.weight).T)
    summed = (sample @ (felt * (found.residual / np.sqrt(1.0 - found.leverage))[:, None])) ** 2
    share = sample @ (felt**2 * found.variance[:, None])
    variance = summed.sum(axis=0)
    for together, strength in cells:
        own = felt * strength[:, None]
        variance += found.shared * (((together @ own) ** 2).sum(axis=0) - (own**2).sum(axis=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        df = share.sum(axis=0) ** 2 / (share**2).sum(axis=0) - 1.0
    return Errors(np.maximum(variance, 0.0), np.maximum(np.nan_to_num(df, nan=1.0), 1.0))


def _sums(name: Ints) -> sparse.csr_array:
    """Groups of the same name × pairs."""
    group = np.unique(name, return_inverse=True)[1]
    return sparse.csr_array((np.ones(len(name)), (group, np.arange(len(name)))))
