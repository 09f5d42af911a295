"""Harmonising: fields of text become typed facts in the item's unit, and the rules that rows break."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from labqa.core import codes
from labqa.core.codes import written
from labqa.core.pieces import Pieces, Spill
from labqa.core.revisions import in_force
from labqa.core.vocabulary import Role
from labqa.ingest import corrections, dates, ids, kept, readings, samples, superseding, words
from labqa.ingest.columns import Fields
from labqa.ingest.profiles import Profile
from labqa.ingest.ranges import ranges
from labqa.ingest.readers import ROW
from labqa.ingest.registers import Registers
from labqa.ingest.samples import BROKEN, FOLLOWERS, broken
from labqa.ingest.typing import typed

_REQUIRED = ("sample", "item", "role")
_FIELD_OF_RULE = {
    "unit_contradicts": "unit",
    "missing_unit": "unit",
    "unknown_unit": "unit",
    "qualifier_contradicts": "qualifier",
}
_COVERAGE_FACTOR = 2.0
"""Taken where a report states U and no k (JCGM 100, 7.2.3 asks for k; 2 is what reports mean by an unnamed one)."""
_KEPT = [ROW, *corrections.FACTS]


@dataclass(frozen=True)
class Harmonised:
    """`facts`: the table `Results` of rows that break no rule; `broken`: the rules the others break; `tally` of the rows;
    `n_following`: how many of the facts are accepted results which a correction of their sample changes too, each with the
    row that says it."""

    facts: Pieces
    broken: pl.DataFrame
    tally: kept.Tally
    n_following: int = 0


Purpose = Literal["deliver", "correct"]
"""Whether rows bring results, or correct results that were accepted."""


@dataclass(frozen=True)
class Grounds:
    """What rows are judged by: the profile through which they are read, the registers and the results `known` so far of their
    `programme`, and which rows are `flawed` by what was delivered; `file` is what their facts name, as one code."""

    profile: Profile
    registers: Registers
    programme: str
    known: pl.DataFrame
    flawed: pl.DataFrame
    file: pl.Series


def harmonise(fields: Fields, grounds: Grounds, *, purpose: Purpose = "deliver", spill: Spill | None = None) -> Harmonised:
    """Types each row by itself, a block of rows after the other, then settles what holds between rows, a range of samples after
    the other; a row already refused takes no part in that. `spill` is where rows are put that need not be held."""
    if purpose == "correct":
        return _corrected(fields, grounds)
    before, found = samples.known_of(grounds.known, fields.texts("sample")), list[pl.DataFrame]()
    parted = ranges(fields.texts("sample"), fields.column("sample"), fields.delivered.height)
    parts, stated = [Pieces(spill=spill) for _ in range(parted.count)], list[pl.DataFrame]()
    types = {name: codes.new() for name in _KEPT}
    tally = kept.Tally()
    for rows in fields.blocks():
        tally.deliver(rows[ROW])
        sound, broken_alone = _alone(rows, grounds)
        sound = codes.coded(sound, types)
        of_known = samples.accepted_before(sound, before)
        sound = samples.without(sound, of_known)
        found += [broken_alone, of_known]
        stated.append(samples.stated_years(sound))
        for number, part in parted.split(sound):
            parts[number].append(part)
            if parted.count > 1:
                parts[number].put_away()
    years = samples.years_of(stated, samples.coded_alike(before.rounds, sound))
    facts = Pieces(spill=spill)
    for pieces in parts:
        if pieces.schema:
            settled = samples.settle(pieces.whole(), before, years, grounds.profile)
            tally.accept(settled.rows[ROW])
            facts.append(kept.results(settled.rows, grounds.file, parted.rank))
            found.append(settled.broken)
    return Harmonised(facts, pl.concat(found), tally)


def _alone(rows: pl.DataFrame, grounds: Grounds) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows that break no rule by themselves, and the rules that the others break."""
    profile = grounds.profile
    parsed, valued = _understood(rows, profile, grounds.registers.items)
    missing = pl.concat([_missing(rows), _undated(rows, valued, profile), _unreasoned(rows, valued)])
    misdated = _tested_too_early(valued, profile)
    found = pl.concat(
        [readings.misread(rows, parsed), missing, misdated, _misnamed(valued, grounds.registers), _mistyped(valued)]
    )
    found = _with_flaws(found, grounds.flawed, rows)
    return _sound(valued, found, grounds.programme).select(_KEPT), found


def _corrected(fields: Fields, grounds: Grounds) -> Harmonised:
    """The rows as later revisions of accepted results: what a row does not say is theirs."""
    rows, profile, registers = pl.concat(fields.blocks()), grounds.profile, grounds.registers
    accepted, said = in_force(grounds.known), corrections.what_is_said(rows)
    rows = corrections.without_marks(rows)
    parsed, valued = _understood(rows, profile, registers.items)
    valued = valued.join(said, on=ROW, maintain_order="left")
    mistyped = pl.concat([_mistyped(valued.filter(corrections.said("result"))), corrections.loose(rows, valued, profile)])
    found = pl.concat([readings.misread(rows, parsed), _missing(rows), _misnamed(valued, registers), mistyped])
    found = _with_flaws(found, grounds.flawed, rows)
    completed, unfounded = corrections.completed(written(_sound(valued, found, grounds.programme)), accepted, profile)
    unfounded = pl.concat([unfounded, _tested_too_early(completed, profile)])
    completed = completed.join(unfounded, on=ROW, how="anti", maintain_order="left")
    settled = superseding.settle(completed, accepted, profile)
    tally = kept.Tally()
    tally.deliver(rows[ROW])
    facts = kept.results(pl.concat([settled.rows, settled.following]), grounds.file)
    tally.accept(facts["row"])
    found = pl.concat([found, unfounded, settled.broken])
    return Harmonised(Pieces([facts]), found, tally, settled.following.height)


def _with_flaws(found: pl.DataFrame, flawed: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The rules that rows break, those of their cells as delivered in the place of what follows from them."""
    if flawed.is_empty():
        return found
    flawed = flawed.join(rows, on=ROW, how="semi")
    headers = flawed.filter(pl.col("rule") == "header_again")
    others = found.join(flawed, on=[ROW, "field"], how="anti").join(headers, on=ROW, how="anti")
    return pl.concat([others, flawed])


def _understood(rows: pl.DataFrame, profile: Profile, items: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows with their fields parsed, and with their results typed and dated too."""
    parsed = readings.parsed(rows, profile.date_system)
    return parsed, _with_period(_with_values(parsed, rows, items, profile.date_system), profile)


def _sound(valued: pl.DataFrame, found: pl.DataFrame, programme: str) -> pl.DataFrame:
    """Rows that break no rule by themselves."""
    sound = valued if found.is_empty() else valued.join(found, on=ROW, how="anti", maintain_order="left")
    return sound.with_columns(pl.lit(programme).alias("programme"))


def _with_values(parsed: pl.DataFrame, rows: pl.DataFrame, items: pl.DataFrame, date_system: str) -> pl.DataFrame:
    """The results typed on their item's scale and in its unit, and the stated uncertainty as a standard uncertainty."""
    limit = codes.read(rows["reporting_limit"], readings.number_text("reporting_limit"))
    texts = parsed.rename({"value": "text", "qualifier": "delivered_qualifier"}).with_columns(limit.alias("reporting_limit"))
    joined = texts.hstack(_of_item(rows["item"], items))
    result = joined.hstack(typed(joined))
    u = pl.coalesce("u", pl.col("expanded_u") / pl.col("k").fill_null(_COVERAGE_FACTOR)) * pl.col("factor")
    follows = pl.col("role").is_in(FOLLOWERS)
    day = codes.read(rows["tested_on"], dates.day(pl.col("tested_on"), system=date_system).dt.to_string("%Y-%m-%d"))
    return result.with_columns(
        u.alias("u"),
        pl.when(follows).then("trigger").alias("trigger"),
        pl.when(follows).then(pl.col("retest_blind") == "true").alias("retest_blind"),
        pl.when(follows).then("selection_probability").alias("selection_probability"),
        pl.col("replicate").fill_null(1),
        pl.col("revision").fill_null(0),
        pl.coalesce(pl.col("run").cast(pl.String), day).alias("run"),
    )


def _of_item(item: pl.Series, items: pl.DataFrame) -> pl.DataFrame:
    """What the register says of each row's item, text as codes; null where it does not hold it."""
    of_item = items.select("scale", pl.col("unit").alias("item_unit"), "grades", "lod", "loq")
    of_item = of_item.with_columns(pl.col(name).cast(codes.new()) for name in ("scale", "item_unit", "grades"))
    number = pl.int_range(items.height, dtype=pl.UInt32, eager=True)
    place = codes.read(item, pl.col("item").replace_strict(items["item"], number, default=None, return_dtype=pl.UInt32))
    return of_item.select(pl.all().gather(place))


def _with_period(rows: pl.DataFrame, profile: Profile) -> pl.DataFrame:
    """Round and period as the profile has them; retests get theirs from the original later."""
    if profile.period == "undated":
        nothing = {"round": pl.lit(None, dtype=pl.String), "period": pl.lit(None, dtype=pl.Int64)}
        return rows.with_columns(**nothing)
    if profile.period == "year_drawn":
        year = pl.col("drawn_on").dt.year().cast(pl.Int64)
        return rows.with_columns(year.cast(pl.String).alias("round"), year.alias("period"))
    named = codes.read(rows["round"], pl.col("round").str.extract(r"((?:19|20)[0-9]{2})").cast(pl.Int64))
    return rows.with_columns(pl.coalesce("period", named).alias("period"))


def _missing(rows: pl.DataFrame) -> pl.DataFrame:
    """What every row must say and does not."""
    return pl.concat([broken(rows.filter(pl.col(name).is_null()), name, "missing") for name in _REQUIRED])


def _undated(rows: pl.DataFrame, valued: pl.DataFrame, profile: Profile) -> pl.DataFrame:
    """Originals and comparison results without a year; `rows` as delivered, `valued` as understood."""
    told_by = {"round": "period", "year_drawn": "drawn_on"}.get(profile.period)
    if told_by is None:
        return pl.DataFrame(schema=BROKEN)
    leads = ~valued["role"].is_in(FOLLOWERS).fill_null(False)
    return broken(rows.filter(leads & valued["period"].is_null() & rows[told_by].is_null()), told_by, "missing_period")


def _unreasoned(rows: pl.DataFrame, valued: pl.DataFrame) -> pl.DataFrame:
    """Retests that do not say how they came about."""
    unreasoned = rows.filter((valued["role"] == str(Role.RETEST)) & rows["trigger"].is_null())
    return broken(unreasoned, "trigger", "missing_trigger", pl.lit(words.allowed("trigger")))


def _tested_too_early(rows: pl.DataFrame, profile: Profile) -> pl.DataFrame:
    """Rows tested before their sample was drawn."""
    early = rows.filter(pl.lit(profile.times_comparable) & (pl.col("tested_on") < pl.col("drawn_on")))
    return broken(early, "tested_on", "tested_before_drawn", pl.col("drawn_on"))


def _misnamed(rows: pl.DataFrame, registers: Registers) -> pl.DataFrame:
    """Ids that are none, and laboratories, items and products that no register holds; products only where any are
    registered."""
    unsound = ids.unsound(rows)
    found = [unsound] + [
        broken(ids.sound(_unknown(rows, name, register), unsound, name), name, f"unknown_{name}")
        for name, register in (("lab", registers.labs), ("item", registers.items), ("product", registers.products))
        if name != "product" or not register.is_empty()
    ]
    return pl.concat(found)


def _unknown(rows: pl.DataFrame, name: str, register: pl.DataFrame) -> pl.DataFrame:
    """Rows whose id, where they bear one, is not in the register."""
    strange = ids.distinct(rows, name).join(register, on=name, how="anti")
    return rows.filter(pl.col(name).cast(pl.String).is_in(strange[name].implode())) if strange.height else rows.clear()


def _mistyped(rows: pl.DataFrame) -> pl.DataFrame:
    """Results that typing refused, of registered items."""
    refused = rows.filter(pl.col("scale").is_not_null() & pl.col("rule").is_not_null())
    refused = written(refused.select(ROW, "rule", "item_unit", "grades"))
    field = pl.col("rule").replace_strict(_FIELD_OF_RULE, default="value", return_dtype=pl.String)
    endless = broken(rows.filter(pl.col("u").is_infinite()), "u", "not_a_measure")
    of_unit = pl.when(pl.col("rule").is_in(list(_FIELD_OF_RULE))).then("item_unit")
    of_grade = pl.when(pl.col("rule") == "not_a_grade").then(pl.col("grades").str.replace_all("|", ", ", literal=True))
    of_binary = pl.when(pl.col("rule") == "not_binary").then(pl.lit(words.allowed("binary")))
    expected = pl.coalesce(of_unit, of_grade, of_binary).alias("expected")
    return pl.concat([refused.select(ROW, field.alias("field"), "rule", expected), endless])
