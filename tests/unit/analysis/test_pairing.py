"""What makes a test, a block and a pair."""

import polars as pl
import pytest
from facts import PRODUCTS, pair, results

from labqa.analysis import pairing
from labqa.core import tables as t


def block_kind(rows: list[dict]) -> dict:
    facts = results(rows)
    return pairing.blocks(facts, pairing.samples(facts, PRODUCTS)).row(0, named=True)


def one(lab: str | None, role: str, value: float | None = 1.0, **extra: object) -> dict:
    return {"sample": "S", "lab": lab, "role": role, "value": value, **extra}


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        ([one("A", "original")], "single"),
        ([one("A", "original"), one("B", "retest")], "pair"),
        ([one("A", "original"), one("A", "retest")], "duplicate"),
        ([one("A", "original"), one(None, "retest")], "duplicate"),
        ([one(None, "original"), one(None, "retest")], "duplicate"),
        ([one("A", "original"), one("B", "retest"), one("C", "referee")], "multiple"),
        ([one("A", "original"), one("B", "referee")], "multiple"),
        ([one("A", "pt"), one("B", "pt")], "multiple"),
        ([one("A", "pt"), one(None, "assigned")], "single"),
        ([one("A", "original"), one("A", "original", replicate=2)], "duplicate"),
    ],
)
def test_block_kinds(rows: list[dict], kind: str) -> None:
    assert block_kind(rows)["kind"] == kind


def test_an_assigned_value_anchors_and_is_no_laboratory() -> None:
    found = block_kind([one("A", "pt", 9.0), one("B", "pt", 11.0), one(None, "assigned", 50.0)])
    assert (found["anchored"], found["n_labs"], found["n_results"], found["n_quantified"], found["level"]) == (
        True,
        2,
        2,
        2,
        10.0,
    )


def test_replicates_of_two_laboratories_are_averaged_and_go_by_the_first() -> None:
    rows = [
        one("A", "original", 1.0),
        one("A", "original", 2.0, replicate=2),
        one("B", "retest", 4.0),
        one("B", "retest", 8.0, replicate=2),
    ]
    facts = results(rows)
    found = pairing.pairs(facts, pairing.samples(facts, PRODUCTS)).row(0, named=True)
    assert (found["original_value"], found["retest_value"]) == (1.5, 6.0)
    assert (found["original_result"], found["retest_result"]) == (facts["result"][0], facts["result"][2])


def test_retests_within_a_laboratory_count_by_replicate() -> None:
    rows = [one("A", "original", 1.0), *(one("A", "retest", float(k), replicate=k) for k in (3, 1, 2))]
    facts = results(rows)
    found = pairing.pairs(facts, pairing.samples(facts, PRODUCTS))
    assert found["order"].to_list() == [1, 2, 3]
    assert found["retest_value"].to_list() == [1.0, 2.0, 3.0]
    assert set(found["kind"]) == {"duplicate"}


def test_a_referee_comes_after_the_retests() -> None:
    rows = [one("A", "original", 1.0), one("C", "referee", 3.0), one("B", "retest", 2.0)]
    facts = results(rows)
    found = pairing.pairs(facts, pairing.samples(facts, PRODUCTS))
    assert found.select("order", "role", "retest_value").rows() == [(1, "retest", 2.0), (2, "referee", 3.0)]


def test_only_the_last_revision_counts_and_not_applicable_is_no_result() -> None:
    rows = [
        *pair("S", 1.0, 2.0),
        one("B", "retest", 5.0, revision=1, trigger="planned"),
        one("A", "original", None, qualifier="not_applicable", item="I2"),
    ]
    facts = results(rows)
    samples = pairing.samples(facts, PRODUCTS)
    assert pairing.pairs(facts, samples)["retest_value"].to_list() == [5.0]
    assert pairing.blocks(facts, samples)["item"].to_list() == ["I1"]
    assert samples["n_results"].to_list() == [2]


def test_a_result_taken_back_brings_none_of_its_revisions_back() -> None:
    taken_back = one("B", "retest", None, revision=1, trigger="planned", qualifier="not_applicable")
    facts = results([*pair("S", 1.0, 2.0), taken_back])
    samples = pairing.samples(facts, PRODUCTS)
    assert pairing.pairs(facts, samples).is_empty()
    assert pairing.blocks(facts, samples)["kind"].to_list() == ["single"]
    assert pairing.in_force(facts)["revision"].to_list() == [0, 1]


def test_results_arranged_once_are_not_sorted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [one(lab, role, sample=sample, item=item)
            for sample in ("S2", "S10") for item in ("B", "A") for lab, role in
            ((None, "assigned"), ("C", "pt"), (None, "retest"), ("B", "retest"), ("A", "original"))]  # fmt: skip
    rows += [one("A", "original", sample="S1", qualifier="not_applicable", value=None)]
    mixed = results(rows)
    roles = {"original": 0, "retest": 1, "pt": 3, "assigned": 4}
    key = lambda row: (row["sample"], row["item"], roles[row["role"]], row["lab"] is None, row["lab"] or "")  # noqa: E731
    expected = sorted((row for row in mixed.iter_rows(named=True) if row["qualifier"] != "not_applicable"), key=key)
    assert pairing.current(mixed)["result"].to_list() == [row["result"] for row in expected]
    kept = pairing.arranged(mixed.sample(fraction=1, shuffle=True, seed=1))
    assert kept.equals(pairing.arranged(mixed)) and kept.columns == mixed.columns
    monkeypatch.delattr(pl.DataFrame, "sort")
    assert pairing.current(kept)["result"].to_list() == [row["result"] for row in expected]


def test_any_censored_replicate_makes_an_interval() -> None:
    censored = one("A", "original", None, replicate=2, qualifier="below", lower=0.0, upper=0.5)
    facts = results([one("A", "original", 1.0), censored, one("B", "retest")])
    found = pairing.tests(facts).row(0, named=True)
    assert (found["qualifier"], found["value"], found["lower"], found["upper"], found["n"]) == ("below", None, 0.5, 0.75, 2)


def test_family_from_register_else_from_the_code() -> None:
    register = pl.DataFrame({"product": ["01.02.03.04"], "family": ["X"], "name_zh": [None], "name_en": [None]})
    facts = results([one("A", "original"), {**one("A", "original"), "sample": "T", "product": "07.08.09.01"}])
    assert pairing.samples(facts, t.shaped(register, t.Products))["family"].to_list() == ["X", "07.08"]


def test_contracts() -> None:
    facts = results([*pair("S", 1.0, 2.0), *pair("T", 1.0, 2.0, labs=("A", "A"))])
    samples = pairing.samples(facts, PRODUCTS)
    t.Samples.validate(samples)
    t.Blocks.validate(pairing.blocks(facts, samples))
    t.Pairs.validate(pairing.pairs(facts, samples))
    assert pairing.pairs(t.empty(t.Results), t.empty(t.Samples)).is_empty()
    assert pairing.blocks(t.empty(t.Results), t.empty(t.Samples)).is_empty()
