"""Kinds of spoiling of whole files, each with the sentences of which one must be told, and forms of files that do no harm."""

from __future__ import annotations

import gzip
import io
import warnings
import zipfile
from collections.abc import Callable
from typing import Any

import polars as pl
from fuzz_drafts import Draft


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
    "a control character": whole(
        "csv", _BYTES | {"csv_control"}, lambda draft, data: data[: (at := _at(draft, data))] + b"\0" + data[at:]
    ),
    "a field too many": whole("csv", {"csv_rows"}, lambda draft, data: data.rstrip() + b"," * 20 + b"x\n"),
    "a quotation mark that never ends": whole("csv", {"csv_quote"}, lambda draft, data: data.rstrip() + b'\n"x,y\n'),
    "a header twice": whole(
        "csv", {"header_twice"}, lambda draft, data: _line(draft, data, lambda header: header.replace(b"verdict", b"unit"))
    ),
    "a column missing": whole(
        "csv", {"columns_missing"}, lambda draft, data: _line(draft, data, lambda header: header.replace(b"value", b"weight"))
    ),
    "cut off": whole(
        "xlsx parquet",
        {"xlsx_unreadable", "parquet_unreadable", "content_text", "content_parquet"},
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
_QUOTES = {"csv_quote", "csv_rows"}


def _quoted(draft: Draft, data: bytes) -> bytes:
    """A quotation mark within a value."""
    lines = data.split(b"\n")
    place = draft.random.randrange(1, len(lines) - 1)
    lines[place] = lines[place].replace(b",", b'x",', 1) if b"," in lines[place] else lines[place] + b'x"'
    return b"\n".join(lines)


def _swallowed(draft: Draft, data: bytes) -> bytes:
    """A quotation mark that pairs off with one of a later row."""
    begin, first, second, *rest = data.split(b"\n")
    return b"\n".join([begin, b'"' + first, second.replace(b",", b'",', 1), *rest])


def _cut(draft: Draft, data: bytes) -> bytes:
    """Cut off within a line that holds no quotation mark."""
    lines = data.rstrip(b"\n").split(b"\n")
    whole_lines = next(
        number for number in range(len(lines) - 1, -1, -1) if b'"' not in lines[number] and lines[number].count(b",") > 9
    )
    last = lines[whole_lines]
    return b"\n".join([*lines[:whole_lines], last[: draft.random.randrange(3, last.rfind(b","))]])


def _twice_in_archive(_: Draft, data: bytes) -> bytes:
    held = io.BytesIO(data)
    with warnings.catch_warnings(), zipfile.ZipFile(held, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr(SHEET, b"<worksheet/>")
    return held.getvalue()


def _columns(**added: Any) -> Callable[[Draft, bytes], bytes]:
    """A parquet file with columns added or changed."""

    def changed(draft: Draft, data: bytes) -> bytes:
        said = {draft.names.get(name, name): value for name, value in added.items()}
        return _parquet(pl.read_parquet(io.BytesIO(data)).with_columns(**said))

    return changed


def _parquet(frame: pl.DataFrame) -> bytes:
    held = io.BytesIO()
    frame.write_parquet(held)
    return held.getvalue()


def _frame(change: Callable[[Draft, pl.DataFrame], pl.DataFrame]) -> Callable[[Draft, bytes], bytes]:
    return lambda draft, data: _parquet(change(draft, pl.read_parquet(io.BytesIO(data))))


def _packed(_: Draft, data: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("delivery", data)
    return held.getvalue()


_BOOK = "xl/workbook.xml"
_SAME_NAME = '<sheet name="结果" sheetId="9" r:id="rId1"/></sheets>'.encode()
_LOST_STRING = b'<row r="99"><c r="A99" t="s"><v>99999</v></c></row></sheetData>'
FILES |= {
    "a sheet by another name": whole("xlsx", {"xlsx_unreadable"}, _parts(lambda parts: parts.pop(SHEET))),
    "an archive": whole("csv xlsx parquet", {"content_archive"}, _packed),
    "gzip": whole("csv xlsx parquet", {"content_archive"}, lambda _, data: gzip.compress(data)),
    "an old workbook": whole("csv xlsx parquet", {"xlsx_old"}, lambda _, data: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + data),
    "plain text": whole("xlsx parquet", {"content_text"}, lambda _, data: b"round,sample\n2018-1,S1\n"),
    "parquet": whole("csv xlsx", {"content_parquet"}, lambda _, data: _parquet(pl.DataFrame({"value": ["1"]}))),
    "a web page": whole("csv", {"content_markup"}, lambda _, data: b"<html><table>" + data),
    "JSON": whole("csv", {"content_markup"}, lambda _, data: b'[{"value": "1"}]'),
    "a quotation mark within a value": whole("csv", _QUOTES, _quoted),
    "rows within quotation marks": whole("csv", _QUOTES, _swallowed),
    "cut off within a line": whole("csv", {"csv_cut"}, _cut),
    "UTF-16 without a mark": whole("csv", _BYTES, lambda _, data: data.decode().encode("utf-16-le")),
    "full-width commas": whole("csv", {"csv_one_column"}, lambda _, data: data.replace(b",", "，".encode())),
    "a title above": whole("csv", {"csv_rows"}, lambda _, data: b"2018\n" + data),
    "too many columns": whole(
        "csv", {"too_many_columns"}, lambda draft, data: _line(draft, data, lambda header: header + b"," * 2_000)
    ),
    "a part twice": whole("xlsx", {"xlsx_parts"}, _twice_in_archive),
    "two sheets of one name": whole(
        "xlsx", {"xlsx_unreadable"}, _parts(lambda parts: parts.update({_BOOK: parts[_BOOK].replace(b"</sheets>", _SAME_NAME)}))
    ),
    "cells merged the wrong way round": whole(
        "xlsx",
        {"xlsx_unreadable"},
        _in_sheet(b"</sheetData>", b'</sheetData><mergeCells><mergeCell ref="C5:A2"/></mergeCells>'),
    ),
    "a text that is not there": whole("xlsx", {"xlsx_unreadable"}, _in_sheet(b"</sheetData>", _LOST_STRING)),
    "bytes in a column": whole("parquet", {"parquet_column"}, _columns(value=pl.lit(b"1"))),
    "a struct in a column": whole("parquet", {"parquet_column"}, _columns(value=pl.struct(a=pl.lit(1)))),
    "durations in a column": whole("parquet", {"parquet_column"}, _columns(value=pl.duration(hours=3))),
    "lists of lists": whole("parquet", {"parquet_column"}, _columns(value=pl.lit([[1]]))),
    "a column without a name": whole("parquet", {"header_missing"}, _columns(**{" ": pl.lit("x")})),
    "a name that nobody can give": whole("parquet", {"header_missing"}, _columns(**{"\0row": pl.lit(1)})),
    "a column twice, in another case": whole("parquet", {"columns_ambiguous"}, _columns(Value=pl.lit("1"))),
    "no laboratory": whole("parquet", {"columns_missing"}, _frame(lambda draft, frame: frame.drop(draft.names["lab"]))),
    "no rows": whole("parquet", {"file_empty"}, _frame(lambda _, frame: frame.clear())),
    "no columns": whole("parquet", {"file_empty"}, _frame(lambda _, frame: frame.select([]))),
    "columns beyond any table": whole(
        "parquet", {"too_many_columns"}, _columns(**{f"c{number}": pl.lit("") for number in range(2_000)})
    ),
    "a wrong length of the end": whole("parquet", {"parquet_unreadable"}, lambda _, data: data[:-8] + b"\xff\xff\xff\x7fPAR1"),
}


def _shown_otherwise(rule: str, touch: Callable[[Draft, Any, Any], object]) -> Callable[[Draft], bool]:
    """A workbook that is refused for what it does not show."""

    def spoil(draft: Draft) -> bool:
        if draft.kind != "xlsx" or draft.finish or draft.whole:
            return False
        draft.touches.append(touch)
        draft.finish.append(lambda _, data: data)  # no other kind spoils the file too
        draft.whole = {rule}
        return True

    return spoil


def _hidden(_: Draft, book: Any, page: Any) -> None:
    book.add_worksheet("cover").activate()
    book.get_worksheet_by_name("cover").set_first_sheet()
    page.hide()


def _hidden_column(draft: Draft, _: Any, page: Any) -> None:
    column = draft.column(draft.random.choice(["value", "sample", "unit"]))
    page.set_column(column, column, None, None, {"hidden": True})


def _again(draft: Draft, book: Any, _: Any) -> None:
    second = book.add_worksheet("二")
    row = next(row for row in draft.rows if row)
    second.write_row(0, 0, draft.names.values())
    second.write_row(1, 0, [row.get(name, "") or "-" for name in draft.names])


FILES |= {
    "a hidden sheet": _shown_otherwise("xlsx_hidden_sheet", _hidden),
    "a hidden column": _shown_otherwise("xlsx_hidden_column", _hidden_column),
    "results on two sheets": _shown_otherwise("sheets_several", _again),
}


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


FORMS: dict[str, Callable[[Draft], bool]] = {
    "a stale dimension": _stale,
    "a sheet of notes": _sheets,
    "numbers as numbers": _numbers,
}


def _parquet_form(**form: Any) -> Callable[[Draft], bool]:
    def spoil(draft: Draft) -> bool:
        if draft.kind == "parquet":
            draft.form |= form
        return draft.kind == "parquet"

    return spoil


def _rewritten(change: Callable[[Draft, pl.DataFrame], pl.DataFrame]) -> Callable[[Draft], bool]:
    """Parquet that says the same in another way."""

    def spoil(draft: Draft) -> bool:
        if draft.kind != "parquet" or draft.finish:
            return False
        draft.finish.append(_frame(change))
        return True

    return spoil


FORMS |= {
    **{f"parquet by {name}": _parquet_form(compression=name) for name in ("snappy", "gzip", "lz4", "uncompressed", "brotli")},
    "parquet in groups of rows": _parquet_form(row_group_size=2),
    "parquet without statistics": _parquet_form(statistics=False),
    "nothing for empty texts": _rewritten(lambda _, frame: frame.with_columns(pl.all().replace("", None))),
    "categories": _rewritten(lambda _, frame: frame.cast(dict.fromkeys(frame.columns[:3], pl.Categorical))),
    "spaces around a name": _rewritten(lambda draft, frame: frame.rename({draft.names["value"]: f" {draft.names['value']} "})),
}
