"""Verification: everything the ledger names is read again, hashed and compared; findings name what was changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from labqa.core.errors import IntegrityError
from labqa.core.provenance import canonical_json, sha256_of
from labqa.core.tables import RUN_TABLES
from labqa.core.wording.catalogue import Message
from labqa.store.chain import Entry, Head, Kind
from labqa.store.durable import sha256_of_file
from labqa.store.fingerprint import content_hash
from labqa.store.home import FACTS, RAW, RUNS
from labqa.store.ledger import Ledger
from labqa.store.runs import MANIFEST, Run


def verify_store(home: Path, ledger: Ledger, anchor: Head | None = None, *, run_id: str | None = None) -> list[Message]:
    """What is not as it was written: the first broken ledger entry, and every stored file that changed or is missing.

    `anchor`: head printed on a report, against which a cut-off ledger shows. `run_id`: only this run's files, with the whole
    ledger. Files are checked for the entries before the first broken one, whose word can be taken.
    """
    findings = ledger.verify(anchor)
    broken = min((int(str(found.values["position"])) for found in findings if "position" in found.values), default=None)
    try:
        entries = ledger.entries(until=None if broken is None else broken - 1)
    except IntegrityError as error:
        return [*findings, error.message]
    expected = named_files(entry for entry in entries if run_id is None or entry.payload.get("run") == run_id)
    return findings + [found for path, sha256 in expected.items() if (found := _finding(home, path, sha256))]


def named_files(entries: Iterable[Entry]) -> dict[Path, str]:
    """Every file that the entries name, relative to the home, with the SHA-256 that it must have."""
    found: dict[Path, str] = {}
    for entry in entries:
        try:
            found |= {Path(path): sha256 for path, sha256 in _named(entry.kind, entry.payload)}
        except (KeyError, TypeError) as error:  # not the form in which it was written
            raise IntegrityError("store.entry_changed", position=entry.position) from error
    return found


def _named(kind: str, payload: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if kind == Kind.RUN:
        folder = f"{RUNS}/{payload['run']}"
        yield f"{folder}/{MANIFEST}", sha256_of(canonical_json(payload).encode())
        yield from ((f"{folder}/{name}.parquet", table["file_sha256"]) for name, table in payload["tables"].items())
    yield from ((f"{FACTS}/{file['sha256']}.parquet", file["sha256"]) for file in payload.get("facts", []))
    if payload.get("raw"):
        yield f"{RAW}/{payload['raw']}", payload["raw"]


def _finding(home: Path, path: Path, expected: str) -> Message | None:
    if not (home / path).is_file():
        return Message("store.file_missing", {"path": str(path)})
    found = sha256_of_file(home / path)
    return (
        None if found == expected else Message("store.file_changed", {"path": str(path), "expected": expected, "found": found})
    )


def compare(run: Run, tables: Mapping[str, pl.DataFrame]) -> list[Message]:
    """Tables whose content, derived again, is not what the run's manifest states; tables on one side only count too."""
    stated = {name: table.content_sha256 for name, table in run.info.tables.items()}
    derived = {name: content_hash(frame, RUN_TABLES[name]) for name, frame in tables.items()}
    return [
        Message("store.table_differs", {"run": run.info.run_id, "table": name})
        for name in sorted(stated | derived)
        if stated.get(name) != derived.get(name)
    ]
