"""Precision of each laboratory against the median laboratory, where the network can tell it from its partners'."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from labqa.analysis.bias_settings import BiasSettings
from labqa.analysis.network import Network
from labqa.analysis.observations import Observations, starts
from labqa.analysis.weights import Weighted, compared
from labqa.core import tables as t
from labqa.core.vocabulary import Status
from labqa.stats.bounds import p_ratio_above
from labqa.stats.network.components import components
from labqa.stats.network.laboratories import effective_df, node_variances, separability

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
LEAST_DF = 20.0
LEAST_EIGENVALUE = 1e-6


@dataclass(frozen=True)
class _Found:
    """Variances of one component; `separable` is false where the component is bipartite."""

    lab: Ints
    variance: Floats
    held: Floats
    df: Floats
    separable: bool


def lab_precision(
    results: pl.DataFrame, network: Network | None, settings: BiasSettings, *, tolerated: float = 1.25
) -> pl.DataFrame:
    """LAB_PRECISION of every laboratory named in the results: the ratio includes portion heterogeneity, alike for all.

    Residuals of the bias fit (blocks, laboratories and lab × item taken out) in units of their item's scale; variances by
    laboratory, clustered by sample. `p_value` is of H0: ratio ≤ `tolerated`, one-sided.
    """
    rows = pl.DataFrame({"lab": results["lab"].drop_nulls().unique().sort()})
    if network is not None:
        rows = rows.join(_rows(network.seen, network.weights, settings, tolerated), on="lab", how="left", maintain_order="left")
    told = _judged(_filled(rows), settings)
    return t.shaped(told, t.LabPrecision).sort("lab")


def _rows(seen: Observations, weights: Weighted, settings: BiasSettings, tolerated: float) -> pl.DataFrame:
    """Ratio, interval and p of each laboratory with a block, and its evidence."""
    kept = compared(seen)
    residual = (seen.y - weights.effect)[kept] / (weights.scale[kept] * np.sqrt(weights.left[kept]))
    n = len(seen.labs)
    root = components(starts(seen.block[kept]), seen.lab[kept], n=n)[seen.lab[kept]]
    ratio, df, held, separable = np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan), np.zeros(n, dtype=bool)
    found = [_component(seen, kept[root == smallest], residual[root == smallest]) for smallest in np.unique(root)]
    for one in found:
        ratio[one.lab], df[one.lab], held[one.lab], separable[one.lab] = np.sqrt(one.variance), one.df, one.held, one.separable
    judged = separable & (held >= LEAST_DF)
    ratio = ratio / np.median(ratio[judged]) if judged.any() else np.full(n, np.nan)
    partners = _partners(seen, kept)
    tail = 0.5 - 0.5 * settings.level
    df = np.where(held >= LEAST_DF, df, np.nan)  # fewer are not reported, and their interval has no end
    columns = {
        "ratio": ratio,
        "lower": ratio * np.sqrt(df / special.chdtri(df, tail)),
        "upper": ratio * np.sqrt(df / special.chdtri(df, 1.0 - tail)),
        "p_value": p_ratio_above(ratio, df, bound=tolerated),
        "df": df,
        "held": held,
    }
    tests = np.unique(np.stack([seen.lab[kept], seen.sample[kept]]), axis=1)[0]
    return pl.DataFrame(
        {
            "lab": seen.labs,
            "n_blocks": np.bincount(seen.lab[kept], minlength=n),
            "n_samples": np.bincount(tests, minlength=n),
            "n_partners": partners,
            "separable": separable,
        }
    ).with_columns(pl.Series(name, values).fill_nan(None) for name, values in columns.items())


def _component(seen: Observations, kept: Ints, residual: Floats) -> _Found:
    labs, node = np.unique(seen.lab[kept], return_inverse=True)
    start = starts(seen.block[kept])
    block = np.repeat(np.arange(len(start) - 1), np.diff(start))
    nothing = np.full(len(labs), np.nan)
    if separability(node, block, n=len(labs), n_blocks=len(start) - 1) < LEAST_EIGENVALUE:
        return _Found(labs, nothing, nothing, nothing, separable=False)
    items = seen.lab[kept] * len(seen.items) + seen.item[kept]
    found = node_variances(start, node, residual, [seen.sample[kept], items], n=len(labs))
    held, cautious = effective_df(found)
    return _Found(labs, found.variance, held, cautious, separable=True)


def _partners(seen: Observations, kept: Ints) -> Ints:
    """Other laboratories that share a block with each."""
    frame = pl.DataFrame({"lab": seen.lab[kept], "block": seen.block[kept]})
    pairs = frame.join(frame, on="block").filter(pl.col("lab") != pl.col("lab_right")).select("lab", "lab_right").unique()
    return np.asarray(np.bincount(pairs["lab"].to_numpy(), minlength=len(seen.labs)), dtype=np.int64)


def _filled(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with zero counts where a laboratory has no block."""
    counts = ("n_blocks", "n_samples", "n_partners")
    missing = [pl.lit(None, dtype=pl.Int64).alias(name) for name in counts if name not in rows.columns]
    missing += [
        pl.lit(None, dtype=pl.Float64).alias(name)
        for name in ("ratio", "lower", "upper", "p_value", "df", "held")
        if name not in rows.columns
    ]
    missing += [pl.lit(None, dtype=pl.Boolean).alias("separable")] if "separable" not in rows.columns else []
    return rows.with_columns(missing).with_columns(pl.col(*counts).fill_null(0), pl.col("separable").fill_null(value=False))


def _judged(rows: pl.DataFrame, settings: BiasSettings) -> pl.DataFrame:
    """Rows with status and reason; what is not separable has no number."""
    reason = (
        pl.when(pl.col("n_partners") == 0)
        .then(pl.lit("precision.no_partner"))
        .when(pl.col("n_partners") < settings.min_partners)
        .then(pl.lit("precision.few_partners"))
        .when(pl.col("n_samples") < settings.min_samples)
        .then(pl.lit("precision.few_samples"))
        .when(~pl.col("separable"))
        .then(pl.lit("precision.bipartite"))
        .when(~(pl.col("held") >= LEAST_DF).fill_null(value=False))
        .then(pl.lit("precision.few_df"))
    )
    separated = pl.col("reason").is_in(["precision.bipartite", "precision.few_df"])
    status = (
        pl.when(pl.col("reason").is_null())
        .then(pl.lit(str(Status.ASSESSED)))
        .when(separated)
        .then(pl.lit(str(Status.NOT_SEPARABLE)))
        .otherwise(pl.lit(str(Status.NOT_ASSESSED)))
    )
    shown = pl.col("status") == str(Status.ASSESSED)
    return (
        rows.with_columns(reason=reason)
        .with_columns(status=status)
        .with_columns(pl.when(shown).then(pl.col(name)).alias(name) for name in ("ratio", "lower", "upper", "p_value", "df"))
    )
