"""Biases with their intervals: of all laboratories in order, and of one laboratory item by item."""

from __future__ import annotations

from typing import Any

import polars as pl

from labqa.core.vocabulary import Scope, Status
from labqa.core.wording.catalogue import Language
from labqa.figures.extent import inside, reach, trimmed
from labqa.figures.names import counted, named, names, say, shortened
from labqa.figures.spec import Axis, Band, Line, Role, Series, Spec, Symbol

Row = dict[str, Any]
DELTA_0 = 0.5
"""Bias up to which a laboratory counts as blameless, in σR, where the edition names no other."""
MOST_IN_ORDER = 800
"""Laboratories whose intervals can still be told apart side by side."""
GAP = 0.06
"""Width of the gap where laboratories near zero are not drawn, as a part of those that are."""

_GROUPS: tuple[tuple[str, Role, Symbol], ...] = (
    ("beyond", "alarm", "square"),
    (str(Status.ASSESSED), "main", "circle"),
    (str(Status.UNDETERMINED), "second", "diamond-open"),
    (str(Status.NOT_ASSESSED), "quiet", "circle-open"),
)


def caterpillar(
    lab_bias: pl.DataFrame, labs: pl.DataFrame, language: Language, *, delta_0: float = DELTA_0, limit: int = MOST_IN_ORDER
) -> Spec:
    """Mean bias of every laboratory with its 95 % interval, in ascending order, over the blameless band ±δ0.

    Of more than `limit` those farthest from zero, assessed ones first; the caption says so, and a gap stands for assessed ones
    that are not drawn. Only assessed laboratories are ranked: the others follow in order of their codes, and without any
    assessed one there is no figure.
    """
    whole = lab_bias.filter((pl.col("scope") == Scope.LAB) & pl.col("estimate").is_not_null())
    ordered, left_out = _in_order(whole, limit)
    gap = GAP * ordered.height if left_out else 0.0
    kept = [row | {"position": at + (gap if row["estimate"] > 0 else 0.0)} for at, row in enumerate(ordered.to_dicts())]
    called = names(labs, "lab", language)
    half = _half_width(kept)
    cut = say("caterpillar_cut", language, shown=len(kept), known=whole.height) if whole.height > len(kept) > 0 else ""
    cut += say("caterpillar_gap_says", language) if left_out else ""
    return Spec(
        kind="caterpillar",
        language=language,
        title=say("caterpillar", language),
        caption=say("caterpillar_caption", language, known=whole.height, total=lab_bias["lab"].n_unique(), delta=delta_0) + cut,
        alt=say("caterpillar_alt", language, shown=len(kept), beyond=sum(_beyond(row, delta_0) for row in kept), delta=delta_0),
        x=Axis(title=say("axis_labs_ordered", language), ticks=False, range=(-0.8, max(len(kept), 1) + gap - 0.2)),
        y=Axis(title=say("axis_bias", language), unit="σR", range=(-half, half)),
        series=_by_status(kept, called, language, delta_0=delta_0, half=half, horizontal=False),
        bands=(Band("y", -delta_0, delta_0, f"±{delta_0:g} σR"), *_gap(kept, gap, left_out, language)),
        lines=(Line("y", 0.0),),
        empty=say("bias_empty", language),
        n_shown=len(kept),
        n_total=lab_bias["lab"].n_unique(),
    )


def _in_order(whole: pl.DataFrame, limit: int) -> tuple[pl.DataFrame, int]:
    """The laboratories to draw in order, none if none is assessed; and how many assessed ones are left out."""
    known = pl.col("status") == Status.ASSESSED
    by_lab = counted(_largest(whole, limit), "lab")
    ranked = by_lab.sort(~known, pl.when(known).then(pl.col("estimate")), maintain_order=True)
    assessed = whole.filter(known).height
    drawn = ranked if assessed else ranked.clear()
    return drawn, assessed - drawn.filter(known).height


def _gap(kept: list[Row], gap: float, left_out: int, language: Language) -> tuple[Band, ...]:
    """The stretch that stands for the laboratories near zero that are not drawn, told by their number."""
    if not left_out:
        return ()
    below = sum(row["estimate"] <= 0 for row in kept)
    return (Band("x", below - 0.5, below - 0.5 + gap, say("caterpillar_gap", language, n=left_out)),)


def lab_forest(
    lab_bias: pl.DataFrame, items: pl.DataFrame, lab: str, language: Language, *, delta_0: float = DELTA_0, limit: int = 60
) -> Spec:
    """Biases of one laboratory by item with 95 % intervals, largest first, below the laboratory as a whole."""
    mine = [row for row in lab_bias.iter_rows(named=True) if row["lab"] == lab and row["estimate"] is not None]
    whole, by_item = ([row for row in mine if row["scope"] == scope] for scope in (Scope.LAB, Scope.ITEM))
    kept = [row | {"position": at} for at, row in enumerate([*whole, *_farthest(by_item, limit)])]
    called = names(items, "item", language) | {"": say("lab_as_a_whole", language)}
    half = _half_width(kept)
    rows = [called.get(row["scope_id"], row["scope_id"]) for row in kept]
    return Spec(
        kind="lab_forest",
        language=language,
        title=say("lab_forest", language, lab=lab),
        caption=say("lab_forest_caption", language, shown=min(len(by_item), limit), total=len(by_item), delta=delta_0),
        alt=say("lab_forest_alt", language, lab=lab, shown=len(kept)),
        x=Axis(title=say("axis_bias", language), unit="σR", range=(-half, half)),
        y=Axis(categories=tuple(shortened(row, 30) for row in rows), range=(max(len(kept), 1) + 0.2, -0.6)),
        series=_by_status(kept, called, language, delta_0=delta_0, half=half, horizontal=True),
        bands=(Band("x", -delta_0, delta_0, f"±{delta_0:g} σR"),),
        lines=(Line("x", 0.0),),
        empty=say("lab_forest_empty", language),
        n_shown=len(kept),
        n_total=len(whole) + len(by_item),
    )


def _farthest(rows: list[Row], limit: int) -> list[Row]:
    """Biases of one laboratory that lie farthest from zero, as `_largest` orders them."""
    cut = len(rows) > limit
    return sorted(rows, key=lambda row: (cut and row["status"] != Status.ASSESSED, -abs(row["estimate"]), row["scope_id"]))[
        :limit
    ]


def _largest(frame: pl.DataFrame, limit: int) -> pl.DataFrame:
    """The rows whose bias lies furthest from zero, assessed ones before others where not all can be shown."""
    if frame.height <= limit:
        return frame.sort(pl.col("estimate").abs(), "lab", "scope_id", descending=[True, False, False])
    first = pl.col("status") == Status.ASSESSED
    return frame.sort(first, pl.col("estimate").abs(), "lab", "scope_id", descending=[True, True, False, False]).head(limit)


def _beyond(row: Row, delta_0: float) -> bool:
    """Assessed, and the whole interval lies outside ±δ0."""
    if row["status"] != Status.ASSESSED or row["lower"] is None or row["upper"] is None:
        return False
    return bool(row["lower"] > delta_0 or row["upper"] < -delta_0)


def _half_width(rows: list[Row]) -> float:
    """Reach of the bias axis: every assessed interval, and the bulk of the others, whose few extremes stand at the edge."""
    ends = [row[end] for row in rows if row["status"] == Status.ASSESSED for end in ("lower", "upper", "estimate")]
    others = [row["estimate"] for row in rows if row["status"] != Status.ASSESSED]
    return reach([*ends, trimmed(others, 0.95)], least=1.5)


def _by_status(
    kept: list[Row], called: dict[str, str], language: Language, *, delta_0: float, half: float, horizontal: bool
) -> tuple[Series, ...]:
    found = []
    for group, colour, symbol in _GROUPS:
        rows = [row for row in kept if group == ("beyond" if _beyond(row, delta_0) else row["status"])]
        if not rows:
            continue
        at = tuple(float(row["position"]) for row in rows)
        estimates = tuple(value or 0.0 for value in inside([row["estimate"] for row in rows], half))
        found.append(
            Series(
                name=say("beyond", language, delta=delta_0) if group == "beyond" else say(f"status_{group}", language),
                mark="interval",
                x=estimates if horizontal else at,
                y=at if horizontal else estimates,
                lower=inside([row["lower"] for row in rows], half),
                upper=inside([row["upper"] for row in rows], half),
                colour=colour,
                symbol=symbol,
                ids=tuple(row["scope_id" if horizontal else "lab"] for row in rows),
                hover=tuple(_hover(row, called, language, horizontal=horizontal) for row in rows),
                horizontal=horizontal,
            )
        )
    return tuple(found)


def _hover(row: Row, called: dict[str, str], language: Language, *, horizontal: bool) -> str:
    code = str(row["scope_id"] if horizontal else row["lab"])
    known = row["lower"] is not None
    return say(
        "bias_hover" if known else "bias_hover_alone",
        language,
        name=named(code, called),
        estimate=row["estimate"],
        lower=row["lower"],
        upper=row["upper"],
        n=row["n_samples"],
        status=say(f"status_{row['status']}", language),
    )
