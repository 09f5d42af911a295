"""What a reference test found, kept for the validation page: method, source and clause, data, digits obtained.

A test calls `agrees` once for each quantity; the page (`docs/validation.md`) is written from all calls by `make validation`
and compared with the committed one whenever all reference tests run.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

MOST_DIGITS = 15
"""Beyond this the agreement of two float64 numbers says nothing."""


@dataclass(frozen=True)
class Comparison:
    """One quantity of one method on one data set, compared with a value that is not ours."""

    topic: str
    method: str
    source: str
    data: str
    quantity: str
    expected_by: str
    digits: float
    asked: float


@dataclass
class Record:
    """All comparisons of this session, in the order in which they were made."""

    made: list[Comparison] = field(default_factory=list)


RECORD = Record()


def digits_of_agreement(found: float, expected: float, *, scale: float = 0.0) -> float:
    """Log relative error −log10(|found − expected| / max(|expected|, scale)); 15 where equal to the last bit.

    For an expected 0 without a scale it is −log10 |found|, as NIST StRD defines it.
    """
    if math.isnan(found) or math.isnan(expected):
        return MOST_DIGITS if math.isnan(found) and math.isnan(expected) else 0.0
    error = abs(found - expected) / (max(abs(expected), scale) or 1.0)
    return float(MOST_DIGITS) if error == 0.0 else float(np.clip(-math.log10(error), 0.0, MOST_DIGITS))


def agrees(
    found: float | Iterable[float],
    expected: float | Iterable[float],
    *,
    topic: str,
    method: str,
    source: str,
    data: str,
    quantity: str,
    expected_by: str,
    rel: float = 0.0,
    abs: float = 0.0,
    scale: float = 0.0,
) -> None:
    """Asserts |found − expected| ≤ max(rel · |expected|, abs), element by element, and records the digits obtained.

    `source` names standard and clause (or DOI) of the method, `data` the file and its part, `expected_by` who computed or
    printed the expected value. `scale`: see `digits_of_agreement`; give the size of the data where an expected value is a
    difference near 0. Digits are those of the worst element.
    """
    a, b = np.atleast_1d(np.asarray(found, dtype=np.float64)), np.atleast_1d(np.asarray(expected, dtype=np.float64))
    assert a.shape == b.shape, f"{quantity}: {a.shape} values found, {b.shape} expected"
    both = list(zip(a.ravel().tolist(), b.ravel().tolist(), strict=True))
    digits = min(digits_of_agreement(x, y, scale=scale) for x, y in both)
    largest = max(np.max(np.abs(b[np.isfinite(b)]), initial=0.0), scale)
    asked = min(-math.log10(max(rel, abs / largest if largest else abs, 1e-15)), float(MOST_DIGITS))
    RECORD.made.append(Comparison(topic, method, source, data, quantity, expected_by, digits, asked))
    for at, (x, y) in enumerate(both):
        same = math.isnan(x) and math.isnan(y)
        allowed = max(rel * math.fabs(y), abs)
        assert same or math.fabs(x - y) <= allowed, f"{method}, {quantity}[{at}]: found {x!r}, expected {y!r} ± {allowed:.3g}"


def rows(made: Iterable[Comparison]) -> Mapping[tuple[str, str, str, str, str], tuple[str, int, int]]:
    """For each topic, method, source, data and author of the expected value: quantities, worst digits, digits asked for."""
    found: dict[tuple[str, str, str, str, str], tuple[list[str], float, float]] = {}
    for one in made:
        key = (one.topic, one.method, one.source, one.data, one.expected_by)
        names, digits, asked = found.get(key, ([], float(MOST_DIGITS), float(MOST_DIGITS)))
        if one.quantity not in names:
            names = [*names, one.quantity]
        found[key] = (names, min(digits, one.digits), min(asked, one.asked))
    return {
        key: (", ".join(names), math.floor(digits), math.floor(asked + 1e-9))
        for key, (names, digits, asked) in sorted(found.items())
    }
