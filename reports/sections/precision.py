"""Repeatability and reproducibility of each item by the level: a second opinion, with what stays undetermined."""

from __future__ import annotations

from typing import Any

import polars as pl

from labqa.service.opinions import CONDITIONS, doubt, model_of
from reports.context import Context
from reports.document import Block, Column, Paragraph, Section, Table
from reports.numbers import plain, significant, whole
from reports.words import sentence


def section(context: Context) -> Section:
    """What is known of the precision of the methods, by item; a sentence where no item is measured."""
    say, found = context.say, context.precision_levels
    told, none = found.filter(pl.col("chosen")), found.drop_nulls("reason")
    of = {condition: whole(told.filter(pl.col("condition") == condition).height) for condition in CONDITIONS}
    blocks: list[Block] = [Paragraph(say("precision_lead", items=whole(found["item"].n_unique()), **of), "lead")]
    if found.is_empty():
        blocks = [Paragraph(say("precision_none"))]
    else:
        blocks.append(Paragraph(say("precision_whose")))
    if told.height:
        blocks.append(_told(context, told))
    if none.height:
        blocks.append(_undetermined(context, none))
    return Section("precision", say("precision_title"), tuple(blocks))


def _told(context: Context, told: pl.DataFrame) -> Table:
    say = context.say
    columns = (
        Column(say("item"), share=2.2),
        Column(say("precision_condition"), share=1.4),
        Column(say("precision_model"), share=3.4),
        Column(say("precision_sd"), "right", share=2),
        Column(say("precision_levels"), "right", share=1.8),
        Column(say("precision_sets"), "right", share=0.8),
        Column(say("precision_plain"), "right", share=1),
        Column(say("precision_dispersion"), "right", share=1),
        Column(say("precision_doubt"), share=2.4),
    )
    rows = tuple(_row(context, row) for row in told.iter_rows(named=True))
    return Table(title=say("precision_table"), columns=columns, rows=rows, note=say("precision_note"), small=True)


def _row(context: Context, row: dict[str, Any]) -> tuple[str, ...]:
    name = context.items.get(row["item"], row["item"])
    return (
        name if row["unit"] == "1" else f"{name} ({row['unit']})",
        context.say(f"precision_{row['condition']}"),
        model_of(row).typeset(context.language),
        _range(row["sd_low"], row["sd_high"]),
        _range(row["level_low"], row["level_high"]),
        whole(row["sets"]),
        significant(row["sd"]),
        plain(row["dispersion"], 1),
        doubt(row, context.language),
    )


def _range(low: float, high: float) -> str:
    """Two figures, or one where they read alike."""
    return " – ".join(dict.fromkeys([significant(low), significant(high)]))


def _undetermined(context: Context, none: pl.DataFrame) -> Table:
    say = context.say
    counted = none.group_by("condition", "reason").len().sort("condition", "len", "reason", descending=[False, True, False])
    rows = tuple(
        (say(f"precision_{condition}"), whole(n), sentence(reason, context.language))
        for condition, reason, n in counted.iter_rows()
    )
    columns = (
        Column(say("precision_condition"), share=1.9),
        Column(say("precision_items"), "right", share=0.8),
        Column(say("reason"), share=5),
    )
    return Table(title=say("precision_undetermined"), columns=columns, rows=rows)
