"""Grades, results near a limit and yes/no items take part, and every block and result is accounted for."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import polars as pl
import pytest
from bias_networks import fitted, network
from facts import PRODUCTS, items, pair, results

from labqa.analysis import comparable, graded, pairing, passfail
from labqa.analysis.bias_settings import BiasSettings
from labqa.core import tables as t
from labqa.service.pipeline import Facts
from labqa.simulate import card as cards
from labqa.simulate import network as simulated
from tests.evaluations import evaluated, facts_of


@cache
def run() -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
    """Run tables of a small network of two years, evidence of the last only, and its results."""
    demo = cards.load("demo")
    labs = replace(demo.labs, n=30, blameless=8, new=2, small=2, groups=0, families=(1, 2))
    made = simulated.simulate(replace(demo, n_years=2, planted=(), labs=labs), seed=3)
    return evaluated(facts_of(made), pooled=1, read=2), made.results


def test_every_block_and_every_result_stands_in_one_row() -> None:
    tables, delivered = run()
    use = tables["evidence_use"]
    assert use["n_blocks"].sum() == tables["blocks"].height
    assert use["n_results"].sum() == delivered.height
    by_item = use.group_by("item").agg(n=pl.col("n_blocks").sum()).sort("item")
    assert by_item.to_dicts() == tables["blocks"].group_by("item").agg(n=pl.len().cast(pl.Int64)).sort("item").to_dicts()


def test_what_is_not_used_says_why_and_what_is_used_needs_no_reason() -> None:
    use = run()[0]["evidence_use"].filter(pl.col("kind") != "assigned")
    assert ((use["used_by"] == "none") == (use["reason"] != "")).all()
    assert {"fit", "grades", "agreement", "none"} <= set(use["used_by"])
    assert (use.filter(pl.col("used_by") == "fit")["n_blocks"].sum()) == run()[0]["blocks"]["used_for_bias"].sum()


def test_superseded_and_not_applicable_results_are_counted_too() -> None:
    rows = [row for k in range(4) for row in pair(f"S{k}", 10.0 + k, 10.5 + k)]
    rows.append({"sample": "S0", "lab": "A", "role": "original", "value": 11.0, "revision": 1})
    taken_back = {"value": None, "qualifier": "not_applicable", "revision": 1}
    rows.append({"sample": "S2", "lab": "B", "role": "retest", "trigger": "planned", **taken_back})
    rows.append({"sample": "S9", "lab": "A", "role": "original", "value": None, "qualifier": "not_applicable"})
    rows.append({"sample": "S1", "lab": None, "role": "assigned", "value": 10.9})
    facts = results(rows)
    register = items({"item": "I1", "reproducibility_constant": 2.8})
    everything = Facts(facts, t.empty(t.Labs), t.empty(t.Capabilities), register, PRODUCTS, t.empty(t.ClassInForce))
    use = evaluated(everything, pooled=1, read=1)["evidence_use"]
    outside = dict(use.filter(pl.col("n_blocks") == 0).select("kind", "n_results").iter_rows())
    assert outside == {"superseded": 2, "not_applicable": 2, "assigned": 1}
    assert use["n_results"].sum() == facts.height


def test_blocks_near_the_limit_are_left_out_of_the_fit_whether_or_not_they_happen_to_be_numbers() -> None:
    rows: list[dict[str, object]] = [
        {"sample": "T3", "lab": "A", "role": "original", "value": None, "qualifier": "below", "upper": 10.0, "trigger": None},
        {"sample": "T3", "lab": "B", "role": "retest", "trigger": "planned", "value": 10.4},
        *pair("T1", 10.0, 10.2),
        *pair("T2", 13.0, 13.4),
        *network(1, biases=dict.fromkeys("ABCDEF", 0.0), n_samples=30),
    ]
    told = {row["sample"]: row["why_not"] for row in fitted(rows)[1].iter_rows(named=True)}
    assert told["T1"] == "bias.near_loq" and told["T3"] == "bias.censored"
    assert told["T2"] is None  # σR is 1: 13.2 clears the limit of 10 by more than 2.5
    without = [row for row in rows if row["sample"] != "T3"]
    assert {row["sample"]: row["why_not"] for row in fitted(without)[1].iter_rows(named=True)}["T1"] is None


def stated(rows: list[dict[str, object]]) -> pl.DataFrame:
    facts = results(rows)
    samples = pairing.samples(facts, PRODUCTS)
    return comparable.stated(facts, pairing.blocks(facts, samples), include_objection=False)


def graded_rows(seed: int, shift: dict[str, float], n: int = 240) -> list[dict[str, object]]:
    draw = np.random.default_rng(seed)
    rows: list[dict[str, object]] = []
    for k in range(n):
        two = draw.permutation(sorted(shift))[:2]
        level = draw.normal(3.5, 0.7)
        given = [float(np.clip(np.rint(2 * (level + 0.35 * (shift[lab] + draw.normal()))) / 2, 1, 5)) for lab in two]
        rows += pair(f"S{k:03d}", *given, labs=(str(two[0]), str(two[1])))
    return rows


GRADED = items({"item": "I1", "scale": "ordinal", "grades": "1|1-2|2|2-3|3|3-4|4|4-5|5"})
YES_NO = items({"item": "I1", "scale": "binary"})


def test_a_lenient_grader_is_found_and_the_others_are_not() -> None:
    found = graded.lab_grades(stated(graded_rows(2, dict.fromkeys("ABCDEFG", 0.0) | {"H": 1.5})), GRADED, BiasSettings())
    t.LabGrades.validate(found)
    lenient = found.row(by_predicate=pl.col("lab") == "H", named=True)
    assert lenient["status"] == "assessed" and lenient["zero"] == "relative"
    assert lenient["lower"] > 0.5 and lenient["lower"] < 1.5 < lenient["upper"]
    assert (found.filter(pl.col("lab") != "H")["estimate"].abs() < 0.7).all()


def test_grades_do_not_depend_on_the_order_of_rows() -> None:
    rows = graded_rows(3, dict.fromkeys("ABCDE", 0.0), n=80)
    one = graded.lab_grades(stated(rows), GRADED, BiasSettings())
    other = graded.lab_grades(stated(rows[::-1]), GRADED, BiasSettings())
    assert one.equals(other)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (graded_rows(4, dict.fromkeys("ABCD", 0.0)), "bias.small_component"),
        (graded_rows(4, dict.fromkeys("ABCDEF", 0.0), n=12), "bias.few_samples"),
        (graded_rows(4, dict.fromkeys("AB", 0.0)), "bias.few_partners"),
    ],
)
def test_no_sign_where_the_evidence_does_not_bear_it(rows: list[dict[str, object]], reason: str) -> None:
    found = graded.lab_grades(stated(rows), GRADED, BiasSettings())
    assert reason in found["reason"].to_list()
    assert found.filter(pl.col("reason").is_in(["bias.small_component", "bias.few_partners"]))["estimate"].is_null().all()


def test_a_laboratory_that_gives_the_best_grade_only_gets_no_figure() -> None:
    rows = graded_rows(5, dict.fromkeys("ABCDEFGH", 0.0))
    for row in rows:
        if row["lab"] == "H":
            row["value"] = 5.0
    found = graded.lab_grades(stated(rows), GRADED, BiasSettings()).row(by_predicate=pl.col("lab") == "H", named=True)
    assert (found["status"], found["reason"], found["estimate"]) == ("undetermined", "kinds.end_of_scale", None)


def test_a_laboratory_that_passes_what_others_fail_is_seen_and_not_judged_right_or_wrong() -> None:
    draw = np.random.default_rng(6)
    labs = list("ABCDEFG")
    rows: list[dict[str, object]] = []
    for k in range(260):
        two = [str(one) for one in draw.permutation(labs)[:2]]
        chance = draw.beta(1.5, 1.0)
        given = [float(draw.random() < (1 - (1 - chance) * 0.5 if lab == "G" else chance)) for lab in two]
        rows += pair(f"S{k:03d}", *given, labs=(two[0], two[1]))
    found = passfail.lab_agreement(stated(rows), YES_NO, BiasSettings())
    t.LabAgreement.validate(found)
    soft = found.row(by_predicate=(pl.col("lab") == "G") & (pl.col("item") == ""), named=True)
    assert soft["p_value"] < 0.001 and soft["passed"] > soft["passed_expected"]
    assert soft["odds_lower"] > 0
    both = found.filter(pl.col("lab") == "A").drop("item").rows()
    assert both[0] == both[1]  # of one item, all items together are that item
