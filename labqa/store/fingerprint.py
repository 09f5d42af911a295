"""Hash of a table's content: the same for any order of rows, number of threads, locale and file format.

Columns come in dictionary order and rows in key order; floats are rounded to the significant digits that the dictionary
states, so that a last bit that differs between processors does not matter; nulls are explicit and -0.0 is 0.0.
"""

from __future__ import annotations

import hashlib
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl

from labqa.core.tables import DIGITS

_FORM = "labqa table 1"
"""Names the form of the hashed bytes; changes when the form does."""
_STEP = 300
_POWERS = np.array([float(f"1e{k}") for k in range(_STEP + 1)])


def in_key_order(frame: pl.DataFrame, schema: type[dy.Schema]) -> pl.DataFrame:
    """The rows sorted by the table's primary key, byte-wise for text, so that no locale enters."""
    key = schema.primary_key()
    return frame.sort(key, maintain_order=True) if key else frame


def content_hash(frame: pl.DataFrame, schema: type[dy.Schema]) -> str:
    """SHA-256 of the content of a table that satisfies its contract (unique key, no NaN, no infinity)."""
    return content_hash_of_sorted(in_key_order(frame, schema), schema)


def content_hash_of_sorted(frame: pl.DataFrame, schema: type[dy.Schema]) -> str:
    """The same for rows that are in key order already."""
    summed = hashlib.sha256(f"{_FORM}\0{frame.height}\0".encode())
    for name, column in schema.columns().items():
        digits = (column.metadata or {}).get("digits", DIGITS)
        series = frame.get_column(name)
        summed.update(f"{name}\0{series.dtype}\0".encode())
        _update(summed, series, digits)
    return summed.hexdigest()


def _update(summed: Any, series: pl.Series, digits: int) -> None:
    """Feed one column: which cells are null, then the cells, every part of a length that those before it fix."""
    summed.update(np.packbits(series.is_null().to_numpy()))
    if isinstance(series.dtype, pl.List):
        lengths = series.list.len().fill_null(0)
        summed.update(_bytes(lengths))
        _update(summed, series.filter(lengths > 0).explode(), digits)
    elif series.dtype == pl.String:
        filled = series.fill_null("")
        summed.update(_bytes(filled.str.len_bytes()))
        summed.update((filled.str.join("").item() or "").encode())
    elif series.dtype.is_float():
        mantissa, exponent = rounded(series.fill_null(0.0).to_numpy(), digits=digits)
        summed.update(mantissa.astype("<i8"))
        summed.update(exponent.astype("<i8"))
    else:
        summed.update(_bytes(series.to_physical().fill_null(0)))


def _bytes(series: pl.Series) -> np.ndarray[Any, Any]:
    return np.ascontiguousarray(series.cast(pl.Int64).to_numpy()).astype("<i8", copy=False)


def rounded(x: np.ndarray[Any, Any], *, digits: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Decimal mantissa and exponent of finite floats: x ≈ mantissa · 10^exponent, rounded half to even.

    x: shape (n,), finite. Returns two int64 arrays of shape (n,): |mantissa| in [10^(digits−1), 10^digits) and the
    exponent; (0, 0) where x is 0 or −0. Only correctly rounded operations (×, ÷, rint) reach the result: log10 gives a
    first guess of the exponent that is corrected afterwards, so all processors agree.
    """
    size = np.abs(np.asarray(x, dtype=np.float64))
    zero = size == 0.0
    guess = np.floor(np.log10(np.where(zero, 1.0, size))).astype(np.int64) - (digits - 1)
    scaled = _shifted(size, -guess)
    guess += (scaled >= 10.0**digits).astype(np.int64) - (scaled < 10.0 ** (digits - 1)).astype(np.int64)
    mantissa = np.rint(_shifted(size, -guess)).astype(np.int64)
    carried = mantissa == 10**digits
    mantissa = np.where(carried, 10 ** (digits - 1), mantissa)
    exponent = np.where(zero, 0, guess + carried)
    return np.where(zero, 0, np.where(x < 0, -mantissa, mantissa)), exponent


def _shifted(x: np.ndarray[Any, Any], by: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """x · 10^by; in two steps at the ends of the range, where one power would overflow."""
    near = np.clip(by, -_STEP, _STEP)
    far = by - near
    lifted = x * _POWERS[np.maximum(near, 0)] * _POWERS[np.maximum(far, 0)]
    return np.asarray(lifted / _POWERS[np.maximum(-near, 0)] / _POWERS[np.maximum(-far, 0)])
