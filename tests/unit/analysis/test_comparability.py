"""LAB_CONTRASTS of small networks with known biases, and what is said of one pair."""

import numpy as np
import polars as pl
import pytest
from bias_networks import REGISTER, network
from facts import PRODUCTS, results

from labqa.analysis import pairing, yardsticks
from labqa.analysis.bias import fitted
from labqa.analysis.bias_settings import BiasSettings
from labqa.analysis.comparability import lab_contrasts
from labqa.analysis.explanation import explanation
from labqa.core import tables as t

BIASES = {"A": 0.0, "B": 0.4, "C": -0.4, "D": 0.2, "E": 0.0, "F": -0.2}


def contrasts(rows, **settings):
    facts = results(rows)
    samples = pairing.samples(facts, PRODUCTS)
    blocks = pairing.blocks(facts, samples)
    scale = yardsticks.yardsticks(REGISTER, blocks, pairing.pairs(facts, samples), facts)
    found = lab_contrasts(
        fitted(facts, samples, blocks, REGISTER, scale, BiasSettings(**settings))[2], BiasSettings(**settings)
    )
    t.LabContrasts.validate(found)
    return found


def row(found: pl.DataFrame, lab: str, other: str) -> dict:
    return found.row(by_predicate=(pl.col("lab") == lab) & (pl.col("other") == other), named=True)


@pytest.fixture(scope="module")
def ring() -> pl.DataFrame:
    """Six laboratories, each tied to all others, and G to F alone."""
    rows = network(3, biases=BIASES, n_samples=240)
    more = network(4, biases={"F": -0.2, "G": 0.6}, n_samples=20)
    return contrasts(rows + [one | {"sample": f"G{one['sample']}"} for one in more])


def test_network_is_made_of_direct_and_indirect(ring):
    between = ring.filter((pl.col("other") != "") & (pl.col("status") == "assessed"))
    assert between.height == 15
    low, high = pl.min_horizontal("direct", "indirect"), pl.max_horizontal("direct", "indirect")
    # the robust steps weigh the direct evidence within the network a little otherwise than by itself
    assert between.select((pl.col("network") > low - 0.03) & (pl.col("network") < high + 0.03)).to_series().all()
    true = np.array([BIASES[a] - BIASES[b] for a, b in between.select("lab", "other").iter_rows()])
    for name in ("direct", "indirect", "network"):
        error = between[name].to_numpy() - true
        assert np.abs(error / between[f"{name}_se"].to_numpy()).max() < 4.0
        assert np.sqrt(np.mean(error**2)) < 0.25


def test_a_bridge_has_a_status_and_no_number(ring):
    told = row(ring, "F", "G")
    assert told["bridge"] is True
    assert (told["status"], told["reason"]) == ("undetermined", "comparability.bridge")
    assert all(told[name] is None for name in ("indirect", "indirect_se", "inconsistency", "p_value", "q_value", "agree"))
    assert told["network"] == pytest.approx(told["direct"], abs=0.02)
    assert not ring.filter((pl.col("lab") != "F") & (pl.col("other") != ""))["bridge"].any()


def test_equivalent_pairs_count_pairs_across_a_bridge(ring):
    told = row(ring, "F", "G")
    # 20 samples of 3 items: 60 pairs of results, each of weight near 1 (laboratories differ a little in theirs)
    assert told["n_samples"] == 20
    assert told["equivalent_pairs"] == pytest.approx(60, rel=0.15)
    assert told["equivalent_pairs"] == pytest.approx(1 / told["resistance"])
    zero = row(ring, "A", "")
    assert zero["reason"] == "comparability.zero_relative"
    assert zero["equivalent_pairs"] > row(ring, "G", "")["equivalent_pairs"]


def test_a_laboratory_that_is_another_for_one_partner_is_found():
    rows = network(5, biases=BIASES, n_samples=240)
    met = {one["sample"] for one in rows if one["lab"] == "A"} & {one["sample"] for one in rows if one["lab"] == "B"}
    assert len(met) > 8
    moved = [one | {"value": one["value"] + 2.0 * (one["lab"] == "B" and one["sample"] in met)} for one in rows]
    found = contrasts(moved)
    told = row(found, "A", "B")
    assert told["agree"] is False
    assert told["inconsistency"] == pytest.approx(-2.0, abs=0.6)
    off = found.filter(~pl.col("agree")).sort("p_value")
    assert off.row(0, named=True)["lab"] + off.row(0, named=True)["other"] == "AB"
    # in a network of six the loops of A–B share it, but no pair without one of the two
    assert off.select(pl.col("lab").is_in(["A", "B"]) | pl.col("other").is_in(["A", "B"])).to_series().all()
    assert contrasts(rows)["agree"].drop_nulls().all()


def test_four_laboratories_are_too_few_for_a_test():
    found = contrasts(network(6, biases=dict.fromkeys("ABCD", 0.0), n_samples=80)).filter(pl.col("other") != "")
    assert set(found["reason"]) == {"comparability.small_component"}
    assert found["p_value"].null_count() == found.height == 6
    assert found["network"].null_count() == 0


def test_a_lone_round_of_many_has_no_indirect_evidence():
    draw = np.random.default_rng(7)
    rows = [
        {"sample": f"P{k}", "item": item, "lab": lab, "role": "pt", "round": f"R{k}", "value": float(50 + draw.normal(0, 0.5))}
        for k in range(12)
        for item in ("I1", "I2", "I3")
        for lab in "ABCDEFG"
    ]
    found = contrasts(rows, robust=False).filter(pl.col("other") != "")
    assert set(found["reason"]) == {"comparability.same_blocks"}
    assert not found["bridge"].any()
    assert found["direct"].to_numpy() == pytest.approx(found["network"].to_numpy(), abs=1e-9)


def test_no_order_of_rows_moves_a_digit():
    rows = network(8, biases=BIASES, n_samples=90)
    assert contrasts(rows).equals(contrasts(rows[::-1]))


def test_nothing_to_compare_gives_no_rows():
    assert lab_contrasts(None, BiasSettings()).is_empty()


def bias_row(estimate: float, status: str = "assessed", reason: str | None = None) -> dict:
    ends = {"lower": estimate - 0.4, "upper": estimate + 0.4}
    return {"status": status, "reason": reason, "estimate": estimate, "n_blocks": 50} | ends


PAIR = {"kind": "between", "original_lab": "A", "retest_lab": "B"}
FAR = {"delta": 6.0, "sigma_R": 2.0, "category": "discrepant", "sample_suspected": False}


@pytest.mark.parametrize(
    ("changed", "bias", "agree", "verdict"),
    [
        ({}, {"A": bias_row(0.0), "B": bias_row(2.0)}, True, "retest"),
        ({}, {"A": bias_row(0.0), "B": bias_row(2.0)}, None, "retest"),
        ({}, {"A": bias_row(0.0), "B": bias_row(2.0)}, False, "inconsistent"),
        ({"category": "agree"}, {}, True, "nothing"),
        ({"sample_suspected": True}, {"A": bias_row(0.0), "B": bias_row(2.0)}, True, "sample"),
        ({}, {"A": bias_row(0.0)}, True, "untold"),
        ({}, {"A": bias_row(0.0), "B": bias_row(2.0, "undetermined", "bias.bridge")}, True, "untold"),
    ],
)
def test_what_is_said_of_a_pair(changed, bias, agree, verdict):
    told = explanation(PAIR, FAR | changed, bias, agree=agree, used=False)
    assert told is not None
    assert told.verdict == verdict
    assert told.difference == 3.0


def test_reasons_of_what_cannot_be_told_are_given():
    told = explanation(PAIR, FAR, {"A": bias_row(0.0, "not_assessed", "bias.few_samples")}, agree=None, used=True)
    assert told is not None
    assert told.unknown == (("A", "bias.few_samples"), ("B", None))


def test_two_results_of_one_laboratory_explain_nothing():
    assert explanation(PAIR | {"kind": "duplicate"}, FAR, {}, agree=None, used=False) is None
    assert explanation(PAIR, FAR | {"delta": None}, {}, agree=None, used=False) is None


def test_a_laboratory_that_is_off_throughout_does_not_hide_behind_the_sample():
    """Most items of the sample differ: the sample, unless the fit kept the block and a bias explains the difference."""
    suspected = FAR | {"sample_suspected": True}
    off = {"A": bias_row(0.0), "B": bias_row(2.9)}
    assert explanation(PAIR, suspected, off, agree=True, used=True).verdict == "retest"
    partly = explanation(PAIR, suspected | {"delta": 14.0}, off, agree=True, used=True)
    assert partly.verdict == "retest" and not partly.enough
    assert explanation(PAIR, suspected, off, agree=True, used=False).verdict == "sample"
    assert explanation(PAIR, suspected, {"A": bias_row(0.0), "B": bias_row(0.1)}, agree=True, used=True).verdict == "sample"
    untold = {"A": bias_row(0.0), "B": bias_row(2.9, "not_assessed", "bias.few_samples")}
    assert explanation(PAIR, suspected, untold, agree=True, used=True).verdict == "sample"
