"""What each line of an edition finds in a laboratory's indicators: points, a sentence with figures, evidence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from labqa.core.vocabulary import Ground, Scope, Status, Zero
from labqa.core.wording.catalogue import Message
from labqa.rating.rulesets import Edition
from labqa.stats import bounds

Row = Mapping[str, Any]
SET_ASIDE = "bias.set_aside"
"""Reason of a bias that is withheld since too many of its tests were set aside."""
DIGITS = 4
"""Significant digits of the figures in a sentence: the last bits of a computation must not show in a text."""


@dataclass(frozen=True)
class Finding:
    """A line of the edition that applied to a laboratory."""

    line: str
    message: Message
    points: float | None = None
    ground: Ground | None = None
    evidence: tuple[str, ...] = ()


def said(key: str, **values: object) -> Message:
    """A sentence of this room; its figures are rounded to `DIGITS` significant digits."""
    return Message(f"rating.{key}", {name: _figure(value) for name, value in values.items()})


def by_lab(tested: pl.DataFrame, indicators: pl.DataFrame, edition: Edition) -> dict[str, list[Finding]]:
    """All findings of the laboratories of which something was tested, in the order in which they are read."""
    excesses: dict[str, list[Row]] = defaultdict(list)
    for row in _excess_rows(indicators, edition).iter_rows(named=True):
        excesses[row["lab"]].append(row)
    aside = _items_set_aside(indicators, edition)
    found: dict[str, list[Finding]] = {}
    for (lab,), rows in tested.partition_by("lab", as_dict=True, maintain_order=True).items():
        hypotheses: list[Row] = list(rows.iter_rows(named=True))
        items = aside.get(str(lab), [])
        findings = [
            *_bias(hypotheses, edition),
            *_set_aside(items),
            *_precision(hypotheses, edition),
            *_gross(hypotheses, edition),
        ]
        findings += [_excess(row, edition) for row in excesses[str(lab)]]
        found[str(lab)] = [*findings, *([] if items else _accuracy(hypotheses, edition))]
    return found


def _bias(hypotheses: list[Row], edition: Edition) -> Iterable[Finding]:
    """Points are taken once, with the mean or else the most telling item that was found; other finds stand beside it."""
    tests = sorted((row for row in hypotheses if row["line"] == "bias"), key=_mean_then_most_telling)
    for place, row in enumerate(row for row in tests if row["found"]):
        points = -edition.number("bias_points") if place == 0 else 0.0
        yield Finding("bias", _bias_sentence(row, edition), points, Ground.BIAS, tuple(row["evidence"]))
    for row in tests:
        if row["p"] <= row["alpha"] and not row["found"]:
            yield Finding("bias", _hangs_sentence(row, edition), 0.0, None, tuple(row["evidence"]))
    if tests and not any(row["found"] for row in tests):
        yield Finding("bias", _none_found(tests, edition), 0.0)


def _items_set_aside(indicators: pl.DataFrame, edition: Edition) -> dict[str, list[str]]:
    """Items, by laboratory whose mean bias is assessed, of which nothing is said since their tests were set aside."""
    rows = indicators.filter(pl.col("indicator") == edition.lines["bias"].indicator)
    means = rows.filter((pl.col("scope") == str(Scope.LAB)) & (pl.col("status") == str(Status.ASSESSED)))
    items = rows.filter((pl.col("scope") == str(Scope.ITEM)) & (pl.col("reason") == SET_ASIDE))
    named = items.join(means, on="lab", how="semi").sort("lab", "scope_id")
    return {str(lab): part["scope_id"].to_list() for (lab,), part in named.partition_by("lab", as_dict=True).items()}


def _set_aside(items: list[str]) -> Iterable[Finding]:
    """What was found of the other items says nothing of these."""
    for item in items:
        yield Finding("bias", said("item_set_aside", item=item), 0.0)


def _mean_then_most_telling(row: Row) -> tuple[bool, float, str]:
    return row["scope"] != str(Scope.LAB), row["p_strict"], row["scope_id"]


def _hangs_sentence(row: Row, edition: Edition) -> Message:
    """A bias beyond the bound at the yardstick as it is, but not at a larger or smaller one."""
    values = {
        "estimate": row["estimate"],
        "bound": edition.number("tolerated_bias"),
        "swing": 100 * edition.number("yardstick_swing"),
    }
    if row["scope"] == str(Scope.LAB):
        return said("mean_hangs_on_yardstick", **values)
    return said("item_hangs_on_yardstick", item=row["scope_id"], **values)


def _bias_sentence(row: Row, edition: Edition) -> Message:
    """Anchored: biased; relative to peers: differs from them, and no more is said."""
    zero = "anchored" if row["zero"] == str(Zero.ANCHORED) else "relative"
    values = {name: row[name] for name in ("estimate", "lower", "upper", "n", "p", "m", "alpha")}
    swing = 100 * edition.number("yardstick_swing")
    bound = edition.number("tolerated_bias")
    if row["scope"] == str(Scope.LAB):
        return said(f"bias_mean_{zero}", **values, bound=bound, swing=swing)
    return said(f"bias_item_{zero}", **values, item=row["scope_id"], bound=bound, swing=swing)


def _none_found(tests: list[Row], edition: Edition) -> Message:
    """What was tested, and the smallest mean bias that this evidence would have shown."""
    bound = edition.number("tolerated_bias")
    mean = next((row for row in tests if row["scope"] == str(Scope.LAB)), None)
    if mean is None:
        return said("bias_none_found_items", tests=len(tests), bound=bound)
    strict = bound * (1.0 + edition.number("yardstick_swing"))
    smallest = bounds.smallest_shown(
        np.float64(mean["se"]), np.float64(mean["df"]), bound=strict, alpha=np.float64(mean["alpha"])
    )
    values = {name: mean[name] for name in ("estimate", "lower", "upper", "n")}
    return said("bias_none_found", **values, tests=len(tests), bound=bound, smallest=float(smallest))


def _precision(hypotheses: list[Row], edition: Edition) -> Iterable[Finding]:
    for row in hypotheses:
        if row["line"] == "precision":
            key = "precision_worse" if row["found"] else "precision_none_found"
            points = -edition.number("precision_points") if row["found"] else 0.0
            values = {name: row[name] for name in ("estimate", "lower", "upper", "df", "p", "m", "alpha")}
            message = said(key, **values, bound=edition.number("tolerated_precision"))
            yield Finding(
                "precision",
                message,
                points,
                Ground.PRECISION if row["found"] else None,
                tuple(row["evidence"]) if row["found"] else (),
            )


def _gross(hypotheses: list[Row], edition: Edition) -> Iterable[Finding]:
    """What the fit of biases sets aside is no part of a bias, and is counted here."""
    for row in hypotheses:
        if row["line"] == "gross":
            percent = {"share": row["estimate"], "lower": row["lower"], "upper": row["upper"], "others": row["share"] or 0.0}
            percent |= {"expected": row["expected"] or 0.0, "tolerated": edition.number("tolerated_gross")}
            values = {name: 100 * value for name, value in percent.items()} | {"n_others": row["n_others"] or 0}
            values |= {name: row[name] for name in ("n", "p", "alpha", "m")}
            found = row["found"]
            key = "gross_found" if found else "gross_none_found" if row["estimate"] else "gross_none"
            points = -edition.number("gross_points") if found else 0.0
            yield Finding("gross", said(key, **values), points, Ground.GROSS if found else None, tuple(row["evidence"]))


def _excess_rows(indicators: pl.DataFrame, edition: Edition) -> pl.DataFrame:
    """Assessed excesses of discrepancies and changed verdicts, with an interval."""
    line_of = {edition.lines[line].indicator: line for line in ("discrepancy", "flips")}
    wanted = (
        pl.col("indicator").is_in(list(line_of))
        & (pl.col("scope") == str(Scope.LAB))
        & (pl.col("status") == str(Status.ASSESSED))
        & pl.col("estimate").is_not_null()
        & pl.col("lower").is_not_null()
    )
    return indicators.filter(wanted).with_columns(line=pl.col("indicator").replace_strict(line_of)).sort("lab", "line")


def _excess(row: Row, edition: Edition) -> Finding:
    """More than expected where the interval lies above zero."""
    more = row["lower"] > 0
    points = edition.number("discrepancy_points" if row["line"] == "discrepancy" else "flip_points")
    message = said(
        f"{row['line']}_{'more' if more else 'as_expected'}",
        estimate=100 * row["estimate"],
        lower=100 * row["lower"],
        n=row["n"],
    )
    ground = Ground.POINTS if more and points > 0 else None
    return Finding(row["line"], message, -points if more else 0.0, ground, tuple(row["evidence"]) if more else ())


def _accuracy(hypotheses: list[Row], edition: Edition) -> Iterable[Finding]:
    """The bonus line: the mean and every assessed item proven to lie within the tolerated bias, and no gross errors found."""
    tests = [row for row in hypotheses if row["line"] == "bias"]
    bound = edition.number("tolerated_bias")
    gross = any(row["found"] for row in hypotheses if row["line"] == "gross")
    within = [
        row["lower"] is not None and row["upper"] is not None and -bound <= row["lower"] <= row["upper"] <= bound
        for row in tests
    ]
    scopes = {row["scope"] for row in tests}
    if {str(Scope.LAB), str(Scope.ITEM)} <= scopes and all(within) and not gross:
        items = len(tests) - 1
        yield Finding(
            "accuracy_shown", said("accuracy_shown", items=items, bound=bound), edition.number("accuracy_points"), Ground.POINTS
        )


def _figure(value: object) -> object:
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value
