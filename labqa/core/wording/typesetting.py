"""How figures are set on pages and paper, where a program's 5e-07 would not be read."""

from __future__ import annotations

import re

_POWER = re.compile(r"e([+-]\d+)")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def typeset(figure: str) -> str:
    """A formatted figure with a true minus sign, at which no line breaks, and its power of ten: 5e-07 as 5 × 10⁻⁷."""
    return _POWER.sub(_of_ten, figure).replace("-", "−")


def significant(value: float, digits: int) -> str:
    """A figure to so many significant digits, thousands apart, with a power of ten only where it is very large or small."""
    if value == 0:
        return "0"
    if not 1e-4 <= abs(value) < 1e6:
        return typeset(f"{value:.{digits - 1}e}")
    exponent = int(f"{value:e}".partition("e")[2])
    return typeset(f"{value:,.{max(0, digits - 1 - exponent)}f}")


def chance(probability: float) -> str:
    """A probability in per cent with two significant digits; below 0.0001 % only that."""
    return "< 0.0001%" if probability < 1e-6 else f"{float(f'{probability * 100:.2g}'):.12g}%"


def _of_ten(power: re.Match[str]) -> str:
    return "\u00a0×\u00a010" + str(int(power[1])).translate(_RAISED)
