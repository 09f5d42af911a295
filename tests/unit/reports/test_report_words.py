"""Words of the reports: both languages say the same things, every key that the sources name exists, none is left over."""

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

from labqa.core.vocabulary import EvidenceKind, Ground, Status, Trigger, UsedBy, YardstickSource, values
from labqa.core.wording.catalogue import LANGUAGES, sentences
from reports import numbers
from reports.sections.methods import METHODS
from reports.words import rule, texts

SOURCES = Path(__file__).parents[3] / "reports"


def placeholders(text):
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def calls():
    """First arguments of every `say` in the sources: literal keys, and patterns of composed ones."""
    for file in sorted(SOURCES.rglob("*.py")):
        for call in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", getattr(call.func, "attr", "")) == "say" and call.args:
                yield call.args[0]


def literals():
    return {node.value for node in calls() if isinstance(node, ast.Constant)}


def patterns():
    found = [node for node in calls() if isinstance(node, ast.JoinedStr)]
    return ["".join(part.value if isinstance(part, ast.Constant) else r"[a-z_]+" for part in node.values) for node in found]


def test_both_languages_have_the_same_keys_and_values():
    zh, en = texts("zh"), texts("en")
    assert set(zh) == set(en)
    assert [key for key in zh if placeholders(zh[key]) != placeholders(en[key])] == []


def test_every_literal_key_exists_and_every_text_is_used():
    strings = {
        node.value
        for file in SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert len(literals()) > 80
    assert literals() - set(texts("en")) == set()
    made = [re.compile(pattern) for pattern in [*patterns(), r"rule_[a-z_]+"]]
    assert [key for key in texts("en") if key not in strings and not any(one.fullmatch(key) for one in made)] == []


def test_every_text_on_a_method_is_printed():
    assert sorted(f"method_{name}" for name in METHODS) == sorted(key for key in texts("zh") if key.startswith("method_"))


@pytest.mark.parametrize(
    ("prefix", "words"),
    [
        ("trigger", Trigger),
        ("ground", Ground),
        ("status", Status),
        ("source", YardstickSource),
        ("kind", EvidenceKind),
        ("used_by", UsedBy),
    ],
)
def test_every_word_of_a_closed_list_is_translated(prefix, words):
    assert [word for word in values(words) if f"{prefix}_{word}" not in texts("zh")] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_integrity_rule_has_a_short_name(language):
    rules = [key.split(".")[1] for key in sentences(language) if key.startswith("integrity.")]
    assert rules and [name for name in rules if f"rule_{name}" not in texts(language)] == []


def test_an_unnamed_rule_is_shown_by_its_code():
    assert rule("integrity.new_thing", "zh") == "new thing"


def test_numbers_are_set_for_readers():
    assert numbers.whole(12345.0) == "12,345" and numbers.whole(None) == "—"
    assert (
        numbers.signed(-0.5) == "−0.50"
        and numbers.interval(-0.1, 0.2) == "[−0.10, +0.20]"
        and numbers.interval(None, 1.0) == ""
    )
    assert (numbers.chance(0.0026), numbers.chance(1e-9), numbers.chance(None)) == ("0.26%", "<\u00a00.0001%", "—")
    assert (numbers.percent(0.9155), numbers.plain(None), numbers.measured(123456.0)) == (
        "91.5%",
        "—",
        "1.2346\u00a0×\u00a010⁵",
    )
