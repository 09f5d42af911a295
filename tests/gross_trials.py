"""Laboratories made grossly wrong, and networks in which only others are: who is charged, who is not judged, who passes.

`python tests/gross_trials.py docs/gross.csv` runs each world on seeds 1–4 of 60 laboratories over three years (card
`demo` without planted faults, a fifth of the samples retested); what the table already has is kept.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from labqa.simulate import network
from labqa.simulate.card import Card
from tests import evaluations

SEEDS = range(1, 5)
CULPRITS = 3
LINES = ("bias", "precision", "gross")
KEY = ("world", "seed", "who")
COUNTS = ("labs", "charged", "withheld", "other_points", "passed")


@dataclass(frozen=True)
class World:
    """By what the results `where` of the culprits are multiplied; `hubs` and `handed` say who tests again.

    `alone`: nobody is wrong, and the portions tested again differ so much from those of the one laboratory that tests a family.
    """

    factor: float
    where: pl.Expr
    hubs: bool = False
    handed: bool = False
    alone: bool = False
    everyone: bool = False


def _some(share: float, *columns: str) -> pl.Expr:
    return pl.concat_str(*columns).hash(3) % 1000 < 1000 * share


ALL, ORIGINALS, RETESTS = pl.lit(value=True), pl.col("role") == "original", pl.col("role") == "retest"
WORLDS = {
    "nobody": World(1.0, ALL),
    "everyone_slips": World(1000.0, _some(0.05, "sample", "lab"), everyone=True),
    "a_hub": World(2.0, RETESTS, hubs=True),
    "two_bad_partners": World(2.0, RETESTS, handed=True),
    "its_product_changes": World(0.5, RETESTS, alone=True),
    "all_1.3": World(1.3, ALL),
    "all_2": World(2.0, ALL),
    "all_1000": World(1000.0, ALL),
    "originals_1.3": World(1.3, ORIGINALS),
    "originals_2": World(2.0, ORIGINALS),
    "originals_1000": World(1000.0, ORIGINALS),
    "retests_2": World(2.0, RETESTS),
    "half_2": World(2.0, _some(0.5, "sample")),
}


def settings(world: World) -> Card:
    """The card of the world's network."""
    few = {"families": (1, 2)} if world.alone else {}
    base = evaluations.calm(n_years=3, n=60, blameless=15, new=0, small=0, **few)
    return replace(base, network=replace(base.network, style="hubs", hubs=4, hub_share=0.8)) if world.hubs else base


def culprits(results: pl.DataFrame, world: World, seed: int) -> list[str]:
    """Laboratories made wrong: drawn among the 25 with most retested originals, the busiest retester of hubs."""
    if world.everyone or world.factor == 1.0:
        return []
    retested = results.filter(RETESTS)["sample"].unique().to_list()
    rows = results.filter(RETESTS if world.hubs else ORIGINALS & pl.col("sample").is_in(retested))
    busiest = (
        rows.group_by("lab").agg(n=pl.col("sample").n_unique()).sort("n", "lab", descending=[True, False])["lab"].to_list()
    )
    if world.hubs:
        return busiest[:1]
    return sorted(np.random.default_rng(seed).choice(busiest[:25], CULPRITS, replace=False).tolist())


def handed(results: pl.DataFrame, wrong: list[str]) -> pl.DataFrame:
    """Results in which most retests of the busiest twenty other laboratories were made by two of the wrong ones."""
    share = pl.col("sample").hash(5) % 10
    owners = results.filter(ORIGINALS & ~pl.col("lab").is_in(wrong)).group_by("lab").len().sort("len", "lab")["lab"][-20:]
    samples = results.filter(ORIGINALS & pl.col("lab").is_in(owners.to_list()))["sample"].unique().to_list()
    mine = RETESTS & pl.col("sample").is_in(samples)
    lab = pl.when(mine & (share < 4)).then(pl.lit(wrong[0])).when(mine & (share < 8)).then(pl.lit(wrong[1])).otherwise("lab")
    return results.with_columns(lab=lab)


def alone(results: pl.DataFrame, products: pl.DataFrame, lab: str) -> tuple[pl.DataFrame, pl.Expr]:
    """Results in which only the laboratory tests its main product family first, and the samples of that family."""
    of_family = results.join(products.select("product", "family"), on="product").filter(ORIGINALS)
    main = of_family.filter(lab=lab)["family"].value_counts(sort=True)["family"][0]
    first = of_family.filter(family=main).select("sample", "lab").unique()
    mine, theirs = (first.filter(one)["sample"].to_list() for one in (pl.col("lab") == lab, pl.col("lab") != lab))
    return results.filter(~pl.col("sample").is_in(theirs)), pl.col("sample").is_in(mine)


def evaluated(world: World, seed: int) -> tuple[dict[str, pl.DataFrame], list[str]]:
    """Every table of the world's evaluation, and who was made wrong in it."""
    made = network.simulate(settings(world), seed=seed)
    wrong = culprits(made.results, world, seed)
    results = handed(made.results, wrong) if world.handed else made.results
    hit = world.where & (pl.lit(world.everyone) | pl.col("lab").is_in(wrong))
    if world.alone:
        results, samples = alone(results, made.products, wrong[0])
        hit, wrong = world.where & samples, []
    results = results.with_columns(
        pl.when(hit).then(pl.col(name) * world.factor).otherwise(pl.col(name)).alias(name)
        for name in ("value", "lower", "upper")
    )
    return evaluations.evaluated(evaluations.facts_of(made, results)), wrong


def trial(name: str, seed: int) -> pl.DataFrame:
    """Rows of one network: of the wrong and of the others, how many gross errors cost points, of how many the bias was
    withheld, who lost points for bias or precision, and who was assessed and lost none."""
    tables, wrong = evaluated(WORLDS[name], seed)
    taken = tables["reasons"].filter((pl.col("points") < 0) & pl.col("line").is_in(LINES))
    means = tables["lab_bias"].filter(scope="lab").join(taken.group_by("lab").agg("line"), on="lab", how="left")
    lines = pl.col("line").fill_null([])
    told = means.select(
        who=pl.when(pl.col("lab").is_in(wrong)).then(pl.lit("wrong")).otherwise(pl.lit("others")),
        charged=lines.list.contains("gross"),
        withheld=pl.col("reason").eq_missing(pl.lit("bias.set_aside")),
        other_points=lines.list.contains("bias") | lines.list.contains("precision"),
        passed=(pl.col("status") == "assessed") & (lines.list.len() == 0),
    )
    counted = told.group_by("who").agg(pl.len().alias("labs"), pl.col(COUNTS[1:]).sum())
    return counted.select(
        world=pl.lit(name), seed=pl.lit(seed, pl.Int64), who="who", **{c: pl.col(c).cast(pl.Int64) for c in COUNTS}
    )


def table(path: Path) -> pl.DataFrame:
    """All trials, written after each network, so that a run that was broken off goes on where it stopped."""
    kept = pl.read_csv(path) if path.is_file() else None
    for name in WORLDS:
        for seed in SEEDS:
            if kept is None or kept.filter(world=name, seed=seed).is_empty():
                new = trial(name, seed)
                kept = new if kept is None else pl.concat([kept, new])
                kept.sort(*KEY).write_csv(path)
    assert kept is not None
    return kept.sort(*KEY)


if __name__ == "__main__":
    print(table(Path(sys.argv[1])).group_by("world", "who", maintain_order=True).agg(pl.col(COUNTS).sum()))
