"""Looks up a sentence in the catalogue and fills in its values."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Literal

from labqa.core.wording import filling
from labqa.core.wording.quoting import beginning, visible

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
_STOPS: Mapping[Language, str] = {"zh": "。", "en": "."}


@cache
def sentences(language: Language) -> Mapping[str, str]:
    """All sentences of a language: key `room.name` → text with `{placeholders}`."""
    found: dict[str, str] = {}
    for entry in sorted(files(__package__).iterdir(), key=lambda file: file.name):
        if entry.name.endswith(f".{language}.toml"):
            room = entry.name.split(".")[0]
            found |= {f"{room}.{name}": text for name, text in tomllib.loads(entry.read_text("utf-8")).items()}
    return found


@dataclass(frozen=True)
class Message:
    """A sentence by key, with the values that fill its placeholders; the language is chosen where it is shown."""

    key: str
    values: Mapping[str, object] = field(default_factory=dict)

    def text(self, language: Language) -> str:
        """The sentence in `language`, values that are messages too, texts as `quoted`; KeyError if the catalogue lacks it, so
        that a test finds it."""
        return filling.plain(sentences(language)[self.key], self._told(language))

    def typeset(self, language: Language) -> str:
        """The same for pages and paper, its figures as `typesetting` sets and holds them."""
        return filling.set_out(sentences(language)[self.key], self._told(language))

    def standing(self, language: Language) -> str:
        """As `typeset`, with the full stop that a reason lacks, since other sentences quote it, where it stands by itself."""
        text = self.typeset(language)
        stop = _STOPS[language]
        return text if text.endswith(stop) else text + stop

    def _told(self, language: Language) -> dict[str, object]:
        return {name: _said(name, value, language) for name, value in self.values.items()}

    def to_json(self) -> str:
        """One line of JSON with sorted keys, the form in which a table keeps the values of a message."""
        return json.dumps({"key": self.key, "values": dict(self.values)}, ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, line: str) -> Message:
        """The inverse of `to_json`."""
        read = json.loads(line)
        return cls(read["key"], read["values"])


def quoted(name: str, text: str, language: Language) -> str:
    """A text as sentences quote it in their value of this name: what cannot be seen as its code, of a long one the beginning
    and its length."""
    begin = beginning(name, text)
    if begin is None:
        return visible(text)
    return sentences(language)["ingest.cut"].format(begin=visible(begin), n=len(text))


def _said(name: str, value: object, language: Language) -> object:
    if isinstance(value, Message):
        return value.text(language)
    return quoted(name, value, language) if isinstance(value, str) else value
