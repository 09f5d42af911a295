"""Bad rows, as they occur in deliveries: each breaks one rule, so that refusals can be seen."""

from __future__ import annotations

import polars as pl

Change = dict[str, str | None]

CHANGES: dict[str, list[Change]] = {
    "originals": [
        {"lab": "L999X"},
        {"item": "XX-404"},
        {"raw": "NaN", "reported_verdict": None},
        {"raw": "见附页", "reported_verdict": None},
        {"unit": "furlong"},
        {"tested_on": "{year}-13-45"},
        {"sample": None},
        {"role": "初捡"},
    ],
    "retests": [{"sample": "S{year}999999"}, {"trigger": "据说"}],
    "rounds": [{"raw": "-5"}, {"raw": "12,34,5"}],
}
"""What is changed in an otherwise good row, by kind of file; `{year}` is filled in."""
PER_YEAR = {"originals": 4, "retests": 1, "rounds": 1}


def bad_rows(rows: pl.DataFrame, *, kind: str, year: int) -> pl.DataFrame:
    """A few rows of the file under samples of their own, each with one mistake; which ones depends on the year.

    `rows` are all text, under field names; the model is a row of a ratio item whose unit is known.
    """
    fit = rows.filter((pl.col("unit") == "mg/kg") & pl.col("lab").is_not_null() & pl.col("raw").str.contains(r"^[0-9.]+$"))
    changes = CHANGES[kind]
    chosen = [changes[(year * PER_YEAR[kind] + k) % len(changes)] for k in range(min(PER_YEAR[kind], fit.height))]
    found = [fit.slice(k, 1).with_columns(_mistaken(change, kind, year, k)) for k, change in enumerate(chosen)]
    return pl.concat(found) if found else rows.clear()


def _mistaken(change: Change, kind: str, year: int, number: int) -> list[pl.Expr]:
    """The changed columns; an original or a comparison gets a sample id of its own, lest it contradict a good row."""
    own: Change = {} if kind == "retests" else {"sample": f"X{year}-{kind}-{number + 1}", "report": None}
    filled = {name: text.format(year=year) if text else None for name, text in (own | change).items()}
    return [pl.lit(text, dtype=pl.String).alias(name) for name, text in filled.items()]
