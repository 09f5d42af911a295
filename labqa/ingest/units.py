"""Conversion of delivered units into the item's unit, by exact factors from a table."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Any

from labqa.ingest import words

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻·", "0123456789-.")


@dataclass(frozen=True)
class Conversion:
    """How a value passes from one unit to another: `factor` × value + `offset`, exactly."""

    factor: Fraction
    offset: Fraction = Fraction(0)

    def of(self, number: str) -> float:
        """The delivered decimal converted exactly, then rounded once to a float; infinite if it is too large for one."""
        try:
            return float(Fraction(number) * self.factor + self.offset)
        except OverflowError:
            return float("inf")

    def rest(self, number: str, value: float) -> float:
        """What `value` lacks of the delivered decimal converted exactly."""
        return float(Fraction(number) * self.factor + self.offset - Fraction(value))

    @property
    def power_of_ten(self) -> int | None:
        """k where the conversion is nothing but × 10ᵏ; None otherwise."""
        text = str(max(self.factor.numerator, self.factor.denominator))
        if self.offset or min(self.factor.numerator, self.factor.denominator) != 1 or text.strip("0") != "1":
            return None
        return len(text) - 1 if self.factor.denominator == 1 else 1 - len(text)


IDENTITY = Conversion(Fraction(1))


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads(files(__package__).joinpath("units.toml").read_text("utf-8"))


def _spelled(unit: str) -> str:
    """One spelling for micro, superscripts, carets and spaces."""
    text = words.plain(unit).replace("µ", "u").replace("μ", "u").translate(_SUPERSCRIPTS).replace("^", "")
    return re.sub(r"\s*/\s*", "/", re.sub(r"\s+", " ", text))


@cache
def _spellings() -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Every spelling of a known unit → the unit; and the same in lower case where that names one unit only."""
    known = {unit for dimension in _table()["dimension"].values() for unit in dimension}
    exact = {_spelled(unit): unit for unit in known}
    exact |= {_spelled(alias): unit for unit, aliases in _table()["aliases"].items() for alias in (unit, *aliases)}
    lower: dict[str, set[str]] = {}
    for spelling, unit in exact.items():
        lower.setdefault(spelling.lower(), set()).add(unit)
    return exact, {spelling: next(iter(units)) for spelling, units in lower.items() if len(units) == 1}


@cache
def canonical(unit: str) -> str:
    """The unit in the table's spelling; a unit of no table comes back with its spaces and micro sign in one form."""
    exact, lower = _spellings()
    spelled = _spelled(unit)
    if spelled in exact:
        return exact[spelled]
    unit_in_case = lower.get(spelled.lower(), "")
    shouted = len(spelled) > 2 and spelled.isupper()  # MG/KG; a leading M alone may be mega
    return unit_in_case if unit_in_case and (shouted or unit_in_case[0] == spelled[0]) else spelled


def _scale(entry: str | list[str]) -> tuple[Fraction, Fraction]:
    factor, offset = (entry, "0") if isinstance(entry, str) else entry
    return Fraction(factor), Fraction(offset)


@cache
def conversion(unit: str, into: str) -> Conversion | None:
    """How a value in `unit` becomes one in `into`; None if no dimension holds both."""
    source, target = canonical(unit), canonical(into)
    if source == target:
        return IDENTITY
    for dimension in _table()["dimension"].values():
        if source in dimension and target in dimension:
            (factor, offset), (target_factor, target_offset) = _scale(dimension[source]), _scale(dimension[target])
            return Conversion(factor / target_factor, (offset - target_offset) / target_factor)
    return None
