"""Rows looked up by index are those that reading the whole table would find, in its order."""

from __future__ import annotations

import random

import polars as pl
import pytest

from labqa.store.indexed import Indexed

DICE = random.Random(4)
CODES = [f"L{k}" for k in (1, 2, 10, 11, 30)]


def table(n: int, *, ordered: bool, nulls: bool) -> pl.DataFrame:
    """Rows with two columns of codes, some of them missing, the first in order if asked."""
    known = [*CODES, None] if nulls else CODES
    first = [DICE.choice(known) for _ in range(n)]
    if ordered:
        first = sorted(DICE.choices(CODES, k=n))
    schema = {"lab": pl.String, "other": pl.String}
    return pl.DataFrame({"lab": first, "other": [DICE.choice(known) for _ in range(n)]}, schema).with_row_index()


@pytest.mark.parametrize("nulls", [False, True])
@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("n", [0, 1, 40, 900])
def test_rows_are_those_that_a_filter_finds_in_the_tables_order(n, ordered, nulls):
    frame = table(n, ordered=ordered, nulls=nulls)
    kept = Indexed(frame)
    many = [*CODES, *(f"no such {k}" for k in range(100)), ""]
    for values in ([], ["L1"], ["L10", "L2"], ["L2", "L2"], ["L3"], ["~"], [""], [None, "L30"], many):
        wanted = pl.Series(values, dtype=pl.String).drop_nulls().implode()
        of_lab, of_other = pl.col("lab").is_in(wanted).fill_null(False), pl.col("other").is_in(wanted).fill_null(False)
        assert kept.where(lab=values).rows() == frame.filter(of_lab).rows()
        assert kept.where(other=values).rows() == frame.filter(of_other).rows()
        assert kept.where(lab=values, other=values).rows() == frame.filter(of_lab | of_other).rows()


def test_values_are_told_apart_as_polars_orders_them():
    codes = ["a", "Z", "é", "实验室", "𠮷", "\uffff", "a b", "a0"]
    frame = pl.DataFrame({"code": codes}).sort("code")
    for code in codes:
        assert Indexed(frame).where(code=[code])["code"].to_list() == [code]
        assert Indexed(frame.reverse()).where(code=[code])["code"].to_list() == [code]
