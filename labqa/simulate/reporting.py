"""How a measured value becomes what is delivered: rounding, censoring, grades, verdicts, and the text itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from labqa.simulate.catalogue import Catalogue
from labqa.simulate.measurement import Rows
from labqa.simulate.randomness import Array, Index, Mask

NOT_APPLICABLE_SHARE = 0.0005


@dataclass(frozen=True)
class Reported:
    """Reported results, one entry each; `value` is NaN where there is none, `decimals` −1, `upper` NaN unless below a limit."""

    raw: list[str]
    qualifier: list[str]
    value: Array
    upper: Array
    decimals: Index
    fails: Mask
    judged: Mask


def report(catalogue: Catalogue, rows: Rows, rng: np.random.Generator) -> Reported:
    """Rounds, censors and grades the results, judges them against the limits and writes them as laboratories do."""
    ordinal, binary = catalogue.of_scale("ordinal")[rows.item], catalogue.of_scale("binary")[rows.item]
    positive = catalogue.of_scale("ratio", "count")[rows.item]
    loq = catalogue.loq[rows.item]
    draw = rng.random(len(rows.y))
    absent = (draw < NOT_APPLICABLE_SHARE) & catalogue.loq.any() & ~ordinal & ~binary
    below = (rows.y < loq) & positive & (loq > 0) & ~absent
    decimals = catalogue.decimals[rows.item] - np.minimum(rows.slip, 0)
    y = np.where(positive, np.maximum(rows.y, 0.0), rows.y)
    y = np.where(ordinal, np.clip(np.rint(y * 2) / 2, 1.0, 5.0), y)
    y = np.where(binary, (y >= 0.0).astype(np.float64), y)
    numbers = _texts(y, np.where(ordinal, 1, np.where(binary, 0, decimals)))
    value = numbers.cast(pl.Float64).to_numpy().copy()
    limits = _texts(loq, np.maximum(decimals, 0))
    raw = pl.select(
        pl.when(pl.lit(pl.Series(absent))).then(pl.lit("/"))
        .when(pl.lit(pl.Series(below & (draw < 0.2)))).then(pl.lit("未检出"))
        .when(pl.lit(pl.Series(below & (draw < 0.3)))).then(pl.lit("ND"))
        .when(pl.lit(pl.Series(below))).then(pl.lit("<") + pl.lit(limits))
        .when(pl.lit(pl.Series(ordinal))).then(pl.lit(_grades(value)))
        .when(pl.lit(pl.Series(binary & (value == 1.0)))).then(pl.lit("合格"))
        .when(pl.lit(pl.Series(binary))).then(pl.lit("不合格"))
        .otherwise(pl.lit(numbers))
        .alias("raw")
    ).to_series().to_list()  # fmt: skip
    fails = _fails(catalogue, rows.item, value) & ~below & ~absent
    judged = ~absent & (binary | ~np.isnan(catalogue.lower[rows.item]) | ~np.isnan(catalogue.upper[rows.item]))
    return Reported(
        raw=raw,
        qualifier=np.where(absent, "not_applicable", np.where(below, "below", "quantified")).tolist(),
        value=np.where(below | absent, np.nan, value),
        upper=np.where(below, np.where(draw < 0.3, loq, loq), np.nan),
        decimals=np.where(below | absent | ordinal | binary, -1, decimals),
        fails=fails,
        judged=judged,
    )


def _texts(values: Array, decimals: Index) -> pl.Series:
    """Each value with its number of digits after the point; never a negative zero."""
    rounded = np.round(values, 12) + 0.0
    texts = ["%.*f" % pair for pair in zip(decimals.tolist(), rounded.tolist(), strict=True)]  # noqa: UP031  twice as fast
    return pl.Series("text", texts, dtype=pl.String).str.replace(r"^-(0(?:\.0*)?)$", "$1")


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
