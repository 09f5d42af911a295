"""How a table of laboratories begins: code, name, class in force and class proposed."""

from __future__ import annotations

from typing import Any

from reports.context import Context
from reports.document import Column
from reports.numbers import ABSENT


def columns(context: Context) -> tuple[Column, ...]:
    """Heads of the first columns."""
    say = context.say
    named = Column(say("lab")), Column(say("lab_name"), share=4.4)
    return (*named, Column(say("in_force"), "center"), Column(say("proposed"), "center"))


def cells(context: Context, row: dict[str, Any]) -> tuple[str, ...]:
    """Their cells of a row of RATINGS."""
    return row["lab"], context.lab(row["lab"]), row["class_in_force"] or ABSENT, row["class_proposed"] or ABSENT
