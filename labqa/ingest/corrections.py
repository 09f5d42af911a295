"""Corrections: rows that supersede accepted ones. They append a revision and never replace."""

from __future__ import annotations

import polars as pl

from labqa.core import tables
from labqa.ingest.readers import ROW
from labqa.ingest.samples import FOLLOWERS, OF_SAMPLE, broken

_KEY = ["sample", "item", "lab", "role", "replicate"]
"""What a result goes by whatever its revision; its round is its sample's."""
_SAME = [
    name
    for name in tables.Results.column_names()
    if name not in {*_KEY, *OF_SAMPLE, "programme", "result", "revision", "file", "row", "raw"}
]
"""What a correction may change."""
_STAYS = ("run", "tested_on", "reported_verdict", "method", "report", "retest_blind", "selection_probability")
_OF_SAMPLE_STAYS = ("product", "sampler", "drawn_on")
"""What stays as it was accepted where a correction leaves it empty; a retest takes its sample's from the original."""


def revised(rows: pl.DataFrame, stated: pl.Series, known: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows as the next revision of the accepted results they correct, and those that correct none or change nothing.

    What a row leaves empty besides its value stays as it was. `stated`: numbers of the rows whose revision was delivered; it
    is kept, and refused later if it is taken.
    """
    seen = [*_SAME, *OF_SAMPLE]
    latest = known.sort("revision").unique(_KEY, keep="last", maintain_order=True)
    before = latest.select(
        *_KEY, pl.col("revision").alias(_before("revision")), *(pl.col(name).alias(_before(name)) for name in seen)
    )
    met = rows.join(before, on=_KEY, how="left", nulls_equal=True, maintain_order="left")
    follows = pl.col("role").is_in(FOLLOWERS)  # what they say of the sample is its original's
    met = met.with_columns(
        *(pl.col(name).fill_null(pl.col(_before(name))) for name in _STAYS),
        *(
            pl.when(follows).then(name).otherwise(pl.col(name).fill_null(pl.col(_before(name)))).alias(name)
            for name in _OF_SAMPLE_STAYS
        ),
    )
    alike = {name: pl.col(name).eq_missing(pl.col(_before(name))) for name in seen}
    idle = pl.all_horizontal(alike[name] for name in _SAME) & (follows | pl.all_horizontal(alike[name] for name in OF_SAMPLE))
    unmet = pl.col(_before("revision")).is_null()
    own = pl.col(ROW).is_in(stated.implode())
    next_revision = pl.when(own).then("revision").otherwise(pl.col(_before("revision")) + 1)
    kept = met.filter(~unmet & ~idle).with_columns(next_revision.alias("revision")).select(rows.columns)
    refused = [
        broken(met.filter(unmet), "sample", "correction_without_result"),
        broken(met.filter(~unmet & idle), "value", "correction_changes_nothing"),
    ]
    return kept, pl.concat(refused)


def _before(name: str) -> str:
    return f"\0before {name}"
