"""Patterns of numbers that chance would hardly make: copies, repetitions, heaping at limits, uneven digits, narrow replicates.

Each screen judges every laboratory that has enough results, and is shared among them by Holm's method: at most its level of
false flags is expected in the whole programme. Honest work makes all of these patterns too; the sentence says what was seen.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from labqa.analysis.flagging import Flag, chance, flag
from labqa.analysis.pairing import offsets_of_runs, replicates
from labqa.analysis.scale import SIGMA_COLUMNS, sigma_between, sigma_within
from labqa.core.revisions import in_force
from labqa.core.vocabulary import NUMERIC_SCALES, PairKind, Qualifier, Role, Scale
from labqa.stats.counting import chance_of_count_unequal
from labqa.stats.multiplicity import adjusted
from labqa.stats.screens import copies, digits
from labqa.stats.screens.heaping import bins_beyond, heaping
from labqa.stats.screens.replicates import spread_too_small

COPIED_ITEMS = 5
"""Items that a copied vector must have."""
COPIED_BY_CHANCE = 0.01
"""Copied vectors expected by chance in the programme, at most, if each laboratory has as many as the one judged."""
IDENTICAL_PAIRS = 10
"""Retest results needed before their repetition of the original is judged."""
IDENTICAL_P = 0.001
"""False flags for repetition in the whole programme."""
LEVEL = 0.05
"""False flags in the whole programme, for each of the other screens."""
FEWEST_DIGITS = 30
"""Last digits needed before they are judged."""
PRECISE = 1 / 3
"""Share of σr below which replicates are narrow: no honest laboratory is three times as precise as its method."""
_NUMERIC = pl.col("scale").is_in([str(scale) for scale in NUMERIC_SCALES])
_JUDGING = [str(Role.ORIGINAL), str(Role.RETEST), str(Role.REFEREE)]
_SIDES = ("upper", "lower")


def copied_vectors(tests: pl.DataFrame, items: pl.DataFrame) -> list[Flag]:
    """The same values on 5 or more items in two samples of one laboratory: so many as chance gives no programme.

    Vectors of one value only (all below a step, all 0) are left out. A sample that the laboratory tested twice counts once.
    """
    rows = (
        tests.filter((pl.col("qualifier") == Qualifier.QUANTIFIED) & pl.col("lab").is_not_null())
        .filter(pl.col("role") != Role.ASSIGNED)
        .select("lab", "sample", "item", "role_rank", "part", "value", "result")
        .join(items.filter(_NUMERIC).select("item"), on="item", how="semi", maintain_order="left")
        .sort("lab", "sample", "role_rank", "item", "part")
        .filter(pl.col("role_rank") == pl.col("role_rank").min().over("lab", "sample"))
        .unique(["lab", "sample", "item"], keep="first", maintain_order=True)
        .with_columns(number=pl.col("item").rank("dense").cast(pl.Int64) - 1)
    )
    if rows.is_empty():
        return []
    tie = copies.tie_probability(rows["number"].to_numpy(), rows["value"].to_numpy(), n_items=rows["item"].n_unique())
    rows = rows.filter(pl.col("value").n_unique().over("lab", "sample") > 1)
    starts = offsets_of_runs(rows, ["lab", "sample"])
    vectors = rows[starts[:-1]].select("lab", "sample", "result").with_columns(n=pl.Series(np.diff(starts)))
    found = copies.copied_vectors(
        rows["number"].to_numpy(),
        rows["value"].to_numpy(),
        starts,
        groups=vectors["lab"].rank("dense").to_numpy().astype(np.int64),
        tie_probability=tie,
        fewest=COPIED_ITEMS,
    )
    judged = vectors.filter(pl.col("n") >= COPIED_ITEMS)["lab"].n_unique()
    by = (
        vectors.with_columns(first=found.first, equal=found.equal, expected=found.expected)
        .filter((pl.col("equal") > 1) & (pl.col("expected") * judged <= COPIED_BY_CHANCE))
        .group_by("lab", "first", maintain_order=True)
        .agg("sample", "result", pl.col("n", "expected").first())
    )
    return [
        flag(
            "copied_vector",
            row["lab"],
            None,
            row["result"],
            {"lab": row["lab"], "samples": ", ".join(row["sample"][:8]), "n": len(row["sample"]), "items": row["n"]},
        )
        for row in by.iter_rows(named=True)
    ]


def repeats_original(scored: pl.DataFrame) -> list[Flag]:
    """A laboratory whose retests repeat the original's value far more often than the other laboratories' retests do.

    The chance of a repetition is, per item, the share among the retests of the *other* laboratories (with half a
    repetition added). Between laboratories only.
    """
    rows = scored.filter(
        (pl.col("kind") == PairKind.BETWEEN)
        & (pl.col("original_qualifier") == Qualifier.QUANTIFIED)
        & (pl.col("retest_qualifier") == Qualifier.QUANTIFIED)
        & _NUMERIC
    ).select("item", "pair", lab="retest_lab", hit=pl.col("delta") == 0.0)
    rows = rows.filter(pl.len().over("lab") >= IDENTICAL_PAIRS)
    by = _more_than_others(rows, ["item"], "pair")
    told = by.with_columns(p=adjusted(by["p"].to_numpy(), method="holm")).filter(pl.col("p") <= IDENTICAL_P)
    return [
        flag(
            "identical_to_original",
            row["lab"],
            None,
            row["pair"],
            {"lab": row["lab"], "seen": row["seen"], "n": row["n"], "expected": f"{row['expected']:.1f}"},
        )
        for row in told.iter_rows(named=True)
    ]


def heaping_at_limits(tests: pl.DataFrame, items: pl.DataFrame, yardsticks: pl.DataFrame) -> list[Flag]:
    """A laboratory whose results step down at the limits, and lie just inside them more often than the other laboratories'.

    Both must hold (the larger p counts): producers who steer to a limit make a step for all laboratories, and items differ in
    how their results lie. Results of all items are pooled, in bins of like share of σR. A laboratory without any result
    beyond its limits shows no step (a steep density would look alike) and is not found.
    """
    numeric = tests.filter((pl.col("qualifier") == Qualifier.QUANTIFIED) & pl.col("role").is_in(_JUDGING))
    rows = numeric.select("lab", "item", "result", "value", "decimals").drop_nulls("lab")
    rows = rows.with_columns(step=_step(pl.col("decimals").quantile(0.5, "lower").over("lab", "item")))
    known = _known(items, yardsticks)
    near = pl.concat([_beyond(rows, known, side) for side in _SIDES]).filter(pl.col("beyond").abs() <= 2.0)
    near = near.sort("lab", "item", "side", "result")
    starts = offsets_of_runs(near, ["lab"])
    step = heaping(near["beyond"].to_numpy(), starts, limit=0.0, step=1.0)
    labs = near[starts[:-1]].select("lab").with_columns(step_p=step.p, attainable=step.attainable)
    beside = near.filter(pl.col("beyond").is_between(-1.0, 1.0, closed="right")).with_columns(hit=pl.col("beyond") <= 0.0)
    by = labs.join(_more_than_others(beside, ["item", "side"], "result"), on="lab", how="inner", maintain_order="left")
    by = by.filter(pl.col("attainable") <= LEVEL).with_columns(p=pl.max_horizontal("p", "step_p"))
    told = by.with_columns(p=adjusted(by["p"].to_numpy(), method="holm")).filter(pl.col("p") <= LEVEL)
    return [
        flag(
            "heaping",
            row["lab"],
            None,
            row["result"],
            {"lab": row["lab"], "n": row["n"], "seen": row["seen"]}
            | {"expected": f"{row['expected']:.1f}", "p": chance(row["p"])},
        )
        for row in told.iter_rows(named=True)
    ]


def uneven_digits(results: pl.DataFrame, items: pl.DataFrame, yardsticks: pl.DataFrame) -> list[Flag]:
    """A laboratory whose last digits are uneven where they lie two places beyond the repeatability of the method.

    A last digit 0 is left out: software drops it, and results with fewer digits would add it.
    """
    quantified, named = pl.col("qualifier") == Qualifier.QUANTIFIED, pl.col("lab").is_not_null()
    measured = in_force(results).filter(quantified & named & (pl.col("role") != Role.ASSIGNED))
    rows = _with_yardstick(measured.select("lab", "item", "result", "value", "decimals"), items, yardsticks)
    rows = rows.with_columns(step=_step(pl.col("decimals")), sigma=sigma_within(pl.col("value")))
    fine = digits.beyond_repeatability(*(rows[name].fill_null(float("nan")).to_numpy() for name in ("step", "sigma")))
    rows = rows.select("lab", "result", "value", "step").filter(pl.Series(fine, dtype=pl.Boolean))
    last = digits.terminal_digits(rows["value"].to_numpy(), step=rows["step"].to_numpy())
    rows = rows.with_columns(digit=pl.Series(last)).filter(pl.col("digit") > 0)
    rows = rows.filter(pl.len().over("lab") >= FEWEST_DIGITS).sort("lab", "result")
    starts = offsets_of_runs(rows, ["lab"])
    counts = digits.digit_counts(rows["digit"].to_numpy() - 1, starts, classes=9)
    p = adjusted(digits.uniformity(counts).p, method="holm")
    found: list[Flag] = []
    for at in np.flatnonzero(p <= LEVEL):
        mine = rows[int(starts[at]) : int(starts[at + 1])]
        most = int(counts[at].argmax()) + 1
        values = {"lab": mine["lab"][0], "n": mine.height, "digit": most, "seen": int(counts[at].max())}
        values |= {"expected": f"{mine.height / 9:.1f}", "p": chance(float(p[at]))}
        found.append(flag("digits", mine["lab"][0], None, mine.filter(pl.col("digit") == most)["result"].to_list(), values))
    return found


def narrow_replicates(results: pl.DataFrame, items: pl.DataFrame, yardsticks: pl.DataFrame) -> list[Flag]:
    """A laboratory whose replicates scatter less than a third of what the repeatability of their methods allows."""
    key = ["lab", "sample", "item", "role"]
    rows = _with_yardstick(replicates(results), items, yardsticks)
    rows = rows.with_columns(sigma=PRECISE * sigma_within(pl.col("value").mean().over(key)))
    rows = rows.with_columns(step=_step(pl.col("decimals").min().over(key))).drop_nulls(["sigma", "step"])
    rows = rows.sort(*key, "replicate")
    sets = offsets_of_runs(rows, key)
    first = rows[sets[:-1]]
    groups = offsets_of_runs(first, ["lab"])
    spread = spread_too_small(
        rows["value"].to_numpy(), sets, groups, sigma=first["sigma"].to_numpy(), step=first["step"].to_numpy()
    )
    p = adjusted(spread.p, method="holm")
    found: list[Flag] = []
    for at in np.flatnonzero(p <= LEVEL):
        begin, end = int(groups[at]), int(groups[at + 1])
        lab, evidence = first["lab"][begin], first["result"][begin:end].to_list()
        values = {"lab": lab, "n": end - begin, "p": chance(float(p[at]))}
        found.append(flag("narrow_replicates", lab, None, evidence, values))
    return found


def _with_yardstick(rows: pl.DataFrame, items: pl.DataFrame, yardsticks: pl.DataFrame) -> pl.DataFrame:
    """Results of numeric items with the constants of the item's yardstick."""
    known = _known(items, yardsticks).select("item", *SIGMA_COLUMNS)
    return rows.join(known, on="item", how="inner", maintain_order="left")


def _known(items: pl.DataFrame, yardsticks: pl.DataFrame) -> pl.DataFrame:
    """Numeric items with their limits and the constants of their yardsticks."""
    limits = [f"{side}_{what}" for side in _SIDES for what in ("limit", "inclusive")]
    known = items.filter(_NUMERIC).select("item", "scale", "loq", *limits)
    return known.join(yardsticks.select("item", *SIGMA_COLUMNS), on="item", how="left")


def _step(decimals: pl.Expr) -> pl.Expr:
    """Step of reporting: one unit of the last digit."""
    return pl.lit(10.0).pow(-decimals.cast(pl.Float64))


def _beyond(rows: pl.DataFrame, known: pl.DataFrame, side: str) -> pl.DataFrame:
    """Results of items with a limit on that side, and how many bins they lie beyond it."""
    limit = pl.col(f"{side}_limit")
    floor = pl.when(pl.col("scale") == Scale.INTERVAL).then(float("-inf")).otherwise(pl.col("loq").fill_null(0.0))
    limits = known.filter(limit.is_not_null()).select(
        "item",
        side=pl.lit(side),
        limit=limit,
        inclusive=pl.col(f"{side}_inclusive").fill_null(True),
        sigma=sigma_between(limit),
        floor=floor,
    )
    part = rows.join(limits, on="item", how="inner", maintain_order="left")
    numbers = {name: part[name].fill_null(float("nan")).to_numpy() for name in ("limit", "step", "sigma", "floor")}
    beyond = bins_beyond(part["value"].to_numpy(), side=side, inclusive=part["inclusive"].to_numpy(), **numbers)
    return part.select("lab", "item", "side", "result", beyond=pl.Series(beyond, dtype=pl.Float64)).filter(
        pl.col("beyond").is_not_nan()
    )


def _more_than_others(rows: pl.DataFrame, alike: list[str], evidence: str) -> pl.DataFrame:
    """Per laboratory: rows, hits, hits expected from the share of the others, and the chance of as many.

    The chance of a hit is the share among the other laboratories' rows that are `alike`, half a hit and one row added.
    """
    own, own_n = pl.col("hit").sum().over(*alike, "lab"), pl.len().over(*alike, "lab")
    others = (pl.col("hit").sum().over(alike) - own + 0.5) / (pl.len().over(alike) - own_n + 1)
    rows = rows.with_columns(chance=others).sort("lab", evidence)
    by = rows.group_by("lab", maintain_order=True).agg(
        pl.col(evidence).filter("hit"), n=pl.len(), seen=pl.col("hit").sum(), expected=pl.col("chance").sum()
    )
    p = chance_of_count_unequal(rows["chance"].to_numpy(), by["seen"].to_numpy(), offsets_of_runs(rows, ["lab"]))
    return by.with_columns(p=p)
