"""Whether a planned network tells the precision of each laboratory apart, and how many third tests would make it do so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labqa.planning.designs import Network, Plan, with_third_tests
from labqa.planning.evidence import Effects
from labqa.stats.network.components import components
from labqa.stats.network.foreseen import odd_cycles, precision_df

Floats = NDArray[np.float64]
ENOUGH_DF = 20.0


@dataclass(frozen=True)
class Separation:
    """Share of the laboratories whose precision is separable, median degrees of freedom of it over all laboratories, the least
    third tests that separate all (None: no number does), and those that give the median laboratory `ENOUGH_DF`."""

    separable: float
    df: float
    third_tests: int | None
    third_tests_for_df: int | None


def separation(seen: Network, plan: Plan, effects: Effects) -> Separation:
    """What the design tells of precision as it stands, and with third tests added to it."""
    per_block = results_per_sample(plan, effects)

    def with_more(n: int) -> Network:
        return with_third_tests(seen, n, np.random.default_rng(plan.seed))

    def median_df(n: int) -> float:
        return float(np.median(_df(with_more(n), plan.labs, per_block)))

    tested = np.bincount(seen.lab, minlength=plan.labs) > 0
    most = len(seen.start) - 1
    return Separation(
        separable=float(_odd(seen, plan.labs).mean()),
        df=median_df(0),
        third_tests=_least(lambda n: bool(_odd(with_more(n), plan.labs)[tested].all()), most),
        third_tests_for_df=_least(lambda n: median_df(n) >= ENOUGH_DF, most),
    )


def _odd(seen: Network, n: int) -> NDArray[np.bool_]:
    return odd_cycles(seen.start, seen.lab, n=n)


def results_per_sample(plan: Plan, effects: Effects) -> float:
    """Independent results that a sample's K items are worth for a variance: K / (1 + (K − 1) ρ²), ρ the correlation of a
    laboratory's errors on one sample."""
    shared = effects.sample_lab**2 + effects.lab_run**2
    rho = shared / (shared + effects.error**2 + effects.heterogeneity**2)
    return float(plan.items / (1.0 + (plan.items - 1) * rho**2))


def _df(seen: Network, n: int, per_block: float) -> Floats:
    found = np.zeros(n)
    root = components(seen.start, seen.lab, n=n)[seen.lab]
    for smallest in np.unique(root[_odd(seen, n)[seen.lab]]):
        kept = np.flatnonzero(root == smallest)
        labs, node = np.unique(seen.lab[kept], return_inverse=True)
        _, size = np.unique(seen.sample[kept], return_counts=True)
        found[labs] = precision_df(np.concatenate([[0], np.cumsum(size)]), node, per_block=per_block)
    return found


def _least(holds: Callable[[int], bool], most: int) -> int | None:
    """The smallest n in 0 … `most` at which `holds`, true from some n on; None if it does not hold at `most`."""
    if holds(0):
        return 0
    if most < 1 or not holds(most):
        return None
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
