"""How the bias of one laboratory changes with the level: over all its items, and item by item."""

from __future__ import annotations

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
    mine = lab_slopes.filter((pl.col("lab") == lab) & (pl.col("status") == str(Status.ASSESSED)))
    by_item = mine.filter(pl.col("scope") == str(Scope.ITEM)).sort("p_value", "scope_id")
    rows = pl.concat([mine.filter(pl.col("scope") == str(Scope.LAB)), by_item.head(limit)]).with_row_index("position")
    called = names(items, "item", language) | {"": say("lab_as_a_whole", language)}
    half = reach([*rows["lower"], *rows["upper"]], least=0.5)
    marked = pl.col("q_value") < FALSE_SHARE
    return Spec(
        kind="lab_slopes",
        language=language,
        title=say("lab_slopes", language, lab=lab),
        caption=say("lab_slopes_caption", language, shown=by_item.head(limit).height, total=by_item.height),
        alt=say("lab_slopes_alt", language, lab=lab, shown=rows.height, marked=rows.filter(marked).height),
        x=Axis(title=say("axis_slope", language), unit="σR", range=(-half, half)),
        y=Axis(
            categories=tuple(shortened(called.get(code, code), 30) for code in rows["scope_id"]),
            range=(max(rows.height, 1) + 0.2, -0.6),
        ),
        series=tuple(
            _series(rows.filter(marked if name == "slope_marked" else ~marked), name, colour, symbol, called, language, half)
            for name, colour, symbol in _GROUPS
            if rows.filter(marked if name == "slope_marked" else ~marked).height
        ),
        lines=(Line("x", 0.0),),
        empty=say("lab_slopes_empty", language),
        n_shown=rows.height,
        n_total=mine.height,
    )


def _series(
    rows: pl.DataFrame, name: str, colour: Role, symbol: Symbol, called: dict[str, str], language: Language, half: float
) -> Series:
    slopes = tuple(value or 0.0 for value in inside(rows["slope"].to_list(), half))
    return Series(
        name=say(name, language),
        mark="interval",
        x=slopes,
        y=tuple(float(position) for position in rows["position"]),
        lower=inside(rows["lower"].to_list(), half),
        upper=inside(rows["upper"].to_list(), half),
        colour=colour,
        symbol=symbol,
        ids=tuple(rows["scope_id"]),
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
            for row in rows.iter_rows(named=True)
        ),
        horizontal=True,
    )
