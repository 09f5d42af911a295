"""All laboratories of a run to sort and search, never ranked; and, where no sign can be placed, who met whom."""

from __future__ import annotations

from typing import Any

from dashboards.address import Address
from dashboards.components.tables import SEARCHED, Column, grid, linked, signed, table
from dashboards.components.text import Component, link, section
from dashboards.pages.proposals import lab_link
from dashboards.reading import MOST, Reading
from dashboards.words import Words, count, interval
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
    figure = {"type": "rightAligned", "width": 105}
    shown = [
        linked("name", words("word.lab"), link="url", minWidth=230, flex=2, **SEARCHED),
        {"field": "lab", "headerName": words("labs.code"), "width": 110, **SEARCHED},
        {"field": "region", "headerName": words("labs.region"), "width": 110, **SEARCHED},
        {"field": "status", "headerName": words("labs.status"), "width": 135, **SEARCHED},
    ]
    if ratable:
        shown += [
            {"field": "class", "headerName": words("labs.class"), "width": 90},
            {"field": "proposed", "headerName": words("labs.proposed"), "width": 90},
            {"field": "points", "headerName": words("labs.points"), **figure},
            {"field": "bias", "headerName": words("labs.bias"), **signed(), "width": 105},
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


def contrasts(reading: Reading, place: Address, words: Words) -> Component | None:
    """Which two laboratories met, on how many samples; no sign, since none can be placed."""
    found = reading.contrasts()
    if found.is_empty():
        return None
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
