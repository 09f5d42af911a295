"""What a file is by its first bytes, where that is not what its name says."""

from __future__ import annotations

import re
from typing import IO

from labqa.core.errors import DeliveryError

_ZIP, _OLD_OFFICE, _PARQUET = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1"
_PACKED = (b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf\x27\x1c", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
"""gzip, RAR, 7z, bzip2, xz, zstd."""
_WORKBOOK_PART = b"xl/workbook.xml"
TEXT, _ZIPPED, _TABLE = (".csv", ".txt", ".tsv"), (".xlsx", ".xlsm"), ".parquet"
_BOOKS = (*_ZIPPED, ".xls")
_CONTROL = bytes(code for code in range(0x20) if chr(code) not in "\t\r\n")
_MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<(?:!DOCTYPE|\?xml|html|table|meta)|[\[{]\s*[\[{\"])", re.IGNORECASE)
"""How a web page, another XML text or JSON begins, and no header of a table."""
_LOCK = "~$"
BEGINNING = 4096
"""Bytes by which a file is known, unless it is a zip file."""


def of(suffix: str, opened: IO[bytes]) -> bytes:
    """The bytes of a file, opened and not read yet, as far as they must be held at once: of text only its beginning."""
    beginning = opened.read(BEGINNING)
    return beginning if suffix in TEXT and not beginning.startswith(_ZIP) else beginning + opened.read()


def check(name: str, suffix: str, data: bytes) -> None:
    """DeliveryError if a file is of another kind than its name says; it says how the file is to be named, or what it is."""
    beginning = data[:BEGINNING]
    if name.startswith(_LOCK) and len(data) < BEGINNING:
        raise DeliveryError("ingest.content_lock", file=name)
    if data.startswith(_ZIP) and suffix not in _ZIPPED:
        _zipped(name, suffix, data)
    if data.startswith(_PACKED):
        raise DeliveryError("ingest.content_archive", file=name)
    if data.startswith(_OLD_OFFICE) and suffix in {*TEXT, _TABLE}:
        raise DeliveryError("ingest.xlsx_old", file=name)
    if data.startswith(_PARQUET) and suffix in {*TEXT, *_BOOKS}:
        raise DeliveryError("ingest.content_parquet", file=name)
    if suffix in TEXT and _MARKUP.match(beginning):
        raise DeliveryError("ingest.content_markup", file=name)
    is_text = len(beginning.translate(None, _CONTROL)) == len(beginning)
    if suffix in {*_BOOKS, _TABLE} and is_text and not data.startswith((b"PK", _PARQUET)):
        raise DeliveryError("ingest.content_text", file=name)


def _zipped(name: str, suffix: str, data: bytes) -> None:
    """A zip file that is not named as a workbook with or without macros."""
    if _WORKBOOK_PART not in data:
        raise DeliveryError("ingest.content_archive", file=name)
    if suffix in {*TEXT, *_BOOKS, _TABLE}:
        raise DeliveryError("ingest.content_workbook", file=name)
