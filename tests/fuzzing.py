"""Deliveries spoiled at random: each kind of spoiling knows which rows it made bad and by which rule, that it spoiled the whole
file, or that it did no harm. A seed gives one file: a sound delivery of 8 to 20 rows, spoiled in one to three places."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

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
    """A delivery on its way: rows (None: a blank one), which of them are bad and why, what spoils the whole file."""

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
    "a retest before its original": cell("test date", ("2018-03-09", "2017/4/10"), "retest_before_original", role="retest"),
    "no whole number": cell("replicate", ("0", "1.5", "-1", "1e3"), "not_a_whole_number"),
    "no verdict": cell("verdict", ("perhaps", "合格？"), "word_not_allowed"),
    "no measure": cell("standard uncertainty", ("-1", "inf", "0,1", "x"), "not_a_measure"),
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
    if draft.kind == "parquet" or draft.bad:
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


ROWS |= {"a retest by the same laboratory": _same_laboratory, "a row twice": _twice}
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


def _csv_form(**form: str) -> Callable[[Draft], bool]:
    def spoil(draft: Draft) -> bool:
        if draft.kind != "csv":
            return False
        for name, value in form.items():
            setattr(draft, name, value)
        if form.get("encoding") == "gb18030":
            if any(letter in str(row) for row in draft.rows for letter in "𠮷\u200b\u00a0"):
                return False
            draft.names |= CHINESE
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
}


def whole(kinds: str, rules: set[str], change: Callable[[Draft, bytes], bytes]) -> Callable[[Draft], bool]:
    """A kind of spoiling of the finished file, after which it must be refused as a whole."""

    def spoil(draft: Draft) -> bool:
        if draft.kind not in kinds.split() or draft.finish:
            return False
        draft.finish.append(change)
        draft.whole = rules
        return True

    return spoil


def _parts(change: Callable[[dict[str, bytes]], None]) -> Callable[[Draft, bytes], bytes]:
    """Change the parts of a workbook."""

    def changed(_: Draft, data: bytes) -> bytes:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        change(parts)
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in parts.items():
                archive.writestr(name, content)
        return held.getvalue()

    return changed


SHEET = "xl/worksheets/sheet1.xml"


def _in_sheet(old: bytes, new: bytes) -> Callable[[Draft, bytes], bytes]:
    return _parts(lambda parts: parts.update({SHEET: parts[SHEET].replace(old, new, 1)}))


def _at(draft: Draft, data: bytes) -> int:
    return draft.random.randint(len(data) // 4, len(data) - 2)


def _line(draft: Draft, data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Change the header line of a csv file in UTF-8."""
    header, rest = data.split(b"\n", 1)
    return change(header) + b"\n" + rest


def _flipped(draft: Draft, data: bytes) -> bytes:
    changed = bytearray(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        part = archive.getinfo(SHEET)
    changed[part.header_offset + 60 + draft.random.randrange(part.compress_size - 30)] ^= 1 << draft.random.randrange(8)
    return bytes(changed)


def _nested(draft: Draft, data: bytes) -> bytes:
    held = io.BytesIO()
    pl.read_parquet(io.BytesIO(data)).with_columns(nested=pl.lit([1])).write_parquet(held)
    return held.getvalue()


_BYTES = {"encoding_unsure", "file_encoding"}
FILES: dict[str, Callable[[Draft], bool]] = {
    "nothing in it": whole("csv xlsx parquet", {"file_empty"}, lambda draft, data: b""),
    "a byte that is no text": whole(
        "csv", _BYTES, lambda draft, data: data[: (at := _at(draft, data))] + b"\x81\xff" + data[at:]
    ),
    "a control character": whole("csv", _BYTES, lambda draft, data: data[: (at := _at(draft, data))] + b"\0" + data[at:]),
    "a field too many": whole("csv", {"csv_rows"}, lambda draft, data: data.rstrip() + b"," * 20 + b"x\n"),
    "a quotation mark that never ends": whole("csv", {"csv_rows"}, lambda draft, data: data.rstrip() + b'\n"x,y\n'),
    "a header twice": whole(
        "csv", {"header_twice"}, lambda draft, data: _line(draft, data, lambda header: header.replace(b"verdict", b"unit"))
    ),
    "a column missing": whole(
        "csv", {"columns_missing"}, lambda draft, data: _line(draft, data, lambda header: header.replace(b"value", b"weight"))
    ),
    "cut off": whole(
        "xlsx parquet",
        {"xlsx_unreadable", "parquet_unreadable"},
        lambda draft, data: data[: draft.random.randrange(1, len(data) - 1)],
    ),
    "a bit of the sheet flipped": whole("xlsx", {"xlsx_unreadable"}, _flipped),
    "macros": whole("xlsx", {"xlsx_macros"}, _parts(lambda parts: parts.update({"xl/vbaProject.bin": b"x"}))),
    "a document type": whole("xlsx", {"xlsx_entities"}, _in_sheet(b"<worksheet", b'<!DOCTYPE a SYSTEM "http://x"><worksheet')),
    "a corner cell": whole(
        "xlsx",
        {"xlsx_corner"},
        _in_sheet(b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'),
    ),
    "a formula never computed": whole(
        "xlsx", {"xlsx_formula"}, _in_sheet(b"</sheetData>", b'<row r="99"><c r="A99"><f>A1</f></c></row></sheetData>')
    ),
    "a bomb": whole("xlsx", {"xlsx_bomb"}, _in_sheet(b"</sheetData>", b" " * 20_000_000 + b"</sheetData>")),
    "lists in a column": whole("parquet", {"parquet_column"}, _nested),
}
FILES |= {"a sheet by another name": whole("xlsx", {"xlsx_unreadable"}, _parts(lambda parts: parts.pop(SHEET)))}


def _stale(draft: Draft) -> bool:
    if draft.kind != "xlsx" or draft.finish:
        return False
    draft.finish.append(
        _parts(lambda parts: parts.update({SHEET: parts[SHEET].replace(b'<dimension ref="', b'<dimension ref="A1:B2" x="', 1)}))
    )
    return True


def _sheets(draft: Draft) -> bool:
    draft.extra_sheet = draft.kind == "xlsx"
    return draft.extra_sheet


def _numbers(draft: Draft) -> bool:
    draft.numbers = draft.kind == "xlsx"
    return draft.numbers


HARMLESS |= {"a stale dimension": _stale, "a sheet of notes": _sheets, "numbers as numbers": _numbers}
KINDS = {**ROWS, **HARMLESS, **FILES}
_PLAIN_CSV = {"semicolons", "tabs", "GB 18030", "UTF-16", "a byte order mark", "Chinese headers"}


def spoiled(seed: int) -> tuple[Draft, bytes]:
    """The delivery of a seed: what was done to it, and the file."""
    random = Random(seed)
    draft = sound(random, random.choice(["csv", "csv", "xlsx", "parquet"]))
    for _ in range(random.randint(1, 3)):
        name = random.choice([*ROWS, *ROWS, *HARMLESS, *FILES])
        if (name in FILES and _PLAIN_CSV & set(draft.applied)) or (name in _PLAIN_CSV and draft.whole):
            continue
        if name not in draft.applied and KINDS[name](draft):
            draft.applied.append(name)
    data = written(draft)
    for change in draft.finish:
        data = change(draft, data)
    return draft, data


def written(draft: Draft) -> bytes:
    """The file of a draft in its kind."""
    fields, headers = list(draft.names), list(draft.names.values())
    cells = [[(row or {}).get(name, "") for name in fields] for row in draft.rows]
    if draft.kind == "csv":
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=draft.separator, lineterminator=draft.line_end).writerows([headers, *cells])
        return text.getvalue().encode(draft.encoding)
    held = io.BytesIO()
    if draft.kind == "parquet":
        pl.DataFrame(cells, schema=dict.fromkeys(headers, pl.String), orient="row").write_parquet(held)
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
    return held.getvalue()
