"""The rows that a reason cites, found again in the run's tables and set as a small table."""

from __future__ import annotations

from typing import Any

import polars as pl

from reports.context import Context
from reports.document import Column, Table
from reports.numbers import ABSENT, measured, plain, signed

MOST_ROWS = 5
"""Rows of evidence that are printed of each laboratory; the run holds the ids of all."""


def evidence_table(context: Context, cited: list[str], *, lab: str) -> Table | None:
    """The first rows of what is cited of a laboratory: pairs, blocks or comparison results; None if nothing is found."""
    found = {**_blocks(context, cited, lab), **_scores(context, cited), **_pairs(context, cited)}
    rows = [found[code] for code in cited if code in found][:MOST_ROWS]
    if not rows:
        return None
    say = context.say
    return Table(
        title=say("evidence_rows", lab=lab),
        columns=(Column(say("sample"), share=1.6), Column(say("item"), share=2.2), Column(say("what_it_shows"), share=4)),
        rows=tuple(rows),
        note=say("shown_of", shown=len(rows), total=len(cited)),
        small=True,
    )


def _pairs(context: Context, cited: list[str]) -> dict[str, tuple[str, ...]]:
    """Pairs by their own id and by that of their block, the first retest of a block before later ones."""
    here = pl.col("pair").is_in(cited) | pl.col("block").is_in(cited)
    pairs = context.tables["pairs"].filter(here).sort("order", "pair", descending=True)
    rows = pairs.join(context.tables["discrepancies"], on="pair", how="left", maintain_order="left").to_dicts()
    told = [(row, _row(context, row, _pair(context, row))) for row in rows]
    return {row[key]: line for row, line in told for key in ("block", "pair")}


def _pair(context: Context, row: dict[str, Any]) -> str:
    return context.say(
        "evidence_pair",
        first=row["original_lab"] or ABSENT,
        second=row["retest_lab"] or ABSENT,
        original=measured(row["original_value"]),
        retest=measured(row["retest_value"]),
        ratio=plain(row["r_ratio"]),
    )


def _blocks(context: Context, cited: list[str], lab: str) -> dict[str, tuple[str, ...]]:
    """Blocks, by the laboratory's own score where they belong to a comparison round."""
    blocks = context.tables["blocks"].filter(pl.col("block").is_in(cited))
    own = context.tables["pt_scores"].filter(pl.col("lab") == lab).unique(["sample", "item"], keep="first", maintain_order=True)
    rows = blocks.join(
        own.select("sample", "item", "value", "x_pt", "z"), on=["sample", "item"], how="left", maintain_order="left"
    )
    return {
        row["block"]: _row(context, row, _score(context, row) if row["z"] is not None else _block(context, row))
        for row in rows.to_dicts()
    }


def _block(context: Context, row: dict[str, Any]) -> str:
    return context.say("evidence_block", labs=row["n_labs"], level=measured(row["level"]))


def _scores(context: Context, cited: list[str]) -> dict[str, tuple[str, ...]]:
    rows = context.tables["pt_scores"].filter(pl.col("result").is_in(cited)).to_dicts()
    return {row["result"]: _row(context, row, _score(context, row)) for row in rows}


def _score(context: Context, row: dict[str, Any]) -> str:
    return context.say("evidence_score", value=measured(row["value"]), assigned=measured(row["x_pt"]), z=signed(row["z"]))


def _row(context: Context, row: dict[str, Any], what: str) -> tuple[str, ...]:
    return row["sample"], context.items.get(row["item"], row["item"]), what
