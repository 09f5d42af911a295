"""Rows are read and typed a piece after the other and settled by ranges of samples; where they end must not be seen in what
comes out."""

from __future__ import annotations

from pathlib import Path

import pytest
from polars.testing import assert_frame_equal
from small_deliveries import deliver, original, retest

from labqa.ingest import delimited, ranges

ROWS = [
    retest(sample="S1"),  # before its original
    *(original(sample=f"S{k}", value=f"{k}.50") for k in range(9)),
    original(sample="S3", value="99"),  # a second time, in another block
    retest(sample="S7", value="7,x"),
    retest(sample="S8", lab="A"),
    *(original(sample=f"S{k}", item="CF", unit="", value=grade) for k, grade in enumerate(["4", "4-5", "good", "3"])),
    original(sample="S2", item="PH", unit="", value="7.1", product="01.02.03.05"),
]


@pytest.mark.parametrize("rows", [1, 3, 100])
@pytest.mark.parametrize("piece", [1, 300, 1000])
def test_where_pieces_and_ranges_end_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int, rows: int
) -> None:
    whole = deliver(tmp_path, *ROWS)
    monkeypatch.setattr(delimited, "PIECE", piece)
    monkeypatch.setattr(ranges, "ROWS", rows)
    parts = deliver(tmp_path, *ROWS)
    assert (len([*parts.accepted]) > 1) is (rows < 100)
    assert_frame_equal(parts.results, whole.results)
    assert_frame_equal(parts.refusals, whole.refusals)
    assert whole.results["sample"].n_unique() > 5 and set(whole.refusals["rule"]) >= {
        "ingest.duplicate_key",
        "ingest.not_a_number",
        "ingest.retest_same_lab",
        "ingest.not_a_grade",
    }


def test_of_many_rows_that_all_lack_their_sample_each_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "ROWS", 1)
    found = deliver(tmp_path, *(original(sample="", value=f"{k}.50") for k in range(3)))
    assert found.accepted.is_empty() and found.refusals.select("row", "rule").rows() == [
        (row, "ingest.missing") for row in (2, 3, 4)
    ]
