"""Units: exact factors from the SI Brochure and its accepted definitions, one spelling a unit."""

from fractions import Fraction

import pytest

from labqa.ingest import units


@pytest.mark.parametrize(
    ("unit", "into", "number", "value"),
    [
        ("ug/kg", "mg/kg", "1", 0.001),
        ("%", "mg/kg", "1", 10000.0),
        ("ppm", "mg/kg", "3.3", 3.3),
        ("mg/g", "%", "1", 0.1),
        ("g/L", "mg/L", "0.7", 700.0),
        ("ng/mL", "ug/L", "5.1", 5.1),
        ("in", "mm", "1", 25.4),  # BIPM: the inch is 25.4 mm exactly
        ("lb", "kg", "1", 0.45359237),
        ("kgf", "N", "1", 9.80665),
        ("℃", "K", "25", 298.15),
        ("℉", "℃", "212", 100.0),
        ("K", "℃", "0", -273.15),
        ("h", "s", "0.1", 360.0),
        ("bar", "kPa", "1", 100.0),
        ("N/mm²", "MPa", "12.5", 12.5),
        ("kcal/100g", "kJ/100g", "1", 4.184),
        ("pCi/L", "Bq/L", "1", 0.037),
    ],
)
def test_a_conversion_is_exact(unit, into, number, value):
    assert units.conversion(unit, into).of(number) == value


@pytest.mark.parametrize(("unit", "into"), [("mg/kg", "mg/L"), ("1", "mg/kg"), ("kg", "m"), ("MPa", "N"), ("parsec", "m")])
def test_units_of_two_kinds_are_not_converted(unit, into):
    assert units.conversion(unit, into) is None


def test_there_and_back_is_the_same():
    table = units._table()["dimension"]
    for dimension in table.values():
        for unit in dimension:
            for into in dimension:
                there, back = units.conversion(unit, into), units.conversion(into, unit)
                assert there.factor * back.factor == 1
                assert there.offset * back.factor + back.offset == Fraction(0)


@pytest.mark.parametrize(
    ("spelled", "unit"),
    [
        ("μg/L", "ug/L"),
        ("µg/L", "ug/L"),
        ("MG/KG", "mg/kg"),
        ("mg / kg", "mg/kg"),
        ("ｍｇ／ｋｇ", "mg/kg"),
        ("毫克/千克", "mg/kg"),
    ],
)
def test_spellings_of_one_unit(spelled, unit):
    assert units.canonical(spelled) == unit


def test_case_is_kept_where_it_tells_units_apart():
    assert units.canonical("mPa") == "mPa"
    assert units.canonical("MPa") == "MPa"
    assert units.conversion("mPa", "MPa") is None
    assert units.conversion("MV", "mV") is None
    assert units.conversion("mPa·s", "Pa·s").of("1") == 0.001
    assert units.conversion("mW", "MW").of("1") == 1e-9


def test_powers_of_ten_are_known_as_such():
    assert units.conversion("ug/kg", "mg/kg").power_of_ten == -3
    assert units.conversion("%", "mg/kg").power_of_ten == 4
    assert units.conversion("mg/kg", "ppm").power_of_ten == 0
    assert units.conversion("in", "mm").power_of_ten is None
    assert units.conversion("℃", "K").power_of_ten is None
    assert units.conversion("h", "min").power_of_ten is None
