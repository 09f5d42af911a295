"""The content hash of a table: blind to what does not matter, sensitive to every value."""

import datetime as dt
import hashlib
import os
import struct
import subprocess
import sys
from decimal import ROUND_HALF_EVEN, Decimal

import dataframely as dy
import numpy as np
import polars as pl
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from labqa.store.fingerprint import content_hash, rounded


class Kinds(dy.Schema):
    """One column of each kind that the dictionary uses."""

    key = dy.String(primary_key=True)
    number = dy.Float64(nullable=True)
    coarse = dy.Float64(nullable=True, metadata={"digits": 3})
    count = dy.Int64(nullable=True)
    yes = dy.Bool(nullable=True)
    day = dy.Date(nullable=True)
    text = dy.String(nullable=True)
    ids = dy.List(dy.String(nullable=False), nullable=True)


words = st.text(alphabet="ab|甲é", max_size=3)
floats = st.floats(allow_nan=False, allow_infinity=False)
values = {
    "number": st.none() | floats,
    "coarse": st.none() | floats,
    "count": st.none() | st.integers(-(2**62), 2**62),
    "yes": st.none() | st.booleans(),
    "day": st.none() | st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)),
    "text": st.none() | words,
    "ids": st.none() | st.lists(words, max_size=3),
}
row = st.fixed_dictionaries(values)
tables = st.dictionaries(words, row, max_size=6).map(lambda found: [{"key": key, **cells} for key, cells in found.items()])


def frame(rows):
    return pl.DataFrame(rows, schema=Kinds.create_empty().schema)


def hashed(rows):
    return content_hash(frame(rows), Kinds)


def decimal_form(x, digits):
    """Mantissa and exponent of a float rounded to significant digits by decimal arithmetic, exactly."""
    if x == 0:
        return 0, 0
    exact = Decimal(x)
    exponent = exact.adjusted() - digits + 1
    mantissa = int((exact.scaleb(-exponent)).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
    return (mantissa // 10, exponent + 1) if abs(mantissa) == 10**digits else (mantissa, exponent)


def stated_form(rows):
    """The hashed bytes as the module describes them, cell by cell in plain Python; an independent second way."""
    rows = sorted(rows, key=lambda one: one["key"].encode())
    whole = hashlib.sha256(f"labqa table 1\0{len(rows)}\0".encode())

    def nulls(cells):
        bits = "".join("1" if cell is None else "0" for cell in cells)
        whole.update(bytes(int(bits[start : start + 8].ljust(8, "0"), 2) for start in range(0, len(bits), 8)))

    def integers(cells):
        whole.update(b"".join(struct.pack("<q", cell or 0) for cell in cells))

    def texts(cells):
        nulls(cells)
        integers([len((cell or "").encode()) for cell in cells])
        whole.update("".join(cell or "" for cell in cells).encode())

    names = {"number": "Float64", "coarse": "Float64", "count": "Int64", "yes": "Boolean", "day": "Date", "ids": "List(String)"}
    for name in ["key", *values]:
        whole.update(f"{name}\0{names.get(name, 'String')}\0".encode())
        cells = [one[name] for one in rows]
        if name in ("key", "text"):
            texts(cells)
        elif name == "ids":
            nulls(cells)
            integers([len(cell or []) for cell in cells])
            texts([text for cell in cells for text in cell or []])
        elif name in ("number", "coarse"):
            nulls(cells)
            pairs = [decimal_form(cell or 0.0, 3 if name == "coarse" else 9) for cell in cells]
            integers([mantissa for mantissa, _ in pairs])
            integers([exponent for _, exponent in pairs])
        else:
            nulls(cells)
            integers([(cell - dt.date(1970, 1, 1)).days if isinstance(cell, dt.date) else cell for cell in cells])
    return whole.hexdigest()


@settings(deadline=None)
@given(tables, st.randoms())
def test_the_order_of_rows_does_not_matter(rows, random):
    shuffled = random.sample(rows, len(rows))
    assert hashed(shuffled) == hashed(rows)


@settings(deadline=None)
@given(tables.filter(bool), st.data())
def test_every_changed_value_shows(rows, data):
    place = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.sampled_from(sorted(values)))
    other = data.draw(values[column])
    before = rows[place][column]
    digits = {"number": 9, "coarse": 3}.get(column)
    same = before == other
    if digits and None not in (before, other):
        same = decimal_form(before, digits - 1) == decimal_form(other, digits - 1)  # a digit less: clear of rounding edges
    assume(not same)
    assert hashed([one | {column: other} if one is rows[place] else one for one in rows]) != hashed(rows)


@settings(deadline=None, max_examples=30)
@given(tables)
def test_a_missing_row_or_an_empty_cell_shows(rows):
    assert all(hashed(rows[:place] + rows[place + 1 :]) != hashed(rows) for place in range(len(rows)))
    for nothing in ("text", "ids", "number", "count", "yes"):
        filled = [one | {nothing: {"text": "", "ids": [], "number": 0.0, "count": 0, "yes": False}[nothing]} for one in rows]
        emptied = [one | {nothing: None} for one in rows]
        assert not rows or hashed(filled) != hashed(emptied)


@settings(deadline=None)
@given(tables)
def test_bits_beyond_the_stated_digits_do_not_matter(rows):
    clear = [one | {"number": 0.1, "coarse": -1234.0} for one in rows]
    moved = [one | {"number": 0.1 * (1 + 2e-15), "coarse": -1234.4} for one in rows]
    assert hashed(moved) == hashed(clear)
    assert hashed([one | {"number": -0.0} for one in rows]) == hashed([one | {"number": 0.0} for one in rows])


@settings(deadline=None)
@given(tables)
def test_the_hashed_bytes_are_those_that_are_stated(rows):
    for one in rows:
        for name, digits in (("number", 9), ("coarse", 3)):
            assume(one[name] is None or clear_of_an_edge(one[name], digits))
    assert hashed(rows) == stated_form(rows)


def clear_of_an_edge(x, digits):
    """Whether the digits cut off are not so near to a half that one rounding of the scaled value decides."""
    exact = Decimal(x)
    cut = abs(exact.scaleb(digits - 1 - exact.adjusted())) % 1 if x else Decimal(0)
    return abs(cut - Decimal("0.5")) > Decimal("1e-5")


@settings(deadline=None, max_examples=300)
@given(st.lists(floats, min_size=1, max_size=20), st.integers(1, 12))
def test_rounding_is_to_the_nearest_of_the_stated_digits(numbers, digits):
    mantissa, exponent = rounded(np.array(numbers), digits=digits)
    for x, m, e in zip(numbers, mantissa.tolist(), exponent.tolist(), strict=True):
        assert (x == 0 and (m, e) == (0, 0)) or 10 ** (digits - 1) <= abs(m) < 10**digits
        assert abs(Decimal(m).scaleb(e) - Decimal(x)) <= Decimal("0.5001").scaleb(e)


def test_powers_of_ten_and_their_neighbours_keep_their_digits():
    powers = np.array([float(f"1e{k}") for k in range(-307, 309)])
    for numbers in (powers, -powers):
        mantissa, exponent = rounded(numbers, digits=9)
        assert np.all(np.abs(mantissa) == 10**8)
        assert exponent.tolist() == list(range(-315, 301))
    mantissa, _ = rounded(np.nextafter(powers, 0.0), digits=9)
    assert np.all(mantissa == 10**8)


ELSEWHERE = """
import numpy as np, polars as pl
from labqa.core.tables import PtScores, shaped
from labqa.store.fingerprint import content_hash
draw = np.random.default_rng(1)
n = 20_000
frame = pl.DataFrame({
    "result": [f"{x:x}甲é" for x in draw.permutation(n)], "value": draw.normal(size=n), "lab": draw.choice(["Ä", "a", "B"], n),
})
print(content_hash(shaped(frame, PtScores), PtScores))
"""


def test_threads_locale_and_time_zone_do_not_matter():
    settings_ = [
        {"POLARS_MAX_THREADS": "1", "LC_ALL": "C", "TZ": "Asia/Shanghai"},
        {"POLARS_MAX_THREADS": "8", "LC_ALL": "C.UTF-8"},
    ]
    found = {
        subprocess.run(
            [sys.executable, "-c", ELSEWHERE], env=os.environ | one, capture_output=True, text=True, check=True
        ).stdout
        for one in settings_
    }
    assert len(found) == 1
