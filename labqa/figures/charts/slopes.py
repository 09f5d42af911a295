"""How the bias of one laboratory changes with the level: over all its items, and item by item."""

from __future__ import annotations

from typing import Any

import polars as pl

from labqa.core.vocabulary import Scope, Status
from labqa.core.wording.catalogue import Language
from labqa.figures.extent import inside, reach
from labqa.figures.names import names, say, shortened
from labqa.figures.spec import Axis, Line, Role, Series, Spec, Symbol

FALSE_SHARE = 0.05
"""Share of false discoveries at which a slope is marked."""

_GROUPS: tuple[tuple[str, Role, Symbol], ...] = (("slope_marked", "alarm", "square"), ("slope_plain", "main", "circle"))


def lab_slopes(lab_slopes: pl.DataFrame, items: pl.DataFrame, lab: str, language: Language, *, limit: int = 30) -> Spec:
    """Assessed slopes of one laboratory with 95 % intervals: the laboratory as a whole, then items, the surest first."""
    assessed = str(Status.ASSESSED)
    mine = [row for row in lab_slopes.iter_rows(named=True) if row["lab"] == lab and row["status"] == assessed]
    whole, by_item = ([row for row in mine if row["scope"] == str(scope)] for scope in (Scope.LAB, Scope.ITEM))
    by_item.sort(key=lambda row: (row["p_value"], row["scope_id"]))
    rows = list(enumerate([*whole, *by_item[:limit]]))
    called = names(items, "item", language) | {"": say("lab_as_a_whole", language)}
    half = reach([row[end] for _, row in rows for end in ("lower", "upper")], least=0.5)
    marked = [one for one in rows if one[1]["q_value"] < FALSE_SHARE]
    plain = [one for one in rows if one not in marked]
    return Spec(
        kind="lab_slopes",
        language=language,
        title=say("lab_slopes", language, lab=lab),
        caption=say("lab_slopes_caption", language, shown=min(len(by_item), limit), total=len(by_item)),
        alt=say("lab_slopes_alt", language, lab=lab, shown=len(rows), marked=len(marked)),
        x=Axis(title=say("axis_slope", language), unit="σR", range=(-half, half)),
        y=Axis(
            categories=tuple(shortened(called.get(row["scope_id"], row["scope_id"]), 30) for _, row in rows),
            range=(max(len(rows), 1) + 0.2, -0.6),
        ),
        series=tuple(
            _series(some, name, colour, symbol, called, language, half)
            for some, (name, colour, symbol) in zip((marked, plain), _GROUPS, strict=True)
            if some
        ),
        lines=(Line("x", 0.0),),
        empty=say("lab_slopes_empty", language),
        n_shown=len(rows),
        n_total=len(mine),
    )


def _series(
    rows: list[tuple[int, dict[str, Any]]],
    name: str,
    colour: Role,
    symbol: Symbol,
    called: dict[str, str],
    language: Language,
    half: float,
) -> Series:
    slopes = tuple(value or 0.0 for value in inside([row["slope"] for _, row in rows], half))
    return Series(
        name=say(name, language),
        mark="interval",
        x=slopes,
        y=tuple(float(at) for at, _ in rows),
        lower=inside([row["lower"] for _, row in rows], half),
        upper=inside([row["upper"] for _, row in rows], half),
        colour=colour,
        symbol=symbol,
        ids=tuple(row["scope_id"] for _, row in rows),
        hover=tuple(
            say(
                "slope_hover",
                language,
                name=called.get(row["scope_id"], row["scope_id"]),
                slope=row["slope"],
                lower=row["lower"],
                upper=row["upper"],
                q=row["q_value"],
                n=row["n_samples"],
            )
            for _, row in rows
        ),
        horizontal=True,
    )
