"""Bias of a test method on an item: laboratories that use it against laboratories that use another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from labqa.analysis.bias_settings import BiasSettings
from labqa.analysis.network import Network
from labqa.analysis.observations import Observations
from labqa.analysis.scopes import Part, biases, within_scope
from labqa.analysis.weights import Weighted
from labqa.core import tables as t
from labqa.core.vocabulary import Status
from labqa.stats.multiplicity import adjusted
from labqa.stats.network.methods import centres, welch

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
LEAST_LABS = 3
"""Connected laboratories on each side below which a method cannot be told from the laboratories that use it."""


def method_bias(results: pl.DataFrame, network: Network | None, settings: BiasSettings) -> pl.DataFrame:
    """METHOD_BIAS of each item for which named laboratories state more than one method, in its largest component.

    The unit is lab × method on the item, fitted as laboratories are; laboratories are the clusters. A laboratory that uses
    both methods stands on both sides, which makes the standard error too large rather than too small.
    """
    stated = _stated(results)
    several = stated.group_by("item").agg(n=pl.col("method").n_unique()).filter(pl.col("n") > 1)["item"]
    if not len(several) or network is None:
        return t.empty(t.MethodBias)
    seen, weights = network.seen, network.weights
    split, method, names = _split(seen, stated)
    frames = []
    for code in [seen.items.index(item) for item in several.sort() if item in seen.items]:
        here = (seen.item == code) & (method >= 0)
        found = list(within_scope(split, weights.weight, weights.precision, seen.y, here))
        if found:
            largest = max(found, key=lambda part: (len(part.labs), -int(part.labs[0])))
            frames.append(_rows(largest, split, method, names, weights, network.components, settings, seen.items[code], here))
    rows = pl.concat(frames) if frames else t.empty(t.MethodBias)
    return t.shaped(_judged(rows, settings), t.MethodBias).sort("item", "method")


def _stated(results: pl.DataFrame) -> pl.DataFrame:
    """The method of each laboratory's test of a sample and item: the first that its results state."""
    key = ["item", "sample", "lab"]
    named = results.select(*key, "method").drop_nulls(["lab", "method"])
    return named.group_by(key).agg(pl.col("method").min())


def _split(seen: Observations, stated: pl.DataFrame) -> tuple[Observations, Ints, list[str]]:
    """The observations with lab × method in the place of the laboratory; method of each, −1 for none; names of methods."""
    labs = [*seen.labs, ""]
    keys = pl.DataFrame(
        {
            "item": [seen.items[k] for k in seen.item],
            "sample": [seen.samples[k] for k in seen.sample],
            "lab": [labs[k] for k in seen.lab],
        }
    )
    used = keys.join(stated, on=["item", "sample", "lab"], how="left", maintain_order="left")["method"]
    names = used.drop_nulls().unique().sort().to_list()
    order = {name: k for k, name in enumerate(names)}
    method = np.array([order.get(one, -1) for one in used], dtype=np.int64)
    joint = np.where(seen.is_anchor, -1, seen.lab * (len(names) + 1) + method + 1)
    pairs, node = np.unique(joint, return_inverse=True)
    first = int(len(pairs) > 0 and pairs[0] < 0)
    nodes = [f"{seen.labs[k // (len(names) + 1)]}\0{k % (len(names) + 1)}" for k in pairs[first:]]
    lab = np.where(joint < 0, len(nodes), node - first)
    return replace(seen, labs=nodes, lab=lab), method, names


def _rows(
    part: Part,
    split: Observations,
    method: Ints,
    names: list[str],
    weights: Weighted,
    components: object,
    settings: BiasSettings,
    item: str,
    here: NDArray[np.bool_],
) -> pl.DataFrame:
    """One row a method of the item: its laboratories against those of the others."""
    found = biases(part, components, without=("family", "item"), max_anchor_se=0.0, slope=weights.slope)  # type: ignore[arg-type]
    of_node = np.zeros(len(split.labs), dtype=np.int64)
    of_node[split.lab[here]] = method[here]
    used = of_node[part.labs]
    kinds = np.unique(used)
    effect = part.fitted.effect[: len(part.labs)]
    variance = np.maximum(found.variance, 1e-12)
    side = [np.where(used == kind, 0, 1) for kind in kinds]
    both = [centres(one, effect, variance, n=2) for one in side]
    ours = type(both[0])(*(np.array([getattr(one, name)[0] for one in both]) for name in both[0]._fields))
    others = type(both[0])(*(np.array([getattr(one, name)[1] for one in both]) for name in both[0]._fields))
    contrast = welch(ours, others)
    samples = [len(np.unique(split.sample[here & (method == kind)])) for kind in kinds]
    return pl.DataFrame(
        {
            "item": item,
            "method": [names[kind] for kind in kinds],
            "estimate": contrast.difference,
            "se": contrast.se,
            "df": contrast.df,
            "n_labs": [int((used == kind).sum()) for kind in kinds],
            "n_labs_others": [int((used != kind).sum()) for kind in kinds],
            "n_samples": samples,
        },
        schema_overrides={"method": pl.String},
    ).with_columns(pl.col(pl.Float64).fill_nan(None))


def _judged(rows: pl.DataFrame, settings: BiasSettings) -> pl.DataFrame:
    """Rows with interval, p, q among all methods, status and reason; nothing is told of a method that cannot be told apart."""
    few = (pl.col("n_labs") < LEAST_LABS) | (pl.col("n_labs_others") < LEAST_LABS)
    reason = (
        pl.when(pl.col("n_labs_others") == 0)
        .then(pl.lit("methods.alone"))
        .when(few)
        .then(pl.lit("methods.confounded"))
        .when(pl.col("n_samples") < settings.min_item_samples)
        .then(pl.lit("methods.few_samples"))
        .when(~(pl.col("se") > 0).fill_null(value=False))
        .then(pl.lit("methods.no_error_estimate"))
    )
    few_samples = pl.col("reason") == "methods.few_samples"
    status = (
        pl.when(pl.col("reason").is_null())
        .then(pl.lit(str(Status.ASSESSED)))
        .when(few_samples)
        .then(pl.lit(str(Status.NOT_ASSESSED)))
        .otherwise(pl.lit(str(Status.UNDETERMINED)))
    )
    told = rows.with_columns(reason=reason).with_columns(status=status)
    claimed = pl.col("reason").is_null()
    told = told.with_columns(pl.when(claimed).then(pl.col(name)).alias(name) for name in ("estimate", "se", "df"))
    estimate, se, df = (told[name].fill_null(np.nan).to_numpy() for name in ("estimate", "se", "df"))
    reach = special.stdtrit(df, 0.5 + 0.5 * settings.level) * se
    p = 2.0 * special.stdtr(df, -np.abs(estimate / se))
    new = {"lower": estimate - reach, "upper": estimate + reach, "p_value": p, "q_value": adjusted(p, method="bh")}
    return told.with_columns(pl.Series(name, values).fill_nan(None) for name, values in new.items())
