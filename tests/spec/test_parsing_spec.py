"""Every row of the specification of parsing, delivered as a file; and the chapter that is written of it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from parsing_tables import PAGE, Case, cases, chapters, deliver, page

from labqa.ingest.deliver import Delivery

CASES = list(cases())
STARTS_AT_ZERO = {"ratio", "count"}


@cache
def delivered(chapter: str, number: int) -> Delivery:
    with TemporaryDirectory() as folder:
        return deliver(Path(folder), chapter, number)


def named(case: Case) -> str:
    return f"{case.chapter}-{case.number}-{'|'.join(case.said.values())!r}"


@pytest.mark.parametrize("case", CASES, ids=named)
def test_delivered_text_means_what_its_table_says(case: Case) -> None:
    found = delivered(case.chapter, case.number)
    rules = found.refusals.filter(pl.col("row") == case.row)["rule"].to_list()
    if case.meaning.startswith("! "):
        assert rules == [f"ingest.{case.meaning.removeprefix('! ')}"]
        return
    assert rules == []
    row = found.results.filter(pl.col("row") == case.row).row(0, named=True)
    if "field" in case.table:
        assert _plainly(row[case.table["field"]]) == case.meaning
    else:
        said = row["qualifier"], row["value"], row["lower"], row["upper"]
        assert said == _meant(case.meaning, case.said.get("scale") or case.table["item"]["scale"])


def _plainly(found: object) -> str:
    if isinstance(found, bool):
        return str(found).lower()
    return "" if found is None else f"{found:g}" if isinstance(found, float) else str(found)


def _meant(meaning: str, scale: str) -> tuple[str, float | None, float | None, float | None]:
    """Qualifier, value and interval: a limit below is an interval from where the scale starts."""
    sign, limit = meaning[0], float(meaning[1:]) if len(meaning) > 1 and meaning[0] in "<>" else None
    if meaning == "/":
        return "not_applicable", None, None, None
    if sign == "<":
        return "below", None, 0.0 if scale in STARTS_AT_ZERO else None, limit
    if sign == ">":
        return "above", None, limit, None
    return "quantified", float(meaning), float(meaning), float(meaning)


def test_the_tables_were_read() -> None:
    assert len(CASES) > 300 and len({case.chapter for case in CASES}) == len(chapters()) == 6


def test_the_chapter_is_what_the_tables_give() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `make docs` and commit the page"
