"""How figures are set on pages and paper, where a program's 5e-07 would not be read."""

from __future__ import annotations

import re

_POWER = re.compile(r"e([+-]\d+)")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def typeset(figure: str) -> str:
    """A formatted figure with a true minus sign, at which no line breaks, and its power of ten: 5e-07 as 5 × 10⁻⁷."""
    return _POWER.sub(_of_ten, figure).replace("-", "−")


def _of_ten(power: re.Match[str]) -> str:
    return "\u00a0×\u00a010" + str(int(power[1])).translate(_RAISED)
