"""One laboratory and its partners: do direct and indirect evidence agree, and how firmly is each pair tied?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import polars as pl

from labqa.core.vocabulary import Status
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
_STEPS = ((30.0, 7.0), (10.0, 4.5), (3.0, 2.5), (0.0, 1.2))
"""Least equivalent pairs of each width of a link, widest first."""


def partner_forest(contrasts: pl.DataFrame, labs: pl.DataFrame, lab: str, language: Language, *, limit: int = 16) -> Spec:
    """Direct, indirect and network difference to each partner with 95 % intervals; pairs that disagree stand first.

    `contrasts` are rows of LAB_CONTRASTS turned so that `lab` is their first laboratory; those without a network difference
    are not drawn.
    """
    known = [row for row in contrasts.iter_rows(named=True) if row["other"] and row["network"] is not None]
    rows = worst_first(known)[:limit]
    called = names(labs, "lab", language)
    span = _span(rows)
    labels = [label for row in rows for label in (shortened(_called(row["other"], called), 18), "")]
    return Spec(
        kind="partner_forest",
        language=language,
        title=say("partner_forest", language, lab=lab),
        caption=say("partner_forest_caption", language, shown=len(rows), total=len(known)),
        alt=say("partner_forest_alt", language, lab=lab, shown=len(rows), n=sum(map(disagree, rows))),
        x=Axis(title=say("axis_contrast", language), unit="σR", range=span),
        y=Axis(categories=tuple(labels[:-1]), range=(2.0 * max(len(rows), 1) - 1.0, -1.0)),
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


def _called(code: str, called: dict[str, str]) -> str:
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
                say("disagree_hover", language, name=_called(str(row["other"]), called), q=row["q_value"]) for _, row in off
            ),
        ),
    )


def _hover(row: Row, name: str, called: dict[str, str], language: Language) -> str:
    low, high = _ends(row, name)
    return say(
        "contrast_hover",
        language,
        name=_called(str(row["other"]), called),
        kind=say(f"contrast_{name}", language),
        estimate=row[name],
        lower=low,
        upper=high,
        n=row["n_samples"],
        pairs=row["equivalent_pairs"],
    )


def ego_network(
    contrasts: pl.DataFrame, among: pl.DataFrame, labs: pl.DataFrame, lab: str, language: Language, *, limit: int = 24
) -> Spec:
    """One laboratory amid its partners: the wider a link, the more direct pairs it is worth; bridges stand out.

    `contrasts` as for `partner_forest`; `among` are rows of LAB_CONTRASTS between partners, drawn thin: they are the ways
    round by which indirect evidence comes. Partners run clockwise from the top, the most firmly tied first.
    """
    partners = [row for row in contrasts.iter_rows(named=True) if row["other"]]
    rows = sorted(partners, key=_most_firmly_tied_first)[:limit]
    called = names(labs, "lab", language)
    n = max(len(rows), 1)
    place = {str(row["other"]): _on_circle(k, n) for k, row in enumerate(rows)}
    bridges = sum(bool(row["bridge"]) for row in rows)
    links = among["lab"], among["other"]
    between = [(one, other) for one, other in zip(*links, strict=True) if one in place and other in place][:300]
    return Spec(
        kind="ego_network",
        language=language,
        title=say("ego_network", language, lab=lab),
        caption=say("ego_network_caption", language, shown=len(rows), total=len(partners), bridges=bridges),
        alt=say("ego_network_alt", language, lab=lab, shown=len(rows), bridges=bridges),
        x=Axis(categories=(), ticks=False, range=(-1.4, 1.4)),
        y=Axis(categories=(), ticks=False, range=(-1.25, 1.25)),
        series=(
            *_ways_round(between, place, language),
            *_links(rows, place, language),
            *_nodes(rows, place, called, lab, language),
        ),
        empty=say("partner_empty", language),
        tall=True,
        n_shown=len(rows),
        n_total=len(partners),
    )


def _most_firmly_tied_first(row: Row) -> tuple[bool, float, str]:
    pairs = row["equivalent_pairs"]
    return pairs is None, -(pairs or 0.0), row["other"]


def _on_circle(k: int, n: int) -> tuple[float, float]:
    angle = 2.0 * math.pi * k / n
    return math.sin(angle), math.cos(angle)


def _path(ends: list[tuple[tuple[float, float], tuple[float, float]]]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """One line over several links, each drawn there and back, so that no stroke joins two of them but through their ends."""
    points = [point for start, end in ends for point in (start, end, start)]
    return tuple(x for x, _ in points), tuple(y for _, y in points)


def _ways_round(
    between: list[tuple[str, str]], place: dict[str, tuple[float, float]], language: Language
) -> tuple[Series, ...]:
    """Links between partners, one line a partner."""
    drawn: list[Series] = []
    for one, links in groupby(between, key=itemgetter(0)):
        x, y = _path([(place[one], place[other]) for _, other in links])
        name = say("link_among", language)
        drawn.append(Series(name=name, mark="edge", x=x, y=y, colour="grid", stroke=1.0, in_legend=not drawn))
    return tuple(drawn)


def _links(rows: list[Row], place: dict[str, tuple[float, float]], language: Language) -> tuple[Series, ...]:
    drawn: list[Series] = []
    for position, (least, stroke) in enumerate(_STEPS):
        most = _STEPS[position - 1][0] if position else math.inf
        for bridge in (False, True):
            ends = [
                ((0.0, 0.0), place[str(row["other"])])
                for row in rows
                if least <= float(row["equivalent_pairs"] or 0.0) < most and bool(row["bridge"]) == bridge
            ]
            if ends:
                x, y = _path(ends)
                name = say("link_bridge" if bridge else "link_from" if least else "link_below", language, n=least or most)
                colour: Role = "alarm" if bridge else "main"
                new = all(one.name != name for one in drawn)
                drawn.append(Series(name=name, mark="edge", x=x, y=y, colour=colour, stroke=stroke, in_legend=new))
    return tuple(drawn)


def _nodes(
    rows: list[Row], place: dict[str, tuple[float, float]], called: dict[str, str], lab: str, language: Language
) -> tuple[Series, ...]:
    """The laboratory in the middle; around it partners joined by a bridge, partners that disagree, and all others."""
    if not rows:
        return ()
    drawn = [
        Series(
            name=_called(lab, called), mark="point", x=(0.0,), y=(0.0,), colour="text", symbol="square",
            hover=(_called(lab, called),), in_legend=False,
        )
    ]  # fmt: skip
    looks: tuple[tuple[str, Role, Symbol], ...] = (
        ("bridge", "alarm", "diamond-open"),
        ("disagree", "alarm", "cross"),
        ("other", "main", "circle"),
    )
    for look, colour, symbol in looks:
        mine = [row for row in rows if _look(row) == look]
        if mine:
            for below in (False, True):  # names stand away from the middle
                here = [row for row in mine if (place[str(row["other"])][1] < -0.01) == below]
                at = [place[str(row["other"])] for row in here]
                drawn.append(
                    Series(
                        name=say("contrast_disagree", language),
                        mark="point",
                        x=tuple(x for x, _ in at),
                        y=tuple(y for _, y in at),
                        colour=colour,
                        symbol=symbol,
                        text=tuple(str(row["other"]) for row in here),
                        text_below=below,
                        ids=tuple(str(row["other"]) for row in here),
                        hover=tuple(_link_hover(row, called, language) for row in here),
                        in_legend=look == "disagree" and (not below or len(here) == len(mine)),
                    )
                )
    return tuple(drawn)


def _look(row: Row) -> str:
    if row["bridge"]:
        return "bridge"
    return "disagree" if disagree(row) else "other"


def _link_hover(row: Row, called: dict[str, str], language: Language) -> str:
    known = row["status"] == str(Status.ASSESSED)
    return say(
        "link_hover",
        language,
        name=_called(str(row["other"]), called),
        n=row["n_samples"],
        pairs=row["equivalent_pairs"],
        status=say("link_two_ways" if known else "link_one_way", language),
    )
