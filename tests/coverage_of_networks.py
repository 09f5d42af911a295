"""Coverage of the bias intervals by kind of network and by stratum: counts a cell, seed, scope, standard error and stratum.

`python tests/coverage_of_networks.py docs/coverage.csv` runs seeds 1–20 of every cell and writes the table; cells and seeds
that it holds already are kept, so that an interrupted run is taken up where it stopped.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
from calibration import FACTORS, naive_se, stated_truth
from scipy import special

from labqa.analysis import pairing
from labqa.analysis.bias import lab_bias
from labqa.analysis.bias_settings import BiasSettings
from labqa.analysis.yardsticks import yardsticks
from labqa.core.vocabulary import Scope
from labqa.simulate import card, network
from tests.kept_trials import kept_trials

SEEDS = range(1, 21)
CARD = "coverage"
KEY = ("cell", "seed", "scope", "error", "by", "stratum")
STYLES = {
    "random": {"style": "random"},
    "regional": {"style": "regional", "bridge": 0.04},
    "hubs": {"style": "hubs", "hubs": 4, "hub_share": 0.9},
    "sparse": {"style": "sparse", "partners": 1},
}
SHARES = {"50": (0.5, (2, 60)), "05": (0.05, (20, 600))}
"""Share of the samples that are retested, and the samples of a laboratory and year, which leave as many comparisons."""
GROSS = {"clean": {"gross": 0.0}, "gross10": {"gross": 0.10}}
ONE_SIDED = {
    "onesided10": {"gross": 0.10, "gross_up": 1.0, "gross_labs": 0.5},
    "onesided20": {"gross": 0.20, "gross_up": 1.0, "gross_labs": 0.5},
    "onesided30": {"gross": 0.30, "gross_up": 1.0, "gross_labs": 0.5},
}
CELLS = {
    f"{style}_{share}_{gross}": (STYLES[style], SHARES[share], GROSS[gross])
    for style in STYLES
    for share in SHARES
    for gross in GROSS
}
CELLS |= {
    f"{style}_50_{name}": (STYLES[style], SHARES["50"], faults)
    for style in ("random", "regional")
    for name, faults in ONE_SIDED.items()
}
CELLS["random_50_many"] = (STYLES["random"], (0.5, (60, 120)), GROSS["clean"])
CELLS["star_50_clean"] = ({"style": "hubs", "hubs": 1, "hub_share": 1.0}, SHARES["50"], GROSS["clean"])
"""Every laboratory tests one product family only, and one of them retests all the others."""


def card_of(cell: str) -> card.Card:
    """The committed card with what the cell changes in it."""
    style, (share, samples), faults = CELLS[cell]
    base = card.load(CARD)
    return replace(
        base,
        labs=replace(base.labs, families=(1, 1)) if cell.startswith("star") else base.labs,
        samples_per_lab_year=samples,
        network=replace(base.network, **style),
        retests=replace(base.retests, planned=share),
        faults=replace(base.faults, **faults),
    )


def judged(cell: str, seed: int) -> pl.DataFrame:
    """LAB_BIAS of laboratories and items on one network, with `truth` and the naive standard error."""
    made = network.simulate(card_of(cell), seed=seed)
    samples = pairing.samples(made.results, made.products)
    blocks = pairing.blocks(made.results, samples)
    scale = yardsticks(made.items, blocks, pairing.pairs(made.results, samples), made.results)
    bias, _ = lab_bias(made.results, samples, blocks, made.items, scale, BiasSettings())
    told = stated_truth(bias, made.truth_labs, made.truth_items)
    return told.join(naive_se(made.results, blocks, made.items, scale), on="lab", how="left")


def strata(told: pl.DataFrame) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """Parts of the rows: all, by |true bias|, by samples of the laboratory on the scope, by partners."""
    yield "all", "", told
    two_tau = 2.0 * float(told["true"].std() or 0.0)
    size = pl.col("true").abs()
    cuts = {
        "bias": {"0-1": size < 1.0, "1-2": (size >= 1.0) & (size < 2.0), ">=2tau": size >= two_tau},
        "samples": {
            "<12": pl.col("n_samples") < 12,
            "12-19": pl.col("n_samples").is_between(12, 19),
            "20-49": pl.col("n_samples").is_between(20, 49),
            ">=50": pl.col("n_samples") >= 50,
        },
        "partners": {
            "3-4": pl.col("n_partners").is_between(3, 4),
            "5-9": pl.col("n_partners").is_between(5, 9),
            ">=10": pl.col("n_partners") >= 10,
        },
    }
    for by, parts in cuts.items():
        for name, inside in parts.items():
            yield by, name, told.filter(inside)


def counts(cell: str, seed: int) -> pl.DataFrame:
    """Counts of one network: intervals claimed and those that cover, laboratories that must be claimed and those that are."""
    every = judged(cell, seed)
    claimed = every.filter(pl.col("status") == "assessed")
    rows = []
    for scope in ("lab", "item"):
        for by, stratum, part in strata(claimed.filter(pl.col("scope") == scope)):
            rows += [(cell, seed, scope, name, by, stratum, *found) for name, found in covered(part)]
    whole = every.filter(pl.col("scope") == "lab")
    owed = whole.filter((pl.col("n_samples") >= 12) & (pl.col("n_partners") >= 3) & (pl.col("bridge_share") <= 0.5))
    for by, part in (("owed", owed), ("all", whole)):
        n_claimed = part.filter(pl.col("status") == "assessed").height
        rows.append((cell, seed, "lab", "claimed", by, "", part.height, n_claimed, 0.0, 0.0))
    columns = [*KEY, "n", "covered", "squared_error", "squared_se"]
    return pl.DataFrame(rows, schema=columns, orient="row").with_columns(pl.col(pl.Float64).round(3))


def covered(part: pl.DataFrame) -> Iterator[tuple[str, tuple[int, int, float, float]]]:
    """For each standard error: intervals, those that cover, sums of the squared errors and of the squared standard errors."""
    off = (part["estimate"] - part["truth"]).abs().to_numpy()
    reach = special.stdtrit(part["df"].to_numpy(), 0.975)
    errors = {name: part["se"].to_numpy() * factor for name, factor in FACTORS.items()}
    if part.height and part["scope"][0] == str(Scope.LAB):
        errors["naive"] = part["naive"].to_numpy()
    for name, se in errors.items():
        yield name, (part.height, int((off <= reach * se).sum()), float((off**2).sum()), float((se**2).sum()))


def read(path: Path) -> pl.DataFrame:
    """The table as it was written."""
    return pl.read_csv(path, schema_overrides={"stratum": pl.String}).with_columns(pl.col("stratum").fill_null(""))


def run(path: Path, seeds: range, cells: list[str]) -> pl.DataFrame:
    """The table of these seeds and cells, written after each network."""
    trials = [{"cell": cell, "seed": seed} for seed in seeds for cell in cells]
    return kept_trials(path, trials, counts, key=KEY, read=read)


def summary(table: pl.DataFrame) -> pl.DataFrame:
    """Coverage by cell and stratum over the seeds, its Monte Carlo SE clustered by network, and the ratio of error to SE."""
    found = table.filter(pl.col("error").is_in(["clustered", "naive", "claimed"]) & (pl.col("n") > 0))
    gap = pl.col("covered") - pl.col("n") * (pl.col("covered").sum() / pl.col("n").sum())
    return found.group_by("cell", "scope", "error", "by", "stratum", maintain_order=True).agg(
        networks=pl.len(),
        n=pl.col("n").sum(),
        coverage=(pl.col("covered").sum() / pl.col("n").sum()).round(4),
        mc_se=((gap**2).sum().sqrt() / pl.col("n").sum()).round(4),
        error_over_se=(pl.col("squared_error").sum() / pl.col("squared_se").sum()).sqrt().round(3),
        rmse=(pl.col("squared_error").sum() / pl.col("n").sum()).sqrt().round(3),
    )


def stated(table: pl.DataFrame) -> pl.DataFrame:
    """The figures of the readme: coverage over all cells in which bias may be claimed, then by style, then one-sided."""
    judged = table.filter(pl.col("cell").str.contains("clean|gross10|many") & ~pl.col("cell").str.starts_with("star"))
    groups = [judged.with_columns(group=pl.lit("all"))]
    groups.append(judged.with_columns(group=pl.col("cell").str.extract(r"^([a-z]+)_")).filter(pl.col("error") == "clustered"))
    one_sided = table.filter(pl.col("cell").str.contains("onesided10") & (pl.col("error") == "clustered"))
    groups.append(one_sided.with_columns(group=pl.lit("onesided10")))
    known = pl.concat(groups).filter((pl.col("by") == "all") & (pl.col("error") != "claimed"))
    sums = known.group_by("group", "scope", "error", maintain_order=True).agg(pl.col("n", "covered").sum())
    return sums.with_columns(coverage=(pl.col("covered") / pl.col("n")).round(4))


if __name__ == "__main__":
    wanted = [cell for cell in CELLS if len(sys.argv) < 3 or any(part in cell for part in sys.argv[2].split(","))]
    table = run(Path(sys.argv[1]), range(1, 1 + int(sys.argv[3])) if len(sys.argv) > 3 else SEEDS, wanted)
    print(summary(table.filter(pl.col("cell").is_in(wanted))).write_csv(separator="\t"))
    print(stated(table).write_csv(separator="\t"))
