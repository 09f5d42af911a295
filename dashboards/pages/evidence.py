"""Evidence behind a sentence: the pairs and comparison results that it cites, each leading to its delivered row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
from dash import html

from dashboards.address import Address
from dashboards.components import status
from dashboards.components.text import Component, link, more, note
from dashboards.reading import Reading
from dashboards.words import Words, count, fixed


def cited(reading: Reading, ids: Sequence[str], scores: pl.DataFrame, place: Address, words: Words) -> Component | None:
    """The rows that a sentence cites, folded; null where it cites none. `scores` are the laboratory's comparison results."""
    if not ids:
        return None
    pairs = [_pair(reading, row, place, words) for row in reading.evidence(ids).iter_rows(named=True)]
    results = [
        score(reading, row, place, words) for row in scores.filter(pl.col("result").is_in(list(ids))).iter_rows(named=True)
    ]
    found = pairs + results
    rest = None if found else note(words("evidence.not_listed"))
    return more(words("evidence.summary", n=count(len(ids))), html.Ul(found, className="evidence"), rest)


def _pair(reading: Reading, row: dict[str, Any], place: Address, words: Words) -> Component:
    what = f"{row['sample']} · {reading.name_of('items', row['item'], words)}"
    return html.Li(
        [
            link(what, place.pair(row["pair"])),
            html.Span(f"D {fixed(row['d'], sign=True)}", className="figure"),
            status.label(row["category"], words),
        ]
    )


def score(reading: Reading, row: dict[str, Any], place: Address, words: Words) -> Component:
    """A comparison result with its z score, leading to the delivered row."""
    what = f"{row['round'] or row['sample']} · {reading.name_of('items', row['item'], words)}"
    return html.Li(
        [
            link(what, place.to(page="result", code=row["result"])),
            html.Span(f"z {fixed(row['z'], sign=True)}", className="figure"),
        ]
    )
