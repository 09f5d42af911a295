"""What a drawing gives up on a narrow screen, so that its marks keep their room."""

from __future__ import annotations

from typing import Any

from labqa.figures.names import shortened
from labqa.figures.spec import Axis, Spec

BELOW = 560
"""Width of a drawing, in CSS pixels, below which the changes are to be made."""
_BESIDE, _BELOW = 18, 14
"""Characters of a name beside the rows, and below the columns, of a narrow drawing."""


def changes(spec: Spec) -> dict[str, Any]:
    """Changes of the layout, by the paths that `Plotly.relayout` takes: shorter names, fewer ticks, all of them level but the
    names below the columns of a map."""
    made: dict[str, Any] = {"font.size": 11}
    if spec.y.categories:
        made["yaxis.ticktext"] = _short(spec.y, _BESIDE)
    if spec.scale:
        made |= {"xaxis.ticktext": _short(spec.x, _BELOW), "xaxis.tickangle": -90}
    elif spec.x.categories is None:
        made |= {"xaxis.nticks": 5, "xaxis.tickangle": 0}
    return made


def _short(axis: Axis, width: int) -> list[str]:
    return list(axis.short or (shortened(name, width) for name in axis.categories or ()))
