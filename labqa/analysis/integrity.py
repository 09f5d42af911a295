"""Screens of what was delivered: each flag names something to look at, with its evidence; it never accuses.

Here: who tested what, and which samples look confused. Patterns of numbers that chance would hardly make are in `patterns`.
"""

from __future__ import annotations

import polars as pl

from labqa.analysis import occasions, patterns
from labqa.analysis.flagging import Flag, chance, flag
from labqa.analysis.pairing import ORDER, TEST
from labqa.analysis.pairing import tests as tests_of
from labqa.analysis.sample_causes import NONE, Causes
from labqa.analysis.swaps import LIMIT, round_swaps, swaps
from labqa.core import tables as t
from labqa.core.revisions import in_force
from labqa.core.vocabulary import Category, Qualifier, Role, Scale
from labqa.stats.screens.factors import power_between

_TESTING = ("result", "sample", "lab", "role", "sampler", "drawn_on", "tested_on")
_WHO = (*ORDER, "result", "sampler", "drawn_on", "tested_on")
_VALUES = (*TEST, "result", "decimals")
_TESTED = ("lab", "sample", "item", "role", "role_rank", "part", "qualifier", "value", "result", "decimals")
_DIGITS = (*ORDER, "result", "value", "decimals")
"""What screens read of a result: each sorts them, and a copy of all columns of a million takes half a gigabyte."""


def flags(
    results: pl.DataFrame,
    samples: pl.DataFrame,
    items: pl.DataFrame,
    capabilities: pl.DataFrame,
    pairs: pl.DataFrame,
    discrepancies: pl.DataFrame,
    yardsticks: pl.DataFrame,
    causes: Causes = NONE,
    differ: pl.DataFrame = occasions.NONE,
) -> pl.DataFrame:
    """FLAGS of all screens, sorted by rule, lab and sample; `causes` are what the bias fit charged to samples, `differ` whose
    results `occasions.differing` finds to differ between occasions."""
    scored = pairs.join(discrepancies, on="pair", how="left", maintain_order="left")
    scored = scored.join(items.select("item", "scale"), on="item", how="left", maintain_order="left")
    found = [
        *_who_tested(results, samples, capabilities),
        *_unit_slips(scored),
        *(swapped := [*_sample_swaps(scored), *_round_swaps(results, items)]),
        *_sample_differs(causes.tests, results, {str(one["sample"]) for one in swapped}),
        *_item_changes(causes.drifts),
        *_occasions_differ(differ),
        *patterns.repeats_original(scored),
        *_of_tests(results, items, yardsticks),
        *patterns.uneven_digits(results.select(_DIGITS), items, yardsticks),
        *patterns.narrow_replicates(results.select(_DIGITS), items, yardsticks),
    ]
    frame = pl.DataFrame(found, schema=t.Flags.create_empty().schema)
    return frame.sort("rule", "lab", "sample", "flag", nulls_last=True)


def _of_tests(results: pl.DataFrame, items: pl.DataFrame, yardsticks: pl.DataFrame) -> list[Flag]:
    """Screens of the tests that results make."""
    tests = tests_of(results.select(_VALUES)).select(_TESTED)
    return patterns.copied_vectors(tests, items) + patterns.heaping_at_limits(tests, items, yardsticks)


def _who_tested(results: pl.DataFrame, samples: pl.DataFrame, capabilities: pl.DataFrame) -> list[Flag]:
    """Laboratories that tested what they drew, and those that tested what they were not approved for."""
    told = in_force(results.select(_WHO))
    rows = told.select(_TESTING).filter(told["qualifier"] != Qualifier.NOT_APPLICABLE)
    rows = rows.join(samples.select("sample", "family"), on="sample", how="left", maintain_order="left")
    return [*_sampler_is_tester(rows), *_outside_capability(rows, capabilities)]


def _sampler_is_tester(rows: pl.DataFrame) -> list[Flag]:
    """The body that drew the sample also tested it as the first laboratory (抽检分离): one flag a laboratory."""
    same = rows.filter((pl.col("sampler") == pl.col("lab")) & (pl.col("role") == Role.ORIGINAL))
    by = same.group_by("lab", maintain_order=True).agg(pl.col("sample").n_unique().alias("samples"), pl.col("result").sort())
    return [
        flag("sampler_is_tester", row["lab"], None, row["result"], {"lab": row["lab"], "samples": row["samples"]})
        for row in by.sort("lab").iter_rows(named=True)
    ]


def _outside_capability(rows: pl.DataFrame, capabilities: pl.DataFrame) -> list[Flag]:
    """Results in a product family for which the laboratory held no capability on the day of test (or of drawing).

    Laboratories without any registered capability are left out, since nothing is known of theirs; so are undated results of a
    laboratory that held the capability at some time.
    """
    listed = pl.col("lab").is_in(capabilities["lab"].unique().to_list())
    tested = rows.select("lab", "family", "result", "sample", "role", day=pl.coalesce("tested_on", "drawn_on")).filter(
        listed & pl.col("family").is_not_null() & (pl.col("role") != Role.ASSIGNED)
    )
    held = (
        tested.select("lab", "family", "result", "day")
        .join(capabilities, on=["lab", "family"], how="inner")
        .filter(
            pl.col("day").is_null()
            | ((pl.col("valid_from") <= pl.col("day")) & (pl.col("day") <= pl.col("valid_to")).fill_null(True))
        )
    )
    outside = tested.join(held.select("result").unique(), on="result", how="anti").sort("lab", "family", "result")
    by = outside.group_by("lab", "family", maintain_order=True).agg(pl.col("sample").n_unique().alias("samples"), "result")
    return [
        flag(
            "outside_capability",
            row["lab"],
            None,
            row["result"],
            {"lab": row["lab"], "family": row["family"], "samples": row["samples"]},
        )
        for row in by.iter_rows(named=True)
    ]


def _unit_slips(scored: pl.DataFrame) -> list[Flag]:
    """Blunders that agree within 12 % once one result is shifted by a power of ten; who slipped is not said."""
    blunders = scored.filter((pl.col("scale") == Scale.RATIO) & (pl.col("category") == Category.BLUNDER_SUSPECTED)).sort("pair")
    values = (blunders[f"{part}_value"].fill_null(float("nan")).to_numpy() for part in ("original", "retest"))
    found = blunders.with_columns(power=pl.Series(power_between(*values))).filter(pl.col("power") != 0)
    return [
        flag(
            "unit_slip",
            None,
            row["sample"],
            [row["pair"]],
            {
                "sample": row["sample"],
                "item": row["item"],
                "factor": 10 ** abs(row["power"]),
                "original_lab": row["original_lab"] or "—",
                "retest_lab": row["retest_lab"] or "—",
            },
        )
        for row in found.iter_rows(named=True)
    ]


def _sample_swaps(scored: pl.DataFrame) -> list[Flag]:
    """Two samples that a laboratory seems to have interchanged: one flag a sample."""
    evidence = scored.group_by("sample", "original_lab", "retest_lab").agg(pl.col("pair").sort_by("item", "pair"))
    found = swaps(scored.with_columns(limit=LIMIT)).join(
        evidence, on=["sample", "original_lab", "retest_lab"], how="left", maintain_order="left"
    )
    return [
        flag(
            "sample_swap",
            row["lab"],
            row["sample"],
            row["pair"],
            {"lab": row["lab"], "sample": row["sample"], "other": row["other_sample"]},
        )
        for row in found.iter_rows(named=True)
    ]


def _round_swaps(results: pl.DataFrame, items: pl.DataFrame) -> list[Flag]:
    """Two samples of a comparison round that a laboratory seems to have interchanged: one flag a sample."""
    return [
        flag(
            "sample_swap",
            row["lab"],
            row["sample"],
            row["result"],
            {"lab": row["lab"], "sample": row["sample"], "other": row["other_sample"]},
        )
        for row in round_swaps(results, items).iter_rows(named=True)
    ]


def _sample_differs(tests: pl.DataFrame, results: pl.DataFrame, swapped: set[str]) -> list[Flag]:
    """Samples whose results stand apart as nothing else of their laboratories does; the flag names the sample only."""
    rows = tests.filter(~pl.col("sample").is_in(list(swapped)))
    evidence = (
        results.join(rows.select("sample", "lab"), on=["sample", "lab"], how="semi")
        .group_by("sample")
        .agg(pl.col("result").sort())
    )
    by = rows.group_by("sample").agg(pl.col("lab").sort().unique(maintain_order=True), n="n", times=pl.col("times").max())
    return [
        flag(
            "sample_differs",
            None,
            row["sample"],
            row["result"],
            {"sample": row["sample"], "labs": ", ".join(row["lab"]), "items": max(row["n"]), "times": f"{row['times']:.1f}"},
        )
        for row in by.join(evidence, on="sample", how="left").sort("sample").iter_rows(named=True)
    ]


def _item_changes(drifts: pl.DataFrame) -> list[Flag]:
    """Items that change with the days between original and retest: the expected change is taken out, nobody is charged."""
    return [
        flag(
            "item_changes",
            None,
            None,
            row["evidence"],
            {
                "item": row["item"],
                "slope": f"{30 * row['slope']:+.2f}",
                "u": f"{30 * row['se']:.2f}",
                "blocks": row["blocks"],
                "days": f"{row['days']:.0f}",
            },
        )
        for row in drifts.iter_rows(named=True)
    ]


def _occasions_differ(rows: pl.DataFrame) -> list[Flag]:
    """Laboratories whose originals or retests do not go with their rounds, or their last half-year with the time before."""
    return [
        flag(
            f"{row['occasion']}_differ",
            row["lab"],
            None,
            row["evidence"],
            {
                "lab": row["lab"],
                "samples": row["n_samples"],
                "others": row["n_others"],
                **{name: f"{row[name]:+.1f}" for name in ("estimate", "lower", "upper")},
                "chance": chance(row["p_value"]),
            },
        )
        for row in rows.iter_rows(named=True)
    ]
