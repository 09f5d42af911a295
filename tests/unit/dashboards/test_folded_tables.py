"""A long table is folded on a phone, and the styles hide just the rows that the sentence below opens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import dashboards
from dashboards.components.tables import FOLDED, Column, table
from dashboards.words import Words

STYLES = (Path(dashboards.__file__).parent / "assets" / "labqa.css").read_text("utf-8")


def summaries(n: int) -> list[str]:
    frame = table([Column("n", first=True)], [[str(k)] for k in range(n)], caption="", words=Words("en"))
    return [part.children.children for part in frame.children if getattr(part, "className", "") == "more fold"]


@pytest.mark.parametrize(
    ("n", "said"), [(FOLDED, []), (FOLDED + 1, [f"Show all {FOLDED + 1} rows"]), (900, ["Show all 200 rows"])]
)
def test_a_table_longer_than_a_phone_shows_at_first_says_how_many_rows_it_has(n, said):
    assert summaries(n) == said


def test_the_styles_hide_from_the_row_after_those():
    (first,) = re.findall(r"\.fold:not\(\[open\]\)\) > \.table tr:nth-child\(n \+ (\d+)\)", STYLES)
    assert int(first) == FOLDED + 1
