"""Deliveries and registers come in: read, checked, accepted by one ledger entry, and answered with a receipt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from labqa.core.errors import DeliveryError
from labqa.core.provenance import sha256_of
from labqa.core.tables import FACT_TABLES, shaped
from labqa.ingest import deliver, profiles, registers, template
from labqa.ingest.deliver import Progress
from labqa.service.wiring import Platform, now
from labqa.store.acceptance import accept
from labqa.store.ledger import Entry, Kind


@dataclass(frozen=True)
class Receipt:
    """What the sender is told: counts, and the ledger entry that is the acceptance. `already`: it was there before;
    `unread`: columns that the profile does not read; `encoding`: in which text was read, where it is not UTF-8."""

    file_name: str
    file_sha: str
    position: int
    entry_hash: str
    delivered: int
    accepted: int
    refused: int
    already: bool
    unread: tuple[str, ...] = ()
    encoding: str = ""


def write_template(path: Path) -> None:
    """Write the bilingual delivery template with a filled example."""
    template.write_template(path)


def register(platform: Platform, kind: str, path: Path, *, programme: str, encoding: str | None = None) -> Receipt:
    """Accept a register file: labs, items, products or class; `encoding` of csv, where it is known."""
    sha256 = sha256_of(_bytes(path))
    same = [entry for entry in platform.ledger.entries([Kind.REGISTER], programme=programme) if entry.payload["raw"] == sha256]
    if same and same[-1].payload["kind_of_register"] == kind:
        return _receipt(same[-1], already=True)
    tables = registers.read_register(kind, path, encoding=encoding)
    rows = max((frame.height for frame in tables.values()), default=0)
    note = {"file_name": path.name, "kind_of_register": kind, "delivered": rows, "accepted": rows, "refused": 0}
    entry = _accepted(platform, Kind.REGISTER, tables, path, sha256, programme, note)
    return _receipt(entry, already=entry.repeated)


def ingest(
    platform: Platform,
    path: Path,
    *,
    profile: str,
    programme: str | None = None,
    encoding: str | None = None,
    progress: Progress | None = None,
) -> Receipt:
    """Accept a delivery of results through a profile; the same file twice is one acceptance. `encoding` of csv, where it is
    known."""
    chosen = profiles.load(profile)
    named = programme or chosen.programme
    sha256 = sha256_of(_bytes(path))
    if receipt := platform.ledger.delivery(sha256, named):
        return _receipt(receipt, already=True)
    version = platform.ledger.data_version()
    known = registers.Registers(**{name: platform.table(named, name, version=version) for name in _REGISTERS})
    results = platform.table(named, "results", version=version)
    delivery = deliver.read_delivery(path, chosen, known, programme=named, known=results, encoding=encoding, progress=progress)
    note = {
        "file_name": path.name,
        "profile": profile,
        "delivered": delivery.n_delivered,
        "accepted": delivery.results.height,
        "refused": delivery.refusals.select("file", "row").n_unique(),
        "unread": list(delivery.unread_columns),
        "encoding": delivery.encoding,
    }
    tables = {**delivery.registers, "results": delivery.results, "refusals": delivery.refusals}
    entry = _accepted(platform, Kind.DELIVERY, tables, path, sha256, named, note, known_version=version)
    return _receipt(entry, already=entry.repeated)


_REGISTERS = ("labs", "capabilities", "items", "products", "class_in_force")


def _bytes(path: Path) -> bytes:
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
    )


def _receipt(entry: Entry, *, already: bool) -> Receipt:
    told = entry.payload
    encoding = told.get("encoding", "")
    return Receipt(
        file_name=told["file_name"],
        file_sha=told["raw"],
        position=entry.position,
        entry_hash=entry.hash,
        delivered=told["delivered"],
        accepted=told["accepted"],
        refused=told["refused"],
        already=already,
        unread=tuple(told.get("unread", ())),
        encoding="" if encoding.startswith("utf") else encoding,
    )
