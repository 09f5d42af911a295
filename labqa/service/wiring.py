"""Wires the platform: the one place that names the concrete stores."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from labqa.core.errors import UsageError
from labqa.core.provenance import Manifest
from labqa.store import durable, sweep
from labqa.store import home as homes
from labqa.store.chain import FACT_KINDS
from labqa.store.facts import FactStore
from labqa.store.indexed import Indexed
from labqa.store.ledger import Ledger
from labqa.store.runs import Run, RunStore

_REMEMBERED = 4
"""Versions of facts kept in memory; older ones are read again."""


@dataclass(frozen=True)
class Platform:
    """A home opened: its ledger, facts and runs. Facts are read as of a data version, so each reading can be kept."""

    home: Path
    ledger: Ledger
    facts: FactStore
    runs: RunStore
    _kept: dict[tuple[str | None, str, int], Indexed] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_found_by_itself(self) -> bool:
        """Whether this is the home of commands that name none."""
        return self.home == homes.resolve()

    def writing(self) -> AbstractContextManager[None]:
        """The home's only pen: while it is held nobody else accepts facts or writes runs."""
        return durable.writing(self.home)

    def run(self, run_id: str) -> Run:
        """A run by its id; UsageError if there is none."""
        return self.runs.open(run_id)

    def manifests(self) -> list[Manifest]:
        """Manifests of all runs, in the order in which they were recorded."""
        return [info.manifest for info in self.runs.runs()]

    def table(self, programme: str | None, name: str, *, version: int | None = None) -> pl.DataFrame:
        """A fact table of a programme as of a data version, by default the present one; of all programmes if None."""
        return self.indexed(programme, name, version=version).frame

    def indexed(self, programme: str | None, name: str, *, version: int | None = None) -> Indexed:
        """The same table, to look up rows in."""
        at = self.ledger.data_version() if version is None else version
        key = (programme, name, at)
        if key not in self._kept:
            entries = self.ledger.entries(FACT_KINDS, programme=programme, until=at)
            found = self.facts.in_force(entries, name)
            while len(self._kept) >= _REMEMBERED * 7:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = Indexed(found)
        return self._kept[key]

    def read(self, programme: str | None, name: str, columns: Sequence[str], *, version: int) -> pl.DataFrame:
        """Some columns of a fact table as of a data version, read for this once and not kept."""
        return self.facts.in_force(self.ledger.entries(FACT_KINDS, programme=programme, until=version), name, columns)

    def file_name(self, sha256: str) -> str | None:
        """The name under which a delivered file came, by its hash."""
        entries = self.ledger.entries(FACT_KINDS)
        return next((entry.payload.get("file_name") for entry in entries if entry.payload.get("raw") == sha256), None)


def now() -> datetime:
    """The moment that a ledger entry records; it enters no run."""
    return datetime.now(UTC)


def open_platform(home: Path | None = None, *, as_found: bool = False) -> Platform:
    """The platform of `home` (else `LABQA_HOME`, else the user-data folder), swept of what an interrupted write left.

    IntegrityError names an accepted file that is gone. `as_found`: neither, for whoever looks what is wrong; UsageError where
    there is no such folder to look at.
    """
    resolved = homes.resolve(home)
    if as_found and not resolved.is_dir():
        raise UsageError("store.no_home", path=str(resolved))
    place = homes.prepare(resolved)
    ledger = Ledger.at(place)
    if not as_found:
        sweep.start(place, ledger)
    return Platform(place, ledger, FactStore(place), RunStore(place, ledger))
