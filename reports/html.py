"""Sets a report as one self-contained HTML file: figures are vector pictures inside it, nothing is fetched."""

from __future__ import annotations

import base64
from functools import cache
from importlib.resources import files
from pathlib import Path

import jinja2
import typst

from labqa.figures import paper
from labqa.figures.spec import Spec
from reports.document import Document
from reports.pdf import FONT, fonts
from reports.words import say

_WIDE, _NARROW = 470, 228
"""Widths of figures in points: alone, and two in a row."""


def write(document: Document, file: Path, *, other: str) -> None:
    """Write the HTML; `other` is the name of the file in the other language, to which it links."""
    words = {name: say(name, document.language) for name in ("contents", "notice", "other_language")}
    page = _template().render(
        document=document, words=words, other=other, picture=picture, kind=_kind, wide=_WIDE, narrow=_NARROW
    )
    file.write_text(page, encoding="utf-8")


def picture(spec: Spec, width: int) -> str:
    """The figure as an SVG in a data address, `width` points wide."""
    page = (
        f'#set page(width: {width}pt, height: auto, margin: (y: 2pt), fill: none)\n#set text(font: "{FONT}", fallback: false)\n'
    )
    source = (paper.library() + page + paper.draw(spec)).encode()
    drawn: bytes = typst.compile(source, format="svg", font_paths=fonts())
    return "data:image/svg+xml;base64," + base64.b64encode(drawn).decode("ascii")


def _kind(block: object) -> str:
    return type(block).__name__.lower()


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(files("reports").joinpath("templates", "annual.html").read_text("utf-8"))
