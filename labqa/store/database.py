"""The ledger's database: SQLite embedded, PostgreSQL by its address; one table, append-only, one writer at a time in both."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from labqa.core import system
from labqa.core.errors import IntegrityError, LabQAError, StoreError
from labqa.core.wording.catalogue import Message

SCHEMA = sa.MetaData()
ENTRIES = sa.Table(
    "entries",
    SCHEMA,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.Text, nullable=False),
    sa.Column("once", sa.Text, unique=True),
    sa.Column("previous_hash", sa.Text, nullable=False, unique=True),
    sa.Column("hash", sa.Text, nullable=False, unique=True),
    sa.Index("ix_entries_kind_position", "kind", "position"),
)
APPEND_ONLY = {
    "sqlite": [
        f"CREATE TRIGGER no_{change} BEFORE {change} ON entries BEGIN SELECT RAISE(ABORT, 'append-only'); END"
        for change in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''append-only''; END'",
        "CREATE TRIGGER no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON entries EXECUTE FUNCTION refuse_change()",
    ],
}
"""What is carried out after the table was made, so that the database itself refuses to change or delete an entry."""
_TRIGGERS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'entries'",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE tgrelid = 'entries'::regclass AND NOT tgisinternal AND tgenabled = 'O'",
}
_DAMAGE = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR_SHORT_READ)
"""What SQLite answers to our statements, which are always the same, only where its file is not what was written."""
_WRITERS_QUEUE = 7_203_115
"""Number of the advisory lock that a writer to PostgreSQL holds until its transaction ends."""
for _dialect, _refusals in APPEND_ONLY.items():
    for _refusal in _refusals:
        _ddl: sa.ExecutableDDLElement = sa.DDL(_refusal).execute_if(dialect=_dialect)  # type: ignore[no-untyped-call]
        sa.event.listen(ENTRIES, "after_create", _ddl)


class Database:
    """A database at an address; a connection per transaction, so that threads and processes may share it."""

    def __init__(self, url: str) -> None:
        """Use the database at `url`, whose table is made if it is not there; StoreError where that cannot be."""
        try:
            self.url = sa.make_url(url)
            self._engine = _engine(self.url)
        except (sa.exc.ArgumentError, ModuleNotFoundError) as error:
            raise StoreError("store.no_such_database", ledger=shown(url), reason=str(error)) from error
        with self.transaction() as connection:
            tables = sa.inspect(connection).get_table_names()
        if self.is_file and tables and ENTRIES.name not in tables:
            raise IntegrityError("store.ledger_damaged", reason=f"{', '.join(tables)} ≠ {ENTRIES.name}")
        if ENTRIES.name not in tables:
            with self.transaction(writes=True) as connection:
                SCHEMA.create_all(connection)

    @property
    def is_file(self) -> bool:
        """Whether it is an embedded database."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def shown(self) -> str:
        """The address without its password."""
        return self.url.render_as_string(hide_password=True)

    @contextmanager
    def transaction(self, *, writes: bool = False) -> Iterator[sa.Connection]:
        """One transaction, with `writes` the only one of its kind; StoreError, and nothing done, if it fails."""
        try:
            with self._engine.execution_options(writes=writes).begin() as connection:
                yield connection
        except (sa.exc.DatabaseError, sqlite3.DatabaseError, UnicodeError, OSError) as error:
            raise _sentence(error, self.shown) from error


def _sentence(error: Exception, ledger: str) -> LabQAError:
    """What a failure means: the file is damaged, or the database cannot be used for now."""
    cause = error.orig if isinstance(error, sa.exc.DatabaseError) and error.orig else error
    if isinstance(cause, UnicodeError) or getattr(cause, "sqlite_errorcode", None) in _DAMAGE:
        return IntegrityError("store.ledger_damaged", reason=str(cause).strip())
    return StoreError("store.ledger_failed", ledger=ledger, reason=system.reason(cause))


def shown(url: str) -> str:
    """An address as it may be shown: without its password."""
    try:
        return sa.make_url(url).render_as_string(hide_password=True)
    except sa.exc.ArgumentError:
        return "LABQA_LEDGER"


def damage(connection: sa.Connection) -> list[Message]:
    """What the database itself finds wrong, first finding only, and whether it would let entries be changed."""
    if connection.dialect.name == "sqlite":
        said = str(connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar())
        if said != "ok":
            return [Message("store.ledger_damaged", {"reason": said})]
    there = len(connection.exec_driver_sql(_TRIGGERS[connection.dialect.name]).all())
    expected = sum("TRIGGER" in statement for statement in APPEND_ONLY[connection.dialect.name])
    return [] if there == expected else [Message("store.ledger_unprotected")]


def _engine(url: sa.URL) -> sa.Engine:
    if url.get_backend_name() not in APPEND_ONLY:
        raise sa.exc.ArgumentError(url.get_backend_name())
    sqlite = url.get_backend_name() == "sqlite"
    engine = sa.create_engine(url, poolclass=sa.NullPool, **({} if sqlite else {"isolation_level": "READ COMMITTED"}))
    if sqlite:
        sa.event.listen(engine, "connect", _connected)
    sa.event.listen(engine, "begin", _begun)
    return engine


def _connected(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN would come too late, and deferred
    connection.text_factory = lambda read: read.decode("utf-8", "replace")  # a flipped byte is for `verify` to name
    connection.execute("PRAGMA busy_timeout = 60000")
    connection.execute("PRAGMA synchronous = EXTRA")  # a commit survives a power cut


def _begun(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("writes")
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
    elif writes:
        connection.exec_driver_sql("SET LOCAL lock_timeout = '60s'")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS_QUEUE})")
