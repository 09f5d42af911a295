"""What an evaluation reads: the years asked for, and the years that its edition looks back on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from labqa.core.errors import UsageError

Year = int | None
"""A year, or None for undated rounds."""


@dataclass(frozen=True)
class Window:
    """Years of a run. `asked`: those evaluated; `evidence`: those whose results inform biases; `veto`: those of the legal
    counting rule; `trend`: those of the trend; `read`: all of them together. Undated rounds are in `all` only."""

    label: str
    asked: tuple[Year, ...]
    evidence: tuple[Year, ...]
    veto: tuple[Year, ...]
    trend: tuple[Year, ...]

    @property
    def read(self) -> tuple[Year, ...]:
        """Every year that the run reads, undated last."""
        every = {*self.asked, *self.evidence, *self.veto, *self.trend}
        return tuple(sorted(every, key=lambda year: (year is None, year or 0)))

    @property
    def as_of(self) -> date:
        """Last day of the last year asked for: the class in force is that of this day."""
        dated = [year for year in self.asked if year is not None]
        return date(max(dated), 12, 31) if dated else date.max


def window(period: str, there: Iterable[Year], *, evidence_years: int, veto_years: int, trend_years: int) -> Window:
    """The window of `period` (a year, a range `2016-2018`, or `all`) over the years that are there.

    Raises UsageError if the period is not of that form, or holds no results.
    """
    known = sorted({year for year in there if year is not None})
    undated: tuple[Year, ...] = (None,) if any(year is None for year in there) else ()
    if period == "all":
        asked: tuple[Year, ...] = (*known, *undated)
    else:
        found = re.fullmatch(r"(\d{4})(?:-(\d{4}))?", period)
        if not found:
            raise UsageError("service.period_form", period=period)
        first, last = int(found[1]), int(found[2] or found[1])
        if first > last:
            raise UsageError("service.period_backwards", period=period, meant=f"{last}-{first}")
        asked = tuple(year for year in known if first <= year <= last)
    if not asked:
        raise UsageError("service.period_empty", period=period, there=", ".join(map(str, known)) or "—")
    last_year = max((year for year in asked if year is not None), default=None)

    def back(years: int) -> tuple[Year, ...]:
        looked = [year for year in known if last_year is not None and last_year - years < year <= last_year]
        return (*looked, *undated) if period == "all" else tuple(looked)

    evidence = tuple(year for year in (*known, *undated) if year in {*asked, *back(evidence_years)})
    return Window(period, asked, evidence, back(veto_years), back(trend_years))
