"""The seal of the embedded ledger: a hash of its file at a head, so that a flipped byte shows even where it holds no entry.

The chain finds whatever changes an entry; most bytes of a database file hold none. The file is read through the database: to
open and close it beside would give up every lock that this process has on it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from labqa.core.provenance import canonical_json, sha256_of
from labqa.core.wording.catalogue import Message
from labqa.store.home import sync
from labqa.store.points import passing

SUFFIX = ".seal"
KEYS = {"entries", "hash", "sha256"}
_GROWTH = 100


def write(connection: sa.Connection, entries: int, head: str) -> None:
    """Seal the file as it is at this head, in a transaction in which nobody else writes; OSError if that cannot be."""
    path = _path(connection.engine.url)
    made = path.with_name(f"{path.name}.new")
    made.write_text(canonical_json({"entries": entries, "hash": head, "sha256": _sha256(connection)}))
    passing("seal_written")
    sync(made)
    made.replace(path)
    sync(path.parent)


def is_of(url: sa.URL, entries: int, head: str) -> bool:
    """Whether there is a seal of this head, whatever it says of the file."""
    return _read(_path(url)).items() >= {"entries": entries, "hash": head}.items()


def may_wait(url: sa.URL, entries: int) -> bool:
    """Whether a ledger of so many entries has grown by no more than a hundredth since its seal."""
    of = _read(_path(url)).get("entries")
    return isinstance(of, int) and 0 < of <= entries and entries - of <= entries // _GROWTH


def finding(connection: sa.Connection, hashes: Sequence[str]) -> Message | None:
    """What is wrong with the file or its seal, given the hash of every entry.

    There may be no seal yet, or one of an earlier head: a large ledger is sealed anew once it has grown by a hundredth and when
    the process that appended to it ends, after a kill at the next start-up.
    """
    path = _path(connection.engine.url)
    if not path.exists() or not hashes:
        return None
    seal = _read(path)
    of = seal.get("entries")
    if not isinstance(of, int) or not 0 < of <= len(hashes) or set(seal) != KEYS or seal["hash"] != hashes[of - 1]:
        return Message("store.seal_changed", {"path": path.name})
    if of == len(hashes) and seal["sha256"] != _sha256(connection):
        return Message("store.ledger_file_changed", {"path": path.name.removesuffix(SUFFIX)})
    return None


def _path(url: sa.URL) -> Path:
    file = Path(str(url.database))
    return file.with_name(file.name + SUFFIX)


def _sha256(connection: sa.Connection) -> str:
    driver: Any = connection.connection.driver_connection
    pages: bytes = driver.serialize()
    size = Path(str(connection.engine.url.database)).stat().st_size
    return sha256_of(pages + size.to_bytes(8))  # with the size, since what stands behind the last page is no page


def _read(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
