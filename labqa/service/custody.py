"""What those who keep a home ask for: the ledger shown and checked, everything backed up and put back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from labqa.core.errors import UsageError
from labqa.core.wording.catalogue import Message
from labqa.service.viewer import Viewer, check_may_read_all
from labqa.service.wiring import Platform
from labqa.store import backup as backups
from labqa.store.chain import Head


def entries(platform: Platform, *, viewer: Viewer, programme: str | None = None, last: int | None = None) -> pl.DataFrame:
    """Entries in order, the `last` ones if asked: position, recorded_at, kind, programme, what (file or run), hash."""
    check_may_read_all(viewer)
    found = platform.ledger.entries(programme=programme)
    rows = [
        (one.position, one.recorded_at, one.kind, one.payload.get("programme"), _what(one.payload), one.hash)
        for one in found[-last if last else 0 :]
    ]
    columns = {"position": pl.Int64, **dict.fromkeys(("recorded_at", "kind", "programme", "what", "hash"), pl.String)}
    return pl.DataFrame(rows, schema=columns, orient="row")


def anchor(platform: Platform) -> str:
    """The head of the ledger as it is printed: `count:hash`."""
    count, found = platform.ledger.head()
    return f"{count}:{found}"


def head_of(anchor: str) -> Head:
    """The head that an anchor names, by at least 16 digits of its hash (64 bits); UsageError if it is not one."""
    read = re.fullmatch(r"([0-9]{1,18}):([0-9a-f]{16,64})", anchor.strip().lower())
    if read is None:
        raise UsageError("service.anchor_form", anchor=anchor)
    return Head(int(read[1]), read[2])


def verify_ledger(platform: Platform, *, anchor: str | None = None) -> list[Message]:
    """What is wrong with the chain of entries, and with the database that holds it; files are not looked at."""
    return platform.ledger.verify(None if anchor is None else head_of(anchor))


def backup(platform: Platform, target: Path) -> tuple[Path, str]:
    """Write the home to a new file, or to one named by its head in a folder; returns it and the anchor. Others may write."""
    path, head = backups.backup(platform.home, platform.ledger, target)
    return path, f"{head.entries}:{head.hash}"


def restore(platform: Platform, file: Path) -> str:
    """Put a backup back into a home without entries; returns the anchor."""
    head = backups.restore(file, platform.home, platform.ledger)
    return f"{head.entries}:{head.hash}"


def _what(payload: Mapping[str, object]) -> str:
    return str(payload.get("run") or payload.get("file_name") or "")
