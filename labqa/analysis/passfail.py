"""LAB_AGREEMENT: how often a laboratory agrees with others on yes or no, and whether it passes what others fail."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy import special

from labqa.analysis import latent
from labqa.analysis.bias_settings import BiasSettings
from labqa.analysis.comparable import Stated, arranged
from labqa.core import tables as t
from labqa.core.vocabulary import Scale, Status
from labqa.stats.agreement.conditional import conditional_logit
from labqa.stats.agreement.shares import agreement

LEAST_DISCORDANT = 10
"""Fewest discordant samples on which the odds of passing are stated: below, the exact test alone speaks."""


def lab_agreement(compared: pl.DataFrame, items: pl.DataFrame, settings: BiasSettings) -> pl.DataFrame:
    """LAB_AGREEMENT from rows of `comparable.stated`: all yes/no items together (item ``), and each."""
    chosen = compared.join(items.filter(pl.col("scale") == str(Scale.BINARY)).select("item"), on="item", how="semi")
    rows = chosen.filter(~pl.col("censored")).filter(pl.len().over("block") >= 2)
    if not rows.height:
        return t.empty(t.LabAgreement)
    parts = [_of_scope("", rows, settings)]
    parts += [_of_scope(str(item), part, settings) for (item,), part in rows.group_by("item", maintain_order=True)]
    return t.shaped(pl.concat(parts), t.LabAgreement).sort("lab", "item")


def _of_scope(item: str, rows: pl.DataFrame, settings: BiasSettings) -> pl.DataFrame:
    seen = arranged(rows)
    yes, n = seen.low == 1.0, len(seen.labs)
    first = seen.start[:-1]
    cluster, stratum = (rows[name].rank("dense").to_numpy().astype(np.int64)[first] - 1 for name in ("sample", "item"))
    found = agreement(seen.start, seen.lab, yes, cluster, stratum, n=n, level=settings.level)
    samples = rows.group_by("lab").agg(n_samples=pl.col("sample").n_unique()).sort("lab")["n_samples"]
    base = latent.told(None, seen, item, settings).with_columns(n_samples=samples).sort("lab")
    least = settings.min_item_samples if item else settings.min_samples
    reason = (
        pl.when(pl.col("n_partners") < settings.min_partners).then(pl.lit("bias.few_partners"))
        .when(pl.col("n_samples") < least).then(pl.lit("bias.few_samples"))
    )  # fmt: skip
    told = base.select("lab", "n_samples", "n_partners", "n_blocks").with_columns(
        pl.lit(item).alias("item"),
        *(pl.Series(name, getattr(found, name)) for name in ("lower", "upper", "expected", "n_discordant", "p_value")),
        pl.Series("agreement", found.share),
        pl.Series("passed", found.yes),
        pl.Series("passed_expected", found.yes_expected),
        reason=reason,
    )
    told = told.with_columns(
        status=pl.when(pl.col("reason").is_null())
        .then(pl.lit(str(Status.ASSESSED)))
        .otherwise(pl.lit(str(Status.NOT_ASSESSED)))
    )
    return t.shaped(told.join(_odds(item, rows, seen, settings), on="lab", how="left", maintain_order="left"), t.LabAgreement)


def _odds(item: str, rows: pl.DataFrame, seen: Stated, settings: BiasSettings) -> pl.DataFrame:
    """Log odds of passing relative to the peers, of the laboratories whose discordant samples bear them."""
    block = np.repeat(np.arange(len(seen.start) - 1), np.diff(seen.start))
    yes = seen.low == 1.0
    share = np.bincount(block, weights=yes) / np.diff(seen.start)
    split = rows.filter(pl.Series(((share > 0) & (share < 1))[block]))
    empty = pl.DataFrame(schema={"lab": pl.String, **dict.fromkeys(("odds", "odds_se", "odds_lower", "odds_upper"), pl.Float64),
                                 "odds_reason": pl.String})  # fmt: skip
    if not split.height:
        return empty
    inner = arranged(split)
    said = inner.low == 1.0
    fitted = conditional_logit(inner.start, inner.lab, said, n=len(inner.labs))
    raw = latent.told(fitted, inner, item, settings).sort("lab")
    counts, passes = (np.bincount(inner.lab, weights=w, minlength=len(inner.labs)) for w in (None, said))
    one_way = pl.Series((passes == 0) | (passes == counts))
    few = raw["n_samples"] < LEAST_DISCORDANT
    found = latent.judged(raw, settings).sort("lab")
    reason = (
        pl.when(few).then(pl.lit("kinds.few_discordant")).when(one_way).then(pl.lit("kinds.one_way")).otherwise(found["reason"])
    )
    shown = found.with_columns(odds_reason=reason)
    # the normal law, since what is counted are discordances and their variance is known
    reach = float(special.ndtri(0.5 + 0.5 * settings.level))
    known = pl.col("odds_reason").is_null()
    return shown.select(
        "lab",
        odds=pl.when(known).then("estimate"),
        odds_se=pl.when(known).then("se"),
        odds_lower=pl.when(known).then(pl.col("estimate") - reach * pl.col("se")),
        odds_upper=pl.when(known).then(pl.col("estimate") + reach * pl.col("se")),
        odds_reason="odds_reason",
    )
