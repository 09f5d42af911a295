"""The data dictionary in docs/ is the one that the code states."""

from __future__ import annotations

from pathlib import Path

import pytest

from labqa.core import dictionary
from labqa.core import tables as t

PAGE = Path(__file__).parents[3] / "docs" / dictionary.PAGE
TABLES = t.FACT_TABLES | t.RUN_TABLES


def test_the_page_is_not_stale() -> None:
    assert PAGE.read_text(encoding="utf-8") == dictionary.to_markdown(), "run `make docs` and commit the page"


@pytest.mark.parametrize("table", TABLES)
def test_every_column_has_a_meaning_a_chinese_name_and_a_source(table: str) -> None:
    for column, entry in TABLES[table].columns().items():
        assert entry.description, column
        assert entry.metadata is not None and entry.metadata["zh"] and entry.metadata["source"], column
