"""Number formats of workbooks (ECMA-376 part 1, 18.8.31) that show something else than the number: "<"0.00, a
unit, 0.0, (in thousands)."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable

_PLAIN = re.compile(r"(?:General|G/通用格式|[0#?.,+\-()%/Ee@\s])+", re.IGNORECASE)
_NOT_SHOWN = re.compile(r"\[(?![hms]+\])[^\]]*\]|_.|\*.|\\[\s()\-]|\"[\s()\-]*\"", re.IGNORECASE)
"""Colours, conditions and locales; widths; signs and brackets of negative numbers."""
_SCALED = re.compile(r"[0#?],+(?![0#?,])")
_LITERAL, _OF_DATES = re.compile(r"\"[^\"]*\"|\\."), re.compile(r"[ymdhs年月日]", re.IGNORECASE)
_CONDITION = re.compile(r"\[(<=|>=|<>|<|>|=)(-?[0-9.]+)\]")
_HOLDS: dict[str, Callable[[float, float], bool]] = {
    **{"<=": operator.le, ">=": operator.ge, "<>": operator.ne},
    **{"<": operator.lt, ">": operator.gt, "=": operator.eq},
}


def is_percentage(code: str) -> bool:
    """Whether a format shows a fraction as a percentage."""
    return "%" in _LITERAL.sub("", code)


def may_mislead(code: str) -> bool:
    """Whether a format shows any number as something else."""
    return any(map(_misleads, _sections(code)))


def misleads(code: str, number: float) -> bool:
    """Whether a format shows this number as something else."""
    sections = _sections(code)
    conditions = [_CONDITION.search(section) for section in sections]
    if any(conditions):
        holding = (
            section
            for section, said in zip(sections, conditions, strict=True)
            if said is None or _HOLDS[said[1]](number, float(said[2]))
        )
        return _misleads(next(holding, sections[-1]))
    of_sign = 0 if number > 0 else 1 if number < 0 else 2
    return _misleads(sections[of_sign if of_sign < len(sections) else 0])


def _sections(code: str) -> list[str]:
    """The sections for numbers: positive, negative, zero, or by their conditions; the fourth is for text."""
    return (code or "General").split(";")[:3]


def _misleads(section: str) -> bool:
    bare = _NOT_SHOWN.sub("", section)
    if _OF_DATES.search(_LITERAL.sub("", bare)):
        return False
    return not _PLAIN.fullmatch(bare) or bool(_SCALED.search(bare))
