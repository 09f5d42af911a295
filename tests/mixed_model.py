"""Laboratory effects of the evaluation beside those of a crossed mixed model, on simulated networks with known truth.

`python tests/mixed_model.py docs/mixed_model.csv` writes root mean square errors for seeds 1–20 of the card `mixed_model`,
without and with 10 % gross errors; rows that the file already holds are kept, so an interrupted run goes on.

The rival is y = block + lab + lab × item + lab × sample + lab-run + error by REML, the very model that the card draws from:
with labs random (its BLUPs, beside our shrunken values) or fixed (beside our unshrunken ones). Blocks are absorbed.
`labqa.stats.network.crossed` fits it; reference tests hold that against R's lme4.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from calibration import stated_truth
from numpy.typing import NDArray

from labqa.analysis import pairing
from labqa.analysis.bias import lab_bias, observed
from labqa.analysis.bias_settings import BiasSettings
from labqa.analysis.observations import Observations
from labqa.analysis.yardsticks import yardsticks
from labqa.core.vocabulary import Role, Scope
from labqa.simulate import card, network
from labqa.stats.network.crossed import CrossedReml, crossed_reml
from labqa.stats.network.zero import leave_one_out_centres

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
SEEDS = range(1, 21)
GROSS = (0.0, 0.1)
CARD = "mixed_model"
START = {0.0: (0.8, 0.85, 0.6, 0.35), 0.1: (0.2, 0.22, 0.15, 0.1)}
"""Ratios of the SDs of lab, lab × item, lab × sample and lab-run to that of the error, from which the likelihood is climbed."""


@dataclass(frozen=True)
class Network:
    """One simulated network, all zeros relative: our table, the observations without any robust step, and the truth."""

    bias: pl.DataFrame
    plain: pl.DataFrame
    seen: Observations
    truth_labs: pl.DataFrame
    truth_items: pl.DataFrame

    @property
    def mean_bias(self) -> Floats:
        return self.truth_labs.sort("lab")["mean_bias"].to_numpy()


def drawn(seed: int, *, gross: float) -> Network:
    """The network of the seed with that share of gross errors, evaluated."""
    settings = card.load(CARD)
    made = network.simulate(replace(settings, faults=replace(settings.faults, gross=gross)), seed=seed)
    results = made.results.filter(pl.col("role") != str(Role.ASSIGNED))
    samples = pairing.samples(results, made.products)
    blocks = pairing.blocks(results, samples)
    scale = yardsticks(made.items, blocks, pairing.pairs(results, samples), results)
    bias, _ = lab_bias(results, samples, blocks, made.items, scale, BiasSettings())
    plain, _ = lab_bias(results, samples, blocks, made.items, scale, BiasSettings(robust=False))
    seen, _, _ = observed(results, blocks, made.items, scale, BiasSettings(robust=False))
    return Network(bias, plain, seen, made.truth_labs, made.truth_items)


def _groups(one: Ints, other: Ints) -> Ints:
    return np.unique(one * (int(other.max()) + 1) + other, return_inverse=True)[1]


def rival(seen: Observations, *, labs: str, start: tuple[float, ...], tolerance: float = 1e-6) -> CrossedReml:
    """The crossed mixed model on the same observations, labs "fixed" (the first at 0) or "random"."""
    factors = [_groups(seen.lab, seen.item), _groups(seen.lab, seen.sample), np.unique(seen.run, return_inverse=True)[1]]
    x, predict = np.zeros((len(seen.y), 0)), (0, 1)
    if labs == "random":
        factors.insert(0, seen.lab)
    else:
        x, predict = np.eye(len(seen.labs))[seen.lab][:, 1:], ()
    block = np.unique(seen.block, return_inverse=True)[1]
    return crossed_reml(seen.y, x, factors, block=block, predict=predict, start=start[-len(factors) :], tolerance=tolerance)


def means_of_differences(seen: Observations) -> Floats:
    """What needs no model: the mean of a laboratory's differences from the others of each block."""
    count = np.bincount(seen.block)[seen.block]
    total = np.bincount(seen.block, weights=seen.y)[seen.block]
    gap = (seen.y - total / count) * count / (count - 1)
    return np.bincount(seen.lab, weights=gap) / np.bincount(seen.lab)


def relative(effect: Floats) -> Floats:
    """Effects against the zero of a relative bias: the robust centre of the other laboratories."""
    return effect - leave_one_out_centres(effect).centre


def rmse(found: Floats, truth: Floats) -> float:
    return float(np.sqrt(np.mean((found - truth) ** 2)))


def _centred(values: Floats) -> Floats:
    return values - values.mean()


def _ours(bias: pl.DataFrame, net: Network, scope: Scope) -> pl.DataFrame:
    told = stated_truth(bias, net.truth_labs, net.truth_items)
    return told.filter((pl.col("scope") == str(scope)) & pl.col("estimate").is_not_null()).sort("lab", "scope_id")


def compared(seed: int, *, gross: float) -> dict[str, object]:
    """One row of the table."""
    net = drawn(seed, gross=gross)
    ours, plain = _ours(net.bias, net, Scope.LAB), _ours(net.plain, net, Scope.LAB)
    assert ours["lab"].to_list() == net.seen.labs, "every laboratory is compared, in one component"
    random = rival(net.seen, labs="random", start=START[gross])
    fixed = rival(net.seen, labs="fixed", start=tuple(random.sd[:-1] / random.sd[-1]))
    truth = relative(net.mean_bias)
    return {
        "seed": seed,
        "gross": gross,
        "labs": len(net.seen.labs),
        "results": len(net.seen.y),
        "ours": rmse(ours["estimate"].to_numpy(), ours["truth"].to_numpy()),
        "ours_not_robust": rmse(plain["estimate"].to_numpy(), plain["truth"].to_numpy()),
        "labs_fixed": rmse(relative(np.append(0.0, fixed.coefficient)), truth),
        "ours_shrunken": rmse(_centred(ours["shrunken"].to_numpy()), _centred(ours["truth"].to_numpy())),
        "blup": rmse(_centred(random.effects[0].effect), _centred(net.mean_bias)),
        "means_of_differences": rmse(relative(means_of_differences(net.seen)), truth),
        **dict(zip(("sd_lab", "sd_item", "sd_sample", "sd_run", "sd_error"), random.sd.tolist(), strict=True)),
        **_by_item(net, random),
    }


def _by_item(net: Network, random: CrossedReml) -> dict[str, float]:
    """Shrunken lab × item values and BLUPs of lab + lab × item, each less its mean on the item."""
    pair = _groups(net.seen.lab, net.seen.item)
    first = np.unique(pair, return_index=True)[1]
    blup = random.effects[0].effect[net.seen.lab[first]] + random.effects[1].effect
    keyed = pl.DataFrame(
        {
            "lab": [net.seen.labs[k] for k in net.seen.lab[first]],
            "scope_id": [net.seen.items[k] for k in net.seen.item[first]],
            "blup": blup,
        }
    )
    both = _ours(net.bias, net, Scope.ITEM).join(keyed, on=["lab", "scope_id"], how="inner").drop_nulls("shrunken")
    middle = [pl.col(name) - pl.col(name).mean().over("scope_id") for name in ("shrunken", "blup", "truth")]
    less = both.with_columns(middle)
    names = {"ours_shrunken_item": "shrunken", "blup_item": "blup"}
    return {name: rmse(less[column].to_numpy(), less["truth"].to_numpy()) for name, column in names.items()}


def row(seed: int, *, gross: float) -> pl.DataFrame:
    """One row as it is committed."""
    return pl.DataFrame([compared(seed, gross=gross)]).with_columns(pl.col(pl.Float64).round(4))


def write(path: Path) -> pl.DataFrame:
    """The table of all seeds, row by row; those that the file holds already are not computed again."""
    table = pl.read_csv(path, schema_overrides={"gross": pl.Float64}) if path.exists() else pl.DataFrame()
    done = set(table.select("seed", "gross").iter_rows()) if table.height else set()
    for gross in GROSS:
        for seed in SEEDS:
            if (seed, gross) not in done:
                table = pl.concat([table, row(seed, gross=gross)], how="diagonal").sort("gross", "seed")
                table.write_csv(path)
    return table


if __name__ == "__main__":
    means = write(Path(sys.argv[1])).group_by("gross", maintain_order=True).mean()
    ratios = {
        "unshrunken": ("ours", "labs_fixed"),
        "shrunken": ("ours_shrunken", "blup"),
        "items": ("ours_shrunken_item", "blup_item"),
    }
    print(means.select("gross", **{name: (pl.col(one) / pl.col(other)).round(3) for name, (one, other) in ratios.items()}))
