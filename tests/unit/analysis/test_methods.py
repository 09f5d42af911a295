"""Bias of methods: found where laboratories can carry it, called confounded where they cannot."""

import numpy as np
import polars as pl
import pytest
from bias_networks import CODES, REGISTER
from facts import PRODUCTS, results

from labqa.analysis import pairing, yardsticks
from labqa.analysis.bias import fitted
from labqa.analysis.bias_settings import BiasSettings
from labqa.analysis.methods import method_bias
from labqa.core import tables as t

LABS = [f"L{k}" for k in range(10)]


def told(facts: pl.DataFrame) -> pl.DataFrame:
    samples = pairing.samples(facts, PRODUCTS)
    blocks = pairing.blocks(facts, samples)
    scale = yardsticks.yardsticks(REGISTER, blocks, pairing.pairs(facts, samples), facts)
    network = fitted(facts, samples, blocks, REGISTER, scale, BiasSettings())[2]
    found = method_bias(facts, network, BiasSettings())
    t.MethodBias.validate(found)
    return found


def rows(seed: int, *, method: dict[str, str], shift: float, n_samples: int = 150, between: float = 0.4) -> pl.DataFrame:
    """Retests between any two laboratories; σR is 1; results by method B of item I1 are `shift` higher."""
    draw = np.random.default_rng(seed)
    bias = {(lab, item): draw.normal(0, between) for lab in LABS for item in CODES}
    made = []
    for k in range(n_samples):
        for item in CODES:
            level = draw.normal(50, 3)
            for lab, role in zip(draw.permutation(LABS)[:2], ("original", "retest"), strict=True):
                used = method[lab] if item == "I1" else "A"
                value = level + bias[lab, item] + (shift if used == "B" else 0.0) + draw.normal(0, 0.5)
                given = {"lab": str(lab), "role": role, "value": float(value), "u": None, "method": used}
                made.append(
                    {"sample": f"S{k:04d}{item}", "item": item, "trigger": "planned" if role == "retest" else None, **given}
                )
    return results(made)


HALF = {lab: "AB"[k % 2] for k, lab in enumerate(LABS)}


def test_a_method_that_reads_high_is_found():
    found = told(rows(1, method=HALF, shift=1.5))
    assert found.select("item", "method").rows() == [("I1", "A"), ("I1", "B")], "other items have one method and no row"
    high = found.row(1, named=True)
    assert (high["status"], high["n_labs"], high["n_labs_others"]) == ("assessed", 5, 5)
    assert high["lower"] < 1.5 < high["upper"] and high["lower"] > 0 and high["q_value"] < 0.05
    assert found["estimate"][0] == pytest.approx(-high["estimate"])


def test_a_method_of_two_laboratories_is_confounded_with_them():
    found = told(rows(2, method={lab: "B" if lab in LABS[:2] else "A" for lab in LABS}, shift=1.5))
    assert set(found["reason"]) == {"methods.confounded"} and set(found["status"]) == {"undetermined"}
    assert found.select(pl.col("estimate", "se", "lower", "p_value", "q_value").is_null().all()).row(0) == (True,) * 5


def test_one_method_gives_no_rows():
    assert told(rows(3, method=dict.fromkeys(LABS, "A"), shift=0.0)).is_empty()


def test_the_order_of_rows_changes_nothing():
    made = rows(4, method=HALF, shift=0.5)
    assert told(made).equals(told(made.reverse()))


def test_methods_without_a_difference_are_covered():
    """One laboratory is off by 3 σR and must not carry its method with it."""
    inside = []
    for seed in range(40):
        made = (
            rows(100 + seed, method=HALF, shift=0.0).with_columns(
                value=pl.when((pl.col("lab") == "L1") & (pl.col("item") == "I1")).then(pl.col("value") + 3.0).otherwise("value")
            )
            if seed % 2
            else rows(100 + seed, method=HALF, shift=0.0)
        )
        row = told(made).row(1, named=True)
        inside.append(row["lower"] <= 0.0 <= row["upper"])
    assert np.mean(inside) >= 0.88  # 40 networks: standard error 3.4 points
