"""What moved since the run before of the same inputs: which laboratories, how, and which corrections came in between."""

from __future__ import annotations

from typing import Any

from dashboards.address import Address
from dashboards.components.tables import Column, table
from dashboards.components.text import Component, note, section
from dashboards.pages.proposals import lab_link
from dashboards.reading import Reading
from dashboards.words import NONE, Words, count, fixed
from labqa.figures.names import counted
from labqa.service.moved import Moved

LISTED = 50
"""Laboratories that are listed on the page of the network; the page of each says it too."""


_NAMES = {
    "points": "lab.points",
    "class_by_points": "lab.class_by_points",
    "class_proposed": "moved.class_proposed",
    "status": "labs.status",
}


def section_of(reading: Reading, place: Address, words: Words) -> Component | None:
    """All laboratories whose rating moved; nothing where there is no run to compare with."""
    moved = reading.moved
    if moved is None:
        return None
    columns = (
        Column(words("word.lab"), first=True),
        Column(words("lab.points"), figure=True),
        Column(words("lab.class_by_points")),
        Column(words("moved.class_proposed")),
        Column(words("labs.status")),
        Column(words("moved.own_rows"), figure=True),
    )
    listed = counted(moved.labs, "lab").head(LISTED)
    rows = [_row(reading, row, place, words) for row in listed.iter_rows(named=True)]
    return section(
        words("moved.title"),
        table(columns, rows, caption=words("moved.title"), words=words, of=moved.labs.height) if rows else None,
        *_corrections(moved, words),
        name="moved",
        says=words("moved.says" if rows else "moved.none", run=moved.before, n=count(moved.labs.height)),
    )


def of_lab(reading: Reading, place: Address, words: Words) -> Component | None:
    """How the rating of one laboratory moved; nothing where it did not."""
    moved = reading.moved
    row = next(moved.labs.filter(lab=place.code).iter_rows(named=True), None) if moved is not None else None
    if moved is None or row is None:
        return None
    said = [
        words("moved.of_lab", what=words(name), before=shown(before), now=shown(now))
        for name, shown, before, now in _parts(row, words)
        if before != now
    ]
    own = words("moved.own", n=count(row["own_rows"])) if row["own_rows"] else words("moved.through_others")
    return section(
        words("moved.title"),
        note(*said, own),
        *_corrections(moved, words, lab=place.code),
        name="moved",
        says=words("moved.lab_says", run=moved.before),
    )


def _parts(row: dict[str, Any], words: Words) -> list[tuple[str, Any, Any, Any]]:
    """What makes a rating: its name, how it is shown, as it was and as it is."""

    def pointed(value: float | None) -> str:
        return NONE if value is None else fixed(value, places=1)

    def worded(value: str | None) -> str:
        return NONE if value is None else words(f"word.{value}")

    def classed(value: str | None) -> str:
        return NONE if value is None else words("word.class_of", name=value)

    shown = {"points": pointed, "class_by_points": classed, "class_proposed": classed, "status": worded}
    return [(_NAMES[name], form, row[f"{name}_before"], row[name]) for name, form in shown.items()]


def _row(reading: Reading, row: dict[str, Any], place: Address, words: Words) -> list[Component]:
    parts = [shown(now) if before == now else f"{shown(before)} → {shown(now)}" for _, shown, before, now in _parts(row, words)]
    return [lab_link(reading, row["lab"], place, words), *parts, count(row["own_rows"])]


def _corrections(moved: Moved, words: Words, *, lab: str | None = None) -> list[Component]:
    """The corrections that came in between; with how many results of `lab` each corrected, if one is given."""
    columns = [
        Column(words("moved.entry"), figure=True, first=True),
        Column(words("moved.file")),
        Column(words("moved.reason")),
        Column(words("moved.rows"), figure=True),
        Column(words("moved.followed"), figure=True),
        Column(words("moved.labs" if lab is None else "moved.own_rows"), figure=True),
    ]
    own = dict(moved.touched.filter(lab=lab).select("position", "rows").iter_rows()) if lab is not None else {}
    rows = [
        [
            str(one["position"]), one["file_name"], one["reason"], count(one["rows"]), count(one["followed"]),
            count(one["labs"] if lab is None else own.get(one["position"], 0)),
        ]
        for one in moved.corrections.iter_rows(named=True)
    ]  # fmt: skip
    listed = table(columns, rows, caption=words("moved.corrections"), words=words) if rows else None
    others = note(words("moved.others", n=count(moved.others))) if moved.others else None
    code = note(words("moved.code")) if moved.other_code else None
    return [part for part in (listed, others, code) if part is not None]
