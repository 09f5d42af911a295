"""How the laboratories stand in the classes: in force, and as they would if every proposal were adopted."""

from __future__ import annotations

import polars as pl

from labqa.core.vocabulary import LabClass, values
from labqa.core.wording.catalogue import Language
from labqa.figures.names import say
from labqa.figures.spec import Axis, Role, Series, Spec

_NONE = ""


def class_distribution(ratings: pl.DataFrame, language: Language) -> Spec:
    """Laboratories by class in force and by the class they would have if every proposal were adopted (table RATINGS)."""
    then = pl.coalesce("class_proposed", "class_in_force")
    held = _counted(ratings.select(pl.col("class_in_force").fill_null(_NONE)))
    would = _counted(ratings.select(then.fill_null(_NONE)))
    classes = values(LabClass)
    if held.get(_NONE, 0) or would.get(_NONE, 0):
        classes = [*classes, _NONE]
    categories = tuple(name or say("no_class", language) for name in classes)
    rated = any(name for name in held | would)
    series = (
        _bars(say("class_in_force", language), [held.get(name, 0) for name in classes], "main", shift=-0.2),
        _bars(say("class_if_adopted", language), [would.get(name, 0) for name in classes], "second", shift=0.2),
    )
    return Spec(
        kind="class_distribution",
        language=language,
        title=say("class_distribution", language),
        caption=say("class_distribution_caption", language, n=ratings.height),
        alt=say("class_distribution_alt", language, counts=_spoken(categories, classes, held, would)),
        x=Axis(title=say("axis_class", language), categories=categories, range=(-0.6, len(classes) - 0.4)),
        y=Axis(title=say("axis_labs", language), range=(0, max([*held.values(), *would.values(), 1]) * 1.15)),
        series=series if rated else (),
        empty=say("class_distribution_empty", language),
        n_shown=ratings.height,
        n_total=ratings.height,
    )


def _counted(one_column: pl.DataFrame) -> dict[str, int]:
    return dict(one_column.to_series().value_counts().iter_rows())


def _bars(name: str, counts: list[int], colour: Role, *, shift: float) -> Series:
    positions = range(len(counts))
    return Series(
        name=name,
        mark="bar",
        x=tuple(position + shift for position in positions),
        y=tuple(float(count) for count in counts),
        colour=colour,
        width=0.36,
        text=tuple(str(count) for count in counts),
        hover=tuple(f"{name}: {count}" for count in counts),
    )


def _spoken(categories: tuple[str, ...], classes: list[str], held: dict[str, int], would: dict[str, int]) -> str:
    return "; ".join(
        f"{shown} {held.get(name, 0)} → {would.get(name, 0)}" for shown, name in zip(categories, classes, strict=True)
    )
