"""All laboratories of a run to sort and search, never ranked; and, where no sign can be placed, who met whom."""

from __future__ import annotations

from typing import Any

from dash import Input, Output, State, no_update

from dashboards import address
from dashboards.access import ANALYST, Access
from dashboards.address import Address
from dashboards.components.tables import (
    BLOCK,
    COUNTED,
    SEARCHED,
    WRAPPED,
    Column,
    grid,
    linked,
    long_grid,
    narrow,
    signed,
    table,
)
from dashboards.components.text import Component, link, section
from dashboards.pages.proposals import lab_link
from dashboards.params import PATH, RUN, SEARCH, Block, Refused, RowsAsked
from dashboards.reading import MOST, Reading
from dashboards.readings import Readings
from dashboards.regions import region_name
from dashboards.words import Words, count, interval
from labqa.core.errors import LabQAError
from labqa.core.vocabulary import Status
from labqa.figures.names import in_order
from labqa.service.viewer import Viewer

FIELDS = (
    "name", "lab", "region", "status", "class", "proposed", "points", "bias", "samples", "partners", "component", "bridge",
)  # fmt: skip
"""Columns by which the grid of laboratories may be sorted or searched."""


def register(access: Access, readings: Readings) -> None:
    """Registers the callback that sends the grid of many laboratories its rows."""

    @access.callback(
        Output("labs", "getRowsResponse"),
        Input("labs", "getRowsRequest"),
        State("address", "pathname"),
        State("address", "search"),
        roles=ANALYST,
        params=(RowsAsked(FIELDS, most=BLOCK), PATH, SEARCH),
        prevent_initial_call=True,
    )
    def rows(viewer: Viewer, asked: Block | None, pathname: str, search: str | None) -> Any:
        """The rows asked for, and how many there are in all."""
        place = address.read(pathname, search)
        try:
            reading = readings.opened(viewer, str(RUN.check(place.run))) if place else None
        except (LabQAError, Refused):
            reading = None
        if asked is None or place is None or reading is None:
            return no_update
        found = block_of(listed(reading, place, Words(place.language)), asked)
        return {"rowData": found[asked.first : asked.end], "rowCount": len(found)}


def section_of(reading: Reading, place: Address, words: Words) -> Component:
    """Every laboratory with its status and evidence; biases only where they may be claimed."""
    ratable = bool(reading.assessed)
    columns = _columns(words, ratable=ratable, placed=reading.registers["labs"]["region"].count() > 0)
    many = reading.whole_bias.height > MOST
    shown = (
        long_grid("labs", columns, words=words) if many else grid("labs", columns, listed(reading, place, words), words=words)
    )
    return section(words("labs.title"), shown, name="labs", says=words("labs.says" if ratable else "labs.says_none"))


def listed(reading: Reading, place: Address, words: Words) -> list[dict[str, Any]]:
    """Every laboratory as a row of the grid, by code; made once for each language of a reading."""
    return reading.kept(("labs", place.to(page="network", code="")), lambda: _rows(reading, place, words))


def _rows(reading: Reading, place: Address, words: Words) -> list[dict[str, Any]]:
    rated = {row["lab"]: row for row in reading.ratings.iter_rows(named=True)}
    labs = sorted(reading.whole_bias.iter_rows(named=True), key=lambda row: in_order(row["lab"]))
    return [_row(reading, row, rated.get(row["lab"], {}), place, words) for row in labs]


def block_of(rows: list[dict[str, Any]], asked: Block) -> list[dict[str, Any]]:
    """The rows that hold what is searched for, sorted as asked; those without a value come last, as they came otherwise."""
    found = [row for row in rows if all(text.lower() in str(row[name] or "").lower() for name, text in asked.search)]
    for name, downwards in reversed(asked.order):
        empty = [row for row in found if row[name] is None]
        told = [row for row in found if row[name] is not None]
        found = sorted(told, key=lambda row: _sorted_by(row[name]), reverse=downwards) + empty
    return found


def _sorted_by(value: Any) -> Any:
    return in_order(value) if isinstance(value, str) else value


def _row(reading: Reading, bias: dict[str, Any], rating: dict[str, Any], place: Address, words: Words) -> dict[str, Any]:
    claimed = bias["status"] == str(Status.ASSESSED)
    return {
        "lab": bias["lab"],
        "name": reading.name_of("labs", bias["lab"], words),
        "url": place.lab(bias["lab"]).url,
        "region": region_name(reading.registered("labs", bias["lab"]).get("region"), words.language),
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


def _columns(words: Words, *, ratable: bool, placed: bool) -> list[dict[str, Any]]:
    """Columns of what the run may say; regions only where any laboratory has one."""
    figure = {"type": "rightAligned", "width": 105}
    regions = [{"field": "region", "headerName": words("labs.region"), "width": 110, **SEARCHED}] if placed else []
    shown = [
        linked(
            "name",
            words("word.lab"),
            link="url",
            minWidth=230,
            flex=2,
            **narrow(190 if ratable else 140),
            **SEARCHED,
            **COUNTED,
        ),
        {"field": "lab", "headerName": words("labs.code"), "width": 110, **SEARCHED, **COUNTED},
        *regions,
        {"field": "status", "headerName": words("labs.status"), "width": 135, **SEARCHED},
    ]
    if ratable:
        shown += [
            {"field": "class", "headerName": words("labs.class"), "width": 90, **narrow(70)},
            {"field": "proposed", "headerName": words("labs.proposed"), "width": 90},
            {"field": "points", "headerName": words("labs.points"), **figure, **signed(form=".1f")},
            {"field": "bias", "headerName": words("labs.bias"), **signed(), "width": 105, **narrow(90)},
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
                "flex": 2,
                **narrow(210),
                **WRAPPED,
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
        for row in sorted(found.iter_rows(named=True), key=lambda row: (in_order(row["one"]), in_order(row["other"])))[:MOST]
    ]
    listed = table(columns, rows, caption=words("labs.contrasts"), words=words, of=found.height)
    return section(words("labs.contrasts"), listed, name="contrasts", says=words("labs.contrasts_says"))
