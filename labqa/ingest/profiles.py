"""Profiles: how a kind of delivery names its columns, and what it declares about its rows."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from labqa.core.errors import UsageError
from labqa.core.vocabulary import Scale, values

Period = Literal["round", "year_drawn", "undated"]
MARKS = {"decimal_mark": {".", ","}, "thousands_mark": {"", ",", ".", " ", "'"}, "date_system": {"", "1900", "1904"}}
"""Settings that say how numbers and serial dates are written, and what they may be."""
FIELDS = (
    *("round", "period", "sample", "product", "sampler", "drawn_on", "item", "item_name", "lab", "role", "trigger"),
    *("value", "unit", "qualifier", "reporting_limit", "expanded_u", "k", "u", "replicate", "revision", "run"),
    *("tested_on", "reported_verdict", "method", "report", "retest_blind", "selection_probability"),
)
"""What a delivery may say of a result."""
REGISTERS = ("labs", "items", "products")


@dataclass(frozen=True)
class Profile:
    """How a kind of delivery is read.

    `columns`: field → headers understood. `declared`: field → text where the file says nothing. `words`: field → delivered
    word → word meant (empty: nothing is said). `period`: what stands for round and period. `derive`: registers made of the
    file; `derived_scale`: the scale of items so made, by unit (ratio where it says nothing). `decimal_mark` and
    `thousands_mark`: how numbers are written; without a thousands mark only what can be read in one way is. `date_system`:
    what serial numbers of days count from.
    """

    name: str
    columns: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...]
    programme: str = "national"
    declared: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    null_words: tuple[str, ...] = ("",)
    period: Period = "round"
    duplicates_within_lab: bool = False
    times_comparable: bool = True
    derive: tuple[str, ...] = ()
    decimal_mark: str = "."
    thousands_mark: str = ""
    date_system: str = ""
    derived_scale: Mapping[str, str] = field(default_factory=dict)


def shipped() -> list[str]:
    """Names of the profiles that ship."""
    folder = files(__package__).joinpath("profiles_shipped")
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def load(name_or_path: str | Path) -> Profile:
    """The shipped profile of that name, or the one in that TOML file."""
    if str(name_or_path) in shipped():
        text = files(__package__).joinpath("profiles_shipped", f"{name_or_path}.toml").read_text("utf-8")
    elif Path(name_or_path).is_file():
        text = Path(name_or_path).read_text("utf-8")
    else:
        raise UsageError("ingest.profile_unknown", profile=str(name_or_path), expected=", ".join(shipped()))
    try:
        return _built(tomllib.loads(text), str(name_or_path))
    except (tomllib.TOMLDecodeError, TypeError, AttributeError) as cause:
        raise UsageError("ingest.profile_unreadable", profile=str(name_or_path), found=str(cause)) from cause


def _built(content: dict[str, Any], name: str) -> Profile:
    """A profile from the content of its TOML file; every name in it is checked."""
    lists = {key: tuple(value) for key, value in content.items() if isinstance(value, list)}
    columns = {key: tuple(headers) for key, headers in content.get("columns", {}).items()}
    profile = Profile(**{**content, **lists, "columns": columns})
    _check(name, "key", set(content), {entry.name for entry in fields(Profile)})
    _check(name, "field", {*columns, *profile.required, *profile.declared, *profile.words}, set(FIELDS))
    _check(name, "period", {profile.period}, {"round", "year_drawn", "undated"})
    _check(name, "derive", set(profile.derive), set(REGISTERS))
    for mark, allowed in MARKS.items():
        taken = {profile.decimal_mark} if mark == "thousands_mark" else set()
        _check(name, mark, {getattr(profile, mark)}, allowed - taken)
    _check(name, "derived_scale", set(profile.derived_scale.values()), set(values(Scale)))
    return profile


def _check(profile: str, what: str, found: set[str], expected: set[str]) -> None:
    if found - expected:
        unknown = ", ".join(sorted(found - expected))
        raise UsageError(
            "ingest.profile_contradicts", profile=profile, what=what, found=unknown, expected=", ".join(sorted(expected))
        )
