"""Files of delimited text: their encoding, which is detected or asked for, and their cells."""

from __future__ import annotations

import codecs
import csv
import io
import re

import polars as pl

from labqa.core.errors import DeliveryError, UsageError

MOST_COLUMNS = 2_000
UTF8 = "utf-8"
_CONTROL = bytes(code for code in range(0x20) if chr(code) not in "\t\r\n")
_PRIVATE_USE = re.compile("[\ue000-\uf8ff]")  # to what GB18030 maps bytes that are no text
_MARKED = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_COMMON = 0.9
"""Share of the characters beyond ASCII that stand in GB 2312: of Chinese text read as GB 18030 hardly any does not, of Big5
text so read half do not."""


def cells(name: str, data: bytes, encoding: str | None = None) -> tuple[pl.DataFrame, str]:
    """Cells of a file, the header among them, and the encoding in which it was read; DeliveryError if it cannot be."""
    utf8, found = _as_utf8(name, data, encoding)
    if len(utf8.translate(None, _CONTROL)) != len(utf8):
        raise DeliveryError("ingest.file_encoding", file=name, expected=found)
    if not utf8 or utf8.isspace():
        raise DeliveryError("ingest.file_empty", file=name)
    begin = re.search(rb"[^\r\n]", utf8).start()  # type: ignore[union-attr]
    end = utf8.find(b"\n", begin)
    header = utf8[begin : end if end >= 0 else None].decode()
    separator = max(",;\t", key=header.count)
    if header.count(separator) >= MOST_COLUMNS:
        raise DeliveryError("ingest.too_many_columns", file=name, found=header.count(separator) + 1, expected=MOST_COLUMNS)
    try:
        return pl.read_csv(io.BytesIO(utf8), separator=separator, has_header=False, infer_schema=False), found
    except (pl.exceptions.PolarsError, OSError) as cause:
        key, where = _first_ragged(utf8.decode(), separator)
        raise DeliveryError(key, file=name, **where) from cause


def _as_utf8(name: str, data: bytes, encoding: str | None) -> tuple[bytes, str]:
    """The bytes in UTF-8, decoded strictly, and their encoding: the one asked for, else what a byte order mark, UTF-8 or
    GB 18030 prove."""
    asked = encoding or next((found for mark, found in _MARKED.items() if data.startswith(mark)), None)
    if asked:
        return _strictly(name, data, asked)
    try:
        data.decode(UTF8)
        return data, UTF8
    except UnicodeDecodeError:
        pass
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError as cause:
        raise DeliveryError("ingest.encoding_unsure", file=name) from cause
    if not _reads_as_chinese(text):
        raise DeliveryError("ingest.encoding_unsure", file=name)
    return text.encode(), "gb18030"


def _strictly(name: str, data: bytes, encoding: str) -> tuple[bytes, str]:
    try:
        found = codecs.lookup(encoding)
        text, _ = found.decode(data, "strict")
    except (LookupError, TypeError) as cause:
        raise UsageError("ingest.encoding_unknown", found=encoding) from cause
    except ValueError as cause:
        raise DeliveryError("ingest.file_encoding", file=name, expected=encoding) from cause
    if not isinstance(text, str):
        raise UsageError("ingest.encoding_unknown", found=encoding)
    return text.removeprefix("\ufeff").encode(), found.name


def _reads_as_chinese(text: str) -> bool:
    """Whether text that is no UTF-8 was meant as GB 18030: nearly all of its characters beyond ASCII are those of GB 2312."""
    beyond = re.sub("[\0-\x7f]+", "", text)
    common = len(beyond.encode("gb2312", "ignore").decode("gb2312"))
    return common >= _COMMON * len(beyond) and not _PRIVATE_USE.search(beyond)


def _first_ragged(text: str, separator: str) -> tuple[str, dict[str, object]]:
    """The first row with more fields than the header, or in which a quotation mark does not pair off: sentence and values."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    expected, number = 0, 0
    try:
        for number, cells in enumerate(rows, start=1):
            expected = expected or len(cells)
            if len(cells) > expected:
                return "ingest.csv_rows", {"row": number, "found": len(cells), "expected": expected}
    except csv.Error:
        number += 1
    return "ingest.csv_quote", {"row": number}
