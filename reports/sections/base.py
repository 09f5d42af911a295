"""Base figures of the run, and five years beside each other."""

from __future__ import annotations

from labqa.figures.charts.trends import MEASURES, five_year_trend
from reports.context import Context
from reports.document import Block, Column, Panel, Paragraph, Section, Table
from reports.numbers import percent, whole

MOST_ACROSS = 7
"""Years that stand as columns; of more each is a row."""
_COUNTS = ("results", "samples", "labs", "spot_check_samples", "retested_samples", "comparison_samples", "pairs")
_SHARES = ("retest_coverage", "agreement_share", "duplicate_agreement_share", "pass_share")


def section(context: Context) -> Section:
    """Base figures and trend; figures that no year has are left out."""
    say = context.say
    blocks: list[Block] = [
        Paragraph(
            say(
                "base_lead",
                results=whole(context.total("results")),
                samples=whole(context.total("samples")),
                labs=whole(context.total("labs")),
                refused=whole(context.refused),
            )
        )
    ]
    if context.years:
        blocks.append(_years(context))
    else:
        blocks += [Paragraph(say("base_undated")), _one_window(context)]
    seen = [measure for measure in MEASURES if _has(context, measure)]
    specs = [five_year_trend(context.tables["summary"], context.language, measure=measure) for measure in seen]
    drawn = tuple(spec for spec in specs if not spec.is_empty)
    if drawn:
        blocks.append(Panel(drawn, say("trend_caption")))
    return Section("base", say("base_title"), tuple(blocks))


def _has(context: Context, metric: str) -> bool:
    """Whether any year has a figure, be it 0."""
    return any(context.total(metric, period=year) is not None for year in context.years)


def _years(context: Context) -> Table:
    """Years as columns, many as rows, the evaluated ones last; figures that no year has are left out."""
    say = context.say
    years = context.years
    lines = [
        ("", *years),
        *(
            (say(f"metric_{metric}"), *(form(context.total(metric, period=year)) for year in years))
            for metrics, form in ((_COUNTS, whole), (_SHARES, percent))
            for metric in metrics
            if _has(context, metric)
        ),
    ]
    many = len(years) > MOST_ACROSS
    (_, *heads), *rows = zip(*lines, strict=True) if many else lines
    columns = (Column("", share=1.0 if many else 2.4), *(Column(head, "right") for head in heads))
    return Table(title=say("base_table"), columns=columns, rows=tuple(rows), note=say("base_note"), small=many)


def _one_window(context: Context) -> Table:
    say = context.say
    rows = [
        (say(f"metric_{metric}"), form(context.total(metric)))
        for metrics, form in ((_COUNTS, whole), (_SHARES, percent))
        for metric in metrics
        if context.total(metric) is not None
    ]
    return Table(
        title=say("base_window"), columns=(Column("", share=3), Column(context.period_named, "right")), rows=tuple(rows)
    )
