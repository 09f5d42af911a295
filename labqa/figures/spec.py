"""What a figure is: series, axes, bands, labels and captions, decided once and drawn alike on screen and on paper.

Coordinates on an axis with `categories` are positions in that tuple, from 0. Colours are roles; `COLOURS` gives their
values, chosen to stay apart for colour-blind readers (checked by simulated lightness and hue: blue, ochre, grey, dark red)
and in a grey print, where symbols also differ.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal

from labqa.core.wording.catalogue import Language

MOST_POINTS = 5_000
"""No figure carries more marks than this: beyond, nothing can be told apart and pages grow slow."""

Mark = Literal["bar", "point", "interval", "line", "cell", "step", "area", "edge"]
Symbol = Literal["circle", "circle-open", "diamond-open", "square", "cross"]
Role = Literal["main", "second", "quiet", "alarm", "band", "limit", "text", "grid"]

COLOURS: dict[Role, str] = {
    "main": "#24577F",
    "second": "#C07A1F",
    "quiet": "#98A2AD",
    "alarm": "#9E2A3F",
    "band": "#E6ECF2",
    "limit": "#6B3FA0",
    "text": "#1F2933",
    "grid": "#DDE2E7",
}
DIVERGING = ("#1F4E79", "#5C8DB8", "#B5CDE2", "#F3F3F0", "#F2CF9F", "#D5933F", "#95540F")
SEQUENTIAL = ("#F3F3F0", "#F5DDB8", "#E8B76C", "#C98430", "#95540F")
UNKNOWN = "#E3E5E8"
"""Fill below the hatching of a cell in which nothing could be assessed."""


@dataclass(frozen=True)
class Axis:
    """One axis; `range` runs in data units (positions where there are categories), also on a logarithmic axis; `short` are
    the categories as a narrow screen shows them."""

    title: str = ""
    unit: str = ""
    log: bool = False
    range: tuple[float, float] | None = None
    categories: tuple[str, ...] | None = None
    short: tuple[str, ...] | None = None
    ticks: bool = True
    tick_values: tuple[float, ...] | None = None
    tick_labels: tuple[str, ...] | None = None
    percent: bool = False

    @property
    def label(self) -> str:
        """Title with its unit."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


@dataclass(frozen=True)
class Series:
    """Marks of one kind and meaning. `lower` and `upper` run along the value axis: y, or x where `horizontal`.

    An `edge` is a line without marks at its corners; lines are `stroke` wide. For `cell`, `steps` holds the position of each
    cell's colour in the Spec's `scale`, null for "not assessed".
    """

    name: str
    mark: Mark
    x: tuple[float, ...]
    y: tuple[float, ...]
    colour: Role = "main"
    symbol: Symbol = "circle"
    lower: tuple[float | None, ...] | None = None
    upper: tuple[float | None, ...] | None = None
    ids: tuple[str, ...] | None = None
    hover: tuple[str, ...] | None = None
    text: tuple[str, ...] | None = None
    text_below: bool = False
    steps: tuple[int | None, ...] | None = None
    horizontal: bool = False
    width: float = 0.8
    stroke: float = 2.0
    in_legend: bool = True

    def __post_init__(self) -> None:
        """Refuses columns of different length."""
        for name in ("y", "lower", "upper", "ids", "hover", "text", "steps"):
            column = getattr(self, name)
            if column is not None and len(column) != len(self.x):
                raise ValueError(f"series {self.name}: {len(self.x)} x, but {len(column)} {name}")


@dataclass(frozen=True)
class Band:
    """A shaded stretch across the figure, between two values of one axis."""

    axis: Literal["x", "y"]
    low: float
    high: float
    label: str = ""
    colour: Role = "band"


@dataclass(frozen=True)
class Line:
    """A straight line across the figure at one value of one axis."""

    axis: Literal["x", "y"]
    at: float
    label: str = ""
    colour: Role = "text"
    dashed: bool = False


@dataclass(frozen=True)
class Step:
    """One step of a colour scale for cells."""

    label: str
    colour: str


@dataclass(frozen=True)
class Spec:
    """A figure, complete: nothing is left for a renderer to decide but pixels."""

    kind: str
    language: Language
    title: str
    caption: str
    alt: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    bands: tuple[Band, ...] = ()
    lines: tuple[Line, ...] = ()
    scale: tuple[Step, ...] = ()
    unknown: str = ""
    tall: bool = False
    empty: str = ""
    n_shown: int = 0
    n_total: int = 0

    def __post_init__(self) -> None:
        """Refuses more marks than can be told apart."""
        marks = sum(len(series.x) for series in self.series)
        if marks > MOST_POINTS:
            raise ValueError(f"{self.kind}: {marks} marks, at most {MOST_POINTS} are drawn")

    @property
    def is_empty(self) -> bool:
        """There is nothing to draw; `empty` is the sentence to show instead."""
        return not any(series.x for series in self.series)

    def to_json(self) -> str:
        """The figure as one line of JSON, from which both renderers could draw it."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True, allow_nan=False)
