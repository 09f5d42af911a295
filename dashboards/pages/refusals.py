"""Refused rows: what was not accepted, where it stands in the delivered file, and why, in a sentence."""

from __future__ import annotations

from dash import html

from dashboards.access import ANALYST, Access
from dashboards.address import Address
from dashboards.components.tables import SEARCHED, WRAPPED, Column, grid, narrow, table
from dashboards.components.text import Component, lead, section, title
from dashboards.params import NO_CODE
from dashboards.reading import MOST, Reading
from dashboards.words import Words, count


def register(access: Access) -> None:
    """Registers the page."""
    access.page("refusals", roles=ANALYST, code=NO_CODE)(draw)


def draw(reading: Reading, place: Address, words: Words) -> list[Component]:
    """The page of refused rows, of the run's programme."""
    del place
    found = reading.refusals()
    columns = [
        {"field": "file", "headerName": words("refusals.file"), "minWidth": 190, **SEARCHED},
        {"field": "row", "headerName": words("refusals.row"), "width": 90, "type": "rightAligned"},
        {"field": "column", "headerName": words("refusals.column"), "width": 140, **SEARCHED},
        {"field": "value", "headerName": words("refusals.value"), "minWidth": 140, **SEARCHED},
        {
            "field": "why",
            "headerName": words("refusals.why"),
            "minWidth": 360,
            "flex": 3,
            **narrow(340),
            **WRAPPED,
            **SEARCHED,
        },
    ]
    rows = [
        {
            "file": row["file_name"],
            "row": row["row"],
            "column": words.quoted(row["column"]),
            "value": words.quoted(row["value"]),
            "why": words.sentence(row["message"]),
        }
        for row in found.head(MOST).iter_rows(named=True)
    ]
    said = words("refusals.lead", n=count(reading.refused_rows)) if rows else words("refusals.none")
    opening = lead(
        said, words("refusals.what_then") if rows else "", words("refusals.first", n=MOST) if found.height > MOST else ""
    )
    above = words.programme(reading.manifest.programme)
    return [
        title(words("refusals.title"), above=above),
        opening,
        html.Div(grid("refusals", columns, rows, words=words), className="section") if rows else html.Div(),
        *_sent_again(reading, words),
    ]


def _sent_again(reading: Reading, words: Words) -> list[Component]:
    """What was mended and sent again; the rows it mends stay listed as they were refused."""
    columns = (
        Column(words("refusals.file"), first=True),
        Column(words("refusals.again")),
        Column(words("moved.entry"), figure=True),
        Column(words("refusals.accepted"), figure=True),
        Column(words("refusals.refused"), figure=True),
    )
    rows = [
        [row["file"], row["again"], str(row["position"]), count(row["rows"]), count(row["refused"])]
        for row in reading.sent_again.iter_rows(named=True)
    ]
    if not rows:
        return []
    listed = table(columns, rows, caption=words("refusals.sent_again"), words=words)
    return [section(words("refusals.sent_again"), listed, name="sent-again", says=words("refusals.sent_again_says"))]
