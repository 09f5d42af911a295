"""Whether a laboratory's results on one occasion go with those on another: its originals, and its retests, with its results in
comparison rounds, which it knows for what they are; those of the last half-year with those before.

Each laboratory is fitted as if there were one for each occasion. Rounds share no sample with spot checks, nor late samples with
early ones, so that a difference between occasions is known up to a constant for all: it is told beside that of the other
laboratories, and what all have in common (samples that change before they are tested again) is nobody's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from labqa.analysis.bias_settings import BiasSettings
from labqa.analysis.evidence import undetermined
from labqa.analysis.finishing import beyond_tolerance
from labqa.analysis.network import Network
from labqa.analysis.observations import MEASURED, Observations, observations
from labqa.analysis.sample_causes import without_sample_causes
from labqa.analysis.scopes import KINDS, PRIOR_RESULTS, RESULTS_PER_DF, WITHIN, Part, groups, within_scope
from labqa.analysis.weights import Weighted, weighted
from labqa.core.tables.columns import MOST_EVIDENCE
from labqa.core.vocabulary import Role, Status, Trigger
from labqa.stats.bounds import p_bias_above
from labqa.stats.multiplicity import adjusted
from labqa.stats.network.across import Side, spread_across
from labqa.stats.network.contrasts import Contrast, Judged, OwnVariance, judged
from labqa.stats.network.variance import Contrasts, against_others
from labqa.stats.network.zero import leave_one_out_centres

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
LEAST_SAMPLES = 4
"""Samples on each of two occasions from which a laboratory is examined; nothing but a difference is said from so few."""
HALF_YEAR = timedelta(days=183)
"""Up to the last dated test: what is examined for a change; a later or an earlier one shows in it, less clearly."""
ERROR_RATE = 0.05
"""Chance that any laboratory of an evaluation is said to differ although none does by more than δ0 (Holm)."""
DIFFER = "bias.occasions_differ"
_SCHEMA: dict[str, Any] = {
    "lab": pl.String, "occasion": pl.String, "estimate": pl.Float64, "se": pl.Float64, "df": pl.Float64, "lower": pl.Float64,
    "upper": pl.Float64, "n_samples": pl.Int64, "n_others": pl.Int64, "evidence": pl.List(pl.String), "p_value": pl.Float64,
}  # fmt: skip
NONE = pl.DataFrame(schema=_SCHEMA)
_UNTESTED = NONE.drop("p_value")


@dataclass(frozen=True)
class _Division:
    """Occasions by which tests are divided; each is compared with the last. `of_test` is the place of a test's among them."""

    occasions: tuple[str, ...]
    of_test: pl.Expr


def _divisions(results: pl.DataFrame) -> list[_Division]:
    """By role, a referee's test being a retest; and by time. Undated tests count as before."""
    role = pl.col("role").cast(pl.String)
    again = role.is_in([str(Role.RETEST), str(Role.REFEREE)])
    by_role = pl.when(role == str(Role.ORIGINAL)).then(0).when(again).then(1).otherwise(2)
    found = [_Division(("originals", "retests", "rounds"), by_role)]
    last = results["tested_on"].max()
    if isinstance(last, date):
        found.append(_Division(("late", "before"), pl.when(pl.col("tested_on") > last - HALF_YEAR).then(0).otherwise(1)))
    return found


@dataclass(frozen=True)
class _Divided:
    """Observations by laboratory (`whole`) and by laboratory and occasion (`split`: code occasion × laboratories + laboratory),
    the robust weights of the latter and their fitted components."""

    whole: Observations
    split: Observations
    weights: Weighted
    parts: list[Part]


def of_occasions(
    results: pl.DataFrame,
    blocks: pl.DataFrame,
    items: pl.DataFrame,
    yardsticks: pl.DataFrame,
    network: Network | None,
    settings: BiasSettings,
    *,
    swapped: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """By how much a laboratory's results on an occasion lie above (+) its others, in σR, beside what other laboratories show.

    Columns lab, occasion (`originals` and `retests` against rounds, `late`: the last half-year against what was before),
    estimate, se, df, lower, upper, n_samples and n_others (samples on the occasion, and of the others), evidence (blocks, those
    that show it most first) and p_value, of H0: by no more than δ0, adjusted for all that are examined (Holm). Examined is who
    has on both occasions `LEAST_SAMPLES` and the partners that a bias needs, among as many laboratories as a sign needs. Errors
    that a laboratory's results share have the network's variances. `swapped` names tests (lab, sample) that an interchange
    explains.
    """
    if network is None or settings.scale == "raw":
        return NONE
    left, rows, read = _telling(results, blocks, settings), _UNTESTED, None
    for division in _divisions(left):
        if left is not read:
            whole, told = observations(
                left, blocks, items, yardsticks,
                scale=settings.scale, include_objection=False, blunder=settings.blunder if settings.robust else None,
            )  # fmt: skip
            read = left
        found = _divided(whole, told, left, division, settings, swapped) if len(whole.y) else None
        for place, occasion in enumerate(division.occasions[:-1]):
            of_it = _rows(found, network, (place, len(division.occasions) - 1), settings) if found is not None else _UNTESTED
            rows = pl.concat([rows, of_it.with_columns(occasion=pl.lit(occasion))])
        left = _without(left, division, differing(_tested(rows, settings)))
    return _tested(rows, settings).sort("lab", "occasion")


def _tested(rows: pl.DataFrame, settings: BiasSettings) -> pl.DataFrame:
    """Rows with their p, adjusted for all of them."""
    estimate, se, df = (rows[name].to_numpy() for name in ("estimate", "se", "df"))
    p = adjusted(p_bias_above(estimate, se, df, bound=settings.delta0), method="holm")
    return rows.with_columns(p_value=pl.Series(p, dtype=pl.Float64))


def _without(results: pl.DataFrame, division: _Division, shown: pl.DataFrame) -> pl.DataFrame:
    """Results without those of the laboratories and occasions `shown` to differ: half of a laboratory's originals fall into the
    last half-year, or more, or fewer, and must not move its partners."""
    if shown.is_empty():
        return results
    named = results.with_columns(occasion=pl.lit(pl.Series(division.occasions)).gather(division.of_test))
    return named.join(shown, on=["lab", "occasion"], how="anti", maintain_order="left").drop("occasion")


def _telling(results: pl.DataFrame, blocks: pl.DataFrame, settings: BiasSettings) -> pl.DataFrame:
    """Results without retests that were not planned, which follow what the original looked like, and without spot checks of
    product families that fewer than three laboratories test first: there it may be the product."""
    not_asked_for = pl.col("trigger").is_null() | (pl.col("trigger") == str(Trigger.PLANNED))
    original = results.select(not_asked_for & (pl.col("role") == str(Role.ORIGINAL))).to_series()
    first = results.select("sample", "lab").filter(original).unique()
    known = first.join(blocks.select("sample", "family").unique(), on="sample")
    few = known.filter(pl.col("lab").n_unique().over("family") < settings.min_partners)["sample"].unique()
    kept = results.select(not_asked_for & ~pl.col("sample").is_in(few.implode())).to_series()
    return results.select("sample", "item", "lab", "role", "trigger", *MEASURED).filter(kept)  # one copy of so many rows


def differing(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of `of_occasions` that show a difference."""
    return rows.filter(pl.col("p_value") <= ERROR_RATE)


def withheld(lab_bias: pl.DataFrame, shown: pl.DataFrame, settings: BiasSettings) -> pl.DataFrame:
    """LAB_BIAS in which nothing is said of the biases of laboratories `shown` to differ between occasions: a mean over both is
    that of neither. What lies beyond the tolerance all the same is stated: doing well in rounds must not undo it."""
    named = pl.col("lab").is_in(shown["lab"].to_list()) & (pl.col("status") == str(Status.ASSESSED))
    lost = lab_bias.select(named & ~beyond_tolerance(lab_bias, settings)).to_series()
    return undetermined(lab_bias, lost, DIFFER)


def _divided(
    whole: Observations,
    told: pl.DataFrame,
    results: pl.DataFrame,
    division: _Division,
    settings: BiasSettings,
    swapped: pl.DataFrame | None,
) -> _Divided | None:
    """The network of laboratories by occasion; sample causes are looked for in it, too: originals that are wrong throughout are
    no strange samples among the laboratory's results."""
    tests = pl.DataFrame(
        {
            "sample": pl.Series(whole.samples, dtype=pl.String).gather(whole.sample),
            "lab": pl.Series([*whole.labs, None], dtype=pl.String).gather(whole.lab),
        }
    )
    named = results.filter(pl.col("lab").is_not_null()).group_by("sample", "lab").agg(place=division.of_test.min())
    place = tests.join(named, on=["sample", "lab"], how="left", maintain_order="left")["place"].fill_null(0).to_numpy()
    n, labs = len(whole.labs), [f"{lab}\0{occasion}" for occasion in division.occasions for lab in whole.labs]
    lab = np.where(whole.is_anchor, len(labs), place * n + whole.lab)
    apart = None if swapped is None else pl.concat(
        [swapped.select("sample", lab=pl.col("lab") + f"\0{occasion}") for occasion in division.occasions]
    )  # fmt: skip
    split, _, _ = without_sample_causes(replace(whole, labs=labs, lab=lab), told, apart, screened=settings.robust)
    if not _any_compared(split, n, settings):
        return None
    weights = weighted(split, robust=settings.robust, corner=settings.corner, end=settings.end)
    everything = np.ones(len(split.y), dtype=bool)
    parts = list(within_scope(split, weights.weight, weights.precision, split.y, everything, iterated=True))
    again = replace(split, labs=whole.labs, lab=np.where(split.is_anchor, n, split.lab % n))
    return _Divided(again, split, weights, parts)


def _any_compared(split: Observations, n: int, settings: BiasSettings) -> bool:
    """Whether enough of the n laboratories have samples enough on the last occasion and on another."""
    tests = np.unique(split.lab * len(split.samples) + split.sample) // max(len(split.samples), 1)
    enough = np.bincount(tests, minlength=len(split.labs) + 1)[: len(split.labs)].reshape(-1, n) >= LEAST_SAMPLES
    return bool(((enough[:-1] & enough[-1]).sum(axis=1) >= settings.min_labs).any())


def _rows(found: _Divided, network: Network, compared: tuple[int, int], settings: BiasSettings) -> pl.DataFrame:
    """Rows of the places of two occasions: laboratories of the same components, enough of them, against one another."""
    n = len(found.whole.labs)
    part = np.full(len(found.split.labs), -1)
    enough = np.zeros(len(found.split.labs), dtype=bool)
    for k, one in enumerate(found.parts):
        part[one.labs] = k
        enough[one.labs] = (one.n_samples >= LEAST_SAMPLES) & (one.n_partners >= settings.min_partners)
    first, second = (place * n + np.arange(n) for place in compared)
    examined = np.flatnonzero(enough[first] & enough[second])
    pairs = np.stack([part[first[examined]], part[second[examined]]], axis=1)
    frames = [_UNTESTED]
    for pair in np.unique(pairs, axis=0):
        labs = examined[(pairs == pair).all(axis=1)]
        if len(labs) >= settings.min_labs:
            frames.append(_compared(found, network, labs, (first[labs], second[labs]), settings))
    return pl.concat(frames)


def _compared(found: _Divided, network: Network, labs: Ints, nodes: tuple[Ints, Ints], settings: BiasSettings) -> pl.DataFrame:
    """Differences between two nodes of each laboratory, less the robust centre of the others' differences."""
    parts = [next(part for part in found.parts if one[0] in part.labs) for one in nodes]
    places = [np.searchsorted(part.labs, one) for part, one in zip(parts, nodes, strict=True)]
    difference = parts[0].fitted.effect[places[0]] - parts[1].fitted.effect[places[1]]
    centres = leave_one_out_centres(difference)
    against = against_others(centres, nodes=len(labs))
    sides = []
    for sign, part, place in zip((1.0, -1.0), parts, places, strict=True):
        bases = np.zeros((len(against.bases), part.fitted.n))
        bases[:, place] = sign * against.bases
        sides.append(Side(part.fitted, part.kept, Contrasts(place, sign * against.factor, against.base, bases)))
    told = _told(found, network, labs, sides, difference - centres.centre)
    reach = special.stdtrit(told.df, 0.5 + 0.5 * settings.level) * told.se
    columns = {
        "lab": [found.whole.labs[lab] for lab in labs],
        "occasion": "",
        "estimate": told.estimate,
        "se": told.se,
        "df": told.df,
        "lower": told.estimate - reach,
        "upper": told.estimate + reach,
        "n_samples": parts[0].n_samples[places[0]],
        "n_others": parts[1].n_samples[places[1]],
        "evidence": [_evidence(found.split, node, side) for node, side in zip(nodes[0], np.sign(told.estimate), strict=True)],
    }
    return pl.DataFrame(columns, schema=_UNTESTED.schema)


def _told(found: _Divided, network: Network, labs: Ints, sides: list[Side], estimate: Floats) -> Judged:
    """Standard errors and degrees of freedom, by the network's variance components and each laboratory's own between items."""
    spread = spread_across(sides, groups(found.whole, found.weights.precision, np.arange(len(found.split.y))), lab=labs)
    known = pl.Series(network.seen.labs).search_sorted(pl.Series(found.whole.labs).gather(labs)).to_numpy()
    n_results = np.bincount(found.whole.lab, minlength=len(found.whole.labs) + 1)[labs]
    return judged(
        Contrast(estimate, spread.total, spread.own[:, None, :]),
        network.components,
        within=np.array([kind in WITHIN for kind in KINDS]),
        lab_df=np.asarray(RESULTS_PER_DF * (PRIOR_RESULTS + n_results[:, None]), dtype=np.float64),
        slope=found.weights.slope,
        items=OwnVariance(KINDS.index("item"), network.spread.variance[known][:, None], network.spread.df[known][:, None]),
    )


def _evidence(split: Observations, node: int, side: float) -> list[str]:
    """Blocks of a laboratory on an occasion, those first in which its result lies furthest to the side told."""
    here = np.flatnonzero(split.lab == node)
    count = np.bincount(split.block, minlength=len(split.block_ids))[split.block[here]]
    mean = np.bincount(split.block, weights=split.y, minlength=len(split.block_ids))[split.block[here]] / count
    order = np.argsort(-side * (split.y[here] - mean), kind="stable")[:MOST_EVIDENCE]
    return [split.block_ids[block] for block in split.block[here[order]]]
