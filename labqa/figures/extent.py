"""How far an axis reaches, and what is left out: decisions that keep a figure legible."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from labqa.figures.spec import Axis

Known = Sequence[float | None]


def reach(values: Iterable[float | None], *, least: float, margin: float = 1.08) -> float:
    """Half-width of a symmetric axis: the largest |value| with a margin, at least `least`."""
    found = [abs(value) for value in values if value is not None]
    return max([value * margin for value in found] + [least])


def around(values: Iterable[float | None], *, margin: float = 0.08) -> tuple[float, float] | None:
    """Range that holds all values with a margin on both sides; None without values."""
    found = [value for value in values if value is not None]
    if not found:
        return None
    low, high = min(found), max(found)
    room = (high - low) * margin or abs(high) * margin or 1.0
    return low - room, high + room


def inside(values: Known, limit: float) -> tuple[float | None, ...]:
    """Values drawn at the edge of a symmetric axis where they lie beyond it."""
    return tuple(None if value is None else max(-limit, min(limit, value)) for value in values)


def trimmed(values: Iterable[float | None], share: float) -> float:
    """The |value| below which `share` of the values lie; 0 without values."""
    found = sorted(abs(value) for value in values if value is not None)
    return found[int(share * (len(found) - 1))] if found else 0.0


def ticks_of_decades(low: float, high: float) -> tuple[float, ...]:
    """Ticks of a logarithmic axis: 1, 2 and 5 times each power of ten between its ends; only the powers over many decades."""
    steps = (1.0, 2.0, 5.0) if high / low < 1e4 else (1.0,)
    found = [step * 10.0**power for power in range(-12, 13) for step in steps]
    return tuple(value for value in found if low <= value <= high)


def fraction(axis: Axis, value: float) -> float:
    """Where a value lies between the ends of its axis, 0 to 1 from low to high end (the other way round on a reversed axis)."""
    low, high = axis.range or (0.0, 1.0)
    if axis.log:
        low, high, value = math.log10(low), math.log10(high), math.log10(value)
    return (value - low) / (high - low)
