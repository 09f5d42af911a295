"""Biases of a latent fit stated relative to the other laboratories of their component, with clustered errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from labqa.stats.latent.factor import Factor, sandwich
from labqa.stats.latent.network import Intervals, LatentFit
from labqa.stats.network.columns import WIDTH
from labqa.stats.network.components import bridge_share, bridges, components
from labqa.stats.network.variance import Contrasts, against_others
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
    low, high = _links(seen, n)
    felt = _Felt.of(fitted, seen, run, blocks)
    estimate, variance, bridge = np.full(n, np.nan), np.full(n, np.nan), np.ones(n)
    share = bridge_share(bridges(low, high, n=n), root, (blocks > 0).astype(np.float64))
    for smallest in np.unique(root[blocks > 0]):
        members = np.flatnonzero((root == smallest) & (blocks > 0))
        if len(members) < 2:
            continue
        centre, contrasts = _centres(fitted.state.bias, members, felt.own[members])
        estimate[members] = fitted.state.bias[members] - centre
        variance[members] = felt.variance(contrasts)
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
    centre = np.empty(len(members))
    centre[known] = found.centre
    # one laboratory more, left out again, leaves the peers: theirs is the centre of every vague one
    peers = leave_one_out_centres(np.append(bias[inside], bias[inside][0]))
    centre[vague] = peers.centre[-1]
    beside = peers.order[peers.first[-1] : peers.last[-1]]
    beside = beside[beside < len(inside)]
    bases = np.zeros((len(among.bases) + 1, len(bias)))
    bases[:-1, inside] = among.bases
    bases[-1, inside[beside]] = 1.0 / max(len(beside), 1)
    factor, base = np.ones(len(members)), np.full(len(members), len(among.bases))
    factor[known], base[known] = among.factor, among.base
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
    """What the variance of a contrast between biases is made of: J, its factor (None where J has no inverse), what the scores
    of blocks and of runs add (M), and the variance ½ (J⁻¹ + J⁻¹MJ⁻¹) of each bias by either part (n each)."""

    meat: sparse.csr_array
    factor: Factor | None
    model: Floats
    scores: Floats

    @classmethod
    def of(cls, fitted: LatentFit, seen: Intervals, run: Ints, blocks: Ints) -> _Felt:
        """Scores of a laboratory grown by √(n/(n − 1)), n its blocks."""
        n, size = len(blocks), fitted.information.shape[0]
        grown, within = np.ones(size), np.zeros(size)
        grown[:n] = np.sqrt(blocks / np.maximum(blocks - 1.0, 1.0))
        within[:n] = 2.0 * _within_runs(fitted.score, seen.lab, run, n)
        scores = sparse.csr_array(sparse.diags_array(grown, format="csr") @ fitted.block_score)
        meat = sparse.csr_array(scores @ scores.T + sparse.diags_array(within, format="csr"))
        found = sandwich(fitted.information, meat)
        if found is None:
            return cls(meat, None, np.full(n, np.nan), np.full(n, np.nan))
        return cls(meat, found.factor, found.bread[:n], found.whole[:n])

    @property
    def own(self) -> Floats:
        """Variance of each bias by itself."""
        return 0.5 * (self.model + self.scores)

    def variance(self, contrasts: Contrasts) -> Floats:
        """½ (c'J⁻¹c + c'J⁻¹MJ⁻¹c) of each contrast of the biases; NaN where J has no inverse."""
        if self.factor is None:
            return np.full(len(contrasts.node), np.nan)
        n, size = len(self.model), self.meat.shape[0]
        of_node, of_base = np.zeros(len(contrasts.node)), np.zeros(len(contrasts.bases))
        for first in range(0, len(contrasts.bases), WIDTH):
            bases = contrasts.bases[first : first + WIDTH].T
            right = np.concatenate([bases, np.zeros((size - n, bases.shape[1]))])
            solved = self.factor.solved(right)
            felt = self.meat @ solved
            both = solved + self.factor.solved(felt)
            of_base[first : first + WIDTH] = (right * solved + solved * felt).sum(axis=0)
            here = (contrasts.base >= first) & (contrasts.base < first + WIDTH)
            of_node[here] = both[contrasts.node[here], contrasts.base[here] - first]
        own = self.model[contrasts.node] + self.scores[contrasts.node]
        found = contrasts.factor**2 * own - 2.0 * contrasts.factor * of_node + of_base[contrasts.base]
        return np.asarray(0.5 * found)


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
