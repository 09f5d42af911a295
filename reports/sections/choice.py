"""How much of the differences of objection retests their choice makes, beside those of planned retests."""

from __future__ import annotations

from typing import Any

import polars as pl

from labqa.core.vocabulary import OptionStatus, SelectionOption
from labqa.core.wording.catalogue import Message
from labqa.figures.charts import options
from reports.context import Context
from reports.document import Block, Chart, Column, Heading, Paragraph, Table
from reports.numbers import interval, signed, whole
from reports.words import sentence


def blocks(context: Context) -> list[Block]:
    """Text, table and figure of the network's rows of LAB_SELECTION; nothing where the programme has no retests."""
    found = context.tables["lab_selection"].filter(pl.col("lab") == "")
    rows = {row["option"]: row for row in found.iter_rows(named=True)}
    if not any(row["n_pairs"] for row in rows.values()):
        return []
    say = context.say
    unblinded, unknown = (
        _of(rows, option).get("n_samples", 0) for option in (SelectionOption.UNBLINDED, SelectionOption.BLIND_UNKNOWN)
    )
    spec = options.options_of_network(found, context.language)
    return [
        Heading(say("choice_heading")),
        Paragraph(_text(context, rows)),
        Paragraph(say("choice_blind", unblinded=whole(unblinded), unknown=whole(unknown))),
        *([] if spec.is_empty else [_table(context, rows), Chart(spec)]),
    ]


def _of(rows: dict[str, dict[str, Any]], option: SelectionOption) -> dict[str, Any]:
    return rows.get(str(option), {})


def _known(row: dict[str, Any]) -> bool:
    return row.get("status") == str(OptionStatus.ASSESSED)


def _text(context: Context, rows: dict[str, dict[str, Any]]) -> str:
    say = context.say
    naive, expected, rest = (
        _of(rows, option) for option in (SelectionOption.NAIVE, SelectionOption.EXPECTED, SelectionOption.CONDITIONAL)
    )
    if not _known(naive):
        return say("choice_text_none")
    told = {
        "pairs": whole(naive["n_pairs"]),
        "naive": signed(naive["estimate"]),
        "interval": interval(naive["lower"], naive["upper"]),
    }
    if not (_known(expected) and _known(rest)):
        return say("choice_text_not_offered", **told, reason=sentence(expected["reason"], context.language))
    return say(
        "choice_text",
        **told,
        expected=signed(expected["estimate"]),
        low=signed(expected["sensitivity_low"]),
        high=signed(expected["sensitivity_high"]),
        rest=signed(rest["estimate"]),
        rest_interval=interval(rest["lower"], rest["upper"]),
    )


def _table(context: Context, rows: dict[str, dict[str, Any]]) -> Table:
    say = context.say
    columns = (
        Column(say("choice_option"), share=2.6),
        Column(say("choice_mean"), "right", share=2.0),
        Column(say("choice_range"), "right", share=1.6),
        Column(say("metric_pairs"), "right"),
        Column(say("n_samples"), "right"),
    )
    listed = tuple(
        (
            Message(f"figures.difference_{row['option']}").text(context.language),
            f"{signed(row['estimate'])} {interval(row['lower'], row['upper'])}",
            interval(row["sensitivity_low"], row["sensitivity_high"]),
            whole(row["n_pairs"]),
            whole(row["n_samples"]),
        )
        for row in (_of(rows, option) for option in options.OF_NETWORK)
        if _known(row)
    )
    return Table(title=say("choice_table"), columns=columns, rows=listed, note=say("choice_note"))
