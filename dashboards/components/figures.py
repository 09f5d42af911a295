"""Figures: a sentence above, the drawing, its caption; nothing can be sent anywhere from them."""

from __future__ import annotations

from typing import Any

from dash import dcc, html

from dashboards.components.text import Component, note
from labqa.figures import screen
from labqa.figures.spec import Spec

_COLUMN, _BESIDE = 18, 90
"""Least width of a column of a map, and of what stands beside all of them, in CSS pixels; narrower, the map scrolls."""


def figure(name: str, spec: Spec, *, leads: str = "", says: str = "") -> Component:
    """A figure of the page; a click on a mark leads to the page `leads` (lab, pair or result) that its id names."""
    if spec.is_empty:
        return note(spec.empty, look="empty")
    drawn = screen.draw(spec)
    for trace in drawn["data"]:
        trace["customdata"] = _places(trace.get("customdata"), leads)
    graph = dcc.Graph(
        id={"type": "figure", "name": name},
        figure=drawn,
        config=screen.CONFIG,
        responsive=True,
        style={"height": f"{drawn['layout']['height']}px"},
    )
    least = f"{_COLUMN * len(spec.x.categories or ()) + _BESIDE}px" if spec.scale else "0"
    room = html.Div(graph, role="img", style={"minWidth": least}, **{"aria-label": spec.alt})
    return html.Figure(
        [note(says) if says else None, html.Div(room, className="room"), html.Figcaption(spec.caption)],
        className=f"drawing {'leads' if leads else ''}".strip(),
    )


def _places(ids: Any, leads: str) -> Any:
    """Marks carry the place that a click opens (`lab/L001`), or nothing; cells of a map come as rows of ids."""
    if ids is None or not leads:
        return None
    return [_places(one, leads) if isinstance(one, list) else f"{leads}/{one}" if one else None for one in ids]
