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


def _scores(found: Edges, a: Ints, b: Ints, score: Floats, group: Ints, *, n: int) -> sparse.csr_array:
    """Σ over the pairs of each group of score (e_a − e_b), as laboratories × groups."""
    k = found.order
    value, row = np.concatenate([score[k], -score[k]]), np.concatenate([a[k], b[k]])
    names, of_pair = np.unique(group[k], return_inverse=True)
    return sparse.csr_array((value, (row, np.tile(of_pair, 2))), shape=(n, max(len(names), 1)))


def _meat(found: Edges, a: Ints, b: Ints, score: Floats, group: Ints, *, n: int) -> sparse.csr_array:
    """Σ_g u_g u_g' with u_g the summed scores of group g."""
    summed = _scores(found, a, b, score, group, n=n)
    return sparse.csr_array(summed @ summed.T)


def _spread(
    found: Edges, weight: Floats, meat: sparse.csr_array, contrasts: Floats | None, component: Ints
) -> tuple[Floats, Floats]:
    """C L⁺ M L⁺ C' and C (m × n); all effects with mean zero in their component where no contrasts are given."""
    if contrasts is None:
        rows = laplacian_inverse(found.low, found.high, weight, component)
        used = np.eye(len(component))
    else:
        used = np.atleast_2d(np.asarray(contrasts, dtype=np.float64))
        rows = np.array([solved(found, weight, row, tolerance=1e-10, component=component).x for row in used])
        rows = rows.reshape(len(used), len(component))
    half = np.asarray((meat @ rows.T).T)
    return product(rows, np.ascontiguousarray(half.T)), used


def _checked(
    a: Ints, b: Ints, weight: Floats, score: Floats, groups: list[Ints], *, n: int
) -> tuple[Ints, Ints, Floats, Edges, Floats, Ints]:
    """Arrays of the right types, the edges, their weights and the components; ValueError for what does not fit."""
    a, b, score = np.asarray(a, dtype=np.int64), np.asarray(b, dtype=np.int64), np.asarray(score, dtype=np.float64)
    found = edges(a, b, weight, n=n)
    if any(len(one) != len(a) for one in (score, *groups)):
        raise ValueError(f"sandwich: {len(a)} pairs, {len(score)} scores, groups of {[len(one) for one in groups]}")
    if not np.isfinite(score[found.order]).all():
        raise ValueError("sandwich: a score is not finite; expected w r of each pair")
    return a, b, score, found, edge_sums(found, weight), paired(found.low, found.high, n=n).component


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
    of sum 0 over every component) it is of all effects with mean zero in their component (n × n). Pairs of weight 0 do not
    count. Corrected by CR1, G/(G − 1) · (N − 1)/(N − p) with the clusters, pairs and laboratories less one of each
    component, as Stata and statsmodels do; NaN where a component has one cluster or as many contrasts as pairs. Few
    clusters, or laboratories in few of them, still give intervals that are too short: t with G − 1 df at most. ValueError
    for arrays that do not fit and scores that are not finite. statsmodels wants the design as a dense matrix. Source: Liang
    & Zeger 1986, doi:10.1093/biomet/73.1.13; Cameron & Miller 2015, doi:10.3368/jhr.50.2.317.
    """
    a, b, score, found, of_edge, component = _checked(a, b, weight, score, [cluster], n=n)
    cluster = np.asarray(cluster, dtype=np.int64)
    covariance, used = _spread(found, of_edge, _meat(found, a, b, score, cluster, n=n), contrasts, component)
    _, name = np.unique(cluster, return_inverse=True)
    of_pair = component[a[found.order]]
    groups = np.bincount(np.unique(of_pair * (len(cluster) + 1) + name[found.order]) // (len(cluster) + 1), minlength=n)
    if not corrected:
        return Clustered(covariance, groups[component])
    pairs, labs = np.bincount(of_pair, minlength=n), np.bincount(component, minlength=n)
    free = pairs - labs + 1
    possible = (groups > 1) & (free > 0)
    factor = np.where(
        possible,
        groups / np.maximum(groups - 1, 1) * ((pairs - 1) / np.where(possible, free, 1)),
        np.where(labs > 1, np.nan, 1.0),
    )
    of_row = np.array([_factor(row, np.sqrt(factor[component])) for row in used])
    return Clustered(covariance * of_row[:, None] * of_row[None, :], groups[component])


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
    a, b, score, found, of_edge, component = _checked(a, b, weight, score, groups, n=n)
    one, two = np.asarray(unit_a, dtype=np.int64), np.asarray(unit_b, dtype=np.int64)
    meat = _dyadic(found, a, b, score, one, two, n=n)
    if cluster is not None:
        meat = meat + _meat(found, a, b, score, np.asarray(cluster, dtype=np.int64), n=n)
        within = [_joint(unit, np.asarray(cluster, dtype=np.int64), both=np.concatenate([one, two])) for unit in (one, two)]
        meat = meat - _dyadic(found, a, b, score, *within, n=n)
    return _spread(found, of_edge, sparse.csr_array(meat), contrasts, component)[0]


def _joint(unit: Ints, cluster: Ints, *, both: Ints) -> Ints:
    """A number for each combination of unit and cluster, the same on both sides of the pairs."""
    names = np.unique(both)
    return np.asarray(np.unique(cluster, return_inverse=True)[1] * len(names) + np.searchsorted(names, unit), dtype=np.int64)


def _dyadic(found: Edges, a: Ints, b: Ints, score: Floats, one: Ints, two: Ints, *, n: int) -> sparse.csr_array:
    """Σ over the units of all pairs that share them, less the same over dyads, which share two."""
    k = found.order
    names, of_pair = np.unique(np.concatenate([one[k], two[k]]), return_inverse=True)
    left, right = of_pair[: len(k)], of_pair[len(k) :]
    differ = left != right
    column = np.concatenate([left, right[differ]])
    value = np.concatenate([score[k], score[k][differ]])
    row_a, row_b = (np.concatenate([lab[k], lab[k][differ]]) for lab in (a, b))
    shape = (n, max(len(names), 1))
    by_unit = sparse.csr_array((value, (row_a, column)), shape=shape) - sparse.csr_array((value, (row_b, column)), shape=shape)
    dyad = np.minimum(left, right) * len(names) + np.maximum(left, right)
    _, place = np.unique(dyad[differ], return_inverse=True)
    rows = np.concatenate([a[k][differ], b[k][differ]])
    signed = np.concatenate([score[k][differ], -score[k][differ]])
    by_dyad = sparse.csr_array((signed, (rows, np.tile(place, 2))), shape=(n, max(len(place), 1)))
    return sparse.csr_array(by_unit @ by_unit.T - by_dyad @ by_dyad.T)
