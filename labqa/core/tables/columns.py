"""Kinds of columns. Their metadata: `zh` the Chinese name, `unit`, `source` (which step or standard fills it) and `digits`, the
significant digits to which a float is rounded before its content is hashed."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import dataframely as dy

from labqa.core import vocabulary as v

DIGITS = 9
"""Significant digits of floats in content hashes, where a column does not state its own."""

MOST_EVIDENCE = 50
"""Ids at most that a table keeps of what a sentence rests on."""


def about(zh: str, unit: str, source: str) -> dict[str, Any]:
    """Metadata of a column."""
    return {"zh": zh, "unit": unit, "source": source}


def text(meaning: str, zh: str, *, source: str = "", key: bool = False, null: bool = False) -> dy.String:
    """A text column."""
    return dy.String(primary_key=key, nullable=null, description=meaning, metadata=about(zh, "", source))


def word(
    closed_list: type[StrEnum], meaning: str, zh: str, *, source: str = "", key: bool = False, null: bool = False
) -> dy.String:
    """A text column whose values come from a closed list of the vocabulary."""
    allowed = v.values(closed_list)
    return dy.String(
        primary_key=key,
        nullable=null,
        description=meaning,
        metadata={**about(zh, "", source), "words": allowed},
        check={f"one_of_{closed_list.__name__}": lambda column: column.is_in(allowed)},
    )


def number(
    meaning: str,
    zh: str,
    unit: str,
    *,
    source: str = "",
    null: bool = True,
    low: float | None = None,
    above: float | None = None,
) -> dy.Float64:
    """A float column; never NaN, never infinite; `low` is the least it may be, `above` what it must exceed."""
    metadata = {**about(zh, unit, source), "digits": DIGITS}
    return dy.Float64(nullable=null, min=low, min_exclusive=above, description=meaning, metadata=metadata)


def share(meaning: str, zh: str, *, source: str = "", null: bool = True) -> dy.Float64:
    """A probability or share, between 0 and 1."""
    metadata = {**about(zh, "1", source), "digits": DIGITS}
    return dy.Float64(nullable=null, min=0.0, max=1.0, description=meaning, metadata=metadata)


def count(meaning: str, zh: str, *, source: str = "", key: bool = False, null: bool = False) -> dy.Int64:
    """A whole number, not negative."""
    return dy.Int64(primary_key=key, nullable=null, min=0, description=meaning, metadata=about(zh, "1", source))


def yes(meaning: str, zh: str, *, source: str = "", null: bool = False) -> dy.Bool:
    """A yes or no."""
    return dy.Bool(nullable=null, description=meaning, metadata=about(zh, "", source))


def day(meaning: str, zh: str, *, source: str = "", null: bool = True) -> dy.Date:
    """A calendar day."""
    return dy.Date(nullable=null, description=meaning, metadata=about(zh, "d", source))


def ids(meaning: str, zh: str, *, source: str = "") -> dy.List:
    """A list of ids, in a stated order."""
    return dy.List(dy.String(nullable=False), nullable=False, description=meaning, metadata=about(zh, "", source))
