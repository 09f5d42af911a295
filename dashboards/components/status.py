"""Words of closed lists as labels that explain themselves: status, class, proposal, category, verdict."""

from __future__ import annotations

from collections.abc import Iterable

import dash_mantine_components as dmc
from dash import html

from dashboards.components.text import Component, more
from dashboards.words import NONE, Words

TONES = {
    "assessed": "calm",
    "not_assessed": "quiet",
    "undetermined": "open",
    "not_separable": "open",
    "not_offered": "quiet",
    "agree": "calm",
    "within_limits": "calm",
    "discrepant": "alarm",
    "blunder_suspected": "alarm",
    "conforming": "calm",
    "nonconforming": "alarm",
    "none": "quiet",
    "downgrade": "alarm",
    "upgrade": "calm",
    "first_rating": "open",
}
"""How loud a word is shown; a colour never says anything that the word does not."""
EXPLAINED = (
    "assessed",
    "not_assessed",
    "undetermined",
    "not_separable",
    "agree",
    "within_limits",
    "discrepant",
    "blunder_suspected",
    "gross_error",
    "blameless",
    "sigma_R",
    "R",
    "d",
    "z",
    "p",
    "block",
)


def tag(word: str | None, words: Words) -> Component:
    """A word as a label, for lists and tables; the page's glossary explains it."""
    return NONE if word is None else html.Span(words(f"word.{word}"), className=f"label {TONES.get(word, 'quiet')}")


def label(word: str | None, words: Words) -> Component:
    """A word as a label whose explanation opens on hover, focus or touch; only where few stand on a page."""
    shown = tag(word, words)
    meaning = words.known(f"meaning.{word}", "")
    if not meaning:
        return shown
    return dmc.Tooltip(
        shown, label=meaning, multiline=True, w=280, withArrow=True, events={"hover": True, "focus": True, "touch": True}
    )


def lab_class(name: str | None, words: Words) -> Component:
    """A class of laboratories."""
    if name is None:
        return html.Span(words("word.no_class"), className="muted")
    return html.Span(words("word.class_of", name=name), className=f"class class-{'ⅠⅡⅢⅣ'.index(name) + 1}")


def change(before: str | None, after: str | None, words: Words) -> Component:
    """The class in force, and what is proposed."""
    arrow = html.Span("→", className="arrow", title=words("word.proposed"))
    return (
        html.Span([lab_class(before, words), arrow, lab_class(after, words)], className="change")
        if after
        else lab_class(before, words)
    )


def glossary(terms: Iterable[str], words: Words) -> Component:
    """What the words of a page mean."""
    rows = [html.Div([html.Dt(words(f"word.{term}")), html.Dd(words(f"meaning.{term}"))]) for term in terms]
    return more(words("shell.glossary"), html.Dl(rows, className="glossary"))
