"""Small deliveries for tests: a file of a few rows through the template's profile, against a few registers."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import polars as pl

from labqa.core import tables
from labqa.ingest import profiles
from labqa.ingest.deliver import Delivery, read_delivery
from labqa.ingest.registers import Registers

ITEMS = [
    {"item": "PB", "scale": "ratio", "unit": "mg/kg", "lod": 0.5},
    {"item": "PH", "scale": "interval", "unit": "1"},
    {"item": "CF", "scale": "ordinal", "unit": "1", "grades": "1|1-2|2|2-3|3|3-4|4|4-5|5"},
]


def registers() -> Registers:
    items = pl.DataFrame(ITEMS).with_columns(compare_method=pl.lit("full"))
    products = pl.DataFrame({"product": ["01.02.03.04", "01.02.03.05"], "family": ["01.02", "01.02"]})
    return Registers(
        labs=tables.shaped(pl.DataFrame({"lab": ["A", "B", "C"]}), tables.Labs),
        items=tables.shaped(items, tables.Items),
        products=tables.shaped(products, tables.Products),
    )


def original(**changes: str) -> dict[str, str]:
    row = {"round": "2018-1", "sample": "S1", "product": "01.02.03.04", "drawn on": "2018-03-01", "item": "PB", "lab": "A"}
    row |= {"role": "original", "trigger": "", "value": "12.5", "unit": "mg/kg", "test date": "2018-03-10"}
    return {**row, **changes}


def retest(**changes: str) -> dict[str, str]:
    row = {"lab": "B", "role": "retest", "trigger": "planned", "value": "13.0", "test date": "2018-04-10", "product": ""}
    return original(**{**row, **changes})


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    headers = list(dict.fromkeys(header for row in rows for header in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, headers)
        writer.writeheader()
        writer.writerows(rows)
    return path


def deliver(path: Path, *rows: dict[str, str], known: pl.DataFrame | None = None, **profile: object) -> Delivery:
    read_with = replace(profiles.load("template"), **profile)
    before = tables.empty(tables.Results) if known is None else known
    file = write(path / "delivery.csv", list(rows))
    return read_delivery(file, read_with, registers(), programme="national", known=before)
