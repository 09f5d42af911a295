"""Ids that only look like themselves: with characters nobody sees, marks of a spreadsheet, digits lost, made dates."""

from __future__ import annotations

import polars as pl

from labqa.ingest.readers import ROW
from labqa.ingest.samples import BROKEN, broken

IDS = ("round", "sample", "product", "item", "lab")
"""Fields by which results are found again."""
LONGEST = 200
"""Characters of an id; the longest barcodes in use have some fifty."""
UNSEEN = r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{DI}\x{2800}\x{FFFD}]|[\p{Zs}--\x20]"
"""Controls, marks of direction and of width 0, fillers, blanks that are no plain space, and the sign of a lost character."""
_DATED = r"^[+-]?[0-9]{4,5}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}"
"""How a cell is read of which a spreadsheet has made a date."""
_MARKED = r"^[='‘’\"“]"
"""Marks by which programs tell a spreadsheet that a number is text, or a formula."""
_SHORTENED = r"^[0-9](?:\.[0-9]+)?[Ee]\+[0-9]{2,3}$"
"""How a spreadsheet shows a number of many digits: what it does not show is lost."""


def unsound(rows: pl.DataFrame) -> pl.DataFrame:
    """The ids of delivered rows that break one of the rules, as `BROKEN`; one rule for each field of a row."""
    found = [pl.DataFrame(schema=BROKEN)]
    for name in (name for name in IDS if name in rows.columns):
        wrong = distinct(rows, name).filter(is_unsound(name))
        if not wrong.is_empty():
            suspects = rows.select(ROW, pl.col(name).cast(pl.String)).join(wrong, on=name, how="semi")
            found += [broken(part, name, rule, pl.lit(LONGEST)) for (rule,), part in suspects.group_by(_rule(name))]
    return pl.concat(found)


def distinct(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """The ids that rows bear in a field, each once, as text."""
    return rows[name].unique().drop_nulls().cast(pl.String).to_frame()


def is_unsound(name: str) -> pl.Expr:
    """Whether an id breaks any of the rules; null where there is no id."""
    return pl.col(name).str.contains(f"{UNSEEN}|{_SHORTENED}|{_DATED}|{_MARKED}") | _is_long(name)


def _rule(name: str) -> pl.Expr:
    unseen, dated = pl.col(name).str.contains(UNSEEN), pl.col(name).str.contains(_DATED)
    return (
        pl.when(unseen).then(pl.lit("id_unseen"))
        .when(_is_long(name)).then(pl.lit("id_too_long"))
        .when(pl.col(name).str.contains(_MARKED)).then(pl.lit("id_marked"))
        .when(dated).then(pl.lit("id_dated"))
        .otherwise(pl.lit("id_shortened"))
    )  # fmt: skip


def _is_long(name: str) -> pl.Expr:
    return pl.col(name).str.len_chars() > LONGEST


def sound(rows: pl.DataFrame, found: pl.DataFrame, name: str) -> pl.DataFrame:
    """The rows that bear an id in this field, less those that `unsound` found."""
    named, refused = rows.filter(pl.col(name).is_not_null()), found.filter(pl.col("field") == name)
    return named if refused.is_empty() else named.join(refused, on=ROW, how="anti", maintain_order="left")
