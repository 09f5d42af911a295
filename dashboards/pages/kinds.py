"""One laboratory on grades, on items with results at a reporting limit, and on yes or no: beside the biases in σR."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dash import html

from dashboards.address import Address
from dashboards.components import status
from dashboards.components.tables import Column, table
from dashboards.components.text import Component, link, more, note, section
from dashboards.reading import Reading
from dashboards.words import NONE, Words, count, fixed, interval, number, share
from labqa.core.vocabulary import Status

MOST_UNJUDGED = 200
Row = dict[str, Any]


def section_of(reading: Reading, place: Address, words: Words) -> Component | None:
    """Grades, items at a limit, yes/no items; nothing where the laboratory tested none of them."""
    parts = [_grades(reading, place, words), _censored(reading, place, words), *_yes_no(reading, place, words)]
    shown = [part for part in parts if part is not None]
    if not shown:
        return None
    to_use = note(link(words("kinds.to_usage"), place.to(page="usage")))
    return section(words("kinds.title"), *shown, to_use, name="kinds", says=words("kinds.says"), folded=True)


def _halves(rows: Iterable[Row]) -> tuple[list[Row], list[Row]]:
    """Rows that may be claimed, and the others."""
    assessed, others = [], []
    for row in rows:
        (assessed if row["status"] == str(Status.ASSESSED) else others).append(row)
    return assessed, others


def _grades(reading: Reading, place: Address, words: Words) -> Component | None:
    found = reading.of_kind("lab_grades", place.code)
    if found.is_empty():
        return None
    told, rest = _halves(found.iter_rows(named=True))
    columns = [
        Column(words("word.item"), first=True),
        Column(words("kinds.shift"), figure=True),
        Column(words("labs.interval"), figure=True),
        Column(words("labs.samples"), figure=True),
        Column(words("labs.partners"), figure=True),
    ]
    rows = [
        [
            reading.name_of("items", row["item"], words),
            fixed(row["estimate"], sign=True),
            interval(row["lower"], row["upper"]),
            count(row["n_samples"]),
            count(row["n_partners"]),
        ]
        for row in told
    ]
    return html.Div(
        [html.H3(words("kinds.grades")), note(words("kinds.grades_says")), _listed(columns, rows, "kinds.grades", words),
         _unjudged(reading, rest, words)],
        className="kind",
    )  # fmt: skip


def _censored(reading: Reading, place: Address, words: Words) -> Component | None:
    found = reading.of_kind("lab_censored", place.code)
    if found.is_empty():
        return None
    told, rest = _halves(found.iter_rows(named=True))
    columns = [
        Column(words("word.item"), first=True),
        Column(words("kinds.with_limit"), figure=True),
        Column(words("labs.interval"), figure=True),
        Column(words("kinds.by_fit"), figure=True),
        Column(words("labs.interval"), figure=True),
        Column(words("kinds.at_limit"), figure=True),
        Column(words("labs.samples"), figure=True),
    ]
    rows = [
        [
            reading.name_of("items", row["item"], words),
            fixed(row["estimate"], sign=True),
            interval(row["lower"], row["upper"]),
            fixed(row["fit_estimate"], sign=True),
            interval(row["fit_lower"], row["fit_upper"]),
            count(row["n_at_limit"]),
            count(row["n_samples"]),
        ]
        for row in told
    ]
    zeros = {row["fit_zero"] for row in told}
    says = [words("kinds.censored_says"), words("kinds.other_zero") if "anchored" in zeros else ""]
    return html.Div(
        [html.H3(words("kinds.censored")), note(*says), _listed(columns, rows, "kinds.censored", words),
         _unjudged(reading, rest, words)],
        className="kind",
    )  # fmt: skip


def _yes_no(reading: Reading, place: Address, words: Words) -> list[Component | None]:
    found = reading.of_kind("lab_agreement", place.code)
    if found.is_empty():
        return []
    every = found.to_dicts()
    whole = [row for row in every if not row["item"]]
    told, rest = _halves(row for row in every if row["item"])
    columns = [
        Column(words("word.item"), first=True),
        Column(words("kinds.agreement"), figure=True),
        Column(words("kinds.others_agreement"), figure=True),
        Column(words("kinds.discordant"), figure=True),
        Column(words("kinds.passed"), figure=True),
        Column(words("kinds.p_value"), figure=True),
        Column(words("labs.samples"), figure=True),
    ]
    rows = [_agreement_row(reading, row, words) for row in [*whole, *told] if row["status"] == str(Status.ASSESSED)]
    sentences = [_odds(row, words) for row in whole]
    return [
        html.Div(
            [
                html.H3(words("kinds.yes_no")),
                note(words("kinds.yes_no_says"), *sentences),
                _listed(columns, rows, "kinds.yes_no", words),
                _unjudged(reading, [row for row in whole if row["reason"] is not None] + rest, words),
            ],
            className="kind",
        )
    ]


def _agreement_row(reading: Reading, row: Row, words: Words) -> list[Component]:
    ends = f"[{share(row['lower'])}, {share(row['upper'])}]"
    return [
        reading.name_of("items", row["item"], words) if row["item"] else html.Strong(words("kinds.all_yes_no")),
        f"{share(row['agreement'], places=1)}  {ends}",
        share(row["expected"], places=1),
        count(row["n_discordant"]),
        f"{count(row['passed'])} / {fixed(row['passed_expected'], places=1)}" if row["n_discordant"] else NONE,
        number(row["p_value"], digits=2) if row["n_discordant"] else NONE,
        count(row["n_samples"]),
    ]


def _odds(row: Row, words: Words) -> str:
    """Whether it passes what others fail, where the discordant samples bear it."""
    if row["odds"] is None:
        return words.standing(row["odds_reason"])
    return words("kinds.odds", odds=fixed(row["odds"], sign=True), interval=interval(row["odds_lower"], row["odds_upper"]))


def _listed(columns: list[Column], rows: list[list[Component]], key: str, words: Words) -> Component:
    return table(columns, rows, caption=words(key), words=words) if rows else note(words("kinds.none_judged"), look="empty")


def _unjudged(reading: Reading, rest: list[Row], words: Words) -> Component | None:
    """Items of which nothing is claimed, with the reason."""
    if not rest:
        return None
    columns = [
        Column(words("word.item"), first=True), Column(words("labs.status")), Column(words("network.reason")),
        Column(words("labs.samples"), figure=True), Column(words("labs.partners"), figure=True),
    ]  # fmt: skip
    rows = [
        [
            reading.name_of("items", row["item"], words) if row["item"] else words("kinds.all_yes_no"),
            status.tag(row["status"], words),
            words.reason(row["reason"]),
            count(row["n_samples"]),
            count(row["n_partners"]),
        ]
        for row in rest[:MOST_UNJUDGED]
    ]
    listed = table(columns, rows, caption=words("kinds.unjudged", n=count(len(rest))), words=words, of=len(rest))
    return more(words("kinds.unjudged", n=count(len(rest))), listed)
