"""Kinds of spoiling that only workbooks know: rows that show something else than they hold, and forms that do no harm."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from fuzz_drafts import Draft

Write = Callable[[Any, Any, int, int], object]
"""Write something into a cell: workbook, page, row, column."""
FORMATS = ('"<"0.0', '0.0" g/kg"', "0.0,", ";;;", '0.0;-0.0;"ND"', '[<100]"low";0.0')


def cell(header: str, write: Write, read: str, rule: str, *, item: str | None = None) -> Callable[[Draft], bool]:
    """One cell is written in another way and so breaks this rule; `read`: as what it is delivered then."""

    def spoil(draft: Draft) -> bool:
        found = draft.pick(item=item) if draft.kind == "xlsx" else None
        if found is None:
            return False
        place, row = found
        row[header] = read
        draft.touches.append(lambda draft, book, page: write(book, page, place + 1, draft.column(header)))
        draft.bad[place] = rule, header
        return True

    return spoil


def number(value: float, code: str) -> Write:
    return lambda book, page, row, column: page.write_number(row, column, value, book.add_format({"num_format": code}))


def error(text: str) -> Write:
    def write(book: Any, page: Any, row: int, column: int) -> None:
        book.calc_on_load = False  # else it would count as not computed
        page.write_formula(row, column, "=NA()", None, text)

    return write


def day(code: str) -> Write:
    def write(book: Any, page: Any, row: int, column: int) -> None:
        page.write_datetime(row, column, datetime(2018, 4, 5), book.add_format({"num_format": code}))

    return write


def _hidden_row(draft: Draft) -> bool:
    found = draft.pick() if draft.kind == "xlsx" else None
    if found is None:
        return False
    options = draft.random.choice([(None, {"hidden": True}), (0, {}), (None, {"hidden": True, "level": 1})])
    draft.touches.append(lambda draft, book, page: page.set_row(found[0] + 1, options[0], None, options[1]))
    draft.bad[found[0]] = "row_hidden", "sample"
    return True


def _merged(draft: Draft) -> bool:
    found = draft.pick() if draft.kind == "xlsx" else None
    if found is None or found[0] == 0 or (above := draft.rows[found[0] - 1]) is None:
        return False
    place, row = found
    above["sampler"], row["sampler"] = "M", ""
    draft.touches.append(
        lambda draft, book, page: page.merge_range(place, column := draft.column("sampler"), place + 1, column, "M")
    )
    draft.bad[place] = "cell_merged", "sampler"
    return True


WORKBOOKS: dict[str, Callable[[Draft], bool]] = {
    "a hidden row": _hidden_row,
    "merged cells": _merged,
    "an error as result": cell("value", error("#DIV/0!"), "#DIV/0!", "cell_error"),
    "an error in a cell that may be empty": cell("verdict", error("#N/A"), "#N/A", "cell_error"),
    **{f"the format {code}": cell("value", number(0.0, code), "0", "cell_format", item="PB") for code in FORMATS[:1]},
    **{f"the format {code}": cell("value", number(12.5, code), "12.5", "cell_format", item="PB") for code in FORMATS[1:4]},
    f"the format {FORMATS[4]}": cell("value", number(0.0, FORMATS[4]), "0", "cell_format", item="PB"),
    f"the format {FORMATS[5]}": cell("value", number(12.5, FORMATS[5]), "12.5", "cell_format", item="PB"),
    "a long number as id": cell("sample", number(1e16, "0"), "10000000000000000", "id_shortened"),
    "a date as id": cell("sample", day("yyyy-m"), "2018-04-05 00:00:00", "id_dated"),
    "a date as result": cell("value", day("m-d"), "2018-04-05 00:00:00", "date_for_number", item="PB"),
    "a date as grade": cell("value", day("m-d"), "2018-04-05 00:00:00", "not_a_grade", item="CF"),
    "a time as result": cell("value", number(0.5, "h:mm"), "1899-12-31 12:00:00", "date_for_number", item="PB"),
    "a time as day": cell("test date", number(0.5, "h:mm"), "1899-12-31 12:00:00", "impossible_date"),
    "a truth value": cell("value", lambda _, page, *at: page.write_boolean(*at, True), "true", "not_a_number", item="PB"),
    "a number as role": cell("role", number(3, "0"), "3", "word_not_allowed"),
}


def _form(*touches: Callable[[Draft, Any, Any], object]) -> Callable[[Draft], bool]:
    def spoil(draft: Draft) -> bool:
        draft.touches += touches if draft.kind == "xlsx" else ()
        return draft.kind == "xlsx"

    return spoil


def _days(draft: Draft, book: Any, page: Any) -> None:
    style = book.add_format({"num_format": "yyyy/m/d"})
    for place, row in enumerate(draft.rows, start=1):
        if row and row["drawn on"] == "2018-03-01":
            page.write_datetime(place, draft.column("drawn on"), datetime(2018, 3, 1), style)


def _hidden_notes(_: Draft, book: Any, __: Any) -> None:
    notes = book.add_worksheet("hidden notes")
    notes.write_row(0, 0, ["value", "12.5"])
    notes.hide()


WORKBOOK_FORMS: dict[str, Callable[[Draft], bool]] = {
    "days as days": _form(_days),
    "a hidden sheet of notes": _form(_hidden_notes),
    "a filter that shows all": _form(lambda draft, _, page: page.autofilter(0, 0, len(draft.rows), len(draft.names) - 1)),
    "wide columns and high rows": _form(lambda _, __, page: (page.set_column(0, 9, 40), page.set_row(1, 60))),
    "frozen headers and colours": _form(lambda _, book, page: (page.freeze_panes(1, 0), page.set_tab_color("red"))),
    "a comment": _form(lambda _, __, page: page.write_comment(1, 0, "12.5")),
    "a hidden column beside the table": _form(lambda _, __, page: page.set_column(60, 70, None, None, {"hidden": True})),
    "merged cells below the table": _form(lambda draft, _, page: page.merge_range(len(draft.rows) + 9, 0, 90, 3, "")),
}
