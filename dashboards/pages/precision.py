"""How precise the methods are, item by item and by the level: a second opinion on all laboratories together, never on one."""

from __future__ import annotations

from typing import Any

import polars as pl

from dashboards.access import ANALYST, Access
from dashboards.address import Address
from dashboards.components.tables import COUNTED, SEARCHED, WRAPPED, Column, grid, narrow, signed, table
from dashboards.components.text import Component, lead, link, note, section, title
from dashboards.params import NO_CODE
from dashboards.reading import MOST, Reading
from dashboards.words import Words, count, number
from labqa.core.vocabulary import NUMERIC_SCALES
from labqa.service.opinions import CONDITIONS, doubt, model_of


def register(access: Access) -> None:
    """Registers the page."""
    access.page("precision", roles=ANALYST, code=NO_CODE)(draw)


def section_of(reading: Reading, place: Address, words: Words) -> Component | None:
    """The part of the network page: what there is to see, and the way to it; nothing where no item is measured."""
    measured = reading.registers["items"].filter(pl.col("scale").is_in([str(scale) for scale in NUMERIC_SCALES]))
    if measured.is_empty():
        return None
    there = note(link(words("precision.to_items"), place.to(page="precision")))
    return section(words("precision.title"), there, name="precision", says=words("precision.says"))


def draw(reading: Reading, place: Address, words: Words) -> list[Component]:
    """The page: how many items have a figure, each of them, and why the others have none."""
    del place
    found = reading.precision_levels
    told, none = found.filter(pl.col("chosen")), found.drop_nulls("reason")
    parts = [
        title(words("precision.title"), above=words.programme(reading.manifest.programme)),
        lead(_counted(found, told, words), words("precision.others") if none.height else ""),
        note(words("precision.whose"), words("precision.own")),
        _told(told, words) if told.height else None,
        _undetermined(none, words) if none.height else None,
    ]
    return [part for part in parts if part is not None]


def _counted(found: pl.DataFrame, told: pl.DataFrame, words: Words) -> str:
    of = {condition: count(told.filter(pl.col("condition") == condition).height) for condition in CONDITIONS}
    return words("precision.lead", items=count(found["item"].n_unique()), **of)


def _told(told: pl.DataFrame, words: Words) -> Component:
    figures = {"type": "rightAligned", "sortable": False, **WRAPPED}
    columns = [
        {
            "field": "item",
            "headerName": words("word.item"),
            "minWidth": 165,
            "flex": 3,
            **narrow(165),
            **WRAPPED,
            **SEARCHED,
            **COUNTED,
        },
        {"field": "condition", "headerName": words("precision.condition"), "minWidth": 128, **SEARCHED},
        {"field": "sd", "headerName": words("precision.sd"), "minWidth": 128, **narrow(165), **figures},
        {"field": "levels", "headerName": words("precision.levels"), "minWidth": 128, **figures},
        {"field": "sets", "headerName": words("precision.sets"), "minWidth": 76, "type": "rightAligned"},
        {"field": "model", "headerName": words("precision.model"), "minWidth": 180, "flex": 4, **WRAPPED},
        {"field": "plain", "headerName": words("precision.plain"), "minWidth": 92, **figures},
        {"field": "dispersion", "headerName": words("precision.dispersion"), "minWidth": 108, **signed(form=".1f")},
        {"field": "doubt", "headerName": words("precision.doubt"), "minWidth": 150, "flex": 3, **WRAPPED},
    ]
    rows = [_row(row, words) for row in told.head(MOST).iter_rows(named=True)]
    most = words("precision.most", shown=count(MOST), of=count(told.height)) if told.height > MOST else ""
    says = note(words("precision.told_says"), most)
    return section(words("precision.told"), says, grid("precision", columns, rows, words=words), name="told")


def _row(row: dict[str, Any], words: Words) -> dict[str, Any]:
    """An item under one condition, by its chosen model."""
    unit = "" if row["unit"] == "1" else row["unit"]
    return {
        "item": words.name(row, otherwise=row["item"]) + (f" ({unit})" if unit else ""),
        "condition": words(f"precision.{row['condition']}"),
        "model": model_of(row).typeset(words.language),
        "sd": _range(row["sd_low"], row["sd_high"]),
        "levels": _range(row["level_low"], row["level_high"]),
        "sets": row["sets"],
        "plain": number(row["sd"]),
        "dispersion": row["dispersion"],
        "doubt": doubt(row, words.language),
    }


def _range(low: float, high: float) -> str:
    """Two figures, or one where they read alike."""
    ends = [number(low), number(high)]
    return " – ".join(dict.fromkeys(ends))


def _undetermined(none: pl.DataFrame, words: Words) -> Component:
    """Why items have no figure, with how many there are of each."""
    columns = (
        Column(words("precision.condition"), first=True),
        Column(words("precision.items"), figure=True),
        Column(words("network.reason")),
    )
    counted = none.group_by("condition", "reason").len().sort("condition", "len", "reason", descending=[False, True, False])
    rows = [[words(f"precision.{condition}"), count(n), words.reason(reason)] for condition, reason, n in counted.iter_rows()]
    listed = table(columns, rows, caption=words("precision.undetermined"), words=words)
    return section(words("precision.undetermined"), listed, name="undetermined", says=words("precision.undetermined_says"))
