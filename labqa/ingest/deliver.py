"""A delivered file becomes accepted results and refusals; every row is the one or the other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from labqa.core import codes, tables
from labqa.core.pieces import Pieces, Spill
from labqa.core.revisions import KEY
from labqa.core.wording.catalogue import Message
from labqa.ingest import columns, mending, template, unseen
from labqa.ingest.derived import derive
from labqa.ingest.harmonise import Grounds, Purpose, harmonise
from labqa.ingest.profiles import Profile
from labqa.ingest.readers import ROW, Table, read
from labqa.ingest.registers import Registers, from_table, kind_of

Progress = Callable[[Message, float], None]
"""Called with what is being done and the share of the work that is behind."""


@dataclass(frozen=True)
class Delivery:
    """What a file brought: `accepted` rows as `Results`, their text as codes, `refusals`, `registers` in its sheets or derived
    from it, and the headers of columns that the profile does not read; `encoding`: in which its text was read, empty of other
    files; `mends`: the delivery whose refused rows it brings again, by SHA-256; `n_following`: those of the `accepted` that no
    row delivers, which follow a correction of their sample."""

    accepted: Pieces
    refusals: pl.DataFrame
    registers: dict[str, pl.DataFrame]
    file_sha: str
    n_delivered: int
    unread_columns: tuple[str, ...] = ()
    encoding: str = ""
    mends: str | None = None
    n_following: int = 0

    @property
    def results(self) -> pl.DataFrame:
        """The accepted rows with their text written out."""
        return codes.written(self.accepted.whole())


def read_delivery(
    path: Path,
    profile: Profile,
    registers: Registers,
    *,
    programme: str,
    known: pl.DataFrame,
    purpose: Purpose = "deliver",
    encoding: str | None = None,
    only: pl.Series | None = None,
    sha256: str | None = None,
    spill: Spill | None = None,
    progress: Progress | None = None,
) -> Delivery:
    """Read a delivered file through a profile; `known` are the results of the programme accepted so far. With
    `purpose` correct every row must correct one of them, and becomes its next revision. `encoding`: of delimited text, where
    it is known; `only`: numbers of the rows that are to be judged again, by the registers in force
    and not by those that the file brought the first time; `sha256` of the file, where it is known; `spill` for rows that are
    not held in memory, which must outlive what is returned.

    Registers that the file brings hold for its own rows. Raises DeliveryError where the file cannot be read as a whole.
    """
    tell = progress or (lambda _message, _share: None)
    tell(Message("ingest.step_read", {"file": path.name}), 0.0)
    spill = spill or Spill()
    found, sha = _read(path, encoding, sha256, spill)
    brought = _registers_in(path.name, found) if only is None else {}
    sheets = [table for table in found if kind_of(table.sheet) is None]
    table = _results_in(path.name, sheets, profile, purpose, only, spill)
    profile = replace(profile, date_system=table.date_system or profile.date_system)
    fields = columns.fields(path.name, table, profile)
    unseen.check_visible(path.name, table, fields.headers)
    brought = _together(brought, derive(fields, profile, registers.with_found(brought)))
    delivered = table.pieces.height
    tell(Message("ingest.step_type", {"n": delivered}), 0.2)
    grounds = Grounds(
        profile,
        registers.with_found(brought),
        programme,
        known,
        flawed=unseen.flawed(path.name, table, fields.headers, key="sample"),
        file=pl.Series([sha]).cast(codes.new()),
    )
    harmonised = harmonise(fields, grounds, purpose=purpose, spill=spill)
    accepted, n_following = harmonised.facts, harmonised.n_following
    tell(Message("ingest.step_keep", {"n": accepted.height}), 0.8)
    refusals = _refusals(harmonised.broken, table, fields.headers, profile, path.name, sha)
    harmonised.tally.check(refusals["row"], delivered=delivered, following=n_following)
    unread, mends = _unread(table, sheets, fields), mending.linked(found)
    return Delivery(accepted, refusals, brought, sha, delivered, unread, table.encoding, mends, n_following)


def _results_in(
    file: str, sheets: list[Table], profile: Profile, purpose: Purpose, only: pl.Series | None, spill: Spill
) -> Table:
    """The table of results, of its rows those with the numbers `only` if any are given."""
    required = profile.required if purpose == "deliver" else [name for name in profile.required if name in KEY]
    table = columns.results_table(file, sheets, profile, required)
    if only is None:
        return table
    again = (rows.filter(pl.col(ROW).is_in(only.implode())) for rows in table.pieces)
    return replace(table, pieces=Pieces(again, spill))


def _together(delivered: dict[str, pl.DataFrame], derived: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Registers that were delivered, and below them what was derived."""
    return delivered | {
        name: pl.concat([delivered[name], rows]) if name in delivered else rows for name, rows in derived.items()
    }


def _read(path: Path, encoding: str | None, sha256: str | None, spill: Spill) -> tuple[list[Table], str]:
    """The tables of a file, and its SHA-256, the one given if any."""
    with path.open("rb") as opened:
        sha = sha256 or hashlib.file_digest(opened, "sha256").hexdigest()
        opened.seek(0)
        return read(path, opened, encoding=encoding, spill=spill), sha


def _unread(table: Table, sheets: list[Table], fields: columns.Fields) -> tuple[str, ...]:
    """Headers of columns, and ranges of other sheets, that nothing reads."""
    unread = mending.without_ours([header for header in table.headers if header not in fields.headers.values()])
    others = [one for one in sheets if one.sheet != table.sheet and one.sheet not in {mending.LINK_SHEET, template.GUIDE}]
    return unread + tuple(unseen.unread_sheets(others))


def _registers_in(file: str, found: list[Table]) -> dict[str, pl.DataFrame]:
    """Registers in the sheets that bear their names."""
    brought: dict[str, pl.DataFrame] = {}
    for table in found:
        kind = kind_of(table.sheet)
        if kind and table.pieces.height:
            unseen.check_visible(file, table, {})
            brought |= from_table(kind, file, table)
    return brought


def _refusals(
    broken: pl.DataFrame, table: Table, headers: Mapping[str, str], profile: Profile, file: str, sha: str
) -> pl.DataFrame:
    """One entry a broken rule, with the sentence and the whole row as delivered."""
    delivered = mending.without_ours(table.headers)
    refused = (rows.join(broken, on=ROW, how="semi") for rows in (table.pieces if broken.height else ()))
    rows = {row[ROW]: row for some in refused for row in some.iter_rows(named=True)}
    whole = {
        number: json.dumps({header: row[header] for header in delivered}, ensure_ascii=False) for number, row in rows.items()
    }
    entries = []
    for number, field, rule, expected in broken.unique().sort(ROW, "field", "rule", "expected").iter_rows():
        column = headers.get(field) or profile.columns.get(field, (field,))[0]
        value = rows[number].get(headers.get(field, "")) or profile.declared.get(field)
        said = {
            "file": file,
            "row": number,
            "column": " ".join(column.split()),
            "value": value or "",
            "expected": expected or "",
        }
        message = Message(f"ingest.{rule}", said).to_json()
        entries.append((sha, file, number, column, value, f"ingest.{rule}", message, whole[number]))
    schema = tables.empty(tables.Refusals).schema
    refusals = pl.DataFrame(entries, schema=schema, orient="row")
    return refusals.unique(["row", "column", "rule"], keep="first", maintain_order=True)
