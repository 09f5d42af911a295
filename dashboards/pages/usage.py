"""What became of every result: which analysis used it, or why none did; by kind on the network page, by item on its own."""

from __future__ import annotations

import polars as pl
from dash import html

from dashboards.access import ANALYST, Access
from dashboards.address import Address
from dashboards.components.tables import SEARCHED, WRAPPED, Column, grid, narrow, table
from dashboards.components.text import Component, lead, link, note, section, title
from dashboards.params import NO_CODE
from dashboards.reading import MOST, Reading
from dashboards.words import NONE, Words, count
from labqa.core.vocabulary import EvidenceKind, UsedBy, values

FIGURES = ("n_blocks", "n_results", "n_also_interval")


def register(access: Access) -> None:
    """Registers the page."""
    access.page("usage", roles=ANALYST, code=NO_CODE)(draw)


def by_kind(use: pl.DataFrame) -> pl.DataFrame:
    """Rows of EVIDENCE_USE added up over items, in the order of kinds and uses, the largest reason first."""
    ranks = {"kind": values(EvidenceKind), "used_by": values(UsedBy)}
    order = [pl.col(name).replace_strict(words, range(len(words))) for name, words in ranks.items()]
    added = use.group_by("kind", "used_by", "reason").agg(pl.col(name).sum() for name in FIGURES)
    return added.sort(*order, -pl.col("n_results"), "reason")


def section_of(reading: Reading, place: Address, words: Words) -> Component | None:
    """The part of the network page: totals by kind and use, and the way to those by item."""
    use = reading.evidence_use
    if use.is_empty():
        return None
    to_items = note(link(words("usage.to_items"), place.to(page="usage")))
    return section(words("usage.title"), _by_kind(use, words), to_items, name="usage", says=_lead(use, words), folded=True)


def draw(reading: Reading, place: Address, words: Words) -> list[Component]:
    """The page: totals by kind, and each item."""
    del place
    use = reading.evidence_use
    columns = [
        {"field": "item", "headerName": words("word.item"), "minWidth": 190, "flex": 1, **narrow(140), **SEARCHED},
        {"field": "scale", "headerName": words("usage.scale"), "width": 120, **SEARCHED},
        {"field": "kind", "headerName": words("usage.kind"), "width": 170, **SEARCHED},
        {"field": "used_by", "headerName": words("usage.used_by"), "width": 170, **narrow(125), **SEARCHED},
        {"field": "blocks", "headerName": words("usage.blocks"), "width": 100, "type": "rightAligned"},
        {"field": "results", "headerName": words("usage.results"), "width": 100, **narrow(80), "type": "rightAligned"},
        {"field": "why", "headerName": words("network.reason"), "minWidth": 320, "flex": 2, **WRAPPED, **SEARCHED},
    ]  # fmt: skip
    rows = [
        {
            "item": reading.name_of("items", row["item"], words),
            "scale": words(f"usage.scale_{row['scale']}") if row["scale"] else NONE,
            "kind": words(f"usage.kind_{row['kind']}"),
            "used_by": words(f"usage.by_{row['used_by']}"),
            "blocks": row["n_blocks"],
            "results": row["n_results"],
            "why": words.reason(row["reason"]),
        }
        for row in _with_most(use).iter_rows(named=True)
    ]
    most = words("usage.most", shown=count(MOST), of=count(use.height)) if use.height > MOST else None
    return [
        title(words("usage.title"), above=words.programme(reading.manifest.programme)),
        lead(_lead(use, words)),
        section(words("usage.by_kind"), _by_kind(use, words), name="by-kind"),
        section(words("usage.by_item"), html.Div(grid("usage", columns, rows, words=words)), name="by-item", says=most),
    ]


def _with_most(use: pl.DataFrame) -> pl.DataFrame:
    """The rows with most results, as many as a page may send, in the order in which they came."""
    return use.with_row_index("at").sort("n_results", "at", descending=[True, False]).head(MOST).sort("at").drop("at")


def _lead(use: pl.DataFrame, words: Words) -> str:
    used = use.filter(pl.col("used_by") != str(UsedBy.NONE))
    also = use["n_also_interval"].sum()
    said = words(
        "usage.lead",
        results=count(use["n_results"].sum()),
        blocks=count(use["n_blocks"].sum()),
        used=count(used["n_results"].sum()),
    )
    return said + (words("usage.also", n=count(also)) if also else "")


def _by_kind(use: pl.DataFrame, words: Words) -> Component:
    columns = (
        Column(words("usage.kind"), first=True),
        Column(words("usage.used_by")),
        Column(words("usage.blocks"), figure=True),
        Column(words("usage.results"), figure=True),
        Column(words("network.reason")),
    )
    rows = [
        [
            words(f"usage.kind_{row['kind']}"),
            words(f"usage.by_{row['used_by']}"),
            count(row["n_blocks"]),
            count(row["n_results"]),
            words.reason(row["reason"]),
        ]
        for row in by_kind(use).iter_rows(named=True)
    ]
    return table(columns, rows, caption=words("usage.by_kind"), words=words)
