"""Workbooks as nobody should send them, made part by part with the standard library."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping

_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def rows_xml(rows: list[list[str]]) -> str:
    """Rows of text cells."""
    made = []
    for number, row in enumerate(rows, start=1):
        cells = [
            f'<c r="{chr(65 + place)}{number}" t="inlineStr"><is><t>{text}</t></is></c>'
            for place, text in enumerate(row)
            if text
        ]
        made.append(f'<row r="{number}">{"".join(cells)}</row>')
    return "".join(made)


def parts(data: str, *, dimension: str = "", book: str = "", prolog: str = "", styles: str = "") -> dict[str, bytes]:
    """The parts of a workbook with one sheet whose `<sheetData>` is `data`."""
    types = f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>'
    said = {
        "[Content_Types].xml": _HEAD + types,
        "_rels/.rels": f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{_LINKS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_LINKS}">{book}<sheets><sheet name="结果" sheetId="1" '
        'r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{_LINKS}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'{_HEAD}{prolog}<worksheet xmlns="{_MAIN}">'
        f"{f'<dimension ref={dimension!r}/>' if dimension else ''}<sheetData>{data}</sheetData></worksheet>",
    }
    if styles:
        said["xl/styles.xml"] = f'{_HEAD}<styleSheet xmlns="{_MAIN}">{styles}</styleSheet>'
    return {name: text.encode() for name, text in said.items()}


def two_sheets(data: str, name: str) -> dict[str, bytes]:
    """The parts of a workbook with a second sheet of that name and the same `<sheetData>`."""
    said = parts(data)
    book, links, first, second = (
        "xl/workbook.xml",
        "xl/_rels/workbook.xml.rels",
        "worksheets/sheet1.xml",
        "worksheets/sheet2.xml",
    )
    link = f'<Relationship Id="rId2" Type="{_LINKS}/worksheet" Target="{second}"/></Relationships>'
    sheet = f'<sheet name="{name}" sheetId="2" r:id="rId2"/></sheets>'
    return said | {
        book: said[book].replace(b"</sheets>", sheet.encode()),
        links: said[links].replace(b"</Relationships>", link.encode()),
        f"xl/{second}": said[f"xl/{first}"],
    }


def packed(said: Mapping[str, bytes]) -> bytes:
    """The parts as an archive."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in said.items():
            archive.writestr(name, content)
    return held.getvalue()


def understating(data: bytes, name: str, size: int) -> bytes:
    """The archive with another unpacked size stated for a part, in its own header and in the directory."""
    changed = bytearray(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        local = archive.getinfo(name).header_offset
    struct.pack_into("<I", changed, local + 22, size)
    at = data.rfind(name.encode()) - 46
    struct.pack_into("<I", changed, at + 24, size)
    return bytes(changed)
