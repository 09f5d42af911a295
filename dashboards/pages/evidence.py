"""Evidence behind a sentence: the pairs and comparison results that it cites, each leading to its delivered row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from dash import dcc, html

from dashboards.access import ANALYST, Access
from dashboards.address import Address
from dashboards.components.tables import SEARCHED, WRAPPED, grid, linked, narrow, signed
from dashboards.components.text import Component, lead, link, note, title
from dashboards.pages.proposals import lab_link
from dashboards.params import CODE
from dashboards.reading import MOST, Reading
from dashboards.words import Words, count, fixed
from labqa.core.errors import AccessDenied
from labqa.core.tables.columns import MOST_EVIDENCE

PAIR_IDS, RESULT_IDS = ("pair", "block", "original_result", "retest_result"), ("result", "block")
"""Columns by which a pair, and a comparison result, may be cited."""
FIRST = 4
"""Rows that stand under the sentence itself; all of them have a page of their own."""


def register(access: Access) -> None:
    """Registers the page of all rows that a sentence cites."""
    access.page("evidence", roles=ANALYST, code=CODE)(draw)


def code_of(row: dict[str, Any]) -> str:
    """What the address of a sentence's evidence holds: its laboratory with its position, or its flag."""
    return f"{row['lab']}~{row['position']}" if "position" in row else f"~{row['flag']}"


def draw(reading: Reading, place: Address, words: Words) -> list[Component]:
    """The page of all rows that a sentence of a rating, or a flag, cites."""
    row = _sentence(reading, place.code)
    scores = reading.pt_scores(row["lab"]) if row["lab"] else reading.table("pt_scores")
    found = _with_places(reading, _rows(reading, looked_up(reading, row["evidence"], scores), row["lab"], place, words), words)
    columns = [
        linked("what", words("word.sample"), link="url", minWidth=170, **narrow(125), **SEARCHED),
        {
            "field": "delivered",
            "headerName": words("evidence.delivered"),
            "minWidth": 210,
            "flex": 2,
            **WRAPPED,
            "cellStyle": {"whiteSpace": "pre-line"},
            **narrow(215),
            **SEARCHED,
        },
        {"field": "item", "headerName": words("word.item"), "minWidth": 170, "flex": 1, **WRAPPED, **SEARCHED},
        {"field": "kind", "headerName": words("evidence.kind"), "minWidth": 140, **WRAPPED, **SEARCHED},
        {"field": "score", "headerName": words("evidence.score"), "width": 110, **signed()},
        {
            "field": "finding",
            "headerName": words("word.category"),
            "minWidth": 140,
            **WRAPPED,
            **SEARCHED,
        },
    ]
    return [
        title(words("evidence.title"), above=lab_link(reading, row["lab"], place, words) if row["lab"] else None),
        lead(reading.sentence(row["message"], words)),
        note(words("evidence.counts")),
        note(words("shell.first_of", shown=count(MOST), of=count(len(row["evidence"]))))
        if len(row["evidence"]) > MOST
        else None,
        html.Div(
            grid("evidence", columns, found, words=words) if found else note(words("evidence.not_listed")), className="section"
        ),
    ]


def _with_places(reading: Reading, rows: list[dict[str, Any]], words: Words) -> list[dict[str, Any]]:
    """Rows of the grid, each with file and row of the delivered results behind it."""
    places = reading.places(result for row in rows for result in row["results"])
    told = {key: words("evidence.place", file=file, row=row) for key, (file, row) in places.items()}
    return [
        {**row, "results": None, "delivered": "\n".join(told[key] for key in row["results"] if key in told)} for row in rows
    ]


def _sentence(reading: Reading, code: str) -> dict[str, Any]:
    """The reason or flag that an address names."""
    lab, _, which = code.rpartition("~")
    if lab:
        found = reading.reasons(lab).filter(pl.col("position").cast(pl.String) == which)
    else:
        found = reading.flags().filter(pl.col("flag") == which)
    if found.is_empty():
        raise AccessDenied("service.not_yours")
    return found.row(0, named=True)


@dataclass(frozen=True)
class Cited:
    """What ids name: pairs with their differences, and comparison results, each with its block if that was named."""

    pairs: pl.DataFrame
    results: pl.DataFrame

    def by(self, ids: Sequence[str]) -> Cited:
        """What some of the ids name."""
        pairs, results = (pl.any_horizontal(pl.col(name).is_in(ids) for name in names) for names in (PAIR_IDS, RESULT_IDS))
        return Cited(self.pairs.filter(pairs), self.results.filter(results))


def looked_up(reading: Reading, ids: Sequence[str], scores: pl.DataFrame) -> Cited:
    """What ids name among all pairs and the given comparison results, looked up at once."""
    blocks = reading.blocks(ids)
    results = scores.join(blocks, on=["sample", "item"], how="left", maintain_order="left")
    return Cited(reading.evidence(ids), results.filter(pl.col("block").is_not_null() | pl.col("result").is_in(ids)))


def first_of(sentences: Iterable[pl.DataFrame]) -> list[str]:
    """The ids that stand under the sentences themselves."""
    return [one for frame in sentences for ids in frame["evidence"] for one in ids[:FIRST]]


def cited(reading: Reading, row: dict[str, Any], known: Cited, place: Address, words: Words) -> Component | None:
    """The first rows that a sentence cites, and where all that are kept of them stand; null where it cites none."""
    if not row["evidence"]:
        return None
    found = _rows(reading, known.by(row["evidence"][:FIRST]), row["lab"], place, words)
    first = [html.Li([dcc.Link(f"{one['what']} · {one['item']}", href=one["url"]), f" {one['short']}"]) for one in found]
    many = "evidence.summary" if len(row["evidence"]) < MOST_EVIDENCE else "evidence.summary_first"
    rest = link(words(many, n=count(len(row["evidence"]))), place.to(page="evidence", code=code_of(row)))
    return html.Ul([*first, html.Li(rest)], className="evidence")


def _rows(reading: Reading, known: Cited, lab: str | None, place: Address, words: Words) -> list[dict[str, Any]]:
    """Pairs and comparison results, as many as a page may send; of pairs, as what the laboratory tested, if there is one."""
    pairs = [
        {
            "what": row["sample"],
            "url": place.pair(row["pair"]).url,
            "item": reading.name_of("items", row["item"], words),
            "kind": words("evidence.pair") + _part(row, lab, words),
            "score": row["d"],
            "short": f"D\u00a0{fixed(row['d'], sign=True)}{_part(row, lab, words)}",
            "finding": words(f"word.{row['category']}") if row["category"] else "",
            "results": (row["original_result"], row["retest_result"]),
        }
        for row in known.pairs.head(MOST).iter_rows(named=True)
    ]
    results = [
        {
            "what": row["round"] or row["sample"],
            "url": place.to(page="result", code=row["result"]).url,
            "item": reading.name_of("items", row["item"], words),
            "kind": words("word.role_pt"),
            "score": row["z"],
            "short": f"z\u00a0{fixed(row['z'], sign=True)}",
            "finding": "",
            "results": (row["result"],),
        }
        for row in known.results.head(MOST - len(pairs)).iter_rows(named=True)
    ]
    return pairs + results


def _part(row: dict[str, Any], lab: str | None, words: Words) -> str:
    """As what a laboratory tested in a pair, on which the sign of D hangs; nothing of a laboratory that has no part in it."""
    parts = {row["retest_lab"]: f"evidence.as_{row['role']}", row["original_lab"]: "evidence.as_original"}
    return words(parts[lab]) if lab and lab in parts else ""
