"""Samples, tests, blocks and pairs: what was tested by whom, and which results answer the same question.

A *test* is one laboratory's work on one sample and item in one role: its replicates averaged (all quantified), or their
intervals averaged (any censored). Retests that are not between two named laboratories (the laboratory of the original again,
or either of them not named) keep every replicate a test of its own: there the replicate number counts the retests.
A test goes by the result id of its first replicate. Only the last revision of a result counts, and "/" is no result.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from labqa.core import tables as t
from labqa.core.digests import digests
from labqa.core.revisions import KEY, in_force
from labqa.core.vocabulary import BlockKind, PairKind, Qualifier, Role
from labqa.stats.robust import location_scale

ROLE_ORDER = {Role.ORIGINAL: 0, Role.RETEST: 1, Role.REFEREE: 2, Role.PT: 3, Role.ASSIGNED: 4}
_RANK = pl.col("role").replace_strict(ROLE_ORDER, return_dtype=pl.Int8).alias("role_rank")
_ARRANGED = ("sample", "item", "role_rank", "lab", "replicate")
_TESTING = [str(Role.RETEST), str(Role.REFEREE)]
_ATTRIBUTES = ("period", "round", "product", "sampler", "drawn_on")
ORDER = (*KEY, "revision", "qualifier")
TEST = (*ORDER, "value", "rest", "lower", "upper")
"""Columns of results by which `current` orders, and those of which `tests` makes a test: a sort of fewer takes less memory."""


def arranged(results: pl.DataFrame) -> pl.DataFrame:
    """Results in the order of `current`, so that it need not sort them time and again, then by revision and result id."""
    return results.with_columns(_RANK).sort(*_ARRANGED, "revision", "result", nulls_last=True).drop("role_rank")


def current(results: pl.DataFrame) -> pl.DataFrame:
    """The results in force that are applicable, sorted by sample, item, role, lab and replicate."""
    said = in_force(results)
    applies = said["qualifier"] != Qualifier.NOT_APPLICABLE
    applicable = (said if applies.all() else said.filter(applies)).with_columns(_RANK)
    in_order = applicable.select(_in_order(_ARRANGED)).item()
    return applicable if in_order else applicable.sort(_ARRANGED, nulls_last=True)


def _in_order(names: Sequence[str]) -> pl.Expr:
    """Whether rows are sorted by these columns, nulls last."""
    earlier = pl.lit(False)
    for name in reversed(names):
        now, before = pl.col(name), pl.col(name).shift(1)
        less = (now < before).fill_null(now.is_not_null() & before.is_null())
        earlier = less | (now.eq_missing(before) & earlier)
    return ~earlier.slice(1).any()


def tests(results: pl.DataFrame) -> pl.DataFrame:
    """One row a test (see above), assigned values among them, with the columns of its first replicate.

    `value` is null unless all its replicates are quantified, `rest` is what it lacks of their exact mean (null: nothing that
    counts); `n` counts them; `value_sd` is their SD (n ≥ 2).
    """
    rows = _with_part(current(results))
    starts = offsets_of_runs(rows, ["sample", "item", "role", "lab", "part"])
    value = _mean(rows["value"], starts)
    lacking = (rows["value"] - np.repeat(value, np.diff(starts))) + rows["rest"]
    lower, upper = (_mean(_end(rows, name), starts) for name in ("lower", "upper"))
    qualifiers = [str(Qualifier.BELOW), str(Qualifier.ABOVE)]
    below, above = (_any(rows["qualifier"] == word, starts) for word in qualifiers)
    first = rows[starts[:-1]]
    return first.with_columns(
        pl.Series("value", value, nan_to_null=True),
        pl.Series("rest", _mean(lacking, starts), nan_to_null=True),
        pl.Series("lower", lower, nan_to_null=True),
        pl.Series("upper", upper, nan_to_null=True),
        pl.when(pl.Series(below)).then(pl.lit(qualifiers[0])).when(pl.Series(above)).then(pl.lit(qualifiers[1]))
        .otherwise(pl.lit(str(Qualifier.QUANTIFIED))).alias("qualifier"),
        pl.Series("n", np.diff(starts)),
        pl.Series("value_sd", _sd(rows["value"], value, starts), nan_to_null=True),
    )  # fmt: skip


def replicates(results: pl.DataFrame) -> pl.DataFrame:
    """Results of one laboratory on one sample and item in one role that are replicates of one test, all quantified.

    Originals and comparison results only: several retests may be tests of their own.
    """
    key = ["sample", "item", "role", "lab"]
    rows = current(results.filter(pl.col("role").is_in([str(Role.ORIGINAL), str(Role.PT)]) & pl.col("lab").is_not_null()))
    starts = offsets_of_runs(rows, key)
    several = (np.diff(starts) > 1) & ~_any(rows["qualifier"] != Qualifier.QUANTIFIED, starts)
    return rows.filter(pl.Series(np.repeat(several, np.diff(starts)), dtype=pl.Boolean))


def samples(results: pl.DataFrame, products: pl.DataFrame) -> pl.DataFrame:
    """SAMPLES: one row a sample; family from the product register, else the first two levels of the product code."""
    rows = current(results.select(*ORDER, *_ATTRIBUTES))
    lab_results = rows.filter(pl.col("role") != Role.ASSIGNED)
    found = rows.group_by("sample", maintain_order=True).agg(
        *(pl.col(name).sort_by("role_rank", maintain_order=True).drop_nulls().first() for name in _ATTRIBUTES),
        is_pt=(pl.col("role") == Role.PT).any(),
    )
    counted = lab_results.group_by("sample", maintain_order=True).agg(n_results=pl.len())
    labs = (
        lab_results.select("sample", "lab").drop_nulls().unique().group_by("sample", maintain_order=True).agg(n_labs=pl.len())
    )
    by_code = pl.col("product").str.extract(r"^([^.]+\.[^.]+)(?:\.|$)")
    joined = found.join(counted, on="sample", how="left").join(labs, on="sample", how="left")
    joined = joined.join(products.select("product", "family"), on="product", how="left")
    return t.shaped(
        joined.with_columns(pl.coalesce("family", by_code), pl.col("n_results", "n_labs").fill_null(0)), t.Samples
    ).sort("sample")


def blocks(results: pl.DataFrame, samples: pl.DataFrame) -> pl.DataFrame:
    """BLOCKS: every sample × item with a result; `used_for_bias` starts false and `why_not` null, the bias step fills them.

    Kinds: `multiple` three or more named labs, or two with a referee or comparison role among them; `pair` two named labs;
    `duplicate` several results of fewer than two named labs; `single` one result. An assigned value is no laboratory: it
    makes a block `anchored` whatever its kind. `level` is the median of the quantified tests, one voice a test.
    """
    rows = tests(results.select(TEST))
    key = ["sample", "item"]
    tested = rows.filter(pl.col("role") != Role.ASSIGNED)
    quantified = current(results.select(ORDER)).filter(
        (pl.col("role") != Role.ASSIGNED) & (pl.col("qualifier") == Qualifier.QUANTIFIED)
    )
    found = tested.group_by(key, maintain_order=True).agg(
        programme=pl.col("programme").first(),
        n_results=pl.col("n").sum(),
        several=pl.col("role").is_in([str(Role.REFEREE), str(Role.PT)]).any(),
    )
    labs = tested.select(*key, "lab").drop_nulls().unique().group_by(key).agg(n_labs=pl.len())
    counted = quantified.group_by(key).agg(n_quantified=pl.len())
    anchors = (
        rows.filter((pl.col("role") == Role.ASSIGNED) & pl.col("value").is_not_null())
        .select(*key, anchored=pl.lit(True))
        .unique()
    )
    for other in (labs, counted, anchors, _levels(tested)):
        found = found.join(other, on=key, how="left", maintain_order="left")
    found = found.join(
        samples.select("sample", "period", "family"), on="sample", how="left", maintain_order="left"
    ).with_columns(
        pl.col("n_labs", "n_quantified").fill_null(0), pl.col("anchored").fill_null(False), used_for_bias=pl.lit(False)
    )
    kind = (
        pl.when((pl.col("n_labs") >= 3) | ((pl.col("n_labs") == 2) & pl.col("several"))).then(pl.lit(str(BlockKind.MULTIPLE)))
        .when(pl.col("n_labs") == 2).then(pl.lit(str(BlockKind.PAIR)))
        .when(pl.col("n_results") > 1).then(pl.lit(str(BlockKind.DUPLICATE)))
        .otherwise(pl.lit(str(BlockKind.SINGLE)))
    )  # fmt: skip
    return t.shaped(found.with_columns(kind=kind, block=_block_ids(found)), t.Blocks)


def pairs(results: pl.DataFrame, samples: pl.DataFrame) -> pl.DataFrame:
    """PAIRS: an original with each retest and referee test of its sample and item, numbered in their order.

    Rows are sorted by sample, item and order: retests before referees, then replicate number, day of test and laboratory.
    """
    rows = tests(results.select(*TEST, "result", "trigger", "tested_on"))
    carried = ["result", "lab", "value", "qualifier", "tested_on"]
    original = rows.filter(pl.col("role") == Role.ORIGINAL).select(
        "sample", "item", *(pl.col(name).alias(f"original_{name}") for name in carried)
    )
    retest = rows.filter(pl.col("role").is_in(_TESTING)).select(
        "programme",
        "sample",
        "item",
        "role",
        "role_rank",
        "trigger",
        "replicate",
        *(pl.col(name).alias(f"retest_{name}") for name in carried),
    )
    found = retest.join(original, on=["sample", "item"], how="inner").sort(
        "sample",
        "item",
        "original_result",
        "role_rank",
        "replicate",
        "retest_tested_on",
        "retest_lab",
        "retest_result",
        nulls_last=True,
    )
    found = found.join(samples.select("sample", "period", "family", "product"), on="sample", how="left", maintain_order="left")
    between = (pl.col("original_lab") != pl.col("retest_lab")).fill_null(False)
    return t.shaped(
        found.with_columns(
            digests(found.select("original_result", "retest_result")).alias("pair"),
            block=_block_ids(found),
            kind=pl.when(between).then(pl.lit(str(PairKind.BETWEEN))).otherwise(pl.lit(str(PairKind.DUPLICATE))),
            order=pl.int_range(1, pl.len() + 1).over("sample", "item", "original_result"),
            days_between=(pl.col("retest_tested_on") - pl.col("original_tested_on")).dt.total_days(),
        ),
        t.Pairs,
    )


def _with_part(rows: pl.DataFrame) -> pl.DataFrame:
    """Adds `part`: 0, or the replicate number where each replicate is a test of its own."""
    key, original = ["sample", "item"], (pl.col("role") == Role.ORIGINAL) & pl.col("lab").is_not_null()
    nameless = (pl.col("role") == Role.PT) & pl.col("lab").is_null()
    again = rows.select(pl.int_range(pl.len()).alias("at"), *key, "lab", "role").filter(pl.col("role").is_in(_TESTING))
    originals = rows.filter(original).select(*key, "lab").join(again, on=key, how="semi")
    between = (
        again.drop_nulls("lab")
        .join(originals, on=key, how="semi")
        .join(originals, on=[*key, "lab"], how="anti")["at"]
        .to_numpy()
    )
    alone = rows.select(pl.col("role").is_in(_TESTING) | nameless).to_series().to_numpy(writable=True)
    alone[between] = False
    return rows.with_columns(part=pl.when(pl.Series(alone)).then("replicate").otherwise(0))


def _levels(tested: pl.DataFrame) -> pl.DataFrame:
    """Median of the quantified tests of each sample and item."""
    known = tested.filter(pl.col("value").is_not_null())
    starts = offsets_of_runs(known, ["sample", "item"])
    middle = location_scale.median_by_group(known["value"].to_numpy(), starts)
    return known[starts[:-1]].select("sample", "item").with_columns(pl.Series("level", middle))


def _block_ids(rows: pl.DataFrame) -> pl.Series:
    """Block ids, each hashed once however many rows share it."""
    key = ["programme", "sample", "item"]
    starts = offsets_of_runs(rows, key)
    once = digests(rows[starts[:-1]].select(key)).alias("block")
    return once.gather(np.repeat(np.arange(len(once)), np.diff(starts)))


def offsets_of_runs(rows: pl.DataFrame, key: list[str]) -> NDArray[np.int64]:
    """Offsets of the runs of equal keys in sorted rows, the end included."""
    same = rows.select(pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in key)).to_series()
    begins = ~same.to_numpy()
    begins[:1] = True
    return np.append(np.flatnonzero(begins), rows.height).astype(np.int64)


def _end(rows: pl.DataFrame, name: str) -> pl.Series:
    """End of the interval that a result states: its value if it is quantified."""
    return rows.select(
        pl.when(pl.col("qualifier") == Qualifier.QUANTIFIED).then("value").otherwise(name).alias(name)
    ).to_series()


def _mean(column: pl.Series, starts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean of each run, NaN where any of it is null."""
    found: NDArray[np.float64] = location_scale.mean_by_group(column.fill_null(float("nan")).to_numpy(), starts)
    return found


def _sd(column: pl.Series, mean: NDArray[np.float64], starts: NDArray[np.int64]) -> NDArray[np.float64]:
    """SD of the replicates of each run, NaN for one or for any that is null."""
    n = np.diff(starts)
    squares = (column.fill_null(float("nan")).to_numpy() - np.repeat(mean, n)) ** 2
    variance = location_scale.mean_by_group(squares, starts) * n / np.where(n > 1, n - 1, 1)
    return np.where(n > 1, np.sqrt(variance), np.nan)


def _any(hit: pl.Series, starts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether any row of each run is hit."""
    running = np.concatenate(([0], np.cumsum(hit.to_numpy())))
    return np.asarray(running[starts[1:]] > running[starts[:-1]])
