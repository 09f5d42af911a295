"""The annual evaluation as a document: which sections, in which order."""

from __future__ import annotations

from dataclasses import replace

from labqa.service.naming import programme_name
from reports.context import Context
from reports.document import Document, Section, Table
from reports.numbers import ABSENT
from reports.sections import agreement, annex, base, flagged, methods, moved, opening, precision, proposals, retests, usage

_SECTIONS = (
    opening.section,
    base.section,
    retests.section,
    agreement.section,
    flagged.section,
    proposals.section,
    moved.section,
    precision.section,
    methods.section,
    usage.section,
    methods.fingerprint,
    annex.section,
)


def annual(context: Context) -> Document:
    """The annual evaluation of a run."""
    say, manifest = context.say, context.manifest
    programme = programme_name(manifest.programme, context.language)
    facts = (
        (say("fact_programme"), programme),
        (say("fact_period"), context.period_named),
        (say("fact_edition"), manifest.edition),
        (say("fact_run"), manifest.run_id),
    )
    return Document(
        language=context.language,
        title=say("title"),
        subtitle=say("subtitle", period=context.period_named),
        facts=facts,
        footer=say("footer", run=manifest.run_id, programme=programme, period=context.period_named),
        run_id=manifest.run_id,
        sections=tuple(_pruned(section) for make in _SECTIONS if (section := make(context)) is not None),
    )


def _pruned(section: Section) -> Section:
    """The section with its tables freed of columns that say nothing in any row."""
    return replace(
        section, blocks=tuple(_without_empty(block) if isinstance(block, Table) else block for block in section.blocks)
    )


def _without_empty(table: Table) -> Table:
    """The table without columns in which every cell is empty or absent; one row alone keeps them all."""
    if len(table.rows) < 2:
        return table
    kept = [k for k in range(len(table.columns)) if any(row[k] not in ("", ABSENT) for row in table.rows)]
    return replace(
        table, columns=tuple(table.columns[k] for k in kept), rows=tuple(tuple(row[k] for k in kept) for row in table.rows)
    )
