"""Comparison rounds of one laboratory: its z scores as ordered bars."""

from __future__ import annotations

import math
from typing import Any

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
    mine = [row for row in pt_scores.iter_rows(named=True) if row["lab"] == lab and row["z"] is not None]
    largest = sorted(mine, key=lambda row: (-abs(row["z"]), row["result"]))[:limit]
    kept = sorted(largest, key=lambda row: (row["z"], row["result"]))
    called = names(items, "item", language)
    half = max(min(reach([row["z"] for row in kept], least=z_limit + 0.5), EDGE), z_limit + 0.5)
    groups: tuple[tuple[str, Role, float, float], ...] = (
        (say("z_within", language, warning=WARNING), "main", -1.0, WARNING),
        (say("z_warning", language, warning=WARNING, limit=z_limit), "second", WARNING, z_limit),
        (say("z_outlying", language, limit=z_limit), "alarm", max(WARNING, z_limit), math.inf),
    )
    outlying = sum(abs(row["z"]) > z_limit for row in mine)
    return Spec(
        kind="z_bars",
        language=language,
        title=say("z_bars", language, lab=lab),
        caption=say("z_bars_caption", language, shown=len(kept), total=len(mine), edge=EDGE),
        alt=say("z_bars_alt", language, lab=lab, total=len(mine), outlying=outlying, limit=z_limit),
        x=Axis(title=say("axis_scores_ordered", language), ticks=False, range=(-0.8, max(len(kept), 1) - 0.2)),
        y=Axis(title="z", range=(-half, half)),
        series=tuple(
            _bars(rows, name, colour, called, half)
            for name, colour, above, most in groups
            if (rows := [(at, row) for at, row in enumerate(kept) if above < abs(row["z"]) <= most])
        ),
        bands=(Band("y", -WARNING, WARNING, f"±{WARNING:g}"),),
        lines=(Line("y", 0.0), Line("y", z_limit, f"+{z_limit:g}", "limit"), Line("y", -z_limit, f"−{z_limit:g}", "limit")),
        empty=say("z_empty", language),
        n_shown=len(kept),
        n_total=len(mine),
    )


def _bars(rows: list[tuple[int, dict[str, Any]]], name: str, colour: Role, called: dict[str, str], half: float) -> Series:
    return Series(
        name=name,
        mark="bar",
        x=tuple(float(at) for at, _ in rows),
        y=tuple(value or 0.0 for value in inside([row["z"] for _, row in rows], half)),
        colour=colour,
        ids=tuple(row["result"] for _, row in rows),
        hover=tuple(
            f"{called.get(row['item'], row['item'])}, {row['round'] or row['sample']}: z = {row['z']:+.2f}" for _, row in rows
        ),
        width=0.8,
    )
