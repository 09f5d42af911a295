"""A report as data: sections of paragraphs, key figures, tables and figures, which HTML and PDF render alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from labqa.core.wording.catalogue import Language
from labqa.figures.spec import Spec

Tone = Literal["plain", "lead", "note"]
Align = Literal["left", "right", "center"]


@dataclass(frozen=True)
class Paragraph:
    """Running text; `lead` opens a section, `note` is set small."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True)
class Heading:
    """A heading inside a section."""

    text: str


@dataclass(frozen=True)
class KeyFigures:
    """Large figures in a row: value and what it counts."""

    figures: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Column:
    """A column of a table: its head, how it is set and its share of the width."""

    head: str
    align: Align = "left"
    share: float = 1.0


@dataclass(frozen=True)
class Table:
    """A table; its head repeats where it breaks over pages."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    small: bool = False


@dataclass(frozen=True)
class Bullets:
    """Short sentences, one below the other."""

    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Chart:
    """A figure with title and caption."""

    spec: Spec


@dataclass(frozen=True)
class Panel:
    """Small figures side by side, two in a row, under one caption."""

    specs: tuple[Spec, ...]
    caption: str


Block = Paragraph | Heading | KeyFigures | Table | Bullets | Chart | Panel


@dataclass(frozen=True)
class Section:
    """A section: an anchor for links, its title and what it holds."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Document:
    """The whole report in one language."""

    language: Language
    title: str
    subtitle: str
    facts: tuple[tuple[str, str], ...]
    footer: str
    run_id: str
    sections: tuple[Section, ...]


def charted(spec: Spec) -> Chart | Paragraph:
    """The figure, or the sentence that says why there is none."""
    return Paragraph(spec.empty, "note") if spec.is_empty else Chart(spec)


def tabled(table: Table, otherwise: str) -> Table | Paragraph:
    """The table, or a sentence where it has no rows."""
    return table if table.rows else Paragraph(otherwise)
