"""Gross errors are counted against who made them, counted by hand."""

import polars as pl
import pytest
from scipy import stats

from labqa.analysis import gross
from labqa.analysis.bias_settings import BiasSettings
from labqa.core import tables as t
from labqa.stats.bounds import p_count_above


def compared(*rows: tuple[str, str, int, int]) -> pl.DataFrame:
    """Comparisons of two laboratories: names, samples that both tested, and in how many of these a gross error shows."""
    told = []
    for a, b, n, hits in rows:
        for k in range(n):
            name = f"{a}{b}{k:03d}"
            row = {"pair": name, "item": "I", "sample": name, "family": "F", "unit": name, "hit": k < hits, "r_ratio": 2.0 + k}
            told += [{**row, "lab": a, "partner": b, "side": 1, "role": "original"}]
            told += [{**row, "lab": b, "partner": a, "side": -1, "role": "retest"}]
    return pl.DataFrame(told)


def found(*rows: tuple[str, str, int, int]) -> dict[str, dict]:
    return {row["lab"]: row for row in gross.by_lab(compared(*rows)).iter_rows(named=True)}


WORLD = [("P", "Q", 30, 0), ("Q", "R", 30, 0), ("P", "R", 30, 0)]


def test_who_has_gross_errors_with_everyone_made_them() -> None:
    told = found(("A", "P", 10, 8), ("A", "Q", 10, 8), ("A", "R", 10, 8), *WORLD)
    assert (told["A"]["n"], told["A"]["hits"], told["A"]["n_partners"]) == (30, 24, 3)
    assert told["A"]["expected"] == 0.0, "with others its partners have none"
    assert (told["A"]["n_others"], told["A"]["hits_others"]) == (20, 16), "without the partner on whom it rests most"
    assert len(told["A"]["evidence"]) == 24
    assert told["A"]["evidence"][:4] == ["AP007", "AQ007", "AR007", "AP006"], "the largest differences first"
    # P met A in 10 tests, and A has 16 errors in 20 tests with others; the rate among all others is 16 in 20 + 30
    rate = 16 / (20 + 30)
    with_a, with_q = (16 + 10 * rate) / (20 + 10), (8 + 10 * rate) / (40 + 10)
    assert with_q < rate < with_a, "with Q the family's rate is the higher one"
    assert told["P"]["expected"] == pytest.approx(10 * with_a + 60 * rate)


def test_one_bad_partner_charges_nobody_else() -> None:
    told = found(("A", "B", 20, 18), ("A", "P", 10, 0), ("A", "Q", 10, 0), ("B", "P", 10, 9), ("B", "Q", 10, 9), *WORLD)
    assert (told["A"]["hits"], told["A"]["hits_others"]) == (18, 0), "all of A's rest on B"
    assert told["B"]["hits_others"] == 18
    p = {
        lab: float(p_count_above(row["hits_others"], row["n_others"], row["expected_others"] / row["n_others"] + 0.05))
        for lab, row in told.items()
    }
    assert p["B"] < 1e-6
    assert all(p[lab] > 0.01 for lab in "APQR")


def test_a_family_in_which_all_have_gross_errors_charges_nobody() -> None:
    """Heterogeneous, or its σR too small: A tests nothing else, its partners mostly other products."""
    bad = compared(*((a, b, 10, 8) for a, b in [("A", "P"), ("A", "Q"), ("A", "R"), ("B", "P"), ("B", "Q"), ("B", "R")]))
    good = compared(*((a, b, 90, 0) for a, b, _, _ in WORLD)).with_columns(family=pl.lit("G"))
    a = next(row for row in gross.by_lab(pl.concat([bad, good])).iter_rows(named=True) if row["lab"] == "A")
    chance = a["expected_others"] / a["n_others"]
    assert chance > 0.6, "what B has in the family, not the tenth that the partners have with others"
    assert float(p_count_above(a["hits_others"], a["n_others"], chance + 0.05)) > 0.01
    assert ("A", "lab") in withheld(aside(pl.concat([bad, good]))), "and yet nothing is said of its bias"


def test_what_only_one_laboratory_tests_may_be_the_product() -> None:
    alone = compared(("A", "P", 10, 8), ("A", "Q", 10, 8), ("A", "R", 10, 8))
    shared = compared(*WORLD).with_columns(family=pl.lit("G"))
    kept = gross.where_others_test(pl.concat([alone, shared]))
    assert set(kept.filter(family="F")["lab"]) == {"P", "Q", "R"}, "of these A's other tests tell"
    assert kept.filter(family="G").height == shared.height
    for others, told in ((11, False), (12, True)):
        kept = gross.where_others_test(pl.concat([alone, compared(("B", "Q", others, 0)), shared]))
        assert (kept.filter(family="F", lab="A").height == 30) == told


def test_runs_are_counted_not_samples() -> None:
    """A unit slip that spoils a day is one slip, however many samples were tested that day."""
    rows = compared(("A", "P", 6, 6), ("A", "Q", 6, 0), ("A", "R", 6, 0))
    of_a = rows.with_columns(unit=pl.when((pl.col("lab") == "A") & pl.col("hit")).then(pl.lit("day")).otherwise("unit"))
    told = {row["lab"]: row for row in gross.by_lab(of_a).iter_rows(named=True)}
    assert (told["A"]["n"], told["A"]["hits"], told["A"]["n_samples"]) == (13, 1, 18)


def told_of(*pairs: tuple[str, str, bool], why_not: str | None = None, category: str = "blunder_suspected") -> dict[str, bool]:
    """Who is told to have made a gross error in a block of an original with these other tests (lab, lab, far apart)."""
    rows = [
        {"pair": f"{k}", "item": "I", "sample": "S", "family": "F", "block": "B", "kind": "between", "trigger": None}
        | {"original_lab": a, "retest_lab": b, "original_result": a, "retest_result": b, "delta": 1.0}
        | {"r_ratio": 6.0 if far else 0.4, "category": category if far else "agree"}
        for k, (a, b, far) in enumerate(pairs)
    ]
    both = pl.DataFrame(rows, schema_overrides={"trigger": pl.String})
    blocks = pl.DataFrame({"block": ["B"], "why_not": [why_not]}, schema={"block": pl.String, "why_not": pl.String})
    results = pl.DataFrame({"result": list("OTR"), "run": [None, "r", "s"], "sample": "S"})
    measured = ["delta", "r_ratio", "category"]
    rows_of = gross.compared(both.drop(measured), both.select("pair", *measured), blocks, results)
    return {lab: bool(rows_of.filter(lab=lab)["gross"].any()) for lab in sorted(set(rows_of["lab"]))}


def test_in_a_pair_both_may_have_made_it() -> None:
    assert told_of(("O", "T", True), why_not="bias.blunder") == {"O": True, "T": True}
    assert told_of(("O", "T", True)) == {"O": False, "T": False}, "the fit kept it: a bias explains it"


def test_a_referee_tells_who_made_it() -> None:
    assert told_of(("O", "T", True), ("O", "R", True)) == {"O": True, "R": False, "T": False}
    assert told_of(("O", "T", True), ("O", "R", False)) == {"O": False, "R": False, "T": True}
    assert told_of(("O", "T", False), ("O", "R", True)) == {"O": False, "R": True, "T": False}
    assert not any(told_of(("O", "T", True), ("O", "R", True), category="discrepant").values()), "a bias may explain it"
    assert all(told_of(("O", "T", True), ("O", "R", True), why_not="bias.blunder").values()), "three that all differ"


@pytest.mark.parametrize(("hits", "n", "chance"), [(0, 10, 0.1), (1, 10, 0.1), (7, 12, 0.2), (10, 10, 0.3), (3, 40, 0.05)])
def test_the_tail_is_that_of_the_binomial(hits: int, n: int, chance: float) -> None:
    assert float(p_count_above(hits, n, chance)) == pytest.approx(float(stats.binom.sf(hits - 1, n, chance)), rel=1e-12)


def bias_rows(estimate: float, status: str = "assessed") -> pl.DataFrame:
    counts = dict.fromkeys(["n_samples", "n_partners", "n_blocks", "component_labs"], 30)
    of_all = {"se": 0.1, "df": 50.0, "zero": "relative", "status": status, **counts}
    rows = [
        {"lab": lab, "scope": scope, "scope_id": item, "estimate": estimate, **of_all}
        | {"lower": estimate - 0.2, "upper": estimate + 0.2}
        for lab in "AP"
        for scope, item in (("lab", ""), ("item", "I"), ("item", "J"))
    ]
    return t.shaped(pl.DataFrame(rows), t.LabBias)


def withheld(rows: pl.DataFrame, estimate: float = 0.1, status: str = "assessed") -> set[tuple[str, str]]:
    told = gross.withheld(bias_rows(estimate, status), rows, BiasSettings())
    t.LabBias.validate(told)
    lost = told.filter(pl.col("status") == "undetermined")
    assert lost["estimate"].null_count() == lost.height
    assert set(lost["reason"]) <= {"bias.set_aside"}
    return set(lost.select("lab", pl.concat_str("scope", "scope_id")).iter_rows())


def aside(rows: pl.DataFrame, *, differs: bool = False, beyond: bool = True) -> pl.DataFrame:
    return rows.rename({"hit": "told"}).with_columns(
        gross=pl.col("told") & pl.lit(not differs), differs=pl.col("told") & pl.lit(differs), beyond=pl.lit(beyond)
    )


def test_a_bias_is_withheld_where_its_evidence_was_set_aside() -> None:
    all_of_a = compared(("A", "P", 10, 8), ("A", "Q", 10, 8), ("A", "R", 10, 8), *WORLD)
    everything = {("A", "lab"), ("A", "itemI"), ("A", "itemJ")}
    assert withheld(aside(all_of_a)) == everything
    assert withheld(aside(all_of_a, differs=True)) == everything, "whose samples all differ differs itself"
    assert withheld(aside(all_of_a, differs=True, beyond=False)) == set(), "what agrees was not set aside for its value"


def test_a_bias_to_the_side_of_what_was_set_aside_is_larger_if_anything() -> None:
    all_of_a = aside(compared(("A", "P", 10, 8), ("A", "Q", 10, 8), ("A", "R", 10, 8), *WORLD))
    assert withheld(all_of_a, estimate=1.5) == set()
    assert len(withheld(all_of_a, estimate=0.6)) == 3, "larger than 0.6, but none beyond the tolerance would be found"
    assert len(withheld(all_of_a, estimate=-1.5)) == 3
    assert len(withheld(all_of_a, estimate=1.5, status="not_assessed")) == 3, "two samples left of 30 are no lack of tests"
    both_ways = all_of_a.with_columns(side=pl.int_range(pl.len()) // 2 % 2 * 2 - 1)
    assert len(withheld(both_ways, estimate=1.5)) == 3


def test_an_item_alone_is_withheld_where_only_its_evidence_was_set_aside() -> None:
    bad = compared(("A", "P", 3, 3), ("A", "Q", 3, 3), ("A", "R", 3, 3), *WORLD)
    good = compared(("A", "P", 30, 0), ("A", "Q", 30, 0), ("A", "R", 30, 0), *WORLD).with_columns(
        pl.concat_str(pl.lit("J"), name).alias(name) for name in ("item", "sample", "unit", "pair")
    )
    both = pl.concat([bad, good.with_columns(item=pl.lit("J"))])
    assert withheld(aside(both)) == {("A", "itemI")}


def test_an_item_of_which_the_fit_kept_nothing_is_not_left_out_of_the_table() -> None:
    """All results of A on item K are off: no block of it was left in the fit, hence no row of LAB_BIAS."""
    others = compared(("A", "P", 30, 0), ("A", "Q", 30, 0), ("A", "R", 30, 0), *WORLD)
    lost = compared(("A", "P", 3, 3), ("A", "Q", 3, 3), ("A", "R", 3, 3), *WORLD).with_columns(
        pl.concat_str(pl.lit("K"), name).alias(name) for name in ("sample", "unit", "pair")
    )
    told = gross.withheld(bias_rows(0.1), aside(pl.concat([others, lost.with_columns(item=pl.lit("K"))])), BiasSettings())
    rows = (
        told.filter(scope_id="K")
        .select("lab", "status", "reason", "n_samples", "n_partners", "n_blocks", "component_labs")
        .rows()
    )
    assert rows[0] == ("A", "undetermined", "bias.set_aside", 9, 3, 0, 1), "the fit ties it to nobody"
    assert rows[1] == ("P", "not_assessed", "bias.nothing_comparable", 63, 3, 0, 1), (
        "A's errors are nothing that P must answer for"
    )
    assert told.sort("lab", "scope", "scope_id").equals(told)


def test_half_of_what_was_tested_in_one_role_withholds_what_is_said_of_all() -> None:
    right = [("P", "A", 15, 0), ("Q", "A", 15, 0), ("R", "A", 15, 0)]
    wrong = [("A", "P", 2, 2), ("A", "Q", 2, 2), ("A", "R", 2, 0)]
    assert 4 / 51 < 0.2 < 4 / 6
    assert withheld(aside(compared(*right, *wrong, *WORLD))) == {("A", "lab"), ("A", "itemI"), ("A", "itemJ")}
    mixed = compared(*right, *wrong, *WORLD).with_columns(role=pl.lit("original"))
    assert withheld(aside(mixed)) == set(), "as few among all"
    assert withheld(aside(compared(*right, ("A", "P", 2, 2), ("A", "Q", 2, 0), ("A", "R", 2, 0), *WORLD))) == set(), "a third"


def test_few_or_chance_withhold_nothing() -> None:
    assert withheld(aside(compared(("A", "P", 3, 3), ("A", "Q", 1, 0), ("A", "R", 1, 0), *WORLD))) == set(), "five samples"
    assert withheld(aside(compared(("A", "P", 20, 1), ("A", "Q", 20, 1), ("A", "R", 20, 1), *WORLD))) == set(), "one in twenty"
