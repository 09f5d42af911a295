"""Figures as people read them, and reasons as sentences of their own."""

import pytest

from labqa.core.wording.catalogue import LANGUAGES, Language, Message, sentences
from labqa.core.wording.filling import plain, set_out
from labqa.core.wording.typesetting import chance, held, typeset


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
@pytest.mark.parametrize(
    ("p", "told"), [(0.0123, "p = 0.012"), (2.94e-05, "p = 0.000029"), (1e-06, "p = 0.0000010"), (5e-07, "p < 0.000001")]
)
def test_a_small_p_stands_in_its_sentence_without_a_power_of_ten(language: Language, p: float, told: str) -> None:
    values = {"estimate": 3.1, "lower": 2.9, "upper": 3.3, "df": 40.0, "p": p, "m": 19, "alpha": 5.263e-05, "bound": 1.3}
    said = Message("rating.precision_worse", values)
    assert told in said.text(language) and " 0.000053" in said.text(language)
    assert told.replace(" ", "\u00a0") in said.typeset(language)


@pytest.mark.parametrize(
    ("probability", "told"),
    [(0.0, "0%"), (1e-07, "< 0.0001%"), (1e-06, "0.00010%"), (0.0006, "0.060%"), (0.0295, "2.9%"), (0.4, "40%"), (1.0, "100%")],
)
def test_a_chance_has_two_significant_digits_and_never_a_power_of_ten(probability: float, told: str) -> None:
    assert chance(probability) == told


@pytest.mark.parametrize(
    ("text", "set_so"),
    [
        ("(chance: < 0.0001)", "(chance:\u00a0<\u00a00.0001)"),
        ("z = −3.2 here", "z\u00a0=\u00a0−3.2 here"),
        ("off by 1.41 σR or less", "off by 1.41\u00a0σR or less"),
        ("where a < b, and S = sample", "where a < b, and S = sample"),
    ],
)
def test_no_line_ends_between_a_sign_and_its_figure(text: str, set_so: str) -> None:
    assert held(text) == set_so


def test_codes_that_look_like_figures_stay_as_they_are() -> None:
    said = Message("rating.item_hangs_on_yardstick", {"item": "1e-05", "estimate": -0.6, "bound": 0.5, "swing": 30.0})
    assert "1e-05" in said.typeset("en") and "−0.60" in said.typeset("en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_reasons_are_quoted_without_a_full_stop_and_stand_alone_with_one(language: Language) -> None:
    stop = {"zh": "。", "en": "."}[language]
    for key, text in sentences(language).items():
        if key.split(".")[0] in ("bias", "indicators", "selection", "slopes", "comparability"):
            assert not text.endswith(stop), key
            assert Message(key).standing(language) == held(text) + stop
    assert Message("rating.outcome_no_class").standing(language) == sentences(language)["rating.outcome_no_class"]


@pytest.mark.parametrize(("n", "told"), [(0, "0 rows"), (1, "1 row"), ("1", "1 row"), ("1,001", "1,001 rows"), (21, "21 rows")])
def test_a_count_takes_its_word_in_the_singular_or_plural(n: object, told: str) -> None:
    assert plain("All {n:;row;rows}.", {"n": n}) == set_out("All {n:;row;rows}.", {"n": n}) == f"All {told}."


def test_the_word_of_a_count_keeps_its_hyphen() -> None:
    assert set_out("{n:;spot-check;spot-checks}", {"n": -2}) == "−2 spot-checks"
