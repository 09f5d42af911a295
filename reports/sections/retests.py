"""Retest coverage by trigger, and changed verdicts beside those expected without fault."""

from __future__ import annotations

from labqa.core.vocabulary import Trigger, values
from reports.context import Context
from reports.document import Block, Column, Paragraph, Section, Table
from reports.numbers import percent, plain, whole
from reports.sections import choice


def section(context: Context) -> Section:
    """Coverage, flips and the kinds of pairs; sentences where the programme has no retests."""
    say = context.say
    blocks: list[Block] = []
    drawn = context.total("spot_check_samples")
    if drawn:
        blocks.append(
            Paragraph(
                say(
                    "coverage_lead",
                    drawn=whole(drawn),
                    retested=whole(context.total("retested_samples")),
                    share=percent(context.total("retest_coverage")),
                )
            )
        )
    else:
        blocks.append(Paragraph(say("coverage_none")))
    triggers = [name for name in values(Trigger) if context.total("retest_coverage", "trigger", name)]
    if triggers:
        blocks += [_triggers(context, triggers), Paragraph(say("selection_note"), "note")]
    blocks += choice.blocks(context)
    blocks += _duplicates(context)
    blocks += _flips(context)
    return Section("retests", say("retests_title"), tuple(blocks))


def _triggers(context: Context, triggers: list[str]) -> Table:
    say = context.say
    rows = tuple(
        (
            say(f"trigger_{name}"),
            percent(context.total("retest_coverage", "trigger", name)),
            whole(context.total("pairs", "trigger", name)),
            percent(context.total("agreement_share", "trigger", name)),
        )
        for name in triggers
    )
    heads = (
        Column(say("trigger"), share=2.4),
        *(Column(say(f"metric_{name}"), "right") for name in ("retest_coverage", "pairs", "agreement_share")),
    )
    return Table(title=say("triggers_title"), columns=heads, rows=rows)


def _duplicates(context: Context) -> list[Block]:
    """Pairs by kind and by what was quantified, where duplicates of one or an unnamed laboratory take part."""
    duplicates = context.total("pairs", "kind", "duplicate")
    if not duplicates:
        return []
    say = context.say
    first = [(name, context.total("first_pairs", "quantified", name)) for name in ("both_quantified", "both_censored", "mixed")]
    rows = [
        (say("pairs_between"), whole(context.total("pairs", "kind", "between") or 0)),
        (say("pairs_duplicate"), whole(duplicates)),
        *((say(f"first_{name}"), whole(value)) for name, value in first if value),
    ]
    columns = (Column(say("kind_of_pair"), share=4), Column(say("metric_pairs"), "right"))
    return [Paragraph(say("duplicates_text")), Table(title=say("kinds_title"), columns=columns, rows=tuple(rows))]


def _flips(context: Context) -> list[Block]:
    say = context.say
    judged = context.base("flips", "trigger", "all")
    if not judged:
        return [Paragraph(say("flips_none"))]
    rows = tuple(
        (
            say(f"flips_{name}"),
            whole(context.base("flips", "trigger", name)),
            whole(context.total("flips", "trigger", name)),
            plain(context.total("flips_expected", "trigger", name), 1),
        )
        for name in ("planned", "all")
        if context.base("flips", "trigger", name)
    )
    columns = (
        Column("", share=2.4),
        *(Column(say(head), "right") for head in ("flips_judged", "flips_seen", "flips_expected")),
    )
    return [Table(title=say("flips_title"), columns=columns, rows=rows, note=say("flips_note"))]
