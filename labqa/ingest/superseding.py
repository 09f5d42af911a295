"""Corrections together: what is said of a sample holds for all its results, and what holds between rows holds afterwards."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from labqa.core.revisions import KEY
from labqa.core.vocabulary import Qualifier, Role
from labqa.ingest.corrections import FACTS, before, said, stated
from labqa.ingest.identity import result_ids
from labqa.ingest.profiles import Profile
from labqa.ingest.readers import ROW
from labqa.ingest.samples import FOLLOWERS, OF_SAMPLE, broken, retest_rules, round_in_two_periods

_FOLLOWS = pl.col("role").is_in(FOLLOWERS)
_APPLIES = pl.col("qualifier") != str(Qualifier.NOT_APPLICABLE)


@dataclass(frozen=True)
class Superseding:
    """`rows`: corrected results with their ids; `following`: other results of samples of which the rows say something else,
    as that makes them, each with the `ROW` that says it; `broken`: the rules that other rows break."""

    rows: pl.DataFrame
    following: pl.DataFrame
    broken: pl.DataFrame


def settle(rows: pl.DataFrame, accepted: pl.DataFrame, profile: Profile) -> Superseding:
    """Corrected results that agree with each other and with every result that stays in force; the order does not matter.

    `rows` as `corrections.completed` gives them, `accepted`: the results in force. A refused row leaves its result as it was,
    and what is left is judged again, until all of it holds together.
    """
    found: list[pl.DataFrame] = []
    while True:
        after, others = _afterwards(rows, accepted)
        refused = _refused(after, others, accepted, profile)
        if refused.is_empty():
            break
        found.append(refused)
        rows = rows.join(refused, on=ROW, how="anti", maintain_order="left")
    changed = pl.any_horizontal(pl.col(name).ne_missing(pl.col(before(name))) for name in OF_SAMPLE)
    following = others.filter(changed).with_columns(pl.col("revision") + 1)
    kept = [frame.select(ROW, *FACTS) for frame in (after, following)]
    empty = broken(rows.clear(), "sample", "")
    corrected, followed = (frame.with_columns(result_ids(frame)) for frame in kept)
    return Superseding(corrected, followed, pl.concat([empty, *found]))


def _afterwards(rows: pl.DataFrame, accepted: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The corrected results and the others of their samples, all with what the leading rows say of the samples; of the others,
    `ROW` is the row that says it."""
    leaders = rows.filter(~_FOLLOWS)
    speaking = leaders.filter(pl.any_horizontal(said(name) for name in OF_SAMPLE))
    others = accepted.select(FACTS).join(rows.select("sample").unique(), on="sample", how="semi", maintain_order="left")
    others = others.join(rows.select(KEY), on=KEY, how="anti", nulls_equal=True, maintain_order="left")
    others = others.join(speaking.group_by("sample").agg(pl.col(ROW).min()), on="sample", how="left", maintain_order="left")
    others = others.with_columns(pl.col(name).alias(before(name)) for name in OF_SAMPLE)
    for name in OF_SAMPLE:
        told = leaders.filter(said(name)).sort(ROW).unique("sample", keep="first", maintain_order=True)
        told = told.select("sample", pl.col(stated(name)).alias("\0told"), pl.lit(value=True).alias("\0is told"))
        rows, others = (_told(frame, name, told) for frame in (rows, others))
    return rows, others


def _told(frame: pl.DataFrame, name: str, told: pl.DataFrame) -> pl.DataFrame:
    met = frame.join(told, on="sample", how="left", maintain_order="left")
    return met.with_columns(pl.when("\0is told").then("\0told").otherwise(name).alias(name)).drop("\0told", "\0is told")


def _refused(after: pl.DataFrame, others: pl.DataFrame, accepted: pl.DataFrame, profile: Profile) -> pl.DataFrame:
    """The rules that corrected results break, `others` being results of their samples that are not corrected."""
    contradictions = _contradictions(after.filter(~_FOLLOWS))
    if not contradictions.is_empty():
        return contradictions
    idle = pl.all_horizontal(pl.col(name).eq_missing(pl.col(before(name))) for name in FACTS if name in _MAY_CHANGE)
    misplaced = pl.concat(_of_followers(after))
    silent = after.filter(idle).join(misplaced, on=ROW, how="anti", maintain_order="left")
    found = [broken(silent, "value", "correction_changes_nothing"), misplaced]
    both = pl.concat([after.select(ROW, *FACTS), others.select(ROW, *FACTS)])
    followers = after.filter(_FOLLOWS & _APPLIES).with_columns(pl.lit(None, dtype=pl.String).alias("own_product"))
    found += [retest_rules(followers, both.filter(~_FOLLOWS), profile), *_of_originals(after, both, others, profile)]
    if profile.period == "round":
        found.append(_rounds(after, accepted))
    return pl.concat(found)


_MAY_CHANGE = {*FACTS} - {*KEY, "revision"}


def _contradictions(leaders: pl.DataFrame) -> pl.DataFrame:
    """Rows of a file that say different things of their sample."""
    found = []
    for name in OF_SAMPLE:
        told = leaders.filter(said(name)).select(ROW, "sample", pl.col(stated(name)).cast(pl.String).fill_null("/").alias("is"))
        told = told.with_columns(pl.col("is").unique().sort().str.join(" / ").over("sample").alias("all"))
        found.append(broken(told.filter(pl.col("is").n_unique().over("sample") > 1), name, "sample_contradicts", pl.col("all")))
    return pl.concat(found)


def _of_followers(after: pl.DataFrame) -> list[pl.DataFrame]:
    """Retests and referee tests that say of their sample what its original does not."""
    followers = after.filter(_FOLLOWS)
    return [
        broken(
            followers.filter(pl.col(said(name)) & pl.col(stated(name)).ne_missing(pl.col(name))),
            name,
            "correction_of_retest_sample",
            pl.col(name).cast(pl.String).fill_null("/"),
        )
        for name in OF_SAMPLE
    ]


def _of_originals(after: pl.DataFrame, both: pl.DataFrame, others: pl.DataFrame, profile: Profile) -> list[pl.DataFrame]:
    """Originals that now come after a retest which stays, or hold again though their laboratory made the retest since."""
    key = ["sample", "item"]
    original = pl.col("role") == str(Role.ORIGINAL)
    corrected = after.filter(original & _APPLIES)
    retests = others.filter(_FOLLOWS & _APPLIES)
    found = []
    if profile.times_comparable:
        first = both.filter(original & _APPLIES).group_by(key).agg(pl.col("tested_on").min().alias("first_tested"))
        early = retests.join(first, on=key).filter(pl.col("tested_on") < pl.col("first_tested"))
        early = early.group_by(key).agg(pl.col("tested_on").min().alias("retested"))
        anew = pl.col(before("qualifier")) == str(Qualifier.NOT_APPLICABLE)
        moved = corrected.filter(anew | pl.col("tested_on").ne_missing(pl.col(before("tested_on"))))
        found.append(broken(moved.join(early, on=key), "tested_on", "original_after_retest", pl.col("retested")))
    if not profile.duplicates_within_lab:
        restored = corrected.filter(pl.col(before("qualifier")) == str(Qualifier.NOT_APPLICABLE))
        same = restored.join(retests, on=[*key, "lab"], how="semi")
        found.append(broken(same, "lab", "retest_same_lab"))
    return found


def _rounds(after: pl.DataFrame, accepted: pl.DataFrame) -> pl.DataFrame:
    """Rows that give their sample a round and year which other samples contradict."""
    speaking = after.filter(~_FOLLOWS & (pl.col(said("round")) | pl.col(said("period"))))
    elsewhere = accepted.join(speaking.select("sample").unique(), on="sample", how="anti").select("round", "period").unique()
    found = round_in_two_periods(speaking, elsewhere)
    return found.with_columns(pl.lit("round_corrected_in_part").alias("rule"))
