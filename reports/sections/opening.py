"""What the evidence could show: share of laboratories assessed, and the smallest bias that each could have shown."""

from __future__ import annotations

from labqa.figures.charts import biases, plans
from reports.context import Context
from reports.document import Block, Column, Heading, KeyFigures, Paragraph, Section, Table, charted
from reports.numbers import ABSENT, percent, plain, whole
from reports.words import sentence

_QUANTILES = ("smallest", "quartile", "median", "upper_quartile", "largest")


def section(context: Context) -> Section:
    """The opening section."""
    say = context.say
    assessed, n = context.total("labs_assessed") or 0, context.base("labs_assessed")
    blocks: list[Block] = [_lead(context, assessed, n)]
    median = context.total("detectable_bias", "quantile", "median")
    figures = (
        (f"{whole(assessed)} / {whole(n)}", say("key_assessed")),
        (f"{plain(median)} σR" if median is not None else ABSENT, say("key_detectable")),
        (whole(context.total("pairs", "kind", "between") or 0), say("key_pairs")),
        (percent(_agreement(context)), say("key_agreement")),
    )
    blocks.append(KeyFigures(tuple(figure for figure in figures if figure[0] != ABSENT)))
    if median is not None:
        blocks.append(_detectable(context))
    blocks += _not_assessed(context)
    blocks.append(
        charted(
            biases.caterpillar(context.claimed_bias, context.registers["labs"], context.language, delta_0=context.tolerated)
        )
    )
    blocks += _next_year(context)
    return Section("evidence", say("evidence_title"), tuple(blocks))


def _lead(context: Context, assessed: float, n: int) -> Paragraph:
    say = context.say
    if not assessed:
        return Paragraph(say("evidence_none", n=whole(n)), "lead")
    figures = {name: context.total("detectable_bias", "quantile", name) for name in _QUANTILES}
    text = say("evidence_lead", assessed=whole(assessed), n=whole(n), share=percent(assessed / n))
    if figures["median"] is not None:
        text += say("evidence_smallest", **{name: plain(value) for name, value in figures.items()})
    return Paragraph(text, "lead")


def _agreement(context: Context) -> float | None:
    between = context.total("agreement_share")
    return between if between is not None else context.total("duplicate_agreement_share")


def _detectable(context: Context) -> Table:
    say = context.say
    return Table(
        title=say("detectable_title"),
        columns=tuple(Column(say(f"quantile_{name}"), "center") for name in _QUANTILES),
        rows=(tuple(plain(context.total("detectable_bias", "quantile", name)) for name in _QUANTILES),),
        note=say("detectable_note"),
    )


def _not_assessed(context: Context) -> list[Block]:
    reasons = context.by("labs_not_assessed", "reason")
    if not reasons:
        return []
    say = context.say
    return [
        Table(
            title=say("not_assessed_title"),
            columns=(Column(say("reason"), share=6), Column(say("labs_counted"), "right", share=1.6)),
            rows=tuple((sentence(key, context.language), whole(value)) for key, value, _ in reasons),
            note=say("not_assessed_note"),
        )
    ]


def _next_year(context: Context) -> list[Block]:
    """What other designs of as many retests would have told: the table of the planner, and its curves."""
    found = context.next_year
    if found is None:
        return []
    say, language = context.say, context.language
    size = {
        "labs": whole(found.plan.labs),
        "samples": whole(found.plan.samples),
        "share": percent(found.plan.retest_share),
        "items": found.plan.items,
        "families": found.plan.families,
        "years": found.plan.years,
    }
    designs = found.designs
    table = Table(
        title=say("plan_table"),
        columns=(Column(say("plan_figure"), share=2.6), *(Column(one.text(language), "center") for one in designs.header)),
        rows=tuple((label.text(language), *(cell.text(language) for cell in cells)) for label, cells in designs.rows),
        note=" ".join(note.text(language) for note in designs.notes),
        small=True,
    )
    curves = plans.power_curves(found.curves, language, bias=found.aim.bias, target=found.aim.target_power)
    return [Heading(say("plan_title")), Paragraph(say("plan_lead", **size)), table, charted(curves)]
