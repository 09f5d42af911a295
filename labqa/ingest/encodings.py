"""The encoding of delivered text, which is detected or asked for; read piece by piece, so that no file need fit in memory."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain
from typing import IO

import polars as pl

from labqa.core.errors import DeliveryError, UsageError
from labqa.core.pieces import Spill
from labqa.core.wording.catalogue import sentences
from labqa.ingest import csv_faults

UTF8 = "utf-8"
_PIECE = 1 << 20
"""Bytes of text that are looked at at once: of so few the memory is used again for the next, and larger ones get pages of their
own each time."""
_PRIVATE_USE = re.compile("[\ue000-\uf8ff]")  # to what GB18030 maps bytes that are no text
_MARKED = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_OF_TWO_ORDERS = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}
"""Encodings whose bytes come in two orders, which a mark tells, and what is meant where it is missing: the order of Windows."""
_MARKS_OF_ORDER = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)  # UTF-32 LE begins as UTF-16 LE
_COMMON = 0.9
"""Share of the characters beyond ASCII that stand in GB 2312: of Chinese text read as GB 18030 hardly any does not, of Big5
text so read half do not."""
_FAMILIAR, _FAMILIAR_IN_HEADER = 0.25, 0.5
"""Share of the characters beyond ASCII that stand in LabQA's own Chinese sentences, of which a third to all of Chinese text of
this field does; of EUC-KR and EUC-JP text read as GB 18030, all of which stands in GB 2312, a seventh at the most."""


def lines(opened: IO[bytes], size: int = _PIECE) -> Iterator[bytes]:
    """The rest of a file in pieces that end where a line does, the last where the file does."""
    begin = opened.tell()
    while piece := _to_the_end_of_a_line(opened, begin, size):
        begin += len(piece)
        yield piece


def _to_the_end_of_a_line(opened: IO[bytes], begin: int, size: int) -> bytes:
    """So many bytes from there on and the rest of their last line, read at once: joining the two would copy them."""
    opened.seek(begin + size)
    opened.readline()
    end = opened.tell()
    opened.seek(begin)
    return opened.read(end - begin)


def as_utf8(name: str, delivered: IO[bytes], encoding: str | None, spill: Spill) -> tuple[IO[bytes], str]:
    """A file as one of UTF-8, at its beginning, decoded strictly, and its encoding: the one asked for, else what a byte order
    mark, UTF-8 or GB 18030 prove."""
    beginning = delivered.read(max(map(len, _MARKED)))
    delivered.seek(0)
    asked = encoding or next((found for mark, found in _MARKED.items() if beginning.startswith(mark)), None)
    if asked:
        return _strictly(name, delivered, asked, spill)
    if _is_utf8(name, delivered):
        delivered.seek(0)
        return delivered, UTF8
    delivered.seek(0)
    evidence = _Evidence()
    try:
        made = _decoded(delivered, codecs.getincrementaldecoder("gb18030")(), spill, evidence.add)
    except UnicodeDecodeError as cause:
        raise DeliveryError("ingest.encoding_unsure", file=name) from cause
    if not evidence.reads_as_chinese():
        raise DeliveryError("ingest.encoding_unsure", file=name)
    return made, "gb18030"


def _is_utf8(name: str, delivered: IO[bytes]) -> bool:
    """Whether the bytes are UTF-8; DeliveryError if they are but for a last character that was cut off."""
    pieces = lines(delivered)
    for piece in pieces:
        try:
            pl.Series([piece], dtype=pl.Binary).cast(pl.String)  # checks ten times as fast as bytes.decode
        except pl.exceptions.PolarsError:
            if next(pieces, None) is None:
                delivered.seek(0)
                csv_faults.check_last_character(name, lines(delivered))
            return False
    return True


def _strictly(name: str, delivered: IO[bytes], encoding: str, spill: Spill) -> tuple[IO[bytes], str]:
    try:
        io.TextIOWrapper(io.BytesIO(), encoding)  # LookupError if it is none of text, as zlib
        found = codecs.lookup(encoding).name
        decoder = codecs.getincrementaldecoder(_with_order(found, delivered))
        return _decoded(delivered, decoder("strict"), spill), found
    except LookupError as cause:
        raise UsageError("ingest.encoding_unknown", found=encoding) from cause
    except ValueError as cause:
        raise DeliveryError("ingest.file_encoding", file=name, expected=encoding) from cause


def _with_order(encoding: str, delivered: IO[bytes]) -> str:
    """The encoding of a file at its beginning, its order of bytes with it where no mark tells."""
    beginning = delivered.read(max(map(len, _MARKS_OF_ORDER)))
    delivered.seek(0)
    return encoding if beginning.startswith(_MARKS_OF_ORDER) else _OF_TWO_ORDERS.get(encoding, encoding)


def _decoded(
    delivered: IO[bytes],
    decoder: codecs.IncrementalDecoder,
    spill: Spill,
    seen: Callable[[str], None] = lambda _text: None,
) -> IO[bytes]:
    """The text of a file in UTF-8, without a byte order mark."""
    made = spill.file()
    for piece in chain(iter(lambda: delivered.read(_PIECE), b""), [b""]):
        text = decoder.decode(piece, final=not piece)
        if not made.tell():
            text = text.removeprefix("\ufeff")
        seen(text)
        with spill.writing():
            made.write(text.encode())
            made.flush()
    made.seek(0)
    return made


class _Evidence:
    """What the characters of a text that is no UTF-8 say for GB 18030."""

    def __init__(self) -> None:
        self._header, self._begun = "", False
        self._beyond = self._common = self._familiar = 0
        self._is_private = False

    def add(self, text: str) -> None:
        """Take in the next part of the text."""
        if not self._begun:
            self._header = (self._header + text).lstrip()
            self._begun = "\n" in self._header
            self._header = self._header.partition("\n")[0]
        beyond = _beyond_ascii(text)
        self._beyond += len(beyond)
        self._common += len(beyond.encode("gb2312", "ignore").decode("gb2312"))
        self._familiar += _familiar(beyond)
        self._is_private = self._is_private or _PRIVATE_USE.search(beyond) is not None

    def reads_as_chinese(self) -> bool:
        """Whether it was meant as GB 18030: nearly all of its characters beyond ASCII are those of GB 2312, and those of its
        header or of all of it are familiar."""
        if self._common < _COMMON * self._beyond or self._is_private:
            return False
        header = _beyond_ascii(self._header)
        return _familiar(header) > _FAMILIAR_IN_HEADER * len(header) or self._familiar >= _FAMILIAR * self._beyond


def _beyond_ascii(text: str) -> str:
    return re.sub("[\0-\x7f]+", "", text)


def _familiar(text: str) -> int:
    """How many characters stand in our own Chinese sentences."""
    return len(text) - len(text.translate(_own_characters()))


@cache
def _own_characters() -> dict[int, None]:
    """The ideographs of our own Chinese sentences, each to be deleted."""
    return dict.fromkeys(ord(one) for one in "".join(sentences("zh").values()) if "\u4e00" <= one <= "\u9fff")
