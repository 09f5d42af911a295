"""Agreement on yes or no: the share of comparisons in which a laboratory and the others say the same."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from labqa.stats.kernels import kernel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Agreement(NamedTuple):
    """Share of agreement of each laboratory with its interval, that of the others' blocks, and its discordant blocks (n each).

    `yes` are the discordant blocks in which it said yes, `yes_expected` how many were to be expected if no laboratory differed,
    `p_value` the exact two-sided chance of as unequal a count.
    """

    share: Floats
    lower: Floats
    upper: Floats
    expected: Floats
    n_blocks: Ints
    n_discordant: Ints
    yes: Ints
    yes_expected: Floats
    p_value: Floats


def agreement(start: Ints, lab: Ints, yes: Flags, cluster: Ints, stratum: Ints, *, n: int, level: float = 0.95) -> Agreement:
    """Agreement of n laboratories over blocks of two or more results; `stratum` (blocks) is the item of each.

    In a block a laboratory's share is that of the other results that equal its own; its agreement is the mean over its blocks.
    The interval is Clopper and Pearson's at the effective number n* = p(1 − p)/variance, variance clustered by `cluster`
    (blocks), n* at most the number of clusters, which it is where p is 0 or 1 (Korn & Graubard 1998, Survey Methodology 24).
    `expected` is the mean share of agreeing pairs in the blocks of the same strata in which the laboratory took no part.
    The chance of `yes` is that of a sum of independent Bernoulli variables with the share of yes of each discordant block: the
    exact test of McNemar 1947 (doi:10.1007/BF02295996) where blocks are pairs, given how many said yes in each.
    """
    size = np.diff(start)
    block = np.repeat(np.arange(len(size)), size)
    positive = np.bincount(block, weights=yes, minlength=len(size))
    alike = np.where(yes, positive[block] - 1.0, size[block] - positive[block] - 1.0) / (size[block] - 1.0)
    n_blocks = np.bincount(lab, minlength=n)
    share = np.bincount(lab, weights=alike, minlength=n) / np.where(n_blocks > 0, n_blocks, np.nan)
    lower, upper = _interval(lab, alike, share, cluster[block], n_blocks, level)
    of_block = np.bincount(block, weights=alike, minlength=len(size)) / size
    ordinary = _without(lab, block, of_block, stratum, n)
    expected = np.bincount(lab, weights=ordinary, minlength=n) / np.where(n_blocks > 0, n_blocks, np.nan)
    expected = np.clip(expected, 0.0, 1.0)  # a mean of shares, but for its roundings
    split = (positive > 0) & (positive < size)
    told = np.flatnonzero(split[block])
    order = told[np.argsort(lab[told], kind="stable")]
    chance = (positive / size)[block[order]]
    n_discordant = np.bincount(lab[order], minlength=n)
    said = np.bincount(lab[order], weights=yes[order], minlength=n).astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(n_discordant)]).astype(np.int64)
    return Agreement(
        share, lower, upper, expected, n_blocks, n_discordant, said,
        np.bincount(lab[order], weights=chance, minlength=n).astype(np.float64), _two_sided(offsets, chance, said),
    )  # fmt: skip


def _interval(lab: Ints, alike: Floats, share: Floats, cluster: Ints, n_blocks: Ints, level: float) -> tuple[Floats, Floats]:
    n = len(n_blocks)
    key, group = np.unique(lab * (int(cluster.max(initial=0)) + 1) + cluster, return_inverse=True)
    owner = key // (int(cluster.max(initial=0)) + 1)
    clusters = np.bincount(owner, minlength=n).astype(np.float64)
    summed = np.bincount(group, weights=alike - share[lab], minlength=len(key))
    squares = np.bincount(owner, weights=summed**2, minlength=n)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = squares / n_blocks**2 * clusters / (clusters - 1)
        spread = share * (1 - share)
        effective = np.where((spread > 0) & (variance > 0), np.minimum(spread / variance, clusters), clusters)
        hits = share * effective
        lower = np.where(hits > 0, special.betaincinv(hits, effective - hits + 1, (1 - level) / 2), 0.0)
        upper = np.where(hits < effective, special.betaincinv(hits + 1, effective - hits, (1 + level) / 2), 1.0)
    some = n_blocks > 0
    return np.where(some, lower, np.nan), np.where(some, upper, np.nan)


def _without(lab: Ints, block: Ints, of_block: Floats, stratum: Ints, n: int) -> Floats:
    """Mean agreement in the blocks of the same stratum without each result's laboratory; of all blocks where it was in all."""
    strata = int(stratum.max(initial=0)) + 1
    total, count = np.bincount(stratum, weights=of_block, minlength=strata), np.bincount(stratum, minlength=strata)
    joint = lab * strata + stratum[block]
    own = np.bincount(joint, weights=of_block[block], minlength=n * strata)[joint]
    mine = np.bincount(joint, minlength=n * strata)[joint]
    at = stratum[block]
    left = count[at] - mine
    return np.asarray(np.where(left > 0, (total[at] - own) / np.maximum(left, 1), total[at] / count[at]), dtype=np.float64)


@kernel
def _two_sided(offsets, chance, said):  # type: ignore[no-untyped-def]  # pragma: no cover
    out = np.ones(len(offsets) - 1)
    for i in range(len(out)):
        m = offsets[i + 1] - offsets[i]
        mass = np.zeros(m + 1)
        mass[0] = 1.0
        for j in range(m):
            p = chance[offsets[i] + j]
            for k in range(j + 1, 0, -1):
                mass[k] = mass[k] * (1.0 - p) + mass[k - 1] * p
            mass[0] *= 1.0 - p
        low, high = 0.0, 0.0
        for k in range(m + 1):
            if k <= said[i]:
                low += mass[k]
            if k >= said[i]:
                high += mass[k]
        out[i] = min(1.0, 2.0 * min(low, high))
    return out
