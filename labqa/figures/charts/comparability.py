"""One laboratory and its partners: do direct and indirect evidence agree?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

from labqa.core.wording.catalogue import Language
from labqa.figures.extent import trimmed
from labqa.figures.names import names, say, shortened
from labqa.figures.spec import Axis, Line, Role, Series, Spec, Symbol

Row = dict[str, Any]
_KINDS: tuple[tuple[str, Role, Symbol, float], ...] = (
    ("direct", "second", "circle-open", -0.45),
    ("indirect", "quiet", "diamond-open", 0.0),
    ("network", "main", "circle", 0.45),
)


def partner_forest(contrasts: pl.DataFrame, labs: pl.DataFrame, lab: str, language: Language, *, limit: int = 16) -> Spec:
    """Direct, indirect and network difference to each partner with 95 % intervals; pairs that disagree stand first.

    `contrasts` are rows of LAB_CONTRASTS turned so that `lab` is their first laboratory; those without a network difference
    are not drawn.
    """
    known = [row for row in contrasts.iter_rows(named=True) if row["other"] and row["network"] is not None]
    rows = worst_first(known)[:limit]
    called = names(labs, "lab", language)
    span = _span(rows)
    labels = [label for row in rows for label in (shortened(coded(row["other"], called), 34), "")]
    codes = [label for row in rows for label in (str(row["other"]), "")]
    return Spec(
        kind="partner_forest",
        language=language,
        title=say("partner_forest", language, lab=lab),
        caption=say("partner_forest_caption", language, shown=len(rows), total=len(known)),
        alt=say("partner_forest_alt", language, lab=lab, shown=len(rows), n=sum(map(disagree, rows))),
        x=Axis(title=say("axis_contrast", language), unit="σR", range=span),
        y=Axis(categories=tuple(labels[:-1]), short=tuple(codes[:-1]), range=(2.0 * max(len(rows), 1) - 1.0, -1.0)),
        series=tuple(_series(kind, rows, called, language, span) for kind in _KINDS) + _marked(rows, called, language, span),
        lines=(Line("x", 0.0),),
        empty=say("partner_empty", language),
        n_shown=len(rows),
        n_total=len(known),
    )


def disagree(row: Row) -> bool:
    """Whether direct and indirect evidence of a row of LAB_CONTRASTS disagree."""
    return row["agree"] is False


def worst_first(rows: Iterable[Row]) -> list[Row]:
    """Rows of LAB_CONTRASTS, those that disagree first, then by the number of samples."""
    return sorted(rows, key=lambda row: (not disagree(row), -row["n_samples"], row["other"]))


def coded(code: str, called: dict[str, str]) -> str:
    """Code and name of a laboratory."""
    name = called.get(code, code)
    return code if name == code else f"{code} {name}"


def _span(rows: list[Row]) -> tuple[float, float]:
    """Ends of the axis: zero, the whole of what disagrees, and the bulk of the others on either side."""
    shown = ("direct", "indirect", "network")
    off = [end for row in rows if disagree(row) for name in shown for end in _ends(row, name) if end is not None]
    ends = [end for row in rows for name in shown for end in _ends(row, name) if end is not None]
    below = [*(end for end in off if end < 0), -trimmed([end for end in ends if end < 0], 0.95)]
    above = [*(end for end in off if end > 0), trimmed([end for end in ends if end > 0], 0.95)]
    low, high = min([-1.0, *below]), max([1.0, *above])
    return low - 0.08 * (high - low), high + 0.04 * (high - low)


def _within(values: Sequence[float | None], span: tuple[float, float]) -> tuple[float | None, ...]:
    """Values drawn at the edge of the axis where they lie beyond it."""
    return tuple(None if value is None else max(span[0], min(span[1], value)) for value in values)


def _ends(row: Row, name: str) -> tuple[float | None, float | None]:
    """Ends of the 95 % interval."""
    before = "" if name == "network" else f"{name}_"
    return row[f"{before}lower"], row[f"{before}upper"]


def _series(
    kind: tuple[str, Role, Symbol, float],
    rows: list[Row],
    called: dict[str, str],
    language: Language,
    span: tuple[float, float],
) -> Series:
    name, colour, symbol, shift = kind
    drawn = [(k, row) for k, row in enumerate(rows) if row[name] is not None]
    ends = [_ends(row, name) for _, row in drawn]
    return Series(
        name=say(f"contrast_{name}", language),
        mark="interval",
        x=tuple(value or 0.0 for value in _within([row[name] for _, row in drawn], span)),
        y=tuple(2.0 * k + shift for k, _ in drawn),
        lower=_within([low for low, _ in ends], span),
        upper=_within([high for _, high in ends], span),
        colour=colour,
        symbol=symbol,
        ids=tuple(str(row["other"]) for _, row in drawn),
        hover=tuple(_hover(row, name, called, language) for _, row in drawn),
        horizontal=True,
    )


def _marked(rows: list[Row], called: dict[str, str], language: Language, span: tuple[float, float]) -> tuple[Series, ...]:
    """A mark at the edge of each row whose direct and indirect evidence disagree."""
    off = [(k, row) for k, row in enumerate(rows) if disagree(row)]
    if not off:
        return ()
    return (
        Series(
            name=say("contrast_disagree", language),
            mark="point",
            x=(span[0] + 0.015 * (span[1] - span[0]),) * len(off),
            y=tuple(2.0 * k for k, _ in off),
            colour="alarm",
            symbol="cross",
            ids=tuple(str(row["other"]) for _, row in off),
            hover=tuple(
                say("disagree_hover", language, name=coded(str(row["other"]), called), q=row["q_value"]) for _, row in off
            ),
        ),
    )


def _hover(row: Row, name: str, called: dict[str, str], language: Language) -> str:
    low, high = _ends(row, name)
    return say(
        "contrast_hover",
        language,
        name=coded(str(row["other"]), called),
        kind=say(f"contrast_{name}", language),
        estimate=row[name],
        lower=low,
        upper=high,
        n=row["n_samples"],
        pairs=row["equivalent_pairs"],
    )
