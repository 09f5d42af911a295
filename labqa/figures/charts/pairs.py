"""Pairs: the largest differences of a run, and one pair with its tolerance and limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from labqa.core.vocabulary import Category, PairKind
from labqa.core.wording.catalogue import Language
from labqa.figures.extent import around, ticks_of_decades
from labqa.figures.names import names, say, shortened, units
from labqa.figures.spec import Axis, Band, Line, Role, Series, Spec, Symbol

_CATEGORIES: tuple[tuple[Category, Role, Symbol], ...] = (
    (Category.BLUNDER_SUSPECTED, "alarm", "cross"),
    (Category.DISCREPANT, "second", "square"),
    (Category.WITHIN_LIMITS, "main", "circle"),
    (Category.AGREE, "quiet", "circle-open"),
)
_FAR = 8.0
"""Ratio of largest to limit from which the axis is logarithmic."""


def largest_discrepancies(scored: pl.DataFrame, items: pl.DataFrame, language: Language, *, limit: int = 25) -> Spec:
    """The pairs between laboratories that differ most, as |Δ| / R; `scored` is PAIRS joined with DISCREPANCIES."""
    judged = scored.filter((pl.col("kind") == PairKind.BETWEEN) & (pl.col("r_ratio") > 0))
    kept = judged.sort("r_ratio", "pair", descending=[True, False]).head(limit).with_row_index("position")
    called, unit = names(items, "item", language), units(items)
    largest = max([*kept["r_ratio"], 1.0])
    log = largest > _FAR
    return Spec(
        kind="largest_discrepancies",
        language=language,
        title=say("largest_discrepancies", language),
        caption=say("largest_discrepancies_caption", language, shown=kept.height, total=judged.height),
        alt=say("largest_discrepancies_alt", language, shown=kept.height, largest=largest),
        x=Axis(
            title=say("axis_r_ratio", language),
            log=log,
            range=(0.5, largest * 1.3) if log else (0.0, largest * 1.1),
            tick_values=ticks_of_decades(0.5, largest * 1.3) if log else None,
        ),
        y=Axis(
            categories=tuple(_row_label(row, called, 22) for row in kept.iter_rows(named=True)),
            short=tuple(_row_label(row, called, 10) for row in kept.iter_rows(named=True)),
            range=(max(kept.height, 1) + 0.2, -0.6),
        ),
        series=tuple(
            _dots(rows, say(f"category_{category}", language), colour, symbol, called, unit, language)
            for category, colour, symbol in _CATEGORIES
            if not (rows := kept.filter(pl.col("category") == category)).is_empty()
        ),
        lines=(Line("x", 1.0, "R", "limit"),),
        empty=say("pairs_empty", language),
        n_shown=kept.height,
        n_total=judged.height,
    )


def _row_label(row: dict[str, Any], called: dict[str, str], width: int) -> str:
    """The item, its name cut to `width`, and who tested first and again."""
    return f"{shortened(called.get(row['item'], row['item']), width)} · {row['original_lab']} → {row['retest_lab']}"


def _dots(
    rows: pl.DataFrame,
    name: str,
    colour: Role,
    symbol: Symbol,
    called: dict[str, str],
    unit: dict[str, str],
    language: Language,
) -> Series:
    return Series(
        name=name,
        mark="point",
        x=tuple(rows["r_ratio"]),
        y=tuple(float(position) for position in rows["position"]),
        colour=colour,
        symbol=symbol,
        ids=tuple(rows["pair"]),
        hover=tuple(
            say(
                "pair_hover",
                language,
                item=called.get(row["item"], row["item"]),
                sample=row["sample"],
                first=_amount(row["original_value"], unit.get(row["item"], "")),
                second=_amount(row["retest_value"], unit.get(row["item"], "")),
                ratio=row["r_ratio"],
            )
            for row in rows.iter_rows(named=True)
        ),
    )


def _amount(value: float | None, unit: str) -> str:
    return "—" if value is None else f"{value:.5g} {unit}".rstrip()


def pair_figure(
    pair: Mapping[str, Any],
    discrepancy: Mapping[str, Any],
    original: Mapping[str, Any],
    retest: Mapping[str, Any],
    item: Mapping[str, Any],
    language: Language,
) -> Spec:
    """Two results of one sample and item with their stated uncertainty, the tolerance around the first, and the item's limits.

    Each argument is one row as a mapping: of PAIRS, DISCREPANCIES, RESULTS (twice) and ITEMS; a missing row is empty.
    """
    sides = [("original", original, pair.get("original_lab")), ("retest", retest, pair.get("retest_lab"))]
    series = tuple(
        drawn
        for position, (side, row, _) in enumerate(sides)
        if (drawn := _result(position, say(f"role_{side}", language), row, language))
    )
    first, sigma = original.get("value"), discrepancy.get("sigma_R")
    bands: tuple[Band, ...] = ()
    if first is not None and sigma:
        bands = (Band("x", first - 2.8 * sigma, first + 2.8 * sigma, say("band_r", language)),)
    lines = tuple(
        Line("x", item[f"{end}_limit"], say(f"{end}_limit", language), "limit")
        for end in ("lower", "upper")
        if item.get(f"{end}_limit") is not None
    )
    ends = [end for drawn in series for end in (*drawn.x, *(drawn.lower or ()), *(drawn.upper or ()))]
    reaching = [*ends, *(edge for band in bands for edge in (band.low, band.high)), *(line.at for line in lines)]
    called = item.get(f"name_{language}") or item.get("name_en") or item.get("item", "")
    return Spec(
        kind="pair_figure",
        language=language,
        title=say("pair_figure", language, item=called, sample=pair.get("sample", "")),
        caption=say("pair_figure_caption", language),
        alt=say("pair_figure_alt", language, first=original.get("raw", "—"), second=retest.get("raw", "—")),
        x=Axis(title=called, unit="" if item.get("unit") in (None, "1") else str(item["unit"]), range=around(reaching)),
        y=Axis(
            categories=tuple(
                f"{say(f'role_{side}', language)} {lab or '—'}: {row.get('raw', '—')}" for side, row, lab in sides
            ),
            short=tuple(f"{say(f'role_{side}', language)}: {row.get('raw', '—')}" for side, row, _ in sides),
            range=(2.0, -0.6),
        ),
        series=series,
        bands=bands,
        lines=lines,
        empty=say("pair_empty", language),
        n_shown=len(series),
        n_total=2,
    )


def _result(position: int, name: str, row: Mapping[str, Any], language: Language) -> Series | None:
    """A result as a point with its expanded uncertainty; a censored one as an open point at its reporting limit."""
    value, u = row.get("value"), row.get("u")
    at = value if value is not None else row.get("upper") if row.get("upper") is not None else row.get("lower")
    if at is None:
        return None
    spread = 2 * u if u is not None and value is not None else None
    return Series(
        name=name,
        mark="interval",
        x=(at,),
        y=(float(position),),
        lower=(at - spread if spread is not None else None,),
        upper=(at + spread if spread is not None else None,),
        colour="main" if position == 0 else "second",
        symbol=("circle" if position == 0 else "square") if value is not None else "circle-open",
        ids=(row.get("result", ""),),
        hover=(say("result_hover", language, name=name, raw=row.get("raw", "—"), u="—" if u is None else f"{2 * u:.3g}"),),
        horizontal=True,
        in_legend=False,
    )
