"""Tables: plain ones that become cards on a phone, and a grid to sort and search where rows are many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dash_ag_grid as dag
from dash import html

from dashboards.components.text import Component, note
from dashboards.words import Words, count
from labqa.service.queries import MOST_ROWS as MOST

FOLDED = 4
"""Rows of a plain table that a phone shows at first: `tr:nth-child(n + 5)` of the styles."""
SHOWN, BLOCK = 25, 100
"""Rows on a page of a grid; rows that a long grid asks for at a time."""
LOCALE = (
    "page", "to", "of", "pageSizeSelectorLabel", "noRowsToShow", "contains", "filterOoo",
    "firstPage", "previousPage", "nextPage", "lastPage",
)  # fmt: skip
"""Words of the grid itself that are told in the page's language."""


@dataclass(frozen=True)
class Column:
    """A column of a plain table; figures are set right."""

    heading: str
    figure: bool = False
    first: bool = False


def table(
    columns: Sequence[Column], rows: Sequence[Sequence[Component]], *, caption: str, words: Words, of: int | None = None
) -> Component:
    """A table of the first 200 rows; `of` is how many there are in all, if more than are given."""
    if not rows:
        return note(words("shell.none"), look="empty")
    head = html.Thead(
        html.Tr([html.Th(column.heading, scope="col", className="figure" if column.figure else "") for column in columns])
    )
    body = html.Tbody(
        [_plain("Tr", [_cell(column, value) for column, value in zip(columns, row, strict=True)]) for row in rows[:MOST]]
    )
    shown = html.Table([html.Caption(caption, className="unseen"), head, body], className="table")
    listed, whole = min(len(rows), MOST), max(len(rows), of or 0)
    rest = note(words("shell.first_of", shown=count(listed), of=count(whole))) if whole > listed else None
    return html.Div([shown, _fold(listed, words), rest], className="table-frame")


def _fold(listed: int, words: Words) -> Component:
    """On a phone, where rows are cards below each other, those after the first few wait behind this line (see the styles)."""
    if listed <= FOLDED:
        return None
    return html.Details(html.Summary(words("shell.all_rows", n=count(listed))), className="more fold")


def _cell(column: Column, value: Component) -> Component:
    look = "figure" if column.figure else "first" if column.first else ""
    return _plain("Td", value, {"className": look, "data-label": column.heading})


def _plain(name: str, children: Component, given: dict[str, str] | None = None) -> dict[str, Any]:
    """An element of HTML in the form in which Dash sends it: a page has thousands, and building each as an object is slow."""
    return {"type": name, "namespace": "dash_html_components", "props": {"children": children, **(given or {})}}


def linked(field: str, heading: str, *, link: str, **more: Any) -> dict[str, Any]:
    """A grid column whose cells lead to the address in the row's field `link`."""
    return {"field": field, "headerName": heading, "cellRenderer": "PageLink", "cellRendererParams": {"link": link}, **more}


SEARCHED = {"filter": "agTextColumnFilter", "floatingFilter": True, "suppressFloatingFilterButton": True}
"""A grid column that can be searched in a box below its heading."""


WRAPPED = {"wrapText": True, "autoHeight": True}
"""A grid column whose cells take as many lines as they need."""


def narrow(width: int) -> dict[str, Any]:
    """What makes a grid column stand among the first on a narrow screen, so many pixels wide."""
    return {"context": {"narrow": width}}


COUNTED = {"comparator": {"function": "asCounted"}}
"""A grid column of codes, sorted as people count: 2 before 10."""


def signed(*, form: str = "+.2f") -> dict[str, Any]:
    """A grid column of figures with sign and two decimals, sorted as figures."""
    shown = f"params.value == null ? '' : d3.format('{form}')(params.value)"
    return {"type": "rightAligned", "valueFormatter": {"function": shown}}


def probability() -> dict[str, Any]:
    """A grid column of probabilities to three decimals; smaller ones as less than that."""
    shown = "params.value == null ? '' : params.value < 0.0005 ? '<\u00a00.001' : d3.format('.3f')(params.value)"
    return {"type": "rightAligned", "valueFormatter": {"function": shown}}


def grid(name: str, columns: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]], *, words: Words) -> Component:
    """A grid to sort and search, 25 rows a page, of at most 200 rows."""
    options = {"pagination": len(rows) > SHOWN, "domLayout": "autoHeight"}
    return _grid(name, columns, options, words, rowData=list(rows), className="grid")


def long_grid(name: str, columns: Sequence[dict[str, Any]], *, words: Words) -> Component:
    """A grid of any number of rows: it asks for `BLOCK` rows at a time, as they are scrolled, sorted and searched."""
    options = {"pagination": True, "cacheBlockSize": BLOCK, "maxBlocksInCache": 4}
    return _grid(name, columns, options, words, rowModelType="infinite", className="grid long")


def _grid(name: str, columns: Sequence[dict[str, Any]], options: dict[str, Any], words: Words, **given: Any) -> Component:
    shown = {
        "paginationPageSize": SHOWN,
        "paginationPageSizeSelector": [25, 50, 100, 200],
        "enableCellTextSelection": True,
        "ensureDomOrder": True,
        "suppressMovableColumns": True,
        "suppressColumnVirtualisation": True,
        "localeText": {key: words(f"grid.{key}") for key in LOCALE},
    }
    return html.Div(
        dag.AgGrid(
            id=name,
            columnDefs=list(columns),
            columnSize="responsiveSizeToFit",
            defaultColDef={
                "resizable": True,
                "sortable": True,
                "minWidth": 80,
                "suppressHeaderMenuButton": True,
                "suppressHeaderFilterButton": True,
                "wrapHeaderText": True,
                "autoHeaderHeight": True,
            },
            dashGridOptions=shown | options,
            style={"height": None},
            **given,
        ),
        className="grid-frame",
    )
