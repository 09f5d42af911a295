"""Proposed class changes: on bias, precision, gross errors or points; by the literal veto, listed apart; first ratings."""

from __future__ import annotations

from typing import Any

import polars as pl

from labqa.core.vocabulary import Ground, Proposal
from labqa.figures.charts.classes import class_distribution
from reports import laboratories
from reports.context import Context
from reports.document import Block, Bullets, Column, Heading, Paragraph, Section, Table, charted
from reports.evidence import evidence_table
from reports.numbers import ABSENT, chance, interval, plain, signed, whole

MOST_DETAILED = 30
"""Laboratories whose reasons are printed in full; the run holds all."""

_VETO = pl.col("ground") == Ground.VETO
_DOWN = pl.col("proposal") == Proposal.DOWNGRADE
_FIRST = pl.col("proposal") == Proposal.FIRST_RATING


def section(context: Context) -> Section:
    """Class distribution, proposals with evidence, proposals by veto, first ratings."""
    say = context.say
    rated = context.rated
    proposed = rated.filter(pl.col("proposal") != Proposal.NONE)
    distribution = charted(class_distribution(context.tables["ratings"], context.language))
    if proposed.is_empty():
        key = "proposals_none" if context.any_assessed else "proposals_none_unassessed"
        return Section("proposals", say("proposals_title"), (Paragraph(say(key), "lead"), distribution))
    down, veto = proposed.filter(_DOWN & ~_VETO.fill_null(False)), proposed.filter(_VETO.fill_null(False))
    up = proposed.filter(pl.col("proposal") == Proposal.UPGRADE)
    first = proposed.filter(_FIRST & ~_VETO.fill_null(False))
    lead = say("proposals_lead", down=down.height, veto=veto.height, up=up.height, first=first.height)
    blocks: list[Block] = [Paragraph(lead, "lead"), distribution]
    blocks.append(Heading(say("downgrades_heading")))
    blocks += _downgrades(context, down) if down.height else [Paragraph(say("downgrades_none"))]
    blocks.append(Heading(say("veto_heading")))
    blocks += _vetoes(context, veto) if veto.height else [Paragraph(say("veto_none"))]
    if up.height:
        blocks += [Heading(say("upgrades_heading")), _changes(context, up, say("upgrades_table"))]
    if first.height:
        blocks += [Heading(say("first_heading")), Paragraph(say("first_text")), _changes(context, first, say("first_table"))]
    return Section("proposals", say("proposals_title"), tuple(blocks))


def _downgrades(context: Context, rows: pl.DataFrame) -> list[Block]:
    say = context.say
    table = _changes(context, rows, say("downgrades_table"))
    return [Paragraph(say("downgrades_text")), table, *_in_detail(context, rows)]


def _in_detail(context: Context, rows: pl.DataFrame) -> list[Block]:
    """Reasons and evidence of one laboratory after the other."""
    blocks = [block for row in rows.head(MOST_DETAILED).iter_rows(named=True) for block in _reasons(context, row)]
    if rows.height > MOST_DETAILED:
        blocks.append(Paragraph(context.say("shown_of", shown=MOST_DETAILED, total=rows.height), "note"))
    return blocks


def _changes(context: Context, rows: pl.DataFrame, title: str) -> Table:
    say = context.say
    columns = (
        *laboratories.columns(context),
        Column(say("ground"), share=1.1),
        Column(say("points"), "right", share=0.8),
        Column(say("bias_interval"), "right", share=2.9),
        Column(say("n_samples"), "right", share=0.8),
    )
    return Table(
        title=title,
        columns=columns,
        rows=tuple(
            (
                *laboratories.cells(context, row),
                say(f"ground_{row['ground']}") if row["ground"] else ABSENT,
                plain(row["points"], 1),
                f"{signed(row['estimate'])} {interval(row['lower'], row['upper'])}".strip(),
                whole(row["n_samples"]),
            )
            for row in rows.iter_rows(named=True)
        ),
        small=True,
    )


def _reasons(context: Context, row: dict[str, Any]) -> list[Block]:
    """A laboratory's reasons as sentences, and the rows on which they rest, those of the proposal's ground first."""
    say = context.say
    reasons = context.tables["reasons"].filter(pl.col("lab") == row["lab"]).sort("position")
    name = context.lab(row["lab"])
    now, then = row["class_in_force"] or ABSENT, row["class_proposed"] or ABSENT
    head = Heading(say("lab_heading", lab=row["lab"], name=name, now=now, then=then))
    told = tuple(context.sentence(line) for line in reasons["message"])
    telling = reasons.sort(pl.col("ground").ne_missing(row["ground"]), maintain_order=True)["evidence"]
    cited = list(dict.fromkeys(code for codes in telling.to_list() for code in codes))
    table = evidence_table(context, cited, lab=row["lab"])
    return [head, Bullets(told), *([table] if table else [])]


def _vetoes(context: Context, rows: pl.DataFrame) -> list[Block]:
    say = context.say
    columns = (
        *laboratories.columns(context),
        Column(say("veto_outliers"), "right", share=1.2),
        Column(say("veto_expected"), "right", share=1.1),
        Column(say("veto_chance"), "right", share=1.4),
        Column(say("veto_correlated"), "right", share=1.4),
    )
    table = Table(
        title=say("veto_table"),
        columns=columns,
        rows=tuple(
            (
                *laboratories.cells(context, row),
                f"{row['veto_outliers']} / {row['veto_results']}",
                plain(row["veto_expected"]),
                chance(row["veto_chance"]),
                chance(row["veto_chance_correlated"]),
            )
            for row in rows.iter_rows(named=True)
        ),
        small=True,
    )
    counted = context.rated.filter(pl.col("veto_if_pairs_counted") & ~pl.col("veto")).height
    more = [Paragraph(say("veto_if_pairs", n=counted), "note")] if counted else []
    return [Paragraph(say("veto_text")), table, *more, *_in_detail(context, rows)]
