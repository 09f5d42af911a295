"""Typing beyond the tables of `tests/spec/parsing`: digits, limits from several places, the order of rows, exact rests."""

from fractions import Fraction

import polars as pl
import pytest

from labqa.ingest.typing import typed

TYPES = {
    **dict.fromkeys(["text", "delivered_qualifier", "unit", "reporting_limit", "scale", "item_unit", "grades"], pl.String),
    **{"lod": pl.Float64, "loq": pl.Float64},
}
FASTNESS = "1|1-2|2|2-3|3|3-4|4|4-5|5"


def read(text, *, scale="ratio", unit="mg/kg", item_unit="mg/kg", **more):
    """One result typed: (qualifier, value, lower, upper, decimals), or the rule."""
    said = {"delivered_qualifier": more.get("qualifier"), **{name: more.get(name) for name in ("reporting_limit", "grades")}}
    item = {"scale": scale, "item_unit": item_unit, "lod": more.get("lod"), "loq": more.get("loq")}
    row = typed(pl.DataFrame([{"text": text, "unit": unit, **said, **item}], schema=TYPES)).row(0, named=True)
    return row["rule"] or tuple(row[name] for name in ("qualifier", "value", "lower", "upper", "decimals"))


def number(value, decimals=0):
    return ("quantified", value, value, value, decimals)


@pytest.mark.parametrize(
    ("text", "decimals"),
    [
        *[("12.30", 2), ("1,234.5", 1), ("１２.３", 1), ("007", 0), (".5", 1), ("5.", 0), ("-0", 0), ("1E5", 0), ("1.2e-3", 4)],
        *[
            ("1.2e3", 0),
            ("1.2×10⁵", 0),
            ("1.2 x 10^-2", 3),
            ("12.5 mg/kg", 1),
            ("<0.010", 3),
            ("未检出（<0.02）", 2),
            (">100", 0),
        ],
        *[("/", None), ("未检出", None)],
    ],
)
def test_the_digits_behind_the_point_as_delivered(text, decimals):
    assert read(text)[4] == decimals


@pytest.mark.parametrize("text", ["未检出", "ND", "n.d.", "nd", "未测出", "ＮＤ"])
def test_a_non_detect_takes_the_limit_that_is_known(text):
    assert read(text) == ("below", None, 0.0, None, None)
    assert read(text, loq=0.03) == ("below", None, 0.0, 0.03, None)
    assert read(text, lod=0.01, loq=0.03) == ("below", None, 0.0, 0.01, None)
    assert read(text, lod=0.01, loq=0.03, reporting_limit="5", unit="ug/kg") == ("below", None, 0.0, 0.005, None)


def test_below_a_named_limit():
    assert read("<LOQ", lod=0.01, loq=0.03) == ("below", None, 0.0, 0.03, None)
    assert read("<LOD", lod=0.01, loq=0.03) == ("below", None, 0.0, 0.01, None)
    assert read("低于检出限", lod=0.01) == ("below", None, 0.0, 0.01, None)


def test_an_interval_scale_goes_below_zero_and_a_non_detect_on_it_is_open():
    assert read("-16.5", scale="interval") == number(-16.5, 1)
    assert read("−16.5", scale="interval") == number(-16.5, 1)
    assert read("<3", scale="interval") == ("below", None, None, 3.0, 0)
    assert read("<-3", scale="interval") == ("below", None, None, -3.0, 0)


def test_a_count_takes_whole_numbers():
    assert read("1.2×10⁴", scale="count", unit="CFU/g", item_unit="CFU/g") == number(12000.0)
    assert read("1.5", scale="count", unit="CFU/g", item_unit="CFU/g") == "fraction_for_count"


def test_a_unit_that_is_missing_or_of_another_kind_refuses_the_number():
    assert read("12.3", unit=None) == "missing_unit"
    assert read("12.3", unit="/") == "missing_unit"
    assert read("12.3", unit="mg/L") == "unknown_unit"
    assert read("12.3", unit="furlong") == "unknown_unit"
    assert read("ND", unit=None, lod=0.1) == ("below", None, 0.0, 0.1, None)


def test_the_qualifier_may_stand_in_a_column_of_its_own():
    assert read("0.1", qualifier="below") == ("below", None, 0.0, 0.1, 1)
    assert read("100", qualifier="above") == ("above", None, 100.0, None, 0)
    assert read(None, qualifier="below", reporting_limit="0.5") == ("below", None, 0.0, 0.5, None)
    assert read("<0.1", qualifier="below") == ("below", None, 0.0, 0.1, 1)
    assert read("<0.1", qualifier="quantified") == "qualifier_contradicts"
    assert read(">0.1", qualifier="below") == "qualifier_contradicts"


def test_a_bounded_grade_is_an_interval():
    assert read("≥4", scale="ordinal", unit=None, item_unit="1", grades=FASTNESS) == ("above", None, 4.0, None, None)


def test_rows_keep_their_order_whatever_their_scale():
    rows = [("4-5", "ordinal", "1"), ("1.5", "ratio", "1"), ("合格", "binary", "1"), ("2.5", "ratio", "1"), ("x", None, None)]
    frame = pl.DataFrame([dict(zip(("text", "scale", "item_unit"), row, strict=True)) for row in rows])
    frame = frame.with_columns(pl.lit(None, dtype=TYPES[name]).alias(name) for name in TYPES if name not in frame.columns)
    assert typed(frame)["value"].to_list() == [4.5, 1.5, 1.0, 2.5, None]


@pytest.mark.parametrize(
    ("text", "unit", "value", "lacking"),
    [
        ("1000000000000.4", "mg/kg", 1000000000000.4, "1000000000000.4"),
        ("-98765432109.87", "mg/kg", -98765432109.87, "-98765432109.87"),
        ("1000000000.0004", "g/kg", 1000000000000.4, "1000000000000.4"),
    ],
)
def test_digits_that_a_float_cannot_hold_are_kept_beside_it(text, unit, value, lacking):
    said = {"text": text, "unit": unit, "scale": "interval", "item_unit": "mg/kg"}
    row = typed(pl.DataFrame([said | dict.fromkeys(set(TYPES) - set(said))], schema=TYPES)).row(0, named=True)
    assert row["value"] == value
    assert abs(Fraction(row["value"]) + Fraction(row["rest"]) - Fraction(lacking)) < Fraction(1, 10**18)
    assert row["rest"] != 0.0


@pytest.mark.parametrize("text", ["107.8681568", "0.1", "12", "1e300", "<1000000000000.4", "未检出"])
def test_an_ordinary_number_has_no_rest(text):
    said = {"text": text, "unit": "mg/kg", "item_unit": "mg/kg", "scale": "ratio"}
    assert typed(pl.DataFrame([dict.fromkeys(TYPES) | said], schema=TYPES))["rest"].to_list() == [None]
