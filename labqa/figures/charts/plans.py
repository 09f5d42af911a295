"""Plans of retests: what each design would find, against what it costs."""

from __future__ import annotations

import polars as pl

from labqa.core.wording.catalogue import Language
from labqa.figures.extent import ticks_of_decades
from labqa.figures.names import say
from labqa.figures.spec import Axis, Line, Role, Series, Spec, Symbol

_DESIGNS: dict[str, tuple[str, Role, Symbol]] = {
    "random": ("design_random", "main", "circle"),
    "hub": ("design_hub", "quiet", "square"),
    "triangles": ("design_triangles", "second", "cross"),
    "two-stage": ("design_two_stage", "alarm", "diamond-open"),
}


def power_curves(curves: pl.DataFrame, language: Language, *, bias: float, target: float) -> Spec:
    """Power at one bias against retests a year and laboratory, a line for each design (design, retests, n_samples, power)."""
    known = curves.sort("retests")
    lines = [(design, known.filter(pl.col("design") == design)) for design in _DESIGNS]
    lines = [(design, rows) for design, rows in lines if rows.height]
    low, high = (known["retests"].min(), known["retests"].max()) if known.height else (1.0, 10.0)
    span = (float(low) / 1.1, float(high) * 1.1)  # type: ignore[arg-type]
    ticks = ticks_of_decades(*span)
    return Spec(
        kind="power_curves",
        language=language,
        title=say("power_curves", language),
        caption=say("power_curves_caption", language, bias=bias),
        alt=say(
            "power_curves_alt",
            language,
            target=target,
            reached="; ".join(_reached(design, rows, language, target) for design, rows in lines),
        ),
        x=Axis(
            title=say("axis_retests", language),
            log=True,
            range=span,
            tick_values=ticks,
            tick_labels=tuple(f"{value:g}" for value in ticks),
        ),
        y=Axis(title=say("axis_power", language), range=(0.0, 1.0), percent=True),
        series=tuple(_line(design, rows, language) for design, rows in lines),
        lines=(Line("y", target, f"{target:.0%}", dashed=True),),
        empty=say("power_curves_empty", language),
        n_shown=known.height,
        n_total=curves.height,
    )


def _line(design: str, rows: pl.DataFrame, language: Language) -> Series:
    name, colour, symbol = _DESIGNS[design]
    called = say(name, language)
    return Series(
        name=called,
        mark="line",
        x=tuple(rows["retests"]),
        y=tuple(rows["power"]),
        colour=colour,
        symbol=symbol,
        hover=tuple(
            say("power_curves_hover", language, design=called, retests=retests, n_samples=n_samples, power=power)
            for retests, n_samples, power in rows.select("retests", "n_samples", "power").iter_rows()
        ),
    )


def _reached(design: str, rows: pl.DataFrame, language: Language, target: float) -> str:
    """Where the line first reaches the target, in words."""
    called = say(_DESIGNS[design][0], language)
    enough = rows.filter(pl.col("power") >= target)["retests"]
    if not len(enough):
        return say("power_curves_never", language, design=called)
    return say("power_curves_at", language, design=called, retests=enough[0])
