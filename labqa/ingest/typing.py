"""Typing: delivered text with the item's scale and unit becomes qualifier, value, interval and decimals, or a rule refuses it.

A row to be typed has, as text or as codes of it, `text`, `delivered_qualifier` (a word of the vocabulary or null), `unit` (null
stands for `1`), `reporting_limit` (a number as text, in that unit, or null), and of its item `scale`, `item_unit`, `grades`,
`lod` and `loq`.
"""

from __future__ import annotations

import polars as pl

from labqa.core.codes import written
from labqa.core.vocabulary import NUMERIC_SCALES
from labqa.ingest import grades, numbers, plain_numbers

TYPED = {
    **{"qualifier": pl.String, "value": pl.Float64, "rest": pl.Float64, "lower": pl.Float64, "upper": pl.Float64},
    **{"decimals": pl.Int64, "factor": pl.Float64, "rule": pl.String},
}
"""What typing adds to a row: `factor` from the delivered unit to the item's, `rule` that refuses it (null where accepted)."""
_READ = ["text", "delivered_qualifier", "unit", "reporting_limit", "scale", "item_unit", "grades", "lod", "loq"]
_TYPED = [pl.col(name).cast(dtype) for name, dtype in TYPED.items()]


def typed(rows: pl.DataFrame) -> pl.DataFrame:
    """`TYPED` for each row, in the order of the rows; all null where the scale is (an item that is not registered)."""
    plain = plain_numbers.are(rows)
    places = (~plain).arg_true()
    full = _in_full(written(rows.select(_READ)[places])).select(_TYPED)
    if full.height == rows.height:
        return full
    of_all = plain_numbers.typed(rows["text"]).select(_TYPED)
    return pl.DataFrame([column.scatter(places, full[column.name]) for column in of_all])


def _in_full(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with what typing adds; what many of them say alike is read once."""
    kinds = rows.unique()
    numeric = pl.col("scale").is_in([str(scale) for scale in NUMERIC_SCALES])
    read = [numbers.typed(kinds.filter(numeric)), grades.typed(kinds.filter(~numeric))]
    known = pl.concat(part.select(*_READ, *_TYPED) for part in read)
    return rows.join(known, on=_READ, how="left", nulls_equal=True, maintain_order="left")
