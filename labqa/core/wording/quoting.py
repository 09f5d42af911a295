"""How what somebody else wrote is quoted in a sentence: nothing in it acts on a terminal, and none of it hides or floods."""

from __future__ import annotations

_BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0" + "".join(
    map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10)))
)
"""Characters that Python takes for printable and nobody sees: fillers, joiners and variation selectors."""
_MOST = {"value": 80, "column": 80, "sheet": 80, "part": 80, "expected": 400, "found": 400, "columns": 800}
"""Characters that are quoted, by the name of the value in a sentence; of other names all are."""


def visible(text: str) -> str:
    """The text with every character that cannot be seen as its \\u code."""
    if text.isprintable() and not any(blank in text for blank in _BLANK):
        return text
    return "".join(one if one.isprintable() and one not in _BLANK else _code(one) for one in text)


def beginning(name: str, text: str) -> str | None:
    """What is quoted of a text that is too long for the value of this name; None if all of it is."""
    most = _MOST.get(name)
    return None if most is None or len(text) <= most else text[:most]


def _code(one: str) -> str:
    return f"\\u{ord(one):04x}" if ord(one) < 1 << 16 else f"\\U{ord(one):08x}"
