"""The words of the pages, and how figures are written."""

from __future__ import annotations

import datetime as dt
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from labqa.core.vocabulary import NUMERIC_SCALES, Scale, Verdict
from labqa.core.wording import filling, typesetting
from labqa.core.wording.catalogue import Language, Message, quoted
from labqa.service.naming import programme_name

FOLDER = Path(__file__).parent / "locale"
NONE = "—"


@cache
def catalogue(language: Language) -> dict[str, str]:
    """All words of the pages in a language: `section.name` → text with `{placeholders}`."""
    sections = tomllib.loads((FOLDER / f"{language}.toml").read_text("utf-8"))
    return {f"{section}.{name}": text for section, texts in sections.items() for name, text in texts.items()}


class Words:
    """Says things in one language."""

    def __init__(self, language: Language) -> None:
        """Words of `language`."""
        self.language: Language = language

    def __call__(self, key: str, **values: object) -> str:
        """A text of the pages; KeyError if it is missing, so that a test finds it."""
        return filling.set_out(catalogue(self.language)[key], values)

    def known(self, key: str, otherwise: str) -> str:
        """A text of the pages, or `otherwise` where the catalogue has none (open lists: indicators, metrics)."""
        return catalogue(self.language).get(key, otherwise)

    def sentence(self, line: str | None) -> str:
        """A sentence kept in a table as JSON; empty where there is none."""
        return Message.from_json(line).text(self.language) if line else ""

    def quoted(self, text: str | None) -> str:
        """A delivered text as sentences quote it; a dash where there is none."""
        return NONE if text is None else quoted("value", text, self.language)

    def reason(self, key: str | None) -> str:
        """A reason kept in a table as the key of a sentence; empty where there is none."""
        return Message(key).typeset(self.language) if key else ""

    def standing(self, key: str | None) -> str:
        """The same as a sentence of its own."""
        return Message(key).standing(self.language) if key else ""

    def programme(self, name: str) -> str:
        """What a programme is called; its own name where it is none of the shipped."""
        return programme_name(name, self.language)

    def period(self, name: str) -> str:
        """A year, a range, or the whole."""
        return self("shell.whole_period") if name == "all" else self("shell.of_period", period=name.replace("-", "–"))

    def value(self, value: float | None, item: dict[str, Any]) -> str:
        """A result of an item as measured; of one that is judged yes or no, what its number stands for."""
        if value is None or item.get("scale") != Scale.BINARY:
            return amount(value)
        return self(f"word.{Verdict.CONFORMING if value else Verdict.NONCONFORMING}")

    def name(self, row: dict[str, Any] | None, *, otherwise: str) -> str:
        """Name of a laboratory, item or product in this language, else in the other, else its code."""
        found = row or {}
        other = "en" if self.language == "zh" else "zh"
        return found.get(f"name_{self.language}") or found.get(f"name_{other}") or otherwise


def number(value: float | None, *, digits: int = 3) -> str:
    """A measured figure to so many significant digits."""
    return NONE if value is None else typesetting.significant(value, digits)


def amount(value: float | None) -> str:
    """A value as measured: up to six significant digits, nothing added that was not there."""
    return NONE if value is None else typesetting.typeset(f"{value:,.6g}")


def fixed(value: float | None, *, places: int = 2, sign: bool = False) -> str:
    """A figure to so many decimals."""
    if value is None:
        return NONE
    return typesetting.typeset(f"{value:{'+' if sign else ''},.{places}f}")


def share(value: float | None, *, places: int = 0) -> str:
    """A share as a percentage; small ones keep enough decimals not to read as zero."""
    if value is None:
        return NONE
    if 0 < value < 0.01:
        return typesetting.held(typesetting.chance(value))
    return typesetting.typeset(f"{value * 100:.{places}f}%")


def is_measured(item: dict[str, Any]) -> bool:
    """Whether results of an item are figures, and neither grades nor yes or no; so it is taken where it is not known."""
    return item.get("scale") is None or item["scale"] in NUMERIC_SCALES


def behind(item: dict[str, Any]) -> str:
    """The unit of an item behind a value, at which no line breaks; nothing for a plain number."""
    return "" if item.get("unit") in (None, "1") else f"\u00a0{item['unit']}"


def count(value: float | int | None) -> str:
    """A whole number with separators."""
    return NONE if value is None else f"{int(value):,}"


def interval(lower: float | None, upper: float | None) -> str:
    """An interval in σR, in one line."""
    return NONE if lower is None or upper is None else f"[{fixed(lower, sign=True)},\u00a0{fixed(upper, sign=True)}]"


def day(value: dt.date | None) -> str:
    """A calendar day."""
    return NONE if value is None else value.isoformat()
