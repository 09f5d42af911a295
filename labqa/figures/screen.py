"""Draws a Spec on the screen with plotly."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

from labqa.figures import cells, narrow
from labqa.figures.extent import fraction
from labqa.figures.spec import COLOURS, UNKNOWN, Axis, Band, Line, Role, Series, Spec

Theme = Literal["light", "dark"]
CONFIG: dict[str, Any] = {
    "showSendToCloud": False,
    "displaylogo": False,
    "responsive": True,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
}
"""Settings of every graph: nothing is ever offered for upload."""

FONTS = '"Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", system-ui, sans-serif'
_DARK: dict[Role, str] = {"main": "#7FB2DB", "second": "#E3A857", "quiet": "#7C8894", "alarm": "#E8788B", "band": "#26313B"}
_DARK |= {"limit": "#B79BE0", "text": "#E4E9EE", "grid": "#35414C"}
_SYMBOLS = {"cross": "x"}
_ROW = 22
_WORD = 0.3
"""Share of the axis that a word beside an upright mark may take, on a narrow drawing."""
_HEIGHT = 340
_TALL = 520


def draw(spec: Spec, *, theme: Theme = "light") -> dict[str, Any]:
    """The figure as a plotly dict (`data`, `layout`), which `dcc.Graph` and `go.Figure` both take; no title, faces set it."""
    colours = COLOURS if theme == "light" else _DARK
    traces = [trace for series in spec.series for trace in _trace(series, spec, colours) if series.x]
    traces += cells.scale(spec, _unknown(colours), colours["grid"]) if traces else []
    return {"data": traces, "layout": _layout(spec, colours) if traces else _nothing(spec, colours)}


def _trace(series: Series, spec: Spec, colours: dict[Role, str]) -> list[dict[str, Any]]:
    makers: dict[str, Callable[[Series, Spec, dict[Role, str]], list[dict[str, Any]]]] = {
        "bar": _bar,
        "cell": cells.grid,
        "interval": _interval,
    }
    return makers.get(series.mark, _scatter)(series, spec, colours)


def _common(series: Series) -> dict[str, Any]:
    return {
        "name": series.name,
        "x": list(series.x),
        "y": list(series.y),
        "customdata": list(series.ids) if series.ids else None,
        "hovertext": list(series.hover) if series.hover else None,
        "hoverinfo": "text" if series.hover else "skip",
        "showlegend": series.in_legend,
    }


def _bar(series: Series, spec: Spec, colours: dict[Role, str]) -> list[dict[str, Any]]:
    return [
        _common(series)
        | {
            "type": "bar",
            "orientation": "h" if series.horizontal else "v",
            "width": series.width,
            "marker": {"color": colours[series.colour], "line": {"width": 0}},
            "text": list(series.text) if series.text else None,
            "textposition": "outside",
            "cliponaxis": False,
        }
    ]


def _scatter(series: Series, spec: Spec, colours: dict[Role, str]) -> list[dict[str, Any]]:
    colour = colours[series.colour]
    lines = {
        "point": "markers+text" if series.text else "markers",
        "line": "lines+markers+text" if series.text else "lines+markers",
    }
    return [
        _common(series)
        | {
            "type": "scatter",
            "mode": lines.get(series.mark, "lines"),
            "marker": {
                "color": colour,
                "size": 8,
                "symbol": _SYMBOLS.get(series.symbol, series.symbol),
                "line": {"width": 1.5, "color": colour},
            },
            "line": {"color": colour, "width": series.stroke, "shape": "hv" if series.mark == "step" else "linear"},
            "fill": "tozeroy" if series.mark == "area" else None,
            "text": list(series.text) if series.text else None,
            "textposition": "bottom center" if series.text_below else "top center",
            "cliponaxis": False,
        }
    ]


def _interval(series: Series, spec: Spec, colours: dict[Role, str]) -> list[dict[str, Any]]:
    """Whiskers as one line trace with gaps, points above: far faster than error bars, and ends may be missing."""
    along, across = (series.x, series.y) if series.horizontal else (series.y, series.x)
    lower, upper = series.lower or (None,) * len(along), series.upper or (None,) * len(along)
    ends: list[float | None] = []
    at: list[float | None] = []
    for low, high, where in zip(lower, upper, across, strict=True):
        if low is not None and high is not None:
            ends += [low, high, None]
            at += [where, where, None]
    many = len(along) > 60 and not series.horizontal
    colour = colours[series.colour]
    whisker = {
        "type": "scatter",
        "mode": "lines",
        "x": ends if series.horizontal else at,
        "y": at if series.horizontal else ends,
        "line": {"color": colour, "width": 1.2 if many else 2},
        "opacity": 0.55 if many else 0.8,
        "hoverinfo": "skip",
        "showlegend": False,
        "legendgroup": series.name,
    }
    size = 5 if many else 8
    symbol = _SYMBOLS.get(series.symbol, series.symbol)
    marker = {"color": colour, "size": size, "symbol": symbol, "line": {"width": 1.2, "color": colour}}
    points = {"type": "scatter", "mode": "markers", "legendgroup": series.name, "marker": marker, "cliponaxis": False}
    return [whisker, _common(series) | points]


def _unknown(colours: dict[Role, str]) -> str:
    """Fill of a cell in which nothing could be assessed."""
    return UNKNOWN if colours is COLOURS else "#2B343D"


def _layout(spec: Spec, colours: dict[Role, str]) -> dict[str, Any]:
    named = [series for series in spec.series if series.in_legend and series.x]
    rows = len(spec.y.categories or ())
    is_map = bool(spec.scale)
    legend = bool(named) or is_map
    labelled: list[Band | Line] = [*spec.bands, *spec.lines]
    return {
        "height": max(_HEIGHT, rows * _ROW + 130) if rows > 3 else 260 if rows else _TALL if spec.tall else _HEIGHT,
        "margin": {"l": 12, "r": 16, "t": 34 if legend else 14, "b": 12},
        "font": {"family": FONTS, "size": 12, "color": colours["text"]},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": _unknown(colours) if is_map else "rgba(0,0,0,0)",
        "showlegend": legend,
        "legend": {"orientation": "h", "x": 0, "y": 1.0, "xanchor": "left", "yanchor": "bottom"}
        | ({"itemclick": False, "itemdoubleclick": False} if is_map else {}),
        "barmode": "overlay",
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": colours["quiet"], "activecolor": colours["text"]},
        "hovermode": "closest",
        "hoverlabel": {"font": {"family": FONTS}, "align": "left"},
        "xaxis": _axis(spec.x, colours, grid=not is_map and spec.x.categories is None and spec.x.ticks)
        | (cells.below(spec.x) if is_map else {}),
        "yaxis": _axis(spec.y, colours, grid=not is_map and spec.y.categories is None),
        "shapes": [_band(band, colours) for band in spec.bands] + [_line(line, colours) for line in spec.lines],
        "annotations": [_label(mark, spec, colours) for mark in labelled if mark.label],
        "meta": {"alt": spec.alt, "kind": spec.kind, "below": narrow.BELOW, "narrow": narrow.changes(spec)},
    }


def _axis(axis: Axis, colours: dict[Role, str], *, grid: bool) -> dict[str, Any]:
    drawn: dict[str, Any] = {
        "title": {"text": axis.label, "standoff": 8},
        "type": "log" if axis.log else "linear",
        "showgrid": grid,
        "gridcolor": colours["grid"],
        "linecolor": colours["quiet"],
        "showline": axis.categories is None,
        "zeroline": False,
        "automargin": True,
        "showticklabels": axis.ticks,
        "ticks": "outside" if axis.ticks and axis.categories is None else "",
        "tickcolor": colours["quiet"],
        "tickformat": ".0%" if axis.percent else None,
    }
    if axis.categories is not None:
        drawn |= {"tickvals": list(range(len(axis.categories))), "ticktext": list(axis.categories)}
    elif axis.tick_values is not None:
        drawn |= {"tickvals": list(axis.tick_values), "ticktext": list(axis.tick_labels or map(str, axis.tick_values))}
    if axis.range is not None:
        drawn["range"] = [math.log10(end) for end in axis.range] if axis.log else list(axis.range)
    return drawn


def _band(band: Band, colours: dict[Role, str]) -> dict[str, Any]:
    across = "y" if band.axis == "x" else "x"
    return {
        "type": "rect",
        "layer": "below",
        f"{band.axis}0": band.low,
        f"{band.axis}1": band.high,
        f"{across}0": 0,
        f"{across}1": 1,
        f"{across}ref": "paper",
        "fillcolor": colours[band.colour],
        "line": {"width": 0},
    }


def _line(line: Line, colours: dict[Role, str]) -> dict[str, Any]:
    across = "y" if line.axis == "x" else "x"
    return {
        "type": "line",
        "layer": "between",
        f"{line.axis}0": line.at,
        f"{line.axis}1": line.at,
        f"{across}0": 0,
        f"{across}1": 1,
        f"{across}ref": "paper",
        "line": {"color": colours[line.colour], "width": 1.2, "dash": "dash" if line.dashed else "solid"},
    }


def _label(mark: Band | Line, spec: Spec, colours: dict[Role, str]) -> dict[str, Any]:
    """A word on the upper edge of a level band or line (left, where an ascending order is low; right below zero, where it is
    high), or beside an upright one, bands at the foot and lines at the head, so that a limit near the edge of a band stays
    readable; to its left where it stands near the right end of the axis, or a line would strike the word out."""
    at = mark.high if isinstance(mark, Band) else mark.at
    log = (spec.x if mark.axis == "x" else spec.y).log
    note: dict[str, Any] = {
        "text": mark.label,
        "showarrow": False,
        "font": {"size": 11, "color": colours["text" if isinstance(mark, Band) else mark.colour]},
        mark.axis: math.log10(at) if log else at,
    }
    if mark.axis == "x":
        y, anchor = (0, "bottom") if isinstance(mark, Band) else (1, "top")
        ahead = [
            fraction(spec.x, line.at) - fraction(spec.x, at) for line in spec.lines if line.axis == "x" and line is not mark
        ]
        struck = isinstance(mark, Band) and any(0.0 <= gap < _WORD for gap in ahead)
        side = "right" if struck or fraction(spec.x, at) > 0.7 else "left"
        return note | {"yref": "paper", "y": y, "xanchor": side, "yanchor": anchor}
    x, anchor = (0, "left") if at > 0 else (1, "right")
    return note | {"xref": "paper", "x": x, "xanchor": anchor, "yanchor": "bottom"}


def _nothing(spec: Spec, colours: dict[Role, str]) -> dict[str, Any]:
    """In place of an empty chart: the sentence that says why there is nothing."""
    note = {"text": spec.empty, "showarrow": False, "xref": "paper", "yref": "paper", "x": 0.5, "y": 0.5}
    hidden = {"visible": False}
    return {
        "height": 140,
        "xaxis": hidden,
        "yaxis": hidden,
        "annotations": [note],
        "font": {"family": FONTS, "size": 13, "color": colours["text"]},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "meta": {"alt": spec.empty, "kind": spec.kind},
    }
