"""Sample causes first: what explains better as "the sample differs" is charged to neither laboratory.

Three steps, before any laboratory is fitted for good: samples that a laboratory interchanged are set apart; where an item is
shown to change with the days between the tests, the expected change is taken out (a block whose days are not known is set
apart); tests of a sample that nothing else of their laboratories explains are set apart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from labqa.analysis.observations import Observations, starts
from labqa.core import tables as t
from labqa.stats.multiplicity import adjusted
from labqa.stats.screens.samples import differing_tests, drifts, robust_effects

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
DIFFERS = 1e-4
"""Chance for one test of being set apart although its sample does not differ, at most."""
DRIFT = 0.01
"""Chance that any item of the programme is said to change with the days although none does."""
DRIFT_BLOCKS = 20
"""Blocks with different days that an item needs before that is asked."""
_DRIFTS: dict[str, Any] = {"item": pl.String, "slope": pl.Float64, "se": pl.Float64, "blocks": pl.Int64, "days": pl.Float64}
_DRIFTS["evidence"] = pl.List(pl.String)
_TESTS = {"sample": pl.String, "lab": pl.String, "n": pl.Int64, "times": pl.Float64}


@dataclass(frozen=True)
class Causes:
    """What was charged to samples: items that change (slope in σR a day, and the median of the days taken out), and tests
    set apart (results, and how many times their usual scatter they deviate)."""

    drifts: pl.DataFrame
    tests: pl.DataFrame


NONE = Causes(pl.DataFrame(schema=_DRIFTS), pl.DataFrame(schema=_TESTS))


def without_sample_causes(
    seen: Observations, told: pl.DataFrame, swapped: pl.DataFrame | None, *, screened: bool
) -> tuple[Observations, pl.DataFrame, Causes]:
    """The observations that laboratories answer for, BLOCKS with the reason where nothing is left of them, and the causes.

    In blocks of three laboratories or more only the test that stands apart goes; of a pair both do, since neither is known
    to be right.
    """
    if not len(seen.y) or not (screened or swapped is not None):
        return seen, told, NONE
    before = seen.block_ids
    if swapped is not None and swapped.height:
        seen = _paired(seen, ~_named(seen, swapped))
    causes = NONE
    if screened and len(seen.y):
        changing = _drifts(seen)
        seen = _corrected(seen, changing)
        differing, out = _differing(seen) if len(seen.y) else (NONE.tests, np.zeros(0, dtype=bool))
        seen, causes = _paired(seen, ~out), Causes(changing, differing)
    gone = sorted(set(before) - set(seen.block_ids))
    lost = pl.col("block").is_in(gone) & pl.col("used_for_bias")
    why = pl.when(lost).then(pl.lit("bias.sample_differs")).otherwise("why_not")
    return seen, t.shaped(told.with_columns(why_not=why, used_for_bias=pl.col("used_for_bias") & ~lost), t.Blocks), causes


def _paired(seen: Observations, kept: Mask) -> Observations:
    """The observations kept that are not left alone in their block."""
    if kept.all():
        return seen
    left = np.bincount(seen.block[kept], minlength=len(seen.block_ids))
    return seen.only(kept & (left[seen.block] >= 2))


def _named(seen: Observations, tests: pl.DataFrame) -> Mask:
    """Observations of the tests (lab, sample) named."""
    labs, samples = {name: k for k, name in enumerate(seen.labs)}, {name: k for k, name in enumerate(seen.samples)}
    known = [
        samples[sample] * (len(labs) + 1) + labs[lab]
        for lab, sample in tests.select("lab", "sample").iter_rows()
        if lab in labs and sample in samples
    ]
    return np.isin(seen.sample * (len(labs) + 1) + seen.lab, known)


def _nodes(seen: Observations, column: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Node (lab × item) of each observation, and the laboratory or item (`column`) of each node."""
    joint = np.where(seen.is_anchor, len(seen.labs) * len(seen.items), seen.lab * len(seen.items) + seen.item)
    _, first, node = np.unique(joint, return_index=True, return_inverse=True)
    return node, column[first]


def _drifts(seen: Observations) -> pl.DataFrame:
    """Items that change with the days between original and retest, beyond chance among all items."""
    at = seen.only(~np.isnan(seen.days) & ~seen.is_anchor)
    at = at.only(_several(at))
    if not len(at.y) or not (at.days > 0).any():
        return NONE.drifts
    node, of_node = _nodes(at, at.item)
    found = drifts(starts(at.block), node, of_node, at.item, at.days, at.y)
    asked = np.flatnonzero((found.n >= DRIFT_BLOCKS) & np.isfinite(found.p))
    shown = asked[adjusted(found.p[asked], method="holm") <= DRIFT] if len(asked) else asked
    days = [float(np.median(at.days[(at.item == item) & (at.days > 0)])) for item in shown]
    columns = {
        "item": [at.items[item] for item in shown],
        "slope": found.slope[shown],
        "se": found.se[shown],
        "blocks": found.n[shown],
        "days": days,
        "evidence": [sorted({at.block_ids[b] for b in at.block[(at.item == item) & (at.days > 0)]}) for item in shown],
    }
    return pl.DataFrame(columns, schema=_DRIFTS)


def _several(seen: Observations) -> Mask:
    return np.asarray(np.bincount(seen.block, minlength=len(seen.block_ids))[seen.block] >= 2)


def _corrected(seen: Observations, changing: pl.DataFrame) -> Observations:
    """The observations with the expected change taken out; of the items that change only those whose days are known."""
    if changing.is_empty():
        return seen
    slopes = dict(changing.select("item", "slope").iter_rows())
    slope = np.array([slopes.get(item, 0.0) for item in seen.items])[seen.item]
    moved = np.where(slope != 0.0, slope * seen.days, 0.0)
    kept = ~np.isnan(moved)
    return _paired(replace(seen, y=seen.y - np.nan_to_num(moved)), kept)


def _differing(seen: Observations) -> tuple[pl.DataFrame, Mask]:
    """Tests that stand apart in most of their items as nothing else of their laboratories does, and their observations."""
    node, of_node = _nodes(seen, seen.lab)
    begins, n_labs = starts(seen.block), len(seen.labs)
    fitted = robust_effects(begins, node, of_node, seen.item, seen.y, ratio=1.0)
    names, test = np.unique(seen.sample * (n_labs + 1) + seen.lab, return_inverse=True)
    found = differing_tests(begins, seen.lab, test, fitted.t, n_labs=n_labs + 1, n_tests=len(names))
    apart = np.flatnonzero((np.nan_to_num(found.p, nan=1.0) <= DIFFERS) & (names % (n_labs + 1) < n_labs))
    told = {
        "sample": [seen.samples[k] for k in names[apart] // (n_labs + 1)],
        "lab": [seen.labs[k] for k in names[apart] % (n_labs + 1)],
        "n": found.n[apart],
        "times": np.sqrt(found.q[apart]),
    }
    return pl.DataFrame(told, schema=_TESTS), np.isin(test, apart)
