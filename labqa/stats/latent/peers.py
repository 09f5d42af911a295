"""Biases of a latent fit stated relative to the other laboratories of their component, with clustered errors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labqa.stats.latent.network import Intervals, LatentFit
from labqa.stats.network.blocks import product
from labqa.stats.network.components import bridge_share, bridges, components
from labqa.stats.network.zero import leave_one_out_centres

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


VAGUE, FEWEST_PEERS = 4.0, 5
"""A laboratory is no peer where the variance of its bias is so many times the median; at least so many peers make a zero."""


class Relative(NamedTuple):
    """Biases against the robust centre of the others of the component, and their evidence (n each); NaN for a laboratory alone
    in its component. `component` is its smallest laboratory."""

    estimate: Floats
    se: Floats
    df: Floats
    component: Ints
    component_labs: Ints
    bridge: Floats
    n_blocks: Ints
    n_partners: Ints


def relative(fitted: LatentFit, seen: Intervals, run: Ints, *, n: int) -> Relative:
    """Biases less the leave-one-out Huber centre of the other laboratories, which counts as given by its weights.

    The variance is J⁻¹ M J⁻¹ with M half-way between the information J of the model and the outer products of the scores of
    blocks, each laboratory's inflated by n/(n − 1); results of one laboratory and `run` (−1: none) add their common
    correlation. df: blocks of the laboratory − 1.
    """
    blocks = np.bincount(seen.lab, minlength=n)
    root = components(seen.start, seen.lab, n=n)
    links = _links(seen, n)
    covariance = _covariance(fitted, seen, run, blocks)
    estimate, variance, bridge = np.full(n, np.nan), np.full(n, np.nan), np.ones(n)
    row, column = np.nonzero(links)
    edges = bridges(row.astype(np.int64), column.astype(np.int64), n=n)
    share = bridge_share(edges, root, (blocks > 0).astype(np.float64))
    for smallest in np.unique(root[blocks > 0]):
        members = np.flatnonzero((root == smallest) & (blocks > 0))
        if len(members) < 2:
            continue
        centre, weight = _centres(fitted.state.bias[members], np.diag(covariance)[members])
        contrast = np.eye(len(members)) - weight
        estimate[members] = fitted.state.bias[members] - centre
        felt = product(contrast, np.ascontiguousarray(covariance[np.ix_(members, members)]))
        variance[members] = np.sum(felt * contrast, axis=1)
        bridge[members] = share[members]
    return Relative(
        estimate, np.sqrt(variance), np.maximum(blocks - 1.0, 1.0), root,
        np.bincount(root[blocks > 0], minlength=n)[root], bridge, blocks, links.sum(axis=1).astype(np.int64),
    )  # fmt: skip


def _centres(bias: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """The leave-one-out centre for each laboratory, and its weights, of the others that are known well enough to be peers: one
    whose bias is next to unknown (all its results below a limit, say) would only blur every other laboratory's zero."""
    known = variance <= VAGUE * np.median(variance)
    inside = np.flatnonzero(known)
    if len(inside) < FEWEST_PEERS:
        every = leave_one_out_centres(bias)
        return every.centre, every.weight
    found = leave_one_out_centres(bias[inside])
    centre, weight = np.zeros(len(bias)), np.zeros((len(bias), len(bias)))
    centre[inside] = found.centre
    weight[np.ix_(inside, inside)] = found.weight
    for one in np.flatnonzero(~known):  # with itself before the peers, leaving it out leaves the peers
        beside = leave_one_out_centres(np.concatenate([[bias[one]], bias[inside]]))
        centre[one] = beside.centre[0]
        weight[one, inside] = beside.weight[0, 1:]
    return centre, weight


def _links(seen: Intervals, n: int) -> NDArray[np.bool_]:
    """Which laboratories share a block."""
    block = np.repeat(np.arange(len(seen.start) - 1), np.diff(seen.start))
    links = np.zeros((n, n), dtype=bool)
    most = int(np.diff(seen.start).max(initial=0))
    for shift in range(1, most):  # each result with the one `shift` places on, if it is of the same block
        same = block[shift:] == block[:-shift]
        links[seen.lab[:-shift][same], seen.lab[shift:][same]] = True
    links |= links.T
    np.fill_diagonal(links, val=False)
    return links


def _covariance(fitted: LatentFit, seen: Intervals, run: Ints, blocks: Ints) -> Floats:
    """Covariance of the biases (n × n)."""
    n, size = len(blocks), len(fitted.inverse)
    inverse = np.ascontiguousarray(fitted.inverse)
    grown = np.ones(size)
    grown[:n] = np.sqrt(blocks / np.maximum(blocks - 1.0, 1.0))
    meat = fitted.meat * grown[:, None] * grown[None, :]
    within = _within_runs(fitted.score, seen.lab, run, n)
    meat[np.arange(n), np.arange(n)] += 2.0 * within
    outer = product(product(np.ascontiguousarray(inverse[:n]), meat), np.ascontiguousarray(inverse[:, :n]))
    return np.asarray((inverse[:n, :n] + outer) / 2)


def _within_runs(score: Floats, lab: Ints, run: Ints, n: int) -> Floats:
    """What results of one laboratory and run add to the variance of its score: (size − 1) × Σ score² × the common
    correlation within runs, which is pooled over all and not below 0."""
    member = run >= 0
    if not member.any():
        return np.zeros(n)
    group = np.unique(run[member] * n + lab[member], return_inverse=True)[1]
    own, squares = score[member], score[member] ** 2
    size = np.bincount(group)
    summed, total = np.bincount(group, weights=own), np.bincount(group, weights=squares)
    room = (size - 1) * total
    correlation = max(float((summed**2 - total).sum()) / max(float(room.sum()), 1e-300), 0.0)
    owner = np.zeros(len(size), dtype=np.int64)
    owner[group] = lab[member]
    return np.asarray(correlation * np.bincount(owner, weights=room, minlength=n), dtype=np.float64)
