"""Deliveries and registers come in: read, checked, accepted by one ledger entry, and answered with a receipt."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from labqa.core import system
from labqa.core.errors import DeliveryError, StoreError, UsageError
from labqa.core.pieces import Pieces, Spill
from labqa.core.tables import FACT_TABLES, shaped
from labqa.ingest import deliver, profiles, registers
from labqa.ingest.deliver import Delivery, Progress
from labqa.ingest.harmonise import Purpose
from labqa.ingest.profiles import Profile
from labqa.service.deliveries import delivery_named
from labqa.service.receipts import Receipt, receipt_of
from labqa.service.wiring import Platform, now
from labqa.store import durable
from labqa.store.acceptance import accept
from labqa.store.chain import Entry, Kind


def register(platform: Platform, kind: str, path: Path, *, programme: str, encoding: str | None = None) -> Receipt:
    """Accept a register file: labs, items, products or class; sent again while all of it is in force, it gets its receipt.

    `encoding` of csv, where it is known.
    """
    sha256 = _sha256_of(path)
    table = registers.table_of(kind, path, encoding=encoding)
    tables = registers.from_table(kind, path.name, table)
    rows = table.pieces.height
    note = {"file_name": path.name, "kind_of_register": kind, "delivered": rows, "accepted": rows, "refused": 0}
    note["unread"] = registers.unread_columns(kind, table)
    with platform.writing():
        before = platform.ledger.entries([Kind.REGISTER], programme=programme)
        same = [entry for entry in before if (entry.payload["raw"], entry.payload["kind_of_register"]) == (sha256, kind)]
        if same and _in_force(platform, programme, tables):
            return receipt_of(same[-1], already=True)
        entry = _accepted(platform, Kind.REGISTER, tables, path, sha256, programme, note, pen_held=True)
    return receipt_of(entry, already=entry.repeated)


def _in_force(platform: Platform, programme: str, tables: Mapping[str, pl.DataFrame]) -> bool:
    """Whether every row holds as it is, so that accepting it would change nothing."""
    given = {name: shaped(frame, FACT_TABLES[name]) for name, frame in tables.items()}
    return all(
        frame.join(platform.table(programme, name), on=frame.columns, how="anti", nulls_equal=True).is_empty()
        for name, frame in given.items()
    )


def ingest(
    platform: Platform,
    path: Path,
    *,
    profile: str,
    programme: str | None = None,
    encoding: str | None = None,
    mends: str | None = None,
    progress: Progress | None = None,
) -> Receipt:
    """Accept a delivery of results through a profile. Of the same file sent again only the rows that were refused are judged
    again, so that each counts once.

    `encoding`: of csv, where it is known. `mends`: the delivery whose refused rows it brings again, as `delivery_named`
    understands it; a workbook of refused rows says so itself.
    """

    def once(*, pen_held: bool) -> Receipt:
        with Spill(platform.facts.room) as spill:
            return _ingested(platform, path, profile, programme, encoding, mends, progress, spill, pen_held=pen_held)

    return _undisturbed(platform, once)


def _ingested(
    platform: Platform,
    path: Path,
    profile: str,
    programme: str | None,
    encoding: str | None,
    mends: str | None,
    progress: Progress | None,
    spill: Spill,
    *,
    pen_held: bool,
) -> Receipt:
    chosen = profiles.load(profile)
    named = programme or chosen.programme
    sha256 = _sha256_of(path)
    before = platform.ledger.delivery(sha256, named)
    if before is not None and not before.payload["refused"]:
        return receipt_of(before, already=True, reading=profiles.fingerprint(chosen))
    mended = None if mends is None else delivery_named(platform, mends, programme=named)
    refused = None if before is None else platform.facts.in_force([before], "refusals")
    only = None if refused is None else refused["row"].unique()
    version, delivery = _read(platform, path, chosen, named, encoding, progress, spill, sha256=sha256, only=only)
    if before is not None and refused is not None and _as_before(delivery, refused):
        return receipt_of(before, already=True, reading=profiles.fingerprint(chosen))
    note = _note(path, profile, chosen, delivery) | _link(platform, path, delivery, mended, named)
    note |= {} if before is None else {"again": before.position}
    tables = _tables(delivery)
    entry = _accepted(platform, Kind.DELIVERY, tables, path, sha256, named, note, known_version=version, pen_held=pen_held)
    return receipt_of(entry, already=entry.repeated)


def correct(
    platform: Platform,
    path: Path,
    *,
    reason: str,
    profile: str,
    programme: str | None = None,
    encoding: str | None = None,
    progress: Progress | None = None,
) -> Receipt:
    """Supersede accepted results by the rows of a file, in the shape of a delivery, with a reason; each becomes the next
    revision of the result with its key, and what was accepted before is kept. What a row leaves empty stays as it was; what is
    said of a sample holds for all its results, so that those follow."""
    if not reason.strip():
        raise UsageError("service.reason_missing")

    def once(*, pen_held: bool) -> Receipt:
        with Spill(platform.facts.room) as spill:
            return _corrected(platform, path, reason.strip(), profile, programme, encoding, progress, spill, pen_held=pen_held)

    return _undisturbed(platform, once)


def _corrected(
    platform: Platform,
    path: Path,
    reason: str,
    profile: str,
    programme: str | None,
    encoding: str | None,
    progress: Progress | None,
    spill: Spill,
    *,
    pen_held: bool,
) -> Receipt:
    chosen = profiles.load(profile)
    named = programme or chosen.programme
    sha256 = _sha256_of(path)
    before = platform.ledger.entries([Kind.CORRECTION], programme=named)
    # the same bytes say something new once another correction came after them, or where rows were refused
    if before and before[-1].payload["raw"] == sha256 and not before[-1].payload["refused"]:
        return receipt_of(before[-1], already=True)
    version, delivery = _read(platform, path, chosen, named, encoding, progress, spill, sha256=sha256, purpose="correct")
    link = _link(platform, path, delivery, None, named)
    note = _note(path, profile, chosen, delivery) | link | {"reason": reason}
    tables = _tables(delivery)
    entry = _accepted(platform, Kind.CORRECTION, tables, path, sha256, named, note, known_version=version, pen_held=pen_held)
    return receipt_of(entry, already=False)


def received(platform: Platform, path: Path, *, programme: str) -> Receipt | None:
    """The receipt of a delivery that was accepted before, if it was; nothing of it is judged again."""
    entry = platform.ledger.delivery(_sha256_of(path), programme)
    return None if entry is None else receipt_of(entry, already=True)


def _as_before(delivery: Delivery, refused: pl.DataFrame) -> bool:
    """Whether rows judged again are refused as they were."""
    of = ["row", "column", "value", "rule"]
    return delivery.accepted.is_empty() and delivery.refusals.select(of).sort(of).equals(refused.select(of).sort(of))


def _undisturbed(platform: Platform, once: Callable[..., Receipt]) -> Receipt:
    """What `once` does; where other facts came in while it read, it reads again with the pen in hand, so that it cannot happen
    twice."""
    try:
        return once(pen_held=False)
    except StoreError as error:
        if error.message.key != "store.facts_moved_on":
            raise
    with platform.writing():
        return once(pen_held=True)


def _read(
    platform: Platform,
    path: Path,
    profile: Profile,
    programme: str,
    encoding: str | None,
    progress: Progress | None,
    spill: Spill,
    *,
    sha256: str,
    purpose: Purpose = "deliver",
    only: pl.Series | None = None,
) -> tuple[int, Delivery]:
    """The data version against which a file was read, and what it brought, of all rows or of those with these numbers."""
    version = platform.ledger.data_version()
    known = registers.Registers(**{name: platform.table(programme, name, version=version) for name in _REGISTERS})
    results = platform.table(programme, "results", version=version)
    return version, deliver.read_delivery(
        path,
        profile,
        known,
        programme=programme,
        known=results,
        purpose=purpose,
        encoding=encoding,
        only=only,
        sha256=sha256,
        spill=spill,
        progress=progress,
    )


def _link(platform: Platform, path: Path, delivery: Delivery, named: Entry | None, programme: str) -> dict[str, int]:
    """The entry whose refused rows a delivery brings again: the one named, else the one of which its workbook was made."""
    if named is None and delivery.mends is None:
        return {}
    entries = platform.ledger.entries([Kind.DELIVERY, Kind.CORRECTION], programme=programme)
    found = named or next((entry for entry in reversed(entries) if entry.payload["raw"] == delivery.mends), None)
    if found is None:
        claimed = str(delivery.mends)[:12]
        raise DeliveryError("service.mends_unknown", file=path.name, found=claimed, programme=programme)
    return {"mends": found.position}


def _note(path: Path, profile: str, chosen: Profile, delivery: Delivery) -> dict[str, Any]:
    """What the ledger entry tells of a delivery."""
    return {
        "file_name": path.name,
        "profile": profile if profile in profiles.shipped() else str(Path(profile).absolute()),
        "reading": profiles.fingerprint(chosen),
        "delivered": delivery.n_delivered,
        "accepted": delivery.accepted.height - delivery.n_following,
        "refused": delivery.refusals.select("file", "row").n_unique(),
        "unread": list(delivery.unread_columns),
        "encoding": delivery.encoding,
        **({"followed": delivery.n_following} if delivery.n_following else {}),
    }


def _tables(delivery: Delivery) -> dict[str, pl.DataFrame | Pieces]:
    return {**delivery.registers, "results": delivery.accepted, "refusals": delivery.refusals}


_REGISTERS = ("labs", "capabilities", "items", "products", "class_in_force")


def _sha256_of(path: Path) -> str:
    """SHA-256 of the delivered bytes; DeliveryError where they, or the file's name, cannot be read."""
    shown = os.fsencode(path).decode("utf-8", "replace")
    if shown != str(path):  # as a Chinese archive unpacked on Linux may leave it
        raise DeliveryError("service.name_unreadable", file=shown)
    if path.is_dir():
        raise DeliveryError("service.is_folder", file=str(path))
    try:
        return durable.sha256_of_file(path)
    except OSError as error:
        raise DeliveryError("service.cannot_read", file=str(path), reason=system.reason(error)) from error


def _accepted(
    platform: Platform,
    kind: Kind,
    tables: Mapping[str, pl.DataFrame | Pieces],
    path: Path,
    sha256: str,
    programme: str,
    note: Mapping[str, Any],
    *,
    known_version: int | None = None,
    pen_held: bool = False,
) -> Entry:
    fitting = {name: rows if isinstance(rows, Pieces) else shaped(rows, FACT_TABLES[name]) for name, rows in tables.items()}
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
