"""The numbers that most results are: ASCII digits with or without a point, in the item's own unit.

The full rule of `numbers` reads them alike; it takes ten times as long, since it looks for signs, words, powers and units.
"""

from __future__ import annotations

import polars as pl

from labqa.core import codes
from labqa.core.vocabulary import Qualifier, Scale
from labqa.ingest import numbers

_PLAIN = r"^[0-9]+(?:\.[0-9]+)?$"
_MOST_LETTERS = 9
"""Nine digits count less than 2³² last digits, so that a float lacks nothing of them that `rest` would keep."""
_SCALES = [str(Scale.RATIO), str(Scale.INTERVAL)]
_UNITS = ["unit", "item_unit"]


def are(rows: pl.DataFrame) -> pl.Series:
    """Whether each row, its item joined, is such a number: quantified, on a ratio or interval scale, nothing to convert."""
    pairs = rows.select(_UNITS).unique()
    alike = [item_unit is not None and numbers.changes_nothing(unit, item_unit) for unit, item_unit in pairs.iter_rows()]
    pairs = pairs.with_columns(pl.Series("alike", alike, dtype=pl.Boolean))
    of_unit = rows.select(_UNITS).join(pairs, on=_UNITS, how="left", nulls_equal=True, maintain_order="left")["alike"]
    text, said = pl.col("text"), pl.col("delivered_qualifier")
    short = codes.read(rows["text"], (text.str.len_bytes() <= _MOST_LETTERS) & text.str.contains(_PLAIN))
    numeric = pl.col("scale").is_in(_SCALES) & (said.is_null() | (said == str(Qualifier.QUANTIFIED)))
    return rows.select((short & numeric & of_unit).fill_null(False)).to_series()


def typed(texts: pl.Series) -> pl.DataFrame:
    """What typing adds to rows with the texts of such numbers."""
    text = pl.col(texts.name)
    places = text.str.len_bytes().cast(pl.Int64) - text.str.find(".", literal=True).cast(pl.Int64) - 1
    value = codes.read(texts, text.cast(pl.Float64, strict=False))
    return pl.DataFrame([value.alias(name) for name in ("value", "lower", "upper")]).with_columns(
        codes.read(texts, places).fill_null(0).alias("decimals"),
        pl.lit(str(Qualifier.QUANTIFIED)).alias("qualifier"),
        pl.lit(None, dtype=pl.Float64).alias("rest"),
        pl.lit(1.0).alias("factor"),
        pl.lit(None, dtype=pl.String).alias("rule"),
    )
