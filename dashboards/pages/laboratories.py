"""All laboratories of a run to sort and search, never ranked; and, where no sign can be placed, who met whom."""

from __future__ import annotations

from typing import Any

import polars as pl

from dashboards.address import Address
from dashboards.components.tables import Column, grid, linked, table
from dashboards.components.text import Component, link, section
from dashboards.pages.proposals import lab_link
from dashboards.reading import MOST, Reading
from dashboards.words import Words, count, fixed, interval
from labqa.core.vocabulary import Status


def section_of(reading: Reading, place: Address, words: Words) -> Component:
    """Every laboratory with its status and evidence; biases only where they may be claimed."""
    ratable = reading.any_assessed
    rated = {row["lab"]: row for row in reading.ratings.iter_rows(named=True)}
    rows = [_row(reading, row, rated.get(row["lab"], {}), place, words) for row in reading.whole_bias.iter_rows(named=True)]
    return section(
        words("labs.title"),
        grid("labs", _columns(words, ratable=ratable), rows, words=words),
        name="labs",
        says=words("labs.says" if ratable else "labs.says_none"),
    )


def _row(reading: Reading, bias: dict[str, Any], rating: dict[str, Any], place: Address, words: Words) -> dict[str, Any]:
    claimed = bias["status"] == str(Status.ASSESSED)
    return {
        "lab": bias["lab"],
        "name": reading.name_of("labs", bias["lab"], words),
        "url": place.lab(bias["lab"]).url,
        "region": reading.registered("labs", bias["lab"]).get("region"),
        "status": words(f"word.{bias['status']}"),
        "class": rating.get("class_in_force"),
        "proposed": rating.get("class_proposed"),
        "points": rating.get("points"),
        "bias": round(bias["estimate"], 2) if claimed and bias["estimate"] is not None else None,
        "interval": interval(bias["lower"], bias["upper"]) if claimed else "",
        "samples": bias["n_samples"],
        "partners": bias["n_partners"],
        "component": bias["component_labs"],
        "bridge": round(bias["bridge_share"] * 100) if bias["bridge_share"] is not None else None,
        "reason": words.reason(bias["reason"]),
    }


def _columns(words: Words, *, ratable: bool) -> list[dict[str, Any]]:
    search = {"filter": "agTextColumnFilter", "floatingFilter": True, "suppressFloatingFilterButton": True}
    figure = {"type": "rightAligned", "width": 110}
    shown = [
        linked("name", words("word.lab"), link="url", minWidth=210, pinned=None, **search),
        {"field": "lab", "headerName": words("labs.code"), "width": 110, **search},
        {"field": "region", "headerName": words("labs.region"), "width": 110, **search},
        {"field": "status", "headerName": words("labs.status"), "width": 110, **search},
    ]
    if ratable:
        shown += [
            {"field": "class", "headerName": words("labs.class"), "width": 90},
            {"field": "proposed", "headerName": words("labs.proposed"), "width": 90},
            {"field": "points", "headerName": words("labs.points"), **figure},
            {"field": "bias", "headerName": words("labs.bias"), **figure},
            {
                "field": "interval",
                "headerName": words("labs.interval"),
                "type": "rightAligned",
                "width": 150,
                "sortable": False,
            },
        ]
    shown += [
        {"field": "samples", "headerName": words("labs.samples"), **figure},
        {"field": "partners", "headerName": words("labs.partners"), **figure},
    ]
    if not ratable:
        shown += [
            {"field": "component", "headerName": words("labs.component"), **figure},
            {"field": "bridge", "headerName": words("labs.bridge"), **figure},
            {
                "field": "reason",
                "headerName": words("labs.reason"),
                "minWidth": 260,
                "wrapText": True,
                "autoHeight": True,
                "sortable": False,
            },
        ]
    return shown


def contrasts(reading: Reading, place: Address, words: Words) -> Component:
    """Which two laboratories met, on how many samples; no sign, since none can be placed."""
    found = reading.contrasts()
    columns = (
        Column(words("labs.one"), first=True),
        Column(words("labs.other")),
        Column(words("labs.met_samples"), figure=True),
        Column(words("labs.met_pairs"), figure=True),
        Column(words("labs.example")),
    )
    rows = [
        [
            lab_link(reading, row["one"], place, words),
            lab_link(reading, row["other"], place, words),
            count(row["samples"]),
            count(row["pairs"]),
            link(words("labs.open_pair"), place.pair(row["pair"])),
        ]
        for row in found.head(MOST).iter_rows(named=True)
    ]
    listed = table(columns, rows, caption=words("labs.contrasts"), words=words, of=found.height)
    return section(words("labs.contrasts"), listed, name="contrasts", says=words("labs.contrasts_says"))


def pair_rows(reading: Reading, pairs: pl.DataFrame, place: Address, words: Words) -> list[dict[str, Any]]:
    """Pairs as rows of a grid."""
    return [
        {
            "sample": row["sample"],
            "url": place.pair(row["pair"]).url,
            "item": reading.name_of("items", row["item"], words),
            "product": reading.name_of("products", row["product"], words) if row["product"] else "",
            "original_lab": reading.name_of("labs", row["original_lab"], words),
            "retest_lab": reading.name_of("labs", row["retest_lab"], words),
            "trigger": words(f"word.{row['trigger']}") if row["trigger"] else "",
            "d": round(row["d"], 2) if row["d"] is not None else None,
            "ratio": round(row["r_ratio"], 2) if row["r_ratio"] is not None else None,
            "category": words(f"word.{row['category']}") if row["category"] else "",
            "flipped": words("word.yes") if row["flipped"] else words("word.no") if row["flipped"] is not None else "",
            "delta": fixed(row["delta"]),
        }
        for row in pairs.iter_rows(named=True)
    ]


def pair_columns(words: Words) -> list[dict[str, Any]]:
    """Columns of a grid of pairs."""
    search = {"filter": "agTextColumnFilter", "floatingFilter": True, "suppressFloatingFilterButton": True}
    return [
        linked("sample", words("word.sample"), link="url", width=130, **search),
        {"field": "item", "headerName": words("word.item"), "minWidth": 140, **search},
        {"field": "product", "headerName": words("word.product"), "minWidth": 120, **search},
        {"field": "original_lab", "headerName": words("word.original_lab"), "minWidth": 160, **search},
        {"field": "retest_lab", "headerName": words("word.retest_lab"), "minWidth": 160, **search},
        {"field": "trigger", "headerName": words("word.trigger"), "width": 110},
        {"field": "d", "headerName": words("word.d"), "type": "rightAligned", "width": 90},
        {"field": "ratio", "headerName": words("word.r_ratio"), "type": "rightAligned", "width": 100},
        {"field": "category", "headerName": words("word.category"), "width": 130, **search},
        {"field": "flipped", "headerName": words("word.flipped"), "width": 100},
    ]
