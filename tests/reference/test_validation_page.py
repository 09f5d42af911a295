"""The committed validation page says what the reference tests found; `make validation` writes it."""

import importlib
import os
from pathlib import Path

import pytest
from validation import MADE, TITLES, line, methods, page, rows

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
    committed = dict(
        text.rstrip(" |").rsplit(" | ", 1) for text in PAGE.read_text("utf-8").splitlines() if text.startswith("| ")
    )
    ran = {item.path.name for item in request.session.items}
    whole = ran >= FILES and not request.config.getoption("keyword")
    if whole:
        assert set(committed) - {"| 方法 Method"} >= {line(row).rstrip(" |") for row in found}, "stale"
        assert len(found) == len(committed) - 1, "the page has lines that no test made: make validation"
        assert {(row.topic, row.method) for row in found} == set(methods()), "a method without a comparison"
    for row in found:
        before = committed.get(line(row).rstrip(" |"))
        assert before is None or row.digits >= int(before) - SLACK, row
