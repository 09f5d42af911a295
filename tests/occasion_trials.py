"""Networks in which nobody's results differ between occasions: how often one is said to, and how far the intervals hold.

`python tests/occasion_trials.py docs/occasions.csv` examines the networks of seeds 1–20 of each style, 60 laboratories over
three years (card `demo` without planted faults, a fifth of the samples retested); what the table already has is kept.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import polars as pl

from labqa.analysis import bias, discrepancy, occasions, pairing, swaps, yardsticks
from labqa.service.pipeline import bias_settings
from labqa.simulate import network
from tests import evaluations
from tests.kept_trials import kept_trials

SEEDS = range(1, 21)
STYLES = ("random", "regional", "hubs", "sparse")
KEY = ("style", "seed")
COUNTS = ("examined", "covered", "differ")


def examined(style: str, seed: int) -> pl.DataFrame:
    """What `occasions.of_occasions` says of a network."""
    card = evaluations.calm(n_years=3, n=60, blameless=15, new=0, small=0)
    shape = replace(card.network, style=style, hubs=4, hub_share=0.8, partners=6)
    facts = evaluations.facts_of(network.simulate(replace(card, network=shape), seed=seed))
    settings = bias_settings(evaluations.EDITION)
    samples = pairing.samples(facts.results, facts.products)
    blocks, pairs = pairing.blocks(facts.results, samples), pairing.pairs(facts.results, samples)
    scale = yardsticks.yardsticks(facts.items, blocks, pairs, facts.results)
    scored = discrepancy.discrepancies(pairs, facts.items, scale, facts.results)
    swapped = swaps.interchanged(pairs, scored, facts.results, facts.items)
    fitted, _ = bias.networked(facts.results, blocks, facts.items, scale, settings, swapped=swapped)
    return occasions.of_occasions(facts.results, blocks, facts.items, scale, fitted, settings, swapped=swapped)


def trial(style: str, seed: int) -> pl.DataFrame:
    """One row a network: differences examined, those whose 95 % interval holds 0, and laboratories said to differ."""
    rows = examined(style, seed)
    covered = ((rows["lower"] <= 0.0) & (rows["upper"] >= 0.0)).sum()
    differ = occasions.differing(rows)["lab"].n_unique()
    return pl.DataFrame({"style": style, "seed": seed, "examined": rows.height, "covered": covered, "differ": differ})


def table(path: Path) -> pl.DataFrame:
    """All trials, written after each network, so that a run that was broken off goes on where it stopped."""
    trials = [{"style": style, "seed": seed} for style in STYLES for seed in SEEDS]
    return kept_trials(path, trials, trial, key=KEY)


if __name__ == "__main__":
    print(
        table(Path(sys.argv[1]))
        .group_by("style", maintain_order=True)
        .agg(pl.col(COUNTS).sum(), any=(pl.col("differ") > 0).sum())
    )
