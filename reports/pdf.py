"""Sets a report as PDF with typst: the document travels as JSON, the layout is in the template."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typst

from labqa.figures import paper
from labqa.figures.spec import Spec
from reports.document import Block, Chart, Document, Panel
from reports.words import say

FONT = "Noto Sans CJK SC"
_SMALL = 82.0
"""Height in points of figures that stand two in a row."""


def font_folder() -> Path | None:
    """Folder of the Noto Sans CJK SC that mplfonts carries, for systems that have none installed."""
    found = find_spec("mplfonts")
    return Path(found.origin).parent / "fonts" if found and found.origin else None


@cache
def fonts() -> typst.Fonts:
    """The system's fonts and those of that folder, searched once."""
    folder = font_folder()
    return typst.Fonts(include_system_fonts=True, font_paths=[folder] if folder and folder.is_dir() else [])


def source() -> str:
    """The template with the figures' library before it."""
    return paper.library() + files("reports").joinpath("templates", "annual.typ").read_text("utf-8")


def data(document: Document) -> str:
    """The report as JSON for the template."""
    words = {name: say(name, document.language) for name in ("contents", "page", "notice")}
    content = {
        "language": document.language,
        "title": document.title,
        "subtitle": document.subtitle,
        "facts": document.facts,
        "footer": document.footer,
        "run": document.run_id,
        "words": words,
        "font": FONT,
        "sections": [
            {"anchor": section.anchor, "title": section.title, "blocks": [_block(block) for block in section.blocks]}
            for section in document.sections
        ],
    }
    return json.dumps(content, ensure_ascii=False)


def write(document: Document, file: Path) -> None:
    """Write the PDF."""
    file.write_bytes(typst.compile(source().encode(), font_paths=fonts(), sys_inputs={"data": data(document)}))


def _block(block: Block) -> dict[str, Any]:
    kind = {"kind": type(block).__name__.lower()}
    if isinstance(block, Chart):
        return kind | _drawn(block.spec)
    if isinstance(block, Panel):
        return kind | {"caption": block.caption, "figures": [_drawn(spec, height=_SMALL) for spec in block.specs]}
    return kind | asdict(block)


def _drawn(spec: Spec, *, height: float | None = None) -> dict[str, Any]:
    drawing = paper.drawing(spec) | ({"height": height} if height else {})
    return {"title": spec.title, "caption": spec.caption, "drawing": drawing}
