"""A result stands in the year of its last revision, and nowhere else."""

from __future__ import annotations

import polars as pl
import pytest

from labqa.service.pipeline import read_by

ROWS = pl.DataFrame(
    [
        ("N", "S1", "I", "original", "A", 1, 0, 2018),
        ("N", "S1", "I", "original", "A", 1, 1, 2019),
        ("N", "S2", "I", "original", None, 1, 0, 2018),
        ("N", "S3", "I", "original", "A", 1, 0, None),
    ],
    schema=["programme", "sample", "item", "role", "lab", "replicate", "revision", "period"],
    orient="row",
)


@pytest.mark.parametrize(
    ("years", "seen"),
    [
        ([2018], [("S2", 0)]),
        ([2019], [("S1", 0), ("S1", 1)]),
        ([2018, 2019, None], [("S1", 0), ("S1", 1), ("S2", 0), ("S3", 0)]),
    ],
)
def test_a_corrected_year_takes_what_it_superseded_along(years: list[int | None], seen: list[tuple[str, int]]) -> None:
    assert read_by(ROWS, years).select("sample", "revision").rows() == seen
