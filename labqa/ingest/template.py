"""The bilingual Excel template: results, registers and a guide, filled with a small example that is accepted in full."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import xlsxwriter

from labqa.core import tables
from labqa.core.wording.catalogue import LANGUAGES, sentences
from labqa.ingest import profiles, registers, words

_SHEETS = {"labs": "实验室 Labs", "items": "项目 Items", "products": "产品 Products", "class": "现行分类 Class"}
_RESULTS, GUIDE = "结果 Results", "说明 Guide"
_LAST_ROW = 5000
"""Rows for which the workbook offers word lists; more are accepted."""
_LISTS = {
    **words.CLOSED,
    **{"scale": "scale", "compare_method": "compare_method", "severity": "severity", "lab_class": "lab_class"},
    **{"lower_inclusive": "yes_no", "upper_inclusive": "yes_no"},
}
_DAYS = {"drawn_on", "tested_on", "valid_from"}
_WHOLE = {"replicate", "revision"}
_NUMBERS = {"reporting_limit", "expanded_u", "k", "u", "selection_probability"}
_WIDE = {
    "name_zh": 24,
    "name_en": 32,
    "capabilities": 44,
    "credit_code": 24,
    "method": 22,
    "judgement_standard": 20,
    "grades": 28,
    "decision": 24,
}
_REQUIRED = {
    "labs": {"lab"},
    "items": {"item", "scale", "unit"},
    "products": {"product"},
    "class": {"lab", "valid_from", "lab_class"},
}
_FONT = {"font_name": "Microsoft YaHei", "font_size": 10, "valign": "vcenter"}


@dataclass(frozen=True)
class Sheet:
    """One table of the workbook: its columns (field → headers), the fields that must be filled, and the example's rows."""

    name: str
    columns: Mapping[str, tuple[str, ...]]
    required: frozenset[str]
    rows: Sequence[Mapping[str, str]]


def write_template(path: Path) -> None:
    """Write the template to `path` (.xlsx); its example is accepted in full by the profile `template`."""
    with xlsxwriter.Workbook(str(path), {"strings_to_numbers": False}) as book:
        book.set_properties({"title": "LabQA 数据报送模板 / delivery template"})
        styles = {name: book.add_format({**_FONT, **style}) for name, style in _STYLES.items()}
        sheets = _sheets()
        _write_guide(book.add_worksheet(GUIDE), sheets, styles)
        for sheet in sheets:
            _write_sheet(book.add_worksheet(sheet.name), sheet, styles)
        book.get_worksheet_by_name(_RESULTS).activate()


_EDGE = {"border": 1, "border_color": "#C9D3DF"}
_STYLES: dict[str, dict[str, Any]] = {
    "required": {"bold": True, "font_color": "#FFFFFF", "bg_color": "#1F4E79", "text_wrap": True, "align": "center", **_EDGE},
    "optional": {"bold": True, "font_color": "#1F2A37", "bg_color": "#D9DEE5", "text_wrap": True, "align": "center", **_EDGE},
    "cell": {"num_format": "@"},
    "day": {"num_format": "yyyy-mm-dd", "align": "left"},
    "title": {"bold": True, "font_size": 16, "font_color": "#1F4E79"},
    "line": {"text_wrap": True, "valign": "top"},
    "section": {"bold": True, "font_size": 12, "font_color": "#1F4E79", "bottom": 2, "bottom_color": "#1F4E79"},
    "text": {"text_wrap": True, **_EDGE},
    "name": {"bold": True, "text_wrap": True, **_EDGE},
    "mark": {"align": "center", "font_color": "#B42318", "bold": True, **_EDGE},
}


@cache
def _example() -> Mapping[str, Any]:
    return tomllib.loads(files(__package__).joinpath("template_example.toml").read_text("utf-8"))


def _sheets() -> list[Sheet]:
    """The tables of the workbook in their order."""
    profile, example = profiles.load("template"), _example()
    rows = [{**entry["shared"], **result} for entry in example["sample"] for result in entry["results"]]
    made = [Sheet(_RESULTS, profile.columns, frozenset(profile.required), rows)]
    headers = registers.headers()
    return made + [Sheet(name, headers[kind], frozenset(_REQUIRED[kind]), example[kind]) for kind, name in _SHEETS.items()]


def _write_sheet(page: Any, sheet: Sheet, styles: Mapping[str, Any]) -> None:
    """Header, widths, word lists and the example's rows of one table."""
    page.freeze_panes(1, 0)
    page.set_row(0, 34)
    page.set_landscape()
    page.repeat_rows(0)
    for place, (field, headers) in enumerate(sheet.columns.items()):
        style = "day" if field in _DAYS else "cell"
        page.set_column(place, place, _WIDE.get(field, max(13, len(headers[1]) + 3)), styles[style])
        page.write_string(0, place, "\n".join(headers[:2]), styles["required" if field in sheet.required else "optional"])
        _offer_words(page, place, field, in_results=sheet.name == _RESULTS)
        for number, row in enumerate(sheet.rows, start=1):
            _write_cell(page, number, place, field, row.get(field, ""), styles)
    page.autofilter(0, 0, max(1, len(sheet.rows)), len(sheet.columns) - 1)
    page.ignore_errors({"number_stored_as_text": f"A1:AZ{_LAST_ROW}"})


def _write_cell(page: Any, row: int, place: int, field: str, text: str, styles: Mapping[str, Any]) -> None:
    """One cell: days as dates of the spreadsheet, all else as text, so that 4-5 stays a grade."""
    if not text:
        page.write_blank(row, place, None, styles["day" if field in _DAYS else "cell"])
    elif field in _DAYS:
        page.write_datetime(row, place, date.fromisoformat(text), styles["day"])
    else:
        page.write_string(row, place, text, styles["cell"])


def _offer_words(page: Any, place: int, field: str, *, in_results: bool) -> None:
    """A drop-down where a closed list or a register says what may stand in the column."""
    if field in _LISTS:
        forms = [form for written in words.lists()[_LISTS[field]].values() for form in dict.fromkeys(written[:2])]
        page.data_validation(1, place, _LAST_ROW, place, {"validate": "list", "source": forms, "error_type": "warning"})
    registered = {"lab": "labs", "item": "items", "product": "products"}.get(field) if in_results else None
    if registered:
        source = f"='{_SHEETS[registered]}'!$A$2:$A${_LAST_ROW}"
        page.data_validation(1, place, _LAST_ROW, place, {"validate": "list", "source": source, "error_type": "warning"})


def _write_guide(page: Any, sheets: Sequence[Sheet], styles: Mapping[str, Any]) -> None:
    """What each column means and what may stand in it, Chinese beside English."""
    zh, en = (sentences(language) for language in ("zh", "en"))
    page.hide_gridlines(2)
    for place, width in enumerate((18, 24, 10, 46, 56, 52)):
        page.set_column(place, place, width)
    page.set_row(0, 30)
    page.write_string(0, 0, f"{zh['ingest.guide_title']}  {en['ingest.guide_title']}", styles["title"])
    row = 1
    for name in ("intro", "value", "refused", "file"):
        for language in LANGUAGES:
            page.merge_range(row, 0, row, 5, sentences(language)[f"ingest.guide_{name}"], styles["line"])
            page.set_row(row, 18)
            row += 1
    for sheet in sheets:
        row = _write_guide_of(page, row + 1, sheet, styles)
    page.freeze_panes(1, 0)


def _write_guide_of(page: Any, row: int, sheet: Sheet, styles: Mapping[str, Any]) -> int:
    """The guide to one sheet; the next free row."""
    zh, en = (sentences(language) for language in ("zh", "en"))
    page.merge_range(row, 0, row, 5, sheet.name, styles["section"])
    titles = ("column", "column", "required", "meaning", "meaning", "words")
    for place, title in enumerate(titles):
        both = f"{zh[f'ingest.guide_{title}']} {en[f'ingest.guide_{title}']}"
        alone = (zh if place in (0, 3) else en)[f"ingest.guide_{title}"]
        page.write_string(row + 1, place, both if place in (2, 5) else alone, styles["optional"])
    for number, (field, headers) in enumerate(sheet.columns.items(), start=row + 2):
        meaning_zh, meaning_en = _meaning(sheet, field)
        required = "✔" if field in sheet.required else ""
        if field == "trigger":
            required = f"{zh['ingest.guide_retest_only']} / {en['ingest.guide_retest_only']}"
        cells = (headers[0], headers[1], required, meaning_zh, meaning_en, _form(field))
        for place, (text, style) in enumerate(zip(cells, ("name", "name", "mark", "text", "text", "text"), strict=True)):
            page.write_string(number, place, text, styles[style])
    return row + 2 + len(sheet.columns)


def _meaning(sheet: Sheet, field: str) -> tuple[str, str]:
    """What a column means: of results the catalogue's sentence, of registers the data dictionary's."""
    key = f"ingest.field_{field}"
    if sheet.name == _RESULTS or field == "capabilities":
        return sentences("zh")[key], sentences("en")[key]
    kind = next(kind for kind, name in _SHEETS.items() if name == sheet.name)
    column = registers.KINDS[kind].columns()[field]
    return str((column.metadata or {}).get("zh", "")), column.description or ""


def _form(field: str) -> str:
    """The words or the form that a column takes."""
    if field in _LISTS:
        return words.allowed(_LISTS[field])
    if field == "capabilities":
        return "01.02:2014-01-01/2019-12-31; 03.01:2015-01-01/"
    if field == "grades":
        return "1|1-2|2|2-3|3|3-4|4|4-5|5"
    kind = "day" if field in _DAYS else "year" if field == "period" else "whole" if field in _WHOLE else None
    if kind is None:
        types = {**tables.empty(tables.Items).schema, **tables.empty(tables.ClassInForce).schema}
        kind = (
            "number"
            if field in _NUMBERS or (field != "value" and types.get(field) == tables.empty(tables.Items).schema["lod"])
            else "text"
        )
    return " / ".join(dict.fromkeys(sentences(language)[f"ingest.form_{kind}"] for language in LANGUAGES))
