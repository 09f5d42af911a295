"""What may be claimed of whom: precision only where a network separates it, spread between items, gross errors that lean."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from bias_networks import CODES, REGISTER, fitted, network
from facts import PRODUCTS, results

from labqa.analysis import pairing, yardsticks
from labqa.analysis.bias import fitted as bias_fitted
from labqa.analysis.bias_settings import BiasSettings
from labqa.analysis.comparability import lab_contrasts
from labqa.analysis.precision import lab_precision

LABS = [f"L{k:02d}" for k in range(20)]
NO_BIAS = dict.fromkeys(LABS, 0.0)


def precision(rows: list[dict[str, Any]]) -> pl.DataFrame:
    facts = results(rows)
    samples = pairing.samples(facts, PRODUCTS)
    blocks = pairing.blocks(facts, samples)
    scale = yardsticks.yardsticks(REGISTER, blocks, pairing.pairs(facts, samples), facts)
    network = bias_fitted(facts, samples, blocks, REGISTER, scale, BiasSettings())[2]
    return lab_precision(facts, network, BiasSettings())


def spread(rows: list[dict[str, Any]], lab: str, factor: float) -> list[dict[str, Any]]:
    """The rows with errors of one laboratory added, so that its SD is `factor` times as large."""
    draw = np.random.default_rng(99)
    more = 0.5 * np.sqrt(factor**2 - 1.0)
    return [one | {"value": one["value"] + draw.normal(0, more)} if one["lab"] == lab else one for one in rows]


def third_tests(rows: list[dict[str, Any]], share: float) -> list[dict[str, Any]]:
    """A referee's result on each item of the first `share` of the samples, by a laboratory that tested it neither time."""
    draw, samples = np.random.default_rng(7), sorted({one["sample"] for one in rows})
    found = list(rows)
    for sample in samples[: round(share * len(samples))]:
        taken = [one for one in rows if one["sample"] == sample]
        lab = str(draw.choice([lab for lab in LABS if lab not in {one["lab"] for one in taken}]))
        for item in CODES:
            level = next(one["value"] for one in taken if one["item"] == item)
            given = {"lab": lab, "role": "referee", "trigger": None, "value": level + draw.normal(0, 0.7), "u": None}
            found.append({"sample": sample, "item": item, **given})
    return found


ROLES_APART = [(a, b) for a in LABS[:10] for b in LABS[10:]]
"""Original laboratories against retest laboratories, the mandate's own design."""
STAR = [(a, LABS[0]) for a in LABS[1:]]


@pytest.mark.parametrize("pairs", [ROLES_APART, STAR], ids=["roles apart", "star"])
def test_a_bipartite_network_does_not_separate_precision(pairs):
    found = precision(network(21, biases=NO_BIAS, pairs=pairs, n_samples=1000))
    told = found.filter(pl.col("status") == "not_separable")
    assert set(told["reason"]) == {"precision.bipartite"}
    assert told.height == (20 if pairs == ROLES_APART else 1)  # the others of a star have one partner: not assessed
    assert not (found["status"] == "assessed").any()
    assert found["ratio"].is_null().all() and found["p_value"].is_null().all()


def test_three_percent_of_third_tests_separate_precision_and_find_the_imprecise_laboratory():
    rows = spread(network(22, biases=NO_BIAS, pairs=ROLES_APART, n_samples=1500), "L03", 2.5)
    found = precision(third_tests(rows, 0.03))
    assert set(found["reason"].drop_nulls()) <= {"precision.few_df"}  # separable, all; with 20 df, most
    assert (found["status"] == "assessed").sum() >= 10
    worst = found.sort("ratio", nulls_last=True).drop_nulls("ratio")[-1]
    assert worst["lab"].item() == "L03" and worst["lower"].item() > 1.25


def test_a_laboratory_off_by_two_either_way_with_mean_zero_is_found():
    """Two items high, two low by 2 σR: its mean says nothing, its items and their spread say all."""
    rows = network(23, biases=NO_BIAS, n_samples=900)
    for one in rows:
        if one["lab"] == "L05":
            one["value"] += {"I1": 2.0, "I2": -2.0, "I3": 0.0}[one["item"]]
    bias, _ = fitted(rows)
    whole = bias.filter((pl.col("lab") == "L05") & (pl.col("scope") == "lab"))
    assert whole["lower"].item() < 0 < whole["upper"].item()
    assert whole["tau_lower"].item() > 0.8
    others = bias.filter((pl.col("lab") != "L05") & (pl.col("scope") == "lab"))
    assert others["tau_lower"].max() < 0.5
    by_item = bias.filter((pl.col("lab") == "L05") & (pl.col("scope") == "item")).sort("scope_id")
    assert by_item["lower"][0] > 1.0 and by_item["upper"][1] < -1.0
    assert by_item["lower"][2] < 0 < by_item["upper"][2]
    # the mean of its items is less certain than that of laboratories whose items agree
    assert whole["se"].item() > 1.5 * others["se"].median()


def leaning(seed: int, share: float, size: float = 8.0) -> list[dict[str, Any]]:
    """Gross errors, all upward, in half of the laboratories, so that `share` of all results has one."""
    draw = np.random.default_rng(seed)
    rows = network(seed, biases=NO_BIAS, n_samples=900)
    careless = set(LABS[::2])
    return [
        one | {"value": one["value"] + size * (one["lab"] in careless and draw.random() < 2 * share) * draw.uniform(0.5, 1.2)}
        for one in rows
    ]


def test_one_gross_error_in_ten_on_one_side_widens_the_intervals_and_they_cover():
    bias, _ = fitted(leaning(24, 0.10))
    whole = bias.filter((pl.col("scope") == "lab") & (pl.col("status") == "assessed"))
    assert whole.height >= 15
    assert ((whole["lower"] <= 0) & (whole["upper"] >= 0)).mean() >= 0.9
    assert (whole["worst_case"] > 0).mean() > 0.4


@pytest.mark.parametrize("share", [0.2, 0.3])
def test_from_one_gross_error_in_five_on_nothing_is_claimed(share):
    bias, _ = fitted(leaning(25, share))
    assert not (bias["status"] == "assessed").any()
    assert {"bias.no_consensus"} <= set(bias["reason"].drop_nulls())
    assert bias.select("estimate", "lower", "upper", "shrunken").to_numpy().size == bias["estimate"].null_count() * 4


def test_the_same_share_on_both_sides_neither_widens_nor_refuses():
    draw = np.random.default_rng(26)
    rows = [
        one | {"value": one["value"] + (draw.random() < 0.1) * draw.choice([-7.0, 7.0])}
        for one in network(26, biases=NO_BIAS, n_samples=900)
    ]
    whole = fitted(rows)[0].filter(pl.col("scope") == "lab")
    assert set(whole["status"]) == {"assessed"} and (whole["worst_case"] == 0).mean() > 0.7


def test_where_precision_is_not_separable_the_sum_of_two_is_told():
    """A star: no σ of one laboratory, but √(σᵢ² + σⱼ²) of each partner with the hub."""
    rows = spread(network(27, biases=NO_BIAS, pairs=STAR, n_samples=570), "L03", 3.0)
    facts = results(rows)
    samples = pairing.samples(facts, PRODUCTS)
    blocks = pairing.blocks(facts, samples)
    scale = yardsticks.yardsticks(REGISTER, blocks, pairing.pairs(facts, samples), facts)
    found = lab_contrasts(bias_fitted(facts, samples, blocks, REGISTER, scale, BiasSettings())[2], BiasSettings())
    partners = found.filter(pl.col("other") != "").sort("pair_sd")
    assert partners["pair_sd"].null_count() == 0
    assert partners["other"][-1] == "L03" and partners["pair_sd_lower"][-1] > 1.0
    ordinary = partners.filter(pl.col("other") != "L03")
    assert ordinary["pair_sd"].median() == pytest.approx(np.sqrt(2) * 0.5, rel=0.12)
    truth = np.sqrt(2) * 0.5
    assert ordinary.select(pl.lit(truth).is_between("pair_sd_lower", "pair_sd_upper")).to_series().mean() >= 0.8
