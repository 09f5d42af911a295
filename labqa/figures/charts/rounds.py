"""Comparison rounds of one laboratory: its z scores as ordered bars."""

from __future__ import annotations

import polars as pl

from labqa.core.wording.catalogue import Language
from labqa.figures.extent import inside, reach
from labqa.figures.names import names, say
from labqa.figures.spec import Axis, Band, Line, Role, Series, Spec

WARNING = 2.0
EDGE = 6.0
"""|z| at which bars are cut; the hover text keeps the value."""


def z_bars(
    pt_scores: pl.DataFrame, items: pl.DataFrame, lab: str, language: Language, *, z_limit: float = 3.0, limit: int = 400
) -> Spec:
    """z scores of one laboratory in ascending order, coloured by the warning limit and the edition's limit."""
    mine = pt_scores.filter(pl.col("lab") == lab).drop_nulls("z")
    kept = (
        mine.sort(pl.col("z").abs(), "result", descending=[True, False])
        .head(limit)
        .sort("z", "result")
        .with_row_index("position")
    )
    called = names(items, "item", language)
    half = max(min(reach(kept["z"], least=z_limit + 0.5), EDGE), z_limit + 0.5)
    size = pl.col("z").abs()
    groups: tuple[tuple[str, Role, pl.Expr], ...] = (
        (say("z_within", language, warning=WARNING), "main", size <= WARNING),
        (say("z_warning", language, warning=WARNING, limit=z_limit), "second", (size > WARNING) & (size <= z_limit)),
        (say("z_outlying", language, limit=z_limit), "alarm", size > z_limit),
    )
    return Spec(
        kind="z_bars",
        language=language,
        title=say("z_bars", language, lab=lab),
        caption=say("z_bars_caption", language, shown=kept.height, total=mine.height, edge=EDGE),
        alt=say("z_bars_alt", language, lab=lab, total=mine.height, outlying=mine.filter(size > z_limit).height, limit=z_limit),
        x=Axis(title=say("axis_scores_ordered", language), ticks=False, range=(-0.8, max(kept.height, 1) - 0.2)),
        y=Axis(title="z", range=(-half, half)),
        series=tuple(
            _bars(rows, name, colour, called, half) for name, colour, some in groups if (rows := kept.filter(some)).height
        ),
        bands=(Band("y", -WARNING, WARNING, f"±{WARNING:g}"),),
        lines=(Line("y", 0.0), Line("y", z_limit, f"+{z_limit:g}", "limit"), Line("y", -z_limit, f"−{z_limit:g}", "limit")),
        empty=say("z_empty", language),
        n_shown=kept.height,
        n_total=mine.height,
    )


def _bars(rows: pl.DataFrame, name: str, colour: Role, called: dict[str, str], half: float) -> Series:
    return Series(
        name=name,
        mark="bar",
        x=tuple(float(position) for position in rows["position"]),
        y=tuple(value or 0.0 for value in inside(rows["z"].to_list(), half)),
        colour=colour,
        ids=tuple(rows["result"]),
        hover=tuple(
            f"{called.get(row['item'], row['item'])}, {row['round'] or row['sample']}: z = {row['z']:+.2f}"
            for row in rows.iter_rows(named=True)
        ),
        width=0.8,
    )
