"""How numbers are set: thousands apart, a true minus, an en dash for what is absent."""

from __future__ import annotations

from labqa.core.wording.typesetting import typeset

ABSENT = "—"


def whole(value: float | None) -> str:
    """A count."""
    return ABSENT if value is None else f"{value:,.0f}"


def percent(value: float | None, digits: int = 1) -> str:
    """A share in percent."""
    return ABSENT if value is None else f"{value:.{digits}%}"


def chance(value: float | None) -> str:
    """A small probability in percent with two significant digits; below 0.0001 % only that."""
    if value is None:
        return ABSENT
    return "< 0.0001%" if value < 1e-6 else f"{float(f'{value * 100:.2g}'):.12g}%"


def signed(value: float | None, digits: int = 2) -> str:
    """A number with its sign."""
    return ABSENT if value is None else typeset(f"{value:+.{digits}f}")


def plain(value: float | None, digits: int = 2) -> str:
    """A number with fixed digits."""
    return ABSENT if value is None else typeset(f"{value:.{digits}f}")


def measured(value: float | None) -> str:
    """A result, up to five significant digits."""
    return ABSENT if value is None else typeset(f"{value:.5g}")


def significant(value: float | None, digits: int = 3) -> str:
    """A figure to so many significant digits, without exponent where it is of ordinary size."""
    if value is None:
        return ABSENT
    size = abs(value)
    if size and not 1e-4 <= size < 1e6:
        return typeset(f"{value:.{digits - 1}e}")
    places = max(0, digits - 1 - int(f"{size:e}".split("e")[1]))
    return typeset(f"{value:,.{places}f}")


def interval(lower: float | None, upper: float | None) -> str:
    """Two ends of an interval."""
    return "" if lower is None or upper is None else f"[{signed(lower)}, {signed(upper)}]"
