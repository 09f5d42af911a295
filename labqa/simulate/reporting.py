"""How a measured value becomes what is delivered: rounding, censoring, grades, verdicts, and the text itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from labqa.simulate.catalogue import Catalogue
from labqa.simulate.measurement import Rows
from labqa.simulate.randomness import Array, Index, Mask

NOT_APPLICABLE = 0.0005
"""Share of results on numeric items that say: does not apply."""
WORDED = 0.6
"""Share of results below the LOD that are words, not `<LOQ`."""
FULL_WIDTH = 0.0005
"""Share of numbers typed in full-width digits."""


@dataclass(frozen=True)
class Reported:
    """Reported results, one entry each; numbers are NaN where there is none, `decimals` −1.

    `lower` and `upper` are the interval that the result states: twice the value, or 0 (open on an interval scale) and a limit.
    """

    raw: list[str]
    qualifier: list[str]
    value: Array
    lower: Array
    upper: Array
    decimals: Index
    fails: Mask
    judged: Mask


def report(catalogue: Catalogue, rows: Rows, rng: np.random.Generator) -> Reported:
    """Rounds, censors and grades the results, judges them against the limits and writes them as laboratories do."""
    ordinal, binary = catalogue.of_scale("ordinal")[rows.item], catalogue.of_scale("binary")[rows.item]
    positive, lod, loq = catalogue.of_scale("ratio", "count")[rows.item], catalogue.lod[rows.item], catalogue.loq[rows.item]
    habit = rng.random(len(rows.y))
    absent = (habit < NOT_APPLICABLE) & catalogue.loq.any() & ~ordinal & ~binary
    below = (rows.y < loq) & (loq > 0) & ~absent
    worded = below & (rows.y < lod) & (habit < WORDED)
    decimals = catalogue.decimals[rows.item] - np.minimum(rows.slip, 0)
    value = _rounded(np.where(positive, np.maximum(rows.y, 0.0), rows.y), decimals)
    value = np.where(ordinal, np.clip(np.rint(rows.y * 2) / 2, 1.0, 5.0), value)
    value = np.where(binary, (rows.y >= 0.0).astype(np.float64), value)
    fails = _fails(catalogue, rows.item, value) & ~below & ~absent
    judged = ~absent & (binary | ~np.isnan(catalogue.lower[rows.item]) | ~np.isnan(catalogue.upper[rows.item]))
    value[below | absent] = np.nan
    written = np.where(below, loq, np.where(ordinal | binary | absent, 0.0, value))
    return Reported(
        raw=_texts(written, decimals, _Kinds(absent, worded, below, ordinal, binary), value, habit),
        qualifier=np.where(absent, "not_applicable", np.where(below, "below", "quantified")).tolist(),
        value=value,
        lower=np.where(below, 0.0, value),
        upper=np.where(worded, lod, np.where(below, loq, value)),
        decimals=np.where(worded | absent | ordinal | binary, -1, decimals),
        fails=fails,
        judged=judged,
    )


def _rounded(values: Array, decimals: Index) -> Array:
    """Values rounded to their digits after the point: the very float that the written text gives; never a negative zero."""
    power = 10.0**decimals
    return np.asarray(np.rint(values * power) / power + 0.0)


@dataclass(frozen=True)
class _Kinds:
    """Which results are written as something else than a number."""

    absent: Mask
    worded: Mask
    below: Mask
    ordinal: Mask
    binary: Mask


def _texts(written: Array, decimals: Index, kinds: _Kinds, value: Array, habit: Array) -> list[str]:
    """What laboratories write: numbers (a few in full-width digits), `<limit`, 未检出, ND, grades, 合格 or 不合格, /."""
    numbers = ["%.*f" % pair for pair in zip(decimals.tolist(), written.tolist(), strict=True)]  # noqa: UP031  twice as fast
    texts = pl.DataFrame(
        {
            "number": pl.Series(numbers, dtype=pl.String),
            "grade": _grades(np.where(kinds.ordinal, value, np.nan)),
            "conforms": value == 1.0,
            "habit": habit,
        }
        | {name: getattr(kinds, name) for name in _Kinds.__dataclass_fields__}
    )
    wide = pl.col("number").str.replace_many(list("0123456789."), list("０１２３４５６７８９．"))
    return texts.select(
        pl.when("absent").then(pl.lit("/"))
        .when(pl.col("worded")).then(pl.when(pl.col("habit") < WORDED / 2).then(pl.lit("未检出")).otherwise(pl.lit("ND")))
        .when(pl.col("below")).then(pl.lit("<") + pl.col("number"))
        .when(pl.col("ordinal")).then("grade")
        .when(pl.col("binary")).then(pl.when("conforms").then(pl.lit("合格")).otherwise(pl.lit("不合格")))
        .when(pl.col("habit") > 1.0 - FULL_WIDTH).then(wide)
        .otherwise("number")
        .alias("raw")
    )["raw"].to_list()  # fmt: skip


def _grades(values: Array) -> pl.Series:
    """Grades as they are written: 4.5 is `4-5`."""
    names = {half / 2: f"{half // 2}-{half // 2 + 1}" if half % 2 else str(half // 2) for half in range(2, 11)}
    return pl.Series("grade", values).replace_strict(names, default=None, return_dtype=pl.String)


def _fails(catalogue: Catalogue, item: Index, value: Array) -> Mask:
    """Beyond a limit (inclusive), as a full value or rounded half to even to the item's interval (GB/T 8170); binary 0."""
    interval = catalogue.interval[item]
    unit = np.where(interval > 0, interval, 1.0)
    # in multiples of the interval; the inner rounding removes what binary fractions add
    multiple = np.where(interval > 0, np.rint(np.round(value / unit, 6)), value)
    with np.errstate(invalid="ignore"):
        outside = (multiple > catalogue.upper[item] / unit + 1e-9) | (multiple < catalogue.lower[item] / unit - 1e-9)
    return np.asarray(outside | (catalogue.of_scale("binary")[item] & (value == 0.0)))
