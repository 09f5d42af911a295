"""Laboratory × product family: where a laboratory reads off, and where its pairs disagree."""

from __future__ import annotations

from itertools import pairwise

import polars as pl

from labqa.core.vocabulary import Category, PairKind, Scope, Status
from labqa.core.wording.catalogue import Language
from labqa.core.wording.typesetting import typeset
from labqa.figures.names import counted, family_names, in_order, names, say, shortened
from labqa.figures.spec import DIVERGING, SEQUENTIAL, Axis, Series, Spec, Step

BIAS_EDGES = (-1.5, -1.0, -0.5, 0.5, 1.0, 1.5)
SHARE_EDGES = (0.05, 0.10, 0.20, 0.40)
MOST_FAMILIES = 40
"""Families that stand beside each other in one map; those in which most laboratories have a cell."""
LEAST_PAIRS = 5
"""Pairs below which a share of discrepant pairs is not shown."""


def heat_map_bias(
    lab_bias: pl.DataFrame, labs: pl.DataFrame, products: pl.DataFrame, language: Language, *, limit: int = 40
) -> Spec:
    """Bias of each laboratory by product family in steps of σR; cells that are not assessed are hatched."""
    by_family = lab_bias.filter((pl.col("scope") == Scope.FAMILY) & pl.col("estimate").is_not_null())
    cells = by_family.select(
        "lab",
        family="scope_id",
        value="estimate",
        known=pl.col("status") == Status.ASSESSED,
        weight=pl.when(pl.col("status") == Status.ASSESSED).then(pl.col("estimate").abs()),
        n="n_samples",
    )
    edges = [typeset(f"{edge:+g}") for edge in BIAS_EDGES]
    return _map(
        "heat_map_bias", cells, labs, products, language, BIAS_EDGES, _scale(edges, DIVERGING, language), "{:+.2f} σR", limit
    )


def heat_map_discrepancy(
    scored: pl.DataFrame, labs: pl.DataFrame, products: pl.DataFrame, language: Language, *, limit: int = 40
) -> Spec:
    """Share of discrepant pairs of each laboratory by product family; both of a pair are counted: no blame is placed.

    `scored` is PAIRS joined with DISCREPANCIES.
    """
    judged = scored.filter((pl.col("kind") == PairKind.BETWEEN) & (pl.col("category") != Category.NOT_ASSESSED))
    off = pl.col("category").is_in([str(Category.DISCREPANT), str(Category.BLUNDER_SUSPECTED)])
    sides = [judged.select("family", lab=side, off=off) for side in ("original_lab", "retest_lab")]
    grouped = (
        pl.concat(sides).drop_nulls(["lab", "family"]).group_by("lab", "family").agg(value=pl.col("off").mean(), n=pl.len())
    )
    known = pl.col("n") >= LEAST_PAIRS
    cells = grouped.with_columns(known=known, weight=pl.when(known).then(pl.col("value")))
    labels = [f"{edge:.0%}" for edge in SHARE_EDGES]
    return _map(
        "heat_map_discrepancy",
        cells,
        labs,
        products,
        language,
        SHARE_EDGES,
        _scale(labels, SEQUENTIAL, language),
        "{:.0%}",
        limit,
    )


def _scale(edges: list[str], colours: tuple[str, ...], language: Language) -> tuple[Step, ...]:
    between = [say("from_to", language, low=low, high=high) for low, high in pairwise(edges)]
    return tuple(
        Step(label, colour) for label, colour in zip([f"< {edges[0]}", *between, f"≥ {edges[-1]}"], colours, strict=True)
    )


def _map(
    kind: str,
    cells: pl.DataFrame,
    labs: pl.DataFrame,
    products: pl.DataFrame,
    language: Language,
    edges: tuple[float, ...],
    scale: tuple[Step, ...],
    form: str,
    limit: int,
) -> Spec:
    in_all = cells["family"].n_unique()
    widest = cells.group_by("family").len().sort("len", "family", descending=[True, False])["family"].head(MOST_FAMILIES)
    cells = cells.filter(pl.col("family").is_in(widest.implode()))
    by_lab = counted(cells.group_by("lab").agg(pl.col("weight").max(), pl.col("n").sum()), "lab")
    order = by_lab.sort("weight", "n", descending=True, nulls_last=True, maintain_order=True)
    rows = order["lab"].head(limit).to_list()
    families = sorted(cells["family"].unique().to_list(), key=in_order)
    called, family = names(labs, "lab", language), family_names(products, language)
    shown = cells.filter(pl.col("lab").is_in(rows)).sort("lab", "family")
    drawn = list(shown.iter_rows(named=True)) if shown["known"].any() else []
    cell = Series(
        name=say(kind, language),
        mark="cell",
        x=tuple(float(families.index(row["family"])) for row in drawn),
        y=tuple(float(rows.index(row["lab"])) for row in drawn),
        steps=tuple(sum(row["value"] >= edge for edge in edges) if row["known"] else None for row in drawn),
        ids=tuple(row["lab"] for row in drawn),
        hover=tuple(
            f"{called.get(row['lab'], row['lab'])}<br>{family.get(row['family'], row['family'])}<br>"
            + (form.format(row["value"]) if row["known"] else say("status_not_assessed", language))
            + f" (n = {row['n']})"
            for row in drawn
        ),
        in_legend=False,
    )
    return Spec(
        kind=kind,
        language=language,
        title=say(kind, language),
        caption=say(f"{kind}_caption", language, shown=len(rows), total=order.height, least=LEAST_PAIRS)
        + (say("families_cut", language, shown=len(families), total=in_all) if in_all > len(families) else ""),
        alt=say(f"{kind}_alt", language, shown=len(rows), families=len(families)),
        x=Axis(
            title=say("axis_family", language),
            categories=tuple(shortened(family.get(name, name), 22) for name in families),
            range=(-0.5, max(len(families), 1) - 0.5),
        ),
        y=Axis(
            categories=tuple(_row_label(lab, called) for lab in rows), short=tuple(rows), range=(max(len(rows), 1) - 0.5, -0.5)
        ),
        series=(cell,),
        scale=scale,
        unknown=say("status_not_assessed", language),
        empty=say("bias_empty" if kind == "heat_map_bias" else "pairs_empty", language),
        n_shown=len(rows),
        n_total=order.height,
    )


def _row_label(lab: str, called: dict[str, str]) -> str:
    """The code, which is unique, with as much of the name as fits."""
    name = called.get(lab, lab)
    return shortened(lab if name == lab else f"{lab} {name}", 34)
