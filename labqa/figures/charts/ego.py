"""One laboratory amid its partners: with whom it met, how often, and on which links it hangs."""

from __future__ import annotations

import math
from itertools import groupby
from operator import itemgetter
from typing import Any

import polars as pl

from labqa.core.vocabulary import Status
from labqa.core.wording.catalogue import Language
from labqa.figures.charts.comparability import coded, disagree
from labqa.figures.names import names, say
from labqa.figures.spec import Axis, Role, Series, Spec, Symbol

Row = dict[str, Any]
_STROKES = (6.0, 3.6, 2.0, 1.0)
"""Widths of the links, those of the most samples in common first."""


def ego_network(
    contrasts: pl.DataFrame, among: pl.DataFrame, labs: pl.DataFrame, lab: str, language: Language, *, limit: int = 24
) -> Spec:
    """One laboratory amid its partners: the wider a link, the more samples both tested; bridges stand out.

    `contrasts` as for `partner_forest`; `among` are rows of LAB_CONTRASTS between partners, drawn thin: they are the ways
    round by which indirect evidence comes. Partners run clockwise from the top: bridges, those whose evidence disagrees, then
    the others by samples in common.
    """
    partners = [row for row in contrasts.iter_rows(named=True) if row["other"]]
    rows = sorted(partners, key=_telling_first)[:limit]
    called = names(labs, "lab", language)
    place = {str(row["other"]): _on_circle(k, max(len(rows), 1)) for k, row in enumerate(rows)}
    bridges = sum(bool(row["bridge"]) for row in partners)
    links = among["lab"], among["other"]
    between = [(one, other) for one, other in zip(*links, strict=True) if one in place and other in place][:300]
    return Spec(
        kind="ego_network",
        language=language,
        title=say("ego_network", language, lab=lab),
        caption=_caption(rows, len(partners), bridges, language),
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


def _telling_first(row: Row) -> tuple[bool, bool, int, float, str]:
    return not row["bridge"], not disagree(row), -row["n_samples"], -(row["equivalent_pairs"] or 0.0), row["other"]


def _caption(rows: list[Row], partners: int, bridges: int, language: Language) -> str:
    """What is drawn, and between which ends lies what all evidence on these partners is worth."""
    worth = [row["equivalent_pairs"] for row in rows if row["equivalent_pairs"] is not None]
    said = say("ego_network_caption", language, shown=len(rows), total=partners, bridges=bridges)
    if not worth:
        return said
    least, most = f"{min(worth):,.0f}", f"{max(worth):,.0f}"
    between = least if least == most else say("from_to", language, low=least, high=most)
    return said + say("ego_network_worth", language, pairs=between)


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
    """The laboratory's own links, the widest class first, bridges apart."""
    drawn: list[Series] = []
    classes = _classes([row["n_samples"] for row in rows])
    for stroke, (least, most) in zip(_STROKES, classes, strict=False):
        for bridge in (False, True):
            ends = [
                ((0.0, 0.0), place[str(row["other"])])
                for row in rows
                if least <= row["n_samples"] <= most and bool(row["bridge"]) == bridge
            ]
            if ends:
                x, y = _path(ends)
                name = say("link_bridge", language) if bridge else _class_name(least, most, language)
                new = all(one.name != name for one in drawn)
                colour: Role = "alarm" if bridge else "main"
                drawn.append(Series(name=name, mark="edge", x=x, y=y, colour=colour, stroke=stroke, in_legend=new))
    return tuple(drawn)


def _classes(samples: list[int]) -> list[tuple[int, float]]:
    """At most four classes of numbers of samples between the fewest and the most, the largest first, by like ratios."""
    fewest, most = min(samples, default=1), max(samples, default=1)
    ratio = (most / fewest) ** (1 / len(_STROKES))
    between = {_rounded(fewest * ratio**step) for step in range(1, len(_STROKES))}
    least = [fewest, *sorted(edge for edge in between if fewest < edge <= most)]
    ends = [*(above - 1 for above in least[1:]), math.inf]
    return list(zip(least, ends, strict=True))[::-1]


def _rounded(value: float) -> int:
    """A whole number, above ten to one digit."""
    digits = int(math.log10(value))
    return int(round(value, -digits)) if digits else round(value)


def _class_name(least: int, most: float, language: Language) -> str:
    if most == math.inf:
        return say("link_from", language, n=least)
    return say("link_of", language, n=least) if most == least else say("link_between", language, low=least, high=int(most))


def _nodes(
    rows: list[Row], place: dict[str, tuple[float, float]], called: dict[str, str], lab: str, language: Language
) -> tuple[Series, ...]:
    """The laboratory in the middle; around it partners joined by a bridge, partners that disagree, and all others."""
    if not rows:
        return ()
    drawn = [
        Series(
            name=coded(lab, called), mark="point", x=(0.0,), y=(0.0,), colour="text", symbol="square",
            hover=(coded(lab, called),), in_legend=False,
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
        name=coded(str(row["other"]), called),
        n=row["n_samples"],
        pairs=row["equivalent_pairs"],
        status=say("link_two_ways" if known else "link_one_way", language),
    )
