"""Draws a Spec on paper: positions become fractions of the plotting area, which `paper.typ` draws with typst's own shapes."""

from __future__ import annotations

import json
import math
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

from labqa.core.wording.typesetting import typeset
from labqa.figures.extent import fraction
from labqa.figures.spec import COLOURS, UNKNOWN, Axis, Series, Spec

_ROW = 11.5
_HEIGHT = 132.0
_TALL = 240.0
_MOST_TICKS = 6
_MANY = 120
"""Marks of one series beyond which they are drawn finer."""


@cache
def library() -> str:
    """Typst source that defines `labqa-figure`; a document needs it once, before the first drawing."""
    return files("labqa.figures").joinpath("paper.typ").read_text("utf-8")


def draw(spec: Spec) -> str:
    """Typst code that draws the figure, `library()` given; the whole figure travels as one JSON string."""
    return f"#labqa-figure(json(bytes({_quoted(json.dumps(drawing(spec), ensure_ascii=False))})))"


def drawing(spec: Spec) -> dict[str, Any]:
    """The figure as shapes: rectangles, segments, points and texts in fractions of the plotting area, y upwards."""
    cells = bool(spec.scale)
    rows = len(spec.y.categories or ())
    drawn: dict[str, Any] = {
        "height": max(rows, 2) * _ROW + 8 if rows else _TALL if spec.tall else _HEIGHT,
        "alt": spec.alt,
        "colours": dict(COLOURS),
        "x": {"title": spec.x.label, "ticks": ticks(spec.x), "grid": spec.x.categories is None and spec.x.ticks and not cells},
        "y": {"title": spec.y.label, "ticks": ticks(spec.y), "grid": spec.y.categories is None and not cells},
        "legend": [
            {"name": series.name, "colour": series.colour, "symbol": "bar" if series.mark == "bar" else series.symbol}
            for series in spec.series
            if series.in_legend and series.x and not cells
        ],
        "scale": [{"label": step.label, "fill": step.colour} for step in spec.scale],
        "unknown": {"label": spec.unknown, "fill": UNKNOWN},
        "bands": [
            {"axis": band.axis, "ends": sorted(_at(spec, band.axis, end) for end in (band.low, band.high)), "label": band.label}
            for band in spec.bands
        ],
        "lines": [
            {
                "axis": line.axis,
                "at": _at(spec, line.axis, line.at),
                "label": line.label,
                "colour": line.colour,
                "dashed": line.dashed,
            }
            for line in spec.lines
            if 0 <= _at(spec, line.axis, line.at) <= 1
        ],
        "rects": [],
        "segments": [],
        "points": [],
        "texts": [],
    }
    for series in spec.series:
        _add(drawn, series, spec)
    return drawn


def ticks(axis: Axis) -> list[dict[str, Any]]:
    """Position and label of each tick: the categories, the values that the Spec gives, or round numbers within the range."""
    if not axis.ticks:
        return []
    if axis.categories is not None:
        return [{"at": fraction(axis, position), "label": label} for position, label in enumerate(axis.categories)]
    values = axis.tick_values or _round_values(*sorted(axis.range or (0.0, 1.0)))
    labels = axis.tick_labels or [_number(value, percent=axis.percent) for value in values]
    return [{"at": fraction(axis, value), "label": label} for value, label in zip(values, labels, strict=True)]


def _round_values(low: float, high: float) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten in a range, at most about six."""
    rough = (high - low) / _MOST_TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    return [round(k * step, 12) for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def _number(value: float, *, percent: bool) -> str:
    text = (
        f"{value:.0%}"
        if percent and abs(value * 100 - round(value * 100)) < 1e-9
        else f"{value:.1%}"
        if percent
        else f"{value:,.6g}"
    )
    return typeset(text)


def _at(spec: Spec, axis: str, value: float) -> float:
    """Fraction of a band's or line's value, cut to the plotting area for bands that reach beyond."""
    found = fraction(spec.x if axis == "x" else spec.y, value)
    return min(max(found, 0.0), 1.0) if abs(found) < 1e6 else found


def _add(drawn: dict[str, Any], series: Series, spec: Spec) -> None:
    {"bar": _bars, "cell": _cells, "interval": _intervals, "line": _polyline, "edge": _segments}.get(series.mark, _points)(
        drawn, series, spec
    )


def _bars(drawn: dict[str, Any], series: Series, spec: Spec) -> None:
    half = series.width / 2
    if series.horizontal:
        for k, (x, y) in enumerate(zip(series.x, series.y, strict=True)):
            ends = sorted([fraction(spec.x, 0.0), fraction(spec.x, x)])
            sides = sorted([fraction(spec.y, y - half), fraction(spec.y, y + half)])
            drawn["rects"].append({"x": ends, "y": sides, "fill": COLOURS[series.colour]})
            if series.text:
                drawn["texts"].append({"x": fraction(spec.x, x), "y": sides[1], "text": series.text[k]})
        return
    for k, (x, y) in enumerate(zip(series.x, series.y, strict=True)):
        left, right, foot, top = (
            fraction(spec.x, x - half),
            fraction(spec.x, x + half),
            fraction(spec.y, 0.0),
            fraction(spec.y, y),
        )
        drawn["rects"].append({"x": [left, right], "y": sorted([foot, top]), "fill": COLOURS[series.colour]})
        if series.text:
            drawn["texts"].append({"x": (left + right) / 2, "y": top, "text": series.text[k]})


def _cells(drawn: dict[str, Any], series: Series, spec: Spec) -> None:
    """Every cell of the grid: coloured by its step, or hatched."""
    steps = dict(zip(zip(series.x, series.y, strict=True), series.steps or (), strict=True))
    for column in range(len(spec.x.categories or ())):
        for row in range(len(spec.y.categories or ())):
            step = steps.get((float(column), float(row)))
            across = [fraction(spec.x, column - 0.5), fraction(spec.x, column + 0.5)]
            up = sorted([fraction(spec.y, row - 0.5), fraction(spec.y, row + 0.5)])
            fill = spec.scale[step].colour if step is not None else None
            drawn["rects"].append({"x": across, "y": up, "fill": fill, "gap": True})


def _intervals(drawn: dict[str, Any], series: Series, spec: Spec) -> None:
    along = spec.x if series.horizontal else spec.y
    none = (None,) * len(series.x)
    for x, y, low, high in zip(series.x, series.y, series.lower or none, series.upper or none, strict=True):
        if low is not None and high is not None:
            ends, across = (
                [fraction(along, low), fraction(along, high)],
                fraction(spec.y, y) if series.horizontal else fraction(spec.x, x),
            )
            both = [across, across]
            segment = {"x": ends, "y": both} if series.horizontal else {"x": both, "y": ends}
            drawn["segments"].append({**segment, "colour": series.colour, "width": 0.9 if len(series.x) <= _MANY else 0.5})
    _points(drawn, series, spec)


def _polyline(drawn: dict[str, Any], series: Series, spec: Spec) -> None:
    _segments(drawn, series, spec)
    _points(drawn, series, spec)


def _segments(drawn: dict[str, Any], series: Series, spec: Spec) -> None:
    at = [(fraction(spec.x, x), fraction(spec.y, y)) for x, y in zip(series.x, series.y, strict=True)]
    for (x0, y0), (x1, y1) in pairwise(at):
        drawn["segments"].append({"x": [x0, x1], "y": [y0, y1], "colour": series.colour, "width": 0.45 * series.stroke})


def _points(drawn: dict[str, Any], series: Series, spec: Spec) -> None:
    size = 2.3 if len(series.x) <= _MANY else 1.1
    for k, (x, y) in enumerate(zip(series.x, series.y, strict=True)):
        at = {"x": fraction(spec.x, x), "y": fraction(spec.y, y)}
        drawn["points"].append({**at, "colour": series.colour, "symbol": series.symbol, "size": size})
        if series.text:
            drawn["texts"].append({**at, "text": series.text[k], "lift": -13 if series.text_below else 3})


def _quoted(text: str) -> str:
    """A typst string literal."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
