"""Latent fits item by item, told and judged as biases are: status, reason, zero; nothing where no sign may be attributed."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy import sparse, special

from labqa.analysis import finishing
from labqa.analysis.bias_settings import BiasSettings
from labqa.analysis.comparable import Stated
from labqa.core import tables as t
from labqa.core.vocabulary import Scope, Zero
from labqa.stats.latent.network import Intervals, LatentFit
from labqa.stats.latent.peers import relative

KEPT = (
    "lab", "item", "estimate", "se", "df", "lower", "upper", "n_samples", "n_partners", "n_blocks", "component",
    "component_labs", "bridge_share", "zero", "status", "reason",
)  # fmt: skip


def told(fitted: LatentFit | None, seen: Stated, item: str, settings: BiasSettings) -> pl.DataFrame:
    """One row a laboratory of the item with its effect relative to its peers (null without a fit), not yet judged."""
    n = len(seen.labs)
    intervals = Intervals(seen.start, seen.lab, seen.low, seen.high, seen.lab, seen.lab)
    found = relative(fitted or _nothing(n, len(seen.lab)), intervals, seen.run, n=n)
    estimate, se = (np.where(fitted is None, np.nan, values) for values in (found.estimate, found.se))
    reach = special.stdtrit(found.df, 0.5 + 0.5 * settings.level) * se
    columns = {"estimate": estimate, "se": se, "df": found.df, "lower": estimate - reach, "upper": estimate + reach}
    frame = pl.DataFrame(
        {
            "lab": seen.labs,
            "scope": str(Scope.ITEM),
            "scope_id": item,
            "n_samples": found.n_blocks,
            "n_partners": found.n_partners,
            "n_blocks": found.n_blocks,
            "component": [seen.labs[one] for one in found.component],
            "component_labs": found.component_labs,
            "bridge_share": found.bridge,
            "zero": str(Zero.RELATIVE),
            "status": "assessed",
        }
        | {name: pl.Series(values, nan_to_null=True, dtype=pl.Float64) for name, values in columns.items()},
        schema_overrides={"lab": pl.String, "component": pl.String},
    )
    return t.shaped(frame, t.LabBias)


def _nothing(n: int, n_results: int) -> LatentFit:
    """A fit that says nothing, for the evidence of items that cannot be fitted."""
    from labqa.stats.latent.network import Penalty, State

    state = State(np.zeros(n), np.zeros(n), np.zeros(0), 1.0, 1.0)
    nothing = sparse.eye_array(n, format="csr"), sparse.csr_array((n, 1))
    return LatentFit(state, *nothing, np.zeros(n_results), 0.0, False, Penalty(1.0, 1.0))


def judged(rows: pl.DataFrame, settings: BiasSettings) -> pl.DataFrame:
    """Rows with status and reason by the rules of biases, named by item."""
    found = finishing.judged(rows, settings)
    return found.rename({"scope_id": "item"}).select(KEPT).sort("lab", "item")


def withheld(rows: pl.DataFrame, where: pl.Expr, reason: str) -> pl.DataFrame:
    """Rows whose claim is withdrawn, or that lack none but an error: undetermined for `reason`, and no figure that would give
    a sign."""
    lost = where & ((pl.col("status") == "assessed") | (pl.col("reason") == "bias.no_error_estimate").fill_null(value=False))
    figures = ("estimate", "se", "df", "lower", "upper", "zero")
    return rows.with_columns(
        *(pl.when(~lost).then(pl.col(name)).alias(name) for name in figures),
        status=pl.when(lost).then(pl.lit("undetermined")).otherwise("status"),
        reason=pl.when(lost).then(pl.lit(reason)).otherwise("reason"),
    )
