"""Which ratings moved since the run before of the same inputs, and which corrections came in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from labqa.core.provenance import Manifest
from labqa.service.viewer import Viewer, own_rows
from labqa.service.wiring import Platform
from labqa.store.chain import FACT_KINDS, Entry, Kind

RATED = ("status", "points", "class_by_points", "proposal", "class_proposed")
"""What makes a rating."""
_LEAST_POINTS = 1e-6


@dataclass(frozen=True)
class Moved:
    """What differs from the run `before`, which was made of the same inputs but earlier facts; `other_code`: and by another
    version of the software.

    `labs`: lab, each of `RATED` as it is and as `{…}_before`, and `own_rows`, how many of its own results were corrected in
    between. `corrections`: position, file_name, reason, rows, followed (results that followed their sample), labs (whose
    results they are). `touched`: position, lab, rows. `others`: how many deliveries and registers came in between too.
    Results are compared with each other, so a correction moves laboratories whose own results it leaves as they were.
    """

    before: str
    labs: pl.DataFrame
    corrections: pl.DataFrame
    touched: pl.DataFrame
    others: int
    other_code: bool = False


def moved_since(platform: Platform, run: str, *, viewer: Viewer) -> Moved | None:
    """The ratings, of those that the viewer may see, that are not as in the run before; None where there is no such run."""
    made = platform.run(run).manifest
    before = _before(platform, made)
    if before is None:
        return None
    first, last = before.data_version + 1, made.data_version
    between = platform.ledger.entries(FACT_KINDS, programme=made.programme, until=last)
    between = [entry for entry in between if entry.position >= first]
    corrections = [entry for entry in between if entry.kind == Kind.CORRECTION]
    touched = own_rows(_touched(platform, made, corrections), viewer, "lab")
    told = _told(corrections, touched)
    if viewer.role == "lab_manager":
        told = told.filter(pl.col("labs") > 0)
    own = touched.group_by("lab").agg(pl.col("rows").sum().alias("own_rows"))
    labs = own_rows(ratings_moved(platform, before.run_id, run), viewer, "lab")
    labs = labs.join(own, on="lab", how="left", maintain_order="left").with_columns(pl.col("own_rows").fill_null(0))
    return Moved(before.run_id, labs, told, touched, len(between) - len(corrections), before.code != made.code)


def ratings_moved(platform: Platform, before: str, now: str) -> pl.DataFrame:
    """Laboratories whose rating differs between two runs, with both: lab, and each of `RATED` and `{…}_before`."""
    earlier, later = (platform.run(run).table("ratings").select("lab", *RATED) for run in (before, now))
    both = later.join(earlier, on="lab", how="full", coalesce=True, suffix="_before")
    differs = [pl.col(name).ne_missing(pl.col(f"{name}_before")) for name in RATED if name != "points"]
    same_points = (pl.col("points") - pl.col("points_before")).abs() < _LEAST_POINTS
    differs.append(pl.col("points").ne_missing(pl.col("points_before")) & ~same_points.fill_null(False))
    return both.filter(pl.any_horizontal(differs)).sort("lab")


_MOVING = ("data_version", "facts", "partitions", "code")
"""Inputs in which a run may differ from the one before it: what was delivered, and the code."""


def _before(platform: Platform, made: Manifest) -> Manifest | None:
    """The run of the same inputs but an earlier data version, the last of them, and rather one made by the same code."""

    def alike(one: Manifest) -> bool:
        return replace(one, **{name: getattr(made, name) for name in _MOVING}) == made

    earlier = [one for one in platform.manifests() if one.data_version < made.data_version and alike(one)]
    return max(earlier, key=lambda one: (one.code == made.code, one.data_version), default=None)


def _touched(platform: Platform, made: Manifest, corrections: Sequence[Entry]) -> pl.DataFrame:
    """Results that each correction brought, by laboratory; of one that was sent more than once, with its last entry."""
    positions = {entry.payload["raw"]: entry.position for entry in corrections}
    sent = pl.DataFrame({"file": list(positions), "position": list(positions.values())}, schema=_SENT)
    results = platform.table(made.programme, "results", version=made.data_version) if positions else None
    if results is None:
        return pl.DataFrame(schema={"position": pl.Int64, "lab": pl.String, "rows": pl.Int64})
    brought = results.filter(pl.col("lab").is_not_null()).join(sent, on="file")
    return brought.group_by("position", "lab").agg(pl.len().cast(pl.Int64).alias("rows")).sort("position", "lab")


_SENT = {"file": pl.String, "position": pl.Int64}


def _told(corrections: Sequence[Entry], touched: pl.DataFrame) -> pl.DataFrame:
    """What the entries of corrections tell, with the number of laboratories whose results they are."""
    names = ("file_name", "reason", "accepted", "followed")
    rows = [(entry.position, *(entry.payload.get(name, 0) for name in names)) for entry in corrections]
    schema = {"position": pl.Int64, "file_name": pl.String, "reason": pl.String, "rows": pl.Int64, "followed": pl.Int64}
    told = pl.DataFrame(rows, schema=schema, orient="row").filter(pl.col("rows") > 0)
    labs = touched.group_by("position").agg(pl.len().cast(pl.Int64).alias("labs"))
    return told.join(labs, on="position", how="left", maintain_order="left").with_columns(pl.col("labs").fill_null(0))
