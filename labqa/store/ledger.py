"""The ledger: an append-only, hash-chained list of everything accepted. Its entry is the acceptance.

Each entry carries the hash of the one before it, and that hash is unique, so that a second writer can never fork the chain;
the database makes writers queue. A chain alone cannot show that its tail was cut off, or that all of it was computed again:
compare it with an anchor, the head (count and hash) printed on a report.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from labqa.core.errors import IntegrityError, LabQAError, StoreError
from labqa.core.provenance import canonical_json, digest, sha256_of
from labqa.core.wording.catalogue import Message
from labqa.store import address, seal
from labqa.store import home as homes
from labqa.store.database import ENTRIES, Database, damage
from labqa.store.points import passing


class Kind(StrEnum):
    """Kinds of entries; later rooms add theirs."""

    DELIVERY = "delivery"
    REGISTER = "register"
    CORRECTION = "correction"
    RUN = "run"


FACT_KINDS = (Kind.DELIVERY, Kind.REGISTER, Kind.CORRECTION)
GENESIS = "0" * 64
"""What stands for the previous hash of the first entry."""


class Head(NamedTuple):
    """Where the ledger ends: number of entries and hash of the last; an anchor when printed."""

    entries: int
    hash: str


@dataclass(frozen=True)
class Entry:
    """One entry; `repeated` tells that it was there before, as the receipt of the same delivery or run."""

    position: int
    kind: str
    payload: Mapping[str, Any]
    recorded_at: str
    previous_hash: str
    hash: str
    repeated: bool = field(default=False, compare=False)


def delivery_key(raw: str, programme: str) -> str:
    """What may be accepted only once: a file (its SHA-256) in a programme."""
    return digest(str(Kind.DELIVERY), raw, programme)


def run_key(run: str) -> str:
    """What may be recorded only once: a run id."""
    return digest(str(Kind.RUN), run)


def _once(kind: str, payload: Mapping[str, Any]) -> str | None:
    if kind == Kind.DELIVERY:
        return delivery_key(payload["raw"], payload["programme"] or "")
    return run_key(payload["run"]) if kind == Kind.RUN else None


def _hash(position: int, kind: str, payload: str, recorded_at: str, previous_hash: str) -> str:
    return sha256_of(canonical_json([position, kind, payload, recorded_at, previous_hash]).encode())


class Ledger:
    """The ledger at a database address; a connection per call, so that threads and processes may share it."""

    def __init__(self, url: str) -> None:
        """Use the ledger at `url`, made if it is not there."""
        self.url = url
        self._database = Database(url)

    @classmethod
    def at(cls, home: Path) -> Ledger:
        """The ledger of a home, whose folders are made where missing."""
        url = address.ledger_url(homes.prepare(home))
        ledger = cls(url)
        address.remember(home, url)
        return ledger

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """While this is held nothing is appended, and what a killed process had sent is committed or gone."""
        with self._database.transaction(writes=True):
            yield

    def append(
        self, kind: str, payload: Mapping[str, Any], recorded_at: datetime, *, known_version: int | None = None
    ) -> Entry:
        """Append an entry and return it; for a file or run accepted before, return its entry, marked `repeated`.

        `known_version`: the data version on which the payload was worked out; StoreError if facts came in since.
        """
        text, moment = canonical_json(payload), _moment(recorded_at)
        once = _once(kind, payload)
        with self._database.transaction(writes=True) as connection:
            if once is not None and (found := _first(connection, ENTRIES.c.once == once)) is not None:
                return _entry(found, repeated=True)
            if known_version is not None and (version := _data_version(connection)) != known_version:
                raise StoreError("store.facts_moved_on", known=known_version, found=version)
            position, previous = _head(connection)
            row = {
                "position": position + 1,
                "kind": str(kind),
                "payload": text,
                "recorded_at": moment,
                "once": once,
                "previous_hash": previous,
                "hash": _hash(position + 1, str(kind), text, moment, previous),
            }
            connection.execute(sa.insert(ENTRIES).values(row))
            passing("entry_inserted")
        passing("entry_committed")
        self.seal()
        return Entry(position + 1, str(kind), json.loads(text), moment, previous, str(row["hash"]))

    def seal(self) -> None:
        """Seal an embedded ledger's file at its head, if it is not; where that cannot be, the next start-up does it."""
        with suppress(StoreError):
            if self._database.is_file and self.head().entries:
                with self._database.transaction(writes=True) as connection:
                    if not seal.is_of(connection, *_head(connection)):
                        seal.write(connection, *_head(connection))

    def entries(
        self, kinds: Collection[str] | None = None, *, programme: str | None = None, until: int | None = None
    ) -> list[Entry]:
        """Entries in order: of some kinds, of a programme (those that name none belong to all), up to a position."""
        query = sa.select(ENTRIES).order_by(ENTRIES.c.position)
        if kinds is not None:
            query = query.where(ENTRIES.c.kind.in_([str(kind) for kind in kinds]))
        if until is not None:
            query = query.where(ENTRIES.c.position <= until)
        with self._database.transaction() as connection:
            found = [_entry(row) for row in connection.execute(query)]
        return [entry for entry in found if programme is None or entry.payload.get("programme") in (None, programme)]

    def delivery(self, raw: str, programme: str) -> Entry | None:
        """The receipt of a file in a programme, if it was accepted."""
        return self._only(delivery_key(raw, programme))

    def run(self, run_id: str) -> Entry | None:
        """The entry of a run, if it was recorded."""
        return self._only(run_key(run_id))

    def head(self) -> Head:
        """Number of entries and hash of the last: the anchor to print."""
        with self._database.transaction() as connection:
            return _head(connection)

    def data_version(self) -> int:
        """Position of the last delivery, register or correction; 0 if there is none."""
        with self._database.transaction() as connection:
            return _data_version(connection)

    def verify(self, anchor: Head | None = None) -> list[Message]:
        """The first broken entry, and whether the chain still holds the anchor; empty if all is as it was written."""
        try:
            with self._database.transaction() as connection:
                findings = damage(connection)
                rows = connection.execute(sa.select(ENTRIES).order_by(ENTRIES.c.position)).all()
                if self._database.is_file and (found := seal.finding(connection, [row.hash for row in rows])):
                    findings.append(found)
        except LabQAError as error:
            return [error.message]
        broken = next((found for found in map(_broken, range(1, len(rows) + 1), rows, _previous(rows)) if found), None)
        findings += [broken] if broken else []
        if anchor is not None and anchor.entries > len(rows):
            findings.append(Message("store.ledger_cut_off", {"expected": anchor.entries, "found": len(rows)}))
        elif anchor is not None and anchor.entries and rows[anchor.entries - 1].hash != anchor.hash:
            findings.append(Message("store.anchor_differs", {"position": anchor.entries}))
        return findings

    def _only(self, once: str) -> Entry | None:
        with self._database.transaction() as connection:
            found = _first(connection, ENTRIES.c.once == once)
        return None if found is None else _entry(found, repeated=True)


def _moment(recorded_at: datetime) -> str:
    return recorded_at.astimezone(UTC).isoformat(timespec="seconds")


def _first(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> sa.Row[Any] | None:
    return connection.execute(sa.select(ENTRIES).where(condition)).first()


def _head(connection: sa.Connection) -> Head:
    last = connection.execute(
        sa.select(ENTRIES.c.position, ENTRIES.c.hash).order_by(ENTRIES.c.position.desc()).limit(1)
    ).first()
    return Head(0, GENESIS) if last is None else Head(last.position, last.hash)


def _data_version(connection: sa.Connection) -> int:
    facts = ENTRIES.c.kind.in_([str(kind) for kind in FACT_KINDS])
    return connection.execute(sa.select(sa.func.max(ENTRIES.c.position)).where(facts)).scalar() or 0


def _entry(row: sa.Row[Any], *, repeated: bool = False) -> Entry:
    try:
        payload = json.loads(row.payload)
    except (TypeError, ValueError) as error:
        raise IntegrityError("store.entry_changed", position=row.position) from error
    return Entry(row.position, row.kind, payload, row.recorded_at, row.previous_hash, row.hash, repeated)


def _previous(rows: Collection[sa.Row[Any]]) -> Iterator[str]:
    yield GENESIS
    for row in rows:
        yield row.hash


def _broken(position: int, row: sa.Row[Any], previous: str) -> Message | None:
    """What is wrong with the entry that should stand at `position`, or None."""
    if row.position != position:
        return Message("store.entry_missing", {"position": position, "found": row.position})
    if row.previous_hash != previous:
        return Message("store.entry_misplaced", {"position": position})
    try:
        whole = _hash(row.position, row.kind, row.payload, row.recorded_at, row.previous_hash) == row.hash
        if whole and _once(row.kind, json.loads(row.payload)) == row.once:
            return None
    except (TypeError, ValueError, KeyError):  # not the form in which it was written
        pass
    return Message("store.entry_changed", {"position": position})
