"""LAB_GRADES: how much higher or lower than its peers a laboratory grades, item by item, on the latent scale of the grades."""

from __future__ import annotations

import numpy as np
import polars as pl

from labqa.analysis import latent
from labqa.analysis.bias_settings import BiasSettings
from labqa.analysis.comparable import Stated, arranged
from labqa.core import tables as t
from labqa.core.threads import in_order
from labqa.core.vocabulary import Scale
from labqa.stats.latent.grades import fit_grades


def lab_grades(compared: pl.DataFrame, items: pl.DataFrame, settings: BiasSettings) -> pl.DataFrame:
    """LAB_GRADES from rows of `comparable.stated`."""
    graded = compared.join(items.filter(pl.col("scale") == str(Scale.ORDINAL)).select("item"), on="item", how="semi")
    groups = graded.group_by("item", maintain_order=True)
    rows = [*in_order(lambda group: _of_item(group[0][0], group[1], settings), groups)]
    return t.shaped(pl.concat(rows), t.LabGrades).sort("lab", "item") if rows else t.empty(t.LabGrades)


def _of_item(item: object, rows: pl.DataFrame, settings: BiasSettings) -> pl.DataFrame:
    seen = arranged(rows)
    grades = np.unique(seen.low[seen.low == seen.high])
    # below a grade: at most the next lower one that occurs; above it: at least the next higher one
    lowest = np.where(seen.low == seen.high, np.searchsorted(grades, seen.low), np.searchsorted(grades, seen.low, side="right"))
    highest = np.where(seen.low == seen.high, lowest, np.searchsorted(grades, seen.high) - 1)
    possible = lowest <= highest
    fitted = None
    if not possible.all():
        kept = rows.filter(pl.Series(possible)).filter(pl.len().over("block") >= 2)
        return _of_item(item, kept, settings) if kept.height else pl.DataFrame(schema=t.empty(t.LabGrades).schema)
    if len(grades) >= 2:
        fitted = fit_grades(seen.start, seen.lab, lowest, highest, n=len(seen.labs), n_grades=len(grades))
    found = latent.judged(latent.told(fitted, seen, str(item), settings), settings)
    found = latent.withheld(found, pl.col("lab").is_in(_at_the_end(seen, grades)), "kinds.end_of_scale")
    if fitted is not None and not fitted.converged:
        found = latent.withheld(found, pl.lit(value=True), "kinds.not_converged")
    return t.shaped(found, t.LabGrades)


def _at_the_end(seen: Stated, grades: np.ndarray) -> list[str]:
    """Laboratories that gave nothing but the lowest, or nothing but the highest grade: how far beyond cannot be told."""
    counts = np.bincount(seen.lab, minlength=len(seen.labs))
    ends = [np.bincount(seen.lab, weights=seen.low >= grades[-1], minlength=len(counts)),
            np.bincount(seen.lab, weights=seen.high <= grades[0], minlength=len(counts))]  # fmt: skip
    return [lab for lab, n, *told in zip(seen.labs, counts, *ends, strict=True) if n in told]
