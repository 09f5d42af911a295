"""How figures are set on pages and paper, where a program's 5e-07 would not be read."""

from __future__ import annotations

import re

_POWER = re.compile(r"e([+-]\d+)")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_HELD = re.compile(r" ?[=<>≤≥] (?=[−+-]?\d)|(?<=\d) (?=σR)")
SMALLEST = 1e-6
"""Probability below which only this is told: in a decimal fraction its noughts can still be counted."""


def typeset(figure: str) -> str:
    """A formatted figure with a true minus sign, at which no line breaks, and its power of ten: 5e-07 as 5 × 10⁻⁷."""
    return _POWER.sub(_of_ten, figure).replace("-", "−")


def significant(value: float, digits: int) -> str:
    """A figure to so many significant digits, thousands apart, with a power of ten only where it is very large or small."""
    if value == 0 or 1e-4 <= abs(value) < 1e6:
        return typeset(decimal(value, digits))
    return typeset(f"{value:.{digits - 1}e}")


def decimal(value: float, digits: int = 2) -> str:
    """A figure to so many significant digits as a decimal fraction, thousands apart, never with a power of ten."""
    if value == 0:
        return "0"
    exponent = int(f"{value:e}".partition("e")[2])
    return f"{value:,.{max(0, digits - 1 - exponent)}f}"


def probability(p: float) -> str:
    """What stands behind the letter of a p-value, with its sign: = 0.023, or < 0.000001."""
    return f"= {decimal(p)}" if p >= SMALLEST else f"< {SMALLEST:.6f}"


def chance(probability: float) -> str:
    """A probability in per cent with two significant digits; below 0.0001 % only that."""
    return f"{decimal(probability * 100)}%" if probability >= SMALLEST or probability == 0 else "< 0.0001%"


def held(text: str) -> str:
    """The text with no-break spaces where a line must not end: between a sign and its figure, a figure and σR."""
    return _HELD.sub(lambda found: found[0].replace(" ", "\u00a0"), text)


def _of_ten(power: re.Match[str]) -> str:
    return "\u00a0×\u00a010" + str(int(power[1])).translate(_RAISED)
