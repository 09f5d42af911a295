"""Scores of comparison rounds: each laboratory against the assigned value, or against the consensus of the *others*."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from labqa.analysis.pairing import tests as tests_of
from labqa.analysis.scale import SIGMA_COLUMNS, sigma_between
from labqa.core import tables as t
from labqa.core.vocabulary import Role
from labqa.stats.robust import consensus
from labqa.stats.scores import reference

Floats = NDArray[np.float64]


def pt_scores(results: pl.DataFrame, samples: pl.DataFrame, yardsticks: pl.DataFrame) -> pl.DataFrame:
    """PT_SCORES: one row a laboratory's result (replicates averaged) in a comparison round, sorted by sample, item, lab.

    x_pt is the assigned value where there is one, else Algorithm A of the other laboratories. σ_pt is σR at x_pt; where
    u(x_pt) reaches 0.3 σ_pt, √(σ_pt² + u²) stands in its place (z′, ISO 13528:2022, 9.5). z is null where no consensus
    can be trusted: fewer than 5 others, their s* above 2 σ_pt, or more than one mode; and for censored results and items
    without a yardstick.
    """
    rows = tests_of(results.filter(pl.col("role").is_in([str(Role.PT), str(Role.ASSIGNED)])))
    entries = rows.filter((pl.col("role") == Role.PT) & pl.col("lab").is_not_null())
    assigned = rows.filter((pl.col("role") == Role.ASSIGNED) & pl.col("value").is_not_null())
    assigned = assigned.unique(["sample", "item"], keep="first", maintain_order=True).select(
        "sample", "item", x_assigned="value", u_assigned="u"
    )
    entries = entries.select("result", "lab", "sample", "item", "value")
    entries = entries.join(assigned, on=["sample", "item"], how="left", maintain_order="left")
    entries = entries.join(samples.select("sample", "round", "period"), on="sample", how="left", maintain_order="left")
    entries = entries.join(yardsticks.select("item", *SIGMA_COLUMNS), on="item", how="left", maintain_order="left")
    scored = _scored(entries.filter(pl.col("value").is_not_null()).sort("sample", "item", "value", "lab", "result"))
    left = entries.filter(pl.col("value").is_null()).with_columns(
        anchored=pl.col("x_assigned").is_not_null(), n_others=pl.lit(0)
    )
    together = pl.concat([t.shaped(scored, t.PtScores), t.shaped(left, t.PtScores)])
    return together.sort("sample", "item", "lab", "result")


def _scored(rows: pl.DataFrame) -> pl.DataFrame:
    """Scores of quantified results, sorted by sample, item and value."""
    begins = rows.select(
        pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in ("sample", "item"))
    ).to_series().to_numpy()  # fmt: skip
    offsets = np.append(np.flatnonzero(begins), rows.height).astype(np.int64)
    value = rows["value"].to_numpy()
    others = consensus.consensus_of_others(value, offsets)
    anchored = rows["x_assigned"].is_not_null().to_numpy()
    x_pt = np.where(anchored, rows["x_assigned"].fill_null(float("nan")).to_numpy(), others.centre)
    sigma = (
        rows.with_columns(x=pl.Series(x_pt)).select(sigma_between(pl.col("x")).fill_null(float("nan"))).to_series().to_numpy()
    )
    u = np.where(anchored, rows["u_assigned"].fill_null(0.0).to_numpy(), others.u)
    modes = np.repeat(consensus.modes_by_group(value, offsets, _of_group(sigma, offsets)), np.diff(offsets))
    fit = anchored | consensus.trusted(others.n, others.scale, sigma, modes)
    assessed = np.where(u >= consensus.NEGLIGIBLE_U * sigma, reference.combined(sigma, u), sigma)
    z = np.where(fit, reference.z_score(value, x_pt, assessed), np.nan)
    return rows.with_columns(
        x_pt=pl.Series(np.where(fit, x_pt, np.nan), nan_to_null=True),
        sigma_pt=pl.Series(np.where(fit, assessed, np.nan), nan_to_null=True),
        z=pl.Series(z, nan_to_null=True),
        anchored=pl.Series(anchored),
        n_others=pl.Series(others.n),
    )


def _of_group(sigma: Floats, offsets: NDArray[np.int64]) -> Floats:
    """σ_pt of the middle value of each group."""
    return sigma[(offsets[:-1] + offsets[1:]) // 2] if len(offsets) > 1 else np.empty(0)
