"""Are the last reported digits of a laboratory as evenly spread as digits below the scatter of a method must be?

Only where the step of reporting lies two digits below the leading digit of the repeatability (`beyond_repeatability`): there
the last digit carries no information and is uniform. Uneven digits may come from an instrument's or a software's own step, from
rounding twice or from a habit of reading as well as from invention: they are a reason to ask for raw data, never a finding.
Results reported to significant figures have several steps: take those of each step by themselves, or 0 will be too frequent.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from labqa.stats.groups import Integers, offsets_of
from labqa.stats.kernels import kernel

Floats = NDArray[np.float64]

FEW = 50
"""Digits below which the p value is exact: 5 expected in each of 10 classes, where χ² begins to serve."""


class Uniformity(NamedTuple):
    """Number of digits of each group, χ² against equal shares, its degrees of freedom and p."""

    n: Integers
    statistic: Floats
    df: int
    p: Floats


class Preference(NamedTuple):
    """Share of the named digits in each group, and P(as many or more) if all digits are equally likely."""

    share: Floats
    p: Floats


def beyond_repeatability(step: ArrayLike, repeatability: ArrayLike, *, digits: int = 2) -> NDArray[np.bool_]:
    """Whether results are reported with `digits` or more decimal places beyond the leading digit of the repeatability SD.

    ⌊log10 sr⌋ − log10 step ≥ digits: with sr = 0.5 the step must be 0.001. One place would already make the last digit of
    normal values uniform to 1e-8; the second allows for values that were rounded on the way. False where either is
    unknown (NaN) or not above 0.
    """
    fine, sr = np.asarray(step, dtype=np.float64), np.asarray(repeatability, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        places = np.floor(np.log10(sr) + 1e-9) - np.log10(fine)
    return np.asarray((fine > 0) & (sr > 0) & (places >= digits - 1e-9))


def terminal_digits(values: ArrayLike, *, step: ArrayLike, last: int = 1) -> Integers:
    """The `last` digits of each value written as a whole number of reporting steps; −1 where it is not one.

    |x|/step rounded, modulo 10^last: 47.78 at step 0.01 ends in 8 (78 with last = 2). `step` is one number or one a value. A
    value further than 1e-6 steps from a whole number of steps, NaN or infinite, or beyond 2^53 steps gives −1: it was not
    reported at this step.
    """
    x, size = np.broadcast_arrays(np.asarray(values, dtype=np.float64), np.asarray(step, dtype=np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.abs(x) / size
        whole = np.rint(steps)
        known = (np.abs(steps - whole) <= 1e-6) & (steps < 2.0**53) & (size > 0)
    return np.where(known, np.where(known, whole, 0.0).astype(np.int64) % 10**last, -1)


def terminal_digits_of_text(texts: Sequence[str], *, step: str, last: int = 1) -> Integers:
    """As `terminal_digits`, from decimal text and in decimal arithmetic: exact for any number of digits.

    "52.5" at step "0.01" ends in 0: software drops trailing zeros, so the number of digits written is no evidence of
    the step. Text that is no finite decimal number raises `decimal.InvalidOperation` or gives −1.
    """
    size = Decimal(step)
    found = np.full(len(texts), -1, dtype=np.int64)
    for i, text in enumerate(texts):
        value = abs(Decimal(text))
        if value.is_finite() and value % size == 0:
            found[i] = int(value / size) % 10**last
    return found


@kernel
def _counts(digits: Integers, offsets: Integers, classes: int) -> Integers:
    found = np.zeros((len(offsets) - 1, classes), np.int64)
    for g in range(len(offsets) - 1):
        for i in range(offsets[g], offsets[g + 1]):
            if digits[i] >= 0:
                found[g, digits[i]] += 1
    return found


def digit_counts(digits: Integers, offsets: Integers | None = None, *, classes: int = 10) -> Integers:
    """How often each of the `classes` digits occurs in each group (laboratory): (groups, classes); −1 is not counted."""
    column = np.ascontiguousarray(digits, dtype=np.int64)
    if (column >= classes).any():
        raise ValueError(f"digits must be below {classes}, found {column.max()}")
    return np.asarray(_counts(column, offsets_of(len(column), offsets), classes))


@kernel
def _tails_of_squares(most: int, classes: int) -> Floats:
    """P(Σ counts² ≥ q) of `m` digits over equally likely classes, for every m ≤ most and q ≤ most²: [m, q].

    Built up class by class: the number of ways is Π 1/c! over the counts c, times m!/classes^m in the end.
    """
    inverse = np.ones(most + 1)
    for c in range(1, most + 1):
        inverse[c] = inverse[c - 1] / c
    ways = np.zeros((most + 1, most * most + 1))
    ways[0, 0] = 1.0
    for _ in range(classes):
        more = np.zeros_like(ways)
        for m in range(most + 1):
            for q in range(m * m + 1):
                if ways[m, q] > 0.0:
                    for c in range(most - m + 1):
                        more[m + c, q + c * c] += ways[m, q] * inverse[c]
        ways = more
    scale = 1.0
    for m in range(most + 1):
        scale *= m / classes if m > 0 else 1.0
        tail = 0.0
        for q in range(most * most, -1, -1):
            tail += ways[m, q] * scale
            ways[m, q] = min(tail, 1.0)
    return ways


def uniformity(counts: ArrayLike) -> Uniformity:
    """χ² of each row of counts against equal shares: Σ (c − n/k)²/(n/k), k classes, k − 1 degrees of freedom.

    `counts`: (groups, k) or one row. p from χ² where n ≥ 5k; below, exactly: χ² is k Σc²/n − n, and the distribution of Σc²
    under the multinomial law is built up class by class. n = 0: statistic and p NaN. SciPy's `chisquare` gives χ² as well,
    its exact p only by simulation. Digits must be independent: replicates that share a blank or a dilution still are, copied
    results are not. Source: Pearson 1900; for terminal digits Mosimann, Wiseman & Edelman 1995,
    doi:10.1080/08989629508573866.
    """
    table = np.atleast_2d(np.asarray(counts, dtype=np.int64))
    n, k = table.sum(axis=1), table.shape[1]
    squares = (table * table).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.where(n > 0, np.maximum(k * squares / n - n, 0.0), np.nan)
    p = np.where(n > 0, special.chdtrc(k - 1, statistic), np.nan)
    few = (n > 0) & (n < FEW / 10 * k) & (n < 10 * FEW)
    if few.any():
        tails = _tails_of_squares(int(n[few].max()), k)
        p[few] = tails[n[few], squares[few]]
    return Uniformity(n.astype(np.int64), statistic, k - 1, p)


def preference(counts: ArrayLike, *, digits: Sequence[int] = (0, 5)) -> Preference:
    """Share of the named `digits` (0 and 5) in each row of counts, and the one-sided exact binomial p of as many.

    P(N ≥ seen), N ~ Bin(n, number of digits/k). n = 0: NaN. What `uniformity` says of evidence holds here.
    """
    table = np.atleast_2d(np.asarray(counts, dtype=np.int64))
    n, seen = table.sum(axis=1), table[:, list(digits)].sum(axis=1)
    chance = len(digits) / table.shape[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(n > 0, seen / n, np.nan)
    tail = np.where(seen > 0, special.betainc(np.maximum(seen, 1), n - np.maximum(seen, 1) + 1, chance), 1.0)
    return Preference(share, np.where(n > 0, tail, np.nan))
