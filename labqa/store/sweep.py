"""Start-up: set aside what an interrupted write left, and find out at once if an accepted file is gone."""

from __future__ import annotations

import shutil
from pathlib import Path

from labqa.core.errors import IntegrityError, StoreError
from labqa.store.durable import refusals_as_sentences, writing
from labqa.store.home import FACTS, RAW, RUNS, SWEPT, TMP, prepare
from labqa.store.ledger import Ledger
from labqa.store.points import passing
from labqa.store.verification import named_files


def start(home: Path, ledger: Ledger) -> list[Path]:
    """Sweep the home and return what was set aside; IntegrityError names an accepted file that is not there.

    Unfinished files in `tmp/` are deleted; finished ones that no entry names go to `swept/`, so that a lost or cut-off
    ledger never costs the data. While another process writes, nothing is swept: its files have no entry yet. Nor is a home
    that can only be read: what has no entry is read by nobody.
    """
    prepare(home)
    missing = sorted(path for path in named_files(ledger.entries()) if not (home / path).is_file())
    if missing:  # first, so that a ledger that tells of other files than before moves none of them
        raise IntegrityError("store.files_missing", path=str(missing[0]), count=len(missing))
    try:
        with writing(home, patience=0):
            with ledger.quiet():
                left = _sweep(home, ledger)
            ledger.seal()
            return left
    except StoreError:
        return []


def _sweep(home: Path, ledger: Ledger) -> list[Path]:
    named = set(named_files(ledger.entries()))
    places = named | {path.parent for path in named}
    passing("sweep_begun")
    with refusals_as_sentences(home):
        for unfinished in (home / TMP).iterdir():
            shutil.rmtree(unfinished) if unfinished.is_dir() else unfinished.unlink()
        found = [path for folder in (FACTS, RAW, RUNS) for path in (home / folder).iterdir()]
        left = [path for path in sorted(found) if path.relative_to(home) not in places]
        return [_set_aside(path, home / SWEPT / path.name) for path in left]


def _set_aside(path: Path, target: Path) -> Path:
    if target.is_dir():
        shutil.rmtree(target)
    moved = path.rename(target)
    passing("left_over_moved")
    return moved
