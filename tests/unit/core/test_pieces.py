"""Rows in pieces come back as they were put, texts and all, and what is put away is not held."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from labqa.core import codes
from labqa.core.errors import StoreError
from labqa.core.pieces import Pieces, Spill, evenly
from labqa.ingest.readers import read

SAID = {
    "text": ["a", None, "a long text, beyond twelve letters"],
    "code": ["乙", "甲", None],
    "same": ["x", "x", "x"],
    "number": [1, 2, None],
    "value": [0.5, -0.0, None],
    "day": [date(2018, 3, 5), None, date(2018, 3, 6)],
    "blind": [True, False, None],
    "nothing": pl.Series([None] * 3, dtype=pl.Int64),
}


def rows() -> pl.DataFrame:
    return pl.DataFrame(SAID).with_columns(pl.col(name).cast(codes.new()) for name in ("code", "same"))


def test_pieces_come_back_in_order_and_as_they_were() -> None:
    given = rows()
    kept = Pieces([given[:1], given[1:], given[:0], given[1:2]])
    for piece, part in zip(kept, (given[:1], given[1:], given[:0], given[1:2]), strict=True):
        assert piece.schema == given.schema
        assert_frame_equal(codes.written(piece), codes.written(part))
    assert kept.height == 4 and kept.whole().height == 4


def test_texts_outlive_the_rows_that_said_them() -> None:
    kept = Pieces([rows()])
    kept.put_away()
    assert kept.texts("code").to_list() == ["乙", "甲"] and kept.count("same") == 1
    assert codes.written(next(iter(kept)))["code"].to_list() == ["乙", "甲", None]


def _resident() -> float:
    """Megabytes that this process holds of its own."""
    told = Path("/proc/self/status").read_text().split("RssAnon:")[1]
    return int(told.split()[0]) / 1024


def test_what_is_put_away_is_not_held() -> None:
    kept = Pieces()
    for number in range(60):
        if number == 10:
            before = _resident()
        value = pl.int_range(200_000, eager=True).cast(pl.Float64)
        kept.append(
            pl.DataFrame({"value": value, "same": (value * 0).cast(pl.Int64), "also": value * 0 + 1}).cast({"also": pl.Int64})
        )
    assert _resident() - before < 60  # of 240 MB


def test_where_there_is_no_room_a_sentence_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        Spill(tmp_path / "gone").put(rows())
    assert caught.value.message.key == "store.cannot_write" and "gone" in caught.value.message.text("zh")


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond so many bytes, as a quota does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [0, 1_000_000, 2_000_000])
def test_rows_that_find_no_room_are_a_sentence_and_leave_nothing(tmp_path: Path, size: int) -> None:
    long = pl.DataFrame({"value": pl.int_range(200_000, eager=True)})  # 1.6 MB
    with no_file_beyond(size), pytest.raises(StoreError) as caught:
        Pieces([long, long, long], Spill(tmp_path))
    told = caught.value.message
    assert (told.key, told.values["path"], caught.value.exit_code) == ("store.cannot_write", str(tmp_path), 6)
    assert "larger than is allowed" in told.text("en") and list(tmp_path.iterdir()) == []


def test_text_that_finds_no_room_is_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    data = ("样品编号,结果\n" + "样品,未检出\n" * 2000).encode("gb18030")
    with no_file_beyond(5_000), pytest.raises(StoreError) as caught:
        read(Path("a.csv"), data, spill=Spill(tmp_path))
    assert "larger than is allowed" in caught.value.message.text("en") and list(tmp_path.iterdir()) == []


def opened_in(folder: Path) -> list[str]:
    """Files of this process that are open in a folder."""
    opened = [os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()]
    return [path for path in opened if path.startswith(str(folder))]


def test_what_is_put_away_has_no_name(tmp_path: Path) -> None:
    kept = Pieces([rows(), rows()], Spill(tmp_path))
    assert opened_in(tmp_path) and list(tmp_path.iterdir()) == []
    assert kept.height == 6


def test_with_a_spill_its_files_end_though_rows_of_them_are_held(tmp_path: Path) -> None:
    with Spill(tmp_path) as spill:
        kept = Pieces([rows(), rows()], spill)
        spill.file().write(b"text")
        assert len(opened_in(tmp_path)) == 2
    assert opened_in(tmp_path) == [] and kept.height == 6


def test_some_columns_of_the_pieces_are_read_as_all_of_them_are() -> None:
    kept = Pieces([rows(), rows()[:2], rows()])
    for names in (["code"], ["same"], ["nothing", "value"], ["day", "same", "text"]):
        for some, piece in zip(kept.columns(names), kept, strict=True):
            assert_frame_equal(some, piece.select(names))


def test_columns_in_which_every_row_says_something_are_known() -> None:
    kept = Pieces([rows()[:1], rows()[:1]])
    assert [name for name in SAID if kept.is_full(name)] == ["text", "code", "same", "number", "value", "day", "blind"]
    kept.append(rows())
    assert [name for name in SAID if kept.is_full(name)] == ["same"]


@pytest.mark.parametrize(("height", "pieces"), [(0, 0), (1, 1), (10, 1), (14, 1), (16, 2), (29, 3), (34, 3)])
def test_pieces_of_the_same_height_leave_no_small_rest(monkeypatch: pytest.MonkeyPatch, height: int, pieces: int) -> None:
    monkeypatch.setattr("labqa.core.pieces.ROWS", 10)
    whole = pl.DataFrame({"value": range(height)})
    parts = list(evenly(whole))
    assert len(parts) == pieces and [value for part in parts for value in part["value"]] == list(range(height))
    assert all(abs(part.height - height / pieces) < pieces for part in parts)
