"""How much may be claimed of a bias: not assessed, undetermined, or assessed; not assessed goes first."""

from __future__ import annotations

import polars as pl

from labqa.core.vocabulary import Status


def judged(
    rows: pl.DataFrame, *, min_samples: int, min_item_samples: int, min_partners: int, min_labs: int, max_bridge: float
) -> pl.DataFrame:
    """Rows of LAB_BIAS with `status` and `reason`, and null wherever no sign may be attributed.

    Rows of one item need `min_item_samples`, others `min_samples`. No sign is attributed in components of fewer than `min_labs`
    laboratories, to a laboratory with fewer than `min_partners`, or across a bridge that carries more than `max_bridge`.
    """
    least = pl.when(pl.col("scope") == "item").then(min_item_samples).otherwise(min_samples)
    no_error = ~(pl.col("se") > 0).fill_null(value=False)
    reason = (
        pl.when(pl.col("n_partners") == 0)
        .then(pl.lit("bias.no_partner"))
        .when(pl.col("n_partners") < min_partners)
        .then(pl.lit("bias.few_partners"))
        .when(pl.col("n_samples") < least)
        .then(pl.lit("bias.few_samples"))
        .when(pl.col("component_labs") < min_labs)
        .then(pl.lit("bias.small_component"))
        .when(pl.col("bridge_share") > max_bridge)
        .then(pl.lit("bias.bridge"))
        .when(no_error)
        .then(pl.lit("bias.no_error_estimate"))
    )
    few = ["bias.no_partner", "bias.few_partners", "bias.few_samples"]
    status = (
        pl.when(pl.col("reason").is_null())
        .then(pl.lit(str(Status.ASSESSED)))
        .when(pl.col("reason").is_in(few))
        .then(pl.lit(str(Status.NOT_ASSESSED)))
        .otherwise(pl.lit(str(Status.UNDETERMINED)))
    )
    signless = (
        (pl.col("n_partners") < min_partners)
        | (pl.col("component_labs") < min_labs)
        | (pl.col("bridge_share") > max_bridge).fill_null(value=True)
        | no_error
    )
    hidden = [
        "estimate", "se", "df", "lower", "upper", "shrunken", "oriented", "oriented_lower", "oriented_upper",
        "tau", "tau_lower", "tau_upper", "detectable",
    ]  # fmt: skip
    return (
        rows.with_columns(reason=reason)
        .with_columns(status=status, nothing=signless)
        .with_columns(pl.when(~pl.col("nothing")).then(pl.col(name)).alias(name) for name in hidden)
        .with_columns(zero=pl.when(~pl.col("nothing")).then(pl.col("zero")))
        .drop("nothing")
    )
