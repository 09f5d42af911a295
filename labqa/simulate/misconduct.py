"""Planted conduct that changes what was measured before it is reported: copying, echoing, moving within limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from labqa.simulate.measurement import Rows, World
from labqa.simulate.randomness import Array, stream


def fabricated(world: World, rows: Rows, *, seed: int, part: str) -> Rows:
    """Results of a `fabricator` beyond a limit are reported up to 0.3 σR inside it, for the planted share of them."""
    rng = stream(seed, part)
    y = rows.y.copy()
    for lab in world.people.with_fault("fabricator"):
        at = np.flatnonzero(rows.lab == lab)
        low, high = world.catalogue.lower[rows.item[at]], world.catalogue.upper[rows.item[at]]
        moved, inside = rng.random(len(at)) < world.people.size[lab], rng.uniform(0.02, 0.3, len(at)) * rows.sigma[at]
        y[at] = np.where(moved & (y[at] > high), high - inside, y[at])
        y[at] = np.where(moved & (y[at] < low), low + inside, y[at])
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
