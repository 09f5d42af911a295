"""Each screen finds what was planted and stays silent on what chance makes."""

import json
from datetime import date

import numpy as np
import polars as pl
from facts import items, pair, results

from labqa.analysis import discrepancy, integrity, pairing, yardsticks
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
