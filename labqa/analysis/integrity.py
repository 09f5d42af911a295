"""Screens of what was delivered: each flag names something to look at, with its evidence; it never accuses.

Chance is controlled where it can produce the pattern: a copied vector must be so specific that at most 0.01 are expected in
the whole programme, and a repeated original must be repeated on more items than chance explains at 1 in 1,000 laboratories.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from scipy import special

from labqa.analysis.pairing import current
from labqa.analysis.pairing import tests as tests_of
from labqa.analysis.swaps import swaps
from labqa.core import tables as t
from labqa.core.provenance import digest
from labqa.core.vocabulary import NUMERIC_SCALES, PairKind, Qualifier, Role
from labqa.core.wording.catalogue import Message
from labqa.stats.scores import agreement, differences

MOST_EVIDENCE = 50
COPIED_ITEMS = 5
"""Items that a copied vector must have."""
COPIED_BY_CHANCE = 0.01
"""Copied vectors expected by chance in the programme, at most."""
SLIP_TOLERANCE = 0.05
"""log10 of the ratio within which two results agree once one is shifted (12 %)."""
IDENTICAL_PAIRS = 10
"""Retest results needed before their repetition of the original is judged."""
IDENTICAL_P = 0.001
"""Chance of as many repetitions, shared among the laboratories judged (Bonferroni)."""


def flags(
    results: pl.DataFrame,
    samples: pl.DataFrame,
    items: pl.DataFrame,
    capabilities: pl.DataFrame,
    pairs: pl.DataFrame,
    discrepancies: pl.DataFrame,
) -> pl.DataFrame:
    """FLAGS of all screens, sorted by rule, lab and sample."""
    rows = current(results).join(samples.select("sample", "family"), on="sample", how="left", maintain_order="left")
    scored = pairs.join(discrepancies, on="pair", how="left", maintain_order="left")
    scored = scored.join(items.select("item", "scale"), on="item", how="left", maintain_order="left")
    found = [
        *_sampler_is_tester(rows),
        *_outside_capability(rows, capabilities),
        *_unit_slips(scored),
        *_sample_swaps(scored),
        *_copied_vectors(tests_of(results), items),
        *_repeats_original(scored),
    ]
    frame = pl.DataFrame(found, schema=t.Flags.create_empty().schema)
    return frame.sort("rule", "lab", "sample", "flag", nulls_last=True)


def _flag(
    rule: str, lab: str | None, sample: str | None, evidence: list[str], values: Mapping[str, object]
) -> dict[str, object]:
    """One flag; its id is the hash of rule, laboratory, sample and evidence."""
    return {
        "flag": digest(rule, lab or "", sample or "", *evidence),
        "lab": lab,
        "sample": sample,
        "rule": f"integrity.{rule}",
        "message": Message(f"integrity.{rule}", values).to_json(),
        "evidence": evidence[:MOST_EVIDENCE],
    }


def _sampler_is_tester(rows: pl.DataFrame) -> list[dict[str, object]]:
    """The body that drew the sample also tested it as the first laboratory (抽检分离): one flag a laboratory."""
    same = rows.filter((pl.col("sampler") == pl.col("lab")) & (pl.col("role") == Role.ORIGINAL))
    by = same.group_by("lab", maintain_order=True).agg(pl.col("sample").n_unique().alias("samples"), pl.col("result").sort())
    return [
        _flag("sampler_is_tester", row["lab"], None, row["result"], {"lab": row["lab"], "samples": row["samples"]})
        for row in by.sort("lab").iter_rows(named=True)
    ]


def _outside_capability(rows: pl.DataFrame, capabilities: pl.DataFrame) -> list[dict[str, object]]:
    """Results in a product family for which the laboratory held no capability on the day of test (or of drawing).

    Laboratories without any registered capability are left out, since nothing is known of theirs; so are undated results of a
    laboratory that held the capability at some time.
    """
    known = rows.filter(pl.col("lab").is_in(capabilities["lab"].unique().to_list()) & pl.col("family").is_not_null())
    tested = known.filter(pl.col("role") != Role.ASSIGNED).select(
        "lab", "family", "result", "sample", day=pl.coalesce("tested_on", "drawn_on")
    )
    held = tested.join(capabilities, on=["lab", "family"], how="inner").filter(
        pl.col("day").is_null()
        | ((pl.col("valid_from") <= pl.col("day")) & (pl.col("day") <= pl.col("valid_to")).fill_null(True))
    )
    outside = tested.join(held.select("result").unique(), on="result", how="anti").sort("lab", "family", "result")
    by = outside.group_by("lab", "family", maintain_order=True).agg(pl.col("sample").n_unique().alias("samples"), "result")
    return [
        _flag(
            "outside_capability",
            row["lab"],
            None,
            row["result"],
            {"lab": row["lab"], "family": row["family"], "samples": row["samples"]},
        )
        for row in by.iter_rows(named=True)
    ]


def _unit_slips(scored: pl.DataFrame) -> list[dict[str, object]]:
    """Blunders that agree within 12 % once one result is shifted by a power of ten; who slipped is not said."""
    ratio = scored.filter((pl.col("scale") == "ratio") & (pl.col("category") == "blunder_suspected")).sort("pair")
    ratio = ratio.filter((pl.col("original_value") > 0) & (pl.col("retest_value") > 0))
    power = np.log10(ratio["retest_value"].to_numpy() / ratio["original_value"].to_numpy())
    near = np.rint(power)
    slipped = np.isin(np.abs(near), agreement.POWERS) & (np.abs(power - near) < SLIP_TOLERANCE)
    found = ratio.with_columns(power=pl.Series(np.where(slipped, near, 0.0)).cast(pl.Int64)).filter(pl.Series(slipped))
    return [
        _flag(
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


def _sample_swaps(scored: pl.DataFrame) -> list[dict[str, object]]:
    """Two samples that a laboratory seems to have interchanged: one flag a sample."""
    with_limit = scored.with_columns(limit=differences.LIMIT_FACTOR * pl.col("sigma_R"))
    evidence = scored.group_by("sample", "original_lab", "retest_lab").agg(pl.col("pair").sort_by("item", "pair"))
    found = swaps(with_limit).join(evidence, on=["sample", "original_lab", "retest_lab"], how="left", maintain_order="left")
    return [
        _flag(
            "sample_swap",
            row["lab"],
            row["sample"],
            row["pair"],
            {"lab": row["lab"], "sample": row["sample"], "other": row["other_sample"]},
        )
        for row in found.iter_rows(named=True)
    ]


def _copied_vectors(tests: pl.DataFrame, items: pl.DataFrame) -> list[dict[str, object]]:
    """The same values on 5 or more items in two samples of one laboratory.

    Chance: the values are taken as drawn independently per item from all that the programme reports for it, so two
    vectors agree with Π Σ f² over their items; times the number of the laboratory's sample pairs with those items, added
    over the programme's laboratories.
    """
    numeric = items.filter(pl.col("scale").is_in([str(scale) for scale in NUMERIC_SCALES])).select("item")
    rows = tests.filter(
        (pl.col("qualifier") == Qualifier.QUANTIFIED) & pl.col("lab").is_not_null() & (pl.col("role") != Role.ASSIGNED)
    ).join(numeric, on="item", how="semi", maintain_order="left")
    shares = rows.group_by("item", "value").len().with_columns(f=pl.col("len") / pl.col("len").sum().over("item"))
    alike = shares.group_by("item").agg(log_alike=(pl.col("f") ** 2).sum().log()).sort("item")
    vectors = (
        rows.join(alike, on="item", how="left", maintain_order="left")
        .sort("lab", "sample", "role", "item")
        .group_by("lab", "sample", "role", maintain_order=True)
        .agg(
            vector=(pl.col("item") + "=" + pl.col("value").cast(pl.String)).str.join("|"),
            asked=pl.col("item").str.join("|"),
            n=pl.len(),
            distinct=pl.col("value").n_unique(),
            log_alike=pl.col("log_alike").sum(),
            result=pl.col("result").first(),
        )
        .filter((pl.col("n") >= COPIED_ITEMS) & (pl.col("distinct") > 1))
    )
    vectors = vectors.unique(["lab", "sample"], keep="first", maintain_order=True)
    chances = pl.len().over("lab", "asked") * (pl.len().over("lab", "asked") - 1) / 2
    expected = chances * pl.col("log_alike").exp() * pl.col("lab").n_unique()
    copied = vectors.filter((pl.len().over("lab", "vector") > 1) & (expected <= COPIED_BY_CHANCE))
    by = (
        copied.sort("lab", "vector", "sample")
        .group_by("lab", "vector", maintain_order=True)
        .agg("sample", "result", pl.col("n").first())
    )
    return [
        _flag(
            "copied_vector",
            row["lab"],
            None,
            row["result"],
            {"lab": row["lab"], "samples": ", ".join(row["sample"][:8]), "n": len(row["sample"]), "items": row["n"]},
        )
        for row in by.iter_rows(named=True)
    ]


def _repeats_original(scored: pl.DataFrame) -> list[dict[str, object]]:
    """A laboratory whose retests repeat the original's value far more often than the other laboratories' retests do.

    The chance of a repetition is, per item, the share among the retests of the *other* laboratories (with half a
    repetition added); their sum is compared with what was seen by a Poisson tail, shared among the laboratories judged.
    Between laboratories only.
    """
    rows = scored.filter(
        (pl.col("kind") == PairKind.BETWEEN)
        & (pl.col("original_qualifier") == Qualifier.QUANTIFIED)
        & (pl.col("retest_qualifier") == Qualifier.QUANTIFIED)
        & pl.col("scale").is_in([str(scale) for scale in NUMERIC_SCALES])
    ).with_columns(same=pl.col("delta") == 0.0)
    own, own_n = pl.col("same").sum().over("item", "retest_lab"), pl.len().over("item", "retest_lab")
    others = (pl.col("same").sum().over("item") - own + 0.5) / (pl.len().over("item") - own_n + 1)
    by = (
        rows.with_columns(p=others)
        .sort("retest_lab", "pair")
        .group_by("retest_lab", maintain_order=True)
        .agg(n=pl.len(), seen=pl.col("same").sum(), expected=pl.col("p").sum(), pair=pl.col("pair").filter("same"))
        .filter(pl.col("n") >= IDENTICAL_PAIRS)
    )
    tail = special.gammainc(np.maximum(by["seen"].to_numpy(), 1), by["expected"].to_numpy())
    told = by.filter(pl.Series((by["seen"].to_numpy() > 0) & (tail * max(by.height, 1) <= IDENTICAL_P)))
    return [
        _flag(
            "identical_to_original",
            row["retest_lab"],
            None,
            row["pair"],
            {"lab": row["retest_lab"], "seen": row["seen"], "n": row["n"], "expected": f"{row['expected']:.1f}"},
        )
        for row in told.iter_rows(named=True)
    ]
