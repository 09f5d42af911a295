"""How values are filled into a sentence: in the forms of Python, or in one of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from string import Formatter
from typing import Any

from labqa.core.wording.typesetting import chance, decimal, held, probability, typeset

_FORMS: Mapping[str, Callable[[float], str]] = {
    "p": probability,
    "decimal": decimal,
    "percent": lambda percent: chance(percent / 100),
}
"""What a placeholder may ask for, as in {p:p}: figures that get small and need no power of ten."""


class _Plain(Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        """A count with its word (`{n:;row;rows}`: 1 row, 2 rows), or a value alone."""
        if format_spec.startswith(";"):
            return f"{self.alone(value, '')} {format_spec.split(';')[1 if str(value) == '1' else 2]}"
        return self.alone(value, format_spec)

    def alone(self, value: Any, format_spec: str) -> str:
        """A figure in one of our forms, or as Python forms it."""
        if format_spec in _FORMS:
            return _FORMS[format_spec](value)
        formed: str = super().format_field(value, format_spec)
        return formed


class _Typeset(_Plain):
    def alone(self, value: Any, format_spec: str) -> str:
        """A figure's hyphens are minus signs; those of names, dates and codes are none."""
        text = super().alone(value, format_spec)
        return typeset(text) if isinstance(value, int | float) else text


_PLAIN, _TYPESET = _Plain(), _Typeset()


def plain(text: str, values: Mapping[str, object]) -> str:
    """The text with its values, for terminals and files; KeyError where one is missing."""
    return _PLAIN.vformat(text, (), values)


def set_out(text: str, values: Mapping[str, object]) -> str:
    """The same for pages and paper: figures as `typesetting` sets them, and held in one line with their signs."""
    return held(_TYPESET.vformat(text, (), values))
