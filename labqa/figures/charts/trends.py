"""Over the years: the programme as a whole, and one laboratory against its partners."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import numpy as np
import polars as pl

from labqa.core.vocabulary import PairKind
from labqa.core.wording.catalogue import Language
from labqa.figures.extent import reach
from labqa.figures.names import say
from labqa.figures.spec import Axis, Band, Line, Role, Series, Spec, Symbol

Measure = Literal["results", "pairs", "retest_coverage", "agreement_share"]
MEASURES: tuple[Measure, ...] = ("results", "pairs", "retest_coverage", "agreement_share")
MOST_NAMED = 10
"""Years that are named one by one, with their values; of more every few are."""
_SHARES = ("retest_coverage", "agreement_share")


def five_year_trend(summary: pl.DataFrame, language: Language, *, measure: Measure) -> Spec:
    """One national figure of SUMMARY, year by year; years of a longer window than one year are left out. Counts of
    which none is above 0 are no bars, and no figure."""
    national = (pl.col("metric") == measure) & (pl.col("scope") == "national") & pl.col("period").str.contains(r"^\d{4}$")
    rows = summary.filter(national).drop_nulls("value").sort("period")
    share = measure in _SHARES
    top = max([*rows["value"], 0.0])
    if measure == "agreement_share":
        span = (max(0.0, min([*rows["value"], 1.0]) * 2 - 1), 1.0)
    else:
        span = (0.0, min(1.0, top * 1.25 or 1.0) if share else top * 1.2 or 1.0)
    shown = [f"{value:.1%}" if share else f"{value:,.0f}" for value in rows["value"]]
    enough = rows.height >= 2 and (share or top > 0.0)
    return Spec(
        kind=f"trend_{measure}",
        language=language,
        title=say(f"trend_{measure}", language),
        caption=say("trend_caption", language),
        alt=say(
            "trend_alt",
            language,
            title=say(f"trend_{measure}", language),
            values="; ".join(map(": ".join, zip(rows["period"], shown, strict=True))),
        ),
        x=_years(tuple(rows["period"])),
        y=Axis(title=say(f"axis_{measure}", language), range=span, percent=share),
        series=(
            Series(
                name=say(f"trend_{measure}", language),
                mark="line" if share else "bar",
                x=tuple(float(position) for position in range(rows.height)),
                y=tuple(rows["value"]),
                text=tuple(shown) if rows.height <= MOST_NAMED else None,
                hover=tuple(f"{period}: {value}" for period, value in zip(rows["period"], shown, strict=True)),
                width=0.6,
                in_legend=False,
            ),
        )
        if enough
        else (),
        empty=say("trend_empty", language),
        n_shown=rows.height,
        n_total=rows.height,
    )


def lab_trend(scored: pl.DataFrame, pt_scores: pl.DataFrame, lab: str, language: Language) -> Spec:
    """A laboratory year by year: median and middle 80 % of D against its partners (its own result minus theirs) and of its z.

    `scored` is PAIRS joined with DISCREPANCIES; it may hold other laboratories, which are left out.
    """
    own = _by_year(_own_differences(scored, lab))
    z = _by_year(row for row in zip(*(pt_scores[name] for name in ("period", "z", "lab")), strict=True) if row[2] == lab)
    years = sorted(own.keys() | z.keys())
    series = tuple(
        drawn
        for drawn in (
            _spread(own, years, say("trend_own_d", language), "main", "circle", shift=-0.12),
            _spread(z, years, say("trend_own_z", language), "second", "diamond-open", shift=0.12),
        )
        if drawn.x
    )
    pairs, scores = (sum(map(len, found.values())) for found in (own, z))
    half = reach([end for drawn in series for end in (*(drawn.lower or ()), *(drawn.upper or ()))], least=2.5)
    return Spec(
        kind="lab_trend",
        language=language,
        title=say("lab_trend", language, lab=lab),
        caption=say("lab_trend_caption", language, pairs=pairs, scores=scores),
        alt=say("lab_trend_alt", language, lab=lab, years=len(years)),
        x=_years(tuple(str(year) for year in years)),
        y=Axis(title=say("axis_d_or_z", language), range=(-half, half)),
        series=series,
        bands=(Band("y", -2.0, 2.0, "±2"),),
        lines=(Line("y", 0.0),),
        empty=say("lab_trend_empty", language),
        n_shown=pairs + scores,
        n_total=pairs + scores,
    )


def _years(years: tuple[str, ...]) -> Axis:
    """An axis of years: each is named, of many every few up to the last."""
    span = (-0.6, max(len(years), 1) - 0.4)
    if len(years) <= MOST_NAMED:
        return Axis(categories=years, range=span)
    step = -(-len(years) // MOST_NAMED)
    named = range((len(years) - 1) % step, len(years), step)
    return Axis(tick_values=tuple(map(float, named)), tick_labels=tuple(years[k] for k in named), range=span)


def _own_differences(scored: pl.DataFrame, lab: str) -> Iterator[tuple[int | None, float | None]]:
    """Period and D of each pair with another laboratory, as the laboratory's own result minus the other."""
    columns = (scored[name] for name in ("period", "d", "kind", "original_lab", "retest_lab"))
    for period, d, kind, original, retest in zip(*columns, strict=True):
        if kind == PairKind.BETWEEN and lab in (original, retest):
            yield period, d if retest == lab or d is None else -d


def _by_year(found: Iterable[tuple[Any, ...]]) -> dict[int, list[float]]:
    """Values by their year, each in order; those without a year or value are left out."""
    years: dict[int, list[float]] = {}
    for period, value, *_ in found:
        if period is not None and value is not None:
            years.setdefault(period, []).append(value)
    return {year: sorted(values) for year, values in years.items()}


def _spread(
    values: dict[int, list[float]], years: list[int], name: str, colour: Role, symbol: Symbol, *, shift: float
) -> Series:
    """Median with the 10 % and 90 % points of each year."""
    by_year = [(position, values[year]) for position, year in enumerate(years) if year in values]
    points = [np.quantile(found, (0.1, 0.5, 0.9)) for _, found in by_year]
    return Series(
        name=name,
        mark="interval",
        x=tuple(position + shift for position, _ in by_year),
        y=tuple(float(point[1]) for point in points),
        lower=tuple(float(point[0]) for point in points),
        upper=tuple(float(point[2]) for point in points),
        colour=colour,
        symbol=symbol,
        hover=tuple(
            f"{name} {years[position]}: {point[1]:+.2f} [{point[0]:+.2f}, {point[2]:+.2f}], n = {len(found)}"
            for (position, found), point in zip(by_year, points, strict=True)
        ),
    )
