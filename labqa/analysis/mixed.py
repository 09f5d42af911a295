"""A crossed mixed model of one network as a second opinion: shrunken effects beside the unshrunken robust ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from labqa.analysis.bias import lab_bias
from labqa.analysis.bias_settings import BiasSettings
from labqa.analysis.scale import sigma_between
from labqa.core.errors import EvaluationError
from labqa.core.vocabulary import BlockKind, Qualifier, Role, Scope, Trigger
from labqa.stats.network.crossed import NoScatter, crossed_reml

Ints = NDArray[np.int64]
MOST_GROUPS = 20_000
"""Groups of random effects beyond which the model is not fitted: it would run for hours."""


@dataclass(frozen=True)
class Opinion:
    """`effects`: lab, scope, scope_id, blup, blup_se (null for items), estimate, lower, upper, status (the robust ones of the
    evaluation on the same scale). `components`: factor, sd, groups. `criterion`: −2 log REML likelihood; `n` results."""

    effects: pl.DataFrame
    components: pl.DataFrame
    criterion: float
    n: int


def second_opinion(
    results: pl.DataFrame,
    samples: pl.DataFrame,
    blocks: pl.DataFrame,
    items: pl.DataFrame,
    yardsticks: pl.DataFrame,
    settings: BiasSettings,
    *,
    scale: Literal["log", "standardised"] = "standardised",
) -> Opinion:
    """y = block + lab + lab × item + lab × sample + lab-run + error by REML over single results, replicates as they are.

    `log`: natural logarithms of values above 0; `standardised`: values over σR at the level of the block. A factor that the
    design cannot tell from another is left out. Takes part: quantified results of named laboratories in blocks of two or
    more, objection retests only if the settings let them. Nothing is robust here and nothing is rated on it. EvaluationError
    without such results, with too many groups, and without scatter in the blocks.
    """
    chosen = _chosen(results, blocks, yardsticks, settings, scale)
    if chosen.is_empty():
        raise EvaluationError("mixed.no_pairs")
    factors = _factors(chosen)
    groups = {name: int(code.max()) + 1 for name, code in factors.items()}
    if sum(groups.values()) > MOST_GROUPS:
        raise EvaluationError("mixed.many_groups", groups=sum(groups.values()), most=MOST_GROUPS)
    names = list(factors)
    predict = [names.index(name) for name in ("lab", "lab_item") if name in names]
    block = _codes(chosen, "block")
    y = chosen["y"].to_numpy()
    try:
        found = crossed_reml(y, np.zeros((len(y), 0)), list(factors.values()), block=block, predict=predict)
    except NoScatter as cause:
        raise EvaluationError("mixed.no_scatter") from cause
    told = dict(zip([names[k] for k in predict], found.effects, strict=True))
    shrunken = _labs(chosen, factors["lab"], told["lab"].effect, told["lab"].se)
    if "lab_item" in told:
        of_lab, cell = factors["lab"], factors["lab_item"]
        both = told["lab"].effect[of_lab] + told["lab_item"].effect[cell]
        shrunken = pl.concat([shrunken, _cells(chosen, both)])
    components = pl.DataFrame(
        {"factor": [*names, "error"], "sd": found.sd, "groups": [*groups.values(), len(y)]},
        schema_overrides={"groups": pl.Int64},
    )
    beside = _robust(results, samples, blocks, items, yardsticks, settings, scale)
    effects = shrunken.join(beside, on=["lab", "scope", "scope_id"], how="left").sort("lab", "scope", "scope_id")
    return Opinion(effects, components, found.criterion, len(y))


def _chosen(
    results: pl.DataFrame, blocks: pl.DataFrame, yardsticks: pl.DataFrame, settings: BiasSettings, scale: str
) -> pl.DataFrame:
    usable = pl.col("lab").is_not_null() & pl.col("value").is_not_null() & (pl.col("role") != str(Role.ASSIGNED))
    usable &= pl.col("qualifier") == str(Qualifier.QUANTIFIED)
    if not settings.include_objection:
        usable &= (pl.col("trigger") != str(Trigger.OBJECTION)).fill_null(value=True)
    between = blocks.filter(pl.col("kind").is_in([str(BlockKind.PAIR), str(BlockKind.MULTIPLE)]))
    rows = results.filter(usable).join(between.select("sample", "item", "block", "level"), on=["sample", "item"], how="inner")
    if scale == "log":
        rows = rows.filter(pl.col("value") > 0).with_columns(y=pl.col("value").log())
    else:
        sigmas = yardsticks.select("item", "sigma_R_constant", "sigma_R_slope")
        unit = rows.join(sigmas, on="item", how="left").with_columns(unit=sigma_between(pl.col("level")))
        rows = unit.filter(pl.col("unit").is_not_null()).with_columns(y=pl.col("value") / pl.col("unit"))
    rows = rows.filter(pl.col("lab").n_unique().over("block") >= 2)
    return rows.sort("block", "lab", "role", "replicate", "result")


def _codes(rows: pl.DataFrame, *columns: str) -> Ints:
    """Code of each row's combination of columns, 0 … in sorted order."""
    return rows.select(pl.struct(*columns).rank("dense") - 1).to_series().to_numpy().astype(np.int64)


def _factors(rows: pl.DataFrame) -> dict[str, Ints]:
    """Codes of the factors that the design tells apart: fewer groups than results, and no partition twice."""
    asked = {"lab": ("lab",), "lab_item": ("lab", "item"), "lab_sample": ("lab", "sample"), "lab_run": ("lab", "run")}
    found: dict[str, Ints] = {}
    for name, columns in asked.items():
        if name == "lab_run" and rows["run"].null_count():
            continue
        code = _codes(rows, *columns)
        again = any(
            len(np.unique(np.stack([code, other]), axis=1)[0]) == max(code.max(), other.max()) + 1 and code.max() == other.max()
            for other in found.values()
        )
        if name == "lab" or (code.max() + 1 < len(code) and not again):
            found[name] = code
    return found


def _labs(rows: pl.DataFrame, lab: Ints, effect: NDArray[np.float64], se: NDArray[np.float64]) -> pl.DataFrame:
    first = np.unique(lab, return_index=True)[1]
    names = rows["lab"].gather(first)
    return pl.DataFrame({"lab": names, "scope": str(Scope.LAB), "scope_id": "", "blup": effect, "blup_se": se})


def _cells(rows: pl.DataFrame, effect: NDArray[np.float64]) -> pl.DataFrame:
    named = rows.select("lab", scope=pl.lit(str(Scope.ITEM)), scope_id="item").with_columns(blup=pl.Series(effect))
    return named.unique(["lab", "scope_id"], keep="first", maintain_order=True).with_columns(blup_se=pl.lit(None, pl.Float64))


def _robust(
    results: pl.DataFrame,
    samples: pl.DataFrame,
    blocks: pl.DataFrame,
    items: pl.DataFrame,
    yardsticks: pl.DataFrame,
    settings: BiasSettings,
    scale: str,
) -> pl.DataFrame:
    """LAB_BIAS on the same scale."""
    if scale == "log":
        positive = (pl.col("value") > 0).fill_null(value=False)
        results = results.filter(positive).with_columns(value=pl.col("value").log(), rest=pl.lit(None, pl.Float64))
        settings = replace(settings, scale="raw")
    bias, _ = lab_bias(results, samples, blocks, items, yardsticks, settings)
    return bias.select("lab", "scope", "scope_id", "estimate", "lower", "upper", "status")
