"""Readers: text and row numbers as people see them, or a sentence that says what is wrong with the file."""

import io
from datetime import date
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from labqa.core.errors import DeliveryError, UsageError
from labqa.ingest import delimited, readers
from labqa.ingest.readers import ROW, read


def rows(data, name="a.csv"):
    (table,) = read(Path(name), data)
    return table.rows.rows()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_in_three_encodings(encoding):
    assert rows("样品,结果\nS1,未检出\n".encode(encoding)) == [(2, "S1", "未检出")]


@pytest.mark.parametrize("piece", [1, 1000])
def test_a_file_of_more_rows_than_are_read_is_refused(monkeypatch, piece):
    monkeypatch.setattr(delimited, "PIECE", piece)
    monkeypatch.setattr(readers, "MOST_ROWS", 3)
    most = b"\na,b\n1,2\n\n3,4\n5,6\n"  # blank rows are none, nor is the header
    assert len(rows(most)) == 3
    message = refused(most + b"7,8\n")
    assert (message.key, message.values) == ("ingest.too_many_rows", {"file": "a.csv", "expected": "3"})
    assert "3 行" in message.text("zh") and "more than 3 rows" in message.text("en")


def test_everything_stays_text():
    data = b'a,b\nNA,007\n1E5,TRUE\n"1,5",4-5\n'
    assert rows(data) == [(2, "NA", "007"), (3, "1E5", "TRUE"), (4, "1,5", "4-5")]


def test_blank_rows_are_counted_and_left_out():
    assert rows(b"a,b\n\n1,2\n , \n3,\n") == [(3, "1", "2"), (5, "3", None)]


def test_a_line_break_inside_quotes_is_one_row():
    assert rows(b'a,b\n"x\ny",2\n3,4\n') == [(2, "x\ny", "2"), (3, "3", "4")]


@pytest.mark.parametrize("blank", ["", "\n\n"])
def test_a_header_may_have_line_breaks_in_every_piece(monkeypatch, blank):
    monkeypatch.setattr(delimited, "PIECE", 8)
    data = f'{blank}"样品\nSample","结果\nResult",c\nS1,1,x\nS2,2,y\n'.encode()
    assert rows(data) == [(len(blank) + 2, "S1", "1", "x"), (len(blank) + 3, "S2", "2", "y")]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_value_may_go_on_over_many_pieces(monkeypatch, end):
    monkeypatch.setattr(delimited, "PIECE", 8)
    long = f"x{end}" * 500
    data = f'a,b{end}1,"{long}"""{end}2,"5"" pipe"{end}3,"{long}"{end}'.encode()
    assert rows(data) == [(2, "1", f'{long}"'), (3, "2", '5" pipe'), (4, "3", long)]


LONG = [(str(number), f"x{number % 7}\ny") for number in range(2, 250_000)]
"""More rows than are read at once, as `in_small_pieces` has it, a line break in every one."""


@pytest.fixture
def in_small_pieces(monkeypatch):
    monkeypatch.setattr(delimited, "PIECE", 1 << 16)


def as_csv(rows):
    return "".join(f'{first},"{second}"\n' for first, second in rows).encode()


@pytest.mark.usefixtures("in_small_pieces")
def test_a_long_file_reads_as_a_short_one():
    blank = b",\n" * 120_000
    found = rows(b"\n" + b"a,b\n" + as_csv(LONG) + blank + as_csv([("z", "end")]))
    places = [*range(3, len(LONG) + 3), len(LONG) + 120_003]
    assert [row[0] for row in found] == places
    assert [row[1:] for row in found] == [*LONG, ("z", "end")]


@pytest.mark.usefixtures("in_small_pieces")
def test_a_row_too_long_at_the_end_of_a_long_file_is_named():
    found = refused(b"a,b\n" + as_csv(LONG) + b"1,2,3\n")
    assert (found.key, found.values["row"], found.values["found"]) == ("ingest.csv_rows", len(LONG) + 2, 3)


@pytest.mark.usefixtures("in_small_pieces")
@pytest.mark.parametrize("place", [0, 300_000, 499_999])
def test_a_control_character_is_found_anywhere(place):
    data = bytearray(b"a\tb\r\n" * 100_000)
    rows(bytes(data))
    data[place] = 0x1B
    assert refused(bytes(data)).key == "ingest.csv_control"


def test_other_separators_and_line_ends():
    assert rows(b"a;b\r\n1;2,5\r\n") == [(2, "1", "2,5")]
    assert rows(b"a\tb\n1\t2\n") == [(2, "1", "2")]


def test_an_encoding_is_detected_or_asked_for():
    text = "样品,结果\n甲,1\n"
    assert [read(Path("a.csv"), text.encode(name))[0].encoding for name in ("utf-8", "utf-8-sig", "utf-16", "gb18030")] == [
        "utf-8",
        "utf-8-sig",
        "utf-16",
        "gb18030",
    ]
    latin = "sample,unit\nS1,µg/kg\n".encode("cp1252")
    with pytest.raises(DeliveryError) as caught:
        read(Path("a.csv"), latin)
    assert caught.value.message.key == "ingest.encoding_unsure" and "--encoding" in caught.value.message.text("zh")
    assert read(Path("a.csv"), latin, encoding="cp1252")[0].rows["unit"].to_list() == ["µg/kg"]
    taiwan = "檢驗機構,樣品,結果\n甲,1,2\n".encode("big5")
    assert read(Path("a.csv"), taiwan, encoding="big5")[0].headers == ["檢驗機構", "樣品", "結果"]


def test_a_rare_character_does_not_make_chinese_text_doubtful():
    text = "样品编号,检验机构,备注\n" + "甲一,上海质检所,陶喆与朱镕基的检验报告由质量监督检验中心出具\n" * 3
    assert read(Path("a.csv"), text.encode("gb18030"))[0].rows["备注"][0].startswith("陶喆与朱镕基")


@pytest.mark.parametrize("order", ["le", "be"])
@pytest.mark.parametrize("name", ["utf-16", "utf-32"])
def test_the_order_of_bytes_is_told_by_a_mark_and_else_that_of_windows(name, order):
    text = "样品,结果\n甲,1\n"
    marked = f"\ufeff{text}".encode(f"{name}-{order}")
    assert read(Path("a.csv"), marked, encoding=name)[0].rows.rows() == [(2, "甲", "1")]
    assert read(Path("a.csv"), text.encode(f"{name}-le"), encoding=name)[0].rows.rows() == [(2, "甲", "1")]


@pytest.mark.parametrize(
    ("encoding", "error"),
    [("utf-8", DeliveryError), *((name, UsageError) for name in ("klingon", "base64", "zlib", "bz2", "hex", "rot13"))],
)
def test_an_encoding_that_is_wrong_or_none(encoding, error):
    with pytest.raises(error):
        read(Path("a.csv"), "样品\n甲\n".encode("gb18030"), encoding=encoding)


def refused(data, name="a.csv"):
    with pytest.raises(DeliveryError) as caught:
        for table in read(Path(name), data):
            table.check()
    return caught.value.message


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (b"", "ingest.file_empty"),
        (b"\n\n", "ingest.file_empty"),
        (b"a,b\n", "ingest.file_empty"),
        (b"a,b,a\n1,2,3\n", "ingest.header_twice"),
        (b"a,,c\n1,2,3\n", "ingest.header_missing"),
        (b"a,b\n1,2\n3,4,5\n", "ingest.csv_rows"),
        (b"a,b\n1,\xff\xff\n", "ingest.encoding_unsure"),
        (b"a,b\n1,\x00\n", "ingest.file_encoding"),
        ("檢驗機構,樣品,結果\n".encode("big5"), "ingest.encoding_unsure"),
    ],
)
def test_a_csv_that_cannot_be_read_as_a_whole(data, key):
    message = refused(data)
    assert message.key == key
    assert message.values["file"] == "a.csv"
    assert message.text("zh") and message.text("en")


def test_the_row_with_too_many_fields_is_named():
    message = refused(b"a,b\n1,2\n3,4,5\n")
    assert (message.values["row"], message.values["found"], message.values["expected"]) == (3, 3, 2)


@pytest.mark.parametrize(
    ("data", "name", "key"),
    [
        (b"PK not a workbook", "a.xlsx", "ingest.xlsx_unreadable"),
        (b"\0 not parquet", "a.parquet", "ingest.parquet_unreadable"),
        (b"anything", "a.pdf", "ingest.file_kind"),
    ],
)
def test_other_files_that_cannot_be_read(data, name, key):
    assert refused(data, name).key == key


def test_xlsx_keeps_row_numbers_dates_and_text(tmp_path):
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        page, day = book.add_worksheet("结果"), book.add_format({"num_format": "yyyy-mm-dd"})
        page.write_row(1, 0, ["a", "b", "c", "d"])  # the header stands in row 2
        page.write_row(2, 0, [1, 12.3, "4-5"])
        page.write_datetime(2, 3, date(2018, 3, 5), day)
        page.write_row(4, 0, ["<0.01", 0.1, 1e-7])  # row 4 is blank
        book.add_worksheet("notes").write(0, 0, "nothing")
    table = read(path, path.read_bytes())[0]
    assert table.sheet == "结果"
    assert table.rows.rows() == [(3, "1", "12.3", "4-5", "2018-03-05 00:00:00"), (5, "<0.01", "0.1", "0.0000001", None)]


def test_parquet_becomes_text():
    frame = pl.DataFrame({"a": [1.5, None], "b": [date(2018, 3, 5), None], "c": ["007", "x"], "n": [3, 4]})
    held = io.BytesIO()
    frame.write_parquet(held)
    (table,) = read(Path("a.parquet"), held.getvalue())
    assert table.rows.columns == [ROW, "a", "b", "c", "n"]
    assert table.rows.rows() == [(2, "1.5", "2018-03-05", "007", "3"), (3, None, None, "x", "4")]
    held = io.BytesIO()
    pl.DataFrame({"a": [[1]]}).write_parquet(held)
    assert refused(held.getvalue(), "a.parquet").key == "ingest.parquet_column"


@pytest.mark.parametrize("head", ["\n", "\r\n\r\n"])
def test_blank_lines_above_the_header_are_counted_and_left_out(head):
    assert rows(f"{head}a,b\n1,2\n\n3,4\n".encode()) == [(head.count("\n") + 2, "1", "2"), (head.count("\n") + 4, "3", "4")]
