"""Workbooks made to harm or to mislead: each is refused with its sentence, in bounded memory; and what cells really say."""

from __future__ import annotations

import io
import re
import resource
import zipfile
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter
from hostile import packed, parts, rows_xml, understating

from labqa.core.errors import DeliveryError
from labqa.ingest import confined, sheets
from labqa.ingest.archive import Refused
from labqa.ingest.readers import ROW, read

PLAIN = [["a", "b"], ["1", "x"], ["2", "y"]]
SHEET = "xl/worksheets/sheet1.xml"
STYLES = '<numFmts><numFmt numFmtId="164" formatCode="0.0%"/></numFmts><cellXfs>{}</cellXfs>'.format(
    "".join(f'<xf numFmtId="{number}"/>' for number in (0, 164, 10, 14))
)


def refused(data: bytes, name: str = "a.xlsx") -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        for table in read(Path(name), data):
            table.check()
    for language in ("zh", "en"):
        sentence = caught.value.message.text(language)
        assert name in sentence and "{" not in sentence
    return caught.value


def rule(data: bytes, name: str = "a.xlsx") -> str:
    return refused(data, name).message.key.removeprefix("ingest.")


def with_part(name: str, content: bytes) -> bytes:
    return packed(parts(rows_xml(PLAIN)) | {name: content})


def bomb(size: int) -> bytes:
    """A sheet that unpacks to `size` bytes of blanks."""
    return packed(parts(rows_xml(PLAIN) + " " * size))


def test_the_plain_workbook_reads() -> None:
    (table,) = read(Path("a.xlsx"), packed(parts(rows_xml(PLAIN))))
    assert table.rows.rows() == [(2, "1", "x"), (3, "2", "y")]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (bomb(80_000_000), "xlsx_bomb"),
        (understating(bomb(80_000_000), SHEET, 5_000), "xlsx_unreadable"),
        (packed(parts(rows_xml(PLAIN)) | {f"xl/media/{n}.png": b"" for n in range(2_000)}), "xlsx_parts"),
        (packed(parts('<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')),
         "xlsx_corner"),
        (packed(parts('<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="AT1048576"><v>1</v></c></row>')),
         "xlsx_corner"),
        (packed(parts("<row r = '1'><c r='A1'><v>1</v></c></row><row r='1048576'><c r ='XFD1048576'><v>1</v></c></row>")),
         "xlsx_corner"),
        (packed(parts('<row r="1"><c r="A1"><v>1</v></c><c r="XFD1"><v>1</v></c><c r="B1"><v>1</v></c></row>')), "xlsx_corner"),
        (packed(parts('<row r="1"><c r="XFD1"><v>1</v></c><c r="A1"><v>1</v></c></row>')), "xlsx_corner"),
        (packed(parts(rows_xml(PLAIN), prolog='<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>')), "xlsx_entities"),
        (packed(parts(rows_xml([["a"], ["&e;"]]), prolog='<!DOCTYPE x [<!ENTITY e "1">]>')), "xlsx_entities"),
        (with_part("xl/sharedStrings.xml", b'<!DOCTYPE lolz [<!ENTITY a "ha">]><sst>&a;</sst>'), "xlsx_entities"),
        (with_part("xl/worksheets/hidden.xml", b'<!DOCTYPE x SYSTEM "http://x"><worksheet/>'), "xlsx_entities"),
        (with_part("xl/vbaProject.bin", b"macro"), "xlsx_macros"),
        (packed(parts('<row r="1"><c r="A1" t="str"><v>a</v></c></row><row r="2"><c r="A2"><f>1+1</f></c></row>')),
         "xlsx_formula"),
        (packed(parts('<row r="1"><c r="A1" t="str"><v>a</v></c></row><row r="2"><c r="A2"><f>1+1</f><v></v></c></row>')),
         "xlsx_formula"),
        (packed(parts('<row r="1"><c r="A1"><f>1+1</f><v>0</v></c></row>', book='<calcPr fullCalcOnLoad="1"/>')),
         "xlsx_formula"),
        (packed(parts(rows_xml(PLAIN)))[:-200], "xlsx_unreadable"),
        (packed(parts(rows_xml(PLAIN)))[:300], "xlsx_unreadable"),
        (b"PK\x03\x04 not a workbook", "xlsx_unreadable"),
        (packed({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"}), "content_archive"),
        (packed(parts(rows_xml(PLAIN)) | {"xl/workbook.xml": b"<workbook"}), "xlsx_unreadable"),
        (packed(parts(rows_xml(PLAIN)) | {SHEET: "﻿<worksheet/>".encode("utf-16")}), "xlsx_unreadable"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "xlsx_old"),
        (packed(parts("")), "file_empty"),
        (b"", "file_empty"),
    ],
)  # fmt: skip
def test_a_workbook_that_is_refused(data: bytes, expected: str) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert rule(data) == expected
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_maxrss <= max(400_000, before.ru_maxrss)  # KB, the largest process so far: no bomb was unpacked
    assert after.ru_utime - before.ru_utime < 20


def test_the_corner_cell_is_a_small_file_and_is_named() -> None:
    data = packed(parts('<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'))
    assert len(data) < 4_096
    assert "XFD1048576" in refused(data).message.text("en")


@pytest.mark.parametrize(
    ("name", "expected"), [("a.xls", "content_workbook"), ("a.xlsm", "xlsx_macros"), ("a.ods", "file_kind")]
)
def test_kinds_of_files_that_are_not_read(name: str, expected: str) -> None:
    assert rule(packed(parts(rows_xml(PLAIN))), name) == expected


@pytest.mark.parametrize("dimension", ["A1", "A1:B2", "A1:XFD1048576", "C7:D9"])
def test_a_stale_dimension_loses_no_row(dimension: str) -> None:
    rows = [["a", "b"], *([str(number), "x"] for number in range(20))]
    (table,) = read(Path("a.xlsx"), packed(parts(rows_xml(rows), dimension=dimension)))
    assert table.rows["a"].to_list() == [str(number) for number in range(20)]


def test_more_than_65_536_rows(tmp_path: Path) -> None:
    path = tmp_path / "long.xlsx"
    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, ["a", "b"])
        for number in range(70_000):
            page.write_row(number + 1, 0, [number, "x"])
    (table,) = read(path, path.read_bytes())
    assert table.rows["a"].to_list() == [str(number) for number in range(70_000)]
    assert table.rows[ROW].to_list() == list(range(2, 70_002))


def test_a_percentage_is_read_as_it_is_shown() -> None:
    cells = '<c r="B2" s="1"><v>0.125</v></c><c r="C2" s="2"><v>0.07</v></c><c r="D2" s="0"><v>0.125</v></c>'
    header = "".join(f'<c r="{column}1" t="str"><v>{column}</v></c>' for column in "BCD")
    data = f'<row r="1">{header}</row>'
    (table,) = read(Path("a.xlsx"), packed(parts(data + f'<row r="2">{cells}</row>', styles=STYLES)))
    assert table.rows.rows() == [(2, "12.5%", "7%", "0.125")]


def test_sheets_may_lie_anywhere_and_charts_are_none() -> None:
    said = parts(rows_xml(PLAIN))
    links = "xl/_rels/workbook.xml.rels"
    moved = {"xl/tables/one.xml": said.pop(SHEET), links: said[links].replace(b"worksheets/sheet1.xml", b"/xl/tables/one.xml")}
    (table,) = read(Path("a.xlsx"), packed(said | moved))
    assert table.rows.height == 2
    chart = {links: said[links].replace(b"/worksheet", b"/chartsheet")}
    assert rule(packed(parts(rows_xml(PLAIN)) | chart)) == "file_empty"


def test_an_error_is_text_and_not_an_empty_cell() -> None:
    data = '<row r="1"><c r="A1" t="str"><v>a</v></c></row><row r="2"><c r="A2" t="e"><f>1/0</f><v>#DIV/0!</v></c></row>'
    (table,) = read(Path("a.xlsx"), packed(parts(data)))
    assert table.rows.rows() == [(2, "#DIV/0!")]


def test_a_formula_with_its_value_is_its_value() -> None:
    data = '<row r="1"><c r="A1" t="str"><v>a</v></c></row><row r="2"><c r="A2"><f>1+1</f><v>2</v></c></row>'
    data += '<row r="3"><c r="A3" t="str"><f>""</f><v></v></c><c r="B3"><v>3</v></c></row>'
    (table,) = read(Path("a.xlsx"), packed(parts(data.replace('<c r="B3"><v>3</v></c>', ""))))
    assert table.rows.rows() == [(2, "2")]


def test_a_formula_on_a_sheet_that_is_not_used_does_no_harm() -> None:
    said = parts(rows_xml(PLAIN))
    book, links = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
    said[book] = said[book].replace(b"</sheets>", b'<sheet name="notes" sheetId="2" r:id="rId2"/></sheets>')
    link = re.search(rb"<Relationship .*?/>", said[links])[0]
    second_link = link.replace(b"rId1", b"rId2").replace(b"sheet1", b"sheet2")
    said[links] = said[links].replace(link, link + second_link)
    said["xl/worksheets/sheet2.xml"] = parts('<row r="1"><c r="A1"><f>1+1</f></c><c r="B1"><v>1</v></c></row>')[SHEET]
    first, second = read(Path("a.xlsx"), packed(said))
    first.check()
    with pytest.raises(DeliveryError):
        second.check()


@pytest.mark.parametrize(("flag", "day"), [("", "2018-03-05"), ("1", "2022-03-06")])
def test_days_count_from_what_the_workbook_says(flag: str, day: str) -> None:
    data = '<row r="1"><c r="A1" t="str"><v>a</v></c></row><row r="2"><c r="A2" s="3"><v>43164</v></c></row>'
    book = '<workbookPr date1904="1"/>' if flag else ""
    (table,) = read(Path("a.xlsx"), packed(parts(data, styles=STYLES, book=book)))
    assert table.date_system == ("1904" if flag else "1900")
    assert table.rows["a"][0].startswith(day)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ('<row r="1"><c r="A1"><v>1</v></c></row><row r="7"><c r="A7" s="1"><v>1</v></c></row>', (2, 7)),
        ('<row r="7"><c r="A7"><v>1</v></c></row><row r="2"><c r="A2"><v>1</v></c></row>', (2, 7)),
        ('<row r="1"><c r="A1"><v>1</v></c></row><row r="7"><c r="A7"><v></v></c></row>', (1, 1)),
        ('<row r="1"><c r="A1"><v>1</v></c></row><row r="7"><c r="A7"/><c r="B7"><v>1</v></c></row>', (2, 7)),
        ('<row r="1"><c r="A1"><v>1</v></c></row><row><c><v>1</v></c></row><row/>', (2, 2)),
        ('<row r="1"><c r="A1"><v>1</v></c></row><x:row r="7"><c r="A7"><v>1</v></c></x:row>', (2, 7)),
        ('<row r="1"><c r="A1"><v>1</v></c><c r="B1" t="str"><v>ww</v></c></row><row r="7"/>', (1, 1)),
        ('<row r="1"/><c r="A1"><v>1</v></c><row r="2"/><c r="A2"><v>1</v></c><x:row r="7"><c><v>1</v></c></x:row>', (3, 7)),
        ('<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c></row>', (1, 1)),
    ],
)
def test_rows_that_say_something_are_counted_however_they_are_written(rows: str, said: tuple[int, int]) -> None:
    look = sheets.look("结果", parts(rows)[SHEET], (), waiting=False)
    assert (look.rows, look.last_row) == said


def test_a_row_that_the_reader_loses_is_noticed() -> None:
    xml = parts(rows_xml(PLAIN))[SHEET]
    look = sheets.look("结果", xml, (), waiting=False)
    whole = pl.DataFrame({"a": ["a", "1", "2"], "b": ["b", "x", "y"]})
    assert confined.checked("结果", whole, look).equals(whole)
    for short in (whole[:2], whole.with_columns(pl.when(pl.col("a") != "1").then(pl.all()))):
        with pytest.raises(Refused) as caught:
            confined.checked("结果", short, look)
        assert (caught.value.key, caught.value.values["expected"], caught.value.values["found"]) == ("ingest.xlsx_rows", 3, 2)


def test_a_parquet_file_of_a_few_bytes_that_states_billions_of_rows() -> None:
    held = io.BytesIO()
    pl.select(pl.repeat(None, 100_000_000, dtype=pl.Int8).alias("a")).write_parquet(held, compression="zstd")
    assert len(held.getvalue()) < 200_000
    assert rule(held.getvalue(), "a.parquet") == "too_many_rows"


def test_an_archive_is_checked_as_zipfile_sees_it() -> None:
    """Two parts of one name: two programs would read two things."""
    held = io.BytesIO(packed(parts(rows_xml(PLAIN))))
    with zipfile.ZipFile(held, "a") as archive, pytest.warns(UserWarning):
        archive.writestr(SHEET, b"<worksheet/>")
    assert rule(held.getvalue()) == "xlsx_parts"
