"""Laboratories made grossly wrong, and networks in which only others are: who is charged, who is not judged, who passes.

`python tests/gross_trials.py docs/gross.csv` runs each world on seeds 1–4 of 60 laboratories over three years
(card `demo` without planted faults, a fifth of the samples retested); what the table already has is kept.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from labqa.simulate import catalogue, network
from labqa.simulate.card import Card
from labqa.simulate.network import Simulated
from tests import evaluations
from tests.kept_trials import kept_trials

SEEDS = range(1, 5)
CULPRITS = 3
LINES = ("bias", "precision", "gross")
KEY = ("world", "seed", "who")
COUNTS = ("labs", "charged", "withheld", "other_points", "passed")


@dataclass(frozen=True)
class World:
    """By what the results `where` of the culprits are multiplied; `hubs` and `handed` say who tests again.

    `offset`: what is added to them, in true σR, on ratio and interval scales; `mirrored`: values of interval scales are
    reflected about their upper limit, else the lower; `only`: each culprit errs in one `item` or product `family`, that of
    most of its retested originals. `alone`: nobody is wrong, and the portions tested again differ so much from those of the
    one laboratory that tests a family.
    """

    factor: float
    where: pl.Expr
    hubs: bool = False
    handed: bool = False
    alone: bool = False
    everyone: bool = False
    offset: float = 0.0
    mirrored: bool = False
    only: str = ""


def _some(share: float, *columns: str) -> pl.Expr:
    return pl.concat_str(*columns).hash(3) % 1000 < 1000 * share


ALL, ORIGINALS, RETESTS = pl.lit(value=True), pl.col("role") == "original", pl.col("role") == "retest"
LATE = pl.col("tested_on") >= date(2016, 7, 1)
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
    "item_10": World(10.0, ALL, only="item"),
    "item_0.1": World(0.1, ALL, only="item"),
    "mirrored": World(1.0, ALL, mirrored=True),
    "offset_2": World(1.0, ALL, offset=2.0),
    "offset_4": World(1.0, ALL, offset=4.0),
    "offset_8": World(1.0, ALL, offset=8.0),
    "originals_offset_2": World(1.0, ORIGINALS, offset=2.0),
    "originals_offset_4": World(1.0, ORIGINALS, offset=4.0),
    "originals_offset_8": World(1.0, ORIGINALS, offset=8.0),
    "family_offset_4": World(1.0, ALL, offset=4.0, only="family"),
    "late_offset_4": World(1.0, LATE, offset=4.0),
}


def settings(world: World) -> Card:
    """The card of the world's network."""
    few = {"families": (1, 2)} if world.alone else {}
    base = evaluations.calm(n_years=3, n=60, blameless=15, new=0, small=0, **few)
    return replace(base, network=replace(base.network, style="hubs", hubs=4, hub_share=0.8)) if world.hubs else base


def network_of(world: World, seed: int) -> Simulated:
    """The network before anybody is made wrong."""
    return network.simulate(settings(world), seed=seed)


def culprits(results: pl.DataFrame, world: World, seed: int) -> list[str]:
    """Laboratories made wrong: drawn among the 25 with most retested originals, the busiest retester of hubs."""
    if world.everyone or (world.factor == 1.0 and not world.offset and not world.mirrored):
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


def scopes(made: Simulated, wrong: list[str], only: str) -> pl.DataFrame:
    """The item of ratio scale, or the product family, of which most quantified originals of each culprit were retested, the
    items of ratio scale alone counted: lab, scope_id."""
    retested = made.results.filter(RETESTS)["sample"].unique().to_list()
    ratio = made.items.filter(scale="ratio")["item"].to_list()
    rows = made.results.join(made.products.select("product", "family"), on="product").filter(
        ORIGINALS
        & pl.col("sample").is_in(retested)
        & pl.col("item").is_in(ratio)
        & pl.col("lab").is_in(wrong)
        & (pl.col("qualifier") == "quantified")
    )
    counted = rows.group_by("lab", scope_id=only).len().sort("lab", "len", "scope_id", descending=[False, True, False])
    return counted.unique("lab", keep="first", maintain_order=True).drop("len")


def narrowed(made: Simulated, wrong: list[str], only: str) -> pl.Expr:
    """Results of the culprits in their one item or product family."""
    hit = pl.lit(value=False)
    for lab, own in scopes(made, wrong, only).iter_rows():
        within = made.products.filter(family=own)["product"].to_list() if only == "family" else []
        here = pl.col("product").is_in(within) if only == "family" else pl.col("item") == own
        hit = hit | ((pl.col("lab") == lab) & here)
    return hit


def falsified(results: pl.DataFrame, made: Simulated, world: World, hit: pl.Expr, seed: int) -> pl.DataFrame:
    """Results with the world's error where `hit` says so."""
    known = catalogue.build(settings(world), seed=seed)
    sigma = pl.DataFrame({"item": known.codes, "constant": known.sigma_constant, "slope": known.sigma_slope})
    about = made.items.select("item", "scale", limit=pl.coalesce("upper_limit", "lower_limit"))
    rows = results.join(sigma, on="item", how="left", maintain_order="left").join(
        about, on="item", how="left", maintain_order="left"
    )
    level = pl.when(pl.col("scale") == "ratio").then("value").otherwise(0.0)
    step = world.offset * (pl.col("constant") + pl.col("slope") * level)
    shift = pl.when(pl.col("scale").is_in(["ratio", "interval"])).then(step).otherwise(0.0).fill_null(0.0)
    mirror = pl.lit(world.mirrored) & (pl.col("scale") == "interval") & pl.col("limit").is_not_null()
    wrong = {
        name: pl.when(mirror).then(2.0 * pl.col("limit") - pl.col(name)).otherwise(pl.col(name) * world.factor + shift)
        for name in ("value", "lower", "upper")
    }
    return rows.with_columns(pl.when(hit).then(to).otherwise(pl.col(name)).alias(name) for name, to in wrong.items()).select(
        results.columns
    )


def evaluated(world: World, seed: int) -> tuple[dict[str, pl.DataFrame], list[str]]:
    """Every table of the world's evaluation, and who was made wrong in it."""
    made = network_of(world, seed)
    wrong = culprits(made.results, world, seed)
    results = handed(made.results, wrong) if world.handed else made.results
    hit = world.where & (pl.lit(world.everyone) | pl.col("lab").is_in(wrong))
    if world.alone:
        results, samples = alone(results, made.products, wrong[0])
        hit, wrong = world.where & samples, []
    if world.only:
        hit = hit & narrowed(made, wrong, world.only)
    return evaluations.evaluated(evaluations.facts_of(made, falsified(results, made, world, hit, seed))), wrong


def trial(world: str, seed: int) -> pl.DataFrame:
    """Rows of one network: of the wrong and of the others, how many gross errors cost points, of how many the bias was
    withheld, who lost points for bias or precision, and who was assessed and lost none."""
    return counted(*evaluated(WORLDS[world], seed), world, seed)


def counted(tables: dict[str, pl.DataFrame], wrong: list[str], name: str, seed: int) -> pl.DataFrame:
    """The rows of `trial` of an evaluation in which the laboratories `wrong` were made wrong."""
    taken = tables["reasons"].filter((pl.col("points") < 0) & pl.col("line").is_in(LINES))
    means = tables["lab_bias"].filter(scope="lab").join(taken.group_by("lab").agg("line"), on="lab", how="left")
    lines = pl.col("line").fill_null([])
    told = means.select(
        who=pl.when(pl.col("lab").is_in(wrong)).then(pl.lit("wrong")).otherwise(pl.lit("others")),
        charged=lines.list.contains("gross"),
        withheld=pl.col("reason").is_in(["bias.set_aside", "bias.occasions_differ"]).fill_null(value=False),
        other_points=lines.list.contains("bias") | lines.list.contains("precision"),
        passed=(pl.col("status") == "assessed") & (lines.list.len() == 0),
    )
    totals = told.group_by("who").agg(pl.len().alias("labs"), pl.col(COUNTS[1:]).sum())
    return totals.select(
        world=pl.lit(name), seed=pl.lit(seed, pl.Int64), who="who", **{c: pl.col(c).cast(pl.Int64) for c in COUNTS}
    )


def table(path: Path) -> pl.DataFrame:
    """All trials, written after each network, so that a run that was broken off goes on where it stopped."""
    trials = [{"world": world, "seed": seed} for world in WORLDS for seed in SEEDS]
    return kept_trials(path, trials, trial, key=KEY)


if __name__ == "__main__":
    print(table(Path(sys.argv[1])).group_by("world", "who", maintain_order=True).agg(pl.col(COUNTS).sum()))
