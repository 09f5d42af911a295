"""Pairs of one laboratory as a grid: with whom, on what, how far apart."""

from __future__ import annotations

from typing import Any

import polars as pl

from dashboards.address import Address
from dashboards.components.tables import SEARCHED, WRAPPED, linked, narrow, signed
from dashboards.reading import Reading
from dashboards.words import Words


def rows(reading: Reading, pairs: pl.DataFrame, place: Address, words: Words) -> list[dict[str, Any]]:
    """Pairs of the laboratory at `place`, as rows of the grid."""
    return [_row(reading, row, place, words) for row in pairs.iter_rows(named=True)]


def _row(reading: Reading, row: dict[str, Any], place: Address, words: Words) -> dict[str, Any]:
    first = row["original_lab"] == place.code
    flipped = {True: words("word.yes"), False: words("word.no"), None: ""}
    return {
        "sample": row["sample"],
        "url": place.pair(row["pair"]).url,
        "item": reading.name_of("items", row["item"], words),
        "part": words("word.role_original") if first else words(f"word.role_{row['role']}"),
        "partner": reading.name_of("labs", row["retest_lab"] if first else row["original_lab"], words),
        "trigger": words(f"word.{row['trigger']}") if row["trigger"] else "",
        "d": row["d"],
        "ratio": row["r_ratio"],
        "category": words(f"word.{row['category']}") if row["category"] else "",
        "flipped": flipped[row["flipped"]],
    }


def columns(words: Words) -> list[dict[str, Any]]:
    """Columns of the grid."""
    return [
        linked("sample", words("word.sample"), link="url", minWidth=130, **narrow(118), **SEARCHED),
        {
            "field": "item",
            "headerName": words("word.item"),
            "minWidth": 150,
            "flex": 1,
            **WRAPPED,
            **narrow(140),
            **SEARCHED,
        },
        {"field": "part", "headerName": words("lab.part"), "width": 122, **SEARCHED},
        {
            "field": "partner",
            "headerName": words("lab.partner"),
            "minWidth": 170,
            "flex": 2,
            **WRAPPED,
            **SEARCHED,
        },
        {"field": "trigger", "headerName": words("word.trigger"), "width": 138, **SEARCHED},
        {"field": "d", "headerName": words("word.d"), "width": 110, **signed()},
        {"field": "ratio", "headerName": words("word.r_ratio"), "width": 95, **narrow(84), **signed(form=".2f")},
        {
            "field": "category",
            "headerName": words("word.category"),
            "minWidth": 140,
            **WRAPPED,
            **SEARCHED,
        },
        {"field": "flipped", "headerName": words("word.flipped"), "width": 100},
    ]
