"""What holds between rows: a sample has one round and product, a retest has an original, a key is delivered once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from labqa.core.codes import written
from labqa.core.revisions import KEY, in_force
from labqa.core.vocabulary import Qualifier, Role
from labqa.ingest.identity import result_ids
from labqa.ingest.profiles import Profile
from labqa.ingest.readers import ROW

FOLLOWERS = [str(Role.RETEST), str(Role.REFEREE)]
"""Roles that take up a sample which an original brought: they inherit what is known of it."""
OF_SAMPLE = ("round", "period", "product", "sampler", "drawn_on")
BROKEN = {ROW: pl.Int64, "field": pl.String, "rule": pl.String, "expected": pl.String}
"""A broken rule: row, field that breaks it, rule, and what was expected there."""


@dataclass(frozen=True)
class Settled:
    """Rows that hold together, with their ids, and the rules that the others break."""

    rows: pl.DataFrame
    broken: pl.DataFrame


@dataclass(frozen=True)
class Known:
    """Results accepted so far, of which a delivery may speak again: `results` with all revisions, and of those in force
    `holding` and the years of their rounds."""

    results: pl.DataFrame
    holding: pl.DataFrame
    rounds: pl.DataFrame


def known_of(results: pl.DataFrame, samples: pl.Series) -> Known:
    """What the results so far say of rounds, and of these samples."""
    seen = results.select(*_SEEN, "row")
    holding = in_force(seen)
    rounds = holding.select("round", "period").unique()
    named = samples.alias("sample").to_frame()
    seen, holding = (frame.join(named, on="sample", how="semi") for frame in (seen, holding))
    return Known(seen, holding, rounds)


def settle(rows: pl.DataFrame, known: Known, years: pl.DataFrame, profile: Profile) -> Settled:
    """Rows that agree with each other and with what is known; the order of the rows does not matter, and rows of a sample stand
    together with all others of it. `years` of rounds as `years_of` gives them.

    What is known of a sample or an original is what its results in force say.
    """
    holding = _of_samples_in(rows, known.holding)
    follows = pl.col("role").is_in(FOLLOWERS)
    bare = rows.select(_SETTLED).with_row_index(_PLACE)  # so that what takes no part is not copied at each step
    leaders, followers = bare.filter(~follows), bare.filter(follows)
    of_round = _in_other_years(leaders, years) if profile.period == "round" else _none()
    leaders = without(leaders, of_round)
    of_sample = _sample_contradicts(leaders, holding.filter(~follows))
    leaders = _identified(without(leaders, of_sample))
    of_key = _delivered_twice(leaders)
    leaders = without(leaders, of_key)
    followed = followers.select("sample").unique()
    seen = (leaders.select(_SEEN), holding.filter(~follows).select(_SEEN))
    brought = in_force(pl.concat(frame.join(followed, on="sample", how="semi", maintain_order="left") for frame in seen))
    followers = _identified(_inherited(followers, brought))
    of_retest = retest_rules(followers, brought, profile)
    followers = without(followers, of_retest).select(leaders.columns)
    of_retest_key = _delivered_twice(followers)
    settled = pl.concat(frame.select(_TOLD) for frame in (leaders, without(followers, of_retest_key))).sort(_PLACE)
    whole = rows if settled.height == rows.height else rows[settled[_PLACE]]
    whole = whole.with_columns(settled.drop(_PLACE))
    return Settled(whole, pl.concat([of_round, of_sample, of_key, of_retest, of_retest_key]))


_SEEN = [*KEY, "revision", "tested_on", "qualifier", *OF_SAMPLE]
_SETTLED = [ROW, *_SEEN]
_PLACE = "\0place"
_TOLD = [_PLACE, "result", *OF_SAMPLE]


def _of_samples_in(rows: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """What is known of the samples of the rows, coded like them."""
    if known.is_empty():
        return coded_alike(known, rows)
    return coded_alike(known.join(written(rows.select("sample").unique()), on="sample", how="semi"), rows)


def coded_alike(known: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """What is known, its text as the same codes as that of the rows."""
    return known.cast({name: dtype for name, dtype in rows.schema.items() if name in known.columns and name != ROW})


def broken(rows: pl.DataFrame, field: str, rule: str, expected: pl.Expr | None = None) -> pl.DataFrame:
    """Each of the rows breaks this rule in this field."""
    said = pl.lit(None, dtype=pl.String) if expected is None else expected.cast(pl.String)
    return rows.select(ROW, pl.lit(field).alias("field"), pl.lit(rule).alias("rule"), said.alias("expected"))


def _none() -> pl.DataFrame:
    return pl.DataFrame(schema=BROKEN)


def without(rows: pl.DataFrame, refused: pl.DataFrame) -> pl.DataFrame:
    """The rows that none of the refusals names."""
    return rows if refused.is_empty() else rows.join(refused, on=ROW, how="anti", maintain_order="left")


def _identified(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(result_ids(rows))


def round_in_two_periods(leaders: pl.DataFrame, rounds: pl.DataFrame) -> pl.DataFrame:
    """Rows in another year than their round, of which `rounds` are the years known so far."""
    return _in_other_years(leaders, years_of([stated_years(leaders)], rounds))


def stated_years(rows: pl.DataFrame) -> pl.DataFrame:
    """How many leading rows state which year of their round."""
    return rows.filter(~pl.col("role").is_in(FOLLOWERS)).group_by("round", "period").len()


def years_of(stated: Iterable[pl.DataFrame], rounds: pl.DataFrame) -> pl.DataFrame:
    """The `year` of each round: the one that is known of it, else the one that most of its rows state (of two as frequent, the
    earlier)."""
    counted = pl.concat(stated).group_by("round", "period").agg(pl.col("len").sum())
    counted = counted.sort("round", "len", "period", descending=[False, True, False])
    most = counted.unique("round", keep="first", maintain_order=True).select("round", pl.col("period").alias("stated"))
    before = rounds.group_by("round").agg(pl.col("period").min().alias("before"))
    return most.join(before, on="round", how="left").select("round", pl.coalesce("before", "stated").alias("year"))


def _in_other_years(leaders: pl.DataFrame, years: pl.DataFrame) -> pl.DataFrame:
    told = leaders.select("round", "period").unique().join(years, on="round", how="left")
    told = told.filter(pl.col("period") != pl.col("year"))
    wrong = (leaders if told.height else leaders.clear()).join(told, on=["round", "period"])
    return broken(wrong, "period", "round_in_two_periods", pl.col("year"))


def _sample_contradicts(leaders: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Rows that contradict what is known of their sample, or, where nothing is known, what other rows of the file say."""
    found = [_none()]
    told = leaders.select("sample", *OF_SAMPLE)
    described = told.filter(pl.any_horizontal(pl.all().ne_missing(pl.all().shift()))).unique()  # they mostly lie side by side
    if known.is_empty() and described["sample"].n_unique() == described.height:
        return _none()
    before = known.group_by("sample").agg(pl.col(name).max() for name in OF_SAMPLE)
    for name in OF_SAMPLE:
        range_of = described.group_by("sample").agg(pl.col(name).min().alias("low"), pl.col(name).max().alias("high"))
        told = range_of.join(before.select("sample", pl.col(name).alias("before")), on="sample", how="left")
        wrong = pl.col("low") != pl.col("high")
        wrong = wrong | (pl.col("before") != pl.col("low")) | (pl.col("before") != pl.col("high"))
        suspects = leaders.select(ROW, "sample", name).join(told.filter(wrong), on="sample").filter(pl.col(name).is_not_null())
        refused = suspects.filter(pl.col("before").is_null() | (pl.col(name) != pl.col("before")))
        both = pl.col("low").cast(pl.String) + " / " + pl.col("high").cast(pl.String)
        found.append(broken(refused, name, "sample_contradicts", pl.coalesce(pl.col("before").cast(pl.String), both)))
    return pl.concat(found)


def _inherited(followers: pl.DataFrame, brought: pl.DataFrame) -> pl.DataFrame:
    """Retests and referee tests with what the original brought; their own product is kept beside it for the check."""
    described = brought.group_by("sample").agg(pl.col(name).max() for name in OF_SAMPLE)
    kept = followers.with_columns(pl.col("product").alias("own_product")).drop(OF_SAMPLE)
    return kept.join(described, on="sample", how="left", maintain_order="left")


def retest_rules(followers: pl.DataFrame, brought: pl.DataFrame, profile: Profile) -> pl.DataFrame:
    """Retests without an original, before it, by its laboratory, or of another product; an original that does not apply, as one
    that was taken back, is there but has neither day nor laboratory."""
    key = ["sample", "item"]
    applies = pl.col("qualifier") != str(Qualifier.NOT_APPLICABLE)
    originals = brought.filter(pl.col("role") == str(Role.ORIGINAL))
    first = originals.group_by(key).agg(pl.col("tested_on").filter(applies).min().alias("first_tested"))
    orphans = followers.join(first, on=key, how="anti")
    met = followers.join(first, on=key)
    found = [broken(orphans, "sample", "retest_without_original")]
    found.append(
        broken(met.filter(pl.col("own_product") != pl.col("product")), "product", "retest_other_product", pl.col("product"))
    )
    if profile.times_comparable:
        early = met.filter(pl.col("tested_on") < pl.col("first_tested"))
        found.append(broken(early, "tested_on", "retest_before_original", pl.col("first_tested")))
    if not profile.duplicates_within_lab:
        same = met.join(originals.filter(applies).select(*key, "lab").unique(), on=[*key, "lab"], how="semi")
        found.append(broken(same, "lab", "retest_same_lab"))
    return pl.concat(found)


def accepted_before(rows: pl.DataFrame, known: Known) -> pl.DataFrame:
    """Rows whose key was accepted before, in this revision or an earlier one: only a correction supersedes, with a reason.

    An earlier revision that comes late supersedes nothing.
    """
    results = _of_samples_in(rows, known.results)
    if results.is_empty():
        return _none()
    key = [*KEY, "revision"]  # without the round, which a correction may have changed since
    same = rows.join(results.select(*key, pl.col("row").alias("known_row")), on=key, nulls_equal=True)
    last = results.group_by(KEY).agg(pl.col("revision").max().alias("last"))
    later = rows.join(last, on=KEY, nulls_equal=True).filter(pl.col("revision") > pl.col("last"))
    return pl.concat(
        [
            broken(same, "sample", "already_delivered", pl.col("known_row")),
            broken(later, "revision", "revision_without_reason", pl.col("last")),
        ]
    )


def _delivered_twice(rows: pl.DataFrame) -> pl.DataFrame:
    """All rows of a key that the file holds more than once, since none is preferred."""
    if rows["result"].hash().n_unique() == rows.height:  # far less than to find which are not
        return _none()
    twice = rows.filter(pl.col("result").is_duplicated()).sort(ROW)
    twice = twice.with_columns(pl.col(ROW).cast(pl.String).str.join(", ").over("result").alias("rows"))
    return broken(twice, "sample", "duplicate_key", pl.col("rows"))
