"""Tables: plain ones that become cards on a phone, and a grid to sort and search where rows are many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dash_ag_grid as dag
from dash import html

from dashboards.components.text import Component, note
from dashboards.words import Words, count


@dataclass(frozen=True)
class Column:
    """A column of a plain table; figures are set right."""

    heading: str
    figure: bool = False
    first: bool = False


def table(
    columns: Sequence[Column], rows: Sequence[Sequence[Component]], *, caption: str, words: Words, of: int | None = None
) -> Component:
    """A table of at most 200 rows; `of` is how many there are in all."""
    if not rows:
        return note(words("shell.none"), look="empty")
    head = html.Thead(
        html.Tr([html.Th(column.heading, scope="col", className="figure" if column.figure else "") for column in columns])
    )
    body = html.Tbody([html.Tr([_cell(column, value) for column, value in zip(columns, row, strict=True)]) for row in rows])
    shown = html.Table([html.Caption(caption, className="unseen"), head, body], className="table")
    rest = note(words("shell.first_of", shown=count(len(rows)), of=count(of))) if of is not None and of > len(rows) else None
    return html.Div([shown, rest], className="table-frame")


def _cell(column: Column, value: Component) -> Component:
    look = "figure" if column.figure else "first" if column.first else ""
    return html.Td(value, className=look, **{"data-label": column.heading})


def linked(field: str, heading: str, *, link: str, **more: Any) -> dict[str, Any]:
    """A grid column whose cells lead to the address in the row's field `link`."""
    return {"field": field, "headerName": heading, "cellRenderer": "PageLink", "cellRendererParams": {"link": link}, **more}


SEARCHED = {"filter": "agTextColumnFilter", "floatingFilter": True, "suppressFloatingFilterButton": True}
"""A grid column that can be searched in a box below its heading."""


def signed(*, form: str = "+.2f") -> dict[str, Any]:
    """A grid column of figures with sign and two decimals, sorted as figures."""
    shown = f"params.value == null ? '' : d3.format('{form}')(params.value)"
    return {"type": "rightAligned", "valueFormatter": {"function": shown}}


def grid(name: str, columns: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]], *, words: Words) -> Component:
    """A grid to sort and search, 25 rows a page."""
    options = {
        "pagination": len(rows) > 25,
        "paginationPageSize": 25,
        "paginationPageSizeSelector": [25, 50, 100, 200],
        "domLayout": "autoHeight",
        "enableCellTextSelection": True,
        "ensureDomOrder": True,
        "suppressMovableColumns": True,
        "suppressColumnVirtualisation": True,
        "localeText": {
            key: words(f"grid.{key}")
            for key in (
                "page",
                "to",
                "of",
                "pageSizeSelectorLabel",
                "noRowsToShow",
                "contains",
                "filterOoo",
                "firstPage",
                "previousPage",
                "nextPage",
                "lastPage",
            )
        },
    }
    return html.Div(
        dag.AgGrid(
            id=name,
            columnDefs=list(columns),
            rowData=list(rows),
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
            dashGridOptions=options,
            className="grid",
            style={"height": None},
        ),
        className="grid-frame",
    )
