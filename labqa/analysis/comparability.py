"""How comparable two laboratories are, and whether their own blocks say the same of them as the rest of the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse, special

from labqa.analysis.bias_settings import BiasSettings
from labqa.analysis.network import Network
from labqa.analysis.observations import starts
from labqa.analysis.scopes import KINDS, PRIOR_RESULTS, RESULTS_PER_DF, WITHIN, Part, anchor_suffices, groups
from labqa.analysis.weights import unfitted
from labqa.core import tables as t
from labqa.core.vocabulary import Status
from labqa.stats.multiplicity import adjusted
from labqa.stats.network import contrasts
from labqa.stats.network.components import bridges
from labqa.stats.network.contrasts import Contrast, Judged, OwnVariance, Seen, Split
from labqa.stats.network.pair_scatter import pair_scatter

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
ONE_PAIR = 2.0
"""Resistance of one pair of results of weight 1, those of the laboratory of median precision."""
MOST_DF = 1e6
FALSE_DISCOVERIES = 0.05
"""Share of pairs called inconsistent that may be so by chance."""


def lab_contrasts(network: Network | None, settings: BiasSettings) -> pl.DataFrame:
    """LAB_CONTRASTS: a row for every two laboratories that share a block of the fit, and one for each against the zero."""
    if network is None:
        return t.empty(t.LabContrasts)
    frames = []
    for part in network.counted:
        frames += [_pairs(part, network, settings), _zeros(part, network, settings)]
        part.forget()
    return t.shaped(pl.concat(frames), t.LabContrasts).sort("lab", "other")


def _pairs(part: Part, network: Network, settings: BiasSettings) -> pl.DataFrame:
    """Rows of the pairs of laboratories of one component."""
    seen = _seen(part, network)
    first, second = _met(seen, len(part.labs))
    if not len(first):
        return t.empty(t.LabContrasts)
    found = contrasts.split(
        part.fitted, part.groupings, seen, first, second,
        counted=KINDS.index("sample"), needed=network.components.variance > 0,
        corner=settings.corner if settings.robust else np.inf, end=settings.end,
    )  # fmt: skip
    direct, whole, rest, gap = (
        _judged(one(found), part, network, first, second)
        for one in (contrasts.direct, contrasts.network, contrasts.indirect, contrasts.inconsistency)
    )
    reason = _reasons(part, found, first, second, gap, settings)
    tested = reason == ""
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.where(tested, 2.0 * special.stdtr(gap.df, -np.abs(gap.estimate / gap.se)), np.nan)
    q = adjusted(p, method="bh")
    ends = [_ends(one, settings.level) for one in (direct, rest, whole)]
    split_up = ~contrasts.alone(found)
    names = np.array(network.seen.labs, dtype=object)
    columns = {
        "lab": list(names[part.labs[first]]),
        "other": list(names[part.labs[second]]),
        "component": network.seen.labs[int(part.labs[0])],
        "n_samples": found.n_clusters,
        "n_blocks": found.n_blocks,
        "direct": direct.estimate,
        "direct_se": direct.se,
        "direct_lower": ends[0][0],
        "direct_upper": ends[0][1],
        "indirect": np.where(split_up, rest.estimate, np.nan),
        "indirect_se": np.where(split_up, rest.se, np.nan),
        "indirect_lower": np.where(split_up, ends[1][0], np.nan),
        "indirect_upper": np.where(split_up, ends[1][1], np.nan),
        "network": whole.estimate,
        "network_se": whole.se,
        "df": np.minimum(whole.df, MOST_DF),
        "lower": ends[2][0],
        "upper": ends[2][1],
        "inconsistency": np.where(tested, gap.estimate, np.nan),
        "inconsistency_se": np.where(tested, gap.se, np.nan),
        "p_value": p,
        "q_value": q,
        "agree": [None if np.isnan(one) else bool(one > FALSE_DISCOVERIES) for one in q],
        "resistance": found.resistance / ONE_PAIR,
        "equivalent_pairs": ONE_PAIR / found.resistance,
        **_scatter(part, network, first, second, found.n_clusters, settings),
        "bridge": _bridged(part, first, second),
        "reason": list(reason),
    }
    return _framed(columns)


def _scatter(
    part: Part, network: Network, first: Ints, second: Ints, n_samples: Ints, settings: BiasSettings
) -> dict[str, Floats]:
    """SD of the differences of each pair that shares enough samples, whether or not the network tells the two apart.

    Items of a sample depend on each other: one degree of freedom a sample.
    """
    seen, weights = network.seen, network.weights
    here = np.flatnonzero(np.isin(seen.lab, part.labs) & (weights.weight > 0))
    here = here[np.bincount(seen.block[here], minlength=len(seen.block_ids))[seen.block[here]] >= 2]
    left = unfitted(seen, here, weights.ratio)
    residual = (seen.y - weights.effect)[here]
    node = np.searchsorted(part.labs, seen.lab[here]).astype(np.int64)
    found = pair_scatter(
        starts(seen.block[here]),
        node,
        residual,
        left,
        first,
        second,
        np.asarray(n_samples - 1.0, dtype=np.float64),
        level=settings.level,
    )
    enough = n_samples >= settings.min_samples
    columns = {"pair_sd": found.sd, "pair_sd_lower": found.lower, "pair_sd_upper": found.upper}
    return {name: np.where(enough, values, np.nan) for name, values in columns.items()}


def _ends(one: Judged, level: float) -> tuple[Floats, Floats]:
    """Ends of the t interval."""
    reach = special.stdtrit(one.df, 0.5 + 0.5 * level) * one.se
    return one.estimate - reach, one.estimate + reach


def _seen(part: Part, network: Network) -> Seen:
    """All observations of the component's laboratories and assigned values, also those that the robust steps left out."""
    seen, weights = network.seen, network.weights
    nodes = np.append(part.labs, len(seen.labs)) if part.has_anchor else part.labs
    here = np.flatnonzero(np.isin(seen.lab, nodes))
    node = np.searchsorted(nodes, seen.lab[here]).astype(np.int64)
    kept = np.bincount(seen.block, weights=weights.weight > 0, minlength=len(seen.block_ids))[seen.block[here]] >= 2
    groupings = groups(seen, weights.precision, here)
    weight = np.where(kept, weights.weight[here], 0.0)
    return Seen(seen.block[here], node, seen.y[here], weight, weights.base[here], weights.scale[here], groupings)


def _met(seen: Seen, n: int) -> tuple[Ints, Ints]:
    """Pairs of laboratories (positions in the component) that share a block."""
    block = np.unique(seen.block, return_inverse=True)[1]
    of_lab = np.flatnonzero(seen.node < n)
    sits = sparse.csr_array(
        (np.ones(len(of_lab)), (seen.node[of_lab], block[of_lab])), shape=(n, int(block.max(initial=-1)) + 1)
    )
    links = sparse.triu(sits @ sits.T, k=1).tocoo()
    order = np.lexsort((links.col, links.row))
    return links.row[order].astype(np.int64), links.col[order].astype(np.int64)


def _judged(one: Contrast, part: Part, network: Network, first: Ints, second: Ints) -> Judged:
    two = np.stack([first, second], axis=1)
    return contrasts.judged(
        one,
        network.components,
        within=np.array([kind in WITHIN for kind in KINDS]),
        lab_df=np.asarray(RESULTS_PER_DF * (PRIOR_RESULTS + part.n_results[two]), dtype=np.float64),
        slope=network.weights.slope,
        items=OwnVariance(KINDS.index("item"), network.spread.variance[part.labs[two]], network.spread.df[part.labs[two]]),
    )


def _bridged(part: Part, first: Ints, second: Ints) -> NDArray[np.bool_]:
    """Pairs whose link is the only way between them in the graph of laboratories (and assigned values) that share blocks."""
    links = part.links.tocoo()
    found = bridges(links.row.astype(np.int64), links.col.astype(np.int64), n=links.shape[0])
    behind = np.zeros(links.shape[0], dtype=bool)
    behind[found.first] = True
    # of the link of a bridge the later end in depth-first order opens the far side; no other link enters it
    return np.asarray(behind[np.maximum(found.order[first], found.order[second])])


def _reasons(part: Part, found: Split, first: Ints, second: Ints, gap: Judged, settings: BiasSettings) -> NDArray[np.str_]:
    """Why direct and indirect evidence cannot be compared; empty where they can."""
    return np.select(
        [
            _bridged(part, first, second),
            contrasts.alone(found),
            np.full(len(first), len(part.labs) < settings.min_labs),
            ~(gap.se > 0),
        ],
        [
            "comparability.bridge",
            "comparability.same_blocks",
            "comparability.small_component",
            "comparability.no_error_estimate",
        ],
        default="",
    )


def _zeros(part: Part, network: Network, settings: BiasSettings) -> pl.DataFrame:
    """How well each laboratory is tied to the zero: assigned values where they suffice, else the mean of the others."""
    n = len(part.labs)
    inverse = part.fitted.inverse
    anchored = part.has_anchor and anchor_suffices(part, network.components.variance, settings.max_anchor_se)
    # the anchor, if there is one, is the last node and held at 0
    resistance = np.diag(inverse)[:n] if anchored else contrasts.to_others(inverse[:n, :n])
    known = (resistance > 0) & np.isfinite(resistance)
    told = np.where(known, resistance, np.nan) / ONE_PAIR
    columns = {
        "lab": [network.seen.labs[int(lab)] for lab in part.labs],
        "other": "",
        "component": network.seen.labs[int(part.labs[0])],
        "n_samples": part.n_samples,
        "n_blocks": part.n_blocks,
        "resistance": told,
        "equivalent_pairs": 1.0 / told,
        "reason": ["comparability.zero_anchored" if anchored else "comparability.zero_relative"] * n,
    }
    return _framed(columns)


def _framed(columns: Mapping[str, Any]) -> pl.DataFrame:
    """The columns as rows of the table: NaN is absent, and a reason makes a row undetermined."""
    frame = pl.DataFrame(columns).with_columns(pl.col(pl.Float64).fill_nan(None), pl.col("reason").replace("", None))
    status = pl.when(pl.col("reason").is_null()).then(pl.lit(str(Status.ASSESSED))).otherwise(pl.lit(str(Status.UNDETERMINED)))
    return t.shaped(frame.with_columns(status=status), t.LabContrasts)
