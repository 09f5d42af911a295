"""Which laboratory retests which sample: random partners, hubs, third tests, and a second stage for the conspicuous."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Design = Literal["random", "hub", "triangles", "two-stage"]
DESIGNS: tuple[Design, ...] = ("random", "hub", "triangles", "two-stage")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The samples of a year and how they are retested; evidence is pooled over `years`.

    `families` product families of `items` items each, every laboratory testing in all of them. `third_tests` is the share of
    retested samples that go to a third laboratory (triangles); `first_stage` the share of the retests that the first of two
    stages takes, `followed` the share of the laboratories that the second follows up.
    """

    labs: int = 300
    samples: int = 20_000
    items: int = 10
    families: int = 2
    retest_share: float = 0.05
    years: int = 1
    third_tests: float = 0.03
    hubs: int = 3
    first_stage: float = 0.5
    followed: float = 0.2
    seed: int = 1

    @property
    def retests(self) -> int:
        """Tests beyond the originals, third tests among them, in all years."""
        return round(self.samples * self.retest_share) * self.years


class Network(NamedTuple):
    """Retested samples: `lab` of each test, those of sample s at start[s]:start[s + 1], the original first; its family.

    `referees` are the laboratories to which a third test may go.
    """

    start: Ints
    lab: Ints
    family: Ints
    referees: Ints

    @property
    def sample(self) -> Ints:
        """Sample of each test."""
        return np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))


def network(design: Design, plan: Plan, rng: np.random.Generator) -> Network:
    """The retests of one design in one stage; of "two-stage" the first, whose partners are random."""
    if design == "hub":
        return _hub(plan, plan.retests, rng)
    if design == "triangles":
        pairs = round(plan.retests / (1.0 + plan.third_tests))
        return with_third_tests(_random(plan, pairs, np.arange(plan.labs), rng), plan.retests - pairs, rng)
    share = plan.first_stage if design == "two-stage" else 1.0
    return _random(plan, round(plan.retests * share), np.arange(plan.labs), rng)


def followed_up(first: Network, plan: Plan, followed: Ints, rng: np.random.Generator) -> Network:
    """The first stage with a second, whose retests all fall on originals of the laboratories `followed`, as far as these
    have samples left; partners are random."""
    left = plan.samples * plan.years * len(followed) // plan.labs
    left -= int(np.isin(first.lab[first.start[:-1]], followed).sum())
    second = _random(plan, max(min(plan.retests - (len(first.start) - 1), left), 0), followed, rng)
    return Network(
        np.concatenate([first.start, first.start[-1] + second.start[1:]]),
        np.concatenate([first.lab, second.lab]),
        np.concatenate([first.family, second.family]),
        first.referees,
    )


def with_third_tests(seen: Network, n: int, rng: np.random.Generator) -> Network:
    """The network with third tests of n of its pairs (of all, if it has fewer), by referees that did not test them before."""
    chosen = np.sort(rng.permutation(len(seen.start) - 1)[:n])
    first, second = seen.lab[seen.start[:-1]][chosen], seen.lab[seen.start[:-1] + 1][chosen]
    third = _another(rng, seen.referees, first, second)
    chosen, third = chosen[third >= 0], third[third >= 0]
    size = np.diff(seen.start)
    size[chosen] += 1
    return Network(
        np.concatenate([[0], np.cumsum(size)]), np.insert(seen.lab, seen.start[chosen + 1], third), seen.family, seen.referees
    )


def _random(plan: Plan, n: int, originals: Ints, rng: np.random.Generator) -> Network:
    """Each laboratory's originals in equal numbers, each retested by any other with equal chance."""
    first = _in_turn(rng, originals, n)
    everyone = np.arange(plan.labs)
    return _pairs(plan, first, _another(rng, everyone, first, first), everyone, rng)


def _hub(plan: Plan, n: int, rng: np.random.Generator) -> Network:
    """Originals of all but the hubs, which retest in rotation and test no originals: the mandate's own design."""
    first = _in_turn(rng, np.arange(plan.hubs, plan.labs), n)
    turn = np.arange(n) // max(plan.labs - plan.hubs, 1)
    return _pairs(plan, first, (first + turn) % plan.hubs, np.arange(plan.hubs), rng)


def _pairs(plan: Plan, first: Ints, second: Ints, referees: Ints, rng: np.random.Generator) -> Network:
    n = len(first)
    family = rng.integers(0, plan.families, n)
    return Network(np.arange(0, 2 * n + 1, 2), np.stack([first, second], axis=1).ravel(), family, referees)


def _in_turn(rng: np.random.Generator, labs: Ints, n: int) -> Ints:
    """n laboratories, each in turn, in a new random order each time."""
    if n == 0 or len(labs) == 0:
        return np.zeros(0, dtype=np.int64)
    return np.concatenate([rng.permutation(labs) for _ in range(-(-n // len(labs)))])[:n]


def _another(rng: np.random.Generator, pool: Ints, one: Ints, other: Ints) -> Ints:
    """For each entry one of the pool at random that is neither `one` nor `other`; −1 if the pool has none."""
    found = pool[rng.integers(0, len(pool), len(one))]
    for _ in range(64):
        taken = np.flatnonzero((found == one) | (found == other))
        if not len(taken):
            return found
        found[taken] = pool[rng.integers(0, len(pool), len(taken))]
    return np.where((found == one) | (found == other), -1, found)
