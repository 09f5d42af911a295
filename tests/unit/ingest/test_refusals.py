"""Refusals: each rule refuses the row that breaks it, names where, and lets all other rows pass."""

import json

import polars as pl
import pytest
from small_deliveries import deliver, original, retest

from labqa.core import tables
from labqa.core.wording.catalogue import Message


def broken(delivery):
    """(row, column, value, rule) of each refusal, without the room's name."""
    return [
        (*row[:3], row[3].removeprefix("ingest.")) for row in delivery.refusals.select("row", "column", "value", "rule").rows()
    ]


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"sample": ""}, ("sample", None, "missing")),
        ({"item": ""}, ("item", None, "missing")),
        ({"role": ""}, ("role", None, "missing")),
        ({"value": ""}, ("value", None, "missing_value")),
        ({"unit": ""}, ("unit", None, "missing_unit")),
        ({"unit": "mg/L"}, ("unit", "mg/L", "unknown_unit")),
        ({"value": "12.5 g"}, ("unit", "mg/kg", "unit_contradicts")),
        ({"value": "12;5"}, ("value", "12;5", "not_a_number")),
        ({"value": "4-5"}, ("value", "4-5", "range_for_number")),
        ({"value": "1e400"}, ("value", "1e400", "out_of_range")),
        ({"value": "-1"}, ("value", "-1", "negative_on_ratio")),
        ({"lab": "Z"}, ("lab", "Z", "unknown_lab")),
        ({"item": "Z"}, ("item", "Z", "unknown_item")),
        ({"product": "09"}, ("product", "09", "unknown_product")),
        ({"role": "first"}, ("role", "first", "word_not_allowed")),
        ({"test date": "2018-02-30"}, ("test date", "2018-02-30", "impossible_date")),
        ({"drawn on": "3/5/2018"}, ("drawn on", "3/5/2018", "impossible_date")),
        ({"round": "spring"}, ("年度", None, "missing_period")),
        ({"year": "20181"}, ("year", "20181", "not_a_whole_number")),
        ({"replicate": "0"}, ("replicate", "0", "not_a_whole_number")),
        ({"replicate": "1.5"}, ("replicate", "1.5", "not_a_whole_number")),
        ({"expanded uncertainty": "-1"}, ("expanded uncertainty", "-1", "not_a_measure")),
        ({"standard uncertainty": "inf"}, ("standard uncertainty", "inf", "not_a_measure")),
        ({"k": "0"}, ("k", "0", "not_a_measure")),
        ({"selection probability": "0"}, ("selection probability", "0", "not_a_probability")),
        ({"selection probability": "1.2"}, ("selection probability", "1.2", "not_a_probability")),
        ({"selection probability": "120%"}, ("selection probability", "120%", "not_a_probability")),
        ({"verdict": "perhaps"}, ("verdict", "perhaps", "word_not_allowed")),
        ({"retest blind": "maybe"}, ("retest blind", "maybe", "word_not_allowed")),
        ({"qualifier": "~"}, ("qualifier", "~", "word_not_allowed")),
        ({"qualifier": ">", "value": "<1"}, ("qualifier", ">", "qualifier_contradicts")),
        ({"item": "CF", "unit": "", "value": "6"}, ("value", "6", "not_a_grade")),
    ],
)
def test_a_row_that_breaks_a_rule_of_its_own(tmp_path, change, refusal):
    found = deliver(tmp_path, original(sample="other"), original(**change))
    assert broken(found) == [(3, *refusal)]
    assert found.results["row"].to_list() == [2]


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"trigger": ""}, ("trigger", None, "missing_trigger")),
        ({"trigger": "whim"}, ("trigger", "whim", "word_not_allowed")),
        ({"sample": "S9"}, ("sample", "S9", "retest_without_original")),
        ({"item": "PH", "unit": ""}, ("sample", "S1", "retest_without_original")),
        ({"test date": "2018-03-09"}, ("test date", "2018-03-09", "retest_before_original")),
        ({"lab": "A"}, ("lab", "A", "retest_same_lab")),
        ({"product": "01.02.03.05"}, ("product", "01.02.03.05", "retest_other_product")),
    ],
)
def test_a_retest_that_does_not_fit_its_original(tmp_path, change, refusal):
    found = deliver(tmp_path, original(), retest(**change))
    assert broken(found) == [(3, *refusal)]
    assert found.results["row"].to_list() == [2]


def test_a_profile_may_allow_duplicates_and_times_that_cannot_be_compared(tmp_path):
    rows = original(), retest(lab="A"), retest(**{"test date": "2018-03-09"})
    assert deliver(tmp_path, *rows).results.height == 1
    assert deliver(tmp_path, *rows, duplicates_within_lab=True, times_comparable=False).results.height == 3


def test_a_retest_inherits_what_the_original_says_of_the_sample(tmp_path):
    found = deliver(tmp_path, original(sampler="T1"), retest(round="", **{"drawn on": ""}))
    of_sample = found.results.select("round", "period", "product", "sampler", "drawn_on")
    assert of_sample.unique().height == 1
    assert found.results.filter(role="retest").row(0, named=True)["trigger"] == "planned"
    assert found.results.filter(role="original").row(0, named=True)["trigger"] is None


def test_a_retest_falls_with_its_original(tmp_path):
    found = deliver(tmp_path, original(value="x"), retest(), original(sample="S2"), retest(sample="S2"))
    assert [(row, rule) for row, _, _, rule in broken(found)] == [(2, "not_a_number"), (3, "retest_without_original")]


def test_of_two_rows_with_one_key_neither_is_taken(tmp_path):
    found = deliver(tmp_path, original(), original(value="13"), original(sample="S2"))
    assert [(row, rule) for row, _, _, rule in broken(found)] == [(2, "duplicate_key"), (3, "duplicate_key")]
    assert "2, 3" in Message.from_json(found.refusals["message"][0]).text("en")
    assert deliver(tmp_path, original(), original(value="13", replicate="2")).results.height == 2


def test_what_was_accepted_before_is_not_taken_again_and_superseded_only_with_a_reason(tmp_path):
    known = deliver(tmp_path, original(), retest()).results
    anew = {"value": "12.6", "revision": "1"}
    again = deliver(tmp_path, original(), retest(), original(**anew), retest(**anew, product="01.02.03.05"), known=known)
    refused = [(2, "already_delivered"), (3, "already_delivered")]
    refused += [(4, "revision_without_reason"), (5, "revision_without_reason")]
    assert [(row, rule) for row, _, _, rule in broken(again)] == refused
    told = Message.from_json(again.refusals.filter(row=4)["message"][0])
    for language in ("zh", "en"):
        assert "labqa correct" in told.text(language) and "--reason" in told.text(language)


def test_revisions_of_one_file_are_all_taken_and_the_last_of_them_meets_the_retest(tmp_path):
    late = original(revision="1", **{"test date": "2018-05-01"})
    found = deliver(tmp_path, original(), late, retest())
    assert [(row, rule) for row, _, _, rule in broken(found)] == [(4, "retest_before_original")]
    assert sorted(found.results["revision"]) == [0, 1]


def test_an_earlier_revision_that_comes_late_is_kept_and_holds_nothing(tmp_path):
    known = deliver(tmp_path, original(revision="2")).results
    found = deliver(tmp_path, original(value="9", **{"test date": "2018-05-01"}), retest(), known=known)
    assert broken(found) == [] and found.results.height == 2


def test_a_retest_is_met_by_an_original_of_an_earlier_delivery(tmp_path):
    known = deliver(tmp_path, original()).results
    assert deliver(tmp_path, retest(), known=known).results.height == 1
    assert broken(deliver(tmp_path, retest(lab="A"), known=known))[0][3] == "retest_same_lab"
    assert broken(deliver(tmp_path, retest(product="01.02.03.05"), known=known))[0][3] == "retest_other_product"


def test_a_sample_is_described_in_one_way(tmp_path):
    other = original(item="PH", unit="", product="01.02.03.05")
    found = deliver(tmp_path, original(), other, original(sample="S2"))
    assert [(row, rule) for row, _, _, rule in broken(found)] == [(2, "sample_contradicts"), (3, "sample_contradicts")]
    known = deliver(tmp_path, original()).results
    later = deliver(tmp_path, other, original(item="PH", unit=""), known=known)
    assert broken(later) == [(2, "product", "01.02.03.05", "sample_contradicts")]


def test_a_round_has_one_year(tmp_path):
    rows = [original(sample=f"S{n}", round="spring", year="2018") for n in (1, 2)]
    found = deliver(tmp_path, *rows, original(sample="S3", round="spring", year="2019"))
    assert broken(found) == [(4, "year", "2019", "round_in_two_periods")]
    known = deliver(tmp_path, *rows).results
    later = deliver(tmp_path, original(sample="S4", round="spring", year="2019"), known=known)
    assert broken(later) == [(2, "year", "2019", "round_in_two_periods")]


def test_a_laboratory_may_be_missing(tmp_path):
    found = deliver(tmp_path, original(lab=""))
    assert found.results["lab"].to_list() == [None]


def test_a_refusal_carries_the_sentence_and_the_whole_row(tmp_path):
    found = deliver(tmp_path, original(value="x", lab="Z"))
    assert broken(found) == [(2, "lab", "Z", "unknown_lab"), (2, "value", "x", "not_a_number")]
    assert json.loads(found.refusals["delivered"][0]) == {**original(value="x", lab="Z"), "trigger": None}
    tables.Refusals.validate(found.refusals)
    for line in found.refusals["message"]:
        message = Message.from_json(line)
        assert message.values["file"] == "delivery.csv"
        assert "{" not in message.text("zh") + message.text("en")


def test_accepted_and_refused_rows_are_the_delivered_rows(tmp_path):
    rows = [original(sample=f"S{n}", value="x" if n % 3 == 0 else str(n)) for n in range(20)]
    found = deliver(tmp_path, *rows)
    assert sorted(found.results["row"].to_list() + found.refusals["row"].unique().to_list()) == list(range(2, 22))
    assert found.n_delivered == 20


def test_uncertainties_are_standard_and_in_the_items_unit(tmp_path):
    stated = [
        ({"expanded uncertainty": "3", "k": "2"}, 1.5),
        ({"expanded uncertainty": "3"}, 1.5),
        ({"standard uncertainty": "0.4"}, 0.4),
        ({"expanded uncertainty": "300", "unit": "ug/kg", "value": "12500"}, 0.15),
    ]
    rows = [original(sample=f"S{n}", **change) for n, (change, _) in enumerate(stated)]
    u = deliver(tmp_path, *rows).results.sort("sample")["u"].to_list()
    assert u == pytest.approx([expected for _, expected in stated], rel=1e-15)


@pytest.mark.parametrize(("written", "meant"), [("0.25", 0.25), ("25%", 0.25), ("1", 1.0), ("", None)])
def test_a_selection_probability_belongs_to_a_retest(tmp_path, written, meant):
    given = {"selection probability": written}
    found = deliver(tmp_path, original(**given), retest(**given))
    assert dict(found.results.select("role", "selection_probability").iter_rows()) == {"original": None, "retest": meant}


def test_the_run_is_the_batch_or_else_the_day_of_test(tmp_path):
    found = deliver(tmp_path, original(), original(sample="S2", batch="B7"))
    assert found.results.sort("sample")["run"].to_list() == ["2018-03-10", "B7"]


def test_columns_that_are_not_read_are_named(tmp_path):
    assert deliver(tmp_path, original(remark="fine")).unread_columns == ("remark",)


def test_the_words_may_be_chinese(tmp_path):
    found = deliver(tmp_path, original(role="初检", verdict="合格"), retest(role="复检", trigger="监督复验", verdict="不合格"))
    assert found.results.sort("row").select("role", "trigger", "reported_verdict").rows() == [
        ("original", None, "conforming"),
        ("retest", "planned", "nonconforming"),
    ]


def test_results_hold_what_their_table_says(tmp_path):
    found = deliver(tmp_path, original(), retest(), original(sample="S2", value="ND"))
    tables.Results.validate(found.results)
    assert found.results.select(pl.col("file").n_unique()).item() == 1


@pytest.mark.parametrize("left_out", ["", "round", "unit", "drawn on"])
def test_a_header_among_the_rows_is_told_though_a_cell_of_it_is_empty(tmp_path, left_out):
    again = {name: name if name != left_out else "" for name in original()}
    found = deliver(tmp_path, original(), again, original(sample="S2"))
    assert found.refusals.select("row", "rule").rows() == [(3, "ingest.header_again")] and found.accepted.height == 2
