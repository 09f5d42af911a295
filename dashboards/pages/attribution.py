"""What moved the bias of a laboratory: its largest blocks, and what it would be without a sample or a partner."""

from __future__ import annotations

import math
from typing import Any

import polars as pl

from dashboards.address import Address
from dashboards.components.figures import figure
from dashboards.components.tables import SEARCHED, Column, grid, linked, narrow, signed, table
from dashboards.components.text import Component, facts, link, more, note, section
from dashboards.pages.proposals import lab_link
from dashboards.reading import MOST, Reading
from dashboards.words import Words, count, fixed
from labqa.core.vocabulary import Influence, Scope
from labqa.figures.charts import influence

Row = dict[str, Any]
SMALL = 0.005
"""Part of the zero, in σR, below which it is not told."""
LISTED = 5
"""Blocks listed below the figure; the grid has them all."""
_LISTED = [str(Influence.ROW), str(Influence.SAMPLE), str(Influence.PARTNER)]


def draw(reading: Reading, bias: pl.DataFrame, place: Address, words: Words) -> Component | None:
    """The section, where the bias of the laboratory as a whole, one of `bias`, may be claimed."""
    found = reading.influence(place.code, bias)
    of_whole = found.filter(pl.col("scope") == str(Scope.LAB))
    whole = of_whole.to_dicts()
    if not whole:
        return None
    estimate, language = whole[0]["estimate"], words.language
    items, labs = reading.registers["items"], reading.labs(row["what"] for row in whole)
    bars = influence.contributions(of_whole, items, place.code, language)
    moved = influence.without(of_whole, estimate, labs, place.code, language, delta_0=reading.delta_0)
    return section(
        words("attribution.title"),
        note(*_sentences(reading, whole, words)),
        figure("influence", bars, leads="pair"),
        _sum(whole, words),
        _largest(reading, whole, place, words),
        figure("without", moved),
        _others(reading, found, place, words),
        name="attribution",
        says=words("attribution.says"),
    )


def _sentences(reading: Reading, whole: list[Row], words: Words) -> list[Component]:
    """Against what the bias stands, the largest change, and what it hangs on."""
    left_out = [row for row in whole if row["kind"] in _LISTED[1:]]
    lost = [row for row in left_out if row["shift"] is None]
    known = [row for row in left_out if row["shift"] is not None]
    said = [words(f"attribution.zero_{whole[0]['zero']}")]
    if known:
        row = min(known, key=lambda one: (-abs(one["shift"]), one["what"]))
        values = {"shift": fixed(row["shift"], sign=True), "without": fixed(row["without"], sign=True)}
        said.append(words("attribution.most", what=_name(reading, row, words), **values))
    said += [words("attribution.nothing_without", what=_name(reading, row, words)) for row in lost]
    return list(said)


def _name(reading: Reading, row: Row, words: Words) -> str:
    """What is left out, with its kind where a code alone would not say it."""
    if row["kind"] == str(Influence.PARTNER):
        return reading.name_of("labs", row["what"], words)
    return words("attribution.the_sample", sample=row["what"])


def _sum(whole: list[Row], words: Words) -> Component:
    """How the blocks shown, and what they leave, add up to the bias."""
    rows = influence.of_kind(whole, Influence.ROW)
    parts = [(words("attribution.shown", n=count(len(rows))), math.fsum(row["contribution"] for row in rows))]
    for kind in (Influence.REST, Influence.ELSEWHERE, Influence.ZERO):
        for one in influence.of_kind(whole, kind)[:1]:
            if kind is not Influence.ZERO or abs(one["contribution"]) >= SMALL:
                parts.append((words(f"attribution.left_{kind}", n=count(one["n_all"])), one["contribution"]))
    parts.append((words("attribution.total"), whole[0]["estimate"]))
    return facts([(name, f"{fixed(value, sign=True)} σR") for name, value in parts])


def _largest(reading: Reading, whole: list[Row], place: Address, words: Words) -> Component:
    """The blocks that add most, each with a link to its pair where it has one."""
    columns = (
        Column(words("word.sample"), first=True),
        Column(words("word.item")),
        Column(words("lab.partner")),
        Column(words("attribution.adds"), figure=True),
        Column(words("attribution.shift"), figure=True),
        Column(words("attribution.without"), figure=True),
    )
    rows = influence.of_kind(whole, Influence.ROW)[:LISTED]
    cells = [
        [
            link(row["sample"], _place(row, place)) if _place(row, place) else row["sample"],
            reading.name_of("items", row["item"], words),
            lab_link(reading, row["other_lab"], place, words) if row["pair"] else words("attribution.round"),
            fixed(row["contribution"], places=3, sign=True),
            fixed(row["shift"], places=3, sign=True),
            fixed(row["without"], sign=True),
        ]
        for row in rows
    ]
    of = rows[0]["n_all"] if rows else 0
    return table(columns, cells, caption=words("attribution.table"), words=words, of=of)


def _place(row: Row, place: Address) -> Address | None:
    """Where a block or sample is shown: its pair, or the laboratory's result in a comparison round."""
    if row["pair"]:
        return place.pair(row["pair"])
    return place.to(page="result", code=row["result"]) if row["result"] else None


def _others(reading: Reading, found: pl.DataFrame, place: Address, words: Words) -> Component | None:
    """Blocks, samples and partners of the whole, and what moved the biases by family and item, as a grid."""
    listed = [row for row in found.iter_rows(named=True) if row["kind"] in _LISTED]
    shown = sorted(listed, key=_the_whole_first)[:MOST]
    columns = [
        {"field": "of", "headerName": words("attribution.of"), "minWidth": 170, "flex": 1, **SEARCHED},
        {"field": "kind", "headerName": words("attribution.kind"), "width": 110, **SEARCHED},
        linked("what", words("attribution.what"), link="url", minWidth=250, flex=2, **narrow(205), **SEARCHED),
        {"field": "rank", "headerName": words("attribution.of_all"), "width": 95, "sortable": False},
        {"field": "adds", "headerName": words("attribution.adds"), "width": 120, **signed(form="+.3f")},
        {"field": "shift", "headerName": words("attribution.shift"), "width": 140, **signed(form="+.3f")},
        {"field": "without", "headerName": words("attribution.without"), "width": 140, **narrow(130), **signed()},
    ]
    rows = [_row(reading, row, place, words) for row in shown]
    said = words("attribution.others", n=count(len(shown)))
    return more(said, grid("influences", columns, rows, words=words)) if rows else None


def _the_whole_first(row: Row) -> tuple[Any, ...]:
    return row["scope"] != str(Scope.LAB), row["scope"], row["scope_id"], _LISTED.index(row["kind"]), row["rank"]


def _row(reading: Reading, row: Row, place: Address, words: Words) -> dict[str, Any]:
    scopes = {
        str(Scope.LAB): words("lab.mean"),
        str(Scope.FAMILY): reading.family(row["scope_id"], words),
        str(Scope.ITEM): reading.name_of("items", row["scope_id"], words),
    }
    partner = row["kind"] == str(Influence.PARTNER)
    block = f"{row['sample']} · {reading.name_of('items', row['item'], words)}" if row["sample"] else row["what"]
    leads = place.lab(row["what"]) if partner else _place(row, place)
    return {
        "of": scopes[row["scope"]],
        "kind": words(f"attribution.kind_{row['kind']}"),
        "what": reading.name_of("labs", row["what"], words) if partner else block,
        "url": leads.url if leads else "",
        "rank": words("attribution.rank", rank=row["rank"], n=row["n_all"]),
        "adds": row["contribution"],
        "shift": row["shift"],
        "without": row["without"],
    }
