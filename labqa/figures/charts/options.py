"""What changes with how retests were chosen: options below each other, of one laboratory and of the network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from labqa.core.vocabulary import OptionStatus, SelectionOption
from labqa.core.wording.catalogue import Language
from labqa.figures.extent import inside, reach
from labqa.figures.names import say
from labqa.figures.spec import Axis, Band, Line, Role, Series, Spec

Label = Callable[[str], str]
Row = dict[str, Any]
OF_LAB = (
    SelectionOption.DEFAULT,
    SelectionOption.NAIVE,
    SelectionOption.CONDITIONAL,
    SelectionOption.WEIGHTED,
    SelectionOption.BLIND_ONLY,
)
"""Options of a laboratory, in the order in which they are read."""
OF_NETWORK = (
    SelectionOption.NAIVE,
    SelectionOption.EXPECTED,
    SelectionOption.CONDITIONAL,
    SelectionOption.DEFAULT,
    SelectionOption.WEIGHTED,
    SelectionOption.BLIND_ONLY,
    SelectionOption.UNBLINDED,
)
"""Options of the network, the trap first."""
_LOUD: dict[str, Role] = {str(SelectionOption.DEFAULT): "main", str(SelectionOption.NAIVE): "alarm"}


def options_of_lab(selection: pl.DataFrame, lab: str, language: Language, *, delta_0: float) -> Spec:
    """Bias of one laboratory under each option that may be claimed, with 95 % intervals."""
    rows = shown(selection, lab, OF_LAB)
    return _forest(
        rows,
        language,
        kind="options_of_lab",
        title=say("options_of_lab", language, lab=lab),
        caption=say("options_of_lab_caption", language, delta=delta_0),
        alt=say("options_of_lab_alt", language, lab=lab, shown=len(rows)),
        label=lambda option: say(f"option_{option}", language),
        axis="axis_bias",
        n_total=len(OF_LAB),
        bands=(Band("x", -delta_0, delta_0, f"±{delta_0:g} σR"),),
    )


def options_of_network(selection: pl.DataFrame, language: Language) -> Spec:
    """Mean of original minus retest over the network by how retests were chosen, with 95 % intervals."""
    rows = shown(selection, "", OF_NETWORK)
    return _forest(
        rows,
        language,
        kind="options_of_network",
        title=say("options_of_network", language),
        caption=say("options_of_network_caption", language),
        alt=say("options_of_network_alt", language, shown=len(rows)),
        label=lambda option: say(f"difference_{option}", language),
        axis="axis_original_less_retest",
        n_total=len(OF_NETWORK),
    )


def shown(selection: pl.DataFrame, lab: str, options: tuple[SelectionOption, ...]) -> list[Row]:
    """Rows of a laboratory (empty: of the network) that may be claimed, in the order of `options`."""
    claimed = str(OptionStatus.ASSESSED)
    mine = {row["option"]: row for row in selection.iter_rows(named=True) if row["lab"] == lab and row["status"] == claimed}
    return [mine[str(option)] for option in options if str(option) in mine]


def _forest(
    rows: list[Row],
    language: Language,
    *,
    kind: str,
    title: str,
    caption: str,
    alt: str,
    label: Label,
    axis: str,
    n_total: int,
    bands: tuple[Band, ...] = (),
) -> Spec:
    """Options below each other, the range of each that has one just under it."""
    half = reach([row[end] for end in ("lower", "upper", "sensitivity_low", "sensitivity_high") for row in rows], least=0.6)
    ranged = [(place, row) for place, row in enumerate(rows) if row["sensitivity_low"] is not None]
    series = [_series(row, place, label, language, half) for place, row in enumerate(rows)]
    if ranged:
        low, high = ([row[f"sensitivity_{end}"] for _, row in ranged] for end in ("low", "high"))
        middle = [(one + other) / 2.0 for one, other in zip(low, high, strict=True)]
        series.append(
            Series(
                name=say("options_range", language),
                mark="interval",
                x=tuple(value or 0.0 for value in inside(middle, half)),
                y=tuple(float(place) + 0.28 for place, _ in ranged),
                lower=inside(low, half),
                upper=inside(high, half),
                colour="second",
                symbol="cross",
                hover=tuple(
                    say("options_range_hover", language, low=row["sensitivity_low"], high=row["sensitivity_high"])
                    for _, row in ranged
                ),
                horizontal=True,
            )
        )
    return Spec(
        kind=kind,
        language=language,
        title=title,
        caption=caption,
        alt=alt,
        x=Axis(title=say(axis, language), unit="σR", range=(-half, half)),
        y=Axis(categories=tuple(label(row["option"]) for row in rows), range=(max(len(rows), 1) - 0.3, -0.7)),
        series=tuple(series),
        bands=bands,
        lines=(Line("x", 0.0),),
        empty=say("options_empty", language),
        n_shown=len(rows),
        n_total=n_total,
    )


def _series(row: Row, place: int, label: Label, language: Language, half: float) -> Series:
    """The mark of one option."""
    return Series(
        name=label(row["option"]),
        mark="interval",
        x=tuple(value or 0.0 for value in inside([row["estimate"]], half)),
        y=(float(place),),
        lower=inside([row["lower"]], half),
        upper=inside([row["upper"]], half),
        colour=_LOUD.get(row["option"], "quiet"),
        symbol="square" if row["option"] == str(SelectionOption.NAIVE) else "circle",
        hover=(
            say(
                "options_hover",
                language,
                name=label(row["option"]),
                estimate=row["estimate"],
                lower=row["lower"],
                upper=row["upper"],
                n=row["n_samples"],
            ),
        ),
        horizontal=True,
        in_legend=False,
    )
