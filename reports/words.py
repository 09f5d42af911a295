"""Words of the reports, by language."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from labqa.core.wording.catalogue import Language, Message, sentences


@cache
def texts(language: Language) -> Mapping[str, str]:
    """All texts of the reports in one language."""
    found: dict[str, str] = tomllib.loads(files("reports").joinpath("locale", f"{language}.toml").read_text("utf-8"))
    return found


def say(key: str, language: Language, /, **values: object) -> str:
    """A text of the reports with its values; KeyError if the locale lacks it."""
    return texts(language)[key].format_map(values)


def sentence(key: str, language: Language) -> str:
    """The catalogue's sentence of a reason or rule that a table names by key alone."""
    return (
        Message(key).text(language)
        if "{" not in sentences(language)[key]
        else sentences(language)[key].split("{")[0].rstrip(" （(,，:：")
    )
