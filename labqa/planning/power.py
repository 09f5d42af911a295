"""How large a bias each design would find, and how few retests would find the bias that matters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from labqa.planning.designs import Design, Network, Plan, followed_up, network
from labqa.planning.evidence import Effects, Evidence, Minimum, evidence, joined
from labqa.planning.separation import Separation, separation
from labqa.stats.bounds import power_after_screening, power_of_bias, smallest_shown

Floats = NDArray[np.float64]
BIASES = (1.0, 1.5, 2.0, 3.0)
LARGEST = 20.0
"""Biases are sought up to here, in σR."""
CLOSE = 1.05
"""The search for the smallest share ends when its bounds are this ratio apart."""


@dataclass(frozen=True, kw_only=True)
class Aim:
    """What is to be found: a bias of `bias` σR, where `tolerated` is allowed, at the one-sided `error_rate`, with
    `target_power`."""

    bias: float = 1.0
    tolerated: float = 0.5
    error_rate: float = 0.001
    target_power: float = 0.8


@dataclass(frozen=True)
class Stages:
    """Evidence of a design at its end, for each laboratory; with two stages as if it were followed up.

    `realised` is the evidence of one year as it would be, `assessed` the expected share of laboratories assessed in it.
    `first_se` and `screen` are the standard error after the first stage and the |estimate| above which it follows up.
    """

    final: Evidence
    realised: Evidence
    assessed: float
    n_tests: int
    network: Network
    first_se: Floats | None = None
    screen: Floats | None = None

    def power(self, bias: Floats | float, aim: Aim) -> Floats:
        """Probability that each laboratory's bias is shown, 0 where it could not be assessed."""
        final = self.final
        if self.first_se is None or self.screen is None:
            found = power_of_bias(bias, final.se, final.df, bound=aim.tolerated, alpha=aim.error_rate)
        else:
            found = power_after_screening(
                bias, self.first_se, final.se, final.df, screen=self.screen, bound=aim.tolerated, alpha=aim.error_rate
            )
        return np.where(final.assessed, found, 0.0)

    def smallest(self, aim: Aim) -> Floats:
        """The smallest bias that each assessed laboratory shows with the target power, in ascending order; inf above
        `LARGEST`."""
        final = self.final
        if self.first_se is None:
            shown = smallest_shown(final.se, final.df, bound=aim.tolerated, alpha=aim.error_rate, power=aim.target_power)
        else:
            low, high = np.full(len(final.se), aim.tolerated), np.full(len(final.se), LARGEST)
            reached = self.power(high, aim) >= aim.target_power
            for _ in range(14):
                middle = 0.5 * (low + high)
                enough = self.power(middle, aim) >= aim.target_power
                low, high = np.where(enough, low, middle), np.where(enough, middle, high)
            shown = np.where(reached, high, np.inf)
        return np.sort(shown[final.assessed])


@dataclass(frozen=True)
class Needed:
    """The least retests with which half of all laboratories show the bias with the target power.

    Where no share reaches it, `reached` is false and the figures are those of retesting every sample. `power` is what half
    of all laboratories then have.
    """

    reached: bool
    share: float
    retests: int
    n_samples: float
    n_partners: float
    power: float


@dataclass(frozen=True)
class Outlook:
    """What one design of a plan would tell. `power` holds bias, median and 10 % quantile over the laboratories that could be
    assessed, `shown` the smallest bias that half, and nine in ten, of them show; empty where none could be."""

    design: Design
    plan: Plan
    aim: Aim
    retests: int
    n_samples: float
    n_partners: float
    assessed: float
    power: tuple[tuple[float, float, float], ...]
    shown: tuple[float, float] | tuple[()]
    separation: Separation
    needed: Needed


def outlook(
    design: Design,
    plan: Plan,
    aim: Aim,
    *,
    effects: Effects | None = None,
    least: Minimum | None = None,
    progress: Callable[[float], None] = lambda _: None,
) -> Outlook:
    """What a design of the plan would tell, and the least retests that reach the aim; `progress(share done)`."""
    effects, least = effects or Effects(), least or Minimum()
    seen = stages(design, plan, effects, least)
    progress(0.2)
    among = seen.final.assessed
    tables = [(bias, seen.power(bias, aim)[among]) for bias in BIASES] if among.any() else []
    shown = seen.smallest(aim)
    apart = separation(seen.network, plan, effects)
    progress(0.4)
    return Outlook(
        design=design,
        plan=plan,
        aim=aim,
        retests=seen.n_tests,
        n_samples=float(np.median(seen.realised.n_samples)),
        n_partners=float(np.median(seen.realised.n_partners)),
        assessed=seen.assessed,
        power=tuple((bias, float(np.median(power)), float(np.quantile(power, 0.1))) for bias, power in tables),
        shown=(_ordered(shown, 0.5), _ordered(shown, 0.9)) if len(shown) else (),
        separation=apart,
        needed=needed(design, plan, aim, effects, least, progress=lambda share: progress(0.4 + 0.6 * share)),
    )


def _ordered(ascending: Floats, share: float) -> float:
    """The value that this share of the entries does not exceed."""
    return float(ascending[int(np.ceil(share * len(ascending))) - 1])


def stages(design: Design, plan: Plan, effects: Effects, least: Minimum, *, most_groups: int = 1000) -> Stages:
    """The evidence that a design gives; the same plan and seed give the same networks.

    Hubs are not counted among the laboratories to be judged. The laboratories that a second stage follows up are not known
    beforehand: each is put once into a random group of their number, `most_groups` of which are looked at.
    """
    rng = np.random.default_rng(plan.seed)
    first = network(design, plan, rng)
    seen = evidence(first, plan, effects, least, rng)
    if design != "two-stage":
        seen = seen.of(np.arange(plan.hubs, plan.labs)) if design == "hub" else seen
        return Stages(seen, seen, float(seen.assessed.mean()), len(first.lab) - len(first.start) + 1, first)
    groups = np.array_split(rng.permutation(plan.labs), max(round(1.0 / plan.followed), 1))[:most_groups]
    ends = [followed_up(first, plan, np.sort(group), rng) for group in groups]
    found = [evidence(end, plan, effects, least, rng) for end in ends]
    order = np.concatenate(groups)
    spread = np.hypot(effects.lab, effects.lab_item / np.sqrt(plan.items * plan.families))
    return Stages(
        final=joined([one.of(group) for one, group in zip(found, groups, strict=True)]),
        realised=found[0],
        assessed=float(np.mean([one.assessed.mean() for one in found])),
        n_tests=len(ends[0].lab) - len(ends[0].start) + 1,
        network=ends[0],
        first_se=seen.se[order],
        screen=special.ndtri(1.0 - 0.5 * plan.followed) * np.hypot(spread, seen.se[order]),
    )


def needed(
    design: Design,
    plan: Plan,
    aim: Aim,
    effects: Effects,
    least: Minimum,
    *,
    progress: Callable[[float], None] = lambda _: None,
) -> Needed:
    """The smallest retest share at which half of all laboratories show the bias with the target power, if any does.

    By bisection of the logarithm of the share, to 5 %. A laboratory that could not be assessed shows nothing. Of two stages
    the search sees the laboratories of the first group only, which chance has drawn. No share below its lower bound can
    give half of the laboratories the samples that they need.
    """

    def at(share: float) -> Needed:
        seen = stages(design, replace(plan, retest_share=share), effects, least, most_groups=1)
        power, met = _half_reach(seen, aim), seen.realised
        samples, partners = float(np.median(met.n_samples)), float(np.median(met.n_partners))
        return Needed(power >= aim.target_power, share, seen.n_tests, samples, partners, power)

    best = at(1.0)
    mean = least.samples / 2.0  # half of the laboratories with the least samples, the others with none
    tests = plan.samples * plan.years * (3.0 / (plan.followed if design == "two-stage" else 1.0))
    low = min(plan.labs * mean / tests, 0.99)
    whole = np.log(1.0 / low)
    while best.reached and best.share / low > CLOSE:
        found = at(float(np.sqrt(low * best.share)))
        low, best = (low, found) if found.reached else (found.share, best)
        progress(1.0 - np.log2(max(np.log(best.share / low) / np.log(CLOSE), 1.0)) / np.log2(max(whole / np.log(CLOSE), 2.0)))
    progress(1.0)
    return best


def _half_reach(seen: Stages, aim: Aim) -> float:
    """The power at the bias aimed at that half of all laboratories have, those that could not be assessed included."""
    return -_ordered(np.sort(-seen.power(aim.bias, aim)), 0.5)


@dataclass(frozen=True)
class CurvePoint:
    """Power at one number of retests: retests a year and laboratory, median samples per laboratory, and the power at the bias
    aimed at that half of all laboratories reach."""

    design: Design
    retests: float
    n_samples: float
    power: float


def curve(
    design: Design,
    plan: Plan,
    aim: Aim,
    *,
    shares: Sequence[float],
    effects: Effects | None = None,
    least: Minimum | None = None,
) -> list[CurvePoint]:
    """Power of a design at each of these retest shares, as in the search for the smallest."""
    found = []
    for share in shares:
        seen = stages(design, replace(plan, retest_share=share), effects or Effects(), least or Minimum())
        cost = seen.n_tests / (plan.labs * plan.years)
        found.append(CurvePoint(design, cost, float(np.median(seen.realised.n_samples)), _half_reach(seen, aim)))
    return found
