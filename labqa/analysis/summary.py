"""Totals of a run, counted once: every page and report reads its figures from here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from labqa.core import tables as t
from labqa.core.periods import of_years
from labqa.core.vocabulary import BlockKind, Category, PairKind, Qualifier, Role, Status, Verdict

Frames = Mapping[str, pl.DataFrame]
_AGREEING = [str(Category.AGREE), str(Category.WITHIN_LIMITS)]
_RETESTING = [str(Role.RETEST), str(Role.REFEREE)]
_RESULT = ("role", "qualifier", "lab", "sample", "trigger", "reported_verdict", "period")
"""Columns of results that are counted: a copy of all of a million takes half a gigabyte."""
_QUANTILES = {"smallest": 0.0, "quartile": 0.25, "median": 0.5, "upper_quartile": 0.75, "largest": 1.0}


def summary(
    run: Frames, results: pl.DataFrame, *, label: str, years: Iterable[int | None], lookback: Iterable[int | None]
) -> pl.DataFrame:
    """SUMMARY of a run: figures of each year of `lookback`, and of all `years` together under `label`.

    `run` holds the other tables of the run; `results` the facts it was made of. A year None stands for undated rounds.
    """
    years = list(years)
    parts = [_evidence(run, results, label=label, years=years), _labs(run, label=label)]
    parts += [
        _evidence(run, results, label=str(year), years=[year]) for year in lookback if year is not None and str(year) != label
    ]
    return t.shaped(pl.concat(parts), t.Summary).sort("metric", "scope", "scope_id", "period")


def _rows(metric: str, scope: str, counted: pl.DataFrame, label: str) -> pl.DataFrame:
    """Rows of SUMMARY from a frame with the columns scope_id, value, n."""
    return counted.select(
        metric=pl.lit(metric),
        scope=pl.lit(scope),
        scope_id=pl.col("scope_id").cast(pl.String),
        period=pl.lit(label),
        value=pl.col("value").cast(pl.Float64),
        n=pl.col("n").cast(pl.Int64),
    )


def _total(metric: str, label: str, value: float | None, n: int | None = None) -> pl.DataFrame:
    one = pl.DataFrame({"scope_id": [""], "value": [value], "n": [n if n is not None else value]}, strict=False)
    return _rows(metric, "national", one, label)


def _counts(metric: str, scope: str, frame: pl.DataFrame, column: str, label: str) -> pl.DataFrame:
    """Rows counted by the words of one column; null rows are left out."""
    by = frame.drop_nulls(column).group_by(pl.col(column).alias("scope_id")).len("n")
    return _rows(metric, scope, by.with_columns(value=pl.col("n")), label)


def _shares(metric: str, scope: str, frame: pl.DataFrame, column: str | None, hit: pl.Expr, label: str) -> pl.DataFrame:
    """Share of rows that `hit` is true of, by the words of a column, or in all."""
    keyed = frame.with_columns(scope_id=pl.col(column) if column else pl.lit("")).drop_nulls("scope_id")
    by = keyed.group_by("scope_id").agg(hits=hit.sum(), n=pl.len())
    return _rows(metric, scope, by.with_columns(value=pl.col("hits") / pl.col("n")), label)


def _evidence(run: Frames, results: pl.DataFrame, *, label: str, years: list[int | None]) -> pl.DataFrame:
    """Figures of the results, blocks and pairs of some years."""
    samples, blocks, here = (of_years(one, years) for one in (run["samples"], run["blocks"], results.select(_RESULT)))
    pairs = of_years(run["pairs"], years).join(run["discrepancies"], on="pair", how="left", maintain_order="left")
    return pl.concat(
        [*_base(here, samples, label), *_blocks(blocks, label), *_pairs(pairs, label), *_coverage(here, samples, label)]
    )


def _base(results: pl.DataFrame, samples: pl.DataFrame, label: str) -> list[pl.DataFrame]:
    judged = results.filter(
        (pl.col("role") == Role.ORIGINAL) & pl.col("reported_verdict").is_in(["conforming", "nonconforming"])
    )
    return [
        _total("results", label, results.height),
        _counts("results", "role", results, "role", label),
        _counts("results", "qualifier", results, "qualifier", label),
        _total("samples", label, samples.height),
        _total("labs", label, results["lab"].drop_nulls().n_unique()),
        _shares("pass_share", "national", judged, None, pl.col("reported_verdict") == str(Verdict.CONFORMING), label),
    ]


def _blocks(blocks: pl.DataFrame, label: str) -> list[pl.DataFrame]:
    several = blocks.filter(pl.col("kind") != BlockKind.SINGLE)
    return [
        _total("blocks", label, blocks.height),
        _counts("blocks", "kind", blocks, "kind", label),
        _total("blocks_used_for_bias", label, int(blocks["used_for_bias"].sum()), several.height),
        _counts("blocks_not_used", "reason", several.filter(~pl.col("used_for_bias")), "why_not", label),
    ]


def _pairs(pairs: pl.DataFrame, label: str) -> list[pl.DataFrame]:
    """Agreement of pairs between laboratories, and of duplicates apart; only assessed pairs enter a share."""
    between = pairs.filter(pl.col("kind") == PairKind.BETWEEN)
    first = pairs.filter(pl.col("order") == 1)
    both = (pl.col("original_qualifier") == Qualifier.QUANTIFIED).cast(pl.Int8) + (
        pl.col("retest_qualifier") == Qualifier.QUANTIFIED
    ).cast(pl.Int8)
    found = first.with_columns(
        scope_id=pl.Series(["both_censored", "mixed", "both_quantified"]).gather(first.select(both).to_series())
    )
    parts = [
        _total("pairs", label, pairs.height),
        _counts("pairs", "kind", pairs, "kind", label),
        _counts("pairs", "trigger", pairs, "trigger", label),
        _counts("pairs", "category", between, "category", label),
        _counts("first_pairs", "quantified", found, "scope_id", label),
    ]
    agreeing = pl.col("category").is_in(_AGREEING)
    for metric, kind in (
        ("agreement_share", between),
        ("duplicate_agreement_share", pairs.filter(pl.col("kind") == PairKind.DUPLICATE)),
    ):
        assessed = kind.filter(pl.col("category") != Category.NOT_ASSESSED)
        parts.append(_shares(metric, "national", assessed, None, agreeing, label))
        parts += [
            _shares(metric, scope, assessed, scope, agreeing, label) for scope in ("product", "family", "item", "trigger")
        ]
    judged = between.filter(pl.col("flipped").is_not_null() & pl.col("flip_probability").is_not_null())
    for trigger, some in (("planned", judged.filter(pl.col("trigger") == "planned")), ("all", judged)):
        ordered = some.sort("pair")
        expected = float(ordered["flip_probability"].to_numpy().sum())
        parts.append(
            _rows(
                "flips",
                "trigger",
                pl.DataFrame({"scope_id": [trigger], "value": [float(some["flipped"].sum())], "n": [some.height]}),
                label,
            )
        )
        parts.append(
            _rows(
                "flips_expected",
                "trigger",
                pl.DataFrame({"scope_id": [trigger], "value": [expected], "n": [some.height]}),
                label,
            )
        )
    return parts


def _coverage(results: pl.DataFrame, samples: pl.DataFrame, label: str) -> list[pl.DataFrame]:
    """Share of spot-check samples that were retested, in all and by how the retest came about."""
    tested = results.select("role", "sample", "trigger")
    drawn = tested.filter(pl.col("role") == Role.ORIGINAL).select("sample").unique()
    retested = tested.filter(pl.col("role").is_in(_RETESTING)).select("sample", "trigger").unique()
    n = drawn.height
    covered = drawn.join(retested.select("sample").unique(), on="sample", how="semi").height
    by = retested.drop_nulls("trigger").group_by(pl.col("trigger").alias("scope_id")).len("hits")
    by = by.with_columns(value=pl.col("hits") / max(n, 1), n=pl.lit(n))
    return [
        _total("spot_check_samples", label, n),
        _total("retested_samples", label, covered, n),
        _total("retest_coverage", label, covered / n if n else None, n),
        _rows("retest_coverage", "trigger", by, label),
        _total("comparison_samples", label, int(samples["is_pt"].sum())),
    ]


def _labs(run: Frames, *, label: str) -> pl.DataFrame:
    """Figures of the laboratories: how many could be assessed, what could have been shown, classes and proposals."""
    whole = run["lab_bias"].filter(pl.col("scope") == "lab")
    assessed = whole.filter(pl.col("status") == Status.ASSESSED)
    smallest = assessed["detectable"].drop_nulls().sort()
    ratings = run["ratings"]
    parts = [
        _total("labs_rated", label, ratings.height),
        _total("labs_assessed", label, assessed.height, whole.height),
        _total("assessed_share", label, assessed.height / whole.height if whole.height else None, whole.height),
        _counts("labs", "status", whole, "status", label),
        _counts("labs_not_assessed", "reason", whole.filter(pl.col("status") != Status.ASSESSED), "reason", label),
        _counts("class_in_force", "class", ratings, "class_in_force", label),
        _counts("class_by_points", "class", ratings, "class_by_points", label),
        _counts("proposals", "proposal", ratings, "proposal", label),
        _counts("downgrades", "ground", ratings.filter(pl.col("proposal") == "downgrade"), "ground", label),
        _counts("flags", "rule", run["flags"], "rule", label),
    ]
    for name, share in _QUANTILES.items():
        value = smallest.quantile(share, "nearest") if smallest.len() else None
        parts.append(
            _rows(
                "detectable_bias",
                "quantile",
                pl.DataFrame({"scope_id": [name], "value": [value], "n": [smallest.len()]}, strict=False),
                label,
            )
        )
    return pl.concat(parts)
