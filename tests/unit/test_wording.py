"""Wording: every sentence that the sources name exists in both languages, takes the same values, and is used."""

import ast
import re
import tomllib
from functools import cache
from pathlib import Path
from string import Formatter

import pytest

from labqa.core.wording.catalogue import LANGUAGES, sentences

ROOT = Path(__file__).parents[2]
WORDING = ROOT / "labqa" / "core" / "wording"
ROOMS = sorted(
    {file.name.split(".")[0] for file in WORDING.glob("*.toml")}
    | {file.parent.name for file in ROOT.glob("labqa/*/__init__.py")}
)
KEY = re.compile(rf"(?:{'|'.join(ROOMS)})\.[a-z][a-z0-9_]*")
SPEAKERS = re.compile(r"Message|AccessDenied|\w+Error")


@cache
def trees():
    """The parsed sources of all rooms and faces, by path."""
    folders = [ROOT / name for name in ("labqa", "dashboards", "reports")]
    files = sorted(file for folder in folders for file in folder.rglob("*.py"))
    return {str(file.relative_to(ROOT)): ast.parse(file.read_text("utf-8")) for file in files}


def nodes(kind):
    return [(path, node) for path, tree in trees().items() for node in ast.walk(tree) if isinstance(node, kind)]


def spoken():
    """Calls that make a message or raise an error of a literal key: place, key, names of the values (None: unknown)."""
    for path, call in nodes(ast.Call):
        named = getattr(call.func, "id", getattr(call.func, "attr", ""))
        key = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
        if SPEAKERS.fullmatch(named) and isinstance(key, str) and re.fullmatch(r"[a-z]+\.[a-z0-9_]+", key):
            yield f"{path}:{call.lineno}", key, values_of(call, named)


def values_of(call, named):
    if named != "Message":
        names = [keyword.arg for keyword in call.keywords]
        return None if None in names else set(names)
    if len(call.args) == 1 and not call.keywords:
        return set()
    given = call.args[1] if len(call.args) > 1 else call.keywords[0].value
    if isinstance(given, ast.Dict) and all(isinstance(key, ast.Constant) for key in given.keys):
        return {key.value for key in given.keys}
    return None


def placeholders(text):
    return {name.split(".")[0].split("[")[0] for _, name, _, _ in Formatter().parse(text) if name is not None}


@cache
def literals():
    """Every whole string in sources and rule files, and every name: what a key, or a part of one, may be made of."""
    found = {node.value for _, node in nodes(ast.Constant) if isinstance(node.value, str)}
    for _, node in nodes((ast.Name, ast.Attribute, ast.arg, ast.keyword, ast.AnnAssign)):
        found |= {str(getattr(node, part)) for part in ("id", "attr", "arg") if getattr(node, part, None)}
    for file in (ROOT / "labqa").rglob("*.toml"):
        if file.parent != WORDING:
            found |= set(words_of(tomllib.loads(file.read_text("utf-8"))))
    return found


def words_of(rules):
    if isinstance(rules, dict):
        yield from rules
        for part in rules.values():
            yield from words_of(part)
    elif isinstance(rules, list):
        for part in rules:
            yield from words_of(part)
    elif isinstance(rules, str):
        yield rules


@cache
def composed(folder=""):
    """Strings with gaps (f-strings) as patterns, where at least two letters of a key are stated."""
    found = set()
    for _, node in [(path, node) for path, node in nodes(ast.JoinedStr) if path.startswith(folder)]:
        parts = [says(part) for part in node.values]
        stated = "".join(word for words in parts for word in words)
        if len(stated) >= 2 and re.fullmatch(r"[a-z0-9_.]+", stated):
            found.add("".join(f"(?:{'|'.join(map(re.escape, words))})" if words else "([a-z0-9_]+?)" for words in parts))
    return [re.compile(pattern) for pattern in sorted(found)]


def says(part):
    """The words that a part of an f-string may be: itself, either side of a condition, or not known."""
    if isinstance(part, ast.Constant):
        return [part.value]
    sides = [part.value.body, part.value.orelse] if isinstance(part.value, ast.IfExp) else []
    return [side.value for side in sides] if all(isinstance(side, ast.Constant) for side in sides) else []


def is_made(text):
    """Whether the sources can say `text`: whole, or from an f-string whose gaps are filled with what they can say."""
    if text in literals():
        return True
    made = (pattern.fullmatch(text) for pattern in composed())
    return any(all(is_made(part) for part in match.groups()) for match in made if match)


def test_the_sources_were_read():
    assert len(list(spoken())) > 20


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_that_is_spoken_has_a_sentence(language):
    assert [f"{place} {key}" for place, key, _ in spoken() if key not in sentences(language)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_string_that_looks_like_a_key_has_a_sentence(language):
    parts = {id(part) for _, node in nodes(ast.JoinedStr) for part in node.values}
    whole = [(path, node) for path, node in nodes(ast.Constant) if isinstance(node.value, str) and id(node) not in parts]
    keys = [
        (f"{path}:{node.lineno}", node.value) for path, node in whole if path.startswith("labqa") and KEY.fullmatch(node.value)
    ]
    assert [found for found in keys if found[1] not in sentences(language)] == []


def test_every_composed_key_can_be_a_sentence():
    room = re.compile(rf"\(\?:(?:{'|'.join(ROOMS)})\\\.")
    keys = [pattern for pattern in composed("labqa") if room.match(pattern.pattern)]
    assert len(keys) > 3
    assert [pattern.pattern for pattern in keys if not any(map(pattern.fullmatch, sentences("en")))] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_asks_for_no_value_that_is_not_given(language):
    given = [(place, key, values) for place, key, values in spoken() if values is not None and key in sentences(language)]
    short = [(place, key, placeholders(sentences(language)[key]) - values) for place, key, values in given]
    assert [found for found in short if found[2]] == []


def test_both_languages_say_the_same_things_with_the_same_values():
    zh, en = sentences("zh"), sentences("en")
    assert set(zh) ^ set(en) == set()
    assert {
        key: placeholders(zh[key]) ^ placeholders(en[key]) for key in zh if placeholders(zh[key]) != placeholders(en[key])
    } == {}


def test_every_sentence_is_used():
    assert sorted(key for key in sentences("en") if not is_made(key)) == []
