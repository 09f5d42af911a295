"""What an xlsx archive says of itself, checked before anything in it is believed: names, sizes, macros, document types.

Runs in the confined reader; standard library only. `Refused` carries the key of a sentence and its values.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Mapping
from xml.etree import ElementTree

MOST_PARTS = 2_000
MOST_BYTES = 1 << 30
"""Bytes that all parts together may unpack to: a sheet of a million rows has about half as many."""
MOST_RATIO, FREE_BYTES = 200, 8 << 20
"""Parts above `FREE_BYTES` that unpack to more than so many times their size are bombs: tables compress 10 to 60 times."""
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_DOCUMENT_TYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_STRICT = "{http://purl.oclc.org/ooxml/spreadsheetml/main}"
_BOOK = "xl/workbook.xml"
_XML, _SHEETS = (".xml", ".rels"), "xl/worksheets/"
_PERCENT = {"9": "0%", "10": "0.00%"}
"""Formats that need no code (ECMA-376 part 1, 18.8.30), of those that matter here."""


class Refused(Exception):
    """The file is refused as a whole: key of the sentence, and the values that it names beside the file's own name."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.key, self.values = key, values


class Archive:
    """An xlsx file whose numbers were checked; parts are read whole, with their sizes and checksums compared."""

    def __init__(self, data: bytes) -> None:
        """Check the directory of the archive; Refused says what is wrong with it."""
        if data.startswith(_OLD_OFFICE):
            raise Refused("ingest.xlsx_old")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, OSError) as cause:
            raise Refused("ingest.xlsx_unreadable", found=str(cause)) from cause
        self._parts = {part.filename: part for part in self._zip.infolist()}
        self._last = ("", b"")  # a sheet is asked for twice, and takes long to unpack
        if _BOOK not in self._parts:
            raise Refused("ingest.content_archive")
        self._check_numbers()
        for name in self._parts:
            if name.lower().endswith("vbaproject.bin"):
                raise Refused("ingest.xlsx_macros", part=name)
            if name.endswith(_XML) and not name.startswith(_SHEETS):  # they are large, and read anyway
                self.part(name)

    def _check_numbers(self) -> None:
        parts = self._zip.infolist()
        if len(parts) > MOST_PARTS or len(parts) != len(self._parts):
            raise Refused("ingest.xlsx_parts", found=len(parts), expected=MOST_PARTS)
        if sum(part.file_size for part in parts) > MOST_BYTES:
            total = sum(part.file_size for part in parts)
            raise Refused("ingest.xlsx_bomb", part="", found=_mega(total), expected=_mega(MOST_BYTES))
        for part in parts:
            if part.file_size > max(FREE_BYTES, MOST_RATIO * part.compress_size):
                expected = _mega(max(FREE_BYTES, MOST_RATIO * part.compress_size))
                raise Refused("ingest.xlsx_bomb", part=part.filename, found=_mega(part.file_size), expected=expected)
            if part.flag_bits & 1:
                raise Refused("ingest.xlsx_old")

    def _check_document_type(self, name: str, content: bytes) -> None:
        if b"\0" in content[:64]:  # UTF-16 would hide what follows
            raise Refused("ingest.xlsx_unreadable", found=f"{name}: UTF-16")
        if b"!" in content and b"<!" in content and _DOCUMENT_TYPE.search(content):
            raise Refused("ingest.xlsx_entities", part=name)

    def part(self, name: str) -> bytes:
        """A part, unpacked to no more than its stated size; Refused if that or its checksum is not true, or if it is XML that
        declares a type of document."""
        if name == self._last[0]:
            return self._last[1]
        if name not in self._parts:
            raise Refused("ingest.xlsx_unreadable", found=f"{name}: —")
        try:
            content = self._zip.read(name)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as cause:
            raise Refused("ingest.xlsx_unreadable", found=str(cause) or name) from cause
        if len(content) != self._parts[name].file_size:
            raise Refused("ingest.xlsx_unreadable", found=f"{name}: {len(content)} ≠ {self._parts[name].file_size}")
        if name.endswith(_XML):
            self._check_document_type(name, content)
        self._last = (name, content)
        return content

    def workbook(self) -> tuple[Mapping[str, str], bool, bool]:
        """Sheet → its part; whether serial dates count from 1904; whether formulas wait to be computed on opening."""
        book = self._parsed(_BOOK)
        links = [link for link in self._parsed("xl/_rels/workbook.xml.rels") if link.get("Type", "").endswith("/worksheet")]
        names = {link.get("Id"): link.get("Target", "") for link in links}
        sheets = {}
        for sheet in _all(book, "sheet"):
            target = names.get(next((value for key, value in sheet.attrib.items() if key.endswith("}id")), ""))
            if target is None:
                continue  # a chart is no table
            if not target.endswith(".xml") or sheet.get("name", "") in sheets:
                raise Refused("ingest.xlsx_unreadable", found=f"{sheet.get('name', '')}: {target}")
            sheets[sheet.get("name", "")] = target[1:] if target.startswith("/") else f"xl/{target}"
        for name in self._parts:
            if name.startswith(_SHEETS) and name not in sheets.values():
                self.part(name)
        dates = any(told.get("date1904") in {"1", "true"} for told in _all(book, "workbookPr"))
        waiting = any(told.get("fullCalcOnLoad") in {"1", "true"} for told in _all(book, "calcPr"))
        return sheets, dates, waiting

    def hidden_sheets(self) -> list[str]:
        """Names of the sheets that a spreadsheet program does not show."""
        return [sheet.get("name", "") for sheet in _all(self._parsed(_BOOK), "sheet") if "idden" in sheet.get("state", "")]

    def formats(self) -> dict[str, str]:
        """Number of each cell style → its number format, where that is one of the workbook's own or a percentage."""
        if "xl/styles.xml" not in self._parts:
            return {}
        styles = self._parsed("xl/styles.xml")
        own = {one.get("numFmtId", ""): one.get("formatCode", "") for one in _all(styles, "numFmt")}
        known = _PERCENT | own
        codes = [known.get(one.get("numFmtId", "")) for cells in _all(styles, "cellXfs") for one in cells]
        return {str(place): code for place, code in enumerate(codes) if code}

    def _parsed(self, name: str) -> ElementTree.Element:
        try:
            return ElementTree.fromstring(self.part(name))
        except ElementTree.ParseError as cause:
            raise Refused("ingest.xlsx_unreadable", found=f"{name}: {cause}") from cause


def _all(root: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [*root.iter(_MAIN + name), *root.iter(_STRICT + name)]


def _mega(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
