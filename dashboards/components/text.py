"""Plain sentences and figures: leads, notes, sections, key figures, lists of facts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import dcc, html

from dashboards.address import Address

Component = Any


def link(text: Component, place: Address, *, look: str = "") -> Component:
    """A link to another page of the platform."""
    return dcc.Link(text, href=place.url, className=look)


def title(text: str, *, above: Component = None, beside: Component = None) -> Component:
    """The heading of a page, with what stands above and beside it."""
    return html.Header(
        [html.P(above, className="above") if above else None, html.Div([html.H1(text), beside], className="title-line")],
        className="title",
    )


def lead(*sentences: Component) -> Component:
    """The first sentences of a page: what it says, before any figure."""
    return html.P(_spaced(sentences), className="lead")


def note(*sentences: Component, look: str = "") -> Component:
    """A sentence that explains what is shown and what is not."""
    return html.P(_spaced(sentences), className=f"note {look}".strip())


def callout(*content: Component, look: str = "") -> Component:
    """A box for what must be read before the rest."""
    return html.Div(list(content), className=f"callout {look}".strip())


def section(heading: str, *content: Component, name: str, says: Component = None, folded: bool = False) -> Component:
    """A part of a page: heading, the sentence that says what it shows, content; `folded` ones open on demand, and on paper."""
    opening = [html.H2(heading), note(says) if says else None]
    if folded:
        return html.Details([html.Summary(opening), *content], className="section folded", id=f"part-{name}")
    return html.Section([*opening, *content], className="section", id=f"part-{name}")


def tiles(*each: Component) -> Component:
    """Key figures side by side."""
    return html.Div(list(each), className="tiles")


def tile(label: str, value: Component, below: Component = "") -> Component:
    """One key figure, its name, and what stands behind it."""
    return html.Div(
        [
            html.Div(label, className="tile-label"),
            html.Div(value, className="tile-value"),
            html.Div(below, className="tile-below"),
        ],
        className="tile",
    )


def facts(pairs: Sequence[tuple[Component, Component]], *, look: str = "") -> Component:
    """Names and values, one a line; those without a value are left out."""
    rows = [html.Div([html.Dt(name), html.Dd(value)]) for name, value in pairs if value not in (None, "")]
    return html.Dl(rows, className=f"facts {look}".strip())


def more(summary: Component, *content: Component, opened: bool = False) -> Component:
    """What opens on demand."""
    return html.Details([html.Summary(summary), *content], className="more", open=opened)


def _spaced(sentences: Sequence[Component]) -> list[Component]:
    """Sentences with a space between them."""
    spaced: list[Component] = []
    for sentence in sentences:
        if sentence:
            spaced += [sentence, html.Span(" ", className="gap")]
    return spaced[:-1]
