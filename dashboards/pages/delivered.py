"""A result as it was delivered: to the letter, with file, row, method and days."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboards.access import ANALYST, Access
from dashboards.address import Address
from dashboards.components import status
from dashboards.components.text import Component, facts, lead, title
from dashboards.pages.proposals import lab_link
from dashboards.params import CODE
from dashboards.reading import Reading
from dashboards.words import Words, amount, behind, day, is_measured
from labqa.core.errors import AccessDenied


def register(access: Access) -> None:
    """Registers the page of one delivered result."""
    access.page("result", roles=ANALYST, code=CODE)(draw)


def draw(reading: Reading, place: Address, words: Words) -> list[Component]:
    """The page of one delivered result."""
    row = reading.delivered(place.code)
    if not row:
        raise AccessDenied("service.not_yours")
    item = reading.registered("items", row["item"])
    heading = f"{row['sample']} · {words.name(item, otherwise=row['item'])}"
    return [
        title(heading, above=words(f"word.role_{row['role']}")),
        lead(words("delivered.lead")),
        card(reading, row, item, place, words),
    ]


def value_of(row: dict[str, Any], item: dict[str, Any]) -> str:
    """The value with its unit as it was typed, the reporting limit it lies beyond, or a grade or verdict as delivered."""
    if not is_measured(item):
        return str(row.get("raw", ""))
    unit = behind(item)
    if row.get("qualifier") == "below":
        return f"<\u00a0{amount(row['upper'])}{unit}" if row["upper"] is not None else row["raw"]
    if row.get("qualifier") == "above":
        return f">\u00a0{amount(row['lower'])}{unit}" if row["lower"] is not None else row["raw"]
    return f"{amount(row['value'])}{unit}" if row.get("value") is not None else row.get("raw", "")


def card(
    reading: Reading,
    row: dict[str, Any],
    item: dict[str, Any],
    place: Address,
    words: Words,
    *,
    verdicts: tuple[str | None, str | None] | None = None,
) -> Component:
    """One delivered result, its value large; `verdicts` are those by the item's method and on the full value."""
    if not row:
        return html.Div(words("delivered.missing"), className="card")
    judged, full = verdicts or (None, None)
    listed = facts(
        [
            (words("delivered.lab"), lab_link(reading, row["lab"], place, words)),
            (words("delivered.raw"), html.Code(row["raw"])),
            (
                words("delivered.qualifier"),
                words(f"word.{row['qualifier']}" if is_measured(item) else f"usage.scale_{item['scale']}"),
            ),
            (words("delivered.u"), f"{amount(row['u'])}{behind(item)}" if row["u"] is not None else ""),
            (words("delivered.judged"), status.label(judged, words) if judged else ""),
            (words("delivered.full"), status.label(full, words) if full else ""),
            (words("delivered.reported"), status.label(row["reported_verdict"], words) if row["reported_verdict"] else ""),
            (words("delivered.method"), row["method"]),
            (words("delivered.tested_on"), day(row["tested_on"]) if row["tested_on"] else ""),
            (words("delivered.drawn_on"), day(row["drawn_on"]) if row["drawn_on"] else ""),
            (words("delivered.trigger"), words(f"word.{row['trigger']}") if row["trigger"] else ""),
            (words("delivered.blind"), {True: words("word.yes"), False: words("word.no"), None: ""}[row["retest_blind"]]),
            (words("delivered.report"), row["report"]),
            (words("delivered.run"), row["run"]),
            (words("delivered.revision"), str(row["revision"]) if row["revision"] else ""),
            (words("delivered.file"), row["file_name"] or ""),
            (words("delivered.row"), str(row["row"])),
            (words("delivered.hash"), html.Code(row["file"], className="hash")),
            (words("delivered.result"), html.Code(row["result"], className="hash")),
        ]
    )
    return html.Div(
        [html.H3(words(f"word.role_{row['role']}")), html.Div(value_of(row, item), className="value"), listed], className="card"
    )
