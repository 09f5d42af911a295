"""Section of the network page: do laboratories that use one method read higher than those that use another."""

from __future__ import annotations

from typing import Any

import polars as pl

from dashboards.components.tables import Column, table
from dashboards.components.text import Component, section
from dashboards.reading import Reading
from dashboards.words import NONE, Words, count, fixed, interval
from labqa.core.vocabulary import Status

FALSE_SHARE = 0.05
"""Share of methods called different that may be so by chance."""


def section_of(reading: Reading, words: Words) -> Component | None:
    """Methods of each item, the surest difference first; nothing where no item is tested by two methods."""
    found = reading.methods
    if found.is_empty():
        return None
    ordered = found.sort(pl.col("q_value").is_null(), "q_value", "item", "method")
    columns = (
        Column(words("word.item"), first=True),
        Column(words("methods.method")),
        Column(words("methods.labs"), figure=True),
        Column(words("methods.difference"), figure=True),
        Column(words("labs.interval"), figure=True),
        Column(words("methods.verdict")),
    )
    rows = [_row(row, reading, words) for row in ordered.iter_rows(named=True)]
    shown = table(columns, rows, caption=words("methods.title"), words=words)
    return section(words("methods.title"), shown, name="methods", says=words("methods.says"), folded=True)


def _row(row: dict[str, Any], reading: Reading, words: Words) -> list[Component]:
    """A method of an item; a difference that may not be claimed gives its reason instead."""
    first = [
        reading.name_of("items", row["item"], words),
        row["method"],
        words("methods.against", labs=count(row["n_labs"]), others=count(row["n_labs_others"])),
    ]
    if row["status"] != str(Status.ASSESSED):
        return [*first, NONE, NONE, words.reason(row["reason"])]
    verdict = words("methods.differs" if row["q_value"] < FALSE_SHARE else "methods.no_difference")
    return [*first, fixed(row["estimate"], sign=True), interval(row["lower"], row["upper"]), verdict]
