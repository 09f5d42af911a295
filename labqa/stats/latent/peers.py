"""Biases of a latent fit stated relative to the other laboratories of their component, with clustered errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from labqa.stats.latent.network import MOST_GRADIENTS, Intervals, LatentFit
from labqa.stats.network.columns import WIDTH, solved_columns
from labqa.stats.network.components import bridge_share, bridges, components
from labqa.stats.network.variance import Contrasts, against_others
from labqa.stats.network.zero import leave_one_out_centres

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


VAGUE, FEWEST_PEERS = 4.0, 5
"""A laboratory is no peer where the variance of its bias is so many times the median; at least so many peers make a zero."""

ROUGH, FINE = 1e-3, 1e-6
"""Relative residuals of conjugate gradients, for variances that only say who is known well enough and for those stated."""


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
    low, high = _links(seen, n)
    felt = _Felt.of(fitted, seen, run, blocks)
    estimate, variance, bridge = np.full(n, np.nan), np.full(n, np.nan), np.ones(n)
    share = bridge_share(bridges(low, high, n=n), root, (blocks > 0).astype(np.float64))
    for smallest in np.unique(root[blocks > 0]):
        members = np.flatnonzero((root == smallest) & (blocks > 0))
        if len(members) < 2:
            continue
        alone = Contrasts(members, np.ones(len(members)), np.zeros(len(members), np.int64), np.zeros((1, n)))
        own = felt.variance(alone, tolerance=ROUGH)
        centre, contrasts = _centres(fitted.state.bias, members, own)
        estimate[members] = fitted.state.bias[members] - centre
        variance[members] = felt.variance(contrasts, tolerance=FINE)
        bridge[members] = share[members]
    partners = np.bincount(low, minlength=n) + np.bincount(high, minlength=n)
    return Relative(
        estimate, np.sqrt(variance), np.maximum(blocks - 1.0, 1.0), root,
        np.bincount(root[blocks > 0], minlength=n)[root], bridge, blocks, partners,
    )  # fmt: skip


def _centres(bias: Floats, members: Ints, variance: Floats) -> tuple[Floats, Contrasts]:
    """The leave-one-out centre for each member, and each less its centre, of the others that are known well enough to be peers:
    one whose bias is next to unknown (all its results below a limit, say) would only blur every other laboratory's zero."""
    known = variance <= VAGUE * np.median(variance)
    if known.sum() < FEWEST_PEERS:
        known[:] = True
    inside = members[known]
    found = leave_one_out_centres(bias[inside])
    among = against_others(found, nodes=len(inside))
    vague = np.flatnonzero(~known)
    centre, own = np.empty(len(members)), np.zeros((len(vague), len(inside)))
    centre[known] = found.centre
    for row, one in enumerate(vague):  # with itself before the peers, leaving it out leaves the peers
        beside = leave_one_out_centres(np.concatenate([[bias[members[one]]], bias[inside]]))
        centre[one] = beside.centre[0]
        own[row] = beside.weight[0, 1:]
    bases = np.zeros((len(among.bases) + len(vague), len(bias)))
    bases[:, inside] = np.concatenate([among.bases, own])
    factor, base = np.ones(len(members)), np.empty(len(members), np.int64)
    factor[known], base[known] = among.factor, among.base
    base[vague] = len(among.bases) + np.arange(len(vague))
    return centre, Contrasts(members, factor, base, bases)


def _links(seen: Intervals, n: int) -> tuple[Ints, Ints]:
    """Which laboratories share a block, each pair once, the lower first."""
    block = np.repeat(np.arange(len(seen.start) - 1), np.diff(seen.start))
    found = [np.zeros(0, np.int64)]
    for shift in range(1, int(np.diff(seen.start).max(initial=0))):  # each result with the one `shift` places on
        same = block[shift:] == block[:-shift]
        one, other = seen.lab[:-shift][same], seen.lab[shift:][same]
        found.append(np.unique((np.minimum(one, other) * n + np.maximum(one, other))[one != other]))
    low, high = np.divmod(np.unique(np.concatenate(found)), n)
    return low, high


@dataclass(frozen=True)
class _Felt:
    """What the variance of a contrast between biases is made of: information, scores of blocks, and of runs (n)."""

    information: sparse.csr_array
    scores: sparse.csr_array
    within: Floats

    @classmethod
    def of(cls, fitted: LatentFit, seen: Intervals, run: Ints, blocks: Ints) -> _Felt:
        """Scores of a laboratory grown by √(n/(n − 1)), n its blocks."""
        grown = np.ones(fitted.information.shape[0])
        grown[: len(blocks)] = np.sqrt(blocks / np.maximum(blocks - 1.0, 1.0))
        scores = sparse.csr_array(sparse.diags_array(grown, format="csr") @ fitted.block_score)
        return cls(fitted.information, sparse.csr_array(scores.T), _within_runs(fitted.score, seen.lab, run, len(blocks)))

    def variance(self, contrasts: Contrasts, *, tolerance: float) -> Floats:
        """½ (c'J⁻¹c + c'J⁻¹MJ⁻¹c) of each contrast of the biases, M the scores' outer products and what runs add; NaN where J
        has no inverse."""
        n, size = len(self.within), self.information.shape[0]
        out = np.full(len(contrasts.node), np.nan)
        for first in range(0, len(out), WIDTH):
            columns = contrasts.columns(first, min(first + WIDTH, len(out)))
            right = np.concatenate([columns, np.zeros((size - n, columns.shape[1]))])
            solved = solved_columns(self.information, right, tolerance=tolerance, most=MOST_GRADIENTS)
            if solved is None:
                return out
            model = (right * solved).sum(axis=0)
            scores = ((self.scores @ solved) ** 2).sum(axis=0) + 2.0 * self.within @ solved[:n] ** 2
            out[first : first + WIDTH] = 0.5 * (model + scores)
        return out


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
