"""What the faces read: each answer is a frame limited to the viewer, or one case as that viewer may see it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import polars as pl

from labqa.analysis.explanation import Explanation, explanation
from labqa.core import tables as t
from labqa.core.errors import AccessDenied, UsageError
from labqa.core.provenance import Manifest
from labqa.core.vocabulary import Scope
from labqa.rating import rulesets
from labqa.service.viewer import Viewer, check_may_read_all, check_may_read_lab, own_rows
from labqa.service.wiring import Platform
from labqa.store.indexed import Indexed

MOST_ROWS = 200
"""Rows that a page is sent at the most."""

_BOTH = ("original_lab", "retest_lab")


@dataclass(frozen=True)
class PairView:
    """One pair, down to the delivered rows: everything that a reviewer needs to judge it."""

    pair: dict[str, Any]
    discrepancy: dict[str, Any]
    original: dict[str, Any]
    retest: dict[str, Any]
    item: dict[str, Any]
    yardstick: dict[str, Any]
    lab_bias: pl.DataFrame
    same_sample: pl.DataFrame
    contrast: dict[str, Any]
    explanation: Explanation | None


def run_list(platform: Platform, *, viewer: Viewer) -> pl.DataFrame:
    """Runs, newest first: run, programme, period, edition, data_version."""
    del viewer
    rows = [
        {
            "run": manifest.run_id,
            "programme": manifest.programme,
            "period": manifest.period,
            "edition": manifest.edition,
            "data_version": manifest.data_version,
        }
        for manifest in platform.manifests()
    ]
    types = {"run": pl.String, "programme": pl.String, "period": pl.String, "edition": pl.String, "data_version": pl.Int64}
    return pl.DataFrame(rows, schema=types).reverse()


def manifest(platform: Platform, run: str, *, viewer: Viewer) -> Manifest:
    """The inputs of a run."""
    del viewer
    return platform.run(run).manifest


def fingerprints(platform: Platform, run: str, *, viewer: Viewer) -> pl.DataFrame:
    """Content hash of each table of a run: table, rows, content_hash, file_hash."""
    del viewer
    tables = platform.run(run).info.tables
    rows = [
        {"table": name, "rows": one.rows, "content_hash": one.content_sha256, "file_hash": one.file_sha256}
        for name, one in tables.items()
    ]
    return pl.DataFrame(rows)


def ledger_head(platform: Platform, *, viewer: Viewer) -> tuple[int, str]:
    """Entries in the ledger and the hash of the last one: the anchor that reports print."""
    del viewer
    return platform.ledger.head()


def registers(platform: Platform, *, programme: str, viewer: Viewer) -> dict[str, pl.DataFrame]:
    """Registers in force of a programme: labs, capabilities, items, products (names for pages and reports)."""
    del viewer
    return {name: platform.table(programme, name) for name in ("labs", "capabilities", "items", "products")}


def labs(platform: Platform, codes: Iterable[str], *, programme: str, viewer: Viewer) -> pl.DataFrame:
    """Rows of the register in force of some laboratories of a programme (names for pages)."""
    del viewer
    return platform.indexed(programme, "labs").where(lab=codes)


def table(platform: Platform, run: str, name: str, *, viewer: Viewer) -> pl.DataFrame:
    """A whole table of a run, for the national report; only for viewers not bound to a laboratory."""
    check_may_read_all(viewer)
    return platform.run(run).table(name)


def summary(platform: Platform, run: str, *, viewer: Viewer) -> pl.DataFrame:
    """Totals of a run; they name no laboratory."""
    del viewer
    return platform.run(run).table("summary")


def ratings(platform: Platform, run: str, *, viewer: Viewer) -> pl.DataFrame:
    """Ratings of the laboratories that the viewer may see."""
    return own_rows(platform.run(run).table("ratings"), viewer, "lab")


def rating(platform: Platform, run: str, lab: str, *, viewer: Viewer) -> pl.DataFrame:
    """Rating of one laboratory; no row if it has none."""
    return _of_lab(platform, run, "ratings", lab, viewer)


def reasons(platform: Platform, run: str, lab: str, *, viewer: Viewer) -> pl.DataFrame:
    """Reasons of one laboratory's rating, in reading order."""
    return _of_lab(platform, run, "reasons", lab, viewer).sort("position")


def lab_bias(platform: Platform, run: str, *, viewer: Viewer, lab: str | None = None, scope: str | None = None) -> pl.DataFrame:
    """Biases of the laboratories that the viewer may see, of one laboratory or scope if asked."""
    opened = platform.run(run)
    frame = opened.table("lab_bias") if lab is None else opened.indexed("lab_bias").where(lab=[lab])
    frame = own_rows(frame, viewer, "lab")
    return frame if scope is None else frame.filter(pl.col("scope") == scope)


def lab_influence(platform: Platform, run: str, lab: str, *, viewer: Viewer) -> pl.DataFrame:
    """What moved the biases of one laboratory, with sample and item of its blocks, its pair with the largest |D| on that block
    or sample (`pair`, `other_lab`), and its result in a comparison round (`result`)."""
    found = _of_lab(platform, run, "lab_influence", lab, viewer)
    opened = platform.run(run)
    named = opened.indexed("blocks").where(block=found["what"])
    tested = {block: (sample, item) for block, sample, item in zip(*_columns(named, "block", "sample", "item"), strict=True)}
    scores = opened.indexed("pt_scores").where(lab=[lab])
    results: dict[tuple[str | None, str | None], str] = {}
    for sample, item, result in zip(*_columns(scores, "sample", "item", "result"), strict=True):
        results.setdefault((sample, item), result)
    pairs = _first_pairs(_scored(platform, run, viewer, original_lab=[lab], retest_lab=[lab]), lab)
    told: dict[str, list[str | None]] = {name: [] for name in ("sample", "item", "pair", "other_lab", "result")}
    for what in found["what"]:
        block = tested.get(what, (None, None))
        for name, value in zip(told, (*block, *pairs.get(what, (None, None)), results.get(block)), strict=True):
            told[name].append(value)
    return found.hstack([pl.Series(name, values, dtype=pl.String) for name, values in told.items()])


def _columns(frame: pl.DataFrame, *names: str) -> list[pl.Series]:
    return [frame[name] for name in names]


def _first_pairs(scored: pl.DataFrame, lab: str) -> dict[str, tuple[str, str | None]]:
    """The pair of a laboratory with the largest |D| on each block and each sample, and the other laboratory."""
    columns = _columns(scored, "d", "pair", "block", "sample", "original_lab", "retest_lab")
    rows = sorted(zip(*columns, strict=True), key=lambda row: (row[0] is None, -abs(row[0] or 0.0), row[1]))
    first: dict[str, tuple[str, str | None]] = {}
    for _, pair, block, sample, original, retest in rows:
        for what in (block, sample):
            first.setdefault(what, (pair, retest if original == lab else original))
    return first


def lab_selection(platform: Platform, run: str, lab: str, *, viewer: Viewer) -> pl.DataFrame:
    """What changes for one laboratory with how retests were chosen, and the rows of the network, which name none."""
    check_may_read_lab(viewer, lab)
    return platform.run(run).indexed("lab_selection").where(lab=[lab, ""])


def lab_precision(platform: Platform, run: str, lab: str, *, viewer: Viewer) -> pl.DataFrame:
    """Precision of one laboratory."""
    return _of_lab(platform, run, "lab_precision", lab, viewer)


def lab_contrasts(platform: Platform, run: str, lab: str, *, viewer: Viewer) -> pl.DataFrame:
    """How one laboratory compares with each partner (differences `lab` − `other`), and with the zero (`other` empty)."""
    check_may_read_lab(viewer, lab)
    found = platform.run(run).indexed("lab_contrasts")
    return pl.concat([found.where(lab=[lab]), turned(found.where(other=[lab]))]).sort("other")


def contrasts_among(platform: Platform, run: str, labs: list[str], *, viewer: Viewer) -> pl.DataFrame:
    """Rows of LAB_CONTRASTS between the given laboratories; none for viewers bound to a laboratory."""
    found = platform.run(run).indexed("lab_contrasts")
    if viewer.role == "lab_manager":
        return found.frame.clear()
    return found.where(lab=labs).filter(pl.col("other").is_in(labs))


_SIGNED = ("direct", "indirect", "network", "inconsistency")
_ENDS = (("lower", "upper"), ("direct_lower", "direct_upper"), ("indirect_lower", "indirect_upper"))


def turned(contrasts: pl.DataFrame) -> pl.DataFrame:
    """Rows of LAB_CONTRASTS as seen from the other laboratory."""
    ends = {one: -pl.col(other) for pair in _ENDS for one, other in (pair, pair[::-1])}
    swapped = {"lab": pl.col("other"), "other": pl.col("lab")} | {name: -pl.col(name) for name in _SIGNED} | ends
    return contrasts.with_columns(**swapped)


def of_kind(platform: Platform, run: str, name: str, lab: str, *, viewer: Viewer) -> pl.DataFrame:
    """What is said of one laboratory outside the fit in σR: `lab_grades`, `lab_censored` or `lab_agreement`."""
    if name not in ("lab_grades", "lab_censored", "lab_agreement"):
        raise AccessDenied("service.not_yours")
    return _of_lab(platform, run, name, lab, viewer)


def evidence_use(platform: Platform, run: str, *, viewer: Viewer) -> pl.DataFrame:
    """What became of every result that a run read; it names no laboratory."""
    del viewer
    return platform.run(run).table("evidence_use")


def method_bias(platform: Platform, run: str, *, viewer: Viewer) -> pl.DataFrame:
    """How laboratories with one method compare with those with another, item by item; it names no laboratory."""
    del viewer
    return platform.run(run).table("method_bias")


def lab_slopes(platform: Platform, run: str, lab: str, *, viewer: Viewer) -> pl.DataFrame:
    """How the bias of one laboratory changes with the level; no rows in runs made before there was such a table."""
    try:
        return _of_lab(platform, run, "lab_slopes", lab, viewer)
    except UsageError as missing:
        if missing.message.key != "store.no_such_table":
            raise
        return t.empty(t.LabSlopes)


def pt_scores(platform: Platform, run: str, lab: str, *, viewer: Viewer) -> pl.DataFrame:
    """Scores of one laboratory's comparison results."""
    return _of_lab(platform, run, "pt_scores", lab, viewer)


def indicators(platform: Platform, run: str, lab: str, *, viewer: Viewer) -> pl.DataFrame:
    """Indicators of one laboratory."""
    return _of_lab(platform, run, "indicators", lab, viewer)


def flags(platform: Platform, run: str, *, viewer: Viewer, lab: str | None = None) -> pl.DataFrame:
    """Flags that concern the laboratories that the viewer may see."""
    found = platform.run(run).indexed("flags")
    return own_rows(found.frame if lab is None else found.where(lab=[lab]), viewer, "lab")


def pairs(
    platform: Platform,
    run: str,
    *,
    viewer: Viewer,
    lab: str | None = None,
    sample: str | None = None,
    product: str | None = None,
    limit: int | None = MOST_ROWS,
) -> pl.DataFrame:
    """Pairs of a laboratory, a sample or a product, or all, with their differences, the largest |D| first, at most `limit`, all
    if null."""
    sought = {"sample": sample, "product": product, "original_lab": lab, "retest_lab": lab}
    named = {column: [value] for column, value in sought.items() if value is not None}
    found = _scored(platform, run, viewer, **named)
    order = pl.col("d").abs()
    return found.sort(order, pl.col("pair"), descending=[True, False], nulls_last=True).slice(0, limit)


def blocks_named(platform: Platform, run: str, ids: list[str], *, viewer: Viewer) -> pl.DataFrame:
    """Those of some ids that are blocks, with sample and item; they name no laboratory."""
    del viewer
    return platform.run(run).indexed("blocks").where(block=ids).select("block", "sample", "item")


def pairs_cited(platform: Platform, run: str, ids: list[str], *, viewer: Viewer) -> pl.DataFrame:
    """Pairs that ids name, by their own id, their block's or one of their results', with their differences."""
    return _scored(platform, run, viewer, pair=ids, block=ids, original_result=ids, retest_result=ids)


def pair(platform: Platform, run: str, pair_id: str, *, viewer: Viewer) -> PairView:
    """One pair down to the delivered rows; AccessDenied if it is not there or not the viewer's."""
    opened = platform.run(run)
    found = own_rows(opened.indexed("pairs").where(pair=[pair_id]), viewer, *_BOTH)
    if found.is_empty():
        raise AccessDenied("service.not_yours")
    row = found.row(0, named=True)
    programme = opened.manifest.programme
    labs = [lab for lab in (row["original_lab"], row["retest_lab"]) if lab]
    bias = own_rows(opened.indexed("lab_bias").where(lab=labs), viewer, "lab")
    here = pl.col("scope").is_in([str(Scope.LAB)]) | (pl.col("scope_id") == row["item"])
    contrast = _contrast(opened.indexed("lab_contrasts"), row["retest_lab"], row["original_lab"])
    discrepancy = _one(opened.indexed("discrepancies"), pair=pair_id)
    on_item = {one["lab"]: one for one in bias.filter(pl.col("scope_id") == row["item"]).iter_rows(named=True)}
    used = bool(_one(opened.indexed("blocks"), block=row["block"]).get("used_for_bias"))
    same = _scored(platform, run, viewer, sample=[row["sample"]]).filter(pl.col("pair") != pair_id)
    return PairView(
        pair=row,
        discrepancy=discrepancy,
        original=delivered_row(platform, programme, row["original_result"], viewer=viewer),
        retest=delivered_row(platform, programme, row["retest_result"], viewer=viewer),
        item=_one(platform.indexed(programme, "items"), item=row["item"]),
        yardstick=_one(opened.indexed("yardsticks"), item=row["item"]),
        lab_bias=bias.filter(here),
        same_sample=same,
        contrast=contrast,
        explanation=explanation(row, discrepancy, on_item, agree=contrast.get("agree"), used=used),
    )


def delivered_row(platform: Platform, programme: str, result: str, *, viewer: Viewer) -> dict[str, Any]:
    """One accepted result with everything delivered of it, its file's name, and its row there."""
    found = own_rows(platform.indexed(programme, "results").where(result=[result]), viewer, "lab")
    if found.is_empty():
        return {}
    row = found.row(0, named=True)
    return {**row, "file_name": platform.file_name(row["file"])}


def delivered_places(platform: Platform, run: str, results: list[str], *, viewer: Viewer) -> pl.DataFrame:
    """Where results that the viewer may see stand in what was delivered: result, file_name, row."""
    opened = platform.run(run)
    found = own_rows(platform.indexed(opened.manifest.programme, "results").where(result=results), viewer, "lab")
    names = {file: platform.file_name(file) for file in found["file"].unique()}
    return found.select("result", pl.col("file").replace_strict(names, return_dtype=pl.String).alias("file_name"), "row")


def bands(platform: Platform, run: str, *, viewer: Viewer) -> list[tuple[str, float]]:
    """Classes of the run's edition, the best first, each with the points from which it is given."""
    del viewer
    edition = rulesets.load(platform.run(run).manifest.edition)
    return [(str(band.lab_class), band.low) for band in edition.bands]


def refusals(
    platform: Platform, *, viewer: Viewer, programme: str | None = None, position: int | None = None, limit: int = MOST_ROWS
) -> pl.DataFrame:
    """Refused rows, of the delivery at that ledger position or of all, in file and row order, at most `limit`; not for viewers
    bound to a laboratory."""
    check_may_read_all(viewer)
    if position is None:
        found = platform.table(programme, "refusals")
    else:
        found = platform.facts.in_force(platform.ledger.entries(until=position)[-1:], "refusals")
    return found.sort("file_name", "row", "column", "rule").head(limit)


def refused_rows(platform: Platform, *, viewer: Viewer, programme: str | None = None) -> int:
    """How many delivered rows were refused."""
    check_may_read_all(viewer)
    return platform.table(programme, "refusals").select("file", "row").n_unique()


def _contrast(contrasts: Indexed, lab: str | None, other: str | None) -> dict[str, Any]:
    """The row of two laboratories, as the difference lab − other; nothing if they have none."""
    if not lab or not other:
        return {}
    found = contrasts.where(lab=[min(lab, other)]).filter(pl.col("other") == max(lab, other))
    if found.is_empty():
        return {}
    return (found if found["lab"][0] == lab else turned(found)).row(0, named=True)


def _of_lab(platform: Platform, run: str, name: str, lab: str, viewer: Viewer) -> pl.DataFrame:
    check_may_read_lab(viewer, lab)
    return platform.run(run).indexed(name).where(lab=[lab])


def _scored(platform: Platform, run: str, viewer: Viewer, **sought: Iterable[str]) -> pl.DataFrame:
    """Pairs that the viewer may see with their differences: those with one of the values sought in any of the columns, or
    all."""
    found = platform.run(run).joined("pairs", "discrepancies", key="pair")
    return own_rows(found.where(**sought) if sought else found.frame, viewer, *_BOTH)


def _one(found: Indexed, **key: str) -> dict[str, Any]:
    """The row whose key has that value, or nothing."""
    rows = found.where(**{column: [value] for column, value in key.items()})
    return rows.row(0, named=True) if rows.height else {}
