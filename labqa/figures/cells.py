"""Draws the cells of a map on the screen: the grid, the steps of its scale, the names below it."""

from __future__ import annotations

import re
import textwrap
from typing import Any

from labqa.figures.spec import Axis, Role, Series, Spec

_LEVEL = 12
"""Columns of a map up to which the names below them stand level."""
_LINE = 14
"""Latin characters of a line of such a name; Chinese ones are twice as wide."""
_WIDE = re.compile("([\u2e80-\u9fff\uf900-\ufaff\uff00-\uff60])")


def grid(series: Series, spec: Spec, _: dict[Role, str]) -> list[dict[str, Any]]:
    """A heat map in the steps of the Spec's scale; cells without a step are empty, and their hover text says why."""
    columns = list(range(len(spec.x.categories or ())))
    rows = range(len(spec.y.categories or ()))
    steps: list[list[int | None]] = [[None] * len(columns) for _ in rows]
    hover = [[spec.unknown] * len(columns) for _ in rows]
    ids = [[""] * len(columns) for _ in rows]
    for k, (x, y) in enumerate(zip(series.x, series.y, strict=True)):
        steps[int(y)][int(x)] = series.steps[k] if series.steps else None
        hover[int(y)][int(x)] = series.hover[k] if series.hover else ""
        ids[int(y)][int(x)] = series.ids[k] if series.ids else ""
    n = len(spec.scale)
    flat = [[(k + end) / n, step.colour] for k, step in enumerate(spec.scale) for end in (0, 1)]
    return [
        {
            "type": "heatmap",
            "z": steps,
            "x": columns,
            "y": list(rows),
            "text": hover,
            "customdata": ids,
            "hoverinfo": "text",
            "zmin": -0.5,
            "zmax": n - 0.5,
            "colorscale": flat,
            "xgap": 2,
            "ygap": 1,
            "showscale": False,
        }
    ]


def scale(spec: Spec, unknown: str, edge: str) -> list[dict[str, Any]]:
    """The steps of the scale as entries of the legend, which breaks into lines where a colour bar would take the room;
    `unknown` is the fill of cells without a step, `edge` the line around each mark."""
    entries = [(step.label, step.colour) for step in spec.scale]
    entries += [(spec.unknown, unknown)] if entries and spec.unknown else []
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": name,
            "x": [None],
            "y": [None],
            "marker": {"symbol": "square", "size": 12, "color": colour, "line": {"width": 1, "color": edge}},
            "hoverinfo": "skip",
        }
        for name, colour in entries
    ]


def below(axis: Axis) -> dict[str, Any]:
    """Names below the columns: level in short lines where there is room, upright otherwise."""
    names = axis.categories or ()
    if len(names) > _LEVEL:
        return {"tickangle": -90}
    return {"tickangle": 0, "ticktext": ["<br>".join(_lines(name)) for name in names]}


def _lines(name: str) -> list[str]:
    """A name in lines; each wide character is followed by one that counts and is not shown."""
    return [line.replace("\0", "") for line in textwrap.wrap(_WIDE.sub("\\1\0", name), _LINE)]
