"""Fits of one scope (all items, a family, an item, the items with one limit): effects, their variance, their zero and
their evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from labqa.analysis.observations import Observations, starts
from labqa.stats.network.blocks import Fit, fit, incidence
from labqa.stats.network.components import bridge_share, bridges, components
from labqa.stats.network.felt import Grouping
from labqa.stats.network.variance import (
    Components,
    Moments,
    against_node,
    against_others,
    moments,
    solve_components,
    spread,
    spread_of_one,
)
from labqa.stats.network.zero import leave_one_out_centres

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
KINDS = ("error", "sample", "run", "item", "family", "anchor")
"""Kinds of random effects, in the order in which a variance is charged in doubt."""
WITHIN = KINDS[:3]
"""Kinds whose variance belongs to a laboratory's precision."""
PRIOR_RESULTS = 50.0
"""Results by whose weight the variance within a laboratory is drawn to that of all."""
RESULTS_PER_DF = 0.25
"""Degrees of freedom that a result holds of its laboratory's variance: a difference shows both, items share samples."""
UNKNOWN_U = 0.3
"""Standard uncertainty, in σR, of an assigned value that states none (ISO 13528: above it, it must not be neglected)."""


@dataclass(frozen=True)
class Part:
    """One connected component of a scope, fitted: its laboratories, the anchor if it has one, the evidence for each.

    `n_results` counts a laboratory's observations in all scopes: on them rests its variance. `kept` are the observations
    that were fitted, among all `seen`; `base` are the weights of all before the robust steps.
    """

    labs: Ints
    has_anchor: bool
    fitted: Fit
    n_samples: Ints
    n_partners: Ints
    n_blocks: Ints
    n_results: Ints
    anchor_samples: int
    anchor_partners: int
    links: sparse.csr_array
    item_share: sparse.csr_array
    kept: Ints
    seen: Observations
    base: Floats

    @cached_property
    def groupings(self) -> list[Grouping]:
        """The random effects of `KINDS` on the observations that were fitted."""
        return groups(self.seen, self.base, self.kept)

    def forget(self) -> None:
        """Gives back the memory of what is computed again when it is asked for again."""
        vars(self).pop("groupings", None)
        self.fitted.forget()


def within_scope(
    seen: Observations, weight: Floats, base: Floats, y: Floats, chosen: NDArray[np.bool_], *, iterated: bool = False
) -> Iterator[Part]:
    """The components of the observations `chosen` that have a positive weight, each fitted (see `blocks.fit`)."""
    kept = np.flatnonzero(chosen & (weight > 0))
    block = seen.block[kept]
    alone = np.bincount(block, minlength=len(seen.block_ids))[block] < 2
    kept = kept[~alone]
    if not len(kept):
        return
    n_nodes = len(seen.labs) + 1
    root = components(starts(seen.block[kept]), seen.lab[kept], n=n_nodes)[seen.lab[kept]]
    for smallest in np.unique(root):
        yield _part(seen, weight, base, y, kept[root == smallest], iterated=iterated)


def _part(seen: Observations, weight: Floats, base: Floats, y: Floats, kept: Ints, *, iterated: bool) -> Part:
    lab = seen.lab[kept]
    nodes, node = np.unique(lab, return_inverse=True)
    anchor = len(seen.labs)
    has_anchor = bool(nodes[-1] == anchor)
    start = starts(seen.block[kept])
    ground = len(nodes) - 1 if has_anchor else 0
    fitted = fit(start, node, weight[kept], y[kept], n=len(nodes), ground=ground, iterated=iterated)
    blocks = np.repeat(np.arange(len(start) - 1), np.diff(start))
    by_block = sparse.csr_array((np.ones(len(kept)), (node, blocks)), shape=(len(nodes), len(start) - 1))
    links = sparse.csr_array(by_block @ by_block.T)
    partners = np.diff(links.indptr) - 1
    with_anchor = links[:, [-1]].toarray()[:-1, 0] > 0 if has_anchor else np.zeros(len(nodes), dtype=bool)
    samples = np.unique(node * len(seen.samples) + seen.sample[kept]) // max(len(seen.samples), 1)
    n_samples = np.bincount(samples, minlength=len(nodes))
    n_labs = len(nodes) - has_anchor
    count = np.bincount(node, minlength=len(nodes))
    item_share = sparse.csr_array((1.0 / count[node], (node, seen.item[kept])), shape=(len(nodes), len(seen.items)))
    return Part(
        labs=nodes[:n_labs],
        has_anchor=has_anchor,
        fitted=fitted,
        n_samples=n_samples[:n_labs],
        n_partners=partners[:n_labs] - with_anchor,
        n_blocks=count[:n_labs],
        n_results=np.bincount(seen.lab, minlength=anchor + 1)[nodes[:n_labs]],
        anchor_samples=int(n_samples[-1]) if has_anchor else 0,
        anchor_partners=int(partners[-1]) if has_anchor else 0,
        links=links,
        item_share=item_share,
        kept=kept,
        seen=seen,
        base=base,
    )


def groups(seen: Observations, base: Floats, kept: Ints) -> list[Grouping]:
    """The random effects of `KINDS` on the observations `kept`; those within laboratories scaled by √(1/base)."""
    lab, n_labs = seen.lab[kept], len(seen.labs)
    of_lab = lab < n_labs
    shared = {"sample": seen.sample[kept], "run": seen.run[kept], "item": seen.item[kept], "family": seen.family[kept]}
    own = np.arange(len(kept))
    within = np.where(of_lab, 1.0 / np.sqrt(base[kept]), 0.0)
    found = [Grouping(incidence(own, n=len(kept), scale=within), np.where(of_lab, lab, -1))]
    for kind, effect in shared.items():
        joint = np.where(of_lab & (effect >= 0), effect * n_labs + lab, -1)
        names, group = np.unique(joint, return_inverse=True)
        first = int(len(names) > 0 and names[0] < 0)
        scale = within if kind in WITHIN else None
        found.append(Grouping(incidence(group - first, n=len(names) - first, scale=scale), names[first:] % n_labs))
    u = np.where(np.isnan(seen.u[kept]), UNKNOWN_U, seen.u[kept])
    found.append(Grouping(incidence(np.where(of_lab, -1, own), n=len(kept), scale=u), np.full(len(kept), -1)))
    return found


def variance_components(parts: list[Part], *, n_labs: int, corrected: bool = True) -> Components:
    """Variances of `KINDS` from the residuals of all components together; the anchor's is known (its stated u). Without a
    component, as where all weights are 0, none is identified."""
    kinds = len(KINDS)
    known = np.array([np.nan] * (kinds - 1) + [1.0])
    observed, expected = np.zeros((kinds, n_labs + 1)), np.zeros((kinds, kinds, n_labs + 1))
    for part in parts:
        one = moments(part.fitted, part.groupings, n_labs=n_labs, corrected=corrected)
        observed += one.observed
        expected += one.expected
    return solve_components(Moments(observed, expected), known=known)


@dataclass(frozen=True)
class Biases:
    """Biases of the laboratories of one component in one scope: arrays of one length."""

    lab: Ints
    estimate: Floats
    variance: Floats
    df: Floats
    component: int
    anchored: bool
    bridge: Floats
    n_samples: Ints
    n_partners: Ints
    n_blocks: Ints


@dataclass(frozen=True)
class ItemSpread:
    """Variance between the items of each laboratory (one entry a laboratory of the network), and the df that it rests on."""

    variance: Floats
    df: Floats


def biases(
    part: Part,
    found: Components,
    *,
    without: tuple[str, ...],
    max_anchor_se: float,
    slope: float,
    items: ItemSpread | None = None,
) -> Biases:
    """Biases against the anchor where it suffices, else against the robust centre of the other laboratories.

    `without` names the kinds that belong to what is estimated (lab × item for the bias on one item). The variance is divided by
    `slope`², what the redescending weights lose against least squares. With `items` a laboratory's own lab × item effects have
    its own variance, those of the others the network's.
    """
    n = len(part.labs)
    counted = np.array([kind not in without for kind in KINDS])
    sigma = np.where(counted, found.variance, 0.0)
    anchored = part.has_anchor and anchor_suffices(part, sigma, max_anchor_se)
    effect = part.fitted.effect[:n]
    if anchored:
        contrasts = against_node(n, n=n, nodes=n + 1)
        weight = np.zeros(n + 1)
        weight[n] = 1.0
        estimate = effect - part.fitted.effect[n]
    else:
        centre = leave_one_out_centres(effect)
        contrasts = against_others(centre, nodes=len(part.fitted.effect))
        estimate = effect - centre.centre
        weight = np.append(np.ones(n), 0.0)[: len(part.fitted.effect)]
    felt = spread(part.fitted, part.groupings, contrasts, lab=part.labs, needed=sigma > 0)
    variance = felt.total @ sigma
    of_kinds = felt.total * counted
    of_items = np.zeros(n)
    if items is not None and "item" not in without:
        kind = KINDS.index("item")
        of_kinds[:, kind] -= felt.own[:, kind]
        of_items = felt.own[:, kind] * items.variance[part.labs]
        variance += of_items - felt.own[:, kind] * sigma[kind]
    uncertain = np.einsum("ij,jk,ik->i", of_kinds, found.covariance, of_kinds)
    if items is not None:
        uncertain += 2.0 * of_items**2 / items.df[part.labs]
    of_precision = felt.own[:, : len(WITHIN)] @ sigma[: len(WITHIN)]
    uncertain += 2.0 * of_precision**2 / (RESULTS_PER_DF * (PRIOR_RESULTS + part.n_results))
    with np.errstate(divide="ignore", invalid="ignore"):
        df = np.where(uncertain > 0, 2.0 * variance**2 / uncertain, np.inf)
    coo = part.links.tocoo()
    edges = bridges(coo.row.astype(np.int64), coo.col.astype(np.int64), n=len(weight))
    share = bridge_share(edges, np.zeros(len(weight), np.int64), weight)[:n]
    return Biases(
        lab=part.labs,
        estimate=estimate,
        variance=np.maximum(variance, 0.0) / slope**2,  # of results without scatter rounding leaves less than nothing
        df=df,
        component=int(part.labs[0]),
        anchored=anchored,
        bridge=share,
        n_samples=part.n_samples,
        n_partners=part.n_partners,
        n_blocks=part.n_blocks,
    )


def anchor_suffices(part: Part, sigma: Floats, limit: float) -> bool:
    """Three laboratories and three samples at least tie the network to assigned values, and their mean has a small
    enough error."""
    if part.anchor_samples < 3 or part.anchor_partners < 3:
        return False
    n = len(part.labs)
    mean = np.append(np.full(n, 1.0 / n), -1.0)
    variance = spread_of_one(part.fitted, part.groupings, mean) @ sigma
    return bool(0.0 < variance <= limit**2)
