"""Text kept as codes says what the text says."""

from __future__ import annotations

import polars as pl
import pytest

from labqa.core import codes
from labqa.core.digests import digests
from labqa.core.provenance import digest

SAID = [None, "乙", "甲", "", "甲", None, "b"]


def column(*said: str | None) -> pl.Series:
    return pl.Series("x", said, dtype=pl.String).cast(codes.new())


def test_a_reading_of_the_texts_is_one_of_the_cells():
    assert codes.texts(column(*SAID)).to_list() == ["乙", "甲", "", "b"]
    assert codes.read(column(*SAID), pl.col("x").str.len_chars()).to_list() == [None, 1, 1, 0, 1, None, 1]
    assert codes.read(column(None), pl.col("x") + "!").to_list() == [None]
    assert codes.read(column(), pl.col("x") + "!").to_list() == []


def test_a_part_of_a_column_keeps_its_codes():
    assert codes.read(column(*SAID)[4:], pl.col("x") + "!").to_list() == ["甲!", None, "b!"]


def test_ranks_follow_the_texts_and_not_the_codes():
    assert codes.ranks(column(*SAID)).to_list() == codes.ranks(pl.Series("x", SAID)).to_list() == [None, 3, 4, 1, 4, None, 2]


def test_what_is_coded_already_keeps_its_type():
    types = {"x": codes.new(), "y": codes.new()}
    made = codes.coded(pl.DataFrame({"x": column("a"), "y": ["b"], "n": [1]}), types)
    assert made.schema["x"] != types["x"] and made.schema["y"] == types["y"]
    assert codes.written(made).rows() == [("a", "b", 1)]


@pytest.mark.parametrize(
    ("said", "uniform"),
    [(column("a", "a"), True), (column("a", "b"), False), (column("a", None), False), (column(None, None), True)],
)
def test_uniform_is_what_says_the_same_throughout(said, uniform):
    assert codes.is_uniform(said) is uniform


def test_zeros_of_two_signs_are_not_the_same():
    assert not codes.is_uniform(pl.Series([0.0, -0.0]))


def test_ids_of_codes_are_ids_of_their_texts():
    keys = pl.DataFrame({"a": ["样品:1", "1:b", "样品:1"], "b": ["铅", "", "铅"], "c": ["x"] * 3})
    made = keys.with_columns(pl.col("a", "b").cast(codes.new()))
    assert digests(made).to_list() == [digest(*row) for row in keys.iter_rows()]
