"""Clustered sandwich covariance of laboratory effects: pairs of one sample, or that share a run, err together."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from labqa.stats.network.blocks import product
from labqa.stats.network.components import paired
from labqa.stats.network.edges import Edges, edge_sums, edges
from labqa.stats.network.inverse import laplacian_inverse
from labqa.stats.network.laplacian import solved

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Clustered(NamedTuple):
    """Covariance of the effects or contrasts (m × m), and the number of clusters in the component of each laboratory (n)."""

    covariance: Floats
    clusters: Ints


class _Scored(NamedTuple):
    """The pairs that count, and the network whose Laplacian is inverted."""

    a: Ints
    b: Ints
    score: Floats
    groups: list[Ints]
    found: Edges
    weight: Floats
    component: Ints


def _scored(a: Ints, b: Ints, weight: Floats, score: Floats, groups: list[Ints], *, n: int) -> _Scored:
    """Pairs with a weight or a score, in the order given; ValueError for what does not fit."""
    a, b, score = np.asarray(a, dtype=np.int64), np.asarray(b, dtype=np.int64), np.asarray(score, dtype=np.float64)
    found = edges(a, b, weight, n=n)
    if any(len(one) != len(a) for one in (score, *groups)):
        raise ValueError(f"sandwich: {len(a)} pairs, {len(score)} scores, groups of {[len(one) for one in groups]}")
    weighted = np.asarray(weight, dtype=np.float64) > 0
    if not np.isfinite(score[weighted]).all():
        raise ValueError("sandwich: a score is not finite; expected w r of each pair")
    k = np.flatnonzero(weighted | (np.isfinite(score) & (score != 0.0)))
    named = [np.asarray(one, dtype=np.int64)[k] for one in groups]
    component = paired(found.low, found.high, n=n).component
    return _Scored(a[k], b[k], score[k], named, found, edge_sums(found, weight), component)


def _meat(one: _Scored, group: Ints, take: NDArray[np.bool_] | None = None) -> sparse.csr_array:
    """Σ_g u_g u_g' with u_g = Σ score (e_a − e_b) over the pairs of group g, or over those to `take`."""
    keep = np.ones(len(group), dtype=np.bool_) if take is None else take
    a, b, score = one.a[keep], one.b[keep], one.score[keep]
    names, place = np.unique(group[keep], return_inverse=True)
    shape = (len(one.component), max(len(names), 1))
    summed = sparse.csr_array((np.concatenate([score, -score]), (np.concatenate([a, b]), np.tile(place, 2))), shape=shape)
    return sparse.csr_array(summed @ summed.T)


def _spread(one: _Scored, meat: sparse.csr_array, contrasts: Floats | None) -> tuple[Floats, Floats]:
    """C L⁺ M L⁺ C' and C (m × n); all effects with mean zero in their component where no contrasts are given."""
    n = len(one.component)
    if contrasts is None:
        used = np.eye(n)
        rows = laplacian_inverse(one.found.low, one.found.high, one.weight, one.component)
    else:
        used = np.atleast_2d(np.asarray(contrasts, dtype=np.float64))
        solutions = [solved(one.found, one.weight, row, tolerance=1e-10, component=one.component).x for row in used]
        rows = np.array(solutions).reshape(len(used), n)
    return product(rows, np.ascontiguousarray(meat @ rows.T)), used


def clustered_covariance(
    a: Ints,
    b: Ints,
    weight: Floats,
    score: Floats,
    cluster: Ints,
    *,
    n: int,
    contrasts: Floats | None = None,
    corrected: bool = True,
) -> Clustered:
    """Covariance L⁺ (Σ_g u_g u_g') L⁺ of fitted effects, u_g = Σ score (e_a − e_b) over the pairs of cluster g.

    For `laplacian.fit_pairs` score is w r, r = delta − x_a + x_b, with its weight; for `huber.huber_pairs` both come from
    `huber.pair_scores`. `cluster` is any integer name for each pair, such as its sample. Without `contrasts` (m × n, each
    of sum 0 over every component) it is of all effects with mean zero in their component (n × n). Pairs without weight and
    without score do not count; those that a robust fit has cut have a score only, and count.

    Corrected by CR1, G/(G − 1) · (N − 1)/(N − p) with the clusters, pairs and laboratories less one of each component, as
    Stata and statsmodels do; NaN where a component has one cluster or as many contrasts as pairs. Few clusters, or
    laboratories in few of them, still give intervals that are too short: t with G − 1 df at most. ValueError for arrays
    that do not fit and scores that are not finite. Why not statsmodels: it wants the design as a dense matrix. Source:
    Liang & Zeger 1986, doi:10.1093/biomet/73.1.13; Cameron & Miller 2015, doi:10.3368/jhr.50.2.317.
    """
    one = _scored(a, b, weight, score, [cluster], n=n)
    covariance, used = _spread(one, _meat(one, one.groups[0]), contrasts)
    names, place = np.unique(one.groups[0], return_inverse=True)
    of_pair = one.component[one.a]
    width = max(len(names), 1)
    groups = np.bincount(np.unique(of_pair * width + place) // width, minlength=n)
    if not corrected:
        return Clustered(covariance, groups[one.component])
    pairs, labs = np.bincount(of_pair, minlength=n), np.bincount(one.component, minlength=n)
    free = pairs - labs + 1
    ratio = groups / np.maximum(groups - 1, 1) * ((pairs - 1) / np.maximum(free, 1))
    factor = np.where((groups > 1) & (free > 0), ratio, np.where(labs > 1, np.nan, 1.0))
    of_row = np.array([_factor(row, np.sqrt(factor[one.component])) for row in used])
    return Clustered(covariance * of_row[:, None] * of_row[None, :], groups[one.component])


def _factor(row: Floats, root: Floats) -> float:
    """Correction of a contrast: the largest of the components it touches; NaN if that of any is."""
    touched = root[row != 0]
    return float(touched.max()) if len(touched) else 1.0


def dyadic_covariance(
    a: Ints,
    b: Ints,
    weight: Floats,
    score: Floats,
    unit_a: Ints,
    unit_b: Ints,
    *,
    n: int,
    cluster: Ints | None = None,
    contrasts: Floats | None = None,
) -> Floats:
    """Covariance L⁺ (Σ score_k score_l x_k x_l') L⁺ over all pairs k, l that share a unit, on whichever side; x = e_a − e_b.

    `unit_a`, `unit_b` are integer names of what the two results of each pair may share with those of other pairs, such as
    the laboratory's run; with `cluster` also pairs of the same cluster (a sample) count. The sum over units counts what shares
    both units twice, hence less the sum over dyads; with clusters, plus the sum over clusters less what shares both. Other
    arguments as `clustered_covariance`. No correction for few units; not always positive semidefinite: a negative variance
    says that there are too few. Source: Aronow, Samii & Assenova 2015, doi:10.1093/pan/mpv018; Cameron, Gelbach & Miller
    2011, doi:10.1198/jbes.2010.07136.
    """
    groups = [unit_a, unit_b] if cluster is None else [unit_a, unit_b, cluster]
    one = _scored(a, b, weight, score, groups, n=n)
    meat = _dyadic(one, one.groups[0], one.groups[1])
    if cluster is not None:
        within = _joint(np.concatenate(one.groups[:2]), np.tile(one.groups[2], 2))
        meat = meat + _meat(one, one.groups[2]) - _dyadic(one, *np.split(within, 2))
    return _spread(one, sparse.csr_array(meat), contrasts)[0]


def _joint(first: Ints, second: Ints) -> Ints:
    """A number for each combination of two names."""
    _, i = np.unique(first, return_inverse=True)
    names, j = np.unique(second, return_inverse=True)
    return np.asarray(i * max(len(names), 1) + j, dtype=np.int64)


def _dyadic(one: _Scored, left: Ints, right: Ints) -> sparse.csr_array:
    """Σ over the units of all pairs that share them, less the same over dyads, which share two."""
    differ = left != right
    twice = one._replace(a=np.tile(one.a, 2), b=np.tile(one.b, 2), score=np.tile(one.score, 2))
    by_unit = _meat(twice, np.concatenate([left, right]), np.concatenate([np.ones(len(left), dtype=np.bool_), differ]))
    dyad = _joint(np.minimum(left, right), np.maximum(left, right))
    return sparse.csr_array(by_unit - _meat(one, dyad, differ))
