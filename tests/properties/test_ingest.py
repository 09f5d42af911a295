"""What holds for every delivery: no row lost, order without meaning, splitting without meaning."""

from __future__ import annotations

import csv
import tempfile
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from labqa.core import tables
from labqa.core.provenance import digest
from labqa.ingest import delimited, profiles, ranges
from labqa.ingest.deliver import Delivery, read_delivery
from labqa.ingest.harmonise import Purpose
from labqa.ingest.identity import KEY, result_ids
from labqa.ingest.registers import Registers
from tests.headers import HEADERS

LABS, ITEMS = ("A", "B", "C"), {"PB": "ratio", "PH": "interval", "CF": "ordinal"}
REGISTERS = Registers(
    labs=tables.shaped(pl.DataFrame({"lab": LABS}), tables.Labs),
    items=tables.shaped(
        pl.DataFrame(
            {"item": list(ITEMS), "scale": list(ITEMS.values()), "unit": ["mg/kg", "1", "1"], "compare_method": "full"}
        ),
        tables.Items,
    ),
)
SETTINGS = settings(max_examples=40, deadline=None)
PURPOSES: tuple[Purpose, ...] = ("deliver", "deliver", "correct")

values = st.sampled_from(["12.5", "<0.01", "ND", "4-5", "4", "/", "1,234.5", "-3", "x", "", "7.0", "nan", "1e400"])
rows = st.fixed_dictionaries(
    {
        "round": st.sampled_from(["2018-1", "2018-2"]),
        "sample": st.sampled_from(["S1", "S2", "S3", "S4", ""]),
        "product": st.sampled_from(["01.02.03.04", ""]),
        "drawn on": st.sampled_from(["2018-03-01", "43160", "2018年3月1日", "soon"]),
        "item": st.sampled_from([*ITEMS, "ZZ"]),
        "lab": st.sampled_from([*LABS, "", "Z"]),
        "role": st.sampled_from(["original", "original", "复检", "referee", "pt", "?"]),
        "trigger": st.sampled_from(["planned", "异议", ""]),
        "value": values,
        "unit": st.sampled_from(["mg/kg", "ug/kg", "%", "", "m"]),
        "replicate": st.sampled_from(["1", "2", "", "0"]),
        "test date": st.sampled_from(["2018-03-10", "2018-04-10", ""]),
    }
)
deliveries = st.lists(rows, min_size=1, max_size=25)


dated = st.tuples(rows, st.sampled_from(["", "2018", "2019"])).map(lambda said: {**said[0], "year": said[1]})


def deliver(said: list[dict[str, str]], known: pl.DataFrame | None = None, purpose: Purpose = "deliver") -> Delivery:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "delivery.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [*HEADERS, "year"], quoting=csv.QUOTE_ALL)
            writer.writeheader()
            writer.writerows(said)
        before = tables.empty(tables.Results) if known is None else known
        profile = profiles.load("template")
        return read_delivery(path, profile, REGISTERS, programme="national", known=before, purpose=purpose)


def without_place(results: pl.DataFrame) -> pl.DataFrame:
    return results.drop("file", "row").sort("result")


@SETTINGS
@given(deliveries)
def test_every_row_is_accepted_or_refused_and_what_is_accepted_is_sound(said: list[dict[str, str]]) -> None:
    found = deliver(said)
    accepted, refused = found.results["row"].to_list(), found.refusals["row"].unique().to_list()
    assert sorted(accepted + refused) == list(range(2, len(said) + 2))
    tables.Results.validate(found.results)
    tables.Refusals.validate(found.refusals)
    assert found.results["result"].is_unique().all()
    for result in found.results.iter_rows(named=True):
        assert result["lab"] != "Z" and result["item"] != "ZZ" and result["raw"] not in {"x", "nan", "1e400"}


@SETTINGS
@given(deliveries, st.randoms(use_true_random=False))
def test_shuffled_rows_give_the_same_results(said: list[dict[str, str]], order: object) -> None:
    shuffled = list(said)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    first, second = deliver(said), deliver(shuffled)
    assert without_place(first.results).equals(without_place(second.results))

    def what(found: Delivery) -> list[tuple[str, ...]]:
        return sorted(found.refusals.select("delivered", "column", "rule").rows())

    assert what(first) == what(second)


@SETTINGS
@given(deliveries, st.data())
def test_split_deliveries_give_the_same_results(said: list[dict[str, str]], data: st.DataObject) -> None:
    """Of the rows that are accepted together, any split is accepted in parts, originals first."""
    whole = deliver(said)
    sound = [said[row - 2] for row in sorted(whole.results["row"].to_list())]
    leads = [row for row in sound if row["role"] not in {"复检", "referee"}]
    followers = [row for row in sound if row["role"] in {"复检", "referee"}]
    cut = data.draw(st.integers(0, len(leads)))
    known = tables.empty(tables.Results)
    for part in (leads[:cut], leads[cut:], followers):
        if part:
            found = deliver(part, known)
            assert found.refusals.is_empty()
            known = pl.concat([known, found.results])
    assert without_place(known).equals(without_place(whole.results))


@settings(SETTINGS, max_examples=20)
@given(st.lists(dated, min_size=1, max_size=16), st.sampled_from([300, 900]), st.integers(2, 6), st.integers(0, 2))
def test_where_pieces_and_ranges_end_has_no_meaning(
    said: list[dict[str, str]], piece: int, rows_of_range: int, case: int
) -> None:
    """Of a delivery, of one that speaks of accepted samples too, and of a correction of results of its own."""
    earlier = [said[:1], said[::3], [{**row, "value": "8.5"} for row in said]][case]
    known, purpose = deliver(earlier).results, PURPOSES[case]
    whole = deliver(said, known, purpose)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(delimited, "PIECE", piece)
        patched.setattr(ranges, "ROWS", rows_of_range)
        parted = deliver(said, known, purpose)
    assert_frame_equal(parted.results, whole.results)
    assert_frame_equal(parted.refusals, whole.refusals)
    assert parted.n_following == whole.n_following


text = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)


@SETTINGS
@given(st.tuples(text, st.none() | text, text, text, st.none() | text, text), st.integers(1, 999), st.integers(0, 99))
def test_an_id_is_the_digest_of_the_key(texts: tuple[str | None, ...], replicate: int, revision: int) -> None:
    key = (*texts, replicate, revision)
    frame = pl.DataFrame([key], schema=[(name, pl.Int64 if name in KEY[6:] else pl.String) for name in KEY], orient="row")
    assert result_ids(frame).item() == digest(*("" if part is None else str(part) for part in key))


def test_an_id_by_hand() -> None:
    schema = [(name, pl.Int64 if name in KEY[6:] else pl.String) for name in KEY]
    frame = pl.DataFrame([("national", None, "样品1", "PB", "L1", "original", 1, 0)], schema=schema, orient="row")
    written = "8:national0:3:样品12:PB2:L18:original1:11:0"
    assert result_ids(frame).item() == sha256(written.encode()).hexdigest()[:20]
