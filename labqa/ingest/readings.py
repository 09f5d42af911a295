"""What the fields of a row mean, the result and its item apart, and which of them are not understood."""

from __future__ import annotations

import polars as pl

from labqa.core import codes
from labqa.ingest import dates, words
from labqa.ingest.samples import BROKEN, broken

_DAYS = ("drawn_on", "tested_on")
_WHOLE = {"replicate": (1, 999), "revision": (0, 999), "period": (1900, 2100)}
_MEASURES = ("u", "expanded_u", "k", "reporting_limit")
_PROBABILITIES = ("selection_probability",)
_RULES = {
    **dict.fromkeys(words.CLOSED, "word_not_allowed"),
    **dict.fromkeys(_DAYS, "impossible_date"),
    **dict.fromkeys(_MEASURES, "not_a_measure"),
    **dict.fromkeys(_WHOLE, "not_a_whole_number"),
    **dict.fromkeys(_PROBABILITIES, "not_a_probability"),
}


def parsed(rows: pl.DataFrame, date_system: str) -> pl.DataFrame:
    """Closed lists, days, whole numbers and measures as what they mean; null where that is not understood."""
    listed = {name: words.word_column(pl.col(name), closed_list) for name, closed_list in words.CLOSED.items()}
    days = {name: dates.day(pl.col(name), system=date_system) for name in _DAYS}
    readings = {**listed, **days, **{name: _whole(name) for name in _WHOLE}, **{name: _measure(name) for name in _MEASURES}}
    readings |= {name: _probability(name) for name in _PROBABILITIES}
    return rows.with_columns(codes.read(rows[name], reading).alias(name) for name, reading in readings.items())


def number_text(name: str) -> pl.Expr:
    """The plain text of a field that is a measure; null where it is none."""
    return pl.when(_measure(name).is_not_null()).then(_plain(name))


def _plain(name: str) -> pl.Expr:
    return words.plain_column(pl.col(name))


def _whole(name: str) -> pl.Expr:
    low, high = _WHOLE[name]
    number = _plain(name).str.extract(r"^([0-9]{1,9})(?:\.0+)?$").cast(pl.Int64)
    return pl.when(number.is_between(low, high)).then(number)


def _measure(name: str) -> pl.Expr:
    """A number that is finite and not negative; k positive."""
    text = _plain(name).str.extract(r"^\+?([0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]{1,4})?)$")
    number = text.cast(pl.Float64, strict=False)
    return pl.when(number.is_finite() & ((number > 0) if name == "k" else (number >= 0))).then(number)


def _probability(name: str) -> pl.Expr:
    """A number above 0 and up to 1, or such a percentage."""
    text = _plain(name)
    number = text.str.extract(r"^([0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]{1,4})?)%?$").cast(pl.Float64, strict=False)
    read = pl.when(text.str.ends_with("%")).then(number / 100.0).otherwise(number)
    return pl.when((read > 0) & (read <= 1)).then(read)


def misread(rows: pl.DataFrame, understood: pl.DataFrame) -> pl.DataFrame:
    """Words outside their closed list, days that do not exist, numbers that are none, as `BROKEN`; `understood` is what
    `parsed` made of the rows."""
    found = [pl.DataFrame(schema=BROKEN)]
    for name, rule in _RULES.items():
        unread = rows.filter(rows[name].is_not_null() & understood[name].is_null())
        found.append(broken(unread, name, rule, _expected(name)))
    return pl.concat(found)


def _expected(name: str) -> pl.Expr | None:
    if name in words.CLOSED:
        return pl.lit(words.allowed(words.CLOSED[name]))
    return pl.lit("{} – {}".format(*_WHOLE[name])) if name in _WHOLE else None
