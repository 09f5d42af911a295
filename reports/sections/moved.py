"""What moved since the run before of the same inputs, and which corrections came in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from labqa.figures.names import counted
from labqa.service.moved import Moved
from reports.context import Context
from reports.document import Block, Column, Paragraph, Section, Table
from reports.numbers import ABSENT, plain, whole


def section(context: Context) -> Section | None:
    """Laboratories whose rating moved, one by one where corrections came in between; None where there is no run to compare
    with."""
    say, moved = context.say, context.moved
    if moved is None:
        return None
    key = "moved_lead" if moved.labs.height else "moved_none"
    blocks: list[Block] = [Paragraph(say(key, n=whole(moved.labs.height), run=moved.before), "lead")]
    if moved.corrections.height:
        blocks.append(_corrections(context, moved))
    if moved.others:
        blocks.append(Paragraph(say("moved_others", n=whole(moved.others))))
    if moved.other_code:
        blocks.append(Paragraph(say("moved_code")))
    if moved.labs.height and moved.corrections.height:
        blocks.append(_labs(context, moved))
    return Section("moved", say("moved_title"), tuple(blocks))


def _corrections(context: Context, moved: Moved) -> Table:
    say = context.say
    columns = (
        Column(say("moved_entry"), "right", share=0.7),
        Column(say("moved_file"), share=2.0),
        Column(say("moved_reason"), share=3.6),
        Column(say("moved_rows"), "right", share=0.8),
        Column(say("moved_followed"), "right", share=1.0),
        Column(say("moved_labs"), "right", share=1.0),
    )
    rows = tuple(
        (str(one["position"]), one["file_name"], one["reason"], *(whole(one[name]) for name in ("rows", "followed", "labs")))
        for one in moved.corrections.iter_rows(named=True)
    )
    return Table(title=say("moved_corrections"), columns=columns, rows=rows, small=True)


def _labs(context: Context, moved: Moved) -> Table:
    say = context.say
    columns = (
        Column(say("lab")),
        Column(say("lab_name"), share=3.0),
        Column(say("points"), "right", share=1.5),
        Column(say("moved_class"), "center", share=1.3),
        Column(say("proposed"), "center", share=1.3),
        Column(say("status"), share=1.8),
        Column(say("moved_own_rows"), "right", share=1.0),
    )
    rows = tuple(
        (
            row["lab"],
            context.lab(row["lab"]),
            _from_to(row, "points", lambda value: plain(value, 1)),
            _from_to(row, "class_by_points", str),
            _from_to(row, "class_proposed", str),
            _from_to(row, "status", lambda value: say(f"status_{value}")),
            whole(row["own_rows"]),
        )
        for row in counted(moved.labs, "lab").iter_rows(named=True)
    )
    return Table(title=say("moved_table"), columns=columns, rows=rows, note=say("moved_note"), small=True)


def _from_to(row: dict[str, Any], name: str, shown: Callable[[Any], str]) -> str:
    """A part of a rating as it was and is; once where it stayed."""
    before, now = (ABSENT if row[one] is None else shown(row[one]) for one in (f"{name}_before", name))
    return now if before == now else f"{before} → {now}"
