"""Nested factors (site, day in site, run in day) as sorted values and offsets, one column of offsets a factor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Integers = NDArray[np.int64]


class Nesting(NamedTuple):
    """`order` sorts the values; `levels`, outermost first, delimit the next factor's groups in those of each factor, the last
    one the values."""

    order: Integers
    levels: tuple[Integers, ...]


def nesting(*codes: ArrayLike) -> Nesting:
    """Order and offsets of values that carry the codes of nested factors, outermost first.

    A code counts within its outer ones only: run 1 of day 1 is not run 1 of day 2. Codes are numbers or strings, one column
    of equal length a factor; values of a group keep their order. ValueError without a factor or if lengths differ.
    """
    columns = [np.unique(np.asarray(code), return_inverse=True)[1].reshape(-1) for code in codes]
    if not columns or len({len(column) for column in columns}) != 1:
        raise ValueError("nesting needs one column of codes a factor, all of one length")
    order = np.lexsort(columns[::-1])
    n = len(order)
    starts, changed = [], np.zeros(n, dtype=np.bool_)
    for column in columns:
        ordered = column[order]
        changed = changed | np.concatenate([np.ones(min(n, 1), dtype=np.bool_), ordered[1:] != ordered[:-1]])
        starts.append(np.append(np.flatnonzero(changed), n))
    inner = [*starts[1:], np.arange(n + 1)]
    levels = tuple(np.searchsorted(inside, outer).astype(np.int64) for outer, inside in zip(starts, inner, strict=True))
    return Nesting(order.astype(np.int64), levels)


def chained(levels: Sequence[Integers], sets: Integers) -> list[Integers]:
    """Offsets of each set into the groups of every factor, outermost first, and into the values."""
    found = [sets]
    for level in levels:
        found.append(level[found[-1]])
    return found
