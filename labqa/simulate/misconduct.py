"""Planted conduct that changes what was measured before it is reported: making up, copying, echoing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from labqa.simulate.catalogue import locations
from labqa.simulate.measurement import Rows, World
from labqa.simulate.randomness import Array, stream


def fabricated(world: World, rows: Rows, *, seed: int, part: str) -> Rows:
    """A `fabricator` does not test the planted share of its samples, and lets no result lie beyond a limit.

    Untested samples get figures near the item's usual value (SD 0.5 σR); results beyond a limit move up to 0.3 σR inside it.
    """
    rng = stream(seed, part)
    y = rows.y.copy()
    usual = locations(world.catalogue, world.card)
    for lab in world.people.with_fault("fabricator"):
        at = np.flatnonzero(rows.lab == lab)
        item, year = rows.item[at], world.samples.year[rows.sample[at]]
        centre = np.where(world.catalogue.of_scale("ratio", "count")[item], np.exp(usual[item, year]), usual[item, year])
        untested = (rng.random(len(world.samples.product)) < world.people.size[lab])[rows.sample[at]]
        said = np.where(untested, centre + 0.5 * world.sigma(item, centre) * rng.standard_normal(len(at)), y[at])
        inside = rng.uniform(0.02, 0.3, len(at)) * rows.sigma[at]
        low, high = world.catalogue.lower[item], world.catalogue.upper[item]
        y[at] = np.where(said > high, high - inside, np.where(said < low, low + inside, said))
    return replace(rows, y=y)


def copied(world: World, rows: Rows, *, seed: int) -> Rows:
    """A `copier` reports for the planted share of its samples the values of its sample before of the same product."""
    rng = stream(seed, "copied")
    y = rows.y.copy()
    for lab in world.people.with_fault("copier"):
        last: dict[int, dict[int, float]] = {}
        at = np.flatnonzero(rows.lab == lab)
        for sample in np.unique(rows.sample[at]):
            mine = at[rows.sample[at] == sample]
            product = int(world.samples.product[sample])
            copies = rng.random() < world.people.size[lab]
            before = last.get(product, {}) if copies else {}
            y[mine] = [before.get(int(slot), value) for slot, value in zip(rows.slot[mine], y[mine], strict=True)]
            last[product] = dict(zip(rows.slot[mine].tolist(), y[mine].tolist(), strict=True))
    return replace(rows, y=y)


def echoed(world: World, rows: Rows, original: Array, *, seed: int) -> Rows:
    """An `echo` repeats the original (`original`: samples × slots, NaN if none) in the planted share of its retests."""
    rng = stream(seed, "echoed")
    y = rows.y.copy()
    for lab in world.people.with_fault("echo"):
        at = np.flatnonzero(rows.lab == lab)
        first = original[rows.sample[at], rows.slot[at]]
        repeats = (rng.random(len(world.samples.product))[rows.sample[at]] < world.people.size[lab]) & ~np.isnan(first)
        y[at] = np.where(repeats, first, y[at])
    return replace(rows, y=y)
