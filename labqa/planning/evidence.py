"""What evidence a planned network would give each laboratory: samples, partners, standard error of its mean bias, its df."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labqa.planning.designs import Network, Plan
from labqa.stats.network.blocks import incidence
from labqa.stats.network.components import bridge_share, bridges, components
from labqa.stats.network.felt import Grouping
from labqa.stats.network.foreseen import foreseen_spread
from labqa.stats.network.variance import Spread

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
RUNS_A_YEAR = 26
"""A laboratory-run is a fortnight."""


@dataclass(frozen=True, kw_only=True)
class Effects:
    """Standard deviations in σR: of laboratories' biases (`lab`), lab × item, lab × family, sample × lab, lab-run, portion
    heterogeneity and item error. The error is the remainder to a variance of 1."""

    lab: float = 0.49
    lab_item: float = 0.5
    lab_family: float = 0.0
    sample_lab: float = 0.35
    lab_run: float = 0.2
    heterogeneity: float = 0.15
    error: float = 0.57


@dataclass(frozen=True, kw_only=True)
class Minimum:
    """The least evidence at which a laboratory is assessed and its bias has a sign."""

    samples: int = 12
    partners: int = 3
    labs: int = 5
    bridge: float = 0.5


@dataclass(frozen=True)
class Evidence:
    """One entry a laboratory. `se` and `own_se` (were its partners' results without error) are infinite in components of too
    few laboratories."""

    n_samples: Ints
    n_partners: Ints
    se: Floats
    own_se: Floats
    df: Floats
    assessed: NDArray[np.bool_]

    def of(self, labs: Ints) -> Evidence:
        """The entries of these laboratories."""
        return Evidence(
            self.n_samples[labs], self.n_partners[labs], self.se[labs], self.own_se[labs], self.df[labs], self.assessed[labs]
        )


def joined(parts: list[Evidence]) -> Evidence:
    """The entries of all parts, one after the other."""
    names = ("n_samples", "n_partners", "se", "own_se", "df", "assessed")
    return Evidence(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def evidence(seen: Network, plan: Plan, effects: Effects, least: Minimum, rng: np.random.Generator) -> Evidence:
    """The evidence for each laboratory, from the covariance of the plain fit of sample × item blocks with these effects.

    All items of a sample are tested by the same laboratories, so the fit of the means over its items is the fit of its blocks,
    with lab × item effects averaged over a family's items.
    """
    n = plan.labs
    found = Evidence(
        np.zeros(n, np.int64), np.zeros(n, np.int64), np.full(n, np.inf), np.full(n, np.inf), np.ones(n), np.zeros(n, bool)
    )
    run = rng.integers(0, RUNS_A_YEAR * plan.years, len(seen.lab))
    root = components(seen.start, seen.lab, n=n)[seen.lab]
    for smallest in np.flatnonzero(np.bincount(root, minlength=n) > 0):
        _fill(found, _Part(seen, np.flatnonzero(root == smallest), run), plan, effects, least)
    return found


class _Part:
    """One connected component: its laboratories and tests, renumbered."""

    def __init__(self, seen: Network, kept: Ints, run: Ints) -> None:
        self.labs, self.node = np.unique(seen.lab[kept], return_inverse=True)
        sample, self.block = np.unique(seen.sample[kept], return_inverse=True)
        self.start = np.searchsorted(self.block, np.arange(len(sample) + 1)).astype(np.int64)
        self.family, self.run = seen.family[sample][self.block], run[kept]

    def groupings(self, plan: Plan, effects: Effects) -> list[Grouping]:
        """Test (sample × lab and the mean of its items' errors), lab-run, and lab × item with lab × family."""
        n, size = len(self.labs), len(self.node)
        by_test = effects.sample_lab**2 + (effects.error**2 + effects.heterogeneity**2) / plan.items
        by_family = effects.lab_item**2 / plan.items + effects.lab_family**2
        kinds = ((np.arange(size), by_test), (self.run, effects.lab_run**2), (self.family, by_family))
        found = []
        for effect, variance in kinds:
            names, group = np.unique(effect * n + self.node, return_inverse=True)
            scale = np.full(size, np.sqrt(variance))
            found.append(Grouping(incidence(group, n=len(names), scale=scale), names % n))
        return found


def _fill(found: Evidence, part: _Part, plan: Plan, effects: Effects, least: Minimum) -> None:
    n, labs = len(part.labs), part.labs
    met = incidence(part.node, n=n).T @ incidence(part.block, n=len(part.start) - 1)
    links = (met @ met.T).tocoo()
    found.n_samples[labs] = np.bincount(part.node, minlength=n)
    found.n_partners[labs] = np.bincount(links.row[links.row != links.col], minlength=n)
    if n < least.labs:
        return
    edges = bridges(links.row.astype(np.int64), links.col.astype(np.int64), n=n)
    across = bridge_share(edges, np.zeros(n, np.int64), np.ones(n))
    felt = foreseen_spread(part.start, part.node, part.groupings(plan, effects))
    variance = felt.total.sum(axis=1)
    found.se[labs], found.own_se[labs] = np.sqrt(variance), np.sqrt(felt.own.sum(axis=1))
    found.df[labs] = 2.0 * variance**2 / np.maximum(_uncertainty(part, felt, plan, effects), 1e-300)
    enough = (found.n_samples[labs] >= least.samples) & (found.n_partners[labs] >= least.partners)
    found.assessed[labs] = enough & (n >= least.labs) & (across <= least.bridge)


def _uncertainty(part: _Part, felt: Spread, plan: Plan, effects: Effects) -> Floats:
    """Variance of each estimated squared standard error, so that df = 2 variance² / uncertainty (Satterthwaite).

    A laboratory's own errors are known as well as its samples beyond the first tell: that it is as precise as others is not
    taken for granted. What all share is approximated as in a balanced analysis of variance, each deviation counting for half
    since it belongs to two laboratories: variance within by the tests beyond one a sample, lab × item by the items of each
    laboratory and family beyond their mean.
    """
    n, tests = len(part.labs), np.bincount(part.node, minlength=len(part.labs))
    within, own = felt.total[:, :2].sum(axis=1), felt.own[:, :2].sum(axis=1)
    uncertain = 2.0 * own**2 / np.maximum(tests - 1, 1)
    uncertain += 4.0 * within**2 / max(len(part.node) - (len(part.start) - 1) - (n - 1), 1)
    cells = len(np.unique(part.family * n + part.node))
    noise = 2.0 * (effects.error**2 + effects.heterogeneity**2) * cells / len(part.node)
    clear = (effects.lab_item**2 + noise) / max(effects.lab_item**2, 1e-12)
    items_df = max((cells - plan.families) * plan.items - (n - 1), 1)
    return np.asarray(uncertain + 4.0 * (felt.total[:, 2] * clear) ** 2 / items_df)
