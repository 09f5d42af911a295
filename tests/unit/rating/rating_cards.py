"""Small frames of INDICATORS and registers from one line of words each, for the tests of rating."""

from __future__ import annotations

from datetime import date

import polars as pl

from labqa.core import tables as t
from labqa.core.wording.catalogue import Message

AS_OF = date(2018, 12, 31)


def indicator(lab: str, name: str, estimate: float | None, **more: object) -> dict[str, object]:
    """One row of INDICATORS of a laboratory, assessed and relative unless told otherwise."""
    row = {"lab": lab, "scope": "lab", "scope_id": "", "indicator": name, "estimate": estimate, "n": 40}
    return {**row, "zero": "relative", "status": "assessed", "reason": None, "evidence": [f"{lab}-{name}"], **more}


def bias(
    lab: str, estimate: float | None, se: float | None = 0.05, df: float | None = 30.0, **more: object
) -> dict[str, object]:
    """A bias of a laboratory with its 95 % interval by hand: ± 2.042 se, t of 30 degrees of freedom."""
    interval = {} if estimate is None or se is None else {"lower": estimate - 2.042 * se, "upper": estimate + 2.042 * se}
    return indicator(lab, "bias", estimate, se=se, df=df, **interval, **more)


def item_bias(lab: str, item: str, estimate: float | None, **more: object) -> dict[str, object]:
    """The bias of a laboratory on one item."""
    return bias(lab, estimate, scope="item", scope_id=item, **more)  # type: ignore[arg-type]


def frame(*rows: dict[str, object]) -> pl.DataFrame:
    """INDICATORS, checked against their contract."""
    types = t.empty(t.Indicators).schema
    return t.Indicators.validate(pl.DataFrame([{name: row.get(name) for name in types} for row in rows], schema=types))


def labs(*names: str) -> pl.DataFrame:
    """A register of laboratories."""
    return t.shaped(pl.DataFrame({"lab": list(names)}), t.Labs)


def classes(**of: str | tuple[str, float]) -> pl.DataFrame:
    """Classes in force from 2018: `A="Ⅰ"`, or with registered points `A=("Ⅱ", 97.5)`."""
    rows = [(lab, *(entry if isinstance(entry, tuple) else (entry, None))) for lab, entry in of.items()]
    data = {"lab": [r[0] for r in rows], "lab_class": [r[1] for r in rows], "points": [r[2] for r in rows]}
    frame = pl.DataFrame(data, schema={"lab": pl.String, "lab_class": pl.String, "points": pl.Float64})
    return t.shaped(frame.with_columns(valid_from=pl.lit(date(2018, 1, 1))), t.ClassInForce)


def sentences(reasons: pl.DataFrame, lab: str, language: str = "en") -> list[str]:
    """The reasons of a laboratory as it reads them."""
    rows = reasons.filter(pl.col("lab") == lab).sort("position")
    return [Message.from_json(line).text(language) for line in rows["message"]]  # type: ignore[arg-type]
