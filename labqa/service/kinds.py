"""Tables of results that are not numbers in σR: grades, results at a limit, yes or no; and what became of every result."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from labqa.analysis import censored, comparable, graded, passfail, usage
from labqa.analysis.bias_settings import BiasSettings


@dataclass(frozen=True)
class Kinds:
    """Tables by name, and the rows that they rest on."""

    tables: dict[str, pl.DataFrame]
    compared: pl.DataFrame
    interval: pl.DataFrame


def tables(
    results: pl.DataFrame,
    used: pl.DataFrame,
    items: pl.DataFrame,
    yardsticks: pl.DataFrame,
    lab_bias: pl.DataFrame,
    settings: BiasSettings,
) -> Kinds:
    """LAB_GRADES, LAB_CENSORED and LAB_AGREEMENT of the evidence; `used` are its blocks as the fit left them."""
    compared = comparable.stated(results, used, include_objection=settings.include_objection)
    interval = censored.usable(compared, used, items)
    found = {
        "lab_grades": graded.lab_grades(compared, items, settings),
        "lab_censored": censored.lab_censored(interval, results, yardsticks, lab_bias, settings),
        "lab_agreement": passfail.lab_agreement(compared, items, settings),
    }
    return Kinds(found, compared, interval)


def use(results: pl.DataFrame, blocks: pl.DataFrame, items: pl.DataFrame, kinds: Kinds) -> pl.DataFrame:
    """EVIDENCE_USE of all results that the run read."""
    return usage.evidence_use(results, blocks, items, kinds.compared, kinds.interval)
