"""Which delivery is meant, by what people call it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labqa.core.errors import UsageError
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


def sent_again(
    platform: Platform, of: Entry | None = None, *, programme: str | None = None
) -> list[tuple[Mapping[str, Any], Entry]]:
    """Deliveries of whose refused rows another file brought some again, each with that file's entry: of one, else of all."""
    entries = platform.ledger.entries([Kind.DELIVERY, Kind.CORRECTION], programme=programme)
    told = {entry.position: entry.payload for entry in entries}
    found = [(told[entry.payload["mends"]], entry) for entry in entries if entry.payload.get("mends") in told]
    return [one for one in found if of is None or one[0]["raw"] == of.payload["raw"]]
