"""What an entry of the ledger is, and what makes the entries a chain: each carries the hash of the one before it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from labqa.core.errors import IntegrityError
from labqa.core.provenance import canonical_json, digest, sha256_of
from labqa.core.wording.catalogue import Message


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


class Row(NamedTuple):
    """An entry to the letter, as the database and a backup keep it; `once`: what may be accepted a single time."""

    position: int
    kind: str
    payload: str
    recorded_at: str
    once: str | None
    previous_hash: str
    hash: str

    @classmethod
    def following(cls, head: Head, kind: str, payload: Mapping[str, Any], recorded_at: str) -> Row:
        """The entry that comes after a head."""
        position, text = head.entries + 1, canonical_json(payload)
        hashed = _hash(position, kind, text, recorded_at, head.hash)
        return cls(position, kind, text, recorded_at, once(kind, payload), head.hash, hashed)

    def entry(self, *, repeated: bool = False) -> Entry:
        """The entry; IntegrityError if its payload cannot be read."""
        try:
            payload = json.loads(self.payload)
        except (TypeError, ValueError) as error:
            raise IntegrityError("store.entry_changed", position=self.position) from error
        return Entry(self.position, self.kind, payload, self.recorded_at, self.previous_hash, self.hash, repeated)

    def head(self) -> Head:
        """Where the ledger ends if this is its last entry."""
        return Head(self.position, self.hash)


def delivery_key(raw: str, programme: str, *, again: int | None = None) -> str:
    """What may be accepted only once: a file (its SHA-256) in a programme; and once more the rows of it that the entry at
    position `again` refused."""
    return digest(str(Kind.DELIVERY), raw, programme, *(() if again is None else (str(again),)))


def run_key(run: str) -> str:
    """What may be recorded only once: a run id."""
    return digest(str(Kind.RUN), run)


def once(kind: str, payload: Mapping[str, Any]) -> str | None:
    """The key under which an entry may stand only once, or None."""
    if kind == Kind.DELIVERY:
        return delivery_key(payload["raw"], payload["programme"] or "", again=payload.get("again"))
    return run_key(payload["run"]) if kind == Kind.RUN else None


def first_broken(rows: Iterable[Row]) -> Message | None:
    """What is wrong with the first entry that is not what was written where it stands, or None."""
    previous = Head(0, GENESIS)
    for row in rows:
        if found := _broken(row, previous):
            return found
        previous = row.head()
    return None


def check(rows: Iterable[Row]) -> None:
    """IntegrityError names the first entry that is not what was written."""
    if broken := first_broken(rows):
        raise IntegrityError(broken.key, **broken.values)


def against_anchor(rows: list[Row], anchor: Head) -> Message | None:
    """What an anchor says of entries that are a whole chain: cut off, or not the ones that it was printed of.

    Its hash may be the beginning of one, as the foot of a page has it.
    """
    if anchor.entries > len(rows):
        until = rows[-1].recorded_at if rows else "—"
        return Message(
            "store.ledger_cut_off",
            {"expected": anchor.entries, "found": len(rows), "first": len(rows) + 1, "until": until},
        )
    if anchor.entries and not str(rows[anchor.entries - 1].hash).startswith(anchor.hash):
        return Message("store.anchor_differs", {"position": anchor.entries})
    return None


def _hash(position: int, kind: str, payload: str, recorded_at: str, previous_hash: str) -> str:
    return sha256_of(canonical_json([position, kind, payload, recorded_at, previous_hash]).encode())


def _broken(row: Row, previous: Head) -> Message | None:
    position = previous.entries + 1
    if row.position != position:
        return Message("store.entry_missing", {"position": position, "found": row.position})
    if row.previous_hash != previous.hash:
        return Message("store.entry_misplaced", {"position": position})
    try:
        whole = _hash(position, row.kind, row.payload, row.recorded_at, row.previous_hash) == row.hash
        if whole and once(row.kind, json.loads(row.payload)) == row.once:
            return None
    except (TypeError, ValueError, KeyError):  # not the form in which it was written
        pass
    return Message("store.entry_changed", {"position": position})
