"""Each screen finds what was planted and stays silent on what chance makes."""

import json
from datetime import date

import numpy as np
import polars as pl
import pytest
from facts import items, pair, results

from labqa.analysis import discrepancy, integrity, occasions, pairing, yardsticks
from labqa.core import tables as t
from labqa.core.wording.catalogue import Message

NAMES = [f"I{k}" for k in range(1, 7)]
REGISTER = items(*({"item": name, "reproducibility_constant": 2.8} for name in NAMES))
PRODUCTS = t.empty(t.Products)
NO_CAPABILITY = t.empty(t.Capabilities)


def flagged(
    rows: list[dict], capabilities: pl.DataFrame = NO_CAPABILITY, register: pl.DataFrame = REGISTER
) -> dict[str, list[dict]]:
    facts = results(rows)
    samples = pairing.samples(facts, PRODUCTS)
    blocks, pairs = pairing.blocks(facts, samples), pairing.pairs(facts, samples)
    scale = yardsticks.yardsticks(register, blocks, pairs, facts)
    scored = discrepancy.discrepancies(pairs, register, scale, facts)
    found = integrity.flags(facts, samples, register, capabilities, pairs, scored, scale)
    t.Flags.validate(found)
    by_rule: dict[str, list[dict]] = {}
    for row in found.iter_rows(named=True):
        by_rule.setdefault(row["rule"].removeprefix("integrity."), []).append(row)
        assert all(Message.from_json(row["message"]).text(language) for language in ("zh", "en"))
    return by_rule


def ordinary(n: int = 60, *, seed: int = 1) -> list[dict]:
    """Samples of six items, values of four digits, original and retest by two of five laboratories."""
    rng = np.random.default_rng(seed)
    rows = []
    for k in range(n):
        labs = tuple(f"L{one}" for one in rng.choice(5, 2, replace=False))
        level = rng.uniform(100, 900, 6)
        for name, x in zip(NAMES, level, strict=True):
            rows += pair(f"S{k:03d}", round(x + rng.normal(), 1), round(x + rng.normal(), 1), labs=labs, item=name)  # type: ignore[arg-type]
    return rows


def test_ordinary_work_raises_no_flag() -> None:
    assert flagged(ordinary(150)) == {}


def test_the_sampler_that_tests_itself() -> None:
    rows = pair("S", 50.0, 51.0, sampler="A")
    (flag,) = flagged(rows)["sampler_is_tester"]
    assert flag["lab"] == "A"
    assert "sampler_is_tester" not in flagged(pair("S", 50.0, 51.0, sampler="B"))


def test_work_outside_the_capability() -> None:
    terms = {"valid_from": [date(2018, 1, 1)] * 2, "valid_to": [date(2018, 6, 30), None]}
    held = t.shaped(pl.DataFrame({"lab": ["A", "B"], "family": ["01.02", "09.09"]} | terms), t.Capabilities)
    inside = [row | {"tested_on": date(2018, 5, 1)} for row in pair("S", 50.0, 51.0)]
    late = [row | {"sample": "T", "tested_on": date(2018, 7, 1)} for row in inside]
    assert [flag["lab"] for flag in flagged(inside, held)["outside_capability"]] == ["B"]
    assert [flag["lab"] for flag in flagged(inside + late, held)["outside_capability"]] == ["A", "B"]
    unregistered = flagged(pair("S", 50.0, 51.0, labs=("X", "Y")), held)
    assert "outside_capability" not in unregistered


def test_a_unit_slip_names_the_factor() -> None:
    (flag,) = flagged(pair("S", 50.0, 50_200.0))["unit_slip"]
    assert json.loads(flag["message"])["values"]["factor"] == 1000
    assert flag["lab"] is None
    assert "unit_slip" not in flagged(pair("S", 50.0, 70.0))


def test_interchanged_samples() -> None:
    rows = ordinary()
    mine = [row for row in rows if row["role"] == "retest" and row["lab"] == "L1"]
    a, b = sorted({row["sample"] for row in mine})[:2]
    swapped = [
        row | {"sample": {a: b, b: a}[row["sample"]]} if row in mine and row["sample"] in (a, b) else row for row in rows
    ]
    found = flagged(swapped)["sample_swap"]
    assert {(flag["lab"], flag["sample"]) for flag in found} == {("L1", a), ("L1", b)}


def test_a_biased_laboratory_is_no_swap() -> None:
    rows = [row | {"value": row["value"] + 9.0} if row["lab"] == "L1" else row for row in ordinary()]
    assert "sample_swap" not in flagged(rows)


def test_a_copied_vector() -> None:
    rows = ordinary()
    originals = [row for row in rows if row["role"] == "original" and row["lab"] == "L2"]
    source, target = sorted({row["sample"] for row in originals})[:2]
    values = {row["item"]: row["value"] for row in originals if row["sample"] == source}
    for row in originals:
        if row["sample"] == target:
            row["value"] = values[row["item"]]
    (flag,) = flagged(rows)["copied_vector"]
    assert flag["lab"] == "L2"
    assert source in flag["message"] and target in flag["message"]


def test_coarse_values_that_repeat_by_chance_are_no_copy() -> None:
    rows = [row | {"value": round(row["value"] / 400.0) * 1.0} for row in ordinary(150)]
    assert "copied_vector" not in flagged(rows)


def test_retests_that_repeat_the_original() -> None:
    rows = ordinary()
    first = {(row["sample"], row["item"]): row["value"] for row in rows if row["role"] == "original"}
    echoing = [
        row | {"value": first[row["sample"], row["item"]]} if row["role"] == "retest" and row["lab"] == "L3" else row
        for row in rows
    ]
    (flag,) = flagged(echoing)["identical_to_original"]
    assert flag["lab"] == "L3"


def test_too_few_retests_are_not_judged_for_repetition() -> None:
    rows = ordinary()
    first = {(row["sample"], row["item"]): row["value"] for row in rows if row["role"] == "original"}
    mine = [row for row in rows if row["role"] == "retest" and row["lab"] == "L3"]
    few = {id(row) for row in mine[:9]}
    kept = [
        row | ({"value": first[row["sample"], row["item"]]} if id(row) in few else {})
        for row in rows
        if id(row) in few or row["role"] == "original" or row["lab"] != "L3"
    ]
    assert "identical_to_original" not in flagged(kept)


def test_coarse_retests_repeat_the_original_at_every_laboratory() -> None:
    rows = [row | {"value": float(round(row["value"] / 20.0))} for row in ordinary(200)]
    assert "identical_to_original" not in flagged(rows)


def test_a_factor_of_two_is_no_unit_slip_however_wide_the_limit() -> None:
    wide = items({"item": "I1", "reproducibility_constant": 2.0})
    slip = flagged(pair("S", 2.5, 25.6), register=wide)["unit_slip"]
    assert len(slip) == 1 and "unit_slip" not in flagged(pair("S", 2.5, 11.0), register=wide)


LIMITED = items(
    {"item": "I1", "upper_limit": 50.0, "upper_inclusive": True, "reproducibility_constant": 8.4},
    {"item": "I2", "lower_limit": 8.0, "lower_inclusive": False, "reproducibility_constant": 1.4},
)


def near_limits(n: int = 800, *, seed: int = 3, heaping: str = "", habit: str = "L1", labs: int = 5) -> list[dict]:
    """Single results of two items around their limits; `heaping` moves those just beyond inside, `habit` rounds to 0 and 5."""
    rng = np.random.default_rng(seed)
    rows = []
    for lab in (f"L{k}" for k in range(labs)):
        high, low = np.exp(rng.normal(3.7, 0.25, n)), rng.normal(9.0, 1.0, n)
        if lab == heaping:
            high = np.where((high > 50) & (high < 50.9), 50 - rng.uniform(0.05, 0.9, n), high)
            low = np.where((low < 8) & (low > 7.85), 8 + rng.uniform(0.02, 0.15, n), low)
        grid = 0.05 if lab == habit else 0.01
        for item, column in (("I1", high), ("I2", low)):
            values = np.round(np.rint(column / grid) * grid, 2)
            rows += [
                {"sample": f"{lab}{item}{k}", "lab": lab, "role": "original", "item": item, "value": x, "decimals": 2}
                for k, x in enumerate(values.tolist())
            ]
    return rows


def test_results_that_heap_just_inside_the_limits() -> None:
    (flag,) = flagged(near_limits(heaping="L3"), register=LIMITED)["heaping"]
    assert flag["lab"] == "L3" and flag["sample"] is None and len(flag["evidence"]) > 20


def test_smooth_results_round_ones_among_them_heap_nowhere() -> None:
    assert flagged(near_limits(), register=LIMITED) == {}


def test_a_step_that_all_laboratories_show_is_nobodys() -> None:
    rows = [row for seed in range(4) for row in near_limits(seed=seed, heaping="L3", labs=4)]
    steered = [row | {"lab": f"L{k % 4}", "sample": f"S{k}"} for k, row in enumerate(row for row in rows if row["lab"] == "L3")]
    assert "heaping" not in flagged(steered, register=LIMITED)


def test_too_few_results_near_a_limit_are_not_judged() -> None:
    assert flagged(near_limits(25, heaping="L3"), register=LIMITED) == {}


FINE = items({"item": "I1", "reproducibility_constant": 2.8, "repeatability_constant": 1.4})


def fine_results(n: int, *, decimals: int = 3, made_up: str = "", trimmed: str = "L2") -> list[dict]:
    """Results with digits beyond their repeatability SD 0.5; `made_up` prefers 7, `trimmed` drops the last digit 0."""
    rng = np.random.default_rng(5)
    rows = []
    for lab in (f"L{k}" for k in range(5)):
        for k in range(n):
            x = round(rng.normal(50.0, 2.0), decimals)
            if lab == made_up and rng.random() < 0.3:
                x = round(x, decimals - 1) + 7 * 10.0**-decimals
            x = round(x, decimals)
            written = len(str(x).partition(".")[2]) if lab == trimmed else decimals
            rows.append({"sample": f"{lab}{k}", "lab": lab, "role": "original", "value": x, "decimals": written})
    return rows


def test_invented_last_digits() -> None:
    (flag,) = flagged(fine_results(150, made_up="L3"), register=FINE)["digits"]
    assert flag["lab"] == "L3" and json.loads(flag["message"])["values"]["digit"] == 7


def test_even_last_digits_and_dropped_zeros_raise_no_flag() -> None:
    assert flagged(fine_results(400), register=FINE) == {}


def test_digits_within_the_repeatability_or_too_few_are_not_judged() -> None:
    assert flagged(fine_results(150, decimals=2, made_up="L3"), register=FINE) == {}
    assert flagged(fine_results(25, made_up="L3"), register=FINE) == {}
    unknown = items({"item": "I1", "reproducibility_constant": 2.8})
    assert flagged(fine_results(150, made_up="L3"), register=unknown) == {}


def replicated(n: int, *, decimals: int = 2, narrow: str = "", share: float = 0.1) -> list[dict]:
    """Duplicates of σr 0.5 by five laboratories, that of `narrow` being `share` of it."""
    rng = np.random.default_rng(6)
    rows = []
    for lab in (f"L{k}" for k in range(5)):
        sd = 0.5 * (share if lab == narrow else 1.0)
        for k in range(n):
            level = rng.normal(50.0, 5.0)
            rows += [
                {"sample": f"{lab}{k}", "lab": lab, "role": "original", "replicate": j, "decimals": decimals}
                | {"value": round(level + rng.normal(0.0, sd), decimals)}
                for j in (1, 2)
            ]
    return rows


def test_replicates_too_alike_for_the_method() -> None:
    (flag,) = flagged(replicated(40, narrow="L3"), register=FINE)["narrow_replicates"]
    assert flag["lab"] == "L3" and json.loads(flag["message"])["values"]["n"] == 40


def test_ordinary_precise_rounded_and_few_replicates_raise_no_flag() -> None:
    assert flagged(replicated(60), register=FINE) == {}
    assert flagged(replicated(60, narrow="L3", share=0.5), register=FINE) == {}, "half of σr is a good laboratory"
    assert flagged(replicated(60, decimals=0), register=FINE) == {}, "rounding makes ties"
    assert flagged(replicated(2, narrow="L3"), register=FINE) == {}


@pytest.mark.parametrize("occasion", ["originals", "retests", "late"])
def test_a_laboratory_that_differs_between_occasions_is_named_with_its_figures(occasion: str) -> None:
    told = {"lab": "A", "occasion": occasion, "estimate": 2.04, "se": 0.3, "df": 50.0, "lower": 1.44, "upper": 2.64}
    told |= {"n_samples": 8, "n_others": 10, "evidence": ["b1", "b2"], "p_value": 0.00213}
    facts = results(pair("S", 50.0, 51.0))
    samples = pairing.samples(facts, PRODUCTS)
    blocks, pairs = pairing.blocks(facts, samples), pairing.pairs(facts, samples)
    scale = yardsticks.yardsticks(REGISTER, blocks, pairs, facts)
    scored = discrepancy.discrepancies(pairs, REGISTER, scale, facts)
    differ = pl.DataFrame([told], schema=occasions.NONE.schema)
    found = integrity.flags(facts, samples, REGISTER, NO_CAPABILITY, pairs, scored, scale, differ=differ)
    row = found.filter(rule=f"integrity.{occasion}_differ").row(0, named=True)
    assert (row["lab"], row["sample"], row["evidence"]) == ("A", None, ["b1", "b2"])
    message = Message.from_json(row["message"])
    for language in ("zh", "en"):
        sentence = message.text(language)
        assert all(figure in sentence for figure in ("+2.0", "+1.4", "+2.6", "8", "10", "0.0021")), sentence
