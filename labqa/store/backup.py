"""A home in one file, taken while others write, and put back: the ledger at one head, and every file that its entries name.

The file is a plain tar: `ledger.jsonl`, one entry a line, then the files under their names in the home. Accepted files never
change and are there before their entry is, so the ledger read in one statement is a whole state of the home, and nobody waits.
"""

from __future__ import annotations

import fcntl
import glob
import hashlib
import io
import json
import os
import tarfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from labqa.core.errors import IntegrityError, UsageError
from labqa.core.provenance import canonical_json
from labqa.core.wording.catalogue import Message
from labqa.store import durable
from labqa.store.chain import GENESIS, Head, Row, check
from labqa.store.home import sync
from labqa.store.ledger import Ledger
from labqa.store.points import passing
from labqa.store.verification import named_files

LEDGER = "ledger.jsonl"
_FAILED = "store.backup_not_written"


def backup(home: Path, ledger: Ledger, target: Path) -> tuple[Path, Head]:
    """Write the home to a new file, or to a file named by its head where `target` is a folder; returns it and the head.

    IntegrityError names a stored file or entry that is not what was written: a damaged home makes no backup.
    """
    rows = ledger.rows()
    head = rows[-1].head() if rows else Head(0, GENESIS)
    path = target / f"labqa-{head.entries}-{head.hash[:12]}.tar" if target.is_dir() else target
    if path.exists():
        raise UsageError("store.backup_there", path=str(path))
    _forget_killed(path)
    lines = "".join(f"{canonical_json(list(row))}\n" for row in rows).encode()
    with (
        _new(path) as part,
        durable.refusals_as_sentences(path, _FAILED),
        tarfile.open(part, "w", format=tarfile.PAX_FORMAT) as tar,
    ):
        _add(tar, LEDGER, len(lines), io.BytesIO(lines))
        for name, sha256 in named_files(row.entry() for row in rows).items():
            _add_file(tar, home, name, sha256)
    return path, head


@contextmanager
def _new(path: Path) -> Iterator[Path]:
    """A file of its own beside `path` that gets its name once it is whole and on the disk; UsageError if the name is taken by
    then."""
    with durable.refusals_as_sentences(path, _FAILED):
        part, held = _held(path)
    try:
        yield part
        with durable.refusals_as_sentences(path, _FAILED):
            passing("backup_written")
            sync(part)
            _name(part, path)
            sync(path.parent)
    finally:
        part.unlink(missing_ok=True)
        held.close()


def _held(path: Path) -> tuple[Path, IO[bytes]]:
    """A new file beside `path`, and its lock; one that was taken for a killed one's before it was locked is made anew."""
    while True:
        part = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
        held = part.open("xb")
        fcntl.flock(held, fcntl.LOCK_EX)
        if part.exists():
            return part, held
        held.close()


def _forget_killed(path: Path) -> None:
    """Remove what backups to the same path left that were killed: the locks on their files died with them."""
    with durable.refusals_as_sentences(path, _FAILED):
        for part in path.parent.glob(f"{glob.escape(path.name)}.*.part"):
            with suppress(BlockingIOError, FileNotFoundError), part.open("rb") as left:
                fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
                part.unlink()


def _name(part: Path, path: Path) -> None:
    """Give a file its name unless there is one of that name."""
    try:
        _link(part, path)
    except FileExistsError as error:
        raise UsageError("store.backup_there", path=str(path)) from error


def _link(part: Path, path: Path) -> None:
    """FileExistsError if the name is taken."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:  # no hard links on this file system: an empty file holds the name
        path.touch(exist_ok=False)
        part.rename(path)


def _add_file(tar: tarfile.TarFile, home: Path, name: Path, sha256: str) -> None:
    if not (home / name).is_file():
        raise IntegrityError("store.file_missing", path=str(name))
    with (home / name).open("rb") as opened:
        summing = _Summing(opened)
        _add(tar, str(name), (home / name).stat().st_size, summing)
    if summing.found() != sha256:
        raise IntegrityError("store.file_changed", path=str(name), expected=sha256, found=summing.found())


def _add(tar: tarfile.TarFile, name: str, size: int, content: IO[bytes] | _Summing) -> None:
    member = tarfile.TarInfo(name)
    member.size = size
    tar.addfile(member, content)


class _Summing:
    """A file that is hashed while it is read."""

    def __init__(self, opened: IO[bytes]) -> None:
        self._opened = opened
        self._summed = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        piece = self._opened.read(size)
        self._summed.update(piece)
        return piece

    def found(self) -> str:
        return self._summed.hexdigest()


def restore(file: Path, home: Path, ledger: Ledger) -> Head:
    """Put a backup back into a home whose ledger is empty; everything is checked, and the entries come last.

    UsageError where the home holds something, IntegrityError where the backup is not what was written; either way nothing is
    accepted, and an interrupted restoration can be begun again.
    """
    with durable.writing(home):
        if ledger.head().entries:
            raise UsageError("store.home_in_use", home=str(home))
        try:
            with durable.refusals_as_damage(file), tarfile.open(file, "r:") as tar:
                rows = _rows(file, tar)
                _put_back(tar, home, _named(file, rows))
        except tarfile.TarError as error:
            raise IntegrityError("store.backup_broken", path=str(file), reason=Message("store.no_archive")) from error
        return ledger.refill(rows)


def _rows(file: Path, tar: tarfile.TarFile) -> list[Row]:
    first = tar.next()
    read = tar.extractfile(first) if first is not None and first.name == LEDGER else None
    if read is None:
        raise IntegrityError("store.backup_broken", path=str(file), reason=f"{LEDGER}?")
    try:
        return [Row(*json.loads(line)) for line in read]
    except (TypeError, ValueError) as error:
        raise IntegrityError("store.backup_broken", path=str(file), reason=LEDGER) from error


def _named(file: Path, rows: list[Row]) -> dict[str, str]:
    """The files that whole entries name, all of them inside a home."""
    check(rows)
    named = named_files(row.entry() for row in rows)
    for name in named:
        if name.is_absolute() or ".." in name.parts:
            raise IntegrityError("store.backup_broken", path=str(file), reason=str(name))
    return {str(name): sha256 for name, sha256 in named.items()}


def _put_back(tar: tarfile.TarFile, home: Path, named: dict[str, str]) -> None:
    """Write every file that the entries name, if it is in the backup with its hash; what they do not name is passed over."""
    left = dict(named)
    for member in tar:
        content = tar.extractfile(member)
        if content is None or member.name not in left:
            continue
        expected, target = left.pop(member.name), home / member.name
        with durable.temporary(home) as made:
            found = durable.copy_open(content, made)
            if found != expected:
                raise IntegrityError("store.file_changed", path=member.name, expected=expected, found=found)
            with durable.refusals_as_sentences(target):
                if not target.parent.is_dir():
                    target.parent.mkdir()
                    sync(target.parent.parent)
            durable.publish(made, target)
    if left:
        raise IntegrityError("store.files_missing", path=min(left), count=len(left))
