"""The one way in which facts are accepted: delivered file and fact files to disk, then the ledger entry."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from labqa.core.pieces import Pieces
from labqa.store.chain import Entry, Kind
from labqa.store.durable import writing
from labqa.store.facts import FactStore
from labqa.store.ledger import Ledger


def accept(
    facts: FactStore,
    ledger: Ledger,
    kind: Kind,
    tables: Mapping[str, pl.DataFrame | Pieces],
    recorded_at: datetime,
    *,
    source: Path,
    sha256: str,
    programme: str | None,
    note: Mapping[str, Any],
    known_version: int | None = None,
    pen_held: bool = False,
) -> Entry:
    """Accept facts read from `source`, whose bytes had `sha256`; for a delivery already accepted, its receipt, unless the note
    says that these are its refused rows judged `again`.

    `programme` None: registers that hold for every programme. `note`: what else the receipt tells (file name,
    profile, counts). `known_version`: the data version against which the tables were worked out; StoreError, and nothing
    accepted, if other facts came in since; that cannot be while the caller holds the pen (`pen_held`).
    """
    with nullcontext() if pen_held else writing(facts.home):
        receipt = ledger.delivery(sha256, programme or "") if kind == Kind.DELIVERY else None
        if receipt is not None and receipt.position != note.get("again"):
            return receipt
        payload = {
            **note,
            "programme": programme,
            "facts": [file.as_payload() for file in facts.accept(tables)],
            "raw": facts.keep_raw(source, expected=sha256),
        }
        return ledger.append(kind, payload, recorded_at, known_version=known_version)
