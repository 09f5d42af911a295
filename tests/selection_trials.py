"""Retests chosen by their first result, on networks without any bias: what each option shows, one row a seed and option.

`python tests/selection_trials.py docs/selection.csv` runs seeds 1–20 of the committed card for each shape of the true values,
and of the same card with planted biases; seeds that the table already has are kept.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from labqa.analysis import pairing
from labqa.analysis.bias import fitted
from labqa.analysis.bias_settings import BiasSettings
from labqa.analysis.selection import lab_selection
from labqa.analysis.yardsticks import yardsticks
from labqa.core.vocabulary import SelectionOption
from labqa.simulate import card, network
from labqa.simulate.card import TRUTHS, Planted
from labqa.stats.network.zero import leave_one_out_centres
from tests.kept_trials import kept_trials

SEEDS = range(1, 21)
CARD = "objection"
PLANTED = (1.0, -1.0, 1.0, -1.0, 1.0, -1.0)
WORLDS = (*TRUTHS, "planted")
KEY = ("world", "seed", "option")
NUMBERS = ("estimate", "se", "covered", "covered_range", "rmse", "planted_error", "low", "high")
PER_LAB = (SelectionOption.DEFAULT, SelectionOption.NAIVE, SelectionOption.CONDITIONAL, SelectionOption.BLIND_ONLY)
NETWORK = (SelectionOption.DEFAULT, SelectionOption.NAIVE, SelectionOption.EXPECTED, SelectionOption.CONDITIONAL)


def simulated(world: str, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """LAB_SELECTION and the true mean bias of each laboratory."""
    base = card.load(CARD)
    planted = (Planted(kind="bias_mean", sizes=PLANTED),)
    made = network.simulate(replace(base, planted=planted) if world == "planted" else replace(base, truths=world), seed=seed)
    samples = pairing.samples(made.results, made.products)
    blocks, pairs = pairing.blocks(made.results, samples), pairing.pairs(made.results, samples)
    scale = yardsticks(made.items, blocks, pairs, made.results)
    bias, used, fit = fitted(made.results, samples, blocks, made.items, scale, BiasSettings())
    found = lab_selection(made.results, pairs, used, made.items, scale, bias, fit, BiasSettings())
    return found, made.truth_labs.select("lab", truth="mean_bias").sort("lab")


def trial(world: str, seed: int) -> pl.DataFrame:
    """Rows of one network: of each option the share of laboratories whose interval covers the truth, mean and size of the
    error, and the network's mean of original minus retest with its interval and range."""
    found, truth = simulated(world, seed)
    relative = truth.with_columns(truth=pl.col("truth") - pl.Series(leave_one_out_centres(truth["truth"].to_numpy()).centre))
    rows = [_of_labs(found.join(relative, on="lab").filter(pl.col("option") == str(option)), option) for option in PER_LAB]
    rows += [_of_network(found.filter((pl.col("lab") == "") & (pl.col("option") == str(option))), option) for option in NETWORK]
    return pl.DataFrame(rows, schema_overrides={"world": pl.String}).with_columns(
        world=pl.lit(world), seed=pl.lit(seed, dtype=pl.Int64)
    )


def _of_labs(rows: pl.DataFrame, option: SelectionOption) -> dict[str, object]:
    known = rows.filter(pl.col("status") == "assessed")
    error = (known["estimate"] - known["truth"]).to_numpy()
    planted = np.abs(known["truth"].to_numpy()) > 0.5
    signed = error[planted] * np.sign(known["truth"].to_numpy()[planted])
    low, high, truth = (known[name] for name in ("sensitivity_low", "sensitivity_high", "truth"))
    wide = known.select(
        low=pl.min_horizontal("lower", pl.col("lower") + low - pl.col("estimate")),
        high=pl.max_horizontal("upper", pl.col("upper") + high - pl.col("estimate")),
    )
    return {
        "option": f"labs_{option}",
        "n": known.height,
        "estimate": float(error.mean()),
        "se": float(known["se"].mean()),  # type: ignore[arg-type]
        "covered": float(((known["lower"] <= truth) & (truth <= known["upper"])).mean()),
        "covered_range": float(((wide["low"] <= truth) & (truth <= wide["high"])).mean()) if low.count() else None,
        "rmse": float(np.sqrt(np.mean(error**2))),
        "planted_error": float(signed.mean()) if planted.any() else None,
        "low": None,
        "high": None,
    }


def _of_network(rows: pl.DataFrame, option: SelectionOption) -> dict[str, object]:
    row = rows.row(0, named=True)
    ranged = row["sensitivity_low"] is not None
    reach = (row["upper"] - row["lower"]) / 2.0
    return {
        "option": f"network_{option}",
        "n": row["n_pairs"],
        "estimate": row["estimate"],
        "se": row["se"],
        "covered": float(row["lower"] <= 0.0 <= row["upper"]),
        "covered_range": float(row["sensitivity_low"] - reach <= 0.0 <= row["sensitivity_high"] + reach) if ranged else None,
        "rmse": None,
        "planted_error": None,
        "low": row["sensitivity_low"],
        "high": row["sensitivity_high"],
    }


def rounded(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows as they are committed."""
    shaped = rows.select(*KEY, "n", *NUMBERS).with_columns(pl.col(NUMBERS).cast(pl.Float64).round(4))
    return shaped.with_columns(pl.col("n").cast(pl.Int64))


def committed(path: Path) -> pl.DataFrame:
    """The table as it was written."""
    return pl.read_csv(path, schema_overrides=dict.fromkeys(NUMBERS, pl.Float64))


def table(path: Path) -> pl.DataFrame:
    """All trials, written after each network, so that a run that was broken off goes on where it stopped."""
    trials = [{"world": world, "seed": seed} for world in WORLDS for seed in SEEDS]
    return kept_trials(path, trials, lambda world, seed: rounded(trial(world, seed)), key=KEY, read=committed)


if __name__ == "__main__":
    written = table(Path(sys.argv[1]))
    print(
        written.group_by("world", "option", maintain_order=True).agg(
            pl.col("estimate", "covered", "covered_range", "se", "rmse", "planted_error").mean(), pl.col("n").mean()
        )
    )
