"""What rating is told, counted by hand."""

import polars as pl
import pytest
from facts import PRODUCTS, items, pair, results

from labqa.analysis import comparison, discrepancy, gross, indicators, pairing, yardsticks
from labqa.core import tables as t

PRECISION = {"reproducibility_constant": 2.8}
REGISTER = items({"item": "I1", **PRECISION, "upper_limit": 100.0}, {"item": "I2", **PRECISION, "upper_limit": None})


def told(
    rows: list[dict], lab_bias: pl.DataFrame | None = None, register: pl.DataFrame = REGISTER
) -> dict[tuple[str, str, str], dict]:
    facts = results(rows)
    samples = pairing.samples(facts, PRODUCTS)
    blocks, pairs = pairing.blocks(facts, samples).with_columns(used_for_bias=pl.lit(True)), pairing.pairs(facts, samples)
    scale = yardsticks.yardsticks(register, blocks, pairs, facts)
    scored = discrepancy.discrepancies(pairs, register, scale, facts)
    rounds = comparison.pt_scores(facts, samples, scale)
    known = t.empty(t.LabBias) if lab_bias is None else lab_bias
    compared = gross.compared(pairs, scored, blocks, facts)
    found = indicators.indicators(
        known, t.empty(t.LabPrecision), scored, pairs, rounds, t.empty(t.Flags), blocks, facts, compared, yardsticks=scale
    )
    t.Indicators.validate(found)
    return {(row["lab"], row["scope"], row["indicator"]): row for row in found.iter_rows(named=True)}


def anchored_round(name: str, values: dict[str, float], *, item: str = "I1") -> list[dict]:
    rows = [
        {"sample": name, "round": name[:2], "lab": lab, "role": "pt", "value": x, "item": item} for lab, x in values.items()
    ]
    return [*rows, {"sample": name, "round": name[:2], "lab": None, "role": "assigned", "value": 0.0, "item": item}]


def test_comparison_results_are_counted_by_item_and_by_round() -> None:
    rows = [
        *anchored_round("R1", {"A": 3.5, "B": 0.1}),
        *anchored_round("R1x", {"A": -2.5, "B": 0.2}, item="I2"),
        *anchored_round("R2", {"A": 3.0, "B": 2.5}),
    ]
    found = told(rows)
    counts = {name: (found["A", "lab", name]["estimate"], found["A", "lab", name]["n"]) for _, _, name in found}
    assert counts["pt_results"] == (3.0, 3)
    assert counts["pt_outliers_3"] == (1.0, 3)
    assert counts["pt_outliers_2"] == (3.0, 3)
    assert counts["pt_outlying_rounds_3"] == (1.0, 2)
    assert counts["pt_outlying_rounds_2"] == (2.0, 2)
    ids = results(rows)["result"].to_list()
    assert found["A", "lab", "pt_outliers_2"]["evidence"] == [ids[0], ids[6], ids[3]]
    assert found["B", "lab", "pt_outliers_3"]["estimate"] == 0.0


def test_pairs_beyond_r_are_counted_for_both_laboratories_against_chance() -> None:
    rows = [row for k in range(20) for row in pair(f"S{k:02d}", 50.0, 50.0 + (5.0 if k < 5 else 0.5))]
    found = told(rows)
    for lab in "AB":
        share = found[lab, "lab", "discrepancy_share"]
        assert (share["estimate"], share["n"], share["status"], len(share["evidence"])) == (0.25, 20, "assessed", 20)
        assert share["lower"] < 0.25 < share["upper"]
        # P(|D| > 2.8/√2) of a standard normal D is 4.77 %
        assert found[lab, "lab", "discrepancy_excess"]["estimate"] == pytest.approx(0.25 - 0.0477, abs=1e-4)
        assert found[lab, "lab", "pair_outliers_3"]["estimate"] == 5.0
        assert found[lab, "lab", "pair_outliers_3"]["n"] == 20


def test_objection_retests_count_nowhere() -> None:
    planned = [row for k in range(20) for row in pair(f"S{k}", 99.0, 105.0)]
    found = told([row | {"trigger": "objection"} if row["role"] == "retest" else row for row in planned])
    assert not [key for key in found if key[2] in ("discrepancy_share", "flip_excess", "pair_outliers_3")]


def test_flips_are_told_as_excess_over_those_expected() -> None:
    found = told([row for k in range(12) for row in pair(f"S{k}", 99.0, 101.0)])["A", "lab", "flip_excess"]
    assert found["estimate"] == pytest.approx(1 - 0.23975, abs=1e-4)
    assert found["lower"] > 0


def test_few_samples_are_not_assessed() -> None:
    found = told([row for k in range(11) for row in pair(f"S{k}", 99.0, 101.0)])["A", "lab", "flip_excess"]
    assert (found["status"], found["reason"]) == ("not_assessed", "indicators.few_samples")


def test_a_bias_carries_its_status_and_cites_its_blocks() -> None:
    rows = [*pair("S1", 50.0, 50.5), *pair("S2", 50.0, 59.0), *pair("S3", 50.0, 50.5, item="I2")]
    common = {"lab": "A", "n_partners": 1, "n_blocks": 3, "component_labs": 2}
    whole = {"scope": "lab", "scope_id": "", "estimate": 0.3, "se": 0.1, "df": 9.0, "tau": 0.4, "n_samples": 3}
    one = {"scope": "item", "scope_id": "I2", "status": "undetermined", "reason": "bias.bridge", "n_samples": 1}
    entries = [common | whole | {"zero": "relative", "status": "assessed"}, common | one]
    bias = t.shaped(pl.DataFrame(entries, infer_schema_length=None), t.LabBias)
    found = told(rows, bias)
    facts = results(rows)
    block = dict(pairing.blocks(facts, pairing.samples(facts, PRODUCTS)).select("sample", "block").iter_rows())
    mean, item = found["A", "lab", "bias"], found["A", "item", "bias"]
    assert (mean["estimate"], mean["se"], mean["df"], mean["n"], mean["zero"]) == (0.3, 0.1, 9.0, 3, "relative")
    assert mean["evidence"][0] == block["S2"] and len(mean["evidence"]) == 3
    assert (item["status"], item["reason"], item["evidence"]) == ("undetermined", "bias.bridge", [block["S3"]])
    assert found["A", "lab", "bias_between_items"]["estimate"] == 0.4
    assert found["A", "lab", "bias_oriented"]["status"] == "not_assessed"


def test_comparison_results_on_an_item_whose_yardstick_may_inform_no_class_are_not_counted() -> None:
    rows = [
        *anchored_round("R1", {"A": 3.5, "B": 0.1}),
        *(row for n in range(20) for row in anchored_round(f"T{n}", {"A": 9.0 * (n == 0), "B": (-1.0) ** n}, item="I3")),
    ]
    register = pl.concat([REGISTER, items({"item": "I3", "upper_limit": None})])  # σR from two laboratories
    found = told(rows, register=register)
    assert [found["A", "lab", name]["estimate"] for name in ("pt_results", "pt_outliers_3")] == [1.0, 1.0]


def test_biases_that_rest_on_such_items_are_not_assessed() -> None:
    rows = [row for n in range(3) for row in pair(f"S{n}", 1.0, 2.0, labs=("A", "B"), item="I3")]
    rows += [row for n in range(3) for row in pair(f"Z{n}", 1.0, 2.0, labs=("C", "D"), item="I1")]
    scopes = [(lab, scope, of) for lab, item in (("A", "I3"), ("C", "I1")) for scope, of in (("lab", ""), ("item", item))]
    known = t.shaped(
        pl.DataFrame(
            [
                {"lab": lab, "scope": scope, "scope_id": of, "estimate": 1.0, "status": "assessed", "n_samples": 3}
                for lab, scope, of in scopes
            ]
        ),
        t.LabBias,
    )
    found = told(rows, known, register=pl.concat([REGISTER, items({"item": "I3", "upper_limit": None})]))
    status = {lab: {scope: found[lab, scope, "bias"]["status"] for scope in ("lab", "item")} for lab in "AC"}
    assert status == {"A": dict.fromkeys(("lab", "item"), "not_assessed"), "C": dict.fromkeys(("lab", "item"), "assessed")}
    assert found["A", "item", "bias"]["reason"] == "indicators.yardstick_unfit"


def test_pairs_on_such_items_make_no_excess() -> None:
    rows = [row for k in range(14) for row in pair(f"S{k}", 10.0, 10.0 + 9.0 * (k < 3), labs=("A", "B"), item="I3")]
    rows += [row for k in range(14) for row in pair(f"Z{k}", 10.0, 10.5, labs=("A", "B"), item="I1")]
    found = told(rows, register=pl.concat([REGISTER, items({"item": "I3", "upper_limit": None})]))
    assert found["A", "lab", "discrepancy_excess"]["n"] == 14
    assert found["A", "lab", "pair_outliers_2"]["estimate"] == 0.0


def test_tests_on_such_items_are_not_counted_among_those_that_may_hold_a_gross_error() -> None:
    rounds = [row for n in range(20) for row in anchored_round(f"T{n}", {"A": 0.0, "B": (-1.0) ** n}, item="I3")]
    rows = [row for k in range(14) for row in pair(f"S{k}", 10.0, 10.5, labs=("A", "B"), item="I3")]
    rows += [row for k in range(13) for row in pair(f"Z{k}", 10.0, 10.5, labs=("A", "B"), item="I1")]
    rows += [row for k in range(12) for row in pair(f"Y{k}", 10.0, 10.5, labs=("C", "D"), item="I1")]
    found = told([*rounds, *rows], register=pl.concat([REGISTER, items({"item": "I3", "upper_limit": None})]))
    assert found["A", "lab", "gross_share"]["n"] == 13
