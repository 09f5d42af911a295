"""Typing as small tables: what is delivered, and what it means or which rule refuses it."""

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
    ("text", "meaning"),
    [
        ("12.30", number(12.3, 2)),
        ("1,234.5", number(1234.5, 1)),
        ("1234567", number(1234567.0)),
        ("12,345,678", number(12345678.0)),
        ("１２.３", number(12.3, 1)),
        ("１，２３４．５", number(1234.5, 1)),
        (" 7 ", number(7.0)),
        ("007", number(7.0)),
        ("+2", number(2.0)),
        (".5", number(0.5, 1)),
        ("5.", number(5.0)),
        ("=5", number(5.0)),
        ("-0", number(0.0)),
        ("1E5", number(100000.0)),
        ("1.2e-3", number(0.0012, 4)),
        ("1.2e3", number(1200.0)),
        ("1.2×10⁵", number(120000.0)),
        ("1.2 x 10^-2", number(0.012, 3)),
        ("3*10^4", number(30000.0)),
        ("12.5 mg/kg", number(12.5, 1)),
        ("<0.01", ("below", None, 0.0, 0.01, 2)),
        ("＜０.０１", ("below", None, 0.0, 0.01, 2)),
        ("≤0.5", ("below", None, 0.0, 0.5, 1)),
        ("小于0.1", ("below", None, 0.0, 0.1, 1)),
        ("未检出（<0.02）", ("below", None, 0.0, 0.02, 2)),
        ("ND(0.5)", ("below", None, 0.0, 0.5, 1)),
        ("未检出(检出限:0.02mg/kg)", ("below", None, 0.0, 0.02, 2)),
        (">100", ("above", None, 100.0, None, 0)),
        ("≥1,000.0", ("above", None, 1000.0, None, 1)),
        ("/", ("not_applicable", None, None, None, None)),
        ("—", ("not_applicable", None, None, None, None)),
        ("N/A", ("not_applicable", None, None, None, None)),
        ("不适用", ("not_applicable", None, None, None, None)),
    ],
)
def test_a_result_on_a_ratio_scale(text, meaning):
    assert read(text) == meaning


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


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (None, "missing_value"),
        ("abc", "not_a_number"),
        ("nan", "not_a_number"),
        ("NaN", "not_a_number"),
        ("inf", "not_a_number"),
        ("-Infinity", "not_a_number"),
        ("1,5", "mark_ambiguous"),
        ("1,23,456", "not_a_number"),
        ("1 234", "mark_ambiguous"),
        ("1.2.3", "not_a_number"),
        ("12..5", "not_a_number"),
        (".", "not_a_number"),
        ("<", "not_a_number"),
        ("--5", "not_a_number"),
        ("12;5", "not_a_number"),
        ("5(超标)", "not_a_number"),
        ("1e", "not_a_number"),
        ("0x1F", "unit_contradicts"),
        ("٣", "not_a_number"),
        ("合格", "not_a_number"),
        ("TRUE", "not_a_number"),
        ("1.2×105", "not_a_number"),
        ("4-5", "range_for_number"),
        ("4~5", "range_for_number"),
        ("2018-04-05", "range_for_number"),
        ("1e400", "out_of_range"),
        ("<1e400", "out_of_range"),
        ("1e-400", "out_of_range"),
        ("-3", "negative_on_ratio"),
        ("<-1", "negative_on_ratio"),
        ("<0", "negative_on_ratio"),
        ("12 g", "unit_contradicts"),
        ("12.5%", "unit_contradicts"),
    ],
)
def test_what_a_ratio_scale_refuses(text, rule):
    assert read(text) == rule


def test_an_interval_scale_goes_below_zero_and_a_non_detect_on_it_is_open():
    assert read("-16.5", scale="interval") == number(-16.5, 1)
    assert read("−16.5", scale="interval") == number(-16.5, 1)
    assert read("<3", scale="interval") == ("below", None, None, 3.0, 0)
    assert read("<-3", scale="interval") == ("below", None, None, -3.0, 0)


def test_a_count_takes_whole_numbers():
    assert read("1.2×10⁴", scale="count", unit="CFU/g", item_unit="CFU/g") == number(12000.0)
    assert read("1.5", scale="count", unit="CFU/g", item_unit="CFU/g") == "fraction_for_count"


@pytest.mark.parametrize(
    ("text", "unit", "item_unit", "value"),
    [
        ("12.3", "µg/kg", "mg/kg", 0.0123),  # micro sign
        ("12.3", "μg/kg", "mg/kg", 0.0123),  # Greek mu
        ("0.0081", "%", "mg/kg", 81.0),
        ("0.3", "g/kg", "%", 0.03),
        ("12.5%", "%", "%", 12.5),
        ("12.5%", None, "%", 12.5),
        ("7.3", None, "1", 7.3),
        ("2.5", "kN", "N", 2500.0),
        ("101325", "Pa", "MPa", 0.101325),
        ("30", "min", "s", 1800.0),
    ],
)
def test_a_result_is_converted_into_the_items_unit(text, unit, item_unit, value):
    assert read(text, unit=unit, item_unit=item_unit)[:4] == ("quantified", value, value, value)


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


@pytest.mark.parametrize(
    ("text", "grade"),
    [("4-5", 4.5), ("４－５", 4.5), ("4~5", 4.5), ("4.5", 4.5), ("4-5级", 4.5), ("4", 4.0), ("5级", 5.0), ("1", 1.0)],
)
def test_a_grade_is_a_number_neither_a_range_nor_a_date(text, grade):
    assert read(text, scale="ordinal", unit="级", item_unit="1", grades=FASTNESS) == number(grade, None)


@pytest.mark.parametrize("text", ["6", "0", "3-5", "5-4", "2018-04-05", "4月5日", "43195", "好", "未检出"])
def test_what_is_not_a_grade_is_refused(text):
    assert read(text, scale="ordinal", unit=None, item_unit="1", grades=FASTNESS) == "not_a_grade"


def test_named_grades_count_from_one():
    assert read("中", scale="ordinal", unit=None, item_unit="1", grades="低|中|高") == number(2.0, None)
    assert read("极高", scale="ordinal", unit=None, item_unit="1", grades="低|中|高") == "not_a_grade"


def test_a_bounded_grade_is_an_interval():
    assert read("≥4", scale="ordinal", unit=None, item_unit="1", grades=FASTNESS) == ("above", None, 4.0, None, None)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((word, 1.0) for word in ("合格", "符合", "阴性", "pass", "Pass", "PASS", "negative", "未检出", "1")),
        *((word, 0.0) for word in ("不合格", "不符合", "阳性", "fail", "positive", "检出", "0")),
    ],
)
def test_words_of_a_binary_item(text, value):
    assert read(text, scale="binary", unit="/", item_unit="1") == number(value, None)


def test_what_a_binary_item_refuses_and_what_does_not_apply():
    assert read("大概", scale="binary", unit=None, item_unit="1") == "not_binary"
    assert read("-", scale="binary", unit=None, item_unit="1") == "not_binary"
    assert read("/", scale="binary", unit=None, item_unit="1") == ("not_applicable", None, None, None, None)


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
