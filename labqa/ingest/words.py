"""Words that deliveries use for closed lists, in Chinese and English, and the plain form of delivered text."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import polars as pl

_FULL_WIDTH = {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_SPACES = "\u3000\u00a0\u2007\u2009\u202f"
_NOTHING = "\ufeff\u200b\u200c\u200d\u2060"
_PLAIN = {**_FULL_WIDTH, **dict.fromkeys(_SPACES, " "), **dict.fromkeys(_NOTHING, ""), "\u2212": "-", "≤": "<=", "≥": ">="}
EMPTINESS = " \t\r\n" + _SPACES + _NOTHING
"""What stands around a delivered text and says nothing."""

CLOSED = {
    "role": "role",
    "trigger": "trigger",
    "reported_verdict": "verdict",
    "retest_blind": "yes_no",
    "qualifier": "qualifier",
}
"""Fields of a result that take a word of a closed list → that list."""


@cache
def lists() -> Mapping[str, Mapping[str, list[str]]]:
    """All closed lists as shipped: list → word of the vocabulary → how it is written."""
    return tomllib.loads(files(__package__).joinpath("words.toml").read_text("utf-8"))


@cache
def understood(closed_list: str) -> Mapping[str, str]:
    """Every written form of a closed list, lower case and plain → word of the vocabulary."""
    return {plain(form).lower(): word for word, forms in lists()[closed_list].items() for form in (word, *forms)}


@cache
def allowed(closed_list: str) -> str:
    """The words of a closed list as a sentence shows them: the first Chinese and the first English form of each."""
    return ", ".join(" / ".join(dict.fromkeys(forms[:2])) for forms in lists()[closed_list].values())


def plain(text: str) -> str:
    """Text with full-width characters, odd spaces and the minus sign in their ASCII form, trimmed."""
    return "".join(_PLAIN.get(letter, letter) for letter in text).strip()


def plain_column(column: pl.Expr) -> pl.Expr:
    """`plain` for a column."""
    return column.str.replace_many(list(_PLAIN), list(_PLAIN.values())).str.strip_chars()


def word_column(column: pl.Expr, closed_list: str) -> pl.Expr:
    """A column of delivered words as words of the vocabulary; null where the word is not understood."""
    forms = understood(closed_list)
    written = plain_column(column).str.to_lowercase()
    return written.replace_strict(list(forms), list(forms.values()), default=None, return_dtype=pl.String)
