"""One product: how often its pairs agree, and the pairs themselves."""

from __future__ import annotations

from typing import Any

import polars as pl

from dashboards.access import ANALYST, Access
from dashboards.address import Address
from dashboards.components.tables import SEARCHED, WRAPPED, grid, linked, narrow, signed
from dashboards.components.text import Component, lead, section, title
from dashboards.params import CODE
from dashboards.reading import MOST, Reading
from dashboards.words import Words, count, share
from labqa.core.errors import AccessDenied


def register(access: Access) -> None:
    """Registers the page."""
    access.page("product", roles=ANALYST, code=CODE)(draw)


def draw(reading: Reading, place: Address, words: Words) -> list[Component]:
    """The page of a product."""
    pairs = reading.pairs(product=place.code, limit=MOST + 1)
    if pairs.is_empty():
        raise AccessDenied("service.not_yours")
    found = reading.products.filter(pl.col("scope_id") == place.code)
    said = agreeing(found.row(0, named=True), words) if found.height else words("product.not_judged")
    rows = [_row(reading, row, place, words) for row in pairs.head(MOST).iter_rows(named=True)]
    most = words("lab.pairs_most", n=MOST) if pairs.height > MOST else ""
    return [
        title(reading.name_of("products", place.code, words), above=f"{words('word.product')} · {place.code}"),
        lead(said, words("product.tolerance")),
        section(
            words("product.pairs"),
            grid("pairs", _columns(words), rows, words=words),
            name="pairs",
            says=words("product.pairs_says") + most,
        ),
    ]


def agreeing(row: dict[str, Any], words: Words) -> str:
    """How often pairs agree, with the interval and the number of pairs."""
    ends = {"low": share(row["low"], places=1), "high": share(row["high"], places=1)}
    return words("product.agreeing", share=share(row["value"], places=1), n=count(row["n"]), **ends)


def _row(reading: Reading, row: dict[str, Any], place: Address, words: Words) -> dict[str, Any]:
    item = reading.registered("items", row["item"])
    return {
        "sample": row["sample"],
        "url": place.pair(row["pair"]).url,
        "year": row["period"],
        "item": reading.name_of("items", row["item"], words),
        "original": reading.name_of("labs", row["original_lab"], words),
        "retest": reading.name_of("labs", row["retest_lab"], words),
        "values": " → ".join(words.value(row[f"{role}_value"], item) for role in ("original", "retest")),
        "d": row["d"],
        "ratio": row["r_ratio"],
        "category": words(f"word.{row['category']}") if row["category"] else "",
    }


def _columns(words: Words) -> list[dict[str, Any]]:
    return [
        linked("sample", words("word.sample"), link="url", minWidth=125, **narrow(118), **SEARCHED),
        {"field": "year", "headerName": words("product.year"), "width": 85, **SEARCHED},
        {
            "field": "item",
            "headerName": words("word.item"),
            "minWidth": 150,
            "flex": 1,
            **WRAPPED,
            **narrow(140),
            **SEARCHED,
        },
        {
            "field": "original",
            "headerName": words("word.original_lab"),
            "minWidth": 160,
            "flex": 1,
            **WRAPPED,
            **SEARCHED,
        },
        {
            "field": "retest",
            "headerName": words("word.retest_lab"),
            "minWidth": 160,
            "flex": 1,
            **WRAPPED,
            **SEARCHED,
        },
        {"field": "values", "headerName": words("product.values"), "width": 135, "type": "rightAligned", "sortable": False},
        {"field": "d", "headerName": words("word.d"), "width": 110, **signed()},
        {"field": "ratio", "headerName": words("word.r_ratio"), "width": 90, **narrow(84), **signed(form=".2f")},
        {
            "field": "category",
            "headerName": words("word.category"),
            "minWidth": 140,
            **WRAPPED,
            **SEARCHED,
        },
    ]
