"""Which ledger a home belongs to: its own, or the database that `LABQA_LEDGER` names; never one today, another tomorrow."""

from __future__ import annotations

import os
from pathlib import Path

from labqa.core.errors import StoreError
from labqa.store.database import shown
from labqa.store.durable import write_bytes

VARIABLE = "LABQA_LEDGER"
EMBEDDED, ELSEWHERE = "ledger.sqlite", "ledger.address"


def ledger_url(home: Path) -> str:
    """Address of the home's ledger; StoreError where the home was filled with another one."""
    named = os.environ.get(VARIABLE)
    note = home / ELSEWHERE
    if not named:
        if note.is_file():
            raise StoreError("store.ledger_elsewhere", home=str(home), ledger=note.read_text(), variable=VARIABLE)
        return f"sqlite:///{home / EMBEDDED}"
    if (home / EMBEDDED).is_file():
        raise StoreError("store.ledger_embedded", home=str(home), ledger=shown(named), variable=VARIABLE)
    if note.is_file() and note.read_text() != shown(named):
        raise StoreError("store.ledger_other", home=str(home), ledger=note.read_text(), found=shown(named), note=str(note))
    return named


def remember(home: Path, url: str) -> None:
    """Note in the home where its ledger is, once it has answered there."""
    note = home / ELSEWHERE
    if not note.is_file() and not (home / EMBEDDED).is_file():
        write_bytes(shown(url).encode(), note)
