"""Files of delimited text: their encoding, which is detected or asked for, and their cells."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from functools import cache

import numpy as np
import polars as pl

from labqa.core.errors import DeliveryError, UsageError
from labqa.core.wording.catalogue import sentences
from labqa.ingest import csv_faults

MOST_COLUMNS = 2_000
_PIECE = 1 << 18
BLOCK = 100_000
"""Rows that are read at once."""
UTF8 = "utf-8"
_OLD_LINES = re.compile(rb"[^\r\n]*\r(?!\n)")  # as programs of before 2001 end them
_PRIVATE_USE = re.compile("[\ue000-\uf8ff]")  # to what GB18030 maps bytes that are no text
_MARKED = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_COMMON = 0.9
"""Share of the characters beyond ASCII that stand in GB 2312: of Chinese text read as GB 18030 hardly any does not, of Big5
text so read half do not."""
_FAMILIAR, _FAMILIAR_IN_HEADER = 0.25, 0.5
"""Share of the characters beyond ASCII that stand in LabQA's own Chinese sentences, of which a third to all of Chinese text of
this field does; of EUC-KR and EUC-JP text read as GB 18030, all of which stands in GB 2312, a seventh at the most."""


def cells(name: str, data: bytes, encoding: str | None = None) -> tuple[Iterator[pl.DataFrame], str]:
    """Cells of a file, the header among them, a block of rows after the other, and the encoding in which it was read;
    DeliveryError if it cannot be, also from a later block."""
    utf8, found = _as_utf8(name, data, encoding)
    if _has_control_characters(utf8):
        csv_faults.check_characters(name, utf8, found)
    if not utf8 or utf8.isspace():
        raise DeliveryError("ingest.file_empty", file=name)
    if _OLD_LINES.match(utf8) and b"\r\n" not in utf8:
        utf8 = utf8.replace(b"\r", b"\n")
    begin = re.search(rb"[^\r\n]", utf8).start()  # type: ignore[union-attr]
    end = utf8.find(b"\n", begin)
    header = utf8[begin : end if end >= 0 else None].decode()
    separator = max(",;\t|", key=header.count)
    if header.count(separator) >= MOST_COLUMNS:
        raise DeliveryError("ingest.too_many_columns", file=name, found=header.count(separator) + 1, expected=MOST_COLUMNS)
    csv_faults.check_last_line(name, utf8, separator, header.count(separator) + 1)
    if blank := utf8.count(b"\n", 0, begin):  # the reader takes as many fields as the first row has
        utf8 = f"{separator * header.count(separator)}\n".encode() * blank + utf8[begin:]
    return _blocks(name, utf8, separator), found


def _blocks(name: str, utf8: bytes, separator: str) -> Iterator[pl.DataFrame]:
    scanned = pl.scan_csv(io.BytesIO(utf8), separator=separator, has_header=False, infer_schema=False)
    begin, quotes = 0, b'"' in utf8
    try:
        for read in scanned.collect_batches(chunk_size=BLOCK, maintain_order=True):
            if quotes:
                csv_faults.check_values(name, read, separator, after=begin)
            begin += read.height
            yield read
    except (pl.exceptions.PolarsError, OSError) as cause:
        key, where = csv_faults.ragged(utf8.decode(), separator)
        raise DeliveryError(key, file=name, **where) from cause


def _has_control_characters(utf8: bytes) -> bool:
    """Whether there are any but tabs and the ends of lines."""
    letters = np.frombuffer(utf8, np.uint8)
    pieces = (letters[begin : begin + _PIECE] for begin in range(0, letters.size, _PIECE))
    return any(np.count_nonzero(piece < 0x20) > sum(np.count_nonzero(piece == one) for one in b"\t\r\n") for piece in pieces)


def _as_utf8(name: str, data: bytes, encoding: str | None) -> tuple[bytes, str]:
    """The bytes in UTF-8, decoded strictly, and their encoding: the one asked for, else what a byte order mark, UTF-8 or
    GB 18030 prove."""
    asked = encoding or next((found for mark, found in _MARKED.items() if data.startswith(mark)), None)
    if asked:
        return _strictly(name, data, asked)
    try:
        pl.Series([data], dtype=pl.Binary).cast(pl.String)  # checks ten times as fast as bytes.decode
        return data, UTF8
    except pl.exceptions.PolarsError:
        csv_faults.check_last_character(name, data)
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
    """Whether text that is no UTF-8 was meant as GB 18030: nearly all of its characters beyond ASCII are those of GB 2312, and
    those of its header or of all of it are familiar."""
    beyond = _beyond_ascii(text)
    common = len(beyond.encode("gb2312", "ignore").decode("gb2312"))
    if common < _COMMON * len(beyond) or _PRIVATE_USE.search(beyond):
        return False
    header = _beyond_ascii(text.lstrip().partition("\n")[0])
    return _familiar(header) > _FAMILIAR_IN_HEADER * len(header) or _familiar(beyond) >= _FAMILIAR * len(beyond)


def _beyond_ascii(text: str) -> str:
    return re.sub("[\0-\x7f]+", "", text)


def _familiar(text: str) -> int:
    """How many characters stand in our own Chinese sentences."""
    return len(text) - len(text.translate(_own_characters()))


@cache
def _own_characters() -> dict[int, None]:
    """The ideographs of our own Chinese sentences, each to be deleted."""
    return dict.fromkeys(ord(one) for one in "".join(sentences("zh").values()) if "\u4e00" <= one <= "\u9fff")
