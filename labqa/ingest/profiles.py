"""Profiles: how a kind of delivery names its columns, and what it declares about its rows."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from labqa.core.errors import UsageError
from labqa.core.provenance import sha256_of
from labqa.core.vocabulary import Scale, values
from labqa.ingest import words

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
    """The shipped profile of that name, or the one in that TOML file (UTF-8); UsageError says what is wrong with it."""
    name = str(name_or_path)
    if name in shipped():
        content = files(__package__).joinpath("profiles_shipped", f"{name}.toml").read_bytes()
    elif Path(name_or_path).is_file():
        content = Path(name_or_path).read_bytes()
    else:
        raise UsageError("ingest.profile_unknown", profile=name, expected=", ".join(shipped()))
    try:
        return _built(tomllib.loads(content.decode("utf-8-sig")), name)
    except UnicodeDecodeError as cause:
        raise UsageError("ingest.profile_encoding", profile=name) from cause
    except tomllib.TOMLDecodeError as cause:
        raise UsageError("ingest.profile_unreadable", profile=name, found=str(cause)) from cause


def fingerprint(profile: Profile) -> str:
    """SHA-256 of all that a profile says: another one may read the same file otherwise."""
    return sha256_of(json.dumps(asdict(profile), sort_keys=True, ensure_ascii=False).encode())


def _built(content: dict[str, Any], name: str) -> Profile:
    """A profile from the content of its TOML file; the shape of every key and every name in it is checked."""
    keys = {entry.name: entry for entry in fields(Profile)}
    _check(name, "key", set(content), set(keys))
    below = {name for value in content.values() if isinstance(value, dict) for name in value}
    strayed = (below & set(keys)) - set(FIELDS)
    if strayed:  # in TOML a key belongs to the [table] above it
        raise UsageError("ingest.profile_strayed", profile=name, what=", ".join(sorted(strayed)))
    for key, value in content.items():
        _check_shape(name, key, value, str(keys[key].type))
    must = {key for key, entry in keys.items() if entry.default is MISSING and entry.default_factory is MISSING}
    _check_whole(name, must - set(content))
    lists = {key: tuple(value) for key, value in content.items() if isinstance(value, list)}
    columns = {key: tuple(headers) for key, headers in content["columns"].items()}
    profile = Profile(**{**content, **lists, "columns": columns})
    _check_fields(name, profile)
    _check(name, "period", {profile.period}, {"round", "year_drawn", "undated"})
    _check(name, "derive", set(profile.derive), set(REGISTERS))
    for mark, allowed in MARKS.items():
        taken = {profile.decimal_mark} if mark == "thousands_mark" else set()
        _check(name, mark, {getattr(profile, mark)}, allowed - taken)
    _check(name, "derived_scale", set(profile.derived_scale.values()), set(values(Scale)))
    return profile


_EXAMPLES = {
    "str": '{key} = "…"',
    "Period": '{key} = "…"',
    "bool": "{key} = true / {key} = false",
    "tuple[str, ...]": '{key} = ["…", "…"]',
}
"""How a key of that type is written."""


def _check_shape(profile: str, key: str, value: Any, shape: str) -> None:
    """UsageError where `value` is not of the type that `Profile` names for the key; a table's entries one by one."""
    inner = re.fullmatch(r"Mapping\[str, (.+)\]", shape)
    if inner and isinstance(value, dict):
        for name, entry in value.items():
            _check_shape(profile, f"{key}.{name}", entry, inner[1])
        return
    texts = isinstance(value, list) and all(isinstance(entry, str) for entry in value)
    fits = {"bool": isinstance(value, bool), "tuple[str, ...]": texts}.get(shape, isinstance(value, str))
    if inner or not fits:
        expected = f"[{key}]" if inner else _EXAMPLES[shape].format(key=key.rpartition(".")[2])
        found = json.dumps(value, ensure_ascii=False, default=str)
        raise UsageError("ingest.profile_shape", profile=profile, what=key, found=found, expected=expected)


def _check_fields(name: str, profile: Profile) -> None:
    """Fields are known, those required come from somewhere, and words of closed lists are words of theirs."""
    named = {*profile.columns, *profile.required, *profile.declared, *profile.words}
    _check(name, "field", named, set(FIELDS))
    _check_whole(name, {f"columns.{need}" for need in profile.required if need not in {*profile.columns, *profile.declared}})
    for listed, closed_list in words.CLOSED.items():
        said = {profile.declared.get(listed, ""), *profile.words.get(listed, {}).values()} - {""}
        strange = {word for word in said if words.plain(word).lower() not in words.understood(closed_list)}
        _check(name, listed, strange, set(), words.allowed(closed_list))


def _check_whole(profile: str, lacking: set[str]) -> None:
    if lacking:
        raise UsageError("ingest.profile_lacks", profile=profile, what=", ".join(sorted(lacking)))


def _check(profile: str, what: str, found: set[str], expected: set[str], shown: str = "") -> None:
    """UsageError where something `found` is not `expected`; `shown`: how what is expected is told."""
    if found - expected:
        unknown = ", ".join(sorted(found - expected))
        shown = shown or ", ".join(f"“{word}”" if not word.strip() else word for word in sorted(expected))
        raise UsageError("ingest.profile_contradicts", profile=profile, what=what, found=unknown, expected=shown)
