"""Methods and parameters, what was refused or unused, and the fingerprint by which the run can be derived again."""

from __future__ import annotations

from reports.context import Context
from reports.document import Block, Bullets, Column, Heading, Paragraph, Section, Table
from reports.numbers import whole
from reports.words import sentence

METHODS = ("blocks", "yardsticks", "discrepancy", "bias", "kinds", "zero", "status", "precision", "gross", "veto", "proposal")


def section(context: Context) -> Section:
    """Methods, parameters, unused evidence."""
    say = context.say
    blocks: list[Block] = [Bullets(tuple(say(f"method_{name}", delta=f"{context.tolerated:g}") for name in METHODS))]
    settings = context.manifest.settings
    blocks.append(Heading(say("parameters_heading")))
    if settings:
        rows = tuple((str(name), str(value)) for name, value in sorted(settings.items()))
        columns = (Column(say("setting"), share=2), Column(say("setting_value"), share=3))
        note = say("parameters_note", edition=context.manifest.edition)
        blocks.append(Table(title=say("parameters_title"), columns=columns, rows=rows, note=note))
    else:
        blocks.append(Paragraph(say("parameters_default", edition=context.manifest.edition)))
    blocks += [Heading(say("unused_heading")), Paragraph(say("refused_text", n=whole(context.refused))), *_unused(context)]
    blocks += _yardsticks(context)
    return Section("methods", say("methods_title"), tuple(blocks))


def _unused(context: Context) -> list[Block]:
    reasons = context.by("blocks_not_used", "reason")
    if not reasons:
        return []
    say = context.say
    return [
        Table(
            title=say("unused_title"),
            columns=(Column(say("reason"), share=6), Column(say("blocks_counted"), "right", share=1.4)),
            rows=tuple((sentence(key, context.language), whole(value)) for key, value, _ in reasons),
            note=say(
                "used_note",
                used=whole(context.total("blocks_used_for_bias")),
                several=whole(context.base("blocks_used_for_bias")),
            ),
        )
    ]


def _yardsticks(context: Context) -> list[Block]:
    counts = context.tables["yardsticks"]["source"].value_counts().sort(["count", "source"], descending=[True, False])
    say = context.say
    rows = tuple((say(f"source_{source}"), whole(n)) for source, n in counts.iter_rows())
    columns = (Column(say("yardstick_source"), share=6), Column(say("items_counted"), "right", share=1.4))
    return [Table(title=say("yardsticks_title"), columns=columns, rows=rows)] if rows else []


def fingerprint(context: Context) -> Section:
    """Everything that names the run and its tables."""
    say, manifest = context.say, context.manifest
    entries, last = context.head
    named = (
        ("run_id", manifest.run_id),
        ("programme", manifest.programme),
        ("period", manifest.period),
        ("partitions", ", ".join(manifest.partitions)),
        ("data_version", str(manifest.data_version)),
        ("ledger_head", f"{entries}:{last}"),
        ("edition", manifest.edition),
        ("edition_hash", manifest.edition_hash),
        ("code_version", manifest.code),
        ("seed", str(manifest.seed)),
    )
    columns = (Column("", share=1.3), Column("", share=4))
    blocks: list[Block] = [
        Paragraph(say("fingerprint_text")),
        Table(
            title=say("fingerprint_run"),
            columns=columns,
            rows=tuple((say(f"print_{name}"), value) for name, value in named),
            small=True,
        ),
    ]
    prints = context.fingerprints
    if prints.height:
        rows = tuple(
            (table, whole(n), content) for table, n, content in prints.select("table", "rows", "content_hash").iter_rows()
        )
        heads = (
            Column(say("table"), share=1.3),
            Column(say("rows"), "right", share=0.8),
            Column(say("content_hash"), share=4.6),
        )
        blocks.append(Table(title=say("fingerprint_tables"), columns=heads, rows=rows, small=True))
    return Section("fingerprint", say("fingerprint_title"), tuple(blocks))
