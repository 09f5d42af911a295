"""Runs: an evaluation as a folder written once, with its manifest; read by everything that people see or decide."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from labqa.core.errors import IntegrityError, UsageError
from labqa.core.provenance import Manifest, canonical_json
from labqa.core.tables import RUN_TABLES
from labqa.store import durable
from labqa.store.chain import Entry, Kind
from labqa.store.contract import checked
from labqa.store.fingerprint import content_hash, in_key_order
from labqa.store.home import RUNS, prepare
from labqa.store.indexed import Indexed
from labqa.store.ledger import Ledger
from labqa.store.points import passing

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class TableInfo:
    """A table of a run: its rows, the hash of its file (flips) and of its content (re-derivation)."""

    rows: int
    file_sha256: str
    content_sha256: str


@dataclass(frozen=True)
class RunInfo:
    """A run as its ledger entry tells it."""

    run_id: str
    position: int
    recorded_at: str
    manifest: Manifest
    tables: Mapping[str, TableInfo]

    @classmethod
    def of(cls, entry: Entry) -> RunInfo:
        """The run that an entry records."""
        tables = {name: TableInfo(**table) for name, table in entry.payload["tables"].items()}
        return cls(entry.payload["run"], entry.position, entry.recorded_at, manifest_of(entry.payload), tables)


def manifest_of(payload: Mapping[str, Any]) -> Manifest:
    """The manifest that a run's entry, or the manifest file with the same content, holds."""
    inputs = payload["inputs"]
    return Manifest(**{**inputs, "partitions": tuple(inputs["partitions"])})


@dataclass(frozen=True)
class Run:
    """A run opened for reading; tables never change, so each is read from disk once."""

    info: RunInfo
    folder: Path
    _read: dict[str, Indexed] = field(default_factory=dict, repr=False, compare=False)

    @property
    def manifest(self) -> Manifest:
        """The inputs of the run."""
        return self.info.manifest

    def table(self, name: str) -> pl.DataFrame:
        """A table in key order."""
        return self.indexed(name).frame

    def indexed(self, name: str) -> Indexed:
        """A table in key order, to look up rows in."""
        if name not in self._read:
            with durable.refusals_as_damage(self._path(name)):
                self._read[name] = Indexed(pl.read_parquet(self._path(name), glob=False))
        return self._read[name]

    def joined(self, name: str, other: str, *, key: str) -> Indexed:
        """A table with the columns of another beside it, in its own order, to look up rows in; put together once."""
        called = f"{name}+{other}"
        if called not in self._read:
            both = self.table(name).join(self.table(other), on=key, how="left", maintain_order="left")
            self._read[called] = Indexed(both)
        return self._read[called]

    def lazy(self, name: str) -> pl.LazyFrame:
        """A table to be read as far as a query needs it."""
        return pl.scan_parquet(self._path(name), glob=False)

    def _path(self, name: str) -> Path:
        if name not in self.info.tables:
            raise UsageError("store.no_such_table", run=self.info.run_id, table=name, known=", ".join(self.info.tables))
        path = self.folder / f"{name}.parquet"
        if not path.is_file():
            raise IntegrityError("store.file_missing", path=f"{RUNS}/{self.info.run_id}/{path.name}")
        return path


class RunStore:
    """The runs of a home; a run counts only once a ledger entry names it."""

    def __init__(self, home: Path, ledger: Ledger | None = None) -> None:
        """Use the runs below `home` as `ledger` names them; by default the home's embedded ledger."""
        self.home = prepare(home)
        self.ledger = ledger or Ledger.at(home)
        self._opened: dict[str, Run] = {}

    def write(self, manifest: Manifest, tables: Mapping[str, pl.DataFrame], recorded_at: datetime) -> RunInfo:
        """Check, sort, hash and write the tables once; the same run again with the same content is the one that is there.

        IntegrityError names the tables whose content differs from the run written before: it was not reproduced.
        """
        kept = checked(tables, RUN_TABLES)
        contents = {name: content_hash(frame, RUN_TABLES[name]) for name, frame in kept.items()}
        with durable.writing(self.home):
            if entry := self.ledger.run(manifest.run_id):
                return _same(RunInfo.of(entry), contents)
            target = self.home / RUNS / manifest.run_id
            with durable.temporary(self.home) as made:
                payload = _written(made, manifest, kept, contents)
                shutil.rmtree(target, ignore_errors=True)  # without an entry it is what an interrupted write left
                durable.publish(made, target)
            return RunInfo.of(self.ledger.append(Kind.RUN, payload, recorded_at))

    def runs(self, *, programme: str | None = None) -> list[RunInfo]:
        """All runs in the order in which they were recorded."""
        return [RunInfo.of(entry) for entry in self.ledger.entries([Kind.RUN], programme=programme)]

    def open(self, run_id: str) -> Run:
        """A run by its id; UsageError if the ledger has none."""
        if run_id not in self._opened:
            if (entry := self.ledger.run(run_id)) is None:
                raise UsageError("store.no_such_run", run=run_id)
            self._opened[run_id] = Run(RunInfo.of(entry), self.home / RUNS / run_id)
        return self._opened[run_id]


def _written(
    folder: Path, manifest: Manifest, tables: Mapping[str, pl.DataFrame], contents: Mapping[str, str]
) -> dict[str, Any]:
    """Write tables and manifest into a new folder; returns what the ledger keeps, which is the manifest file's content.

    Tables are sorted one at a time, once more after their hash: all of them sorted would take their memory again.
    """
    with durable.refusals_as_sentences(folder):
        folder.mkdir()
        passing("run_begun")
    described = {}
    for name, frame in tables.items():
        file_sha256 = durable.write_parquet(in_key_order(frame, RUN_TABLES[name]), folder / f"{name}.parquet")
        described[name] = asdict(TableInfo(frame.height, file_sha256, contents[name]))
    payload = {
        "run": manifest.run_id,
        "programme": manifest.programme,
        "inputs": json.loads(canonical_json(asdict(manifest))),
        "tables": described,
    }
    durable.write_bytes(canonical_json(payload).encode(), folder / MANIFEST)
    return payload


def _same(info: RunInfo, contents: dict[str, str]) -> RunInfo:
    there = {name: table.content_sha256 for name, table in info.tables.items()}
    if there != contents:
        differing = sorted(name for name in there | contents if there.get(name) != contents.get(name))
        raise IntegrityError("store.run_differs", run=info.run_id, tables=", ".join(differing))
    return info
