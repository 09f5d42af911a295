"""Values of many groups that lie one behind the other: group g is `values[offsets[g]:offsets[g + 1]]`."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def in_groups(values: ArrayLike, offsets: Integers | None) -> tuple[Floats, Integers]:
    """`values` as float64 and their offsets as int64, checked; without offsets all values are one group.

    ValueError: values not finite (NaN has no place in a sequence: leave the row out), or offsets that do not rise from 0 to
    the number of values.
    """
    column = np.ascontiguousarray(values, dtype=np.float64)
    if column.ndim != 1:
        raise ValueError(f"values must be one column, found {column.ndim} dimensions")
    if not np.isfinite(column).all():
        raise ValueError(f"values must be finite, found {column[~np.isfinite(column)][0]} at {np.argmin(np.isfinite(column))}")
    return column, offsets_of(len(column), offsets)


def offsets_of(n: int, offsets: Integers | None) -> Integers:
    """`offsets` as int64, checked to rise from 0 to `n`; (0, n) if there are none."""
    if offsets is None:
        return np.array([0, n], dtype=np.int64)
    found = np.ascontiguousarray(offsets, dtype=np.int64)
    if found.ndim != 1 or len(found) == 0 or found[0] != 0 or found[-1] != n or (np.diff(found) < 0).any():
        raise ValueError(f"offsets must rise from 0 to {n}, the number of what they delimit")
    return found


def per_group(value: ArrayLike, offsets: Integers, name: str, *, positive: bool = False) -> Floats:
    """One number a group, from an array or one number for all; ValueError if not finite, or not above 0 where it must be."""
    given = np.asarray(value, dtype=np.float64)
    if given.ndim == 1 and len(given) != len(offsets) - 1:
        raise ValueError(f"{name} must be one number or one for each of {len(offsets) - 1} groups, found {len(given)}")
    found = np.ascontiguousarray(np.broadcast_to(given, (len(offsets) - 1,)))
    if not np.isfinite(found).all() or (positive and (found <= 0).any()):
        raise ValueError(f"{name} must be finite{' and above 0' if positive else ''}")
    return found
