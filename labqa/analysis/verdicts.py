"""Verdicts of both results of a pair, derived both ways, and the flips of a laboratory against those expected.

Flips are expected near a limit: what is judged is the excess over the predictive distribution given the original result.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from labqa.analysis.pairing import offsets_of_runs
from labqa.core.vocabulary import CompareMethod, PairKind, Scale, Trigger, Verdict
from labqa.stats.scores import conformity

Floats = NDArray[np.float64]
_WORDS = [str(Verdict.NOT_ASSESSED), str(Verdict.NONCONFORMING), str(Verdict.CONFORMING)]


def of_pairs(rows: pl.DataFrame) -> list[pl.Series]:
    """Verdict columns, `flipped`, `flip_probability` and `margin` of pairs that carry values, intervals and limits."""
    found: dict[str, NDArray[np.int8]] = {}
    for part in ("original", "retest"):
        full, rounded = _verdicts(rows, part)
        found[f"{part}_verdict"] = np.where(_by_rounding(rows), rounded, full)
        found[f"{part}_verdict_full"] = full
    first, second = found["original_verdict"], found["retest_verdict"]
    known = (first != conformity.UNKNOWN) & (second != conformity.UNKNOWN)
    numeric = rows["scale"].is_in([str(Scale.ORDINAL), str(Scale.BINARY)]).to_numpy()
    x, sigma = (np.where(numeric, np.nan, _floats(rows, name)) for name in ("original_value", "sigma_R"))
    lower, upper = _floats(rows, "lower_limit"), _floats(rows, "upper_limit")
    chance = np.where(first == conformity.UNKNOWN, np.nan, conformity.flip_probability(x, sigma, *_felt_limits(rows)))
    return [
        *(pl.Series(name, _WORDS).gather((codes + 1).astype(np.int64)) for name, codes in found.items()),
        pl.Series("flipped", first != second).set(pl.Series(~known), None),
        pl.Series("flip_probability", chance, nan_to_null=True),
        pl.Series("margin", conformity.margin(x, sigma, lower, upper), nan_to_null=True),
    ]


def flips_by_lab(
    pairs: pl.DataFrame, discrepancies: pl.DataFrame, *, triggers: tuple[str, ...] = (str(Trigger.PLANNED),)
) -> pl.DataFrame:
    """Observed and expected flips of each laboratory, in either part of its pairs: between pairs of `triggers` only.

    Columns lab, observed, expected, n (pairs), n_samples, share (observed − expected over n), se, df, lower, upper, pairs
    (ids, least expected flips first). The variance sums over samples the square of their summed excess (items of a sample
    flip together), never below the binomial Σ p(1 − p); t interval with n_samples − 1 degrees of freedom. Both
    laboratories of a pair are counted.
    """
    judged = pairs.join(discrepancies, on="pair", how="inner", maintain_order="left").filter(
        (pl.col("kind") == PairKind.BETWEEN)
        & pl.col("trigger").is_in(list(triggers))
        & pl.col("flipped").is_not_null()
        & pl.col("flip_probability").is_not_null()
    )
    sides = [
        judged.select("pair", "sample", "flipped", p="flip_probability", lab=f"{part}_lab") for part in ("original", "retest")
    ]
    return excess_by_lab(pl.concat(sides).rename({"flipped": "hit"}))


def excess_by_lab(rows: pl.DataFrame) -> pl.DataFrame:
    """Excess of hits over their expected chance by laboratory, from rows of pair, sample, hit, p, lab; see `flips_by_lab`."""
    ordered = rows.sort("lab", "sample", "pair").with_columns(pl.col("hit").cast(pl.Float64))
    labs, samples = (offsets_of_runs(ordered, key) for key in (["lab"], ["lab", "sample"]))
    hit, p = ordered["hit"].to_numpy(), ordered["p"].to_numpy()
    lab_of_sample = np.searchsorted(labs, samples[:-1], side="right") - 1
    by_sample = np.add.reduceat(hit - p, samples[:-1]) if len(hit) else np.empty(0)
    m = len(labs) - 1
    n, n_samples = np.diff(labs).astype(np.float64), np.bincount(lab_of_sample, minlength=m).astype(np.float64)
    observed, expected, binomial = (np.add.reduceat(a, labs[:-1]) if len(hit) else np.empty(0) for a in (hit, p, p * (1 - p)))
    clustered = np.bincount(lab_of_sample, weights=by_sample**2, minlength=m) * n_samples / np.maximum(n_samples - 1, 1)
    se = np.sqrt(np.maximum(clustered, binomial)) / n
    df = np.maximum(n_samples - 1, 1)
    share, half = (observed - expected) / n, special.stdtrit(df, 0.975) * se
    told = ordered.sort("lab", pl.col("hit") - pl.col("p"), "pair", descending=[False, True, False])
    found = {
        "lab": ordered["lab"].gather(labs[:-1]),
        "observed": observed,
        "expected": expected,
        "n": n.astype(np.int64),
        "n_samples": n_samples.astype(np.int64),
        "share": share,
        "se": se,
        "df": df,
        "lower": share - half,
        "upper": share + half,
    }
    ids = told.group_by("lab", maintain_order=True).agg(pairs=pl.col("pair").head(50))
    return pl.DataFrame(found).join(ids, on="lab", how="left", maintain_order="left")


def _verdicts(rows: pl.DataFrame, part: str) -> conformity.Verdicts:
    low, high = (_floats(rows, f"{part}_{end}") for end in ("lower", "upper"))
    there = rows[f"{part}_qualifier"].is_not_null().to_numpy()
    low, high = np.where(there & np.isnan(low), -np.inf, low), np.where(there & np.isnan(high), np.inf, high)
    interval = _floats(rows, "rounding_interval")
    found = conformity.verdicts_both_ways(
        low,
        high,
        _floats(rows, "lower_limit"),
        _floats(rows, "upper_limit"),
        interval=np.where(interval > 0, interval, np.nan),
        lower_inclusive=_inclusive(rows, "lower"),
        upper_inclusive=_inclusive(rows, "upper"),
    )
    value = _floats(rows, f"{part}_value")
    binary = np.where(np.isnan(value), conformity.UNKNOWN, value == 1.0)
    of_two = rows["scale"].eq_missing(str(Scale.BINARY)).to_numpy()
    return conformity.Verdicts(*(np.where(of_two, binary, codes).astype(np.int8) for codes in found))


def _by_rounding(rows: pl.DataFrame) -> NDArray[np.bool_]:
    """The item's standard names the rounded value and an interval (GB/T 8170-2008, 4.3.3)."""
    return (
        rows.select(
            (pl.col("compare_method") == CompareMethod.ROUNDED).fill_null(False)
            & (pl.col("rounding_interval") > 0).fill_null(False)
        )
        .to_series()
        .to_numpy()
    )


def _felt_limits(rows: pl.DataFrame) -> tuple[Floats, Floats]:
    """Limits on the full value that the rule amounts to: half an interval out (inclusive) or in (exclusive)."""
    half = np.where(_by_rounding(rows), np.nan_to_num(_floats(rows, "rounding_interval")) / 2, 0.0)
    lower, upper = _floats(rows, "lower_limit"), _floats(rows, "upper_limit")
    return (
        lower - np.where(_inclusive(rows, "lower"), half, -half),
        upper + np.where(_inclusive(rows, "upper"), half, -half),
    )


def _inclusive(rows: pl.DataFrame, side: str) -> NDArray[np.bool_]:
    """Whether the limit itself conforms; limits conform unless the register says otherwise."""
    return rows[f"{side}_inclusive"].fill_null(True).to_numpy()


def _floats(rows: pl.DataFrame, name: str) -> Floats:
    return rows[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
