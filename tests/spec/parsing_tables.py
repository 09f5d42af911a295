"""The specification of parsing: the tables of `parsing/*.toml`, delivered as files, and rendered as the manual's chapter."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from labqa.core import tables
from labqa.core.wording.catalogue import LANGUAGES, sentences
from labqa.ingest import profiles
from labqa.ingest.deliver import Delivery, read_delivery
from labqa.ingest.registers import Registers

PAGE = Path(__file__).parents[2] / "docs" / "parsing.md"
_HEADERS = {"unit": "unit", "qualifier": "qualifier", "reporting_limit": "reporting limit"}
_OF_ITEM = {"scale", "lod", "loq", "item_unit"}
_SEEN = {" ": "␣", "\t": "⇥", "\u00a0": "⍽", "\u3000": "□", "\u2009": "␣", "\u202f": "␣", "\u200b": "◌", "\ufeff": "◌"}


@dataclass(frozen=True)
class Case:
    """One row of a table: what is delivered, and what it means or which rule refuses it."""

    chapter: str
    number: int
    table: dict[str, Any]
    row: int
    said: dict[str, str]
    meaning: str


@cache
def chapters() -> dict[str, dict[str, Any]]:
    """The chapters in their order, by file name."""
    files = sorted((Path(__file__).parent / "parsing").glob("*.toml"))
    return {file.stem: tomllib.loads(file.read_text("utf-8")) for file in files}


def cases() -> Iterator[Case]:
    """Every row of every table; `row` is its row in the file delivered."""
    for name, chapter in chapters().items():
        for number, table in enumerate(chapter["table"]):
            for row, cells in enumerate(table["rows"], start=2):
                *said, meaning = cells
                yield Case(name, number, table, row, dict(zip(table["columns"], said, strict=True)), meaning)


def deliver(folder: Path, chapter: str, number: int) -> Delivery:
    """A table delivered as one csv file, each of its rows a sample and an item of its own."""
    of_table = [case for case in cases() if (case.chapter, case.number) == (chapter, number)]
    table = of_table[0].table
    rows = [_delivered(case) for case in of_table]
    if table.get("role") == "retest":
        rows += [row | {"lab": "A", "role": "original", "trigger": "", table["header"]: ""} for row in rows]
    path = folder / f"{chapter}-{number}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)
    profile = replace(profiles.load("template"), **table.get("profile", {}))
    labs = tables.shaped(pl.DataFrame({"lab": ["A", "B"]}), tables.Labs)
    registers = Registers(labs=labs, items=tables.shaped(pl.DataFrame([_item(case) for case in of_table]), tables.Items))
    return read_delivery(path, profile, registers, programme="national", known=tables.empty(tables.Results))


def _delivered(case: Case) -> dict[str, str]:
    table, retest = case.table, case.table.get("role") == "retest"
    row = {"round": "2018-1", "sample": f"S{case.row}", "item": f"I{case.row}", "lab": "B" if retest else "A"}
    row |= {"role": table.get("role", "original"), "trigger": "planned" if retest else "", "value": "1", "unit": ""}
    row |= table.get("row", {}) | {table.get("header", "value"): case.said["text"]}
    return row | {_HEADERS[name]: text for name, text in case.said.items() if name in _HEADERS}


def _item(case: Case) -> dict[str, Any]:
    said = {name: text or None for name, text in case.said.items() if name in _OF_ITEM}
    item = {"item": f"I{case.row}", "compare_method": "full", "lod": None, "loq": None, "grades": None}
    item |= case.table["item"] | {"unit" if name == "item_unit" else name: text for name, text in said.items()}
    limits = {name: None if item[name] is None else float(item[name]) for name in ("lod", "loq")}
    return item | limits


def page() -> str:
    """The chapter of the manual, Chinese and English."""
    parts = [_OPENING]
    for chapter in chapters().values():
        parts.append(f"## {chapter['zh']} · {chapter['en']}\n")
        parts += [_rendered(table) for table in chapter["table"]]
    return "\n".join([*parts, _rules()])


_OPENING = """# 交付文本的解读 · How delivered text is read

由 `make docs` 根据 `tests/spec/parsing/` 的表格写成；这些表格同时就是测试，过期的页面不能通过测试。
一切先按文本读入，再按项目的量表与单位定型：要么得到一个值，要么由一条规则拒收，从不猜测。

Written by `make docs` from the tables in `tests/spec/parsing/`, which are tests at the same time; a stale page fails.
Everything is read as text, then typed by the item's scale and unit: it becomes a value, or a rule refuses it; nothing is
guessed.

`< 0.01`：低于该限；`<`：低于限值，但无人说明限值；`> 100`：高于；`/`：不适用；✘：拒收，其后为规则。
`< 0.01` below that limit; `<` below a limit that nobody states; `> 100` above; `/` not applicable; ✘ refused, with the rule.
"""
_NAMES = {
    "text": "交付文本 Delivered",
    "unit": "单位 Unit",
    "item_unit": "项目单位 Item's unit",
    "scale": "量表 Scale",
    "qualifier": "限定符 Qualifier",
    "reporting_limit": "报告限 Reporting limit",
    "lod": "检出限 LOD",
    "loq": "定量限 LOQ",
}


def _rendered(table: dict[str, Any]) -> str:
    lines = [f"**{table['zh']}** · {table['en']}\n", *_given(table)]
    lines.append("| " + " | ".join([*(_NAMES[name] for name in table["columns"]), "含义 Meaning"]) + " |")
    lines.append("|---" * (len(table["columns"]) + 1) + "|")
    for *said, meaning in table["rows"]:
        refused = meaning.removeprefix("! ")
        told = f"✘ [`{refused}`](#{refused})" if meaning.startswith("! ") else _cell(meaning)
        lines.append("| " + " | ".join([*(_cell(text) for text in said), told]) + " |")
    return "\n".join(lines) + "\n"


def _given(table: dict[str, Any]) -> list[str]:
    """The item and the other cells of the row, where they are the same for the whole table."""
    of_item = {_NAMES.get("item_unit" if name == "unit" else name, name): text for name, text in table["item"].items()}
    if "header" in table:
        return [f"列 Column: `{table['header']}`\n"]
    given = of_item | {_NAMES[name]: text for name, text in table.get("row", {}).items()}
    return [" · ".join(f"{name}: `{text}`" for name, text in given.items()).replace("|", "\\|") + "\n"]


def _cell(text: str) -> str:
    if text == "":
        return "（空 empty）"
    kept = text if text.strip(" ") == text and not text.isspace() else "".join(_SEEN.get(letter, letter) for letter in text)
    for letter in _SEEN:
        if letter not in " ":
            kept = kept.replace(letter, _SEEN[letter])
    return "`" + kept.replace("|", "\\|") + "`"


def _rules() -> str:
    """The rules that the tables name, with their sentences."""
    named = {case.meaning.removeprefix("! ") for case in cases() if case.meaning.startswith("! ")}
    lines = ["## 规则 · Rules\n"]
    for rule in sorted(named):
        lines.append(f"### {rule}\n")
        lines += [f"{sentences(language)[f'ingest.{rule}']}\n" for language in LANGUAGES]
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
