"""What is put before the people who decide: proposals on results, and those of the literal counting rule apart."""

from __future__ import annotations

from typing import Any

import polars as pl
from dash import html

from dashboards.address import Address
from dashboards.components import status
from dashboards.components.tables import Column, table
from dashboards.components.text import Component, link, more, note, section
from dashboards.reading import Reading
from dashboards.words import NONE, Words, count, fixed, share
from labqa.core.vocabulary import Ground, Proposal

LISTED = 25
"""Proposals of a kind that are listed here; the grid of all laboratories holds every one."""


def section_of(reading: Reading, place: Address, words: Words) -> Component:
    """Proposals of the run: downgrades on results, downgrades by counting, then all others folded away."""
    downgrades = reading.ratings.filter(pl.col("proposal") == str(Proposal.DOWNGRADE))
    by_count = pl.col("ground").eq_missing(pl.lit(str(Ground.VETO)))
    others = reading.ratings.filter(pl.col("proposal").is_in([str(Proposal.UPGRADE), str(Proposal.FIRST_RATING)]))
    return section(
        words("proposals.title"),
        _heading(words("proposals.on_results"), words("proposals.on_results_says")),
        _on_results(reading, downgrades.filter(~by_count), place, words),
        _heading(words("proposals.by_count"), words("proposals.by_count_says")),
        _by_count(reading, reading.ratings.filter(by_count), place, words),
        more(words("proposals.others", n=count(others.height)), _others(reading, others, place, words))
        if others.height
        else None,
        name="proposals",
        says=words("proposals.says"),
    )


def _heading(text: str, says: str) -> Component:
    return html.Div([html.H3(text), note(says)], className="sub")


def lab_link(reading: Reading, lab: str | None, place: Address, words: Words) -> Component:
    """A laboratory by name and code, leading to its page; a missing one is said to be missing."""
    told = reading.named("labs", lab, words).replace(" · ", " ·\u00a0")
    return told if lab is None else link(told, place.lab(lab))


def _on_results(reading: Reading, rated: pl.DataFrame, place: Address, words: Words) -> Component:
    columns = (
        Column(words("word.lab"), first=True),
        Column(words("proposals.change")),
        Column(words("proposals.ground")),
        Column(words("proposals.points"), figure=True),
        Column(words("proposals.bias"), figure=True),
        Column(words("proposals.largest"), figure=True),
        Column(words("proposals.evidence"), figure=True),
    )
    bias = {row["lab"]: row for row in reading.whole_bias.iter_rows(named=True)}
    items = reading.largest_item_bias
    rows = []
    for row in rated.head(LISTED).iter_rows(named=True):
        whole = bias.get(row["lab"], {})
        rows.append(
            [
                lab_link(reading, row["lab"], place, words),
                status.change(row["class_in_force"], row["class_proposed"], words),
                words(f"word.ground_{row['ground']}"),
                fixed(row["points"], places=1),
                fixed(whole.get("estimate"), sign=True),
                _largest(reading, items.get(row["lab"], {}), words),
                words("proposals.samples", n=count(whole.get("n_samples"))),
            ]
        )
    return table(columns, rows, caption=words("proposals.on_results"), words=words, of=rated.height)


def _largest(reading: Reading, bias: dict[str, Any], words: Words) -> str:
    """The item on which a laboratory is off most, of those that could be assessed."""
    return f"{reading.name_of('items', bias['scope_id'], words)} {fixed(bias['estimate'], sign=True)}" if bias else NONE


def _by_count(reading: Reading, rated: pl.DataFrame, place: Address, words: Words) -> Component:
    columns = (
        Column(words("word.lab"), first=True),
        Column(words("proposals.change")),
        Column(words("proposals.outliers"), figure=True),
        Column(words("proposals.expected"), figure=True),
        Column(words("proposals.chance"), figure=True),
        Column(words("proposals.chance_correlated"), figure=True),
    )
    rows = [
        [
            lab_link(reading, row["lab"], place, words),
            status.change(row["class_in_force"], row["class_proposed"], words),
            f"{count(row['veto_outliers'])} / {count(row['veto_results'])}",
            fixed(row["veto_expected"]),
            share(row["veto_chance"], places=1),
            share(row["veto_chance_correlated"], places=1),
        ]
        for row in rated.head(LISTED).iter_rows(named=True)
    ]
    return table(columns, rows, caption=words("proposals.by_count"), words=words, of=rated.height)


def _others(reading: Reading, rated: pl.DataFrame, place: Address, words: Words) -> Component:
    columns = (
        Column(words("word.lab"), first=True),
        Column(words("proposals.kind")),
        Column(words("proposals.change")),
        Column(words("proposals.points"), figure=True),
    )
    rows = [
        [
            lab_link(reading, row["lab"], place, words),
            status.tag(row["proposal"], words),
            status.change(row["class_in_force"], row["class_proposed"], words),
            fixed(row["points"], places=1),
        ]
        for row in rated.head(LISTED).iter_rows(named=True)
    ]
    return table(columns, rows, caption=words("proposals.title"), words=words, of=rated.height)
