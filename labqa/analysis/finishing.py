"""LAB_BIAS from the estimates of each scope: intervals, what is drawn to the mean, status and reason, what could be shown."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from labqa.analysis import evidence, shrinkage
from labqa.analysis.bias_settings import BiasSettings
from labqa.core import tables as t
from labqa.core.vocabulary import Scope
from labqa.stats.bounds import p_bias_above, smallest_shown
from labqa.stats.network.between import between_sd


def finished(rows: pl.DataFrame, met: pl.DataFrame, settings: BiasSettings) -> pl.DataFrame:
    """The table: intervals, smallest demonstrable bias, status and reason, one row for every laboratory at least."""
    seen = rows.filter(pl.col("scope") == str(Scope.LAB))["lab"]
    rows = pl.concat([rows, _unassessed(met.filter(~pl.col("lab").is_in(seen.to_list())))])
    told = judged(_with_tau(shrinkage.towards_own_lab(_with_shrunken(with_interval(rows, settings))), settings), settings)
    return t.shaped(_with_detectable(told, settings), t.LabBias).sort("lab", "scope", "scope_id")


def judged(rows: pl.DataFrame, settings: BiasSettings) -> pl.DataFrame:
    """Rows of LAB_BIAS with `status` and `reason` by the rules of evidence, as the settings have them."""
    return evidence.judged(
        rows,
        min_samples=settings.min_samples,
        min_item_samples=settings.min_item_samples,
        min_partners=settings.min_partners,
        min_labs=settings.min_labs,
        max_bridge=settings.max_bridge,
        max_gross=settings.max_gross,
        max_lean=settings.max_lean,
    )


def _unassessed(met: pl.DataFrame) -> pl.DataFrame:
    """Rows of laboratories without any block that the fit could use: whom they met is told all the same."""
    return t.shaped(
        met.with_columns(scope=pl.lit(str(Scope.LAB)), scope_id=pl.lit(""), n_blocks=0, status=pl.lit("not_assessed")),
        t.LabBias,
    )


def with_interval(rows: pl.DataFrame, settings: BiasSettings) -> pl.DataFrame:
    """Rows with the t interval of the estimate."""
    estimate, se, df = (rows[name].fill_null(np.nan).to_numpy() for name in ("estimate", "se", "df"))
    reach = special.stdtrit(df, 0.5 + 0.5 * settings.level) * se
    new = {"lower": estimate - reach, "upper": estimate + reach}
    return rows.with_columns(pl.Series(name, values).fill_nan(None) for name, values in new.items())


def _with_shrunken(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with the estimate drawn to the mean of its scope: empirical Bayes, variance between laboratories by Paule–Mandel."""
    known = rows.filter(pl.col("se") > 0)
    group = known.select(pl.struct("scope", "scope_id").rank("dense") - 1).to_series().to_numpy().astype(np.int64)
    estimate, variance = known["estimate"].to_numpy(), known["se"].to_numpy() ** 2
    n = int(group.max(initial=-1)) + 1
    between = np.nan_to_num(between_sd(group, estimate, variance, n=n).sd) ** 2
    weight = 1.0 / (variance + between[group])
    mean = np.bincount(group, weights=weight * estimate, minlength=n) / np.maximum(
        np.bincount(group, weights=weight, minlength=n), 1e-300
    )
    drawn = mean[group] + (estimate - mean[group]) * between[group] * weight
    keys = known.select("lab", "scope", "scope_id").with_columns(shrunken=pl.Series(drawn, dtype=pl.Float64))
    return t.shaped(
        rows.drop("shrunken").join(keys, on=["lab", "scope", "scope_id"], how="left", maintain_order="left"), t.LabBias
    )


def _with_tau(rows: pl.DataFrame, settings: BiasSettings) -> pl.DataFrame:
    """Rows of the scope `lab` with the SD between the biases of the laboratory's items that carry a sign."""
    carried = (
        (pl.col("n_partners") >= settings.min_partners)
        & (pl.col("component_labs") >= settings.min_labs)
        & (pl.col("bridge_share") <= settings.max_bridge)
    )
    known = rows.filter((pl.col("scope") == str(Scope.ITEM)) & (pl.col("se") > 0) & carried)
    names = known["lab"].unique().sort()
    group = names.search_sorted(known["lab"]).to_numpy().astype(np.int64) if len(names) else np.zeros(0, np.int64)
    found = between_sd(group, known["estimate"].to_numpy(), known["se"].to_numpy() ** 2, n=len(names))
    columns = {"tau": found.sd, "tau_lower": found.lower, "tau_upper": found.upper}
    keyed = pl.DataFrame(
        {"lab": names, "scope": str(Scope.LAB)}
        | {name: pl.Series(values, dtype=pl.Float64).fill_nan(None) for name, values in columns.items()},
        schema_overrides={"lab": pl.String, "scope": pl.String},
    )
    return t.shaped(rows.drop(list(columns)).join(keyed, on=["lab", "scope"], how="left", maintain_order="left"), t.LabBias)


def _with_detectable(rows: pl.DataFrame, settings: BiasSettings) -> pl.DataFrame:
    """Judged rows with the smallest |bias| that the tests of a rating would show: mean, assessed items, precision and gross
    errors of a laboratory share the error rate, and a deduction must hold with a yardstick larger by the swing."""
    se, df = (rows[name].fill_null(np.nan).to_numpy() for name in ("se", "df"))
    shown = smallest_shown(se, df, bound=settings.delta0 * (1.0 + settings.swing), alpha=settings.alpha / _tests(rows))
    return rows.with_columns(detectable=pl.Series(shown).fill_nan(None))


def beyond_tolerance(rows: pl.DataFrame, settings: BiasSettings) -> pl.Series:
    """Of each judged row whether its bias is shown to exceed δ0, with a yardstick larger by the swing, too, as the tests of a
    rating would show it."""
    estimate, se, df = (rows[name].fill_null(np.nan).to_numpy() for name in ("estimate", "se", "df"))
    p = p_bias_above(estimate, se, df, bound=settings.delta0 * (1.0 + settings.swing))
    return pl.Series(np.nan_to_num(p, nan=1.0) <= settings.alpha / _tests(rows))


def _tests(rows: pl.DataFrame) -> NDArray[np.int64]:
    """With how many tests each row shares its laboratory's error rate: mean and items assessed, precision and gross errors."""
    tested = (pl.col("status") == "assessed") & pl.col("scope").is_in([str(Scope.LAB), str(Scope.ITEM)])
    return np.asarray(rows.select(2 + tested.sum().over("lab")).to_series().to_numpy(), dtype=np.int64)
