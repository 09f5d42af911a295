"""What others wrote is quoted so that it can be seen, acts on nothing and floods nothing."""

import pytest

from labqa.core.wording.catalogue import LANGUAGES, Message
from labqa.core.wording.quoting import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("12.5 样品（甲）é 𠮷", "12.5 样品（甲）é 𠮷"),
        ("\x1b[2J\x07", "\\u001b[2J\\u0007"),
        ("a\nb\r\tc\x00", "a\\u000ab\\u000d\\u0009c\\u0000"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("a\u200bb\u2800c\ufe0f", "a\\u200bb\\u2800c\\ufe0f"),
        ("\udcff", "\\udcff"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_cannot_be_seen_is_shown_as_its_code(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_quotes_the_beginning_of_a_long_text_and_its_length(language: str) -> None:
    values = {"file": "d.csv", "row": 2, "column": "c" * 200, "value": "\x1b" * 10_000, "expected": "m, " * 1_000}
    sentence = Message("ingest.word_not_allowed", values).text(language)
    assert "10000" in sentence and "\\u001b" * 80 in sentence and "\\u001b" * 81 not in sentence
    assert "c" * 80 + "…" in sentence and "200" in sentence and "3000" in sentence
    assert sentence.isprintable() and len(sentence) < 1_300
    assert "z" * 300 in Message("ingest.file_empty", {"file": "z" * 300}).text(language)
    assert "v" * 80 + "”" in Message("ingest.unknown_lab", {"file": "d", "row": 2, "value": "v" * 80}).text(language)
