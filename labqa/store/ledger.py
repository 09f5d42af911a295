"""The ledger: an append-only, hash-chained list of everything accepted. Its entry is the acceptance.

Each entry carries the hash of the one before it, and that hash is unique, so that a second writer can never fork the chain;
the database makes writers queue. A chain alone cannot show that its tail was cut off, or that all of it was computed again:
compare it with an anchor, the head (count and hash) printed on a report.
"""

from __future__ import annotations

import atexit
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from labqa.core.errors import LabQAError, StoreError, UsageError
from labqa.core.wording.catalogue import Message
from labqa.store import address, chain, seal
from labqa.store import home as homes
from labqa.store.chain import FACT_KINDS, GENESIS, Entry, Head, Row
from labqa.store.database import ENTRIES, Database, damage
from labqa.store.points import passing

_ALL = sa.select(*(ENTRIES.c[name] for name in Row._fields)).order_by(ENTRIES.c.position)
_UNSEALED: dict[str, Ledger] = {}
"""Ledgers to which this process appended since their seals, by address."""


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
        once = chain.once(kind, payload)
        with self._database.transaction(writes=True) as connection:
            if once is not None and (found := _first(connection, once)) is not None:
                return found.entry(repeated=True)
            if known_version is not None and (version := _data_version(connection)) != known_version:
                raise StoreError("store.facts_moved_on", known=known_version, found=version)
            row = Row.following(_head(connection), str(kind), payload, _moment(recorded_at))
            connection.execute(sa.insert(ENTRIES).values(row._asdict()))
            passing("entry_inserted")
        passing("entry_committed")
        self._seal_if_due(row.position)
        return row.entry()

    def rows(self) -> list[Row]:
        """Every entry to the letter, read in one statement; IntegrityError names the first that is not what was written."""
        with self._database.transaction() as connection:
            found = [Row(*row) for row in connection.execute(_ALL)]
        chain.check(found)
        return found

    def refill(self, rows: Sequence[Row]) -> Head:
        """Append entries to the letter to an empty ledger, all or none; IntegrityError if they are no whole chain."""
        chain.check(rows)
        with self._database.transaction(writes=True) as connection:
            if _head(connection).entries:
                raise UsageError("store.ledger_in_use", ledger=self._database.shown)
            if rows:
                connection.execute(sa.insert(ENTRIES), [row._asdict() for row in rows])
            passing("entry_inserted")
        passing("entry_committed")
        self.seal()
        return rows[-1].head() if rows else Head(0, GENESIS)

    def seal(self) -> None:
        """Seal an embedded ledger's file at its head, if it is not; where that cannot be, the next start-up does it."""
        with suppress(LabQAError):
            if self._database.is_file and not self._is_sealed():
                with self._database.transaction(writes=True) as connection:
                    seal.write(connection, *_head(connection))

    def _is_sealed(self) -> bool:
        with self._database.transaction() as connection:
            head = _head(connection)
            return not head.entries or seal.is_of(self._database.url, *head)

    def _seal_if_due(self, entries: int) -> None:
        """Seal after an entry, or where the ledger has hardly grown since, when the process ends: a seal reads all of it."""
        if self._database.is_file and seal.may_wait(self._database.url, entries):
            _UNSEALED[self.url] = self
        else:
            self.seal()

    def entries(
        self, kinds: Collection[str] | None = None, *, programme: str | None = None, until: int | None = None
    ) -> list[Entry]:
        """Entries in order: of some kinds, of a programme (those that name none belong to all), up to a position."""
        query = _ALL
        if kinds is not None:
            query = query.where(ENTRIES.c.kind.in_([str(kind) for kind in kinds]))
        if until is not None:
            query = query.where(ENTRIES.c.position <= until)
        with self._database.transaction() as connection:
            found = [Row(*row).entry() for row in connection.execute(query)]
        return [entry for entry in found if programme is None or entry.payload.get("programme") in (None, programme)]

    def delivery(self, raw: str, programme: str) -> Entry | None:
        """The receipt of a file in a programme, if it was accepted; where its refused rows were judged again, the last one."""
        found = later = self._only(chain.delivery_key(raw, programme))
        while later is not None:
            found, later = later, self._only(chain.delivery_key(raw, programme, again=later.position))
        return found

    def run(self, run_id: str) -> Entry | None:
        """The entry of a run, if it was recorded."""
        return self._only(chain.run_key(run_id))

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
                of_database = damage(connection)
                rows = [Row(*row) for row in connection.execute(_ALL)]
                of_file = seal.finding(connection, [row.hash for row in rows]) if self._database.is_file else None
        except LabQAError as error:
            return [error.message]
        of_anchor = None if anchor is None else chain.against_anchor(rows, anchor)
        return [found for found in (*of_database, of_file, chain.first_broken(rows), of_anchor) if found is not None]

    def _only(self, once: str) -> Entry | None:
        with self._database.transaction() as connection:
            found = _first(connection, once)
        return None if found is None else found.entry(repeated=True)


@atexit.register
def _seal_what_is_left() -> None:
    for ledger in _UNSEALED.values():
        if Path(str(ledger._database.url.database)).is_file():  # to connect would make it anew
            ledger.seal()


def _moment(recorded_at: datetime) -> str:
    return recorded_at.astimezone(UTC).isoformat(timespec="seconds")


def _first(connection: sa.Connection, once: str) -> Row | None:
    found = connection.execute(_ALL.where(ENTRIES.c.once == once)).first()
    return None if found is None else Row(*found)


def _head(connection: sa.Connection) -> Head:
    last = connection.execute(
        sa.select(ENTRIES.c.position, ENTRIES.c.hash).order_by(ENTRIES.c.position.desc()).limit(1)
    ).first()
    return Head(0, GENESIS) if last is None else Head(last.position, last.hash)


def _data_version(connection: sa.Connection) -> int:
    last = sa.func.max(ENTRIES.c.position)  # of each kind apart: the index ends with it
    found = [connection.execute(sa.select(last).where(ENTRIES.c.kind == str(kind))).scalar() for kind in FACT_KINDS]
    return max(position or 0 for position in found)
