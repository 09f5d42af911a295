"""Trials of simulated networks kept in a csv file, so that hours of them may be broken off and taken up again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import polars as pl


def kept_trials(
    path: Path,
    trials: Iterable[Mapping[str, str | int]],
    trial: Callable[..., pl.DataFrame],
    *,
    key: tuple[str, ...],
    read: Callable[[Path], pl.DataFrame] = pl.read_csv,
) -> pl.DataFrame:
    """The rows of `trial(**of)` for each `of` of `trials`, sorted by `key`; those whose `of` the file holds are not made again.

    The file is written after each trial. ValueError without trials and file.
    """
    parts = [read(path)] if path.is_file() else []
    for of in trials:
        if not parts or parts[0].filter(**of).is_empty():
            parts = [pl.concat([*parts, trial(**of)]).sort(*key)]
            parts[0].write_csv(path)
    if not parts:
        raise ValueError(f"{path}: no such file, and no trials to fill it")
    return parts[0].sort(*key)
