"""Decimal and thousands marks: numbers as a profile declares them, rewritten with a decimal point and no thousands marks.

What a profile does not settle is left as delivered, so that typing refuses it: 1,234 may be a thousand times 1.234.
"""

from __future__ import annotations

import re

import polars as pl

from labqa.ingest import words

FIELDS = ("value", "reporting_limit", "expanded_u", "k", "u", "selection_probability")
"""Fields that hold numbers."""
AMBIGUOUS = (
    r"^(?:<=|>=|<|>|=)?\s*[+-]?(?:"
    r"[0-9]+,[0-9]+"  # 1,234 and 1,5
    r"|[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+"  # 1.234,5
    r"|[0-9]{1,3}(?:\.[0-9]{3}){2,}"  # 1.234.567
    r"|[0-9]{1,3}(?:[ '’][0-9]{3})+(?:[.,][0-9]+)?"  # 1 234,5
    r")(?:[eE][+-]?[0-9]{1,4})?\s*(?:[^0-9.,\s][^<>=~]*)?$"
)
"""Numbers in plain form whose marks may part thousands or decimals."""
_SWAPPED = {",": ".", ".": ","}


def pointed(text: pl.Expr, *, decimal: str, thousands: str) -> pl.Expr:
    """Delivered numbers with a decimal point, thousands marks taken out where the profile declares one; other text is kept."""
    plain = words.plain_column(text)
    if thousands:
        mark, point = re.escape(thousands), re.escape(decimal)
        grouped = plain.str.extract_groups(
            rf"^([^0-9]*)([0-9]{{1,3}}(?:{mark}[0-9]{{3}})+)((?:{point}[0-9]+)?(?:[eE][+-]?[0-9]+)?(?:\s*[^0-9.,\s].*)?)$"
        )
        joined = grouped.struct[0] + grouped.struct[1].str.replace_all(thousands, "", literal=True) + grouped.struct[2]
        plain = pl.coalesce(joined, plain)
    if decimal == ",":
        parts = plain.str.extract_groups(r"^([^0-9.,]*[0-9.,]*)(.*)$")
        plain = pl.coalesce(parts.struct[0].str.replace_many(_SWAPPED) + parts.struct[1], plain)
    return plain
