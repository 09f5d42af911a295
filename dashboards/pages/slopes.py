"""Section of the laboratory page: does its bias change with the level."""

from __future__ import annotations

from typing import Any

import polars as pl

from dashboards.address import Address
from dashboards.components import status
from dashboards.components.figures import figure
from dashboards.components.tables import SEARCHED, grid, narrow, probability, signed
from dashboards.components.text import Component, more, note, section
from dashboards.reading import MOST, Reading
from dashboards.words import Words, count, fixed, interval, number
from labqa.core.vocabulary import Scope, Status
from labqa.figures.charts import slopes


def of_levels(reading: Reading, place: Address, words: Words) -> Component | None:
    """Slopes of the laboratory's bias on the level; nothing where the run has none."""
    found = reading.slopes(place.code)
    if found.is_empty():
        return None
    whole = found.filter(pl.col("scope") == str(Scope.LAB))
    spec = slopes.lab_slopes(found, reading.registers["items"], place.code, words.language)
    said = _sentence(whole.row(0, named=True), words) if whole.height else []
    drawn = [] if spec.is_empty else [figure("slopes", spec), _listed(reading, found, words)]
    return section(words("slopes.title"), note(*said), *drawn, name="slopes", says=words("slopes.says"), folded=True)


def _sentence(whole: dict[str, Any], words: Words) -> list[Component]:
    if whole["status"] != str(Status.ASSESSED):
        return [status.label(whole["status"], words), " ", words.standing(whole["reason"])]
    key = "slopes.none" if whole["q_value"] >= slopes.FALSE_SHARE else "slopes.up" if whole["slope"] > 0 else "slopes.down"
    slope = fixed(whole["slope"], sign=True)
    return [words(key, slope=slope, interval=interval(whole["lower"], whole["upper"]), n=count(whole["n_samples"]))]


def _listed(reading: Reading, found: pl.DataFrame, words: Words) -> Component | None:
    rows = [
        {
            "item": reading.name_of("items", row["scope_id"], words),
            "status": words(f"word.{row['status']}"),
            "slope": row["slope"],
            "interval": interval(row["lower"], row["upper"]) if row["slope"] is not None else "",
            "q": row["q_value"],
            "levels": words("slopes.from_to", low=number(row["level_low"]), high=number(row["level_high"]))
            if row["level_low"] is not None
            else "",
            "samples": row["n_samples"],
        }
        for row in found.filter(pl.col("scope") == str(Scope.ITEM)).head(MOST).iter_rows(named=True)
    ]
    figures = {"type": "rightAligned", "sortable": False}
    columns = [
        {"field": "item", "headerName": words("word.item"), "minWidth": 250, "flex": 2, **narrow(185), **SEARCHED},
        {"field": "status", "headerName": words("labs.status"), "width": 140, **SEARCHED},
        {"field": "slope", "headerName": words("slopes.slope"), "width": 110, **signed()},
        {"field": "interval", "headerName": words("labs.interval"), "width": 150, **narrow(150), **figures},
        {"field": "q", "headerName": "q", "width": 90, **probability()},
        {"field": "levels", "headerName": words("slopes.levels"), "width": 190, **figures},
        {"field": "samples", "headerName": words("labs.samples"), "width": 100, "type": "rightAligned"},
    ]
    return more(words("slopes.all_items", n=count(len(rows))), grid("slopes", columns, rows, words=words)) if rows else None
