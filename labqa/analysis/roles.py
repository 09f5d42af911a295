"""Whether a laboratory's results on samples of spot checks differ from its results in comparison rounds, which it knows for what
they are.

Originals, retests and rounds are fitted as if three laboratories had made them. Rounds share no sample with the other two, so
that the difference between roles is known up to a constant for all: it is told against that of the other laboratories, and what
all have in common (samples that change before they are tested again) is nobody's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from labqa.analysis.bias_settings import BiasSettings
from labqa.analysis.evidence import WITHOUT_SIGN
from labqa.analysis.finishing import beyond_tolerance
from labqa.analysis.network import Network
from labqa.analysis.observations import Observations, observations
from labqa.analysis.sample_causes import without_sample_causes
from labqa.analysis.scopes import KINDS, PRIOR_RESULTS, RESULTS_PER_DF, WITHIN, Part, groups, within_scope
from labqa.analysis.weights import Weighted, weighted
from labqa.core.tables.columns import MOST_EVIDENCE
from labqa.core.vocabulary import Role, Status, Trigger
from labqa.stats.bounds import p_bias_above
from labqa.stats.multiplicity import adjusted
from labqa.stats.network.across import Side, spread_across
from labqa.stats.network.contrasts import Contrast, Judged, OwnVariance, judged
from labqa.stats.network.zero import leave_one_out_centres

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
ROLES = (Role.ORIGINAL, Role.RETEST, Role.PT)
"""What a laboratory is split into; a referee's test is a retest."""
ROUNDS = ROLES.index(Role.PT)
ERROR_RATE = 0.05
"""Chance that any laboratory of an evaluation is said to differ although none does by more than δ0 (Holm)."""
DIFFER = "bias.roles_differ"
_SCHEMA = {
    "lab": pl.String, "role": pl.String, "estimate": pl.Float64, "se": pl.Float64, "df": pl.Float64, "lower": pl.Float64,
    "upper": pl.Float64, "n_samples": pl.Int64, "n_rounds": pl.Int64, "evidence": pl.List(pl.String), "p_value": pl.Float64,
}  # fmt: skip
NONE = pl.DataFrame(schema=_SCHEMA)


class _Split(NamedTuple):
    """Observations by laboratory (`whole`) and by laboratory and role (`split`: code role × laboratories + laboratory), the
    robust weights of the latter and their fitted components."""

    whole: Observations
    split: Observations
    weights: Weighted
    parts: list[Part]


def of_roles(
    results: pl.DataFrame,
    blocks: pl.DataFrame,
    items: pl.DataFrame,
    yardsticks: pl.DataFrame,
    network: Network | None,
    settings: BiasSettings,
    *,
    swapped: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """By how much a laboratory's originals, or its retests, lie above (+) its results in rounds, in σR, beside what the other
    laboratories show: lab, role, estimate, se, df, lower, upper, n_samples, n_rounds, evidence (blocks, those that show it most
    first) and p_value, of H0: by no more than δ0, adjusted for all that are examined (Holm).

    Examined is who has in both roles the samples and partners that an item needs, among five such laboratories. Planned retests
    alone count: others follow what the original looked like. Errors that the results of a laboratory share, on an item say, are
    those of the network (`swapped`, too, as there).
    """
    if network is None or settings.scale == "raw":
        return NONE
    found = _fitted(results, blocks, items, yardsticks, settings, swapped)
    if found is None:
        return NONE
    rows = pl.concat([NONE.drop("p_value"), *(_rows(found, network, role, settings) for role in range(ROUNDS))])
    estimate, se, df = (rows[name].to_numpy() for name in ("estimate", "se", "df"))
    p = adjusted(p_bias_above(estimate, se, df, bound=settings.delta0), method="holm")
    return rows.with_columns(p_value=pl.Series(p, dtype=pl.Float64)).sort("lab", "role")


def differing(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of `of_roles` that show a difference."""
    return rows.filter(pl.col("p_value") <= ERROR_RATE)


def withheld(lab_bias: pl.DataFrame, shown: pl.DataFrame, settings: BiasSettings) -> pl.DataFrame:
    """LAB_BIAS in which nothing is said of the biases of laboratories `shown` to differ between roles: a mean over both is that
    of neither. What lies beyond the tolerance all the same is stated: doing well in rounds must not undo it."""
    named = pl.col("lab").is_in(shown["lab"].to_list()) & (pl.col("status") == str(Status.ASSESSED))
    lost = lab_bias.select(named & ~beyond_tolerance(lab_bias, settings)).to_series()
    return lab_bias.with_columns(
        *(pl.when(~lost).then(pl.col(name)).alias(name) for name in (*WITHOUT_SIGN, "zero")),
        status=pl.when(lost).then(pl.lit(str(Status.UNDETERMINED))).otherwise("status"),
        reason=pl.when(lost).then(pl.lit(DIFFER)).otherwise("reason"),
    )


def _fitted(
    results: pl.DataFrame,
    blocks: pl.DataFrame,
    items: pl.DataFrame,
    yardsticks: pl.DataFrame,
    settings: BiasSettings,
    swapped: pl.DataFrame | None,
) -> _Split | None:
    """The network of laboratories by role; sample causes are looked for in it, too: originals that are wrong throughout are no
    strange samples among the laboratory's results."""
    planned = results.filter(pl.col("trigger").is_null() | (pl.col("trigger") == str(Trigger.PLANNED)))
    if not set(planned["role"].cast(pl.String).unique()) >= {str(Role.ORIGINAL), str(Role.PT)}:
        return None
    whole, told = observations(
        planned, blocks, items, yardsticks,
        scale=settings.scale, include_objection=False, blunder=settings.blunder if settings.robust else None,
    )  # fmt: skip
    if not len(whole.y):
        return None
    named = None if swapped is None else _by_role(swapped)
    split, _, _ = without_sample_causes(_split(whole, planned), told, named, screened=settings.robust)
    if not len(split.y):
        return None
    n = len(whole.labs)
    lab = np.where(split.is_anchor, n, split.lab % n)
    weights = weighted(split, robust=settings.robust, corner=settings.corner, end=settings.end)
    everything = np.ones(len(split.y), dtype=bool)
    parts = list(within_scope(split, weights.weight, weights.precision, split.y, everything))
    return _Split(replace(split, labs=whole.labs, lab=lab), split, weights, parts)


def _name(lab: pl.Expr, role: Role) -> pl.Expr:
    return pl.concat_str(lab, pl.lit(f"\0{role}"))


def _by_role(tests: pl.DataFrame) -> pl.DataFrame:
    """Tests (lab, sample) under the name of the laboratory in each role."""
    return pl.concat([tests.select("sample", lab=_name(pl.col("lab"), role)) for role in ROLES])


def _split(whole: Observations, results: pl.DataFrame) -> Observations:
    """The observations with laboratory and role in the place of the laboratory."""
    tests = pl.DataFrame(
        {
            "sample": pl.Series(whole.samples, dtype=pl.String).gather(whole.sample),
            "lab": pl.Series([*whole.labs, None], dtype=pl.String).gather(whole.lab),
        }
    )
    of_test = results.filter(pl.col("lab").is_not_null()).select("sample", "lab", "role").unique(["sample", "lab"])
    joined = tests.join(of_test, on=["sample", "lab"], how="left", maintain_order="left")["role"].cast(pl.String)
    codes = {str(role): code for code, role in enumerate(ROLES)} | {str(Role.REFEREE): ROLES.index(Role.RETEST)}
    role = joined.replace_strict(codes, default=ROUNDS, return_dtype=pl.Int64).to_numpy()
    names = pl.Series(whole.labs, dtype=pl.String)
    labs = pl.concat([names.to_frame("lab").select(_name(pl.col("lab"), one)).to_series() for one in ROLES]).to_list()
    return replace(whole, labs=labs, lab=np.where(whole.is_anchor, len(labs), role * len(names) + whole.lab))


def _rows(found: _Split, network: Network, role: int, settings: BiasSettings) -> pl.DataFrame:
    """Rows of one role: laboratories of the same two components, five at least, against one another."""
    n = len(found.whole.labs)
    part = np.full(len(ROLES) * n, -1)
    enough = np.zeros(len(ROLES) * n, dtype=bool)
    for k, one in enumerate(found.parts):
        part[one.labs] = k
        enough[one.labs] = (one.n_samples >= settings.min_item_samples) & (one.n_partners >= settings.min_partners)
    own, rounds = role * n + np.arange(n), ROUNDS * n + np.arange(n)
    examined = np.flatnonzero(enough[own] & enough[rounds])
    frames = []
    for pair in np.unique(np.stack([part[own[examined]], part[rounds[examined]]], axis=1), axis=0).reshape(-1, 2):
        labs = examined[(part[own[examined]] == pair[0]) & (part[rounds[examined]] == pair[1])]
        if len(labs) >= settings.min_labs:
            frames.append(_compared(found, network, labs, own[labs], rounds[labs], pair, settings))
    return pl.concat([NONE.drop("p_value"), *frames])


def _compared(
    found: _Split, network: Network, labs: Ints, own: Ints, rounds: Ints, pair: Ints, settings: BiasSettings
) -> pl.DataFrame:
    """Differences between the nodes `own` and `rounds` of laboratories, less the robust centre of the others' differences."""
    sides, difference = [found.parts[k] for k in pair], np.zeros(len(labs))
    places = [np.searchsorted(side.labs, nodes) for side, nodes in zip(sides, (own, rounds), strict=True)]
    for sign, side, place in zip((1.0, -1.0), sides, places, strict=True):
        difference += sign * side.fitted.effect[place]
    centres = leave_one_out_centres(difference)
    told = _told(found, network, labs, sides, places, centres.weight, difference - centres.centre)
    reach = special.stdtrit(told.df, 0.5 + 0.5 * settings.level) * told.se
    return pl.DataFrame(
        {
            "lab": [found.whole.labs[lab] for lab in labs],
            "role": str(ROLES[own[0] // len(found.whole.labs)]),
            "estimate": told.estimate,
            "se": told.se,
            "df": told.df,
            "lower": told.estimate - reach,
            "upper": told.estimate + reach,
            "n_samples": sides[0].n_samples[places[0]],
            "n_rounds": sides[1].n_samples[places[1]],
            "evidence": [_evidence(found.split, node, side) for node, side in zip(own, np.sign(told.estimate), strict=True)],
        },
        schema={name: kind for name, kind in _SCHEMA.items() if name != "p_value"},
    )


def _told(
    found: _Split, network: Network, labs: Ints, sides: list[Part], places: list[Ints], others: Floats, estimate: Floats
) -> Judged:
    """Standard errors and degrees of freedom, with the network's variance components and each laboratory's own between items."""
    against = np.eye(len(labs)) - others
    given = []
    for sign, side, place in zip((1.0, -1.0), sides, places, strict=True):
        rows = np.zeros((len(labs), len(side.fitted.effect)))
        rows[:, place] = sign * against
        given.append(Side(side.fitted, side.kept, rows))
    everything = np.arange(len(found.split.y))
    groupings = groups(found.whole, found.weights.precision, everything)
    names = pl.Series(network.seen.labs)
    known = names.search_sorted(pl.Series([found.whole.labs[lab] for lab in labs])).to_numpy()
    spread = spread_across(given, groupings, lab=labs, n_observations=len(everything))
    n_results = np.bincount(found.whole.lab, minlength=len(found.whole.labs) + 1)[labs]
    return judged(
        Contrast(estimate, spread.total, spread.own[:, None, :]),
        network.components,
        within=np.array([kind in WITHIN for kind in KINDS]),
        lab_df=RESULTS_PER_DF * (PRIOR_RESULTS + n_results[:, None]),
        slope=found.weights.slope,
        items=OwnVariance(KINDS.index("item"), network.spread.variance[known][:, None], network.spread.df[known][:, None]),
    )


def _evidence(split: Observations, node: int, side: float) -> list[str]:
    """Blocks of a laboratory in a role, those first in which its result lies furthest to the side told."""
    here = np.flatnonzero(split.lab == node)
    count = np.bincount(split.block, minlength=len(split.block_ids))[split.block[here]]
    mean = np.bincount(split.block, weights=split.y, minlength=len(split.block_ids))[split.block[here]] / count
    order = np.argsort(-side * (split.y[here] - mean), kind="stable")[:MOST_EVIDENCE]
    return [split.block_ids[block] for block in split.block[here[order]]]
