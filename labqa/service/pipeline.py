"""From facts to every table of a run, in memory: the one order in which the rooms of analysis and rating are called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from labqa.analysis import bias, discrepancy, indicators, integrity, pairing, precision, yardsticks
from labqa.analysis import summary as totals
from labqa.core.wording.catalogue import Message
from labqa.rating import classify
from labqa.rating.rulesets import Edition
from labqa.service.period import Window, Year

Progress = Callable[[Message, float], None]
_SHARES = {"read": 0.0, "pair": 0.05, "score": 0.2, "bias": 0.35, "rate": 0.8, "write": 0.9}


@dataclass(frozen=True)
class Facts:
    """What a run is made of: accepted results of the years it reads, and the registers in force."""

    results: pl.DataFrame
    labs: pl.DataFrame
    capabilities: pl.DataFrame
    items: pl.DataFrame
    products: pl.DataFrame
    class_in_force: pl.DataFrame


def of_years(frame: pl.DataFrame, years: Sequence[Year]) -> pl.DataFrame:
    """Rows whose period is one of `years`; None stands for undated rounds."""
    return frame.filter(pl.col("period").is_in([*years], nulls_equal=True))


def told(progress: Progress | None, step: str) -> None:
    """Tell the user which step begins."""
    if progress is not None:
        progress(Message(f"service.step_{step}"), _SHARES[step])
