"""Kinds of spoiling that make single rows bad, each with the rule that must be told, or that do them no harm."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from typing import Any

from fuzz_drafts import CHINESE, Draft


def cell(
    header: str,
    texts: tuple[str, ...],
    rule: str,
    *,
    role: str | None = None,
    item: str | None = None,
    beside: Mapping[str, str] | None = None,
) -> Callable[[Draft], bool]:
    """A kind of spoiling: one cell gets a text that breaks this rule, with these texts beside it."""

    def spoil(draft: Draft) -> bool:
        found = draft.pick(role, item)
        if found is None:
            return False
        place, row = found
        row |= beside or {}
        row[header] = draft.random.choice(texts)
        draft.bad[place] = rule, header
        return True

    return spoil


ROWS: dict[str, Callable[[Draft], bool]] = {
    "a word for a number": cell("value", ("abc", "约12", "12.3±0.2", "=1+1", "#REF!", "痕量"), "not_a_number", item="PB"),
    "not finite": cell("value", ("NaN", "inf", "-Infinity", "∞"), "not_a_number", item="PB"),
    "beyond floats": cell("value", ("1e400", "<1e400", "1e-400"), "out_of_range", item="PB"),
    "marks of two meanings": cell("value", ("1,234", "0,5", "1 234", "1.234,5", "１，５"), "mark_ambiguous", item="PB"),
    "below the scale": cell("value", ("-1", "<-1", "<0"), "negative_on_ratio", item="PB"),
    "a range": cell("value", ("4-5", "4~5", "4至5"), "range_for_number", item="PB"),
    "no result": cell("value", ("", " ", "\u3000", "NULL", "\u200b"), "missing_value", item="PB"),
    "no grade": cell("value", ("6", "3-5", "4月5日", "好"), "not_a_grade", item="CF"),
    "another unit": cell("unit", ("mg/L", "furlong", "℃", "Mg/kg"), "unknown_unit", item="PB"),
    "no unit": cell("unit", ("", " "), "missing_unit", item="PB", beside={"value": "12.5"}),
    "another unit behind the number": cell("value", ("12.5 g", "12.5%"), "unit_contradicts", item="PB"),
    "a sign that is none": cell("qualifier", ("~", "≈"), "word_not_allowed", item="PB"),
    "an unknown laboratory": cell("lab", ("Z", "a", "Ａ１"), "unknown_lab"),
    "an unknown item": cell("item", ("ZZ", "pb"), "unknown_item"),
    "an unknown role": cell("role", ("?", "second"), "word_not_allowed", role="original"),
    "no role": cell("role", ("", "\u00a0"), "missing", role="original"),
    "no sample": cell("sample", ("", " "), "missing"),
    "no item": cell("item", ("", "NULL"), "missing"),
    "no day of the calendar": cell("drawn on", ("2018-02-30", "3/5/2018", "18-3-5", "soon"), "impossible_date"),
    "no day of test": cell("test date", ("2018-13-01", "05.03.18", "2018-03-05 x"), "impossible_date"),
    "a round without a year": cell("round", ("spring", "第一批"), "missing_period", role="original"),
    "no reason for the retest": cell("trigger", ("", " "), "missing_trigger", role="retest"),
    "an unknown reason": cell("trigger", ("whim", "随便"), "word_not_allowed", role="retest"),
    "a retest of another sample": cell("sample", ("T1", "S0 1"), "retest_without_original", role="retest"),
    "a retest before its original": cell("test date", ("2018-03-09", "2018/3/2"), "retest_before_original", role="retest"),
    "no whole number": cell("replicate", ("0", "1.5", "-1", "1e3"), "not_a_whole_number"),
    "no verdict": cell("verdict", ("perhaps", "合格？"), "word_not_allowed"),
    "no measure": cell("standard uncertainty", ("-1", "inf", "0,1", "x"), "not_a_measure"),
    "an id of width 0": cell("sample", ("S\u200b7", "S\u202e7", "S\u00a07", "S\u30007", "S\ufe0f7", "S\ufffd7"), "id_unseen"),
    "a laboratory of width 0": cell("lab", ("A\u200bB", "A\u2060B", "\u202eA", "A\u00adB"), "id_unseen"),
    "an id in scientific notation": cell("sample", ("1.23E+15", "1E+17", "4.56789e+12"), "id_shortened"),
    "an id too long": cell("sample", ("S" * 201, "样" * 5_000), "id_too_long"),
    "an id as text for a spreadsheet": cell("sample", ("'S7", '="S7"', "=S7", "“S7”"), "id_marked"),
    "an id made a date": cell("sample", ("2018-04-05 00:00:00", "2018-04-05T00:00:00"), "id_dated"),
    "a date for a number": cell(
        "value", ("2018-04-05", "2018-04-05 00:00:00", "1899-12-31 12:30:00"), "date_for_number", item="PB"
    ),
    "tested before it was drawn": cell("test date", ("2018-02-28", "2017/4/10"), "tested_before_drawn", role="original"),
    "a long text for a number": cell("value", ("x" * 9_999, "约" * 400), "not_a_number", item="PB"),
    "a row of sums": cell("sample", ("",), "missing", beside={"lab": "", "value": "合计"}),
    "neither yes nor no": cell("retest blind", ("maybe", "2"), "word_not_allowed"),
}


def _same_laboratory(draft: Draft) -> bool:
    found = draft.pick("retest")
    if found is None:
        return False
    place, row = found
    row["lab"] = next(one["lab"] for one in draft.rows if one and one["sample"] == row["sample"] and one["role"] == "original")
    draft.bad[place] = "retest_same_lab", "lab"
    return True


def _twice(draft: Draft) -> bool:
    found = draft.pick()
    if found is None:
        return False
    place, row = found
    draft.rows.append(dict(row))
    for one in (place, len(draft.rows) - 1):
        draft.bad[one] = "duplicate_key", "sample"
    return True


def _blank_row(draft: Draft) -> bool:
    if draft.kind == "parquet" or draft.bad or draft.touches:
        return False
    draft.rows.insert(draft.random.randint(0, len(draft.rows) - 1), None)
    return True


def _rewritten(header: str, change: Callable[[str], str], item: str | None = None) -> Callable[[Draft], bool]:
    """Another way of writing the same."""

    def spoil(draft: Draft) -> bool:
        found = draft.pick(item=item)
        if found is None:
            return False
        found[1][header] = change(found[1][header])
        return True

    return spoil


def _wide(text: str) -> str:
    return "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in text)


def _header_again(draft: Draft) -> bool:
    draft.rows.append(draft.names | {"sample_was": "", "role_was": ""})
    draft.bad[len(draft.rows) - 1] = "header_again", "sample"
    return True


ROWS |= {"a retest by the same laboratory": _same_laboratory, "a row twice": _twice, "the header again": _header_again}
HARMLESS: dict[str, Callable[[Draft], bool]] = {
    "a blank row": _blank_row,
    "blanks around a cell": _rewritten("value", lambda text: f" \u3000{text} "),
    "full-width characters": _rewritten("value", _wide),
    "another way of writing a day": _rewritten("drawn on", lambda _: "2018年3月1日"),
    "text that looks like a formula": _rewritten("sampler", lambda _: "=cmd|' /C calc'!A0"),
    "letters beyond the basic plane": _rewritten("sampler", lambda _: "𠮷𝟙🙂"),
    "line breaks and quotation marks": _rewritten("sampler", lambda _: 'a "quoted"\nname, with commas'),
}


def _names(draft: Draft) -> bool:
    if any(row and not row["role_was"] for row in draft.rows):  # the header stands among the rows
        return False
    draft.names |= CHINESE
    return True


def _order(draft: Draft) -> bool:
    names = list(draft.names.items())
    draft.random.shuffle(names)
    draft.names = dict(names)
    return True


def _unread(draft: Draft) -> bool:
    draft.names["remark"] = "remark"
    return True


def _csv_form(**form: Any) -> Callable[[Draft], bool]:
    def spoil(draft: Draft) -> bool:
        if draft.kind != "csv":
            return False
        for name, value in form.items():
            setattr(draft, name, value)
        if form.get("encoding") == "gb18030":
            if any(letter in str(row) for row in draft.rows for letter in "𠮷\u200b\u00a0"):
                return False
            return _names(draft)
        return True

    return spoil


HARMLESS |= {
    "Chinese headers": _names,
    "columns in another order": _order,
    "a column that is not read": _unread,
    "semicolons": _csv_form(separator=";"),
    "tabs": _csv_form(separator="\t"),
    "GB 18030": _csv_form(encoding="gb18030"),
    "UTF-16": _csv_form(encoding="utf-16"),
    "a byte order mark": _csv_form(encoding="utf-8-sig"),
    "line ends of Windows": _csv_form(line_end="\r\n"),
    "line ends of old": _csv_form(line_end="\r"),
    "bars": _csv_form(separator="|"),
    "quotation marks around everything": _csv_form(form={"quoting": csv.QUOTE_ALL}),
}
