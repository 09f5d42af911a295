"""ζ and En of a pair from the uncertainties that the laboratories state: a second opinion, never a yardstick.

A stated u is limited to 0.5–1.5 times the median of the other laboratories' for that item, since the judged laboratory
chooses it: a 3 σ difference goes from En 1.06 to 0.47 when one laboratory triples its U.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from labqa.core.vocabulary import Scale
from labqa.stats.robust import location_scale
from labqa.stats.scores import reference

LEAST, MOST = 0.5, 1.5
MIN_PEERS = 3
"""Other laboratories that must state u for the item before a stated u is limited by theirs."""


def with_second_opinion(rows: pl.DataFrame, results: pl.DataFrame) -> pl.DataFrame:
    """Adds `zeta` and `en` (k = 2) where both results are quantified and state u."""
    peers = _peers(rows, results)
    for part in ("original", "retest"):
        named = peers.rename({"lab": f"{part}_lab", "peers_u": f"{part}_peers"})
        rows = rows.join(named, on=["item", f"{part}_lab"], how="left", maintain_order="left")
    used = {part: _limited(rows, part) for part in ("original", "retest")}
    x, y = (rows[f"{part}_value"].fill_null(float("nan")).to_numpy() for part in ("original", "retest"))
    return rows.with_columns(
        zeta=pl.Series(reference.zeta(y, x, used["retest"], used["original"]), nan_to_null=True),
        en=pl.Series(reference.en(y, x, 2 * used["retest"], 2 * used["original"]), nan_to_null=True),
    )


def _size(value: pl.Expr) -> pl.Expr:
    """What u is relative to: the value on ratio scales, 1 elsewhere."""
    return pl.when((pl.col("scale") == Scale.RATIO) & (value.abs() > 0)).then(value.abs()).otherwise(1.0)


def _peers(rows: pl.DataFrame, results: pl.DataFrame) -> pl.DataFrame:
    """Per item and laboratory: the median over the *other* laboratories of their median relative u."""
    stated = results.filter((pl.col("u") > 0) & pl.col("value").is_not_null() & pl.col("lab").is_not_null())
    scales = rows.select("item", "scale").unique()
    own = (
        stated.join(scales, on="item", how="inner")
        .group_by("item", "lab")
        .agg(own=(pl.col("u") / _size(pl.col("value"))).median())
        .sort("item", "own", "lab")
    )
    begins = own.select(pl.col("item").ne_missing(pl.col("item").shift(1))).to_series().to_numpy()
    offsets = np.append(np.flatnonzero(begins), own.height).astype(np.int64)
    others = location_scale.median_without_self(own["own"].to_numpy(), offsets)
    enough = np.repeat(np.diff(offsets), np.diff(offsets)) > MIN_PEERS
    return own.select("item", "lab", peers_u=pl.Series(np.where(enough, others, np.nan), nan_to_null=True))


def _limited(rows: pl.DataFrame, part: str) -> np.ndarray:
    """Stated u, inside the limits that the peers set; NaN where none is stated."""
    centre = pl.col(f"{part}_peers") * _size(pl.col(f"{part}_value"))
    u = pl.when(pl.col(f"{part}_u") > 0).then(f"{part}_u")
    limited = pl.when(centre.is_not_null()).then(u.clip(LEAST * centre, MOST * centre)).otherwise(u)
    return rows.select(limited.fill_null(float("nan")).alias("u")).to_series().to_numpy()
