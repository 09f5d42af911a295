"""Facts: accepted rows as immutable Parquet files named by their hash, and the delivered files themselves, to the byte."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from labqa.core.errors import IntegrityError, StoreError
from labqa.core.pieces import Pieces
from labqa.core.tables import FACT_TABLES, empty
from labqa.store import durable
from labqa.store.chain import Entry
from labqa.store.contract import checked, checked_pieces
from labqa.store.home import FACTS, RAW, TMP, prepare

GROWING = ("results", "refusals")
"""Tables to which each entry adds rows; of the others, the registers, a later entry supersedes rows by their key."""


@dataclass(frozen=True)
class FactFile:
    """A file of facts as a ledger entry names it."""

    table: str
    sha256: str
    rows: int

    def as_payload(self) -> dict[str, Any]:
        """The form in which an entry keeps it."""
        return asdict(self)


def files_of(entries: Iterable[Entry], table: str | None = None) -> list[FactFile]:
    """The fact files that the entries name, in their order; of one table, or of all."""
    named = [FactFile(**one) for entry in entries for one in entry.payload.get("facts", [])]
    return [file for file in named if table in (None, file.table)]


class FactStore:
    """The facts of a home. A file counts only once a ledger entry names it; nothing is read by looking into the folder."""

    def __init__(self, home: Path) -> None:
        """Use the facts below `home`, whose folders are made where missing."""
        self.home = prepare(home)

    @property
    def room(self) -> Path:
        """The folder for what is not finished, on the same disk as the facts."""
        return self.home / TMP

    def path(self, file: FactFile) -> Path:
        """Where a file of facts lies."""
        return self.home / FACTS / f"{file.sha256}.parquet"

    def raw_path(self, sha256: str) -> Path:
        """Where a delivered file lies."""
        return self.home / RAW / sha256

    def accept(self, tables: Mapping[str, pl.DataFrame | Pieces]) -> list[FactFile]:
        """Check the tables against the dictionary and write each that has rows; none has its place before all are checked. Hold
        `durable.writing` until the entry."""
        kept = {name: _in_pieces(name, rows) for name, rows in tables.items()}
        made: dict[Path, FactFile] = {}
        with ExitStack() as unfinished:
            for table, (rows, sound) in kept.items():
                if rows.height:
                    path = unfinished.enter_context(durable.temporary(self.home))
                    made[path] = FactFile(table, durable.write_pieces(rows, path, sound), rows.height)
            for path, file in made.items():
                durable.publish(path, self.path(file))
        return list(made.values())

    def keep_raw(self, source: Path, *, expected: str) -> str:
        """Keep a delivered file; StoreError if it is no longer the file whose SHA-256 was read."""
        with durable.temporary(self.home) as copy:
            found = durable.copy_file(source, copy)
            if found != expected:
                raise StoreError("store.delivery_changed", path=str(source), expected=expected, found=found)
            durable.publish(copy, self.raw_path(found))
        return found

    def read(self, files: Sequence[FactFile], table: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """The rows of one table in the files, in the files' order; IntegrityError names a file that is not there."""
        chosen = [self.path(file) for file in files if file.table == table]
        for path in chosen:
            if not path.is_file():
                raise IntegrityError("store.file_missing", path=str(path.relative_to(self.home)))
        wanted = list(columns) if columns is not None else FACT_TABLES[table].column_names()
        if not chosen:
            return empty(FACT_TABLES[table]).select(wanted)
        with durable.refusals_as_damage(self.home / FACTS):
            return pl.concat([_columns(path, table, wanted) for path in chosen])

    def in_force(self, entries: Iterable[Entry], table: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """What holds after the entries, taken in order: of registers the last row of each key, of results every row, of
        refusals what the last judgement of each file left."""
        files = files_of(_last_judgements(entries) if table == "refusals" else entries, table)
        if table in GROWING:
            return self.read(files, table, columns)
        key = FACT_TABLES[table].primary_key()
        rows = self.read(files, table).unique(subset=key, keep="last", maintain_order=True).sort(key)
        return rows if columns is None else rows.select(columns)


def _in_pieces(table: str, rows: pl.DataFrame | Pieces) -> tuple[Pieces, Iterable[pl.DataFrame]]:
    """The rows, and their pieces as they are found to satisfy their table's contract: those of a frame now, others one by one
    when they are asked for."""
    if isinstance(rows, Pieces) and not rows.is_empty():
        return rows, checked_pieces(table, rows, FACT_TABLES)
    frame = rows.whole() if isinstance(rows, Pieces) else rows
    kept = Pieces(checked({table: frame}, FACT_TABLES).values())
    return kept, kept


def _last_judgements(entries: Iterable[Entry]) -> list[Entry]:
    """The entries but those whose file was judged again by a later one."""
    last = {(entry.kind, entry.payload.get("programme"), entry.payload.get("raw")): entry for entry in entries}
    return sorted(last.values(), key=lambda entry: entry.position)


def _columns(path: Path, table: str, wanted: Sequence[str]) -> pl.DataFrame:
    """The columns of a fact file; one that the dictionary gained after it was written, and may be absent, is null."""
    kept = set(pl.read_parquet_schema(path))
    later = [
        name for name, column in FACT_TABLES[table].columns().items() if name in wanted and name not in kept and column.nullable
    ]
    types = empty(FACT_TABLES[table]).schema
    found = pl.read_parquet(path, columns=[name for name in wanted if name not in later], glob=False)
    return found.with_columns(pl.lit(None, dtype=types[name]).alias(name) for name in later).select(wanted)
