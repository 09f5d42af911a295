"""Results that do not go with a laboratory's others are found, whatever its partners do, and nobody else is."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from bias_networks import CODES, REGISTER
from facts import PRODUCTS, results
from scipy import stats

from labqa.analysis import occasions, pairing, yardsticks
from labqa.analysis.bias import fitted
from labqa.analysis.bias_settings import BiasSettings
from labqa.core import tables as t

LABS = [f"L{k:02d}" for k in range(12)]
FIRST = date(2018, 1, 1)
Shift = dict[tuple[str, str], float]


def facts(seed: int, shift: Shift, *, trigger: str = "planned", n_samples: int = 144, n_rounds: int = 12, late: float = 0.0):
    """Spot checks of 2 laboratories and rounds of 8 over a year; σR is 1. `shift` is added to what a laboratory (or `*`)
    reports in a role, `late` to what L00 reports in the second half of the year."""
    draw = np.random.default_rng(seed)
    bias = {(lab, item): draw.normal(0, 0.4) for lab in LABS for item in CODES}
    rows: list[dict[str, Any]] = []

    def test(sample: str, day: int, level: dict[str, float], lab: str, role: str) -> None:
        for item in CODES:
            value = level[item] + bias[lab, item] + shift.get((lab, role), shift.get(("*", role), 0.0)) + draw.normal(0, 0.5)
            value += late if lab == "L00" and day >= 182 else 0.0
            rows.append(
                {"sample": sample, "item": item, "lab": lab, "role": role, "value": float(value), "u": None}
                | {"trigger": trigger if role == "retest" else None, "tested_on": FIRST + timedelta(days=day)}
            )

    for k in range(n_samples + n_rounds):
        spot, level = k < n_samples, {item: draw.normal(50, 3) for item in CODES}
        labs = draw.permutation(LABS)[: 2 if spot else 8]
        day = int(draw.integers(0, 364))
        for lab, role in zip(labs, ("original", "retest") if spot else ["pt"] * 8, strict=True):
            test(f"S{k:04d}", day, level, str(lab), role)
    return results(rows)


def parts(given: pl.DataFrame) -> dict[str, Any]:
    samples = pairing.samples(given, PRODUCTS)
    blocks = pairing.blocks(given, samples)
    scale = yardsticks.yardsticks(REGISTER, blocks, pairing.pairs(given, samples), given)
    network = fitted(given, samples, blocks, REGISTER, scale, BiasSettings())[2]
    return {"network": network, "blocks": blocks, "scale": scale}


def told(given: pl.DataFrame, family: pl.Expr | None = None) -> pl.DataFrame:
    of = parts(given)
    blocks = of["blocks"] if family is None else of["blocks"].with_columns(family=family)
    return occasions.of_occasions(given, blocks, REGISTER, of["scale"], of["network"], BiasSettings())


def found(rows: pl.DataFrame) -> set[tuple[str, str]]:
    return set(occasions.differing(rows).select("lab", "occasion").iter_rows())


def test_nobody_differs_who_is_biased_alike_everywhere() -> None:
    rows = told(facts(1, {("L00", role): 3.0 for role in ("original", "retest", "pt")}))
    assert found(rows) == set()
    assert rows.group_by("occasion").len().sort("occasion").rows() == [("late", 12), ("originals", 12), ("retests", 12)]


@pytest.mark.parametrize(("role", "occasion"), [("original", "originals"), ("retest", "retests")])
def test_who_differs_from_its_rounds_is_found_and_no_partner_of_it(role: str, occasion: str) -> None:
    rows = told(facts(2, {("L00", role): 3.0}))
    assert found(rows) == {("L00", occasion)}
    row = rows.filter(lab="L00", occasion=occasion).row(0, named=True)
    assert row["lower"] < 3.0 < row["upper"]
    assert (row["n_samples"], row["n_others"]) == samples_of("L00", 2, role)


def samples_of(lab: str, seed: int, role: str) -> tuple[int, int]:
    mine = facts(seed, {}).filter(lab=lab)
    return tuple(mine.filter(role=one)["sample"].n_unique() for one in (role, "pt"))  # type: ignore[return-value]


def test_the_sign_is_that_of_the_results() -> None:
    assert told(facts(2, {("L00", "original"): -3.0})).filter(lab="L00", occasion="originals")["upper"][0] < -0.5


def test_right_originals_differ_from_wrong_rounds() -> None:
    """So may the half-year, if it held more of the rounds."""
    shown = found(told(facts(3, {("L00", "pt"): -3.0})))
    assert {("L00", "originals"), ("L00", "retests")} <= shown
    assert {lab for lab, _ in shown} == {"L00"}


def test_samples_that_all_change_before_the_retest_are_nobodys() -> None:
    assert found(told(facts(4, {("*", "retest"): 3.0}))) == set()


def test_evidence_are_the_blocks_that_show_it_most() -> None:
    given = facts(2, {("L00", "original"): 3.0})
    row = told(given).filter(lab="L00", occasion="originals").row(0, named=True)
    blocks = parts(given)["blocks"].filter(pl.col("block").is_in(row["evidence"]))
    mine = given.filter(lab="L00", role="original")
    assert row["evidence"] and set(blocks["sample"]) <= set(mine["sample"])
    values = given.join(blocks.select("sample", "item", "block"), on=["sample", "item"])
    above = {
        block: part.filter(lab="L00")["value"][0] - part.filter(pl.col("lab") != "L00")["value"][0]
        for (block,), part in values.group_by("block")
    }
    ordered = [above[block] for block in row["evidence"]]
    assert ordered == sorted(ordered, reverse=True)


def test_a_change_in_the_last_half_year_is_found() -> None:
    rows = told(facts(5, {}, late=3.0))
    assert found(rows) == {("L00", "late")}
    row = rows.filter(lab="L00", occasion="late").row(0, named=True)
    assert row["lower"] < 3.0 < row["upper"]


def test_what_differs_by_role_is_left_out_of_the_comparison_in_time() -> None:
    """Originals of a partner that are wrong may fall into one half-year."""
    given = facts(2, {("L00", "original"): 3.0})
    by_role = occasions._divisions(given)[0]
    left = occasions._without(given, by_role, occasions.differing(told(given)))
    assert left.equals(given.filter((pl.col("lab") != "L00") | (pl.col("role") != "original")))


def test_undated_tests_tell_nothing_of_time() -> None:
    undated = facts(5, {}, late=3.0).with_columns(tested_on=pl.lit(None, pl.Date))
    assert set(told(undated)["occasion"]) == {"originals", "retests"}


def test_retests_that_others_asked_for_do_not_count() -> None:
    """They follow what the original looked like."""
    given = facts(2, {("L00", "original"): 3.0}, trigger="expert")
    assert set(told(given)["occasion"]) <= {"late"}


@pytest.mark.parametrize(("others", "examined"), [(("L01",), False), (("L01", "L02"), True)])
def test_a_product_that_few_laboratories_test_first_may_differ_itself(others: tuple[str, ...], examined: bool) -> None:
    given = facts(2, {("L00", "original"): 3.0})
    first = given.filter((pl.col("role") == "original") & pl.col("lab").is_in(["L00", *others]))["sample"].unique().to_list()
    rows = told(given, pl.when(pl.col("sample").is_in(first)).then(pl.lit("01.02")).otherwise(pl.lit("01.03")))
    assert (rows.filter(lab="L00", occasion="originals").height == 1) == examined


def test_too_little_evidence_is_not_examined() -> None:
    assert set(told(facts(6, {("L00", "original"): 5.0}, n_rounds=4))["occasion"]) <= {"late"}, "four rounds of eight: 2.7 each"
    empty = occasions.of_occasions(facts(6, {}), *[pl.DataFrame()] * 3, None, BiasSettings())
    assert empty.equals(occasions.NONE)


def test_p_values_are_those_of_all_that_are_examined() -> None:
    """Holm's by hand: the smallest of m times m, the next times m − 1."""
    rows = told(facts(2, {("L00", "original"): 1.4, ("L05", "original"): -1.4}))
    raw = stats.t.sf((rows["estimate"].abs() - 0.5) / rows["se"], rows["df"])
    first, second = np.argsort(raw)[:2].tolist()
    expected = [rows.height * raw[first], max(rows.height * raw[first], (rows.height - 1) * raw[second])]
    assert max(expected) < 1.0
    assert rows["p_value"].gather([first, second]).to_list() == pytest.approx(expected)


def bias_rows(*rows: tuple[str, float, float]) -> pl.DataFrame:
    counts = dict.fromkeys(["n_samples", "n_partners", "n_blocks", "component_labs"], 30)
    made = [
        {"lab": lab, "scope": "item" if k else "lab", "scope_id": f"I{k}" if k else "", "estimate": estimate, "se": se}
        | {"df": 50.0, "lower": estimate - 2 * se, "upper": estimate + 2 * se, "zero": "relative", "status": "assessed"}
        | counts
        for k, (lab, estimate, se) in enumerate(rows)
    ]
    return t.shaped(pl.DataFrame(made), t.LabBias)


def shown(*labs: str) -> pl.DataFrame:
    return occasions.NONE.vstack(occasions.NONE.clear(len(labs)).with_columns(lab=pl.Series(labs)))


def test_a_mean_over_occasions_that_differ_is_withheld_unless_it_lies_beyond_the_tolerance() -> None:
    rows = bias_rows(("A", 0.9, 0.3), ("A", 3.0, 0.3), ("A", 0.1, 0.3))
    told = occasions.withheld(rows, shown("A"), BiasSettings())
    t.LabBias.validate(told)
    assert told.select("status", "reason", "estimate", "zero").rows() == [
        ("undetermined", "bias.occasions_differ", None, None),
        ("assessed", None, 3.0, "relative"),
        ("undetermined", "bias.occasions_differ", None, None),
    ]


def test_the_others_keep_theirs() -> None:
    rows = bias_rows(("A", 0.9, 0.3), ("A", 0.1, 0.3))
    assert occasions.withheld(rows, shown("B"), BiasSettings()).equals(rows)
    unassessed = rows.with_columns(status=pl.lit("not_assessed"), reason=pl.lit("bias.few_samples"))
    unassessed = t.shaped(unassessed, t.LabBias)
    assert occasions.withheld(unassessed, shown("A"), BiasSettings()).equals(unassessed)
