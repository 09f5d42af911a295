"""Simulates a national network: samples, retests and comparison rounds of laboratories whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from labqa.simulate import catalogue as catalogues
from labqa.simulate import design, frames, misconduct, registers
from labqa.simulate.card import Card
from labqa.simulate.design import SampleSet, TestSet
from labqa.simulate.measurement import Rows, World, measure, world
from labqa.simulate.population import populate
from labqa.simulate.randomness import Array, Index, Mask, stream
from labqa.simulate.reporting import Reported, report


@dataclass(frozen=True)
class Simulated:
    """Facts as they would be delivered, and the truth beside them, which no evaluation reads."""

    results: pl.DataFrame
    labs: pl.DataFrame
    capabilities: pl.DataFrame
    items: pl.DataFrame
    products: pl.DataFrame
    class_in_force: pl.DataFrame
    truth_labs: pl.DataFrame
    truth_items: pl.DataFrame


def simulate(card: Card, *, seed: int) -> Simulated:
    """Draws the network of the card; the same card and seed give the same frames, whatever the number of threads."""
    catalogue = catalogues.build(card, seed=seed)
    people = populate(card, catalogue, seed=seed)
    drawn, first_tests, sampler = design.originals(card, catalogue, people, seed=seed)
    compared, round_tests, has_value = design.rounds(card, catalogue, people, seed=seed)
    n_drawn = len(drawn.product)
    state = world(card, catalogue, people, _joined(drawn, compared), seed=seed)
    round_tests = replace(round_tests, sample=round_tests.sample + n_drawn)
    named = frames.names(state, np.concatenate([sampler, np.full(len(compared.product), -1)]))

    originals = _original(state, first_tests, seed)
    retests = _retests(state, first_tests, originals, seed)
    referees = _referees(state, first_tests, originals, retests, seed)
    parts = [(first_tests, *originals, "original"), (*retests, "retest"), (*referees, "referee")]
    parts.append(
        (round_tests, *_reported(state, measure(state, round_tests, seed=seed, part="rounds measured"), "rounds", seed), "pt")
    )
    rng = stream(seed, "statements")
    found = [frames.results(state, named, tests, rows, said, role, rng) for tests, rows, said, role in parts]
    with_value = np.concatenate([np.zeros(n_drawn, dtype=bool), has_value])
    found.append(frames.assigned(state, named, with_value, stream(seed, "assigned")))
    results = frames.identified(pl.concat(found, how="diagonal_relaxed"))
    return Simulated(
        results=results,
        labs=registers.labs(card, people),
        capabilities=registers.capabilities(card, catalogue, people),
        items=catalogue.items,
        products=catalogue.products,
        class_in_force=registers.class_in_force(card, people, seed=seed),
        truth_labs=frames.truth_labs(state),
        truth_items=frames.truth_items(state, results),
    )


def _joined(first: SampleSet, second: SampleSet) -> SampleSet:
    columns = [np.concatenate([getattr(first, name), getattr(second, name)]) for name in SampleSet.__dataclass_fields__]
    return SampleSet(*columns)


def _reported(state: World, rows: Rows, part: str, seed: int) -> tuple[Rows, Reported]:
    return rows, report(state.catalogue, rows, stream(seed, f"{part} reported"))


def _original(state: World, tests: TestSet, seed: int) -> tuple[Rows, Reported]:
    """First results, with planted conduct that changes them before they are reported."""
    rows = measure(state, tests, seed=seed, part="originals measured")
    rows = misconduct.copied(state, misconduct.fabricated(state, rows, seed=seed, part="originals fabricated"), seed=seed)
    return _reported(state, rows, "originals", seed)


def _spread_out(state: World, rows: Rows, values: Array) -> Array:
    """Values of rows as samples × slots, NaN where there is none."""
    spread = np.full(state.level.shape, np.nan)
    spread[rows.sample, rows.slot] = values
    return spread


def _failed(state: World, rows: Rows, said: Reported) -> Mask:
    """Which items of a sample were seen to fail, samples × slots."""
    failed = np.zeros(state.level.shape, dtype=bool)
    failed[rows.sample, rows.slot] = said.fails
    return failed


def _retests(state: World, first: TestSet, original: tuple[Rows, Reported], seed: int) -> tuple[TestSet, Rows, Reported]:
    """Retests of the three triggers: `planned` at random, `objection` only of items seen to fail, `expert` at random."""
    rng, shares = stream(seed, "retests"), state.card.retests
    rows, said = original
    failed = _failed(state, rows, said)[first.sample]
    n = len(first.sample)
    trigger = np.where(rng.random(n) < shares.expert, 2, -1)
    trigger[failed.any(axis=1) & (rng.random(n) < shares.objection)] = 1
    trigger[rng.random(n) < shares.planned] = 0  # drawn before results are known, so it goes first
    lab = design.choose_labs(
        state.card, state.people, state.family(first.sample), state.samples.year[first.sample], first.lab, None, rng
    )
    chosen = np.flatnonzero((trigger >= 0) & (lab >= 0))
    slots = np.where((trigger == 1)[:, None], failed, first.slots)[chosen]
    day = first.day[chosen] + rng.integers(15, 61, len(chosen))
    tests = TestSet(first.sample[chosen], lab[chosen], day, slots, trigger[chosen])
    measured = measure(state, tests, seed=seed, part="retests measured")
    measured = misconduct.fabricated(state, measured, seed=seed, part="retests fabricated")
    before = _spread_out(state, rows, rows.y)
    return (tests, *_reported(state, misconduct.echoed(state, measured, before, seed=seed), "retests", seed))


def _referees(
    state: World, first: TestSet, original: tuple[Rows, Reported], retest: tuple[TestSet, Rows, Reported], seed: int
) -> tuple[TestSet, Rows, Reported]:
    """Referee tests by a third laboratory of a share of the retests that changed a verdict."""
    rng = stream(seed, "referees")
    tests, rows, said = retest
    before = _failed(state, *original)
    changed = np.zeros(len(tests.sample), dtype=bool)
    np.logical_or.at(changed, rows.test, before[rows.sample, rows.slot] != said.fails)
    at: Index = np.flatnonzero(changed & (rng.random(len(changed)) < state.card.retests.referee))
    first_lab = np.full(len(state.samples.product), -1, dtype=np.int64)
    first_lab[first.sample] = first.lab
    sample = tests.sample[at]
    lab = design.choose_labs(
        state.card, state.people, state.family(sample), state.samples.year[sample], first_lab[sample], tests.lab[at], rng
    )
    kept = lab >= 0
    day = tests.day[at] + rng.integers(10, 41, len(at))
    third = TestSet(sample[kept], lab[kept], day[kept], tests.slots[at][kept], np.full(int(kept.sum()), -1))
    return (third, *_reported(state, measure(state, third, seed=seed, part="referees measured"), "referees", seed))
