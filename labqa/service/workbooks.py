"""Workbooks to be filled in and sent: the template, and the refused rows of a delivery."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from xlsxwriter.exceptions import FileCreateError

from labqa.core import system
from labqa.core.errors import StoreError, UsageError
from labqa.ingest import mending, template
from labqa.service.commands import command
from labqa.service.deliveries import delivery_named
from labqa.service.viewer import Viewer, check_may_read_all
from labqa.service.wiring import Platform
from labqa.store.chain import Entry, Kind

_TEMPLATE, _NATIONAL = "template", "national"
"""Profile and programme of which a command need not be told."""


def write_template(path: Path) -> None:
    """Write the bilingual delivery template with a filled example."""
    _check_workbook(path)
    with _writing(path):
        template.write_template(path)


@dataclass(frozen=True)
class Export:
    """Refused rows that were written to be mended: how many, of which file and entry, and the command that takes them in."""

    rows: int
    file_name: str
    position: int
    command: str


def write_refused(platform: Platform, named: str, path: Path, *, viewer: Viewer, programme: str | None = None) -> Export:
    """Write the refused rows of a delivery, as `delivery_named` understands it, as a workbook to be mended and sent again."""
    check_may_read_all(viewer)
    _check_workbook(path)
    entry = delivery_named(platform, named, programme=programme)
    refusals = platform.facts.in_force([entry], "refusals")
    if refusals.is_empty():
        raise UsageError("service.nothing_refused", file=entry.payload["file_name"], position=entry.position)
    with _writing(path):
        rows = mending.write_refused(path, refusals, command=_command(platform, entry, refusals, path.name))
    return Export(rows, entry.payload["file_name"], entry.position, _command(platform, entry, refusals, path))


def _check_workbook(path: Path) -> None:
    """UsageError where a workbook would get a name that says something else, or the place of one that may hold work."""
    if path.suffix.lower() != ".xlsx":
        raise UsageError("service.workbook_name", file=str(path))
    if path.exists():
        raise UsageError("service.workbook_there", file=str(path))


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turn a workbook that cannot be written into a StoreError that names it."""
    try:
        yield
    except (OSError, FileCreateError) as error:
        cause = error.args[0] if isinstance(error, FileCreateError) and isinstance(error.args[0], OSError) else error
        raise StoreError("service.cannot_write", file=str(path), reason=system.reason(cause)) from error


def _command(platform: Platform, entry: Entry, refusals: pl.DataFrame, file: str | Path) -> str:
    """The command that takes in a file in the place of the rows that an entry refused; later revisions of what was accepted
    correct it, with a reason that is asked for."""
    told = entry.payload
    correcting = entry.kind == Kind.CORRECTION or set(refusals["rule"]) == {"ingest.revision_without_reason"}
    words: list[str | Path] = ["correct" if correcting else "ingest", file]
    words += ["--reason", told["reason"]] if entry.kind == Kind.CORRECTION else []
    words += ["--profile", told["profile"]] if told["profile"] != _TEMPLATE else []
    words += ["--programme", told["programme"]] if (told["profile"], told["programme"]) != (_TEMPLATE, _NATIONAL) else []
    return command(platform, *words)
