"""How often original and retest agree, by product, family or item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import polars as pl

from labqa.core.wording.catalogue import Language
from labqa.figures.names import say, shortened
from labqa.figures.spec import Axis, Line, Series, Spec
from labqa.stats.proportions import wilson

By = Literal["product", "family", "item"]
FEW = 10
"""Pairs below which a share is drawn as an open grey point."""


def agreement_by(
    summary: pl.DataFrame,
    called: Mapping[str, str],
    language: Language,
    *,
    by: By,
    period: str,
    metric: str = "agreement_share",
    limit: int = 25,
) -> Spec:
    """Share of agreeing pairs by product, family or item with 95 % intervals, the worst first (SUMMARY).

    `called` names the codes; `metric` may be `duplicate_agreement_share` for duplicates of one laboratory.
    """
    rows = shares(summary, by=by, period=period, metric=metric)
    kept = rows.head(limit)
    drawn = kept.with_row_index("position")
    whole = shares(summary, by="national", period=period, metric=metric)["value"].to_list()
    start = max(0.0, min([*drawn["low"], *drawn["value"], *whole, 0.9]) - 0.02)
    return Spec(
        kind=f"agreement_by_{by}",
        language=language,
        title=say(f"agreement_by_{by}", language),
        caption=say("agreement_caption", language, shown=kept.height, total=rows.height, few=FEW),
        alt=say("agreement_alt", language, shown=kept.height, worst=_spoken(kept, called)),
        x=Axis(title=say("axis_agreement_share", language), range=(start, 1.0 + (1.0 - start) * 0.03), percent=True),
        y=Axis(
            categories=tuple(
                f"{shortened(called.get(code, code), 30)} (n={count:,})"
                for code, count in kept.select("scope_id", "n").iter_rows()
            ),
            short=tuple(shortened(called.get(code, code), 18) for code in kept["scope_id"]),
            range=(max(kept.height, 1) + 0.2, -1.3),  # room for the word at the line above the first row
        ),
        series=tuple(
            _shares(part, called, language)
            for part in (drawn.filter(~pl.col("few")), drawn.filter(pl.col("few")))
            if part.height
        ),
        lines=tuple(
            Line("x", value, say("national_share", language, share=value), "limit", dashed=True) for value in whole[:1]
        ),
        empty=say("pairs_empty", language),
        n_shown=kept.height,
        n_total=rows.height,
    )


def shares(summary: pl.DataFrame, *, by: str, period: str, metric: str = "agreement_share") -> pl.DataFrame:
    """Shares of agreeing pairs by a scope of SUMMARY with Wilson's 95 % intervals: scope_id, value, n, few, low, high; the
    worst first, those of fewer than 10 pairs (`few`) last."""
    here = (pl.col("metric") == metric) & (pl.col("period") == period) & (pl.col("scope") == by) & (pl.col("n") > 0)
    found = summary.filter(here).drop_nulls("value").select("scope_id", "value", "n").with_columns(few=pl.col("n") < FEW)
    found = found.sort("few", "value", "scope_id")
    n = found["n"].to_numpy()
    low, high = wilson(found["value"].to_numpy() * n, n)
    return found.with_columns(low=pl.Series(low, dtype=pl.Float64), high=pl.Series(high, dtype=pl.Float64))


def _shares(rows: pl.DataFrame, called: Mapping[str, str], language: Language) -> Series:
    few = bool(rows["few"][0])
    return Series(
        name=say("few_pairs" if few else "enough_pairs", language, few=FEW),
        mark="interval",
        x=tuple(rows["value"]),
        y=tuple(float(position) for position in rows["position"]),
        lower=tuple(rows["low"]),
        upper=tuple(rows["high"]),
        colour="quiet" if few else "main",
        symbol="circle-open" if few else "circle",
        ids=tuple(rows["scope_id"]),
        hover=tuple(
            f"{called.get(code, code)}: {value:.1%} [{low:.1%}, {high:.1%}], n = {n}"
            for code, value, low, high, n in rows.select("scope_id", "value", "low", "high", "n").iter_rows()
        ),
        horizontal=True,
    )


def _spoken(rows: pl.DataFrame, called: Mapping[str, str]) -> str:
    return "; ".join(
        f"{called.get(code, code)} {value:.1%}" for code, value in rows.head(3).select("scope_id", "value").iter_rows()
    )
