"""The drawn arrays as frames of the data dictionary, and the truth beside them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import polars as pl

from labqa.core import tables
from labqa.simulate.design import TRIGGERS, TestSet
from labqa.simulate.measurement import Rows, World
from labqa.simulate.randomness import Array, Index, Mask
from labqa.simulate.reporting import Reported

KEY = ("programme", "round", "sample", "item", "lab", "role", "replicate", "revision")


@dataclass(frozen=True)
class Names:
    """The words by which samples, rounds and samplers are delivered, one entry a sample."""

    sample: pl.Series
    round: pl.Series
    sampler: pl.Series


def names(world: World, sampler: Index) -> Names:
    """Numbers samples within their year, names rounds, and gives samplers that are no laboratory a name of their own."""
    samples, card = world.samples, world.card
    years = (samples.year + card.first_year).tolist()
    family = [world.catalogue.families[k] for k in world.catalogue.product_family[samples.product]]
    within = np.arange(len(years)) - np.searchsorted(samples.year[~samples.is_pt], samples.year)
    parts = list(zip(samples.is_pt.tolist(), years, family, samples.batch.tolist(), within.tolist(), strict=True))
    bodies = [f"抽样机构{k % 12 + 1:02d}" for k in within.tolist()]
    codes = world.people.codes
    return Names(
        sample=pl.Series([f"PT{y}-{f}-{b + 1}" if pt else f"S{y}{w + 1:06d}" for pt, y, f, b, w in parts], dtype=pl.String),
        round=pl.Series([f"PT{y}-{f}-{b + 1}" if pt else f"{y}-{b + 1}" for pt, y, f, b, _ in parts], dtype=pl.String),
        sampler=pl.Series(
            [
                None if pt[0] else codes[one] if one >= 0 else body
                for pt, one, body in zip(parts, sampler.tolist(), bodies, strict=True)
            ],
            dtype=pl.String,
        ),
    )


def results(
    world: World, named: Names, tests: TestSet, rows: Rows, said: Reported, role: str, rng: np.random.Generator
) -> pl.DataFrame:
    """Rows of RESULTS for these tests, ids still missing."""
    card, n_tests = world.card, len(tests.sample)
    u = _stated(world, rows, said)
    chance = rng.random(n_tests)
    silent = (rng.random(n_tests) < 0.03)[rows.test]
    blind = np.where(tests.trigger == 0, chance < 0.8, chance < 0.5).astype(np.int8)
    unknown = (rng.random(n_tests) < 0.2) | (tests.trigger < 0)
    lab_codes = pl.Series(world.people.codes, dtype=pl.String)
    frame = pl.DataFrame(
        {
            "sample": named.sample.gather(rows.sample),
            "round": named.round.gather(rows.sample),
            "period": world.samples.year[rows.sample] + card.first_year,
            "product": pl.Series(world.catalogue.product_codes).gather(world.samples.product[rows.sample]),
            "sampler": named.sampler.gather(rows.sample),
            "drawn_on": _dates(card.first_year, world.samples.drawn[rows.sample]),
            "item": pl.Series(world.catalogue.codes).gather(rows.item),
            "lab": lab_codes.gather(rows.lab),
            "trigger": pl.Series(TRIGGERS).gather(np.maximum(tests.trigger[rows.test], 0)),
            "qualifier": said.qualifier,
            "value": said.value,
            "lower": said.lower,
            "upper": said.upper,
            "raw": said.raw,
            "decimals": said.decimals,
            "u": u,
            "tested_on": _dates(card.first_year, tests.day[rows.test]),
            "run": pl.Series([f"B{k:03d}" for k in range(world.runs.shape[1])]).gather(tests.day[rows.test] // card.run_days),
            "reported_verdict": pl.Series(["conforming", "nonconforming"]).gather(said.fails.astype(np.int64)),
            "method": world.catalogue.items["method"].gather(rows.item),
            "retest_blind": blind[rows.test] == 1,
        }
    )
    return frame.with_columns(
        pl.col("value", "lower", "upper", "u").fill_nan(None),
        decimals=pl.when(pl.col("decimals") >= 0).then("decimals"),
        trigger=pl.when(pl.lit(pl.Series(tests.trigger[rows.test] >= 0))).then("trigger"),
        retest_blind=pl.when(pl.lit(pl.Series(~unknown[rows.test]))).then("retest_blind"),
        reported_verdict=pl.when(pl.lit(pl.Series(said.judged & ~silent))).then("reported_verdict"),
        role=pl.lit(role),
        programme=pl.lit(card.programme),
        report=pl.col("lab") + pl.lit("-") + pl.col("sample"),
        replicate=pl.lit(1, dtype=pl.Int64),
        revision=pl.lit(0, dtype=pl.Int64),
        file=pl.lit(""),
        row=pl.lit(0, dtype=pl.Int64),
    )


def _stated(world: World, rows: Rows, said: Reported) -> Array:
    """Stated standard uncertainty u = U / 2, with U rounded to three digits; NaN where none is stated."""
    numeric = world.catalogue.of_scale("ratio", "interval", "count")[rows.item] & ~np.isnan(said.value)
    expanded = np.where(numeric, 2.0 * world.people.u_factor[rows.lab] * rows.sigma, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        power = 10.0 ** np.maximum(2.0 - np.floor(np.log10(expanded)), 0.0)
    return np.asarray(np.rint(expanded * power) / power / 2.0)


def _dates(first_year: int, days: Index) -> pl.Series:
    start = np.datetime64(f"{first_year}-01-01")
    return pl.Series(start + days.astype("timedelta64[D]")).cast(pl.Date)


def identified(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame in dictionary order with the id of every result: the digest of its key, as provenance defines it."""
    parts = [pl.col(name).cast(pl.String).fill_null("") for name in KEY]
    joined = pl.concat_str([piece for part in parts for piece in (part.str.len_chars().cast(pl.String), pl.lit(":"), part)])
    keys = frame.select(joined.alias("key"))["key"].to_list()
    ids = pl.Series("result", [hashlib.sha256(key.encode()).hexdigest()[:20] for key in keys], dtype=pl.String)
    return tables.shaped(frame.with_columns(ids), tables.Results)


def assigned(world: World, named: Names, has_value: Mask, rng: np.random.Generator) -> pl.DataFrame:
    """Rows with the assigned values of comparison samples (numeric items, no laboratory): the truth with its uncertainty."""
    card, catalogue = world.card, world.catalogue
    sample, slot = np.nonzero(world.samples.slots & has_value[:, None])
    item = catalogue.slots[world.family(sample), slot]
    numeric = catalogue.of_scale("ratio", "interval")[item]
    sample, slot, item = sample[numeric], slot[numeric], item[numeric]
    level = world.level[sample, slot]
    u = card.rounds.assigned_u * world.sigma(item, level)
    decimals = catalogue.decimals[item] + 1
    drawn = level + u * rng.standard_normal(len(level))
    raw = ["%.*f" % pair for pair in zip(decimals.tolist(), drawn.tolist(), strict=True)]  # noqa: UP031
    frame = pl.DataFrame(
        {
            "sample": named.sample.gather(sample),
            "round": named.round.gather(sample),
            "period": world.samples.year[sample] + card.first_year,
            "product": pl.Series(catalogue.product_codes).gather(world.samples.product[sample]),
            "drawn_on": _dates(card.first_year, world.samples.drawn[sample]),
            "item": pl.Series(catalogue.codes).gather(item),
            "raw": pl.Series(raw, dtype=pl.String),
            "decimals": decimals,
            "u": [float(f"{2 * one:.3g}") / 2 for one in u.tolist()],
        }
    )
    return tables.shaped(
        frame.with_columns(
            **dict.fromkeys(("value", "lower", "upper"), pl.col("raw").cast(pl.Float64)),
            qualifier=pl.lit("quantified"),
            role=pl.lit("assigned"),
            programme=pl.lit(card.programme),
            replicate=pl.lit(1),
            revision=pl.lit(0),
            file=pl.lit(""),
            row=pl.lit(0),
        ),
        tables.Results,
    )


def truth_labs(world: World) -> pl.DataFrame:
    """Truth of each laboratory: kind, planted fault and its size, mean bias in σR, precision ratio, place and owner."""
    people = world.people
    kinds = np.where(people.planted, "planted", np.where(people.blameless, "blameless", "ordinary"))
    return pl.DataFrame(
        {
            "lab": people.codes,
            "kind": kinds.tolist(),
            "planted_as": [fault or None for fault in people.fault],
            "size": [float(size) if fault else None for size, fault in zip(people.size, people.fault, strict=True)],
            "mean_bias": people.mean_bias,
            "precision_ratio": people.ratio,
            "region": [world.card.labs.regions[k] for k in people.region],
            "owner": pl.Series([owner_name(k) for k in people.owner.tolist()], dtype=pl.String),
            "new": people.new,
            "small": people.small,
        }
    )


def truth_items(world: World, tested: pl.DataFrame) -> pl.DataFrame:
    """True bias m + g in σR of each laboratory and item that it reported."""
    people, catalogue = world.people, world.catalogue
    pairs = tested.filter(pl.col("lab").is_not_null()).select("lab", "item").unique().sort("lab", "item")
    lab = pairs["lab"].replace_strict(people.codes, np.arange(len(people.codes)), return_dtype=pl.Int64).to_numpy()
    item = pairs["item"].replace_strict(catalogue.codes, np.arange(len(catalogue.codes)), return_dtype=pl.Int64).to_numpy()
    return pairs.with_columns(bias=pl.Series(people.bias[lab, item]))


def owner_name(owner: int) -> str | None:
    """Name of a group that owns laboratories; null for none."""
    return f"检测集团{chr(ord('A') + owner)}" if owner >= 0 else None
