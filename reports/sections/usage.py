"""What became of every result that the run read, by kind of evidence."""

from __future__ import annotations

import polars as pl

from labqa.core.vocabulary import EvidenceKind, UsedBy, values
from reports.context import Context
from reports.document import Block, Column, Paragraph, Section, Table
from reports.numbers import whole
from reports.words import sentence


def section(context: Context) -> Section:
    """Totals by kind and use; each block stands in one row."""
    say, use = context.say, context.tables["evidence_use"]
    used = use.filter(pl.col("used_by") != str(UsedBy.NONE))
    said = say(
        "usage_lead",
        results=whole(use["n_results"].sum()),
        blocks=whole(use["n_blocks"].sum()),
        used=whole(used["n_results"].sum()),
    )
    blocks: list[Block] = [Paragraph(said)]
    if use.height:
        blocks.append(_table(context, use))
    return Section("usage", say("usage_title"), tuple(blocks))


def _table(context: Context, use: pl.DataFrame) -> Table:
    say = context.say
    order = [
        pl.col(name).replace_strict(words, range(len(words)))
        for name, words in (("kind", values(EvidenceKind)), ("used_by", values(UsedBy)))
    ]
    added = use.group_by("kind", "used_by", "reason").agg(pl.col("n_blocks", "n_results").sum())
    rows = tuple(
        (
            say(f"kind_{row['kind']}"),
            say(f"used_by_{row['used_by']}"),
            whole(row["n_blocks"]),
            whole(row["n_results"]),
            sentence(row["reason"], context.language) if row["reason"] else "",
        )
        for row in added.sort(*order, -pl.col("n_results"), "reason").iter_rows(named=True)
    )
    columns = (
        Column(say("evidence_kind"), share=2),
        Column(say("used_by"), share=2),
        Column(say("blocks_counted"), "right", share=1.1),
        Column(say("results_counted"), "right", share=1.1),
        Column(say("reason"), share=5),
    )
    return Table(title=say("usage_table"), columns=columns, rows=rows, note=say("usage_note"), small=True)
