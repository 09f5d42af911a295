"""Corrections row by row: what a row says of an accepted result, and that result as it becomes. Nothing accepted changes."""

from __future__ import annotations

import polars as pl

from labqa.core import codes, tables
from labqa.core.revisions import KEY
from labqa.core.vocabulary import Qualifier, Verdict
from labqa.ingest import words
from labqa.ingest.profiles import Profile
from labqa.ingest.readers import ROW
from labqa.ingest.samples import FOLLOWERS, OF_SAMPLE, broken

FACTS = [name for name in tables.Results.column_names() if name not in {"result", "file", "row"}]
"""What is delivered of a result, as columns of `Results`."""
_CLEARED = (
    *("product", "sampler", "drawn_on", "run", "tested_on", "method", "report"),
    *("retest_blind", "selection_probability", "u", "expanded_u"),
)
"""Fields in which “/” says that there is nothing; a verdict has its own word for that."""
_MEASURED = ("qualifier", "value", "rest", "lower", "upper")
_RESULT = (*_MEASURED, "decimals", "raw")
"""What a result is: stated as a whole or not at all."""
_OF_RESULT = ("trigger", "u", "tested_on", "reported_verdict", "method", "report", "retest_blind", "selection_probability")
_NEEDS_RESULT = ("unit", "reporting_limit", "k")
"""Fields that say something of a result only beside it."""


def before(name: str) -> str:
    """Column of what the accepted result says."""
    return f"\0before {name}"


def said(name: str) -> str:
    """Column that tells whether the row says something in a field."""
    return f"\0said {name}"


def stated(name: str) -> str:
    """Column of what the row says of its sample."""
    return f"\0stated {name}"


def without_marks(rows: pl.DataFrame) -> pl.DataFrame:
    """Delivered text without the marks “/” that say that there is nothing."""
    marked = {name: codes.read(rows[name], _is_mark(name)) for name in _CLEARED}
    return rows.with_columns(pl.when(~marks).then(name).alias(name) for name, marks in marked.items())


def what_is_said(rows: pl.DataFrame) -> pl.DataFrame:
    """Of delivered text, which fields each row fills, marks included: `ROW` and a column `said(field)` each."""
    fields = ("revision", "run", *_OF_RESULT, *OF_SAMPLE)
    of_result = pl.any_horizontal(pl.col(name).is_not_null() for name in ("value", "qualifier"))
    of_u = pl.col("u").is_not_null() | pl.col("expanded_u").is_not_null()
    flags = {name: pl.col(name).is_not_null() for name in fields} | {"result": of_result, "u": of_u}
    return rows.select(ROW, *(flag.alias(said(name)) for name, flag in flags.items()))


def loose(rows: pl.DataFrame, valued: pl.DataFrame, profile: Profile) -> pl.DataFrame:
    """Units, limits and factors without the result or the uncertainty that they belong to, and uncertainties without a unit;
    `rows` as delivered, `valued` as understood."""
    bare = pl.all_horizontal(pl.col(name).is_null() for name in ("value", "qualifier"))
    lone = rows.filter(bare & pl.col("u").is_null() & pl.col("expanded_u").is_null())
    found = [
        broken(lone.filter(pl.col(name).is_not_null()), name, "correction_needs_result")
        for name in _NEEDS_RESULT
        if name not in profile.declared
    ]
    unitless = valued.filter(rows.select(bare).to_series() & pl.col("scale").is_not_null() & pl.col("factor").is_null())
    unitless = unitless.join(rows.filter(pl.col("u").is_not_null() | pl.col("expanded_u").is_not_null()), on=ROW, how="semi")
    for absent, rule in ((True, "missing_unit"), (False, "unknown_unit")):
        found.append(broken(unitless.filter(pl.col("unit").is_null() == absent), "unit", rule, pl.col("item_unit")))
    return pl.concat(found)


def completed(rows: pl.DataFrame, accepted: pl.DataFrame, profile: Profile) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The accepted results as the rows make them, and the rules that rows break.

    `rows`: typed, with `what_is_said`; what they do not say stays as it was accepted. Of their samples the completed rows say
    what was accepted, with what the row says beside it (`stated`), since that is settled between rows.
    """
    known = accepted.select(*KEY, *(pl.col(name).alias(before(name)) for name in FACTS if name not in KEY))
    met = rows.join(known, on=KEY, how="left", nulls_equal=True, maintain_order="left")
    unmet = pl.col(before("revision")).is_null()
    twice = met.filter(~unmet & pl.struct(KEY).is_duplicated())
    alike = pl.col(ROW).cast(pl.String).str.join(", ").over(KEY)
    found = [broken(met.filter(unmet), "sample", "correction_without_result", pl.col("programme"))]
    found.append(broken(twice.sort(ROW).with_columns(alike.alias("rows")), "sample", "duplicate_key", pl.col("rows")))
    met = met.filter(~unmet & ~pl.struct(KEY).is_duplicated())
    taken = met.filter(pl.col(said("revision")) & (pl.col("revision") <= pl.col(before("revision"))))
    found += [broken(taken, "revision", "revision_taken", pl.col(before("revision"))), *_left_open(met)]
    met = _with_sample_said(met, profile).with_columns(
        *(_kept(name, "result") for name in _RESULT),
        *(_kept(name, name) for name in _OF_RESULT if name not in {"u", "reported_verdict"}),
        *(pl.when(_withdrawn() & ~pl.col(said(name))).then(None).otherwise(_kept(name, name)).alias(name) for name in _JUDGED),
        *(pl.col(before(name)).alias(name) for name in OF_SAMPLE),
        pl.when(said("revision")).then("revision").otherwise(pl.col(before("revision")) + 1).alias("revision"),
        *(pl.col(name).alias(stated(name)) for name in OF_SAMPLE),
    )
    met = met.with_columns(_run())
    extra = [name for name in met.columns if name.startswith("\0") and name != ROW]
    return met.select(ROW, *FACTS, *extra), pl.concat(found)


_JUDGED = ("u", "reported_verdict")
"""What is said of a value, and not of another."""


def _is_mark(name: str) -> pl.Expr:
    return (words.plain_column(pl.col(name)) == "/").fill_null(value=False)


def _kept(name: str, field: str) -> pl.Expr:
    return pl.when(said(field)).then(name).otherwise(before(name)).alias(name)


def _changed() -> pl.Expr:
    """Whether the row states another result than was accepted, be it written as it may."""
    return pl.col(said("result")) & pl.any_horizontal(pl.col(name).ne_missing(pl.col(before(name))) for name in _MEASURED)


def _withdrawn() -> pl.Expr:
    return pl.col(said("result")) & (pl.col("qualifier") == str(Qualifier.NOT_APPLICABLE))


def _left_open(met: pl.DataFrame) -> list[pl.DataFrame]:
    """Rows that change a result and leave open whether what was said of the old one holds of the new."""
    changed = met.filter(_changed() & ~_withdrawn())
    verdicts = {word: " / ".join(forms[:2]) for word, forms in words.lists()["verdict"].items()}
    shown = {
        "u": pl.col(before("u")).cast(pl.String),
        "reported_verdict": pl.col(before("reported_verdict")).replace(verdicts),
    }
    there = pl.col(before("u")).is_not_null()
    judged = pl.col(before("reported_verdict")).is_not_null()
    judged &= pl.col(before("reported_verdict")) != str(Verdict.NOT_ASSESSED)
    return [
        broken(changed.filter(old & ~pl.col(said(name))), name, "correction_leaves_open", shown[name])
        for name, old in (("u", there), ("reported_verdict", judged))
    ]


def _with_sample_said(met: pl.DataFrame, profile: Profile) -> pl.DataFrame:
    """Whether rows say something of round and period, which the profile may take from the round's name or the day of sampling.

    A round named as it was accepted says nothing of its year.
    """
    leads = ~pl.col("role").is_in(FOLLOWERS)
    if profile.period == "undated":
        return met.with_columns(pl.lit(value=False).alias(said(name)) for name in ("round", "period"))
    if profile.period == "year_drawn":
        dated = pl.col(said("drawn_on")) & pl.col("drawn_on").is_not_null() & leads
        return met.with_columns(dated.alias(said(name)) for name in ("round", "period"))
    renamed = pl.col(said("round")) & pl.col("round").ne_missing(pl.col(before("round"))) & leads
    return met.with_columns((pl.col(said("period")) | (renamed & pl.col("period").is_not_null())).alias(said("period")))


def _run() -> pl.Expr:
    """The batch that is said, else the accepted one; one that was the day of test goes with it."""
    day, day_before = (pl.col(name).dt.to_string("%Y-%m-%d") for name in ("tested_on", before("tested_on")))
    by_day = pl.col(before("run")).eq_missing(day_before)
    return pl.when(said("run")).then(pl.coalesce("run", day)).when(by_day).then(day).otherwise(before("run")).alias("run")
