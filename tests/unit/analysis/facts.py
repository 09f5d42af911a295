"""Small frames of facts for tests of the analysis."""

from __future__ import annotations

from typing import Any

import polars as pl

from labqa.core import tables as t
from labqa.core.provenance import digest

BASE: dict[str, Any] = {
    "programme": "p", "round": None, "period": 2018, "product": "01.02.03.04", "item": "I1", "trigger": None,
    "replicate": 1, "revision": 0, "qualifier": "quantified", "file": "f", "row": 2,
}  # fmt: skip


def results(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """RESULTS from partial rows; ids from the key, raw from the value."""
    filled = []
    for row in rows:
        full = BASE | row
        key = ("programme", "round", "sample", "item", "lab", "role", "replicate", "revision")
        full["result"] = digest(*("" if full.get(name) is None else str(full[name]) for name in key))
        full["raw"] = str(full.get("value"))
        filled.append(full)
    types = t.Results.create_empty().schema
    return t.shaped(pl.DataFrame(filled, schema_overrides={k: types[k] for k in filled[0] if k in types}), t.Results)


def items(*rows: dict[str, Any]) -> pl.DataFrame:
    base = {"scale": "ratio", "unit": "mg/L", "compare_method": "full"}
    return t.shaped(pl.DataFrame([base | row for row in rows]), t.Items)


PRODUCTS = t.empty(t.Products)


def pair(
    sample: str, first: float, second: float, *, labs: tuple[str | None, str | None] = ("A", "B"), **extra: Any
) -> list[dict[str, Any]]:
    """An original and its planned retest."""
    return [
        {"sample": sample, "lab": labs[0], "role": "original", "value": first, **extra},
        {"sample": sample, "lab": labs[1], "role": "retest", "trigger": "planned", "value": second, **extra},
    ]
