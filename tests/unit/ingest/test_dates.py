"""Dates as delivered."""

from datetime import date

import polars as pl
import pytest

from labqa.ingest import dates


def read(text):
    return pl.DataFrame({"text": [text]}, schema={"text": pl.String}).select(dates.day(pl.col("text"), system="1900")).item()


@pytest.mark.parametrize(
    "text",
    [
        "2018-03-05",
        "2018/3/5",
        "2018.3.5",
        "2018年3月5日",
        "２０１８年３月５日",
        "20180305",
        "2018-03-05 11:30",
        "2018-03-05T11:30:00",
        "2018-03-05 00:00:00",
        "43164",  # Excel, 1900 date system
        "43164.479",
    ],
)
def test_the_same_day_in_many_forms(text):
    assert read(text) == date(2018, 3, 5)


@pytest.mark.parametrize(
    "text", ["2018-02-30", "2018-13-01", "2018", "3/5/2018", "05.03.18", "5", "soon", "1", "20181301", None, ""]
)
def test_what_states_no_day(text):
    assert read(text) is None


def test_a_leap_day():
    assert read("2020-02-29") == date(2020, 2, 29)
    assert read("2019-02-29") is None
