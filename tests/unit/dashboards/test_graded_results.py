"""Grades and yes/no results are shown as delivered, never as the numbers that stand for them inside."""

from __future__ import annotations

import pytest

from dashboards.pages.delivered import value_of
from dashboards.words import Words, is_measured

YES_NO, GRADE, LEAD = (
    {"scale": "binary", "unit": "1"},
    {"scale": "ordinal", "unit": "grade"},
    {"scale": "ratio", "unit": "mg/kg"},
)


def test_a_measured_value_has_its_unit_and_a_limit_its_sign_in_one_line() -> None:
    assert value_of({"raw": "0.0379", "value": 0.0379, "qualifier": "quantified"}, LEAD) == "0.0379\u00a0mg/kg"
    assert value_of({"raw": "未检出", "value": None, "upper": 0.5, "qualifier": "below"}, LEAD) == "<\u00a00.5\u00a0mg/kg"


@pytest.mark.parametrize(("item", "raw", "value"), [(YES_NO, "合格", 1.0), (GRADE, "4-5", 4.5)])
def test_what_is_no_figure_is_shown_as_delivered(item: dict[str, str], raw: str, value: float) -> None:
    assert not is_measured(item)
    assert value_of({"raw": raw, "value": value, "qualifier": "quantified"}, item) == raw


@pytest.mark.parametrize(("language", "passes", "fails"), [("zh", "合格", "不合格"), ("en", "Conforming", "Nonconforming")])
def test_in_a_table_a_yes_no_result_stands_in_words(language: str, passes: str, fails: str) -> None:
    words = Words(language)
    assert [words.value(value, YES_NO) for value in (1.0, 0.0, None)] == [passes, fails, "—"]
    assert words.value(4.5, GRADE) == "4.5" and words.value(0.0379, LEAD) == "0.0379"
