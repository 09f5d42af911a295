"""What moved the bias of one laboratory: what each block adds to it, and what it would be without a sample or a partner."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

from labqa.core.vocabulary import Influence
from labqa.core.wording.catalogue import Language
from labqa.figures.charts.comparability import coded
from labqa.figures.extent import around
from labqa.figures.names import names, say, shortened
from labqa.figures.spec import Axis, Line, Role, Series, Spec

Row = dict[str, Any]
_WIDTH, _SHORT = 26, 22


def contributions(influence: pl.DataFrame, items: pl.DataFrame, lab: str, language: Language) -> Spec:
    """The blocks that add most to a bias, as bars; what they leave is told beside them, in words.

    `influence`: one bias of LAB_INFLUENCE, with `sample` and `item` of its blocks and the `pair` that a click opens.
    """
    called = names(items, "item", language)
    rows = of_kind(influence.iter_rows(named=True), Influence.ROW)
    labels = [f"{row['sample']} · {called.get(row['item'], row['item'])}" for row in rows]
    values = [row["contribution"] for row in rows]
    groups: list[tuple[str, Role, list[int]]] = [
        (say("influence_raises", language), "second", [k for k, value in enumerate(values) if value >= 0]),
        (say("influence_lowers", language), "main", [k for k, value in enumerate(values) if value < 0]),
    ]
    ends = around([0.0, *values])
    return Spec(
        kind="influence",
        language=language,
        title=say("influence", language, lab=lab),
        caption=say("influence_caption", language, shown=len(rows), total=_all(rows)),
        alt=say("influence_alt", language, lab=lab, shown=len(rows), largest=values[0] if values else 0.0),
        x=Axis(title=say("axis_contribution", language), unit="σR", range=ends),
        y=Axis(
            categories=tuple(shortened(one, _WIDTH) for one in labels),
            short=tuple(shortened(one, _SHORT) for one in labels),
            range=(max(len(labels), 1) - 0.3, -0.7),
        ),
        series=tuple(
            Series(
                name=name,
                mark="bar",
                x=tuple(values[k] for k in at),
                y=tuple(float(k) for k in at),
                colour=colour,
                ids=tuple(rows[k]["pair"] or "" for k in at),
                hover=tuple(say("influence_hover", language, name=labels[k], value=values[k]) for k in at),
                horizontal=True,
                width=0.7,
            )
            for name, colour, at in groups
            if at
        ),
        lines=(Line("x", 0.0),),
        empty=say("influence_empty", language),
        n_shown=len(rows),
        n_total=_all(rows),
    )


def without(
    influence: pl.DataFrame,
    estimate: float | None,
    labs: pl.DataFrame,
    lab: str,
    language: Language,
    *,
    delta_0: float,
    each: int = 8,
) -> Spec:
    """Where the bias would lie without each of the samples and partners that move it most; a line from where it lies now."""
    called = names(labs, "lab", language)
    every = influence.to_dicts()
    shown = [row for row in every if row["shift"] is not None and row["without"] is not None]
    groups: list[tuple[Influence, Role]] = [(Influence.SAMPLE, "main"), (Influence.PARTNER, "second")]
    parts = [(kind, colour, of_kind(shown, kind)[:each]) for kind, colour in groups]
    total = float(estimate or 0.0)
    labels: list[str] = []
    series = []
    ends = [total]
    for kind, colour, part in parts:
        if not part or estimate is None:
            continue
        at = range(len(labels), len(labels) + len(part))
        labels += [coded(row["what"], called) if kind is Influence.PARTNER else row["what"] for row in part]
        new = [row["without"] for row in part]
        ends += new
        series.append(
            Series(
                name=say(f"influence_of_{kind}", language),
                mark="interval",
                x=tuple(new),
                y=tuple(float(k) for k in at),
                lower=tuple(min(one, total) for one in new),
                upper=tuple(max(one, total) for one in new),
                colour=colour,
                symbol="circle" if kind is Influence.SAMPLE else "square",
                ids=tuple(row["what"] for row in part),
                hover=tuple(
                    say("influence_without_hover", language, name=labels[k], value=row["without"], shift=row["shift"])
                    for k, row in zip(at, part, strict=True)
                ),
                horizontal=True,
            )
        )
    low, high = min(ends), max(ends)
    pad = max(0.15 * (high - low), 0.1)
    low, high = low - pad, high + pad
    return Spec(
        kind="influence_without",
        language=language,
        title=say("influence_without", language, lab=lab),
        caption=say("influence_without_caption", language, delta=delta_0),
        alt=say("influence_without_alt", language, lab=lab, shown=len(labels), estimate=total),
        x=Axis(title=say("axis_bias", language), unit="σR", range=(low, high)),
        y=Axis(categories=tuple(shortened(one, _WIDTH) for one in labels), range=(max(len(labels), 1) - 0.3, -0.7)),
        series=tuple(series),
        lines=tuple(Line("x", at, dashed=dashed) for at, dashed in ((0.0, False), (total, True)) if dashed or low < 0.0 < high),
        empty=say("influence_empty", language),
        n_shown=len(labels),
        n_total=sum(_all(of_kind(every, kind)) for kind, _ in groups),
    )


def of_kind(influence: Iterable[Row], kind: Influence) -> list[Row]:
    """Rows of LAB_INFLUENCE of one kind, by rank."""
    return sorted((row for row in influence if row["kind"] == str(kind)), key=lambda row: int(row["rank"]))


def _all(rows: Sequence[Row]) -> int:
    return int(rows[0]["n_all"]) if rows else 0
