"""Figures as people read them, and reasons as sentences of their own."""

import pytest

from labqa.core.wording.catalogue import LANGUAGES, Language, Message, sentences
from labqa.core.wording.typesetting import typeset


@pytest.mark.parametrize(
    ("figure", "set_so"),
    [
        ("5e-07", "5\u00a0×\u00a010⁻⁷"),
        ("-1.25e-12", "−1.25\u00a0×\u00a010⁻¹²"),
        ("1.50e+06", "1.50\u00a0×\u00a010⁶"),
        ("8.1e-06%", "8.1\u00a0×\u00a010⁻⁶%"),
        ("-0.46", "−0.46"),
        ("0.00012", "0.00012"),
    ],
)
def test_minus_signs_and_powers_of_ten_are_true_ones(figure: str, set_so: str) -> None:
    assert typeset(figure) == set_so


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_small_p_stands_in_its_sentence_as_a_power_of_ten(language: Language) -> None:
    values = {"estimate": 3.1, "lower": 2.9, "upper": 3.3, "df": 40.0, "p": 5e-07, "m": 19, "alpha": 5.263e-05, "bound": 1.3}
    said = Message("rating.precision_worse", values).typeset(language)
    assert "p = 5\u00a0×\u00a010⁻⁷" in said and "5.3\u00a0×\u00a010⁻⁵" in said


def test_codes_that_look_like_figures_stay_as_they_are() -> None:
    said = Message("rating.item_hangs_on_yardstick", {"item": "1e-05", "estimate": -0.6, "bound": 0.5, "swing": 30.0})
    assert "1e-05" in said.typeset("en") and "−0.60" in said.typeset("en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_reasons_are_quoted_without_a_full_stop_and_stand_alone_with_one(language: Language) -> None:
    stop = {"zh": "。", "en": "."}[language]
    for key, text in sentences(language).items():
        if key.split(".")[0] in ("bias", "indicators", "selection", "slopes", "comparability"):
            assert not text.endswith(stop), key
            assert Message(key).standing(language) == text + stop
    assert Message("rating.outcome_no_class").standing(language) == sentences(language)["rating.outcome_no_class"]
