"""The edition cn-2012-26: the law's bands and veto items, settings by name, its hash."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from labqa.core.errors import UsageError
from labqa.rating import rulesets

EDITION = rulesets.load("cn-2012-26")
FILE = Path(rulesets.__file__).parent / "editions" / "cn-2012-26.toml"


@pytest.mark.parametrize(
    ("points", "lab_class"),
    [  # AQSIQ notice 26 of 2012: 100 and more Ⅰ; 96 to below 100 Ⅱ; 80 to below 96 Ⅲ; below 80 Ⅳ
        (110.0, "Ⅰ"),
        (100.0, "Ⅰ"),
        (99.99, "Ⅱ"),
        (96.0, "Ⅱ"),
        (95.99, "Ⅲ"),
        (80.0, "Ⅲ"),
        (79.99, "Ⅳ"),
        (-20.0, "Ⅳ"),
        # points are rounded to two digits before they meet a band
        (99.996, "Ⅰ"),
        (99.994, "Ⅱ"),
        (95.99999999999, "Ⅱ"),
        (0.1 + 0.2 + 95.7, "Ⅱ"),
    ],
)
def test_points_give_the_class_of_the_law(points: float, lab_class: str) -> None:
    assert str(EDITION.class_of(points)) == lab_class


def test_only_the_counting_rule_of_the_veto_items_is_computed() -> None:
    assert [item.id for item in EDITION.veto_items if not item.by_people] == ["outlying_comparisons"]
    assert len(EDITION.veto_items) == 7


def test_the_edition_is_named_by_the_hash_of_its_file() -> None:
    assert EDITION.sha256 == hashlib.sha256(FILE.read_bytes()).hexdigest()
    assert str(EDITION.effective_from) == "2012-03-20"


def test_every_setting_and_line_says_what_it_means_and_who_set_it() -> None:
    for setting in EDITION.settings.values():
        assert setting.zh and setting.en and setting.author and setting.source and setting.effective_from, setting.name
    for line in EDITION.lines.values():
        assert line.zh and line.en and line.block_zh and line.block_en and line.indicator


def test_settings_that_differ_are_known_and_a_return_to_the_default_is_none() -> None:
    stricter = EDITION.with_settings({"z_limit": 2, "tolerated_bias": 1})
    assert dict(stricter.chosen) == {"tolerated_bias": 1.0, "z_limit": 2}
    assert stricter.number("z_limit") == 2.0
    assert dict(stricter.with_settings({"z_limit": 3}).chosen) == {"tolerated_bias": 1.0}
    assert EDITION.with_settings({"base_points": 100}).chosen == {}
    assert EDITION.whole("z_limit") == 3, "the edition itself must not change"


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"tolerance": 1.0}, "rating.unknown_setting"),
        ({"tolerated_bias": "much"}, "rating.setting_type"),
        ({"tolerated_bias": True}, "rating.setting_type"),
        ({"veto_count": 2.5}, "rating.setting_type"),
        ({"veto_counts_pairs": 1}, "rating.setting_type"),
        ({"z_limit": 4}, "rating.setting_choice"),
        ({"veto_unit": "sample"}, "rating.setting_choice"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_with_its_name(change: dict[str, object], key: str) -> None:
    with pytest.raises(UsageError) as refused:
        EDITION.with_settings(change)
    assert refused.value.message.key == key
    for language in ("zh", "en"):
        assert next(iter(change)) in refused.value.message.text(language)  # type: ignore[arg-type]


def test_an_unknown_edition_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="cn-2012-26"):
        rulesets.load("cn-1999-1")
