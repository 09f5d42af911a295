"""What the sender of a delivery or register is told."""

from __future__ import annotations

from dataclasses import dataclass

from labqa.store.chain import Entry


@dataclass(frozen=True)
class Receipt:
    """What the sender is told: counts, and the ledger entry that is the acceptance. `already`: it was there before;
    `unread`: columns that the profile does not read; `encoding`: in which text was read, where it is not UTF-8;
    `mends`: the entry of the delivery whose refused rows it brings again; `again`: the entry whose refused rows were judged
    again, since the same file was sent again; `followed`: results that no row corrects, which follow what is said of their
    sample; `read_otherwise`: of a file that was there before, that it was read through another profile or
    another state of this one."""

    file_name: str
    position: int
    entry_hash: str
    delivered: int
    accepted: int
    refused: int
    already: bool
    unread: tuple[str, ...] = ()
    encoding: str = ""
    mends: int | None = None
    again: int | None = None
    programme: str = ""
    followed: int = 0
    read_otherwise: bool = False


def receipt_of(entry: Entry, *, already: bool, reading: str | None = None) -> Receipt:
    """What an entry tells the sender; `reading`: the fingerprint of the profile through which its
    file is sent again."""
    told = entry.payload
    encoding = told.get("encoding", "")
    return Receipt(
        file_name=told["file_name"],
        position=entry.position,
        entry_hash=entry.hash,
        delivered=told["delivered"],
        accepted=told["accepted"],
        refused=told["refused"],
        already=already,
        unread=tuple(told.get("unread", ())),
        encoding="" if encoding.startswith("utf") else encoding,
        mends=told.get("mends"),
        again=told.get("again"),
        programme=told["programme"] or "",
        followed=told.get("followed", 0),
        read_otherwise=reading is not None and told.get("reading", reading) != reading,  # earlier editions do not say it
    )
