"""Plain decimal numbers take a short way; it must say, to the bit, what the full rule says."""

import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from labqa.ingest import numbers, plain_numbers
from labqa.ingest.typing import TYPED, typed
from tests.unit.ingest.test_typing import TYPES

digits = st.text("0123456789", max_size=7)
decimals = st.builds("{}{}{}".format, digits, st.sampled_from(["", ".", ".", ","]), digits)
texts = st.one_of(
    decimals, decimals, st.text("0123456789.,eE+-<> %", max_size=9), st.sampled_from(["１２", "٣", "12\n", "ND", ""])
)
rows = st.fixed_dictionaries(
    {
        "text": st.none() | texts,
        "delivered_qualifier": st.sampled_from([None, None, "quantified", "below", "not_applicable"]),
        "unit": st.sampled_from([None, "mg/kg", "MG/KG", "ppm", "ug/kg", "%", "1", "?"]),
        "reporting_limit": st.sampled_from([None, "0.01", "1e400"]),
        "scale": st.sampled_from(["ratio", "ratio", "interval", "count"]),
        "item_unit": st.sampled_from(["mg/kg", "%", "1"]),
        "grades": st.none(),
        "lod": st.sampled_from([None, 0.02]),
        "loq": st.none(),
    }
)


def plain(text: str) -> dict[str, object]:
    return {**dict.fromkeys(TYPES), "text": text, "unit": "mg/kg", "scale": "ratio", "item_unit": "mg/kg"}


@settings(max_examples=300, deadline=None)
@example([plain(text) for text in ("0", "000", "0.0", "007", "1.20", "99999999.", "999999999", "0.0000001", "123.45678")])
@given(st.lists(rows, min_size=1, max_size=20))
def test_the_short_way_and_the_full_rule_say_the_same(some: list[dict[str, object]]) -> None:
    frame = pl.DataFrame(some, schema=TYPES)
    full = numbers.typed(frame).select(pl.col(name).cast(dtype) for name, dtype in TYPED.items())
    assert_frame_equal(typed(frame), full, check_exact=True)


def test_what_takes_the_short_way() -> None:
    frame = pl.DataFrame([plain("12.5"), plain("1,234"), plain("<1"), {**plain("1"), "unit": "ug/kg"}], schema=TYPES)
    assert plain_numbers.are(frame).to_list() == [True, False, False, False]
