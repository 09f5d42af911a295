"""Editions of the rules: read from TOML, settings changed by name, points turned into a class."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from importlib.resources import files
from typing import Any

from labqa.core.errors import UsageError
from labqa.core.provenance import sha256_of
from labqa.core.vocabulary import LabClass

Value = bool | int | float | str
_KINDS: dict[type, str] = {bool: "yes or no", int: "whole number", float: "number", str: "word"}


@dataclass(frozen=True)
class Setting:
    """Something that the law leaves open: its default, meaning, author and reason."""

    name: str
    value: Value
    unit: str
    zh: str
    en: str
    author: str
    source: str
    effective_from: date
    choices: tuple[Value, ...] = ()


@dataclass(frozen=True)
class Band:
    """A class and the points from which it is given."""

    lab_class: LabClass
    low: float


@dataclass(frozen=True)
class VetoItem:
    """A ground for class Ⅳ whatever the points; `by_people` ones need a finding and are never computed."""

    id: str
    by_people: bool
    zh: str
    en: str


@dataclass(frozen=True)
class Line:
    """A line of the scoring sheet, the block to which it belongs and the indicator that shows it."""

    id: str
    block_zh: str
    block_en: str
    indicator: str
    zh: str
    en: str


@dataclass(frozen=True)
class Edition:
    """One edition of the rules; `chosen` holds the settings that differ from its defaults."""

    id: str
    title_zh: str
    title_en: str
    author: str
    source: str
    published: date
    effective_from: date
    sha256: str
    bands: tuple[Band, ...]
    veto_items: tuple[VetoItem, ...]
    lines: Mapping[str, Line]
    settings: Mapping[str, Setting]
    chosen: Mapping[str, Value] = field(default_factory=dict)

    def value(self, name: str) -> Value:
        """The setting as it applies: chosen, else the edition's default."""
        return self.chosen.get(name, self.settings[name].value)

    def number(self, name: str) -> float:
        """A setting that is a number."""
        return float(self.value(name))

    def whole(self, name: str) -> int:
        """A setting that is a whole number."""
        return int(self.value(name))

    def with_settings(self, changes: Mapping[str, Any]) -> Edition:
        """The edition with some settings changed; only those that differ from the defaults are kept as `chosen`."""
        known = {**self.chosen, **{name: self._checked(name, value) for name, value in changes.items()}}
        return replace(self, chosen={name: known[name] for name in sorted(known) if known[name] != self.settings[name].value})

    def _checked(self, name: str, value: Any) -> Value:
        """The value in the type of the setting's default, or the error that says what is wrong with it."""
        if name not in self.settings:
            raise UsageError("rating.unknown_setting", edition=self.id, name=name, known=", ".join(sorted(self.settings)))
        setting = self.settings[name]
        kind = type(setting.value)
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            raise UsageError("rating.setting_type", edition=self.id, name=name, found=repr(value), expected=_KINDS[kind])
        if setting.choices and value not in setting.choices:
            expected = ", ".join(str(choice) for choice in setting.choices)
            raise UsageError("rating.setting_choice", edition=self.id, name=name, found=str(value), expected=expected)
        return kind(value)  # type: ignore[no-any-return]

    def rounded(self, points: float) -> float:
        """Points as they meet a band: rounded to the edition's digits, half to even."""
        return round(points, self.whole("points_digits"))

    def class_of(self, points: float) -> LabClass:
        """The class of the highest band that the rounded points reach."""
        return next(band.lab_class for band in self.bands if self.rounded(points) >= band.low)


def available() -> list[str]:
    """Ids of the shipped editions."""
    return sorted(file.name.removesuffix(".toml") for file in _folder().iterdir() if file.name.endswith(".toml"))


def load(edition: str) -> Edition:
    """A shipped edition by its id."""
    if edition not in available():
        raise UsageError("rating.unknown_edition", edition=edition, known=", ".join(available()))
    return parsed((_folder() / f"{edition}.toml").read_bytes())


def parsed(content: bytes) -> Edition:
    """An edition from the bytes of its TOML file; its hash is that of the bytes."""
    read = tomllib.loads(content.decode("utf-8"))
    law, common = read["law"], read["settings_from"]
    bands = sorted(
        (Band(LabClass(band["lab_class"]), float(band["from"])) for band in read["bands"]), key=lambda band: -band.low
    )
    settings = {name: _setting(name, {**common, **entry}) for name, entry in read["settings"].items()}
    return Edition(
        id=read["id"],
        title_zh=read["title_zh"],
        title_en=read["title_en"],
        author=law["author"],
        source=law["source"],
        published=law["published"],
        effective_from=law["effective_from"],
        sha256=sha256_of(content),
        bands=tuple(bands),
        veto_items=tuple(VetoItem(**item) for item in read["veto_items"]),
        lines={line["id"]: Line(**line) for line in read["lines"]},
        settings=settings,
    )


def _setting(name: str, entry: Mapping[str, Any]) -> Setting:
    return Setting(name=name, **{**entry, "choices": tuple(entry.get("choices", ()))})


def _folder() -> Any:
    return files("labqa.rating") / "editions"
