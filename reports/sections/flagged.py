"""Laboratories to look at: biases by product family, and flags, which never accuse."""

from __future__ import annotations

import polars as pl

from labqa.figures.charts.maps import heat_map_bias
from reports.context import Context
from reports.document import Block, Column, Paragraph, Section, Table, charted
from reports.numbers import whole
from reports.words import rule

MOST_FLAGS = 40
"""Flags that the report prints; the run holds all."""


def section(context: Context) -> Section:
    """Heat map and flags."""
    say = context.say
    bias, labs, products = context.tables["lab_bias"], context.registers["labs"], context.registers["products"]
    blocks: list[Block] = [charted(heat_map_bias(bias, labs, products, context.language, limit=25))]
    counted = context.by("flags", "rule")
    if counted:
        blocks += [
            Paragraph(say("flags_lead", n=whole(context.tables["flags"].height))),
            _counted(context, counted),
            *_flags(context),
        ]
    else:
        blocks.append(Paragraph(say("flags_none")))
    return Section("flagged", say("flagged_title"), tuple(blocks))


def _counted(context: Context, counted: list[tuple[str, float, int]]) -> Table:
    say = context.say
    return Table(
        title=say("flags_counted"),
        columns=(Column(say("rule"), share=6), Column(say("flags_number"), "right", share=1.4)),
        rows=tuple((rule(key, context.language), whole(value)) for key, value, _ in counted),
    )


def _flags(context: Context) -> list[Block]:
    """Flags that name a laboratory, those of the laboratories with most flags first; no table where none does."""
    say = context.say
    flags = context.tables["flags"].filter(pl.col("lab").is_not_null()).with_columns(of_lab=pl.len().over("lab"))
    shown = flags.sort(["of_lab", "lab", "rule", "flag"], descending=[True, False, False, False]).head(MOST_FLAGS)
    rows = tuple((row["lab"], context.lab(row["lab"]), context.sentence(row["message"])) for row in shown.iter_rows(named=True))
    table = Table(
        title=say("flags_title"),
        columns=(Column(say("lab")), Column(say("lab_name"), share=2.2), Column(say("flag"), share=5)),
        rows=rows,
        note=say("shown_of", shown=len(rows), total=flags.height),
        small=True,
    )
    return [table] if rows else []
