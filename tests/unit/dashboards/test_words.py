"""The words of the pages: the same in both languages, all used, all there; and figures written as people read them."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from dashboards import words as words_of
from dashboards.words import Words, amount, catalogue, fixed, number, share
from labqa.core import vocabulary as v

PAGES = Path(words_of.__file__).parent


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_words_and_placeholders():
    zh, en = catalogue("zh"), catalogue("en")
    assert zh.keys() == en.keys()
    assert {key: placeholders(text) for key, text in zh.items()} == {key: placeholders(text) for key, text in en.items()}


def test_every_word_asked_for_is_there():
    asked = {key for file in PAGES.rglob("*.py") for key in re.findall(r'words\(\s*"([a-z_]+\.\w+)"', file.read_text("utf-8"))}
    assert len(asked) > 100
    assert asked <= catalogue("zh").keys()


def test_no_word_lies_unused():
    code = "\n".join(file.read_text("utf-8") for file in PAGES.rglob("*.py"))
    composed = (
        "attribution.kind_",
        "attribution.left_",
        "attribution.zero_",
        "word.",
        "meaning.",
        "grid.",
        "lab.proposal_",
        "lab.zero_",
        "network.tile_",
        "shell.to_",
        "contrast.zero_",
    )
    composed += ("evidence.as_", "usage.kind_", "usage.by_", "usage.scale_")
    composed += ("precision.repeatability", "precision.reproducibility")
    idle = [key for key in catalogue("zh") if f'"{key}"' not in code and not key.startswith(composed)]
    shares = {f"figures.{name}{end}" for name in ("agreement_share", "duplicate_agreement_share") for end in ("", "_says")}
    assert set(idle) <= shares


@pytest.mark.parametrize("closed_list", [v.Status, v.Category, v.Verdict, v.Proposal, v.Trigger, v.Qualifier, v.CompareMethod])
def test_every_word_of_the_vocabulary_is_translated(closed_list):
    for language in ("zh", "en"):
        assert {f"word.{member}" for member in closed_list} <= catalogue(language).keys()


def test_every_ground_and_role_is_translated():
    wanted = {f"word.ground_{member}" for member in v.Ground} | {f"word.role_{member}" for member in v.Role}
    wanted |= {f"word.source_{member}" for member in v.YardstickSource}
    assert wanted <= catalogue("zh").keys()


def test_every_kind_use_and_scale_of_evidence_is_translated():
    wanted = {f"usage.kind_{member}" for member in v.EvidenceKind} | {f"usage.by_{member}" for member in v.UsedBy}
    wanted |= {f"usage.scale_{member}" for member in v.Scale}
    for language in ("zh", "en"):
        assert wanted <= catalogue(language).keys()


def test_figures_are_written_as_people_read_them():
    assert [number(x) for x in (None, 0, 0.012345, 1.5, 128.98, 45678.0, -2.5)] == [
        "—",
        "0",
        "0.0123",
        "1.50",
        "129",
        "45,678",
        "−2.50",
    ]
    assert [amount(x) for x in (None, 7.0, 48.59, 0.06873, 1543.0)] == ["—", "7", "48.59", "0.06873", "1,543"]
    assert [fixed(x, sign=True) for x in (0.456, -0.456)] == ["+0.46", "−0.46"]
    assert [share(x) for x in (0.5, 0.000065, 0.0, 1.0)] == ["50%", "0.0065%", "0%", "100%"]


def test_a_reason_ends_with_a_full_stop_only_where_it_stands_alone():
    for language, stop in (("zh", "。"), ("en", ".")):
        words = Words(language)
        assert words.standing("kinds.few_discordant") == words.reason("kinds.few_discordant") + stop
        assert words.standing(None) == words.reason(None) == ""


def test_a_name_falls_back_on_the_other_language_and_then_the_code():
    words = Words("zh")
    assert words.name({"name_zh": None, "name_en": "Bureau"}, otherwise="L1") == "Bureau"
    assert words.name({"name_zh": None, "name_en": None}, otherwise="L1") == "L1"
    assert words.name({}, otherwise="L1") == "L1"
