"""Which delivery is meant, by what people call it."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from labqa.core.errors import UsageError
from labqa.service.viewer import Viewer, check_may_read_all
from labqa.service.wiring import Platform
from labqa.store.chain import Entry, Kind


def delivery_named(platform: Platform, named: str, *, programme: str | None = None) -> Entry:
    """The delivery or correction with that ledger position, else the last with that file name, of a programme or of all, as
    it was judged last; UsageError if there is none."""
    entries = platform.ledger.entries([Kind.DELIVERY, Kind.CORRECTION], programme=programme)
    found = [entry for entry in entries if str(entry.position) == named]
    found = found or [entry for entry in entries if entry.payload["file_name"] == Path(named).name]
    if not found and programme is not None:
        raise UsageError("service.no_such_delivery_of", found=named, programme=programme)
    if not found:
        raise UsageError("service.no_such_delivery", found=named)
    told = found[-1].payload
    judged = platform.ledger.delivery(told["raw"], told["programme"]) if found[-1].kind == Kind.DELIVERY else None
    return judged or found[-1]


def sent_again(platform: Platform, *, viewer: Viewer, programme: str | None = None, of: Entry | None = None) -> pl.DataFrame:
    """Deliveries of whose refused rows another file brought some again, of all or of one: file, again (that file's name), and
    of its entry position, rows (accepted) and refused."""
    check_may_read_all(viewer)
    entries = platform.ledger.entries([Kind.DELIVERY, Kind.CORRECTION], programme=programme)
    told = {entry.position: entry.payload for entry in entries}
    found = [(told[entry.payload["mends"]], entry) for entry in entries if entry.payload.get("mends") in told]
    rows = [
        (mended["file_name"], by.payload["file_name"], by.position, by.payload["accepted"], by.payload["refused"])
        for mended, by in found
        if of is None or mended["raw"] == of.payload["raw"]
    ]
    numbers = dict.fromkeys(("position", "rows", "refused"), pl.Int64)
    return pl.DataFrame(rows, schema={"file": pl.String, "again": pl.String, **numbers}, orient="row")
