"""Direct against indirect evidence on simulated networks: how often they are told apart without cause, and with.

`PYTHONPATH=.:tests python tests/consistency.py FILE` runs seeds 1–20 of the committed card and writes the table.
"""

from __future__ import annotations

import sys
from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from scipy import special

from labqa.analysis import pairing
from labqa.analysis.bias import fitted
from labqa.analysis.bias_settings import BiasSettings
from labqa.analysis.comparability import lab_contrasts
from labqa.analysis.network import Network
from labqa.analysis.scopes import KINDS
from labqa.analysis.yardsticks import yardsticks
from labqa.simulate import card, network

SEEDS = range(1, 21)
CARD = "calibration"
NETWORKS = ("half", "sparse", "hubs")
"""Half of the samples retested; 5 % of them; half of them by three hubs mostly."""
KEY = ("network", "seed", "case")
SHIFT = 2.0
"""Planted inconsistency, in σR."""
PLANTED = 6
"""Pairs of each number of shared samples that are planted in one network, no laboratory twice."""


def simulated(kind: str, seed: int) -> network.Simulated:
    """A network of the card in which every laboratory is the same whoever tests the sample too."""
    plan = card.load(CARD)
    if kind == "sparse":
        plan = replace(plan, retests=replace(plan.retests, planned=0.05))
    if kind == "hubs":
        plan = replace(plan, network=replace(plan.network, style="hubs", hubs=3, hub_share=0.5))
    return network.simulate(plan, seed=seed)


def whole(made: network.Simulated, results: pl.DataFrame) -> Network:
    """The fit over all items of these results."""
    samples = pairing.samples(results, made.products)
    blocks = pairing.blocks(results, samples)
    scale = yardsticks(made.items, blocks, pairing.pairs(results, samples), results)
    found = fitted(results, samples, blocks, made.items, scale, BiasSettings())[2]
    assert found is not None
    return found


def honest(kind: str, seed: int) -> list[dict[str, object]]:
    """Share of pairs told apart where nothing is planted: as it is, and with errors that are wrong on purpose."""
    found = whole(made := simulated(kind, seed), made.results)
    rows = lab_contrasts(found, BiasSettings())
    known = rows.drop_nulls("p_value")
    t = np.abs(known["inconsistency"].to_numpy() / known["inconsistency_se"].to_numpy())
    variance = found.components.variance.copy()
    variance[KINDS.index("item")] = 0.0
    wrong = copy(found)
    wrong.components = found.components._replace(variance=variance)
    wrong.spread = replace(found.spread, variance=np.zeros_like(found.spread.variance))
    without = lab_contrasts(wrong, BiasSettings())
    cases = {
        "clustered": known["p_value"].to_numpy(),
        "se_x0.90": 2.0 * special.ndtr(-t / 0.9),
        "se_x1.15": 2.0 * special.ndtr(-t / 1.15),
        "without_lab_item": without.drop_nulls("p_value")["p_value"].to_numpy(),
    }
    return [
        {"case": name, "pairs": len(p), "below_5": float(np.mean(p < 0.05)), "below_1": float(np.mean(p < 0.01))}
        for name, p in cases.items()
    ]


def planted(seed: int) -> list[dict[str, object]]:
    """Pairs of which one laboratory reads 2 σR off in the samples it shares with the other: how many are found, by samples."""
    made = simulated("half", seed)
    chosen = _chosen(made, seed)
    off = chosen.explode("samples").select(sample="samples", lab="other", shift="shift")
    sigma = pl.col("reproducibility_constant").fill_null(0.0) + pl.col("reproducibility_slope").fill_null(0.0) * pl.col("value")
    moved = (
        made.results.join(off, on=["sample", "lab"], how="left", maintain_order="left")
        .join(made.items.select("item", "reproducibility_constant", "reproducibility_slope"), on="item", maintain_order="left")
        .with_columns(value=pl.col("value") + pl.col("shift").fill_null(0.0) * sigma / 2.8)
        .select(made.results.columns)
    )
    rows = chosen.join(lab_contrasts(whole(made, moved), BiasSettings()), on=["lab", "other"], how="left")
    told = []
    for (n,), part in rows.group_by("shared", maintain_order=True):
        p, q = (part[name].fill_null(1.0) for name in ("p_value", "q_value"))
        told.append(
            {
                "case": f"planted_{n}_samples",
                "pairs": part.height,
                "below_5": float((p < 0.05).mean()),
                "below_1": float((p < 0.01).mean()),
                "q_below_10": float((q < 0.1).mean()),
            }
        )
    return told


def _chosen(made: network.Simulated, seed: int) -> pl.DataFrame:
    """Pairs lab < other with the samples that both tested, retests only, and the planted shift of `other`."""
    tested = made.results.filter(pl.col("role").is_in(["original", "retest"])).select("sample", "lab").unique()
    met = tested.join(tested, on="sample", suffix="_other").filter(pl.col("lab") < pl.col("lab_other"))
    pairs = met.group_by(lab="lab", other="lab_other").agg(samples=pl.col("sample").unique().sort()).sort("lab", "other")
    pairs = pairs.with_columns(shared=pl.col("samples").list.len())
    draw = np.random.default_rng(seed)
    used: set[str] = set()
    rows = []
    for n in (4, 3, 2, 1):
        of_n = pairs.filter(pl.col("shared") == n)
        taken = 0
        for at in draw.permutation(of_n.height):
            row = of_n.row(int(at), named=True)
            if taken < PLANTED and not {row["lab"], row["other"]} & used:
                used |= {row["lab"], row["other"]}
                rows.append(row | {"shift": SHIFT * float(draw.choice([-1.0, 1.0]))})
                taken += 1
    return pl.DataFrame(rows)


def table(seeds: range, networks: tuple[str, ...] = NETWORKS) -> pl.DataFrame:
    """One row a network, seed and case, rounded as it is committed."""
    rows = [{"network": kind, "seed": seed} | row for kind in networks for seed in seeds for row in honest(kind, seed)]
    if "half" in networks:
        rows += [{"network": "half", "seed": seed} | row for seed in seeds for row in planted(seed)]
    found = pl.DataFrame(rows, infer_schema_length=None).with_columns(pl.col(pl.Float64).round(4))
    return found.select(*KEY, pl.exclude(*KEY)).sort(*KEY)


if __name__ == "__main__":
    written = table(SEEDS)
    written.write_csv(Path(sys.argv[1]))
    print(
        written.group_by("network", "case", maintain_order=True).agg(
            pl.col("pairs").sum(), pl.col("below_5", "below_1", "q_below_10").mean(), sd=pl.col("below_5").std()
        )
    )
