"""Bias of each laboratory on the network: mean, by family and by item, with clustered errors and the zero stated."""

from __future__ import annotations

import numpy as np
import polars as pl

from labqa.analysis import evidence
from labqa.analysis.bias_settings import BiasSettings
from labqa.analysis.finishing import finished
from labqa.analysis.network import Network, forget
from labqa.analysis.observations import Observations, observations
from labqa.analysis.sample_causes import Causes, without_sample_causes
from labqa.analysis.weights import Weighted, weighted
from labqa.core import tables as t


def lab_bias(
    results: pl.DataFrame,
    samples: pl.DataFrame,
    blocks: pl.DataFrame,
    items: pl.DataFrame,
    yardsticks: pl.DataFrame,
    settings: BiasSettings,
    *,
    without: pl.DataFrame | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """LAB_BIAS of every laboratory named in the results, and BLOCKS with `used_for_bias` and `why_not` filled.

    `without` is YARDSTICKS_WITHOUT: a laboratory it names is stated in units of σR without its own results.
    """
    return fitted(results, samples, blocks, items, yardsticks, settings, without=without)[:2]


def fitted(
    results: pl.DataFrame,
    samples: pl.DataFrame,
    blocks: pl.DataFrame,
    items: pl.DataFrame,
    yardsticks: pl.DataFrame,
    settings: BiasSettings,
    *,
    without: pl.DataFrame | None = None,
    swapped: pl.DataFrame | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame, Network | None]:
    """As `lab_bias`, with the network from which its rows were made; none where nothing can be compared."""
    network, used = networked(results, blocks, items, yardsticks, settings, without=without, swapped=swapped)
    return stated(network, results, blocks, settings), used, network


def networked(
    results: pl.DataFrame,
    blocks: pl.DataFrame,
    items: pl.DataFrame,
    yardsticks: pl.DataFrame,
    settings: BiasSettings,
    *,
    without: pl.DataFrame | None = None,
    swapped: pl.DataFrame | None = None,
) -> tuple[Network | None, pl.DataFrame]:
    """The network, none where nothing can be compared, and BLOCKS as its fit used them. It still holds the inverse on which
    its variance components rest, until it is told to forget it."""
    seen, told, causes = observed(results, blocks, items, yardsticks, settings, swapped)
    if not len(seen.y):
        return None, told
    weights = weighted(seen, robust=settings.robust, corner=settings.corner, end=settings.end)
    own = t.empty(t.YardsticksWithout) if without is None else without
    return Network(seen, weights, items, yardsticks, settings, own, causes), _without_gross(told, seen, weights)


def stated(network: Network | None, results: pl.DataFrame, blocks: pl.DataFrame, settings: BiasSettings) -> pl.DataFrame:
    """LAB_BIAS of every laboratory named in the results."""
    met = evidence.met(results, blocks)
    if network is None:
        return finished(t.empty(t.LabBias), met, settings)
    forget(network.counted)
    return finished(pl.concat([network.whole(), network.by_family(), network.by_item]), met, settings)


def observed(
    results: pl.DataFrame,
    blocks: pl.DataFrame,
    items: pl.DataFrame,
    yardsticks: pl.DataFrame,
    settings: BiasSettings,
    swapped: pl.DataFrame | None = None,
) -> tuple[Observations, pl.DataFrame, Causes]:
    """The observations that the settings let into the fit, BLOCKS with `used_for_bias` and `why_not`, and what is charged to
    samples; `swapped` names tests (lab, sample) that an interchange explains."""
    seen, told = observations(
        results,
        blocks,
        items,
        yardsticks,
        scale=settings.scale,
        include_objection=settings.include_objection,
        blunder=settings.blunder if settings.robust else None,
    )
    return without_sample_causes(seen, told, swapped, screened=settings.robust and settings.scale != "raw")


def _without_gross(told: pl.DataFrame, seen: Observations, weights: Weighted) -> pl.DataFrame:
    """BLOCKS in which the robust steps left fewer than two observations are told as such."""
    left = np.bincount(seen.block, weights=weights.weight > 0, minlength=len(seen.block_ids))
    gone = pl.DataFrame(
        {"block": [block for block, n in zip(seen.block_ids, left, strict=True) if n < 2]}, schema={"block": pl.String}
    )
    out = pl.col("block").is_in(gone["block"].to_list())
    return told.with_columns(
        used_for_bias=pl.col("used_for_bias") & ~out,
        why_not=pl.when(out).then(pl.lit("bias.gross_error")).otherwise(pl.col("why_not")),
    )
