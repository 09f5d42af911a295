"""Coverage of the bias intervals on simulated networks with known truth: one row a seed, scope and standard error.

`python tests/calibration.py docs/calibration.csv` runs seeds 1–20 of the committed card and writes the table.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl
from scipy import special

from labqa.analysis import pairing
from labqa.analysis.bias import lab_bias
from labqa.analysis.bias_settings import BiasSettings
from labqa.analysis.observations import observations, starts
from labqa.analysis.yardsticks import yardsticks
from labqa.core.vocabulary import Role, Scope, Zero
from labqa.simulate import card, network
from labqa.stats.network.blocks import fit
from labqa.stats.network.components import components
from labqa.stats.network.zero import leave_one_out_centres

SEEDS = range(1, 21)
CARD = "calibration"
ANCHORS = ("kept", "removed")
KEY = ("anchors", "seed", "scope", "error")
FACTORS = {"clustered": 1.0, "clustered_x0.90": 0.9, "clustered_x1.15": 1.15}


def stated_truth(bias: pl.DataFrame, truth_labs: pl.DataFrame, truth_items: pl.DataFrame) -> pl.DataFrame:
    """Rows of LAB_BIAS (labs and items) with `truth`: the true bias, less the same centre of the others' where relative."""
    means = truth_labs.select("lab", scope=pl.lit(str(Scope.LAB)), scope_id=pl.lit(""), true="mean_bias")
    by_item = truth_items.select("lab", scope=pl.lit(str(Scope.ITEM)), scope_id="item", true="bias")
    known = bias.drop_nulls("component").join(pl.concat([means, by_item]), on=["lab", "scope", "scope_id"])
    parts = []
    for _, part in known.group_by("scope", "scope_id", "component", maintain_order=True):
        true = part["true"].to_numpy()
        relative = true - leave_one_out_centres(true).centre
        anchored = (part["zero"] == str(Zero.ANCHORED)).fill_null(value=False).to_numpy()
        parts.append(part.with_columns(truth=pl.Series(np.where(anchored, true, relative))))
    return pl.concat(parts)


def naive_se(results: pl.DataFrame, blocks: pl.DataFrame, items: pl.DataFrame, scale: pl.DataFrame) -> pl.DataFrame:
    """Standard error of each lab's mean bias from the Laplacian, as if every difference were independent."""
    seen, _ = observations(results, blocks, items, scale, scale="standardised", include_objection=False, blunder=10.0)
    kept = np.flatnonzero(~seen.is_anchor)
    kept = kept[np.bincount(seen.block[kept], minlength=len(seen.block_ids))[seen.block[kept]] >= 2]
    error = np.full(len(seen.labs), np.nan)
    root = components(starts(seen.block[kept]), seen.lab[kept], n=len(seen.labs))[seen.lab[kept]]
    for smallest in np.unique(root):
        here = kept[root == smallest]
        labs, node = np.unique(seen.lab[here], return_inverse=True)
        start, n = starts(seen.block[here]), len(labs)
        fitted = fit(start, node, np.ones(len(here)), seen.y[here], n=n)
        residual = float((fitted.score**2).sum()) / max(len(here) - (len(start) - 1) - (n - 1), 1)
        centred = np.eye(n) - (1.0 - np.eye(n)) / (n - 1)
        error[labs] = np.sqrt(np.einsum("ij,jk,ik->i", centred, fitted.inverse, centred) * residual)
    return pl.DataFrame({"lab": seen.labs, "naive": error})


def coverage(seed: int, *, anchors: str) -> pl.DataFrame:
    """Coverage of one seed: rows scope × standard error, with n, correlation with truth and its ceiling √reliability.

    `anchors` "kept" or "removed": the network as it is, or without its assigned values, so that every zero is relative.
    """
    made = network.simulate(card.load(CARD), seed=seed)
    results = made.results if anchors == "kept" else made.results.filter(pl.col("role") != str(Role.ASSIGNED))
    samples = pairing.samples(results, made.products)
    blocks = pairing.blocks(results, samples)
    scale = yardsticks(made.items, blocks, pairing.pairs(results, samples), results)
    bias, _ = lab_bias(results, samples, blocks, made.items, scale, BiasSettings())
    told = stated_truth(bias, made.truth_labs, made.truth_items).filter(pl.col("status") == "assessed")
    told = told.join(naive_se(results, blocks, made.items, scale), on="lab", how="left")
    rows = [row for scope in (Scope.LAB, Scope.ITEM) for row in _rows(told.filter(pl.col("scope") == str(scope)), seed)]
    return pl.DataFrame(rows).with_columns(anchors=pl.lit(anchors))


def _rows(told: pl.DataFrame, seed: int) -> list[dict[str, object]]:
    estimate, truth, se, df, naive = (told[name].to_numpy() for name in ("estimate", "truth", "se", "df", "naive"))
    errors = {name: se * factor for name, factor in FACTORS.items()}
    if told["scope"][0] == str(Scope.LAB):
        errors["naive"] = naive
    spread = float(np.var(estimate))
    common = {
        "seed": seed,
        "scope": told["scope"][0],
        "n": told.height,
        "anchored": float((told["zero"] == str(Zero.ANCHORED)).mean()),
        "rmse": float(np.sqrt(np.mean((estimate - truth) ** 2))),
        "correlation": float(np.corrcoef(estimate, truth)[0, 1]),
        "ceiling": float(np.sqrt(max(1.0 - np.mean(se**2) / spread, 0.0))),
    }
    reach = special.stdtrit(df, 0.975)
    return [
        common | {"error": name, "coverage": float(np.mean(np.abs(estimate - truth) <= reach * u))}
        for name, u in errors.items()
    ]


def table(seeds: range) -> pl.DataFrame:
    """Coverage of all seeds, rounded as it is committed."""
    found = pl.concat([coverage(seed, anchors=anchors) for anchors in ANCHORS for seed in seeds])
    return found.with_columns(pl.col(pl.Float64).round(4)).select(*KEY, pl.exclude(*KEY))


if __name__ == "__main__":
    written = table(SEEDS)
    written.write_csv(Path(sys.argv[1]))
    print(
        written.group_by("anchors", "scope", "error", maintain_order=True).agg(
            pl.col("coverage", "correlation", "ceiling", "rmse").mean(), pl.col("n").sum()
        )
    )
