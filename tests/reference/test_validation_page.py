"""The committed validation page says what the reference tests found; `make validation` writes it."""

import importlib
import os
from pathlib import Path

import pytest
from reference_cases import USED, cases
from validation import MADE, TITLES, committed, methods, page, rows

PAGE = Path(__file__).parents[2] / "docs" / "validation.md"
FILES = {file.name for file in Path(__file__).parent.glob("test_*.py")}
SLACK = 2
"""Digits by which another machine's mathematical library may differ; what a test asks for it asserts itself."""


def test_every_method_of_the_page_is_a_function_of_ours() -> None:
    for (topic, key), entry in methods().items():
        assert topic in TITLES, topic
        assert all(entry[name] for name in ("zh", "en", "source", "function")), key
        module, _, function = entry["function"].rpartition(".")
        assert callable(getattr(importlib.import_module(module), function)), entry["function"]


def test_the_page_is_what_the_tests_found(request: pytest.FixtureRequest) -> None:
    found = rows(MADE)
    if os.environ.get("LABQA_WRITE_VALIDATION"):
        PAGE.write_text(page(found), encoding="utf-8")
    before, now = committed(PAGE.read_text("utf-8")), committed(page(found))
    ran = {item.path.name for item in request.session.items}
    if ran >= FILES and not request.config.getoption("keyword"):
        assert set(before) == set(now), "stale: make validation"
        assert {(row.topic, row.method) for row in found} == set(methods()), "a method without a comparison"
        assert set(cases()) == USED, "reference cases that no test uses"
    for line in set(before) & set(now):
        assert now[line] >= before[line] - SLACK, line
