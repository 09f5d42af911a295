"""Agreement of original and retest, by product and item, and the pairs that differ most."""

from __future__ import annotations

from labqa.figures.charts.agreement import By, agreement_by
from labqa.figures.charts.maps import heat_map_discrepancy
from labqa.figures.charts.pairs import largest_discrepancies
from reports.context import Context
from reports.document import Block, Chart, Paragraph, Section, charted
from reports.numbers import percent, whole


def section(context: Context) -> Section:
    """Agreement between laboratories; within laboratories where only duplicates exist."""
    say = context.say
    between = context.base("agreement_share")
    inside = context.base("duplicate_agreement_share")
    blocks: list[Block] = []
    if between:
        blocks.append(Paragraph(say("agreement_lead", n=whole(between), share=percent(context.total("agreement_share")))))
        blocks += _charts(context, "agreement_share")
        blocks.append(charted(largest_discrepancies(context.scored, context.registers["items"], context.language, limit=15)))
        spec = heat_map_discrepancy(
            context.scored, context.registers["labs"], context.registers["products"], context.language, limit=20
        )
        blocks += [] if spec.is_empty else [Chart(spec)]
    else:
        blocks.append(Paragraph(say("agreement_none")))
    if inside:
        share = percent(context.total("duplicate_agreement_share"))
        blocks.append(Paragraph(say("agreement_duplicates", n=whole(inside), share=share)))
        blocks += [] if between else _charts(context, "duplicate_agreement_share")
    return Section("agreement", say("agreement_title"), tuple(blocks))


def _charts(context: Context, metric: str) -> list[Block]:
    summary, period = context.tables["summary"], context.period
    kinds: tuple[tuple[By, dict[str, str]], ...] = (("product", context.products), ("item", context.items))
    specs = [
        agreement_by(summary, called, context.language, by=by, period=period, metric=metric, limit=15) for by, called in kinds
    ]
    return [Chart(spec) for spec in specs if not spec.is_empty]
