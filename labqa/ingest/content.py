"""What a file is by its first bytes, where that is not what its name says."""

from __future__ import annotations

from labqa.core.errors import DeliveryError

_ZIP, _OLD_OFFICE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_WORKBOOK_PART = b"xl/workbook.xml"
_TEXT, _BOOKS = (".csv", ".txt", ".tsv"), (".xlsx", ".xls", ".xlsm")
_CONTROL = bytes(code for code in range(0x20) if chr(code) not in "\t\r\n")
_BEGINNING = 4096


def check(name: str, suffix: str, data: bytes) -> None:
    """DeliveryError if a workbook has the name of a text, or a text that of a workbook; it says how the file is to be named."""
    if data.startswith(_ZIP) and _WORKBOOK_PART in data and suffix in {*_TEXT, ".xls"}:
        raise DeliveryError("ingest.content_workbook", file=name)
    if data.startswith(_OLD_OFFICE) and suffix in _TEXT:
        raise DeliveryError("ingest.xlsx_old", file=name)
    beginning = data[:_BEGINNING]
    if suffix in _BOOKS and not data.startswith(b"PK") and len(beginning.translate(None, _CONTROL)) == len(beginning):
        raise DeliveryError("ingest.content_text", file=name)
