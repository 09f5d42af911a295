"""Words of the reports, by language."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from labqa.core.wording import filling
from labqa.core.wording.catalogue import Language, Message


@cache
def texts(language: Language) -> Mapping[str, str]:
    """All texts of the reports in one language."""
    found: dict[str, str] = tomllib.loads(files("reports").joinpath("locale", f"{language}.toml").read_text("utf-8"))
    return found


def say(key: str, language: Language, /, **values: object) -> str:
    """A text of the reports with its values; KeyError if the locale lacks it."""
    return filling.set_out(texts(language)[key], values)


def sentence(key: str, language: Language) -> str:
    """The catalogue's sentence of a reason that a table names by key alone."""
    return Message(key).typeset(language)


def rule(key: str, language: Language) -> str:
    """Short name of a rule that raises flags; its code with spaces where the locale has no name yet."""
    code = key.rpartition(".")[2]
    return texts(language).get(f"rule_{code}", code.replace("_", " "))
