"""Shrunken biases of items: drawn to the laboratory's own shrunken mean, not to the centre of all laboratories."""

from __future__ import annotations

import numpy as np
import polars as pl

from labqa.core.vocabulary import Scope
from labqa.stats.network.between import shrunken_deviations


def towards_own_lab(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of LAB_BIAS in which `shrunken` of items and families starts from the laboratory's `shrunken` of the scope `lab`.

    A laboratory that is high as a whole is probably high on an item that it seldom tested too. The deviation of the item from
    the laboratory's estimate keeps the share τ²/(τ² + se²), τ² by Paule–Mandel over all laboratories and items of the scope.
    """
    whole = rows.filter((pl.col("scope") == str(Scope.LAB)) & pl.col("shrunken").is_not_null())
    own = whole.select("lab", of_lab="estimate", to="shrunken")
    known = rows.filter((pl.col("scope") != str(Scope.LAB)) & (pl.col("se") > 0)).join(own, on="lab", how="inner")
    if known.is_empty():
        return rows
    known = known.sort("scope", "lab", "scope_id")
    group = (known["scope"].rank("dense") - 1).to_numpy().astype(np.int64)
    deviation = (known["estimate"] - known["of_lab"]).to_numpy()
    kept = shrunken_deviations(group, deviation, known["se"].to_numpy() ** 2, n=int(group.max()) + 1)
    drawn = known.select("lab", "scope", "scope_id", hierarchical=pl.col("to") + pl.Series(kept))
    joined = rows.join(drawn, on=["lab", "scope", "scope_id"], how="left", maintain_order="left")
    return joined.with_columns(shrunken=pl.coalesce("hierarchical", "shrunken")).drop("hierarchical")
