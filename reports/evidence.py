"""The rows that a reason cites, found again in the run's tables and set as a small table."""

from __future__ import annotations

import polars as pl

from reports.context import Context
from reports.document import Column, Table
from reports.numbers import measured, plain, signed

MOST_ROWS = 5
"""Rows of evidence that are printed of each laboratory; the run holds the ids of all."""


def evidence_table(context: Context, cited: list[str]) -> Table | None:
    """The first rows of what is cited: pairs, blocks or scored comparison results; None if nothing is found."""
    found = {**_blocks(context, cited), **_scores(context, cited), **_pairs(context, cited)}
    rows = [found[code] for code in cited if code in found][:MOST_ROWS]
    if not rows:
        return None
    say = context.say
    return Table(
        title=say("evidence_rows"),
        columns=(Column(say("sample"), share=1.6), Column(say("item"), share=1.8), Column(say("what_it_shows"), share=4)),
        rows=tuple(rows),
        note=say("shown_of", shown=len(rows), total=len(cited)),
        small=True,
    )


def _pairs(context: Context, cited: list[str]) -> dict[str, tuple[str, ...]]:
    pairs = context.tables["pairs"].filter(pl.col("pair").is_in(cited))
    rows = pairs.join(context.tables["discrepancies"], on="pair", how="left", maintain_order="left")
    return {
        row["pair"]: (
            row["sample"],
            context.items.get(row["item"], row["item"]),
            context.say(
                "evidence_pair",
                first=row["original_lab"] or "—",
                second=row["retest_lab"] or "—",
                original=measured(row["original_value"]),
                retest=measured(row["retest_value"]),
                ratio=plain(row["r_ratio"]),
            ),
        )
        for row in rows.iter_rows(named=True)
    }


def _blocks(context: Context, cited: list[str]) -> dict[str, tuple[str, ...]]:
    rows = context.tables["blocks"].filter(pl.col("block").is_in(cited))
    return {
        row["block"]: (
            row["sample"],
            context.items.get(row["item"], row["item"]),
            context.say("evidence_block", labs=row["n_labs"], level=measured(row["level"])),
        )
        for row in rows.iter_rows(named=True)
    }


def _scores(context: Context, cited: list[str]) -> dict[str, tuple[str, ...]]:
    rows = context.tables["pt_scores"].filter(pl.col("result").is_in(cited))
    return {
        row["result"]: (
            row["sample"],
            context.items.get(row["item"], row["item"]),
            context.say("evidence_score", value=measured(row["value"]), assigned=measured(row["x_pt"]), z=signed(row["z"])),
        )
        for row in rows.iter_rows(named=True)
    }
