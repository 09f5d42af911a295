"""How numbers are set: thousands apart, a true minus, an en dash for what is absent."""

from __future__ import annotations

from labqa.core.wording import typesetting

ABSENT = "—"


def whole(value: float | None) -> str:
    """A count."""
    return ABSENT if value is None else f"{value:,.0f}"


def percent(value: float | None, digits: int = 1) -> str:
    """A share in percent."""
    return ABSENT if value is None else f"{value:.{digits}%}"


def chance(value: float | None) -> str:
    """A small probability in percent."""
    return ABSENT if value is None else typesetting.held(typesetting.chance(value))


def signed(value: float | None, digits: int = 2) -> str:
    """A number with its sign."""
    return ABSENT if value is None else typesetting.typeset(f"{value:+.{digits}f}")


def plain(value: float | None, digits: int = 2) -> str:
    """A number with fixed digits."""
    return ABSENT if value is None else typesetting.typeset(f"{value:.{digits}f}")


def measured(value: float | None) -> str:
    """A result, up to five significant digits."""
    return ABSENT if value is None else typesetting.typeset(f"{value:.5g}")


def significant(value: float | None, digits: int = 3) -> str:
    """A figure to so many significant digits."""
    return ABSENT if value is None else typesetting.significant(value, digits)


def interval(lower: float | None, upper: float | None) -> str:
    """Two ends of an interval."""
    return "" if lower is None or upper is None else f"[{signed(lower)}, {signed(upper)}]"
