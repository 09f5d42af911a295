"""The order in which facts are kept: by sample, item and result, whatever the order of the rows."""

from __future__ import annotations

from random import Random

import polars as pl
import pytest

from labqa.core import codes
from labqa.ingest import kept
from labqa.ingest.readers import ROW


@pytest.mark.parametrize("seed", range(20))
def test_facts_stand_in_the_order_of_sample_item_and_result(seed: int) -> None:
    random = Random(seed)
    told = [(f"S{random.randint(1, 12)}", random.choice(["PB", "CD", "乙"]), f"{k:x}") for k in random.sample(range(999), 40)]
    rows = pl.DataFrame(told[: seed * 2], schema={"sample": pl.String, "item": pl.String, "result": pl.String}, orient="row")
    rows = rows.with_columns(pl.col("sample", "item").cast(codes.new())).with_row_index(ROW)
    found = kept.results(rows, pl.Series(["f"]).cast(codes.new()))
    assert codes.written(found.select("sample", "item", "result")).rows() == sorted(told[: seed * 2])
