"""LAB_CENSORED: bias on items with results below a reporting limit, by a likelihood of numbers and intervals together."""

from __future__ import annotations

import numpy as np
import polars as pl

from labqa.analysis import latent
from labqa.analysis.bias_settings import BiasSettings
from labqa.analysis.comparable import arranged
from labqa.core import tables as t
from labqa.core.threads import in_order
from labqa.core.vocabulary import Qualifier, Role, Scope, Status
from labqa.stats.latent.numbers import Levels, fit_numbers, levels, stabilised

USED_REASONS = ("bias.censored", "bias.near_loq")
"""Blocks that the fit leaves out and the interval likelihood uses."""
LEAST_BLOCKS, LEAST_SHARE = 10, 0.05
"""An item is fitted where so many of its comparable blocks, and this share, lie at a limit: elsewhere the fit loses nothing."""
LEAST_ORIGINALS = 200
"""Fewest first results from which the distribution of true levels is estimated."""


def usable(compared: pl.DataFrame, told: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """Rows of `comparable.stated` that the interval likelihood may use: blocks of the fit and those at a limit, of items on
    which these are enough."""
    numeric = items.filter(~pl.col("scale").is_in(["ordinal", "binary"])).select("item")
    here = told.filter(pl.col("used_for_bias") | pl.col("why_not").is_in(USED_REASONS)).join(numeric, on="item", how="semi")
    kept = compared.join(here.select("block", at_limit=~pl.col("used_for_bias")), on="block")
    blocks = kept.select("item", "block", "at_limit").unique()
    counted = blocks.group_by("item").agg(n=pl.col("at_limit").sum(), share=pl.col("at_limit").mean())
    chosen = counted.filter((pl.col("n") >= LEAST_BLOCKS) & (pl.col("share") >= LEAST_SHARE))
    return kept.join(chosen.select("item"), on="item", how="semi").sort("item", "sample", "lab")


def lab_censored(
    chosen: pl.DataFrame, results: pl.DataFrame, yardsticks: pl.DataFrame, lab_bias: pl.DataFrame, settings: BiasSettings
) -> pl.DataFrame:
    """LAB_CENSORED from rows of `usable`; the fit's own figure of the same laboratory and item beside it."""
    first = results.filter(
        (pl.col("role") == str(Role.ORIGINAL)) & (pl.col("qualifier") != str(Qualifier.NOT_APPLICABLE))
    ).join(chosen.select("item").unique(), on="item", how="semi")
    sigma = {row[0]: row[1:] for row in yardsticks.select("item", "sigma_R_constant", "sigma_R_slope").iter_rows()}

    def of(group: tuple[tuple[object, ...], pl.DataFrame]) -> pl.DataFrame:
        (item,), part = group
        constant, slope = (float(value or 0.0) for value in sigma[str(item)])
        return _of_item(str(item), part, first.filter(pl.col("item") == item), constant, slope, settings)

    rows = [*in_order(of, chosen.group_by("item", maintain_order=True))]
    if not rows:
        return t.empty(t.LabCensored)
    own = lab_bias.filter((pl.col("scope") == str(Scope.ITEM)) & (pl.col("status") == str(Status.ASSESSED)))
    fit = own.select("lab", item="scope_id", fit_estimate="estimate", fit_lower="lower", fit_upper="upper", fit_zero="zero")
    found = pl.concat(rows).join(fit, on=["lab", "item"], how="left")
    return t.shaped(found, t.LabCensored).sort("lab", "item")


def _of_item(
    item: str, rows: pl.DataFrame, first: pl.DataFrame, constant: float, slope: float, settings: BiasSettings
) -> pl.DataFrame:
    negative = bool((rows["high"].to_numpy() < 0).any())
    if slope > 0 and negative:  # σR grows with |level| on both sides of zero: one σR, at the median level
        constant, slope = constant + slope * float(np.median(np.abs(rows["high"].to_numpy()))), 0.0
    seen = arranged(rows)
    low, high = (_scaled(values, constant, slope) for values in (seen.low, seen.high))
    fitted = None
    if first.height >= LEAST_ORIGINALS:
        fitted = fit_numbers(seen.start, seen.lab, low, high, _levels(first, constant, slope), n=len(seen.labs))
    found = latent.judged(latent.told(fitted, seen, item, settings), settings)
    if fitted is None:
        found = latent.withheld(found, pl.lit(value=True), "kinds.few_originals")
    elif not fitted.converged:
        found = latent.withheld(found, pl.lit(value=True), "kinds.not_converged")
    at_limit = rows.group_by("lab").agg(n_at_limit=pl.col("at_limit").sum(), n_censored=pl.col("censored").sum())
    return found.join(at_limit, on="lab", how="left", maintain_order="left")


def _levels(first: pl.DataFrame, constant: float, slope: float) -> Levels:
    number = pl.col("qualifier") == str(Qualifier.QUANTIFIED)
    below = pl.col("qualifier") == str(Qualifier.BELOW)
    ends = first.select(
        low=pl.when(number).then("value").when(below).then(float("-inf")).otherwise(pl.col("lower").fill_null(float("-inf"))),
        high=pl.when(number).then("value").otherwise(pl.col("upper").fill_null(float("inf"))),
    ).sort("low", "high")
    return levels(*(_scaled(ends[name].to_numpy(), constant, slope) for name in ("low", "high")))


def _scaled(values: np.ndarray, constant: float, slope: float) -> np.ndarray:
    """Values in σR on the scale on which σR is 1 at every level; open ends stay open."""
    closed = np.isfinite(values)
    inside = stabilised(np.where(closed, values, 1.0), constant=constant, slope=slope)
    return np.where(closed, inside, values)
