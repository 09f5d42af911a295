"""Deliveries and registers come in: read, checked, accepted by one ledger entry, and answered with a receipt."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from xlsxwriter.exceptions import FileCreateError

from labqa.core.errors import DeliveryError, StoreError
from labqa.core.provenance import sha256_of
from labqa.core.tables import FACT_TABLES, shaped
from labqa.ingest import deliver, profiles, registers, template
from labqa.ingest.deliver import Progress
from labqa.service.wiring import Platform, now
from labqa.store.acceptance import accept
from labqa.store.chain import Entry, Kind


@dataclass(frozen=True)
class Receipt:
    """What the sender is told: counts, and the ledger entry that is the acceptance. `already`: it was there before."""

    file_name: str
    position: int
    entry_hash: str
    delivered: int
    accepted: int
    refused: int
    already: bool


def write_template(path: Path) -> None:
    """Write the bilingual delivery template with a filled example."""
    try:
        template.write_template(path)
    except FileCreateError as error:
        raise StoreError("service.cannot_write", file=str(path), reason=str(error)) from error


def register(platform: Platform, kind: str, path: Path, *, programme: str) -> Receipt:
    """Accept a register file: labs, items, products or class; sent again while all of it is in force, it gets its receipt."""
    sha256 = sha256_of(_bytes(path))
    tables = registers.read_register(kind, path)
    rows = max((frame.height for frame in tables.values()), default=0)
    note = {"file_name": path.name, "kind_of_register": kind, "delivered": rows, "accepted": rows, "refused": 0}
    with platform.writing():
        before = platform.ledger.entries([Kind.REGISTER], programme=programme)
        same = [entry for entry in before if (entry.payload["raw"], entry.payload["kind_of_register"]) == (sha256, kind)]
        if same and _in_force(platform, programme, tables):
            return _receipt(same[-1], already=True)
        entry = _accepted(platform, Kind.REGISTER, tables, path, sha256, programme, note, pen_held=True)
    return _receipt(entry, already=entry.repeated)


def _in_force(platform: Platform, programme: str, tables: Mapping[str, pl.DataFrame]) -> bool:
    """Whether every row holds as it is, so that accepting it would change nothing."""
    given = {name: shaped(frame, FACT_TABLES[name]) for name, frame in tables.items()}
    return all(
        frame.join(platform.table(programme, name), on=frame.columns, how="anti", nulls_equal=True).is_empty()
        for name, frame in given.items()
    )


def ingest(
    platform: Platform, path: Path, *, profile: str, programme: str | None = None, progress: Progress | None = None
) -> Receipt:
    """Accept a delivery of results through a profile; the same file twice is one acceptance.

    Where other facts came in while it was read, it is read again with the pen in hand, so that it cannot happen twice.
    """
    try:
        return _ingested(platform, path, profile, programme, progress)
    except StoreError as error:
        if error.message.key != "store.facts_moved_on":
            raise
    with platform.writing():
        return _ingested(platform, path, profile, programme, progress, pen_held=True)


def _ingested(
    platform: Platform,
    path: Path,
    profile: str,
    programme: str | None,
    progress: Progress | None,
    *,
    pen_held: bool = False,
) -> Receipt:
    chosen = profiles.load(profile)
    named = programme or chosen.programme
    sha256 = sha256_of(_bytes(path))
    if receipt := platform.ledger.delivery(sha256, named):
        return _receipt(receipt, already=True)
    version = platform.ledger.data_version()
    known = registers.Registers(**{name: platform.table(named, name, version=version) for name in _REGISTERS})
    results = platform.table(named, "results", version=version)
    delivery = deliver.read_delivery(path, chosen, known, programme=named, known=results, progress=progress)
    note = {
        "file_name": path.name,
        "profile": profile,
        "delivered": delivery.n_delivered,
        "accepted": delivery.results.height,
        "refused": delivery.refusals.select("file", "row").n_unique(),
    }
    tables = {**delivery.registers, "results": delivery.results, "refusals": delivery.refusals}
    entry = _accepted(platform, Kind.DELIVERY, tables, path, sha256, named, note, known_version=version, pen_held=pen_held)
    return _receipt(entry, already=entry.repeated)


_REGISTERS = ("labs", "capabilities", "items", "products", "class_in_force")


def _bytes(path: Path) -> bytes:
    """The delivered bytes; DeliveryError where they, or the file's name, cannot be read."""
    shown = os.fsencode(path).decode("utf-8", "replace")
    if shown != str(path):  # as a Chinese archive unpacked on Linux may leave it
        raise DeliveryError("service.name_unreadable", file=shown)
    try:
        return path.read_bytes()
    except OSError as error:
        raise DeliveryError("service.cannot_read", file=str(path), reason=error.strerror or str(error)) from error


def _accepted(
    platform: Platform,
    kind: Kind,
    tables: Mapping[str, pl.DataFrame],
    path: Path,
    sha256: str,
    programme: str,
    note: Mapping[str, Any],
    *,
    known_version: int | None = None,
    pen_held: bool = False,
) -> Entry:
    fitting = {name: shaped(frame, FACT_TABLES[name]) for name, frame in tables.items()}
    return accept(
        platform.facts,
        platform.ledger,
        kind,
        fitting,
        now(),
        source=path,
        sha256=sha256,
        programme=programme,
        note=note,
        known_version=known_version,
        pen_held=pen_held,
    )


def _receipt(entry: Entry, *, already: bool) -> Receipt:
    told = entry.payload
    return Receipt(told["file_name"], entry.position, entry.hash, told["delivered"], told["accepted"], told["refused"], already)
