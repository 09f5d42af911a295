"""Deliveries on their way to be spoiled: drafts in which every row is accepted, and the files that are made of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import polars as pl
import xlsxwriter

HEADERS = (
    *("round", "sample", "product", "drawn on", "item", "lab", "role", "trigger", "value", "unit", "qualifier"),
    *("replicate", "test date", "verdict", "standard uncertainty", "retest blind", "sampler"),
)
CHINESE = {"sample": "样品编号", "lab": "实验室代码", "value": "结果", "unit": "单位", "role": "角色", "test date": "检测日期"}
LABS = ("A", "B", "C", "D")
UNITS = {"PB": "mg/kg", "PH": "", "CF": "级"}
Row = dict[str, str]


@dataclass
class Draft:
    """A delivery on its way: rows (None: a blank one), which of them are bad and why, what spoils the whole file.

    `touches` change a workbook and its page when all rows are written, `form` says how csv text or parquet is written, `finish`
    changes the finished bytes.
    """

    random: Random
    kind: str
    rows: list[Row | None]
    names: dict[str, str]
    bad: dict[int, tuple[str, str]] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    applied: list[str] = field(default_factory=list)
    separator: str = ","
    encoding: str = "utf-8"
    line_end: str = "\n"
    extra_sheet: bool = False
    numbers: bool = False
    touches: list[Callable[[Draft, Any, Any], object]] = field(default_factory=list)
    form: dict[str, Any] = field(default_factory=dict)
    finish: list[Callable[[Draft, bytes], bytes]] = field(default_factory=list)

    def pick(self, role: str | None = None, item: str | None = None) -> tuple[int, Row] | None:
        """A row of that role and item whose sample was not spoiled before."""
        found = [
            (place, row)
            for place, row in enumerate(self.rows)
            if row is not None
            and row["sample"] not in self.used
            and role in (None, row["role"])
            and item in (None, row["item"])
        ]
        if not found:
            return None
        place, row = self.random.choice(found)
        self.used.add(row["sample"])
        return place, row

    def column(self, header: str) -> int:
        """Where a column stands, from 0."""
        return list(self.names).index(header)

    def delivered_rows(self) -> dict[int, int]:
        """Place of each row → row number in the file (of parquet and of csv with blank rows too: the header is 1)."""
        return {place: number for number, (place, row) in enumerate(enumerate(self.rows), start=2) if row is not None}

    def refused(self) -> dict[int, set[str]]:
        """Row number in the file → rules of which one must be told; retests fall with their originals."""
        lost = {self.rows[place]["sample_was"] for place in self.bad if self.rows[place]["role_was"] == "original"}  # type: ignore[index]
        numbers, told = self.delivered_rows(), {}
        for place, row in enumerate(self.rows):
            if row is None:
                continue
            if place in self.bad:
                told[numbers[place]] = {self.bad[place][0]}
            elif row["role_was"] == "retest" and row["sample_was"] in lost:
                told[numbers[place]] = {"retest_without_original"}
        return told


def sound(random: Random, kind: str) -> Draft:
    """A delivery in which every row is accepted."""
    rows: list[Row | None] = []
    for number in range(random.randint(5, 10)):
        item = random.choice(["PB", "PB", "PB", "PH", "CF"])
        first, second = random.sample(LABS, 2)
        row = dict.fromkeys(HEADERS, "")
        row |= {"round": "2018-1", "sample": f"S{number}", "drawn on": "2018-03-01", "item": item, "lab": first}
        row |= {"role": "original", "value": _value(random, item), "unit": UNITS[item], "test date": "2018-03-10"}
        row |= {"sample_was": row["sample"], "role_was": "original"}
        rows.append(row)
        if number < 2 or random.random() < 0.6:
            retest = {"lab": second, "role": "retest", "trigger": random.choice(["planned", "异议复检"]), "role_was": "retest"}
            rows.append(row | retest | {"value": _value(random, item), "test date": "2018-04-10"})
    return Draft(random, kind, rows, {name: name for name in HEADERS})


def _value(random: Random, item: str) -> str:
    if item == "CF":
        return random.choice(["4", "4-5", "3"])
    if item == "PH":
        return f"{random.uniform(4, 9):.2f}"
    return random.choice([f"{random.uniform(1, 90):.1f}", f"{random.uniform(1, 9):.3e}", "<0.5", "ND", "1,234.5"])


def written(draft: Draft) -> bytes:
    """The file of a draft in its kind."""
    fields, headers = list(draft.names), list(draft.names.values())
    cells = [[(row or {}).get(name, "") for name in fields] for row in draft.rows]
    if draft.kind == "csv":
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=draft.separator, lineterminator=draft.line_end, **draft.form).writerows([headers, *cells])
        return text.getvalue().encode(draft.encoding)
    held = io.BytesIO()
    if draft.kind == "parquet":
        frame = pl.DataFrame(cells, schema=dict.fromkeys(headers, pl.String), orient="row")
        frame.cast(draft.form.pop("types", {})).write_parquet(held, **draft.form)
        return held.getvalue()
    with xlsxwriter.Workbook(held, {"in_memory": True}) as book:
        page = book.add_worksheet("结果")
        if draft.extra_sheet:
            book.add_worksheet("notes").write_row(3, 2, ["a", "", "a"])
        for place, texts in enumerate([headers, *cells]):
            for column, text in enumerate(texts):
                plain = (
                    draft.numbers
                    and place
                    and fields[column] == "value"
                    and text.replace(".", "", 1).isdecimal()
                    and text.isascii()
                )
                page.write_number(place, column, float(text)) if plain else page.write_string(place, column, text)
        for touch in draft.touches:
            touch(draft, book, page)
    return held.getvalue()
