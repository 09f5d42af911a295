"""What moved each stated bias: the blocks that it rests on, and what leaving out each sample and each partner changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from labqa.analysis.network import Network
from labqa.analysis.observations import Observations, starts
from labqa.analysis.scopes import Part
from labqa.core import codes
from labqa.core import tables as t
from labqa.core.threads import in_order
from labqa.core.vocabulary import Influence, Scope, Status, Zero
from labqa.stats.network.influence import Stated, contributions, left_out, stated, without_partners

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Most(NamedTuple):
    """How many rows, samples and partners are listed for a bias at most."""

    rows: int = 10
    samples: int = 10
    partners: int = 20


WHOLE, NARROW = Most(), Most(rows=5, samples=5, partners=5)
"""For a laboratory as a whole, and for its families and items."""
_KEY = ["lab", "scope", "scope_id"]
_FEW_TEXTS = (*_KEY, "kind", "status", "reason")
_EMPTY = t.empty(t.LabInfluence)


def lab_influence(bias: pl.DataFrame, network: Network | None, *, whole: Most = WHOLE, narrow: Most = NARROW) -> pl.DataFrame:
    """LAB_INFLUENCE of every bias in LAB_BIAS that is a number; those hidden there are not attributed either.

    It is the last to need the fitted components of the network, and gives them back before its rows are put together. Columns
    of few texts are codes, since this is the longest table of a run.
    """
    known = bias.drop_nulls("estimate")
    if network is None or known.is_empty():
        return _EMPTY
    scopes = [
        (rows, part, anchored, whole if scope == str(Scope.LAB) else narrow)
        for (scope, scope_id), rows in sorted(known.group_by("scope", "scope_id"), key=lambda group: str(group[0]))
        for part, anchored in _parts(network, rows, str(scope), str(scope_id))
    ]

    def influences(one: tuple[pl.DataFrame, Part, bool, Most]) -> pl.DataFrame:
        rows, part, anchored, most = one
        found = _of_part(network.seen, part, anchored=anchored, most=most)
        part.forget()
        unit = pl.DataFrame({"lab": [network.seen.labs[lab] for lab in part.labs], "unit": network.unit(part)})
        named = rows.select(*_KEY, "estimate").join(unit, on="lab").join(found, on="lab", how="inner")
        named = named.with_columns(pl.col("contribution", "shift") * pl.col("unit"))
        return in_codes(t.shaped(named.with_columns(without=pl.col("estimate") + pl.col("shift")), t.LabInfluence))

    types = {name: codes.new() for name in _FEW_TEXTS}

    def in_codes(rows: pl.DataFrame) -> pl.DataFrame:
        return rows.with_columns(pl.col(name).cast(kind) for name, kind in types.items())

    frames = [in_codes(_EMPTY), *in_order(influences, scopes)]
    del scopes
    network.give_back()
    return pl.concat(frames, rechunk=False).sort(*_KEY, "kind", "rank")


def _parts(network: Network, rows: pl.DataFrame, scope: str, scope_id: str) -> Iterator[tuple[Part, bool]]:
    """Components of the scope in which a bias is stated, and whether it is against their anchor."""
    seen = network.seen
    zeros = dict(rows.select("component", "zero").unique().iter_rows())
    if scope == str(Scope.LAB):
        parts = network.parts
    elif scope == str(Scope.FAMILY):
        parts = network.families[seen.families.index(scope_id)]
    else:
        parts = network.items[seen.items.index(scope_id)]
    for part in parts:
        name = seen.labs[part.labs[0]]
        if name in zeros:
            yield part, zeros[name] == str(Zero.ANCHORED)


def _of_part(seen: Observations, part: Part, *, anchored: bool, most: Most) -> pl.DataFrame:
    """Influences on all laboratories of one component, the largest of each kind."""
    y, start = seen.y[part.kept], starts(seen.block[part.kept])
    said = stated(part.fitted, n=len(part.labs), anchored=anchored)
    labs = np.array(seen.labs, dtype=object)[part.labs]
    frames = [*_rows(seen, part, start, y, said, labs, most.rows), _samples(seen, part, start, said, labs, most.samples)]
    gone = without_partners(part.fitted, start, y, said)
    told = pl.DataFrame({"lab": list(labs[gone.lab]), "what": list(labs[gone.other]), "shift": gone.shift}, schema=_TOLD)
    frames.append(_largest(told, Influence.PARTNER, "shift", most.partners))
    return pl.concat(frames, how="diagonal_relaxed")


_TOLD = {"lab": pl.String, "what": pl.String, "shift": pl.Float64}


def _rows(
    seen: Observations, part: Part, start: Ints, y: Floats, said: Stated, labs: NDArray[np.object_], most: int
) -> list[pl.DataFrame]:
    """The blocks that gave most to each bias, and what the others, other laboratories' blocks and the zero give."""
    given = contributions(part.fitted, start, y, said)
    gone = left_out(part.fitted, start, np.arange(len(start) - 1), said, n_groups=len(start) - 1)
    blocks = np.array(seen.block_ids, dtype=object)[seen.block[part.kept][start[:-1]]]
    own = np.flatnonzero(~np.isnan(given))  # `left_out` tells blocks in this order too
    told = pl.DataFrame(
        {"lab": list(labs[gone.lab]), "what": list(blocks[gone.other]), "contribution": given[own], "shift": gone.shift},
        schema=_TOLD | {"contribution": pl.Float64},
    )
    listed = _largest(told, Influence.ROW, "contribution", most)
    total = np.bincount(gone.lab, weights=given[own], minlength=len(labs))
    count = np.bincount(gone.lab, minlength=len(labs))
    shown = np.zeros(len(labs))
    place = {lab: k for k, lab in enumerate(labs)}
    for lab, value in listed.select("lab", "contribution").iter_rows():
        shown[place[lab]] += value
    kinds = {
        Influence.REST: (total - shown, np.maximum(count - most, 0)),
        Influence.ELSEWHERE: (said.estimate + said.offset - total, len(start) - 1 - count),
        Influence.ZERO: (-said.offset, np.zeros(len(labs), dtype=np.int64)),
    }
    left = [
        pl.DataFrame({"lab": list(labs), "contribution": value, "n_all": n}).with_columns(
            kind=pl.lit(str(kind)), rank=1, status=pl.lit(str(Status.ASSESSED))
        )
        for kind, (value, n) in kinds.items()
    ]
    return [listed, *left]


def _samples(seen: Observations, part: Part, start: Ints, said: Stated, labs: NDArray[np.object_], most: int) -> pl.DataFrame:
    """The samples without which each bias would change most."""
    names, group = np.unique(seen.sample[part.kept][start[:-1]], return_inverse=True)
    gone = left_out(part.fitted, start, group, said, n_groups=len(names))
    samples = np.array(seen.samples, dtype=object)[names]
    told = pl.DataFrame({"lab": list(labs[gone.lab]), "what": list(samples[gone.other]), "shift": gone.shift}, schema=_TOLD)
    return _largest(told, Influence.SAMPLE, "shift", most)


def _largest(told: pl.DataFrame, kind: Influence, by: str, most: int) -> pl.DataFrame:
    """The largest of one kind for each laboratory; first come those without which nothing can be said."""
    size = pl.col(by).abs().fill_nan(float("inf"))
    ordered = told.sort(pl.col("lab"), size, pl.col("what"), descending=[False, True, False])
    ranked = ordered.with_columns(rank=pl.int_range(1, pl.len() + 1).over("lab"), n_all=pl.len().over("lab"))
    lost = pl.col("shift").is_nan()
    return ranked.filter(pl.col("rank") <= most).with_columns(
        kind=pl.lit(str(kind)),
        shift=pl.col("shift").fill_nan(None),
        status=pl.when(lost).then(pl.lit(str(Status.UNDETERMINED))).otherwise(pl.lit(str(Status.ASSESSED))),
        reason=pl.when(lost).then(pl.lit("bias.without_it")),
    )
