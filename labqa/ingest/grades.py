"""Typing of ordinal and binary items: each distinct word is read once."""

from __future__ import annotations

import re

import polars as pl

from labqa.core.vocabulary import Qualifier, Scale
from labqa.ingest import units, words

_KEY = ["text", "delivered_qualifier", "unit", "scale", "item_unit", "grades"]
_HALF_GRADE = re.compile(r"^([0-9]+(?:\.[0-9]+)?)(?:[-~–—/～至]([0-9]+(?:\.[0-9]+)?))?$")
_SIGNS = {"<": Qualifier.BELOW, "<=": Qualifier.BELOW, ">": Qualifier.ABOVE, ">=": Qualifier.ABOVE}
Read = tuple[str | None, float | None, float | None, float | None, str | None]
"""qualifier, value, lower, upper, rule"""


def typed(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of ordinal and binary items with qualifier, value, lower, upper and the rule that refuses them added."""
    kinds = rows.select(_KEY).unique()
    read = [_read(*kind) for kind in kinds.iter_rows()]
    types = {"qualifier": pl.String, "value": pl.Float64, "lower": pl.Float64, "upper": pl.Float64, "rule": pl.String}
    kinds = pl.concat([kinds, pl.DataFrame(read, schema=types, orient="row")], how="horizontal")
    joined = rows.join(kinds, on=_KEY, how="left", nulls_equal=True, maintain_order="left")
    return joined.with_columns(
        pl.lit(None, dtype=pl.Int64).alias("decimals"),
        pl.lit(None, dtype=pl.Float64).alias("rest"),
        pl.lit(1.0).alias("factor"),
    )


def _read(text: str | None, qualifier: str | None, unit: str | None, scale: str, item_unit: str, grades: str | None) -> Read:
    """One distinct text on one item."""
    if qualifier == Qualifier.NOT_APPLICABLE:
        return str(qualifier), None, None, None, None
    if text is None:
        return _refused("missing_value")
    plain = words.plain(text).lower()
    if unit is not None and units.canonical(unit) not in {"1", units.canonical(item_unit)}:
        return _refused("unknown_unit")
    return _binary(plain) if scale == Scale.BINARY else _ordinal(plain, qualifier, grades)


def _binary(plain: str) -> Read:
    """1 conforms, 0 does not. A bare dash is refused: it may mean negative or not tested."""
    meant = words.understood("binary").get(plain)
    if meant is not None:
        return _quantified(float(meant))
    # `-` and `--` stand for a negative finding in some laboratories and for "not tested" in others
    if plain in words.lists()["result"]["not_applicable"] and plain not in {"-", "--"}:
        return str(Qualifier.NOT_APPLICABLE), None, None, None, None
    return _refused("not_binary")


def _ordinal(plain: str, qualifier: str | None, grades: str | None) -> Read:
    """A grade as a number: 4-5 is 4.5; of named grades the position, from 1."""
    if plain in words.lists()["result"]["not_applicable"]:
        return str(Qualifier.NOT_APPLICABLE), None, None, None, None
    sign = re.match(r"^[<>]=?", plain)
    said = _SIGNS[sign.group()] if sign else None
    if said and qualifier and said != qualifier:
        return _refused("qualifier_contradicts")
    grade = _grade(plain[sign.end() if sign else 0 :].strip().removesuffix("级").strip(), grades)
    if grade is None:
        return _refused("not_a_grade")
    meant = said or qualifier
    if meant == Qualifier.BELOW:
        return str(meant), None, None, grade, None
    if meant == Qualifier.ABOVE:
        return str(meant), None, grade, None, None
    return _quantified(grade)


def _grade(text: str, grades: str | None) -> float | None:
    """The grade that a text names; null if it is none of the item's grades."""
    if grades is None:
        return number_of(text)
    named = [words.plain(grade).lower() for grade in grades.split("|")]
    numbers = [number_of(grade) for grade in named]
    if None in numbers:
        return float(named.index(text) + 1) if text in named else None
    number = number_of(text)
    return number if number in numbers else None


def number_of(text: str) -> float | None:
    """A grade that is a number or lies between two neighbouring ones (4-5 is 4.5); null otherwise."""
    match = _HALF_GRADE.match(text)
    if not match:
        return None
    low, high = float(match[1]), float(match[2] or match[1])
    return (low + high) / 2 if 0 <= high - low <= 1 else None


def _quantified(number: float) -> Read:
    return str(Qualifier.QUANTIFIED), number, number, number, None


def _refused(rule: str) -> Read:
    return None, None, None, None, rule
