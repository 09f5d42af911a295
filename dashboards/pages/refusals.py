"""Refused rows: what was not accepted, where it stands in the delivered file, and why, in a sentence."""

from __future__ import annotations

from dash import html

from dashboards.access import ANALYST, Access
from dashboards.address import Address
from dashboards.components.tables import Column, table
from dashboards.components.text import Component, lead, title
from dashboards.params import NO_CODE
from dashboards.reading import MOST, Reading
from dashboards.words import NONE, Words, count


def register(access: Access) -> None:
    """Registers the page."""
    access.page("refusals", roles=ANALYST, code=NO_CODE)(draw)


def draw(reading: Reading, place: Address, words: Words) -> list[Component]:
    """The page of refused rows, of the run's programme."""
    del place
    found = reading.refusals()
    columns = (
        Column(words("refusals.file"), first=True),
        Column(words("refusals.row"), figure=True),
        Column(words("refusals.column")),
        Column(words("refusals.value")),
        Column(words("refusals.why")),
    )
    rows = [
        [
            html.Span(row["file_name"], title=row["file"]),
            count(row["row"]),
            row["column"],
            html.Code(row["value"]) if row["value"] is not None else NONE,
            words.sentence(row["message"]),
        ]
        for row in found.iter_rows(named=True)
    ]
    said = words("refusals.lead", n=count(reading.refused_rows)) if rows else words("refusals.none")
    opening = lead(
        said, words("refusals.what_then") if rows else "", words("refusals.first", n=MOST) if found.height == MOST else ""
    )
    above = words.programme(reading.manifest.programme)
    return [
        title(words("refusals.title"), above=above),
        opening,
        html.Div(table(columns, rows, caption=words("refusals.title"), words=words), className="section"),
    ]
