"""Annex: every laboratory with its class, its bias and the smallest bias that its evidence could have shown."""

from __future__ import annotations

from typing import Any

from labqa.core.vocabulary import Status
from reports import laboratories
from reports.context import Context
from reports.document import Column, Paragraph, Section, Table
from reports.numbers import ABSENT, interval, plain, signed, whole


def section(context: Context) -> Section:
    """All laboratories in order of their codes."""
    say = context.say
    columns = (
        *laboratories.columns(context),
        Column(say("status"), share=1),
        Column(say("bias_interval"), "right", share=3.2),
        Column(say("detectable"), "right", share=0.9),
        Column(say("n_samples"), "right", share=0.7),
        Column(say("n_partners"), "right", share=0.7),
    )
    rows = tuple(
        (
            *laboratories.cells(context, row),
            say(f"status_{row['bias_status'] or row['status']}"),
            _bias(row),
            plain(row["detectable"]),
            whole(row["n_samples"]),
            whole(row["n_partners"]),
        )
        for row in context.rated.iter_rows(named=True)
    )
    table = Table(title=say("annex_table"), columns=columns, rows=rows, note=say("annex_note"), small=True)
    return Section("annex", say("annex_title"), (Paragraph(say("annex_text")), table))


def _bias(row: dict[str, Any]) -> str:
    """Bias with its interval; nothing where the laboratory is not assessed, since a number would give it a sign."""
    if row["bias_status"] != Status.ASSESSED:
        return ABSENT
    return f"{signed(row['estimate'])} {interval(row['lower'], row['upper'])}"
